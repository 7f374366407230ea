"""norm and standardize."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import ParameterError, Rule, Sample, axes_of, count, op
from backprop_cli.engine.ops.reduction import (
    SAMPLES,
    Counting,
    _Exact,
    extreme_shape,
    fold,
    reduction,
    restored,
    shape_of,
    variance,
)
from backprop_cli.engine.ops.tensor import Array, Axes, Mask, Objects, Order, Real, Symbolic, Tensor, Whole, Words, word
from backprop_cli.engine.ops.validate import choice, number
from backprop_cli.language.model import Shape

MATRIX_ORDERS = ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)


def _order(order: Order) -> Any:
    """The order in a plain form, also where a formula's exact infinity stands for it."""
    text = str(getattr(order, "expr", order))
    return {"oo": math.inf, "-oo": -math.inf}.get(text, order)


def is_matrix(order: object, axis: Axes, rank: int) -> bool:
    """Whether numpy takes the norm as one of matrices: an order is given, and two axes."""
    return order not in (None, "fro") and len(axes_of(axis, rank)) == 2


def turned(order: Order, axis: Axes, rank: int) -> Order:
    """The order of a norm of matrices whose rows are the last axis: sums along rows and columns change places."""
    if isinstance(axis, tuple) and len(axis) == 2 and axis[0] % rank > axis[1] % rank and order in TURNED:
        return TURNED[order]
    return order


TURNED: Mapping[Order, float] = {1: math.inf, -1: -math.inf, math.inf: 1, -math.inf: -1}


def norm_shape(x: Shape, *, ord: Order, axis: Axes, keepdims: bool) -> Shape:  # noqa: A002 (numpy's name)
    """The shape of a reduction; numpy's rules say which orders fit how many axes."""
    axes = axes_of(axis, len(x))
    if is_matrix(ord, axis, len(x)):
        choice("ord", ord, MATRIX_ORDERS)
        if axes != (len(x) - 2, len(x) - 1):
            raise ParameterError("axis", "a norm of matrices is taken over the last two axes; matrix_norm takes others")
    elif ord == "fro":
        if len(axes) < 2:
            raise ParameterError("ord", "'fro' is a norm of matrices; leave ord out for vectors")
    elif ord is not None:
        number("ord", ord)
        if len(axes) > 2:
            raise ParameterError("ord", "an order needs vectors or matrices: name the axis, or leave ord out")
    if is_matrix(ord, axis, len(x)):
        extreme_shape(x, axis=_compared(turned(ord, axis, len(x))))
    elif ord in (math.inf, -math.inf):
        extreme_shape(x, axis=axis)
    return shape_of(x, axis=axis, keepdims=keepdims)


def _compared(order: Order) -> tuple[int, ...]:
    """The axes over which a norm of matrices takes the largest or smallest: those have entries."""
    return COMPARED.get(order, ())


COMPARED: Mapping[Order, tuple[int, ...]] = {
    1: (-1,), -1: (-1,), math.inf: (-2,), -math.inf: (-2,), 2: (-2, -1), -2: (-2, -1)}


def _matrix_norm(x: Array, order: Any, keepdims: bool) -> Array:
    try:
        found: Array = np.linalg.norm(x, order, axis=(-2, -1), keepdims=keepdims)
    except np.linalg.LinAlgError:
        return np.full(shape_of(np.shape(x), axis=(-2, -1), keepdims=keepdims), np.nan)
    return found


def norm(x: Array, order: Any, axis: Axes, keepdims: bool) -> Array:
    """numpy.linalg.norm, over all axes at once where no order is given."""
    if is_matrix(order, axis, np.ndim(x)):
        return _matrix_norm(x, turned(order, axis, np.ndim(x)), keepdims)
    if order in (None, "fro", 2):
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    size = np.abs(x)
    if order in (math.inf, -math.inf):
        extreme: Array = (np.max if order > 0 else np.min)(size, axis=axis, keepdims=keepdims)
        return extreme
    if order == 0:
        return np.sum(np.not_equal(size, 0), axis=axis, keepdims=keepdims, dtype=size.dtype)
    total: Array = np.sum(size**order, axis=axis, keepdims=keepdims)
    return total ** float(1 / order)


def _vector_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, order: Any, axis: Axes) -> Tensor:
    """`g` and `y` have the axes kept."""
    if order in (None, "fro", 2):
        return g * xp.ratio(x, y)
    if order in (math.inf, -math.inf):
        largest = xp.equal(xp.abs(x), y)
        return g * xp.sign(x) * largest / xp.sum(largest, axis=axis, keepdims=True)
    if order == 0:
        return g * xp.zeros(shape=x.shape)
    if order == 1:
        return g * xp.sign(x)
    size, plain = xp.abs(x), float(getattr(order, "expr", order))  # in formulas the order is an exact one
    slope: Tensor
    if plain < 1:
        slope = xp.ratio(y, size) ** (1 - order)
    else:  # a high power of what is at most 1 does not overflow, and a low one has an infinite slope at 0
        slope = xp.ratio(size, y) ** (order - 1) if plain >= 3 else xp.share_power(size, y, order - 1)
    return g * xp.sign(x) * slope


