"""What PyTorch's calls are in our language, where name, order or defaults differ; see `rows`.

`torch.f(x, ...)` and the method `x.f(...)` are one row.  A name without a row is our function of that name.
"""

_FUNCTIONAL = """
    relu relu6 leaky_relu elu selu celu gelu silu mish softplus softsign hardtanh hardsigmoid hardswish
    logsigmoid glu prelu softmax log_softmax softmin tanhshrink softshrink hardshrink threshold sigmoid tanh
    linear bilinear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d max_pool1d max_pool2d
    max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
    embedding one_hot dropout pad unfold fold interpolate
    layer_norm rms_norm batch_norm group_norm instance_norm normalize scaled_dot_product_attention
    cosine_similarity pairwise_distance mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy
    binary_cross_entropy_with_logits cross_entropy nll_loss kl_div gaussian_nll_loss hinge_embedding_loss
    triplet_margin_loss cosine_embedding_loss margin_ranking_loss poisson_nll_loss soft_margin_loss
    multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss local_response_norm pixel_shuffle upsample
    gumbel_softmax lp_pool1d lp_pool2d lp_pool3d adaptive_max_pool1d adaptive_max_pool2d hardtanh_ relu_
    dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout rrelu upsample_nearest upsample_bilinear pdist
    max_unpool1d max_unpool2d max_unpool3d pixel_unshuffle channel_shuffle
"""
FUNCTIONAL = frozenset(_FUNCTIONAL.split())
"""The names in torch.nn.functional: `F.relu` is one of them, `F.sum(0)` a method of a tensor called F."""
LAYERS = {
    **{name.replace("_", ""): name for name in FUNCTIONAL}, "kldivloss": "kl_div", "bceloss": "binary_cross_entropy",
    "bcewithlogitsloss": "binary_cross_entropy_with_logits",
}  # fmt: skip
"""The function that a layer without params calls, by its class's name in small letters: `nn.LeakyReLU`, leaky_relu."""



def layer_function(kind: str) -> str | None:
    """The function of a layer's class: `CrossEntropyLoss` cross_entropy, `SmoothL1Loss` smooth_l1_loss."""
    name = kind.lower()
    return LAYERS.get(name, LAYERS.get(name.removesuffix("loss")))


