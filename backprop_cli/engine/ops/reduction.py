"""Reductions over axes: sum, mean, max, min, logsumexp, ..."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import Op, Sample, ShapeError, axes_of, count, op, reduced, show
from backprop_cli.engine.ops.tensor import Array, Axes, Mask, Objects, Real, Scalar, Symbolic, Tensor, Whole, Words
from backprop_cli.engine.ops.validate import flag, number, whole
from backprop_cli.language.model import Shape

SAMPLES = (
    Sample(((2, 3),)),
    Sample(((),)),
    Sample(((2, 3),), {"axis": 1}),
    Sample(((2, 3),), {"axis": -2, "keepdims": True}),
    Sample(((2, 3, 2),), {"axis": (0, 2)}),
    Sample(((2, 3, 2),), {"axis": (-1, 0), "keepdims": True}),
)


def shape_of(shape: Shape, *, axis: Axes = None, keepdims: bool = False, **_: object) -> Shape:
    """The shape of a reduction."""
    flag("keepdims", keepdims)
    for item in axis if isinstance(axis, tuple) else () if axis is None else (axis,):
        whole("axis", item)
    return reduced(shape, axis, keepdims)


def restored(xp: Words, g: Tensor, x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
    """`g` of the reduced shape, with size-1 axes where `x` was reduced: it broadcasts against `x` again."""
    axes = axes_of(axis, len(x.shape))
    return g if keepdims or not axes or len(axes) == len(x.shape) else xp.expand_dims(g, axis=axes)


def spread(xp: Words, g: Tensor, x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
    """`g` of the reduced shape, repeated along the reduced axes of `x`."""
    return xp.broadcast_to(restored(xp, g, x, axis, keepdims), shape=x.shape)


def reduction(spec: str, doc: str, forward: Callable[..., Any], rule: Callable[..., Any], samples: Any = SAMPLES,
              **rest: Any) -> Op:
    """Define an op that reduces over `axis` (an int, a tuple, or none for all axes)."""
    return op(spec, doc, forward, vjps=(rule,), samples=samples,
              **{"shape": shape_of, "group": "reductions", **rest})


def extreme_shape(shape: Shape, *, axis: Any = None, keepdims: bool = False, **_: Any) -> Shape:
    """The shape of a reduction that has no value of no entries."""
    result = shape_of(shape, axis=axis, keepdims=keepdims)
    if any(shape[a] == 0 for a in axes_of(axis, len(shape))):
        raise ShapeError(f"a tensor of shape {show(shape)} has no entries there", 0)
    return result


def _shared_ties(xp: Words, g: Tensor, y: Tensor, x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
    """The gradient goes to the entries equal to the extreme; a tie shares it evenly."""
    kept = restored(xp, y, x, axis, keepdims)
    mask = xp.equal(x, kept)
    return restored(xp, g, x, axis, keepdims) * mask / xp.sum(mask, axis=axis, keepdims=True)


def _tied(x: Array, *, axis: Axes = None, keepdims: bool = False, extreme: Callable[..., Array]) -> Mask:
    mask: Mask = x == extreme(x, axis=axis, keepdims=True)
    times: Whole = np.sum(mask, axis=axis, keepdims=True)
    return mask & (times > 1)


def fold(combine: Callable[..., Scalar], x: Objects, axis: Axes, keepdims: bool) -> Objects:
    """A reduction of object arrays by an n-ary function of sympy scalars."""
    x = np.asarray(x)
    axes = axes_of(axis, x.ndim)
    kept = [a for a in range(x.ndim) if a not in axes]
    rows = np.transpose(x, (*kept, *axes)).reshape((*(x.shape[a] for a in kept), -1))
    result = np.empty(rows.shape[:-1], dtype=object)
    for index in np.ndindex(*result.shape):
        result[index] = combine(*rows[index])
    return result.reshape(reduced(x.shape, axis, keepdims))


# ── sums ─────────────────────────────────────────────────────────────────────────────────────────

reduction("sum(x; axis=none, keepdims=false)", "Sum over axes (default: all).",
          lambda xp, x, axis=None, keepdims=False: np.add.reduce(x, axis=axis, keepdims=keepdims),
          lambda xp, g, y, x, axis, keepdims: spread(xp, g, x, axis, keepdims), temporary=costs.nothing, linear="x")
reduction("mean(x; axis=none, keepdims=false)", "Arithmetic mean over axes (default: all).",
          lambda xp, x, axis=None, keepdims=False: np.add.reduce(x, axis=axis, keepdims=keepdims)
          / xp.size(count(np.shape(x), axis)),
          lambda xp, g, y, x, axis, keepdims: spread(xp, g / xp.size(count(x.shape, axis)), x, axis, keepdims),
          domain="the mean of no entries", linear="x")

# ── extremes ─────────────────────────────────────────────────────────────────────────────────────

reduction("max(x; axis=none, keepdims=false)", "Largest entry over axes.",
          lambda xp, x, axis=None, keepdims=False: np.maximum.reduce(x, axis=axis, keepdims=keepdims), _shared_ties,
          shape=extreme_shape, aliases="amax", kink=lambda x, **p: _tied(x, **p, extreme=np.max),
          entry=lambda s, x, axis=None, keepdims=False: fold(s.Max, x, axis, keepdims),
          convention="a tie shares the gradient evenly")
reduction("min(x; axis=none, keepdims=false)", "Smallest entry over axes.",
          lambda xp, x, axis=None, keepdims=False: np.minimum.reduce(x, axis=axis, keepdims=keepdims), _shared_ties,
          shape=extreme_shape, aliases="amin", kink=lambda x, **p: _tied(x, **p, extreme=np.min),
          entry=lambda s, x, axis=None, keepdims=False: fold(s.Min, x, axis, keepdims),
          convention="a tie shares the gradient evenly")


def _argument_shape(x: Shape, *, axis: Axes = None, keepdims: bool = False) -> Shape:
    """One axis, or all of them."""
    if axis is not None:
        whole("axis", axis)
    return extreme_shape(x, axis=axis, keepdims=keepdims)


for _name, _place in (("argmax", np.argmax), ("argmin", np.argmin)):
    op(f"{_name}(x; axis=none, keepdims=false)",
       f"The position of the {'larg' if _name == 'argmax' else 'small'}est entry along an axis, or of x flattened; "
       "of several the first; not differentiable.",
       lambda xp, x, axis=None, keepdims=False, place=_place: xp.array(place(x, axis=axis, keepdims=keepdims)),
       shape=_argument_shape, vjps=(None,), group="reductions", has_entries=False,
       samples=(Sample(((2, 3),)), Sample(((2, 3),), {"axis": 1}), Sample(((4,),), {"axis": -1, "keepdims": True})))


FEW, MANY = 32, 128


def largest(x: Array, axis: Axes) -> Array:
    """The largest entry, its axes kept; of many short rows one beside the other, a third of the time of row by row."""
    if x.ndim > 1 and axis in (-1, x.ndim - 1) and 0 < x.shape[-1] <= FEW and x.size >= MANY * x.shape[-1]:
        rows = x.reshape(-1, x.shape[-1])
        found: Array = np.maximum.reduce(rows.T.copy())
        return found.reshape((*x.shape[:-1], 1))
    return np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)


def shifted(x: Array, axis: Axes) -> tuple[Array, Array, Array]:
    """(top, x - top, log Σ exp(x - top)), all with the axes kept.

    One of the largest entries adds exactly 1 to the sum, so the logarithm is log1p of the others: it keeps its
    digits where that entry stands alone.
    """
    top = largest(x, axis)
    is_finite = math.isfinite(np.add.reduce(top, axis=None))
    if not is_finite:
        top = np.where(np.isfinite(top), top, np.zeros_like(top))
    below = x - top
    tops = below == 0
    rest = np.add.reduce(np.exp(below) - tops, axis=axis, keepdims=True)  # exp(0) is exactly 1: they add nothing
    if not is_finite or np.count_nonzero(tops) != top.size:  # some share the top, or none is at it
        rest = rest + (np.add.reduce(tops, axis=axis, keepdims=True, dtype=below.dtype) - 1)
    return top, below, np.log1p(rest)


def logsumexp(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """log Σ exp x, shifted by the maximum (by 0 where that is infinite)."""
    top, _, total = shifted(x, axis)
    return np.reshape(top + total, reduced(np.shape(x), axis, keepdims))[()]


reduction("logsumexp(x; axis=none, keepdims=false)", "log Σ exp x, shifted by the maximum.",
          lambda xp, x, axis=None, keepdims=False: logsumexp(x, axis, keepdims),
          lambda xp, g, y, x, axis, keepdims: restored(xp, g, x, axis, keepdims) * xp.softmax(x, axis=axis),
          temporary=costs.times(4), entry=lambda s, x, axis=None, keepdims=False: np.frompyfunc(s.log, 1, 1)(
              np.sum(np.frompyfunc(s.exp, 1, 1)(x), axis=axis, keepdims=keepdims)), flat_below=True)

# ── spread ───────────────────────────────────────────────────────────────────────────────────────

SPREAD_SAMPLES = (*(s for s in SAMPLES if s.shapes != ((),)), Sample(((2, 3),), {"ddof": 1}),
                  Sample(((4,),), {"correction": Fraction(3, 2)}), Sample(((4,),), {"ddof": -1}),
                  Sample(((2, 4),), {"axis": 1, "correction": 1, "keepdims": True}),
                  Sample(((2, 4),), {"axis": 1, "unbiased": True}))  # fmt: skip


def lost(ddof: Real, correction: Real | None, unbiased: bool | None) -> Real:
    """The degrees of freedom that a variance does not count: numpy's ddof, or PyTorch's correction or unbiased."""
    if correction is None and unbiased is not None:
        return int(flag("unbiased", unbiased))
    return ddof if correction is None else correction


class Counting(Protocol):
    """What a forward on entries too asks of its words."""

    def size(self, n: int, /) -> Any:
        """A number of entries."""

def spread_shape(shape: Shape, *, axis: Axes, keepdims: bool, ddof: Real, correction: Real | None,
                 unbiased: bool | None) -> Shape:
    """The shape of a reduction; ddof is a number."""
    number("ddof" if correction is None else "correction", lost(ddof, correction, unbiased))
    return shape_of(shape, axis=axis, keepdims=keepdims)


def variance(xp: Counting, x: Array, axis: Axes = None, keepdims: bool = False, ddof: Real = 0,
             correction: Real | None = None, unbiased: bool | None = None) -> Array:
    """Σ(x - mean)²/(n - ddof), in two passes."""
    n: Real = xp.size(count(np.shape(x), axis))
    away = x - np.add.reduce(x, axis=axis, keepdims=True) / n
    total: Array = np.sum(away * away, axis=axis, keepdims=keepdims)
    return total / max(0, n - lost(ddof, correction, unbiased))


def _centered(xp: Words, x: Tensor, axis: Axes, ddof: Real, correction: Real | None, unbiased: bool | None) -> Tensor:
    """(x - mean)/(n - ddof)."""
    n, less = count(x.shape, axis), lost(ddof, correction, unbiased)
    is_more = n > float(getattr(less, "expr", less))  # in formulas a fraction is an exact one
    degrees = xp.size(n) - less if is_more else xp.number(0)
    return (x - xp.mean(x, axis=axis, keepdims=True)) / degrees


def _variance_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, axis: Axes, keepdims: bool, **free: Any) -> Tensor:
    return 2 * restored(xp, g, x, axis, keepdims) * _centered(xp, x, axis, **free)


def _deviation_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, axis: Axes, keepdims: bool, **free: Any) -> Tensor:
    slope = xp.ratio(_centered(xp, x, axis, **free), restored(xp, y, x, axis, keepdims))
    return restored(xp, g, x, axis, keepdims) * slope


def one_count(shape: Shape, *, ddof: Real, correction: Real | None, unbiased: bool | None,
              **rest: object) -> Mapping[str, object]:
    """numpy's ddof, whichever of its names gave it."""
    return {**rest, "ddof": lost(ddof, correction, unbiased), "correction": None, "unbiased": None}


