"""Functions of square matrices, or of each matrix of a batch: trace, inverse, determinants, powers, solutions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import factorial
from typing import Any

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import Sample, ShapeError, named, op, show
from backprop_cli.engine.ops.careful import cofactors, cofactors_along
from backprop_cli.engine.ops.costs import size
from backprop_cli.engine.ops.linear import mT
from backprop_cli.engine.ops.shapes import one_shape
from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.engine.ops.tensor import Array, Mask, Objects, Real, Symbolic, Tensor, Words
from backprop_cli.engine.ops.triangles import lopsided, mirrored
from backprop_cli.engine.ops.validate import flag, whole
from backprop_cli.language.model import Shape

SQUARE = (Sample(((3, 3),), {}, ("square",)), Sample(((2, 2, 2),), {}, ("square",)))
SPD = (Sample(((3, 3),), {}, ("spd",)), Sample(((2, 2, 2),), {}, ("spd",)))
GROUP = "linear algebra"


def matrix_shape(name: str, x: Shape) -> Shape:
    """The shape of a square matrix, or of a batch of them.

    Raises:
        ShapeError: it is not square.
    """
    if len(x) < 2 or x[-1] != x[-2]:
        raise ShapeError(f"{name} takes a square matrix, not {show(x)}", 0)
    return (*x[:-2], named(x[-2], x[-1]), named(x[-2], x[-1]))


def scalar_shape(name: str) -> Callable[[Shape], Shape]:
    """The shape rule of a scalar function of a square matrix."""
    return lambda x: matrix_shape(name, x)[:-2]


def over_matrices(xp: Words, value: Tensor, x: Tensor) -> Tensor:
    """A value for each matrix of a batch, with two axes of size 1: it broadcasts against the matrices `x`."""
    return value if len(x.shape) == 2 else xp.expand_dims(value, axis=(-2, -1))


def each_matrix(s: Symbolic, x: Objects, function: Callable[[Any], object]) -> Objects:
    """Apply a function of a sympy matrix to each matrix of an object array."""
    result: Objects = np.empty(x.shape[:-2], dtype=object)
    for index in np.ndindex(*result.shape):
        result[index] = function(s.Matrix(x[index].tolist()))
    if result.size and hasattr(result.flat[0], "shape"):
        made = [np.array(m.tolist(), dtype=object) for m in result.flat]
        return np.array(made, dtype=object).reshape((*x.shape[:-2], *made[0].shape))
    return result


def inverse(m: Any) -> Any:
    """The inverse of a sympy matrix, a small one by its cofactors.

    Elimination simplifies every pivot, and takes minutes over a kernel of exponentials.
    """
    return m.adjugate() / m.det() if m.rows <= 3 else m.inv()


def guarded(function: Callable[..., Array], shape: Shape, *operands: Array) -> Array:
    """A result of numpy.linalg; NaN where it refuses, so that a run names the node instead of stopping."""
    try:
        return function(*operands)
    except np.linalg.LinAlgError:
        return np.full(tuple(map(int, shape)), np.nan, dtype=np.result_type(*operands))


def _trace_shape(x: Shape) -> Shape:
    if len(x) < 2:
        raise ShapeError(f"trace takes a matrix, not {show(x)}", 0)
    return x[:-2]


def _trace_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor) -> Tensor:
    rows, columns = x.shape[-2:]
    return over_matrices(xp, g, x) * (xp.eye(n=columns) if rows == columns else xp.eye(n=rows, m=columns))


op("trace(x)", "Sum of the diagonal of a matrix.", lambda xp, x: np.trace(x, axis1=-2, axis2=-1),
   shape=_trace_shape, vjps=_trace_rule, samples=(*SQUARE, Sample(((2, 3),)), Sample(((2, 4, 3),))),
   group=GROUP, text="tr({0})", latex=r"\operatorname{{tr}}({0})", linear="x")
op("inv(x)", "Inverse of a matrix.", lambda xp, x: guarded(np.linalg.inv, np.shape(x), x),
   work=costs.cubic(8), temporary=costs.copies(1),
   shape=lambda x: matrix_shape("inv", x), vjps=lambda xp, g, y, x: -(mT(xp, y) @ g @ mT(xp, y)), samples=SPD + SQUARE,
   group=GROUP, aliases="inverse", domain="the matrix is singular: it has no inverse",
   entry=lambda s, x: each_matrix(s, x, inverse))
op("det(x)", "Determinant of a matrix.", lambda xp, x: np.linalg.det(x), work=costs.cubic(3), temporary=costs.copies(1),
   shape=scalar_shape("det"),
   vjps=lambda xp, g, y, x: over_matrices(xp, g, x) * xp.det_slope(over_matrices(xp, y, x), x),
   samples=(*SPD, *SQUARE, Sample(((1, 1),))), group=GROUP, entry=lambda s, x: each_matrix(s, x, lambda m: m.det()),
   text="det({0})", latex=r"\det({0})")
op("cofactor(x)", "The matrix of cofactors, det x · x⁻ᵀ: the gradient of det, which a singular x has, too.",
   lambda xp, x: cofactors(x), work=costs.cubic(70), temporary=costs.both(costs.plain, costs.copies(4)),
   shape=lambda x: matrix_shape("cofactor", x), vjps=lambda xp, g, y, x: xp.cofactor_slope(g, y, x),
   samples=(*SQUARE, Sample(((1, 1),))), group=GROUP,
   entry=lambda s, x: each_matrix(s, x, lambda m: m.cofactor_matrix()))


def _along_shape(x: Shape, v: Shape) -> Shape:
    return matrix_shape("cofactor_along", one_shape("cofactor_along", x, v))


def _along_again(xp: Words, g: Tensor, y: Tensor, x: Tensor, v: Tensor) -> Tensor:
    """A third derivative of det: along v it is a polynomial of degree n - 2, of which central differences are exact."""
    steps = (int(x.shape[-1]) - 1) // 2
    found: Tensor = g * 0
    for k in range(1, steps + 1):
        weight = Fraction((-1) ** (k + 1) * factorial(steps) ** 2, k * factorial(steps - k) * factorial(steps + k))
        change = xp.cofactor_along(x + k * v, g) - xp.cofactor_along(x - k * v, g)
        found = found + xp.number(weight) * change
    return found


def _along_entry(s: Symbolic, x: Objects, v: Objects) -> Objects:
    t = s.Dummy("t")
    return each_matrix(s, x + t * v, lambda m: m.cofactor_matrix().applyfunc(lambda e: s.diff(e, t).subs({t: 0})))


op("cofactor_along(x, v)", "How the cofactors of x move as x moves along v: the second derivative of det.",
   lambda xp, x, v: cofactors_along(x, v), work=costs.cubic(100), shape=_along_shape,
   temporary=costs.both(costs.plain, costs.copies(8)),
   vjps=(_along_again, lambda xp, g, y, x, v: xp.cofactor_along(x, g)), linear="v", group=GROUP, entry=_along_entry,
   samples=tuple(Sample((s, s), {}, ("square", "real")) for s in ((3, 3), (2, 2, 2), (1, 1), (4, 4))))


def _logdet(x: Array) -> Array:
    sign, value = np.linalg.slogdet(x)
    return np.where(sign > 0, value, np.where(sign == 0, -np.inf, np.nan)).astype(value.dtype)[()]


op("logdet(x)", "Logarithm of the determinant, which must be positive.", lambda xp, x: _logdet(x),
   work=costs.cubic(3), temporary=costs.copies(1),
   shape=scalar_shape("logdet"), vjps=lambda xp, g, y, x: over_matrices(xp, g, x) * mT(xp, xp.inv(x)), samples=SPD,
   group=GROUP, domain="logdet needs a positive determinant; slogdet(x)[1] takes any but 0",
   entry=lambda s, x: each_matrix(s, x, lambda m: s.log(m.det())), text="log det({0})", latex=r"\log\det({0})")


def _slogdet_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor) -> Tensor:
    return over_matrices(xp, xp.index(g, index=(1,)), x) * mT(xp, xp.inv(x))


def _slogdet_entry(s: Symbolic, x: Objects) -> Objects:
    det = each_matrix(s, x, lambda m: m.det())
    return np.stack([np.frompyfunc(s.sign, 1, 1)(det), np.frompyfunc(lambda d: s.log(s.Abs(d)), 1, 1)(det)])


op("slogdet(x)", "Sign and log |det x|, stacked: slogdet(x)[0] and slogdet(x)[1].",
   lambda xp, x: np.stack(np.linalg.slogdet(x)), work=costs.cubic(3), temporary=costs.copies(1),
   shape=lambda x: (2, *matrix_shape("slogdet", x)[:-2]),
   vjps=_slogdet_rule, samples=SQUARE, group=GROUP, entry=_slogdet_entry, domain="the matrix is singular",
   example="slogdet(x)[1]")

# ── powers ───────────────────────────────────────────────────────────────────────────────────────

FEW = 8
"""Up to this power the derivative is written out as a sum."""


def _power_shape(x: Shape, *, n: int) -> Shape:
    whole("n", n)
    return matrix_shape("matrix_power", x)


def _power_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, n: int) -> Tensor:
    """Σ_k (xᵀ)ᵏ g (xᵀ)ⁿ⁻¹⁻ᵏ; for a high power as a corner of the power of [[xᵀ, g], [0, xᵀ]]."""
    if n < 0:
        inverse = mT(xp, xp.inv(x))
        return -(inverse @ _power_rule(xp, g, y, xp.inv(x), -n) @ inverse)
    if n == 0:
        return g * xp.zeros(shape=x.shape)
    flipped = mT(xp, x)
    if n <= FEW:
        powers = [None, *(flipped if k == 1 else xp.matrix_power(flipped, n=k) for k in range(1, n))]
        terms = [_around(powers[k], g, powers[n - 1 - k]) for k in range(n)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total
    upper = xp.concat(flipped, g, axis=-1)
    lower = xp.concat(flipped * 0, flipped, axis=-1)
    return _corner(xp, xp.matrix_power(xp.concat(upper, lower, axis=-2), n=n), int(x.shape[-1]))


def _around(left: Tensor | None, g: Tensor, right: Tensor | None) -> Tensor:
    product = g if left is None else left @ g
    return product if right is None else product @ right


def _corner(xp: Words, x: Tensor, size: int) -> Tensor:
    return xp.index(x, index=(Ellipsis, Span(None, size), Span(size, None)))


def _power_work(y: Shape, x: Shape, *, n: int) -> int:
    """A product for each bit of the exponent, at most two."""
    return 2 * size(x) * int(x[-1]) * (2 * abs(n).bit_length() + 2)


op("matrix_power(x; n)", "x @ x @ ... @ x, n times; a negative n takes the inverse.",
   lambda xp, x, n: guarded(lambda m: np.linalg.matrix_power(m, n), np.shape(x), x), work=_power_work,
   shape=_power_shape,
   vjps=_power_rule, group=GROUP,
   entry=lambda s, x, n: each_matrix(s, x, lambda m: (inverse(m) if n < 0 else m) ** abs(n)),
   domain="a singular matrix has no negative power",
   samples=tuple(Sample(s.shapes, {"n": n}, s.domains) for s, n in
                 ((SQUARE[0], 3), (SQUARE[1], 2), (SQUARE[0], 1), (SQUARE[0], 0), (SPD[1], -2),
                  (Sample(((2, 2),), {}, ("open",)), 9))))

# ── the pseudo-inverse ───────────────────────────────────────────────────────────────────────────


def _pinv_shape(x: Shape, *, rcond: Real | None, hermitian: bool = False) -> Shape:
    if flag("hermitian", hermitian):
        matrix_shape("pinv of a symmetric matrix", x)
    if len(x) < 2:
        raise ShapeError(f"pinv takes a matrix, not {show(x)}", 0)
    return (*x[:-2], x[-1], x[-2])


def _pinv(x: Array, rcond: Real | None, hermitian: bool = False) -> Array:
    cut = np.finfo(np.result_type(x)).eps * max(np.shape(x)[-2:], default=1) if rcond is None else rcond
    read = mirrored(x) if hermitian else x
    return guarded(lambda m: np.linalg.pinv(m, cut), _pinv_shape(np.shape(x), rcond=None), read)


def _rank_lost(x: Array, rcond: Real | None, hermitian: bool = False) -> Mask:
    """Whether a matrix has less than full rank: next to it are matrices whose pseudo-inverse is far away."""
    if not np.size(x):
        return np.zeros(np.shape(x), dtype=bool)
    s = np.linalg.svd(mirrored(x) if hermitian else x, compute_uv=False)
    cut = np.finfo(s.dtype).eps * max(np.shape(x)[-2:]) if rcond is None else float(rcond)
    return np.zeros(np.shape(x), dtype=bool) | (s[..., -1] <= cut * s[..., 0])[..., None, None]


def _pinv_kink(x: Array, rcond: Real | None = None, hermitian: bool = False) -> Mask:
    lost = _rank_lost(x, rcond, hermitian)
    return lost | lopsided(x) if hermitian else lost


def _pinv_departs(x: Array, rcond: Real | None = None, hermitian: bool = False) -> Mask:
    """Of a symmetric matrix the gradient is PyTorch's: that of any matrix, whose triangles change by themselves."""
    lost = _rank_lost(x, rcond, hermitian)
    return lost | ~np.eye(np.shape(x)[-1], dtype=bool) | np.any(lopsided(x)) if hermitian else lost


