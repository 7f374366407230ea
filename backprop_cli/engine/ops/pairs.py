"""Elementwise functions of two operands or more: maximum, where, clip, ..."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.ops.arithmetic import BROADCASTS, pointwise_shape
from backprop_cli.engine.ops.base import Forward, Op, Rule, Sample, ShapeError, broadcast, op
from backprop_cli.engine.ops.tensor import Array, Mask, Objects, Scalar, Symbolic, Tensor, Words
from backprop_cli.language.model import Shape

POSITIVE = tuple(Sample(s.shapes, {}, ("real", "positive")) for s in BROADCASTS)


def pair(spec: str, doc: str, forward: Forward, vjps: Sequence[Rule | None] | Rule,
         entry: Callable[..., Scalar], samples: Sequence[Sample] = BROADCASTS, **rest: Any) -> Op:
    """Define a pointwise op; `entry(sympy, *scalars)` is its textbook definition."""

    def entries(s: Symbolic, *xs: Objects | None, **p: object) -> Objects:
        given = {i: x for i, x in enumerate(xs) if x is not None}

        def one(*values: Scalar) -> Scalar:
            full: list[Scalar | None] = [None] * len(xs)
            for i, value in zip(given, values, strict=True):
                full[i] = value
            return entry(s, *full, **p)

        made: Objects = np.asarray(np.frompyfunc(one, len(given), 1)(*given.values()), dtype=object)
        return made

    rest = {"shape": pointwise_shape, "group": "elementwise", **rest}
    return op(spec, doc, forward, vjps=vjps, broadcasts=True, pointwise=True, samples=samples, entry=entries, **rest)


def _literal(xp: Any, x: Any) -> Array:
    """A Python number as one of the run's dtype, so that two literals do not make a float64."""
    found: Array = x if hasattr(x, "dtype") else xp.number(x)
    return found


def condition(s: Any, mask: Any) -> Any:
    """The condition of a sympy 0/1 mask."""
    if isinstance(mask, s.Piecewise) and mask.args[0][0] == 1 and mask.args[-1][0] == 0 and len(mask.args) == 2:
        return mask.args[0][1]
    return s.Ne(mask, 0)


pair("maximum(a, b)", "The larger of two numbers, entry by entry.", lambda xp, a, b: np.maximum(a, b),
     (lambda xp, g, y, a, b: xp.gated(g, xp.greater(a, b) + xp.equal(a, b) / 2),
      lambda xp, g, y, a, b: xp.gated(g, xp.less(a, b) + xp.equal(a, b) / 2)), lambda s, a, b: s.Max(a, b),
     kink=np.equal, convention="a tie shares the gradient evenly",
     latex=r"\max({0}, {1})")
pair("minimum(a, b)", "The smaller of two numbers, entry by entry.", lambda xp, a, b: np.minimum(a, b),
     (lambda xp, g, y, a, b: xp.gated(g, xp.less(a, b) + xp.equal(a, b) / 2),
      lambda xp, g, y, a, b: xp.gated(g, xp.greater(a, b) + xp.equal(a, b) / 2)), lambda s, a, b: s.Min(a, b),
     kink=np.equal, convention="a tie shares the gradient evenly",
     latex=r"\min({0}, {1})")
pair("where(mask, a, b)", "`a` where the 0/1 mask is 1, `b` elsewhere.",
     lambda xp, mask, a, b: np.where(mask, _literal(xp, a), _literal(xp, b))[()],
     (None, lambda xp, g, y, mask, a, b: xp.select(mask, g), lambda xp, g, y, mask, a, b: xp.reject(mask, g)),
     lambda s, mask, a, b: s.Piecewise((a, condition(s, mask)), (b, True)),
     samples=(Sample(((2, 3), (2, 3), (2, 3)), {}, ("mask",)), Sample(((3,), (2, 1), ()), {}, ("mask",)),
              Sample(((), (), (2,)), {}, ("mask",))), example="where(x > 0, x, 0.1*x)")


def clip_shape(x: Shape, low: Shape | None, high: Shape | None) -> Shape:
    """Broadcast; at least one bound is given."""
    if low is None and high is None:
        raise ShapeError("clip needs a lower bound, an upper bound, or both", None, "write clip(x, -1, 1)")
    return broadcast(x, low, high)


