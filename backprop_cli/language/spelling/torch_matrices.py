"""What PyTorch's calls of linear algebra are in our language: products, solutions, decompositions; see `rows`."""

MATRICES = """
addmm(input, mat1, mat2, beta=1, alpha=1) = beta*input + alpha*(mat1 @ mat2)
addmv(input, mat, vec, beta=1, alpha=1) = beta*input + alpha*(mat @ vec)
addr(input, vec1, vec2, beta=1, alpha=1) = beta*input + alpha*outer(vec1, vec2)
baddbmm(input, batch1, batch2, beta=1, alpha=1) = beta*input + alpha*(batch1 @ batch2)
addbmm(input, batch1, batch2, beta=1, alpha=1) = beta*input + alpha*sum(batch1 @ batch2, axis=0)
linalg.cross(input, other, dim=-1) = cross(input, other, axis=dim)
linalg.vander(x, N=none) = vander(x, N, increasing=true)
linalg.norm(A, ord=none, dim=none, keepdim=false) = norm(A, ord, axis=dim, keepdims=keepdim)
linalg.vector_norm(x, ord=2, dim=none, keepdim=false) = vector_norm(x, ord, axis=dim, keepdims=keepdim)
linalg.matrix_norm(A, ord='fro', dim=(-2,-1), keepdim=false) = matrix_norm(A, ord, axis=dim, keepdims=keepdim)
linalg.pinv(A, rcond=none, hermitian:false=false) = pinv(A, rcond)
linalg.pinv(A, rcond=none, hermitian:true) = pinv(A, rcond, hermitian=true)
linalg.pinv(A, atol:none=none, rtol=none, hermitian=false) = pinv(A, rtol)
linalg.eigvalsh(A, UPLO:'L'='L') = eigvalsh(A)
linalg.eigvalsh(A, UPLO:'U') = eigvalsh(A + stop_gradient(triu(A) + triu(A, 1).mT - A))
linalg.eigh(A, UPLO:'L'='L') = eigvalsh(A) & eigvecsh(A)
linalg.eigh(A, UPLO:'U') = eigvalsh(A, uplo='U') & eigvecsh(A, uplo='U')
linalg.svd(A, full_matrices:false) = svd_u(A) & svdvals(A) & svd_vh(A)
svd(input, some:true=true, compute_uv:true=true) = svd_u(input) & svdvals(input) & svd_vh(input).mT
triangular_solve(b, A, upper:true=true, transpose:false=false, unitriangular:false=false) = solve(triu(A), b) & A
triangular_solve(b, A, upper:true=true, transpose:true, unitriangular:false=false) = solve(triu(A).mT, b) & A
triangular_solve(b, A, upper:false, transpose:false=false, unitriangular:false=false) = solve(tril(A), b) & A
triangular_solve(b, A, upper:false, transpose:true, unitriangular:false=false) = solve(tril(A).mT, b) & A
triangular_solve(b, A, upper:true=true, transpose:false=false, unitriangular:true) =
    solve(triu(A, 1) + eye(shape(A)[-1]), b) & A
triangular_solve(b, A, upper:true=true, transpose:true, unitriangular:true) =
    solve((triu(A, 1) + eye(shape(A)[-1])).mT, b) & A
triangular_solve(b, A, upper:false, transpose:false=false, unitriangular:true) =
    solve(tril(A, -1) + eye(shape(A)[-1]), b) & A
triangular_solve(b, A, upper:false, transpose:true, unitriangular:true) =
    solve((tril(A, -1) + eye(shape(A)[-1])).mT, b) & A
linalg.matrix_power(A, n) = matrix_power(A, n)
linalg.solve(A, B, left:true=true) = solve_rows(A, B)
linalg.solve(A, B, left:false) = solve_rows(A, B, left=false)
linalg.multi_dot(tensors) = multi_dot(tensors)
mm(input, mat2) = input @ mat2
bmm(input, mat2) = input @ mat2
mv(input, vec) = input @ vec
matmul(input, other) = input @ other
linalg.matmul(input, other) = input @ other
dot(input, tensor) = input @ tensor
linalg.solve_triangular(A, B, upper:true, left:true=true, unitriangular:false=false) = solve(triu(A), B)
linalg.solve_triangular(A, B, upper:false, left:true=true, unitriangular:false=false) = solve(tril(A), B)
linalg.solve_triangular(A, B, upper:true, left:false, unitriangular:false=false) = solve(triu(A).mT, B.mT).mT
linalg.solve_triangular(A, B, upper:false, left:false, unitriangular:false=false) = solve(tril(A).mT, B.mT).mT
linalg.solve_triangular(A, B, upper:true, left:true=true, unitriangular:true) =
    solve(triu(A, 1) + eye(shape(A)[-1]), B)
linalg.solve_triangular(A, B, upper:false, left:true=true, unitriangular:true) =
    solve(tril(A, -1) + eye(shape(A)[-1]), B)
linalg.solve_triangular(A, B, upper:true, left:false, unitriangular:true) =
    solve((triu(A, 1) + eye(shape(A)[-1])).mT, B.mT).mT
linalg.solve_triangular(A, B, upper:false, left:false, unitriangular:true) =
    solve((tril(A, -1) + eye(shape(A)[-1])).mT, B.mT).mT
cholesky_solve(B, L, upper:false=false) =
    solve((L + stop_gradient(tril(L) - L)) @ (L + stop_gradient(tril(L) - L)).mT, B)
cholesky_solve(B, L, upper:true) = solve((L + stop_gradient(triu(L) - L)).mT @ (L + stop_gradient(triu(L) - L)), B)
cholesky_inverse(L, upper:false=false) = inv((L + stop_gradient(tril(L) - L)) @ (L + stop_gradient(tril(L) - L)).mT)
cholesky_inverse(L, upper:true) = inv((L + stop_gradient(triu(L) - L)).mT @ (L + stop_gradient(triu(L) - L)))
linalg.cholesky_ex(A, upper=false, check_errors=false) = cholesky(A, upper=upper) & zeros(())
linalg.inv_ex(A, check_errors=false) = inv(A) & zeros(())
linalg.solve_ex(A, B, left:true=true, check_errors=false) = solve_rows(A, B) & zeros(())
linalg.solve_ex(A, B, left:false, check_errors=false) = solve_rows(A, B, left=false) & zeros(())
pinverse(input, rcond=none) = pinv(input, rcond)
linalg.lstsq(A, B, rcond=none, driver='') = pinv(A) @ B & sum((A @ pinv(A) @ B - B)**2, axis=-2)
linalg.cond(A, p:none=none) = max(svdvals(A), axis=-1) / min(svdvals(A), axis=-1)
linalg.cond(A, p) = matrix_norm(A, p) * matrix_norm(inv(A), p)
linalg.vecdot(x, y, dim=-1) = sum(x*y, axis=dim)
outer(input, vec2) = outer(input, vec2)
ger(input, vec2) = outer(input, vec2)
linalg.diagonal(A, offset=0, dim1=-2, dim2=-1) = diagonal(A, offset, axis1=dim1, axis2=dim2)
"""
