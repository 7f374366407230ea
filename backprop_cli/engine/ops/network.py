"""softmax and the losses of logits: ops whose numbers ask for a rule of their own."""

from __future__ import annotations

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import Sample, axes_of, broadcast, op
from backprop_cli.engine.ops.pairs import pair
from backprop_cli.engine.ops.reduction import largest, shifted
from backprop_cli.engine.ops.tensor import Array, Axes, Mask, Real, Scalar, Symbolic, Tensor, Words
from backprop_cli.engine.ops.validate import number
from backprop_cli.engine.ops.words import SMALLEST_VARIANCE
from backprop_cli.language.model import Shape

ALONG = (Sample(((2, 3),)), Sample(((4,),)), Sample(((2, 3),), {"axis": 0}), Sample(((2, 3, 2),), {"axis": 1}),
         Sample(((2, 3),), {"axis": None}))  # fmt: skip


def along_shape(x: Shape, *, axis: Axes = -1) -> Shape:
    """The operand's own shape, once the axis is known to exist."""
    axes_of(axis, len(x))
    return x


def softmax(x: Array, axis: Axes) -> Array:
    """exp x / Σ exp x, shifted by the maximum."""
    e = np.exp(x - largest(x, axis))
    return e / np.add.reduce(e, axis=axis, keepdims=True)


def log_softmax(x: Array, axis: Axes) -> Array:
    """x - max - log Σ exp(x - max): neither difference cancels."""
    _, below, total = shifted(x, axis)
    return below - total


def _entry_softmax(s: Symbolic, x: Scalar, axis: Axes = -1) -> Scalar:
    e = np.frompyfunc(s.exp, 1, 1)(x)
    found: Scalar = e / np.sum(e, axis=axis, keepdims=True)
    return found


def _log_softmax_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, axis: Axes) -> Tensor:
    return xp.less_share(g, y, x, xp.sum(g, axis=axis, keepdims=True), axis=axis)


op("softmax(x; axis=-1)", "exp x / Σ exp x along an axis.", lambda xp, x, axis=-1: softmax(x, axis), shape=along_shape,
   vjps=lambda xp, g, y, x, axis: y * (g - xp.sum(g * y, axis=axis, keepdims=True)), samples=ALONG,
   entry=_entry_softmax,
   sums_to_one=True, whole_axes=True, activation=True, flat_below=True, group="networks")


def masked_softmax(x: Array, mask: Mask, axis: Axes) -> Array:
    """exp x / Σ exp x over the entries that the mask shows; 0 where it hides, also where it hides all."""
    seen = np.greater(mask, 0)
    top = np.max(x, axis=axis, keepdims=True, where=seen, initial=-np.inf)
    e = np.exp(np.where(seen, x - np.where(np.isfinite(top), top, 0), -np.inf)).astype(x.dtype)
    total = np.sum(e, axis=axis, keepdims=True)
    return e / np.where(total == 0, np.ones_like(total), total)


def _hidden(x: Array, mask: Mask, axis: Axes) -> Mask:
    """The positions of rows that are hidden as a whole."""
    wide = np.broadcast_to(np.greater(mask, 0), np.broadcast_shapes(np.shape(x), np.shape(mask)))
    shown: Mask = np.any(wide, axis=axis, keepdims=True)
    return np.zeros(wide.shape, dtype=bool) | ~shown


def _masked_entry(s: Symbolic, x: Scalar, mask: Scalar, axis: Axes = -1) -> Scalar:
    seen = np.frompyfunc(lambda m: s.Piecewise((1, m > 0), (0, True)), 1, 1)(mask)
    e = np.frompyfunc(s.exp, 1, 1)(x) * seen
    total = np.sum(e, axis=axis, keepdims=True)
    found: Scalar = e / np.frompyfunc(lambda t: 1 if t == 0 else t, 1, 1)(np.asarray(total, dtype=object))
    return found


op("masked_softmax(x, mask; axis=-1)", "softmax over the entries that the 0/1 mask shows; 0 where it hides.",
   lambda xp, x, mask, axis=-1: masked_softmax(x, mask, axis), broadcasts=True, masks=frozenset({"mask"}),
   shape=lambda x, mask, *, axis=-1: along_shape(broadcast(x, mask), axis=axis), entry=_masked_entry,
   vjps=(lambda xp, g, y, x, mask, axis: y * (g - xp.sum(g * y, axis=axis, keepdims=True)), None), kink=_hidden,
   convention="a row whose entries are all hidden is 0, and so is its gradient", whole_axes=True, group="networks",
   samples=(Sample(((2, 3), (2, 3)), {}, ("real", "some")), Sample(((2, 2, 3), (3,)), {}, ("real", "some")),
            Sample(((3, 2), (3, 2)), {"axis": 0}, ("real", "some"))))