def _pinv_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, rcond: Real | None,
               hermitian: bool = False) -> Tensor:
    """Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973) 413: three ways a change of x reaches its pseudo-inverse.

    A term vanishes where x has full rank on its side, so for shapes that rule it out it is not written.
    """
    m, n = x.shape[-2], x.shape[-1]
    flipped, back = mT(xp, y), mT(xp, g)
    inner = -(flipped @ g @ flipped)
    left = (xp.eye(n=m) - x @ y) @ back @ y @ flipped
    right = flipped @ y @ back @ (xp.eye(n=n) - y @ x)
    return inner + left + right


op("pinv(x; rcond=none, hermitian=false)",
   "Moore-Penrose pseudo-inverse; singular values below rcond times the largest count as 0; of a hermitian x the "
   "lower triangle is read.",
   lambda xp, x, rcond=None, hermitian=False: _pinv(x, rcond, hermitian), work=costs.cubic(70),
   temporary=costs.both(costs.plain, costs.copies(6)), shape=_pinv_shape, vjps=_pinv_rule, has_entries=False,
   group=GROUP, kink=_pinv_kink, departs=_pinv_departs,
   convention="the rank of the matrix is taken to stay as it is; of a hermitian one that is not symmetric, the upper "
   "triangle is not read",
   samples=(Sample(((3, 2),)), Sample(((2, 3),)), Sample(((3, 3),), {}, ("square",)), Sample(((2, 3, 2),))))