reduction("var(x; axis=none, keepdims=false, ddof=0, correction=none, unbiased=none)",
          "Variance over axes, Σ(x - mean)²/(n - ddof); PyTorch's names are correction, and unbiased for ddof=1.",
          variance, _variance_rule, SPREAD_SAMPLES, shape=spread_shape, alike=one_count, temporary=costs.times(2),
          domain="a variance needs more than ddof entries")
reduction("std(x; axis=none, keepdims=false, ddof=0, correction=none, unbiased=none)",
          "Standard deviation over axes, √var; PyTorch's names are correction, and unbiased for ddof=1.",
          lambda xp, *xs, **p: np.sqrt(variance(xp, *xs, **p)), _deviation_rule, SPREAD_SAMPLES,
          shape=spread_shape, alike=one_count, temporary=costs.times(2),
          entry=lambda s, x, **p: np.frompyfunc(s.sqrt, 1, 1)(variance(_Exact(s), x, **p)),
          kink=lambda x, **p: np.zeros_like(x, dtype=bool)
          | (np.std(x, axis=p["axis"], keepdims=True) == 0 if np.size(x) else False),
          convention="the derivative at 0 is 0", domain="a standard deviation needs more than ddof entries")


class _Exact:
    """The words `variance` needs, in sympy."""

    def __init__(self, s: Symbolic) -> None:
        self.sympy = s

    def size(self, n: int) -> Scalar:
        """An exact count."""
        return self.sympy.Integer(int(n))
