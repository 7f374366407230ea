"""Reductions over axes: sum, mean, max, min, logsumexp, ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backprop_cli.ops.base import Op, Sample, axes_of, count, op, reduced
from backprop_cli.spec.model import Shape

SAMPLES = (
    Sample(((2, 3),)),
    Sample(((),)),
    Sample(((2, 3),), {"axis": 1}),
    Sample(((2, 3),), {"axis": -2, "keepdims": True}),
    Sample(((2, 3, 2),), {"axis": (0, 2)}),
    Sample(((2, 3, 2),), {"axis": (-1, 0), "keepdims": True}),
)


def shape_of(shape: Shape, *, axis: Any = None, keepdims: bool = False, **_: Any) -> Shape:
    """The shape of a reduction."""
    return reduced(shape, axis, keepdims)


def restored(xp: Any, g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """`g` of the reduced shape, with size-1 axes where `x` was reduced: it broadcasts against `x` again."""
    axes = axes_of(axis, len(x.shape))
    return g if keepdims or not axes or len(axes) == len(x.shape) else xp.expand_dims(g, axis=axes)


def spread(xp: Any, g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """`g` of the reduced shape, repeated along the reduced axes of `x`."""
    return xp.broadcast_to(restored(xp, g, x, axis, keepdims), shape=x.shape)


def _axis(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def reduction(spec: str, doc: str, forward: Callable[..., Any], rule: Callable[..., Any], samples: Any = SAMPLES,
              **rest: Any) -> Op:
    """Define an op that reduces over `axis` (an int, a tuple, or none for all axes)."""
    return op(spec, doc, forward, shape=shape_of, vjps=(rule,), samples=samples, group="reductions", **rest)


def _shared_ties(xp: Any, g: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """The gradient goes to the entries equal to the extreme; a tie shares it evenly."""
    kept = restored(xp, y, x, axis, keepdims)
    mask = xp.equal(x, kept)
    return restored(xp, g, x, axis, keepdims) * mask / xp.sum(mask, axis=axis, keepdims=True)


def _tied(x: Any, *, axis: Any = None, keepdims: bool = False, extreme: Any) -> Any:
    mask = x == extreme(x, axis=axis, keepdims=True)
    return mask & (np.sum(mask, axis=axis, keepdims=True) > 1)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log Σ exp x, shifted by the maximum (by 0 where that is infinite)."""
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=axis) if axis is not None else total.reshape(())[()]


reduction("sum(x; axis=none, keepdims=false)", "Sum over axes (default: all).",
          lambda xp, x, axis=None, keepdims=False: np.sum(x, axis=_axis(axis), keepdims=keepdims),
          lambda xp, g, y, x, axis, keepdims: spread(xp, g, x, axis, keepdims))
reduction("mean(x; axis=none, keepdims=false)", "Arithmetic mean over axes (default: all).",
          lambda xp, x, axis=None, keepdims=False: np.sum(x, axis=_axis(axis), keepdims=keepdims)
          / xp.size(count(x.shape, axis)),
          lambda xp, g, y, x, axis, keepdims: spread(xp, g / xp.size(count(x.shape, axis)), x, axis, keepdims))
reduction("max(x; axis=none, keepdims=false)", "Largest entry over axes.",
          lambda xp, x, axis=None, keepdims=False: np.max(x, axis=_axis(axis), keepdims=keepdims), _shared_ties,
          aliases="amax", kink=lambda x, **p: _tied(x, **p, extreme=np.max),
          entry=lambda s, x, axis=None, keepdims=False: _fold(s.Max, x, axis, keepdims),
          convention="a tie shares the gradient evenly")
reduction("min(x; axis=none, keepdims=false)", "Smallest entry over axes.",
          lambda xp, x, axis=None, keepdims=False: np.min(x, axis=_axis(axis), keepdims=keepdims), _shared_ties,
          aliases="amin", kink=lambda x, **p: _tied(x, **p, extreme=np.min),
          entry=lambda s, x, axis=None, keepdims=False: _fold(s.Min, x, axis, keepdims),
          convention="a tie shares the gradient evenly")
reduction("logsumexp(x; axis=none, keepdims=false)", "log Σ exp x, shifted by the maximum.",
          lambda xp, x, axis=None, keepdims=False: logsumexp(x, _axis(axis), keepdims),
          lambda xp, g, y, x, axis, keepdims: restored(xp, g, x, axis, keepdims) * xp.softmax(x, axis=axis),
          entry=lambda s, x, axis=None, keepdims=False: np.frompyfunc(s.log, 1, 1)(
              np.sum(np.frompyfunc(s.exp, 1, 1)(x), axis=axis, keepdims=keepdims)))


def _fold(combine: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """A reduction of object arrays by an n-ary function of sympy scalars."""
    axes = axes_of(axis, x.ndim)
    kept = [a for a in range(x.ndim) if a not in axes]
    rows = np.transpose(x, (*kept, *axes)).reshape((*(x.shape[a] for a in kept), -1))
    result = np.empty(rows.shape[:-1], dtype=object)
    for index in np.ndindex(*result.shape):
        result[index] = combine(*rows[index])
    return result.reshape(reduced(x.shape, axis, keepdims))