TORCH = """
add(input, other, alpha=1) = input + alpha*other
sub(input, other, alpha=1) = input - alpha*other
subtract(input, other, alpha=1) = input - alpha*other
rsub(input, other, alpha=1) = other - alpha*input
div(input, other, rounding_mode:none=none) = input / other
div(input, other, rounding_mode:'trunc') = trunc(input / other)
div(input, other, rounding_mode:'floor') = floor(input / other)
divide(input, other, rounding_mode:none=none) = input / other
divide(input, other, rounding_mode:'trunc') = trunc(input / other)
divide(input, other, rounding_mode:'floor') = floor(input / other)
floor_divide(input, other) = input // other
remainder(input, other) = input % other
fmod(input, other) = input - trunc(input / other)*other
rpow(input, other) = other ** input
float_power(input, exponent) = input ** exponent
pow(input, exponent) = input ** exponent
addcmul(input, tensor1, tensor2, value=1) = input + value*tensor1*tensor2
addcdiv(input, tensor1, tensor2, value=1) = input + value*tensor1/tensor2
addmm(input, mat1, mat2, beta=1, alpha=1) = beta*input + alpha*(mat1 @ mat2)
addmv(input, mat, vec, beta=1, alpha=1) = beta*input + alpha*(mat @ vec)
addr(input, vec1, vec2, beta=1, alpha=1) = beta*input + alpha*outer(vec1, vec2)
baddbmm(input, batch1, batch2, beta=1, alpha=1) = beta*input + alpha*(batch1 @ batch2)
addbmm(input, batch1, batch2, beta=1, alpha=1) = beta*input + alpha*sum(batch1 @ batch2, axis=0)
lerp(input, end, weight) = input + weight*(end - input)
positive(input) = input
conj(input) = input
conj_physical(input) = input
resolve_conj(input) = input
resolve_neg(input) = input
real(input) = input
clone(input) = input
alias_copy(input) = input
fill(input, value) = 0*input + value
zero_(input) = 0*input
ldexp(input, other) = input * 2**other
logaddexp2(input, other) = logaddexp(input*log(2), other*log(2))/log(2)
copysign(input, other) = abs(input) * where(other < 0, -1, 1)
special.xlog1py(input, other) = where(input == 0, 0, input*log1p(other))
special.ndtr(input) = erfc(-input/sqrt(2))/2
special.log_ndtr(input) = log(erfc(-input/sqrt(2))/2)
special.ndtri(input) = sqrt(2)*erfinv(2*input - 1)
mvlgamma(input, p) = sum(lgamma(expand_dims(input, -1) - arange(p)/2), axis=-1) + p*(p - 1)/4*log(pi)
round(input, decimals:zero=0) = round(input)
round(input, decimals) = round(input * 10.0**decimals) / 10.0**decimals
nan_to_num(input, nan=0, posinf=none, neginf=none) = nan_to_num(input, nan, posinf, neginf)
nansum(input, dim=none, keepdim=false) = nansum(input, axis=dim, keepdims=keepdim)
nanmean(input, dim=none, keepdim=false) = nanmean(input, axis=dim, keepdims=keepdim)
frac(input) = input - trunc(input)
cross(input, other, dim=-1) = cross(input, other, axis=dim)
linalg.cross(input, other, dim=-1) = cross(input, other, axis=dim)
trapezoid(y, dim:int=-1, dx=1) = trapezoid(y, dx=dx, axis=dim)
trapezoid(y, x, dim=-1) = trapezoid(y, x, axis=dim)
trapz(y, dim:int=-1, dx=1) = trapezoid(y, dx=dx, axis=dim)
trapz(y, x, dim=-1) = trapezoid(y, x, axis=dim)
cumulative_trapezoid(y, dim:int=-1, dx=1) = cumulative_trapezoid(y, dx=dx, axis=dim)
cumulative_trapezoid(y, x, dim=-1) = cumulative_trapezoid(y, x, axis=dim)
diag_embed(input, offset=0, dim1=-2, dim2=-1) = diag_embed(input, offset, axis1=dim1, axis2=dim2)
diagflat(input, offset=0) = diag(flatten(input), offset)
linalg.vander(x, N=none) = vander(x, N, increasing=true)
vander(x, N=none, increasing=false) = vander(x, N, increasing=increasing)
renorm(input, p, dim, maxnorm) = renorm(input, p, axis=dim, maxnorm=maxnorm)
cov(input, correction=1, fweights:none=none, aweights:none=none) = cov(input, ddof=correction)
corrcoef(input) = corrcoef(input)
cdist(x1, x2, p=2, compute_mode='') = cdist(x1, x2, p)
bilinear(input1, input2, weight, bias:none=none) = einsum('...i,kij,...j->...k', input1, weight, input2)
bilinear(input1, input2, weight, bias) = einsum('...i,kij,...j->...k', input1, weight, input2) + bias
exp2(input) = 2 ** input
special.exp2(input) = 2 ** input
special.expit(input) = sigmoid(input)
deg2rad(input) = input * pi / 180
rad2deg(input) = input * 180 / pi
sigmoid_(input) = sigmoid(input)
logit(input, eps:none=none) = logit(input)
logit(input, eps) = logit(clip(input, eps, 1 - eps))
special.logit(input, eps:none=none) = logit(input)
special.logit(input, eps) = logit(clip(input, eps, 1 - eps))
gt(input, other) = input > other
ge(input, other) = input >= other
lt(input, other) = input < other
le(input, other) = input <= other
eq(input, other) = input == other
ne(input, other) = input != other
greater(input, other) = input > other
less(input, other) = input < other
where(condition, input, other) = where(condition, input, other)
masked_fill(input, mask, value) = where(mask, value, input)
clamp(input, min=none, max=none) = clip(input, min, max)
clamp_min(input, min) = clip(input, min, none)
clamp_max(input, max) = clip(input, none, max)
fmax(input, other) = maximum(input, other)
fmin(input, other) = minimum(input, other)
max(input, dim:axes, keepdim=false) = max(input, axis=dim, keepdims=keepdim) & argmax(input, axis=dim,
    keepdims=keepdim)
max(input, other:tensor) = maximum(input, other)
max(input) = max(input)
min(input, dim:axes, keepdim=false) = min(input, axis=dim, keepdims=keepdim) & argmin(input, axis=dim,
    keepdims=keepdim)
min(input, other:tensor) = minimum(input, other)
min(input) = min(input)
aminmax(input, dim=none, keepdim=false) = min(input, axis=dim, keepdims=keepdim) & max(input, axis=dim,
    keepdims=keepdim)
sort(input, dim=-1, descending=false, stable=false) = sort(input, axis=dim, descending=descending) & argsort(input,
    axis=dim, descending=descending)
argsort(input, dim=-1, descending=false, stable=false) = argsort(input, axis=dim, descending=descending)
msort(input) = sort(input, axis=0)
topk(input, k, dim=-1, largest=true, sorted=true) = topk(input, k, axis=dim, largest=largest) & argtopk(input, k,
    axis=dim, largest=largest)
kthvalue(input, k, dim=-1, keepdim=false) = kthvalue(input, k, axis=dim, keepdims=keepdim) & argkthvalue(input, k,
    axis=dim, keepdims=keepdim)
median(input) = lower_median(input)
median(input, dim, keepdim=false) = lower_median(input, axis=dim, keepdims=keepdim) & arglower_median(input, axis=dim,
    keepdims=keepdim)
quantile(input, q, dim=none, keepdim=false, interpolation='linear') = quantile(input, q, axis=dim, keepdims=keepdim,
    method=interpolation)
cummax(input, dim) = cummax(input, axis=dim) & argcummax(input, axis=dim)
cummin(input, dim) = cummin(input, axis=dim) & argcummin(input, axis=dim)
sum(input, dim=none, keepdim=false) = sum(input, axis=dim, keepdims=keepdim)
mean(input, dim=none, keepdim=false) = mean(input, axis=dim, keepdims=keepdim)
std(input, unbiased:false) = std(input)
std(input, unbiased:true) = std(input, ddof=1)
std(input, dim:axes, unbiased:false, keepdim=false) = std(input, axis=dim, keepdims=keepdim)
std(input, dim:axes, unbiased:true, keepdim=false) = std(input, axis=dim, keepdims=keepdim, ddof=1)
std(input, dim=none, correction:none, keepdim=false) = std(input, axis=dim, keepdims=keepdim, ddof=1)
std(input, dim=none, correction=1, keepdim=false) = std(input, axis=dim, keepdims=keepdim, correction=correction)
var(input, unbiased:false) = var(input)
var(input, unbiased:true) = var(input, ddof=1)
var(input, dim:axes, unbiased:false, keepdim=false) = var(input, axis=dim, keepdims=keepdim)
var(input, dim:axes, unbiased:true, keepdim=false) = var(input, axis=dim, keepdims=keepdim, ddof=1)
var(input, dim=none, correction:none, keepdim=false) = var(input, axis=dim, keepdims=keepdim, ddof=1)
var(input, dim=none, correction=1, keepdim=false) = var(input, axis=dim, keepdims=keepdim, correction=correction)
var_mean(input, unbiased:false) = var(input) & mean(input)
var_mean(input, unbiased:true) = var(input, ddof=1) & mean(input)
var_mean(input, dim:axes, unbiased:false, keepdim=false) = var(input, axis=dim, keepdims=keepdim) & mean(input,
    axis=dim, keepdims=keepdim)
var_mean(input, dim:axes, unbiased:true, keepdim=false) = var(input, axis=dim, keepdims=keepdim, ddof=1) & mean(input,
    axis=dim, keepdims=keepdim)
var_mean(input, dim=none, correction:none, keepdim=false) = var(input, axis=dim, keepdims=keepdim, ddof=1) & mean(input,
    axis=dim, keepdims=keepdim)
var_mean(input, dim=none, correction=1, keepdim=false) = var(input, axis=dim, keepdims=keepdim,
    correction=correction) & mean(input, axis=dim, keepdims=keepdim)
std_mean(input, unbiased:false) = std(input) & mean(input)
std_mean(input, unbiased:true) = std(input, ddof=1) & mean(input)
std_mean(input, dim:axes, unbiased:false, keepdim=false) = std(input, axis=dim, keepdims=keepdim) & mean(input,
    axis=dim, keepdims=keepdim)
std_mean(input, dim:axes, unbiased:true, keepdim=false) = std(input, axis=dim, keepdims=keepdim, ddof=1) & mean(input,
    axis=dim, keepdims=keepdim)
std_mean(input, dim=none, correction:none, keepdim=false) = std(input, axis=dim, keepdims=keepdim, ddof=1) & mean(input,
    axis=dim, keepdims=keepdim)
std_mean(input, dim=none, correction=1, keepdim=false) = std(input, axis=dim, keepdims=keepdim,
    correction=correction) & mean(input, axis=dim, keepdims=keepdim)
softmax(input, dim=-1) = softmax(input, axis=dim)
log_softmax(input, dim=-1) = log_softmax(input, axis=dim)
softmin(input, dim=-1) = softmax(-input, axis=dim)
special.softmax(input, dim) = softmax(input, axis=dim)
special.log_softmax(input, dim) = log_softmax(input, axis=dim)
norm(input, p:'fro'='fro', dim:none=none, keepdim=false) = norm(reshape(input, -1))
norm(input, p:none, dim:none=none, keepdim=false) = norm(reshape(input, -1))
norm(input, p:'fro'='fro', dim:axes=none, keepdim=false) = norm(input, axis=dim, keepdims=keepdim)
norm(input, p:none, dim:axes=none, keepdim=false) = norm(input, axis=dim, keepdims=keepdim)
norm(input, p:'nuc', dim:axes=none, keepdim=false) = norm(input, 'nuc', axis=dim, keepdims=keepdim)
norm(input, p, dim:none=none, keepdim:false=false) = norm(reshape(input, -1), p)
norm(input, p, dim:int, keepdim=false) = norm(input, p, axis=dim, keepdims=keepdim)
norm(input, p, dim=none, keepdim=false) = vector_norm(input, p, axis=dim, keepdims=keepdim)
linalg.norm(A, ord=none, dim=none, keepdim=false) = norm(A, ord, axis=dim, keepdims=keepdim)
linalg.vector_norm(x, ord=2, dim=none, keepdim=false) = vector_norm(x, ord, axis=dim, keepdims=keepdim)
linalg.matrix_norm(A, ord='fro', dim=(-2,-1), keepdim=false) = matrix_norm(A, ord, axis=dim, keepdims=keepdim)
dist(input, other, p=2) = norm(reshape(input - other, -1), p)
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
t(input) = input.T
adjoint(input) = input.mT
transpose(input, dim0, dim1) = swapaxes(input, dim0, dim1)
swapdims(input, dim0, dim1) = swapaxes(input, dim0, dim1)
swapaxes(input, axis0, axis1) = swapaxes(input, axis0, axis1)
permute(input, *dims) = transpose(input, dims)
reshape(input, *shape) = reshape(input, shape)
view(input, *shape) = reshape(input, shape)
view_as(input, other) = reshape(input, shape(other))
reshape_as(input, other) = reshape(input, shape(other))
expand(input, *size) = broadcast_to(input, size)
expand_as(input, other) = broadcast_to(input, shape(other))
broadcast_to(input, size) = broadcast_to(input, size)
repeat(input, *repeats) = tile(input, repeats)
tile(input, *dims) = tile(input, dims)
repeat_interleave(input, repeats, dim=none) = repeat(input, repeats, axis=dim)
unsqueeze(input, dim) = expand_dims(input, axis=dim)
squeeze(input, dim=none) = squeeze(input, axis=dim)
constant_pad_nd(input, pad, value=0) = torch_pad(input, pad, 'constant', value)
sum_to_size(input, *size) = sum_to_size(input, size)
meshgrid(*tensors, indexing='ij') = meshgrid(tensors, indexing=indexing)
broadcast_tensors(*tensors) = broadcast_tensors(tensors)
combinations(input, r=2, with_replacement=false) = combinations(input, r, with_replacement=with_replacement)
flatten(input, start_dim=0, end_dim=-1) = flatten(input, start_dim, end_dim)
ravel(input) = flatten(input)
flip(input, *dims) = flip(input, axis=dims)
fliplr(input) = flip(input, axis=1)
flipud(input) = flip(input, axis=0)
roll(input, shifts, dims=none) = roll(input, shifts, axis=dims)
tril(input, diagonal=0) = tril(input, diagonal)
triu(input, diagonal=0) = triu(input, diagonal)
diag(input, diagonal=0) = diag(input, diagonal)
diagonal(input, offset=0, dim1=0, dim2=1) = diagonal(input, offset, axis1=dim1, axis2=dim2)
linalg.diagonal(A, offset=0, dim1=-2, dim2=-1) = diagonal(A, offset, axis1=dim1, axis2=dim2)
concat(tensors, dim=0) = concat(tensors, axis=dim)
cat(tensors, dim=0) = concat(tensors, axis=dim)
stack(tensors, dim=0) = stack(tensors, axis=dim)
split(tensor, split_size_or_sections, dim=0) = split_sizes(tensor, split_size_or_sections, axis=dim)
split_with_sizes(input, split_sizes, dim=0) = split_sizes(input, split_sizes, axis=dim)
unsafe_split(tensor, split_size, dim=0) = split_sizes(tensor, split_size, axis=dim)
unsafe_split_with_sizes(input, split_sizes, dim=0) = split_sizes(input, split_sizes, axis=dim)
split(tensor, split_size, dim=0) = split_sizes(tensor, split_size, axis=dim)
tensor_split(input, indices_or_sections, dim=0) = array_split(input, indices_or_sections, axis=dim)
chunk(input, chunks, dim=0) = chunk(input, chunks, axis=dim)
unsafe_chunk(input, chunks, dim=0) = chunk(input, chunks, axis=dim)
unbind(input, dim=0) = moveaxis(input, dim, 0)
unflatten(input, dim, sizes) = unflatten(input, dim, sizes)
rot90(input, k=1, dims=(0,1)) = rot90(input, k, axes=dims)
index_select(input, dim, index) = take(input, index, axis=dim)
gather(input, dim, index) = gather(input, index, axis=dim)
scatter(input, dim, index, src) = put_along_axis(input, index, src, axis=dim)
scatter(input, dim, index, value) = put_along_axis(input, index, value, axis=dim)
movedim(input, source, destination) = moveaxis(input, source, destination)
take(input, index) = take(reshape(input, -1), index)
take_along_dim(input, indices, dim:none=none) = take_along_axis(reshape(input, -1), reshape(indices, -1), axis=0)
take_along_dim(input, indices, dim) = take_along_axis(input, indices, axis=dim)
select(input, dim, index) = squeeze(take(input, stack([index]), axis=dim), axis=dim)
narrow(input, dim, start, length) = take(input, arange(start, start + length), axis=dim)
index_fill(input, dim, index, value) = index_fill(input, index, value, axis=dim)
index_copy(input, dim, index, source) = index_copy(input, index, source, axis=dim)
scatter_reduce(input, dim, index, src, reduce:'sum', include_self=true) = scatter_reduce(input, index, src, axis=dim,
    method='sum', include_self=include_self)
scatter_reduce(input, dim, index, src, reduce:'mean', include_self=true) = scatter_reduce(input, index, src, axis=dim,
    method='mean', include_self=include_self)
scatter_add(input, dim, index, src) = add_along_axis(input, index, src, axis=dim)
index_add(input, dim, index, source, alpha=1) = index_add(input, index, alpha*source, axis=dim)
cumsum(input, dim) = cumsum(input, axis=dim)
cumprod(input, dim) = cumprod(input, axis=dim)
zeros(*size) = zeros(size)
ones(*size) = ones(size)
full(size, fill_value) = full(fill_value=fill_value, shape=size)
eye(n, m=none) = eye(n, m)
zeros_like(input) = zeros(shape(input))
ones_like(input) = ones(shape(input))
full_like(input, fill_value) = full(fill_value=fill_value, shape=shape(input))
tensor(data) = array(data)
as_tensor(data) = array(data)
scalar_tensor(data) = array(data)
numel(input) = size(input)
layer_norm(input, normalized_shape, weight=none, bias=none, eps=1e-5) = layer_norm(input, weight, bias,
    normalized_shape=normalized_shape, eps=eps)
rms_norm(input, normalized_shape, weight=none, eps=none) = rms_norm(input, weight,
    normalized_shape=normalized_shape, eps=eps)
batch_norm(input, running_mean=none, running_var=none, weight=none, bias=none, training=false, momentum=0.1,
    eps=1e-5) = batch_norm(input, running_mean, running_var, weight, bias, training=training, eps=eps)
group_norm(input, num_groups, weight=none, bias=none, eps=1e-5) = group_norm(input, weight, bias,
    num_groups=num_groups, eps=eps)
instance_norm(input, running_mean=none, running_var=none, weight=none, bias=none, use_input_stats=true,
    momentum=0.1, eps=1e-5) = instance_norm(input, running_mean, running_var, weight, bias,
    use_input_stats=use_input_stats, eps=eps)
normalize(input, p=2, dim=1, eps=1e-12) = normalize(input, p, axis=dim, eps=eps)
cosine_similarity(x1, x2, dim=1, eps=1e-8) = cosine_similarity(x1, x2, axis=dim, eps=eps)
softplus(input, beta=1, threshold=20) = softplus(input, beta, threshold)
dropout(input, p=0.5, training:false) = input
dropout1d(input, p=0.5, training:false) = input
dropout2d(input, p=0.5, training:false) = input
dropout3d(input, p=0.5, training:false) = input
alpha_dropout(input, p=0.5, training:false=false) = input
feature_alpha_dropout(input, p=0.5, training:false=false) = input
rrelu(input, lower=1/8, upper=1/3, training:false=false) = leaky_relu(input, (lower + upper)/2)
upsample_nearest(input, size=none, scale_factor=none) = interpolate(input, size, scale_factor, mode='nearest')
upsample_bilinear(input, size=none, scale_factor=none) = interpolate(input, size, scale_factor, mode='bilinear',
    align_corners=true)
scaled_dot_product_attention(query, key, value, attn_mask:none=none, dropout_p:zero=0, is_causal=false, scale=none) =
    scaled_dot_product_attention(query, key, value, is_causal=is_causal, scale=scale)
scaled_dot_product_attention(query, key, value, attn_mask:mask, dropout_p:zero=0, is_causal=false, scale=none) =
    scaled_dot_product_attention(query, key, value, attn_mask, is_causal=is_causal, scale=scale)
scaled_dot_product_attention(query, key, value, attn_mask:tensor, dropout_p:zero=0, is_causal:false=false,
    scale:none=none) =
    softmax((query @ key.mT) / sqrt(shape(query)[-1]) + attn_mask, axis=-1) @ value ! attn_mask is read as PyTorch's of
    floats, which is added to the scores; one of true and false is written as a comparison: attn_mask=m == 1
scaled_dot_product_attention(query, key, value, attn_mask:tensor, dropout_p:zero=0, is_causal:false=false, scale=none) =
    softmax((query @ key.mT)*scale + attn_mask, axis=-1) @ value
scaled_dot_product_attention(query, key, value, attn_mask=none, dropout_p=0, is_causal=false, scale=none) =
    scaled_dot_product_attention(query, key, value, dropout_p=dropout_p)
lp_pool1d(input, norm_type, kernel_size, stride=none, ceil_mode:false=false) = avg_pool1d(input**norm_type,
    kernel_size, stride, divisor_override=1)**(1/norm_type)
lp_pool2d(input, norm_type, kernel_size, stride=none, ceil_mode:false=false) = avg_pool2d(input**norm_type,
    kernel_size, stride, divisor_override=1)**(1/norm_type)
lp_pool3d(input, norm_type, kernel_size, stride=none, ceil_mode:false=false) = avg_pool3d(input**norm_type,
    kernel_size, stride, divisor_override=1)**(1/norm_type)
block_diag(*tensors) = block_diag(tensors)
channel_shuffle(input, groups) = channel_shuffle(input, groups)
pdist(input, p=2) = pdist(input, p)
interpolate(input, size=none, scale_factor=none, mode='nearest', align_corners=none, recompute_scale_factor:none=none,
    antialias:false=false) = interpolate(input, size, scale_factor, mode=mode, align_corners=align_corners)
interpolate(input, size=none, scale_factor=none, mode='nearest', align_corners=none, recompute_scale_factor:false,
    antialias:false=false) = interpolate(input, size, scale_factor, mode=mode, align_corners=align_corners)
pixel_shuffle(input, upscale_factor) = pixel_shuffle(input, upscale_factor)
pixel_unshuffle(input, downscale_factor) = pixel_unshuffle(input, downscale_factor)
local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1) = local_response_norm(input, size, alpha, beta,
    bias=k)
multilabel_soft_margin_loss(input, target, weight:none=none, reduction:'mean'='mean') = mean(-(target*logsigmoid(input)
    + (1 - target)*logsigmoid(-input)))
multilabel_soft_margin_loss(input, target, weight:none=none, reduction:'sum') = sum(mean(-(target*logsigmoid(input)
    + (1 - target)*logsigmoid(-input)), axis=-1))
multilabel_soft_margin_loss(input, target, weight:none=none, reduction:'none') = mean(-(target*logsigmoid(input)
    + (1 - target)*logsigmoid(-input)), axis=-1)
pad(input, pad, mode='constant', value=none) = torch_pad(input, pad, mode, value)
relu_(input) = relu(input)
"""
