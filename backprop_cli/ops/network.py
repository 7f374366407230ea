"""Ops of networks whose numerical stability or gradient asks for a rule of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_cli.ops.arithmetic import pointwise_shape
from backprop_cli.ops.base import Sample, axes_of, op
from backprop_cli.ops.elementwise import stable_softplus
from backprop_cli.ops.reduction import logsumexp
from backprop_cli.spec.model import Shape

ALONG = (Sample(((2, 3),)), Sample(((4,),)), Sample(((2, 3),), {"axis": 0}), Sample(((2, 3, 2),), {"axis": 1}))


def along_shape(x: Shape, *, axis: Any = -1) -> Shape:
    """The operand's own shape, once the axis is known to exist."""
    axes_of(axis, len(x))
    return x


def softmax(x: Any, axis: Any) -> Any:
    """exp x / Σ exp x, shifted by the maximum."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _entry_softmax(s: Any, x: Any, axis: Any = -1) -> Any:
    e = np.frompyfunc(s.exp, 1, 1)(x)
    return e / np.sum(e, axis=axis, keepdims=True)


op("softmax(x; axis=-1)", "exp x / Σ exp x along an axis.", lambda xp, x, axis=-1: softmax(x, axis), shape=along_shape,
   vjps=lambda xp, g, y, x, axis: y * (g - xp.sum(g * y, axis=axis, keepdims=True)), samples=ALONG, entry=_entry_softmax,
   sums_to_one=True, group="networks")
op("log_softmax(x; axis=-1)", "log of the softmax, without overflow.",
   lambda xp, x, axis=-1: x - logsumexp(x, axis, True), shape=along_shape,
   vjps=lambda xp, g, y, x, axis: g - xp.softmax(x, axis=axis) * xp.sum(g, axis=axis, keepdims=True), samples=ALONG,
   entry=lambda s, x, axis=-1: np.frompyfunc(s.log, 1, 1)(_entry_softmax(s, x, axis)), group="networks",
   text="log softmax({0})")
op("bce_logits(z, t)", "Binary cross-entropy of one logit, softplus(z) - t z.",
   lambda xp, z, t: stable_softplus(z) - t * z, shape=pointwise_shape,
   vjps=(lambda xp, g, y, z, t: g * xp.sigmoid_minus(z, t), lambda xp, g, y, z, t: -g * z), pointwise=True, broadcasts=True,
   samples=(Sample(((2, 3), (2, 3)), {}, ("real", "unit")), Sample(((2, 3), (3,)), {}, ("real", "unit"))), group="losses",
   entry=lambda s, z, t: np.frompyfunc(lambda a, b: s.log(1 + s.exp(a)) - a * b, 2, 1)(z, t))