def _line_sums(xp: Words, g: Tensor, x: Tensor, inner: int, outer: int, extreme: str) -> Tensor:
    """The largest (smallest) of the sums of |x| along `inner`; a tie shares evenly."""
    sums = xp.sum(xp.abs(x), axis=inner, keepdims=True)
    hit = xp.equal(sums, getattr(xp, extreme)(sums, axis=outer, keepdims=True))
    return g * xp.sign(x) * hit / xp.sum(hit, axis=outer, keepdims=True)


def _largest(xp: Words, x: Tensor, extreme: str) -> Tensor:
    return word(xp, extreme)(xp.svdvals(x), axis=-1, keepdims=True)


MATRIX_RULES: Mapping[Order, Rule] = {
    "nuc": lambda xp, g, x: g * xp.polar_factor(x),
    2: lambda xp, g, x: g * xp.largest_pair(x, _largest(xp, x, "max")),
    -2: lambda xp, g, x: g * xp.smallest_pair(x, _largest(xp, x, "min")),
    1: lambda xp, g, x: _line_sums(xp, g, x, -2, -1, "max"),
    -1: lambda xp, g, x: _line_sums(xp, g, x, -2, -1, "min"),
    math.inf: lambda xp, g, x: _line_sums(xp, g, x, -1, -2, "max"),
    -math.inf: lambda xp, g, x: _line_sums(xp, g, x, -1, -2, "min"),
}


def _norm_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, ord: Order, axis: Axes,  # noqa: A002
               keepdims: bool) -> Tensor:
    order = _order(ord)
    g, y = restored(xp, g, x, axis, keepdims), restored(xp, y, x, axis, keepdims)
    if is_matrix(order, axis, len(x.shape)):
        return MATRIX_RULES[turned(order, axis, len(x.shape))](xp, g, x)
    return _vector_rule(xp, g, y, x, order, axis)


def _norm_entry(s: Any, x: Objects, ord: Order = None, axis: Axes = None,  # noqa: A002
                keepdims: bool = False) -> Objects:
    order = _order(ord)
    if is_matrix(order, axis, np.ndim(x)):
        raise NotImplementedError("singular values have no formula in general")
    if order in (math.inf, -math.inf):
        return fold(lambda *xs: (s.Max if order > 0 else s.Min)(*map(s.Abs, xs)), x, axis, keepdims)
    if order in (None, "fro", 2):
        return fold(lambda *xs: s.sqrt(sum(v**2 for v in xs)), x, axis, keepdims)
    if order == 0:
        return fold(lambda *xs: sum(s.Piecewise((1, s.Ne(v, 0)), (0, True)) for v in xs), x, axis, keepdims)
    return fold(lambda *xs: sum(s.Abs(v) ** order for v in xs) ** (s.Integer(1) / order), x, axis, keepdims)


def _norm_words(xp: object, x: Array, ord: Order = None, axis: Axes = None,  # noqa: A002
                keepdims: bool = False) -> Array:
    return norm(x, ord, axis, keepdims)


def _matrix_kink(x: Array, order: Any) -> Mask:
    """Singular values that coincide where one of them counts, or are 0 where all do; sums of |x| that tie."""
    if not np.size(x):
        return np.zeros(np.shape(x), dtype=bool)
    if order in ("nuc", 2, -2):
        s = np.linalg.svd(x, compute_uv=False)
        lost = s[..., -1] <= s[..., 0] * np.finfo(s.dtype).eps * max(np.shape(x)[-2:])
        hit = lost if order == "nuc" else np.sum(s == s[..., 0 if order == 2 else -1, None], axis=-1) > 1
        if order == -2:
            hit = hit | lost
        return np.zeros(np.shape(x), dtype=bool) | hit[..., None, None]
    inner, extreme = (-2 if order in (1, -1) else -1), np.max if order > 0 else np.min
    sums = np.sum(np.abs(x), axis=inner, keepdims=True)
    return _tied(sums == extreme(sums, axis=(-2, -1), keepdims=True), (-2, -1), x)


def _tied(at: Mask, axis: Axes, x: Array) -> Mask:
    """Where an extreme is met: more than once, or by an x that is 0."""
    times: Whole = np.sum(at, axis=axis, keepdims=True)
    found: Mask = at & ((times > 1) | (x == 0))
    return found


