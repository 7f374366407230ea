"""Cholesky factors, eigenvalues, singular values and the polar factor.

Each decomposition of a symmetric matrix reads one triangle, as numpy and PyTorch do, and its gradient is symmetric, as
PyTorch's is: that of x as a symmetric matrix, whose two triangles change together.
Signs of vectors are numpy's; `svd_u` and `svd_vh` of one matrix belong together.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import Sample, ShapeError, op, show
from backprop_cli.engine.ops.careful import polar
from backprop_cli.engine.ops.linear import mT
from backprop_cli.engine.ops.matrices import GROUP, SPD, each_matrix, guarded, matrix_shape
from backprop_cli.engine.ops.shapes import one_shape
from backprop_cli.engine.ops.tensor import Array, Mask, Objects, Symbolic, Tensor, Words
from backprop_cli.engine.ops.triangles import ONE_TRIANGLE, lopsided, mirrored, symmetric
from backprop_cli.engine.ops.validate import choice, flag
from backprop_cli.language.model import Shape

ROUNDING = 1e-14
"""Of the largest eigenvalue or singular value, as in `words.NEARLY_SINGULAR`: values this close coincide."""


def _near(x: Array, x0: Array, uplo: str = "L", **_: object) -> Array:
    """What a change of x0 to x means for a symmetric matrix: half of it in either triangle."""
    return mirrored(x0, uplo == "U") + symmetric(x - x0)


def _cholesky_shape(x: Shape, *, upper: bool) -> Shape:
    flag("upper", upper)
    return matrix_shape("cholesky", x)


def _cholesky(x: Array, upper: bool) -> Array:
    lower = guarded(np.linalg.cholesky, np.shape(x), x)
    return np.swapaxes(lower, -1, -2) if upper else lower


def _cholesky_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, upper: bool) -> Tensor:
    """I. Murray, arXiv:1602.07527: L⁻ᵀ Φ(Lᵀ g) L⁻¹, symmetrized; Φ keeps the lower triangle and half the diagonal."""
    lower, g = (mT(xp, y), mT(xp, g)) if upper else (y, g)
    product = xp.tril(mT(xp, lower) @ xp.tril(g))
    halved = product - product * xp.eye(n=x.shape[-1]) / 2
    once = xp.solve(mT(xp, lower), halved)
    twice = xp.solve(mT(xp, lower), mT(xp, once))
    return (twice + mT(xp, twice)) / 2


def _cholesky_entry(s: Symbolic, x: Objects, upper: bool = False) -> Objects:
    lower = each_matrix(s, (x + np.swapaxes(x, -1, -2)) / 2, lambda m: m.cholesky(hermitian=False))
    return np.swapaxes(lower, -1, -2) if upper else lower


op("cholesky(x; upper=false)", "The triangular L with L @ L.T = x, of a symmetric positive definite x.",
   lambda xp, x, upper=False: _cholesky(x, upper), work=costs.cubic(3), temporary=costs.copies(1),
   shape=_cholesky_shape, vjps=_cholesky_rule,
   samples=(*SPD, Sample(((3, 3),), {"upper": True}, ("spd",))), group=GROUP,
   entry=_cholesky_entry, near=_near, kink=lopsided, convention=ONE_TRIANGLE,
   domain="cholesky needs a positive definite matrix")

# ── eigenvalues of a symmetric matrix ────────────────────────────────────────────────────────────


def _gaps(xp: Words, values: Tensor, n: int) -> Tensor:
    """1/(λ_j - λ_i) off the diagonal, 0 on it."""
    differences = xp.expand_dims(values, axis=-2) - xp.expand_dims(values, axis=-1)
    return (1 - xp.eye(n=n)) / (differences + xp.eye(n=n))


def _vectors_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, uplo: str) -> Tensor:
    inner = _gaps(xp, xp.eigvalsh(x, uplo=uplo), x.shape[-1]) * (mT(xp, y) @ g)
    whole = y @ inner @ mT(xp, y)
    return (whole + mT(xp, whole)) / 2


def _values_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, uplo: str) -> Tensor:
    vectors = xp.eigvecsh(x, uplo=uplo)
    return (vectors * xp.expand_dims(g, axis=-2)) @ mT(xp, vectors)


def _eigen_shape(name: str, x: Shape, uplo: str) -> Shape:
    choice("uplo", uplo, ("L", "U"))
    return matrix_shape(name, x)


def _eigen_kink(x: Array, uplo: str = "L") -> Mask:
    """Eigenvalues that coincide; entries that are not read."""
    values = guarded(partial(np.linalg.eigvalsh, UPLO=uplo), np.shape(x)[:-1], x)
    return lopsided(x) | _repeated(values)[..., None, None]


op("eigvalsh(x; uplo='L')", "Eigenvalues of a symmetric matrix, ascending; its lower triangle is read, or the upper.",
   lambda xp, x, uplo="L": guarded(partial(np.linalg.eigvalsh, UPLO=uplo), np.shape(x)[:-1], x),
   work=costs.cubic(15), temporary=costs.copies(2),
   shape=lambda x, *, uplo="L": _eigen_shape("eigvalsh", x, uplo)[:-1], vjps=_values_rule, has_entries=False,
   samples=SPD, group=GROUP, near=_near, kink=_eigen_kink,
   convention=f"eigenvalues that coincide have no derivative of their own; {ONE_TRIANGLE}")
op("eigvecsh(x; uplo='L')", "Eigenvectors of a symmetric matrix, as columns in the order of eigvalsh.",
   lambda xp, x, uplo="L": guarded(lambda m: np.linalg.eigh(m, uplo)[1], np.shape(x), x),
   work=costs.cubic(40), temporary=costs.copies(6),
   shape=lambda x, *, uplo="L": _eigen_shape("eigvecsh", x, uplo), vjps=_vectors_rule, has_entries=False,
   samples=SPD, group=GROUP, near=_near, domain="eigenvectors of equal eigenvalues are not unique")


def _repeated(values: Array) -> Mask:
    """Whether two in a row are the same but for the rounding of the largest, which is all that is known of each."""
    largest = np.max(np.abs(values), axis=-1, keepdims=True, initial=0.0)
    found: Mask = np.any(np.abs(np.diff(values, axis=-1)) <= ROUNDING * largest, axis=-1)
    return found


# ── singular values ──────────────────────────────────────────────────────────────────────────────


def _matrix(name: str, x: Shape) -> tuple[int, int, int]:
    """(rows, columns, singular values)."""
    if len(x) < 2:
        raise ShapeError(f"{name} takes a matrix, not {show(x)}", 0)
    return x[-2], x[-1], min(x[-2], x[-1])


def _svd(x: Array, part: int) -> Array:
    rows, columns, k = _matrix("svd", np.shape(x))
    tail = ((rows, k), (k,), (k, columns))[part]
    return guarded(lambda m: np.linalg.svd(m, full_matrices=False)[part], (*np.shape(x)[:-2], *tail), x)


def _all_parts(n: int) -> costs.Counted:
    """Whichever part is wanted, numpy makes the vectors on both sides of every matrix: n counts those of one."""
    return lambda y, x, **_: costs.copies(n)(y, x) + 2 * (costs.size(x) - costs.size(x[-2:]))


def _singular_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor) -> Tensor:
    return (xp.svd_u(x) * xp.expand_dims(g, axis=-2)) @ xp.svd_vh(x)


def _singular_gaps(xp: Words, values: Tensor, n: int) -> Tensor:
    """1/(σ_j² - σ_i²) off the diagonal, 0 on it."""
    return _gaps(xp, values**2, n)


def _skew(xp: Words, product: Tensor) -> Tensor:
    return product - mT(xp, product)


def _u_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """J. Townsend, "Differentiating the singular value decomposition" (2016); the last term for a tall x."""
    values, vh = xp.svdvals(x), xp.svd_vh(x)
    inner = _singular_gaps(xp, values, min(x.shape[-2:])) * _skew(xp, mT(xp, y) @ g)
    gradient = (y @ (inner * xp.expand_dims(values, axis=-2))) @ vh
    if x.shape[-2] <= x.shape[-1]:
        return gradient
    outside = (g - y @ (mT(xp, y) @ g)) / xp.expand_dims(values, axis=-2)
    return gradient + outside @ vh


def _vh_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """The rule of `svd_u` for the transpose of x."""
    values, u = xp.svdvals(x), xp.svd_u(x)
    inner = _singular_gaps(xp, values, min(x.shape[-2:])) * _skew(xp, y @ mT(xp, g))
    gradient = (u * xp.expand_dims(values, axis=-2)) @ (inner @ y)
    if x.shape[-1] <= x.shape[-2]:
        return gradient
    outside = (g - (g @ mT(xp, y)) @ y) / xp.expand_dims(values, axis=-1)
    return gradient + u @ outside


def _singular_kink(x: Array) -> Mask:
    """Singular values that coincide, as each of 0 does with its negative."""
    values = _svd(x, 1)
    least = np.concatenate([values, -values[..., -1:]], axis=-1)
    return np.broadcast_to(_repeated(least)[..., None, None], np.shape(x))


SVD_SAMPLES = (Sample(((3, 3),)), Sample(((3, 2),)), Sample(((2, 3),)), Sample(((2, 2, 2),)))

op("svdvals(x)", "Singular values of a matrix, descending.", lambda xp, x: _svd(x, 1),
   work=costs.cubic(60), temporary=_all_parts(2),
   shape=lambda x: (*x[:-2], _matrix("svdvals", x)[2]), vjps=_singular_rule, has_entries=False, samples=SVD_SAMPLES,
   group=GROUP, kink=_singular_kink,
   convention="a singular value of 0, or two that coincide, have no derivative of their own")
op("svd_u(x)", "Left singular vectors of a matrix, as columns in the order of svdvals.", lambda xp, x: _svd(x, 0),
   work=costs.cubic(60), temporary=_all_parts(6),
   shape=lambda x: (*x[:-1], _matrix("svd_u", x)[2]), vjps=_u_rule, has_entries=False, samples=SVD_SAMPLES, group=GROUP)
op("svd_vh(x)", "Right singular vectors of a matrix, as rows in the order of svdvals.", lambda xp, x: _svd(x, 2),
   work=costs.cubic(60), temporary=_all_parts(6),
   shape=lambda x: (*x[:-2], _matrix("svd_vh", x)[2], x[-1]), vjps=_vh_rule, has_entries=False, samples=SVD_SAMPLES,
   group=GROUP)

# ── the polar factor ─────────────────────────────────────────────────────────────────────────────


def _lyapunov(a: Array, c: Array) -> Array:
    values, vectors = np.linalg.eigh(symmetric(a))
    back = np.swapaxes(vectors, -1, -2)
    found: Array = vectors @ ((back @ c @ vectors) / (values[..., :, None] + values[..., None, :])) @ back
    return found


def _lyapunov_shape(a: Shape, c: Shape) -> Shape:
    return matrix_shape("lyapunov", one_shape("lyapunov", a, c))


def _lyapunov_rule(xp: Words, g: Tensor, y: Tensor, a: Tensor, c: Tensor) -> Tensor:
    """Of da X + a dX + dX a + X da = 0."""
    back = xp.lyapunov(a, g)
    whole = back @ mT(xp, y) + mT(xp, y) @ back
    return -(whole + mT(xp, whole)) / 2


op("lyapunov(a, c)", "The X with a @ X + X @ a = c, where a is symmetric (of any other its symmetric part counts).",
   lambda xp, a, c: guarded(_lyapunov, _lyapunov_shape(np.shape(a), np.shape(c)), a, c),
   work=costs.cubic(50), temporary=costs.copies(6), shape=_lyapunov_shape,
   vjps=(_lyapunov_rule, lambda xp, g, y, a, c: xp.lyapunov(a, g)), linear="c", has_entries=False, group=GROUP,
   domain="two eigenvalues of a add up to 0",
   samples=tuple(Sample((s, s), {}, ("spd", "real")) for s in ((3, 3), (2, 2, 2), (1, 1))))


def _polar_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """From x = y h, with h = yᵀ x symmetric (a wide x = h y): it divides by σ_i + σ_j, never by a gap.

    Kenney and Laub, SIAM J. Matrix Anal. Appl. 12 (1991) 488; the last term for what is not square.
    """
    if x.shape[-2] < x.shape[-1]:
        return mT(xp, _polar_rule(xp, mT(xp, g), mT(xp, y), mT(xp, x)))
    flipped = mT(xp, y)
    h, turn = flipped @ x, flipped @ g
    inside = y @ xp.lyapunov(h, turn - mT(xp, turn))
    return inside if x.shape[-2] == x.shape[-1] else inside + (g - y @ turn) @ xp.inv(h)


op("polar(x)", "U Vᵀ of x = U diag(σ) Vᵀ: the matrix with orthonormal columns (or rows) nearest to x.",
   lambda xp, x: polar(x), work=costs.cubic(60), temporary=costs.copies(6),
   shape=lambda x: (*x[:-2], *_matrix("polar", x)[:2]), vjps=_polar_rule, has_entries=False, samples=SVD_SAMPLES,
   group=GROUP, domain="a singular value is 0")