op("log_softmax(x; axis=-1)", "log of the softmax, without overflow.",
   lambda xp, x, axis=-1: log_softmax(x, axis), temporary=costs.times(2), shape=along_shape,
   vjps=_log_softmax_rule, samples=ALONG,
   entry=lambda s, x, axis=-1: np.frompyfunc(s.log, 1, 1)(_entry_softmax(s, x, axis)), whole_axes=True,
   activation=True, group="networks", text="log softmax({0})")

PROBABILITIES = (Sample(((2, 3), (2, 3)), {}, ("real", "unit")), Sample(((2, 3), (3,)), {}, ("real", "unit")),
                 Sample(((), ()), {}, ("real", "unit")))  # fmt: skip


def _bce_logits(z: Array, t: Array) -> Array:
    """softplus(z) - t z = (1 - t) softplus(z) + t softplus(-z), a sum of positive terms."""
    rest = np.log1p(np.exp(-np.abs(z)))
    return (1 - t) * np.maximum(z, 0) + t * np.maximum(-z, 0) + rest


pair("bce_logits(z, t)", "Binary cross-entropy of one logit, softplus(z) - t z.", lambda xp, z, t: _bce_logits(z, t),
     (lambda xp, g, y, z, t: g * xp.sigmoid_minus(z, t), lambda xp, g, y, z, t: -g * z),
     lambda s, z, t: s.log(1 + s.exp(z)) - t * z, PROBABILITIES, group="losses", temporary=costs.times(2))

LEAST_LOG = -100.0
"""PyTorch's bound on the logarithms of binary cross-entropy."""


def _bce(p: Array, t: Array) -> Array:
    """-(t log p + (1 - t) log(1 - p)), each logarithm at least -100, as in PyTorch."""
    return -(t * np.maximum(np.log(p), LEAST_LOG) + (1 - t) * np.maximum(np.log1p(-p), LEAST_LOG))


def _at_ends(p: Array, t: Array) -> Mask:
    return p * (1 - p) < float(SMALLEST_VARIANCE) + 0 * t


pair("bce_probabilities(p, t)", "Binary cross-entropy of one probability, -t log p - (1 - t) log(1 - p).",
     lambda xp, p, t: _bce(p, t),
     (lambda xp, g, y, p, t: g * xp.bce_slope(p, t), lambda xp, g, y, p, t: -g * xp.logit(p)),
     lambda s, p, t: -t * s.log(p) - (1 - t) * s.log(1 - p),
     tuple(Sample(s.shapes, {}, ("unit", "unit")) for s in PROBABILITIES),
     group="losses", kink=_at_ends, departs=_at_ends,
     convention=f"in the slope by p, p·(1 - p) is at least {SMALLEST_VARIANCE}; a logarithm is at least -100",
     domain="a probability outside [0, 1]; for logits use binary_cross_entropy_with_logits")


def nll_shape(mean: Shape, target: Shape, var: Shape, *, eps: Real) -> Shape:
    """Broadcast; eps is positive."""
    number("eps", eps, 0)
    return broadcast(mean, target, var)


def _floor(xp: Words, var: Tensor, eps: Real) -> Tensor:
    return xp.maximum(var, eps)


def _below_eps(mean: Array, target: Array, var: Array, eps: Real) -> Mask:
    return np.less(var, float(eps)) & np.isfinite(mean + target)


pair("gaussian_nll(mean, target, var; eps=1e-6)",
     "(log var + (mean - target)²/var)/2 with a variance of at least eps, whose gradient passes that bound.",
     lambda xp, mean, target, var, eps=1e-6:
     (np.log(np.maximum(var, eps)) + (mean - target) ** 2 / np.maximum(var, eps)) / 2,
     (lambda xp, g, y, mean, target, var, eps: g * (mean - target) / _floor(xp, var, eps),
      lambda xp, g, y, mean, target, var, eps: g * (target - mean) / _floor(xp, var, eps),
      lambda xp, g, y, mean, target, var, eps:
      g * (_floor(xp, var, eps) - (mean - target) ** 2) / (2 * _floor(xp, var, eps) ** 2)),
     lambda s, mean, target, var, eps: (s.log(s.Max(var, eps)) + (mean - target) ** 2 / s.Max(var, eps)) / 2,
     (Sample(((2, 3), (2, 3), (2, 3)), {}, ("real", "real", "positive")),
      Sample(((2, 3), (2, 3), (2, 1)), {}, ("real", "real", "positive"))), shape=nll_shape, group="losses",
     kink=_below_eps, departs=_below_eps,
     convention="the variance is at least eps, and the gradient passes that bound",
     domain="a variance must not be negative")