def _norm_kink(x: Array, ord: Any = None, axis: Axes = None, keepdims: bool = False) -> Mask:  # noqa: A002
    if is_matrix(ord, axis, np.ndim(x)):
        return _matrix_kink(x, turned(ord, axis, np.ndim(x)))
    if ord in (math.inf, -math.inf):
        return _tied(np.abs(x) == norm(x, ord, axis, True), axis, x)
    nowhere = np.zeros(np.shape(x), dtype=bool)
    if ord == 0:
        return nowhere
    plain = ord is not None and ord != "fro" and ord <= 1
    at_zero: Mask = (x if plain else norm(x, None, axis, True)) == 0
    return nowhere | at_zero


def _norm_work(y: Shape, x: Shape, *, ord: Order, axis: Axes, keepdims: bool) -> int:  # noqa: A002
    """Some norms of matrices are those of their singular values."""
    along = [int(x[a]) for a in axes_of(axis, len(x))]
    singular = _order(ord) in (2, -2, "nuc") and is_matrix(_order(ord), axis, len(x))
    return costs.size(x) * (10 * min(along) if singular else 4)


def _one_order(shape: Shape, *, ord: Order, axis: Axes, keepdims: bool) -> Mapping[str, object]:  # noqa: A002
    """Frobenius' norm is the usual one of a matrix, and order 2 that of a vector."""
    usual = ord == "fro" or _order(ord) == 2 and len(axes_of(axis, len(shape))) == 1
    return {"ord": None if usual else ord, "axis": axis, "keepdims": keepdims}


reduction("norm(x; ord=none, axis=none, keepdims=false)",
          "√Σx² over axes (default: all); `ord` as in numpy.linalg.norm, so over two axes the norms of matrices.",
          _norm_words, _norm_rule,
          samples=(*SAMPLES, *(Sample((shape,), {"ord": order, **rest}) for shape, order, rest in (
              ((4,), 1, {}), ((4,), math.inf, {}), ((4,), -math.inf, {}), ((4,), 3, {}), ((), 6, {}), ((3,), 1.5, {}),
              ((2, 3), 2, {"axis": 1}), ((2, 3), "fro", {}), ((2, 3), 1, {}), ((2, 3), -1, {}),
              ((2, 3, 2), math.inf, {"axis": (-2, -1), "keepdims": True}), ((2, 3), -math.inf, {}), ((4,), 0, {}),
              ((3, 2), "nuc", {}), ((2, 2, 3), 2, {"axis": (-2, -1)}), ((2, 3), 1, {"axis": (1, 0)}),
              ((3, 3), -2, {})))),
          shape=norm_shape, work=_norm_work, entry=_norm_entry, kink=_norm_kink, departs=_norm_kink,
          alike=_one_order,
          convention="the derivative at 0 is 0; equal extremes share it evenly")


def standardize(xp: Counting, x: Array, axis: Axes = -1, eps: Real = 1e-5) -> Array:
    """(x - mean)/√(var + eps)."""
    mean: Array = np.add.reduce(x, axis=axis, keepdims=True) / xp.size(count(np.shape(x), axis))
    deviation: Array = np.sqrt(variance(xp, x, axis, True) + eps)
    return (x - mean) / deviation


def _standardize_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, axis: Axes, eps: Real) -> Tensor:
    centered = g - xp.mean(g, axis=axis, keepdims=True) - y * xp.mean(g * y, axis=axis, keepdims=True)
    return centered / xp.sqrt(xp.var(x, axis=axis, keepdims=True) + eps)


def _standardize_entry(s: Symbolic, x: Any, axis: Axes = -1, eps: Real = 1e-5) -> Objects:
    exact = _Exact(s)
    mean = np.sum(x, axis=axis, keepdims=True) / exact.size(count(np.shape(x), axis))
    found: Objects = (x - mean) / np.frompyfunc(s.sqrt, 1, 1)(variance(exact, x, axis, True) + eps)
    return found


def standardize_shape(x: Shape, *, axis: Axes = -1, eps: Real = 1e-5) -> Shape:
    """The operand's shape, once the axes are known to exist."""
    axes_of(axis, len(x))
    number("eps", eps)
    return x


op("standardize(x; axis=-1, eps=1e-5)", "(x - mean)/√(var + eps) over axes: the heart of layer_norm and batch_norm.",
   lambda xp, x, axis=-1, eps=1e-5: standardize(xp, x, axis, eps), shape=standardize_shape, vjps=_standardize_rule,
   entry=_standardize_entry, group="networks", domain="entries that are all equal have no deviation: give an eps",
   samples=(Sample(((2, 4),)), Sample(((5,),), {"eps": 0.1}), Sample(((3, 2, 4),), {"axis": (0, 2)}),
            Sample(((4, 3),), {"axis": 0})))