def _clipped(x: Array, low: Array | None, high: Array | None) -> Array:
    raised = x if low is None else np.maximum(x, low)
    return raised if high is None else np.minimum(raised, high)


def _within(xp: Words, g: Tensor, y: Tensor, x: Tensor, low: Tensor | None, high: Tensor | None) -> Tensor:
    inside = g if low is None else xp.gated(g, xp.greater_equal(x, low))
    return inside if high is None else xp.gated(inside, xp.less_equal(x, high))


def _below(xp: Words, g: Tensor, y: Tensor, x: Tensor, low: Tensor, high: Tensor | None) -> Tensor:
    below = xp.less(x, low)
    return xp.gated(g, below if high is None else below * xp.less(low, high))


def _above(xp: Words, g: Tensor, y: Tensor, x: Tensor, low: Tensor | None, high: Tensor) -> Tensor:
    above = xp.greater(x, high)
    return xp.gated(g, above if low is None else xp.maximum(above, xp.less(high, low)))


def _on_bound(x: Array, low: Array | None, high: Array | None) -> Mask | bool:
    return (False if low is None else np.equal(x, low)) | (False if high is None else np.equal(x, high))


def _between_equals(x: Array, low: Array | None, high: Array | None) -> Mask | bool:
    """Where both bounds are x: the function is constant there, and its derivative 1 by convention."""
    return False if low is None or high is None else np.equal(x, low) & np.equal(x, high)


def _entry_clip(s: Symbolic, x: Scalar, low: Scalar | None, high: Scalar | None) -> Scalar:
    raised = x if low is None else s.Max(x, low)
    return raised if high is None else s.Min(raised, high)


pair("clip(x, min=none, max=none)", "`x`, but at least `min` and at most `max`; either may be left out.",
     lambda xp, x, low, high: _clipped(x, low, high), (_within, _below, _above), _entry_clip, aliases="clamp",
     shape=clip_shape, kink=_on_bound, departs=_between_equals,
     convention="a bound counts as inside: the derivative there is 1",
     samples=(Sample(((2, 3), (), ()), {}, ("real", "open", "positive")), Sample(((2, 3), (3,), None), {}),
              Sample(((4,), None, (2, 4))), Sample(((2, 3), (2, 1), (3,)))), example="clip(x, -1, 1)")
pair("logaddexp(a, b)", "log(exp a + exp b), without overflow.", lambda xp, a, b: np.logaddexp(a, b),
     (lambda xp, g, y, a, b: g * xp.sigmoid(a - b), lambda xp, g, y, a, b: g * xp.sigmoid(b - a)),
     lambda s, a, b: s.log(s.exp(a) + s.exp(b)))
pair("hypot(a, b)", "√(a² + b²).", lambda xp, a, b: np.hypot(a, b),
     (lambda xp, g, y, a, b: g * xp.ratio(a, y), lambda xp, g, y, a, b: g * xp.ratio(b, y)),
     lambda s, a, b: s.sqrt(a**2 + b**2), kink=lambda a, b: np.equal(a, 0) & np.equal(b, 0),
     convention="the derivative at the origin is 0, where PyTorch gives NaN")
pair("arctan2(a, b)", "The angle of the point (b, a), in radians.", lambda xp, a, b: np.arctan2(a, b),
     (lambda xp, g, y, a, b: g * xp.circle_ratio(b, a), lambda xp, g, y, a, b: -g * xp.circle_ratio(a, b)),
     lambda s, a, b: s.atan2(a, b), aliases="atan2", kink=lambda a, b: np.equal(a, 0) & np.equal(b, 0),
     convention="the derivative at the origin is 0")


def xlogy(a: Array, b: Array) -> Array:
    """a log b, and 0 where a is 0."""
    return np.where(np.equal(a, 0) & ~np.isnan(b), 0 * np.asarray(a), a * np.log(b))[()]


def _no_factor(a: Array, b: Array) -> Mask:
    return np.equal(a, 0) & np.less_equal(b, 0)


pair("xlogy(a, b)", "a log b, and 0 where a is 0.", lambda xp, a, b: xlogy(a, b),
     (lambda xp, g, y, a, b: g * xp.log_slope(a, b), lambda xp, g, y, a, b: g * a / b),
     lambda s, a, b: a * s.log(b), POSITIVE, domain="the logarithm of a number that is not positive",
     kink=_no_factor, convention="the slope of 0·log 0 is 0 by the factor", departs=_no_factor)
