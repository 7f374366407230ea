"""Products and running sums: prod, cumsum, cumprod; their derivatives hold where entries are 0."""

from __future__ import annotations

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import Sample, axes_of, normalize_axis, op
from backprop_cli.engine.ops.reduction import SAMPLES, reduction, restored
from backprop_cli.engine.ops.shapes import one_shape
from backprop_cli.engine.ops.tensor import Array, Axes, Objects, Symbolic, Tensor, Words
from backprop_cli.engine.ops.validate import whole
from backprop_cli.language.model import Shape

ZEROS = tuple(Sample(s.shapes, s.parameters, ("zeros",)) for s in SAMPLES)


def prod_others(x: Array, axis: Axes = None) -> Array:
    """The product of all *other* entries over axes: what lies before times what lies after, so no division."""
    axes = axes_of(axis, np.ndim(x))
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(np.asarray(x), axes, last)
    rows = moved.reshape((*moved.shape[: moved.ndim - len(axes)], _length(moved.shape, last)))
    one = np.ones_like(rows[..., :1])
    before = np.cumprod(np.concatenate([one, rows[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([one, rows[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    return np.moveaxis((before * after).reshape(moved.shape), last, axes)[()]


def _rows(xp: Words, x: Tensor, axes: tuple[int, ...], shape: Shape) -> Tensor:
    """A tensor of `shape` with `axes` moved to the end and joined."""
    kept = tuple(a for a in range(len(shape)) if a not in axes)
    moved = x if (*kept, *axes) == tuple(range(len(shape))) else xp.transpose(x, axes=(*kept, *axes))
    return moved if len(axes) == 1 else xp.reshape(moved, shape=(*(shape[a] for a in kept), _length(shape, axes)))


def _back(xp: Words, rows: Tensor, axes: tuple[int, ...], shape: Shape) -> Tensor:
    """The inverse of `_rows`."""
    kept = tuple(a for a in range(len(shape)) if a not in axes)
    order = (*kept, *axes)
    split = rows if len(axes) == 1 else xp.reshape(rows, shape=tuple(shape[a] for a in order))
    back = tuple(map(order.index, range(len(order))))
    return split if back == order == tuple(range(len(order))) else xp.transpose(split, axes=back)


def _length(shape: Shape, axes: tuple[int, ...]) -> int:
    total = 1
    for a in axes:
        total *= int(shape[a])
    return total


def _others_rule(xp: Words, g: Tensor, y: Tensor | None, x: Tensor, axis: Axes) -> Tensor:
    """Row i of a square holds all entries but the i-th (a 1 stands there); its products leave out one more."""
    axes = axes_of(axis, len(x.shape))
    eye = xp.eye(n=_length(x.shape, axes))
    square = xp.where(eye, 1, xp.expand_dims(_rows(xp, x, axes, x.shape), axis=-2))
    left_out = xp.prod_others(square, axis=-1) * (1 - eye)
    weighted = xp.expand_dims(_rows(xp, g, axes, x.shape), axis=-1) * left_out
    return _back(xp, xp.sum(weighted, axis=-2), axes, x.shape)


reduction("prod(x; axis=none, keepdims=false)", "Product over axes (default: all).",
          lambda xp, x, axis=None, keepdims=False: np.prod(x, axis=axis, keepdims=keepdims),
          lambda xp, g, y, x, axis, keepdims: restored(xp, g, x, axis, keepdims) * xp.prod_others(x, axis=axis),
          away=lambda xp, g, y, x, axis, keepdims: restored(xp, g * y, x, axis, keepdims) / x,
          samples=SAMPLES + ZEROS)
op("prod_others(x; axis=none)",
   "For each entry the product of all the other entries over the axes: the derivative of prod.",
   lambda xp, x, axis=None: prod_others(x, axis), temporary=costs.times(4), work=costs.times(4),
   shape=lambda x, *, axis=None: (axes_of(axis, len(x)), x)[1],
   vjps=_others_rule, group="reductions",
   away=lambda xp, g, y, x, axis: (xp.sum(g * y, axis=axis, keepdims=True) - g * y) / x,
   samples=tuple(Sample(s.shapes, {"axis": s.parameters.get("axis")}, s.domains) for s in SAMPLES + ZEROS))

# ── running sums and products ────────────────────────────────────────────────────────────────────

ALONG = (Sample(((4,),), {"axis": 0}), Sample(((2, 3),), {"axis": 0}), Sample(((2, 3),), {"axis": -1}),
         Sample(((2, 3, 2),), {"axis": 1}))  # fmt: skip
ALONG_ZEROS = tuple(Sample(s.shapes, s.parameters, ("zeros",)) for s in ALONG)


def along_shape(x: Shape, *, axis: Axes) -> Shape:
    """The operand's shape, once the axis is known to exist."""
    normalize_axis(whole("axis", axis), max(1, len(x)))  # a scalar is a row of one, as in PyTorch
    return x


def _paired_shape(x: Shape, g: Shape, *, axis: Axes) -> Shape:
    return along_shape(one_shape("cumprod_others", x, g), axis=axis)


def _cumsum_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, axis: int) -> Tensor:
    return xp.flip(xp.cumsum(xp.flip(g, axis=axis), axis=axis), axis=axis) if x.shape else g


def cumprod_others(x: Array, g: Array, axis: int) -> Array:
    """What cumprod sends back, in linear time and memory.

    Where no product is 0 (nor about to be), a running sum from the end; else as `_scanned` does it.
    """
    so_far = np.cumprod(x, axis=axis) if np.ndim(x) else x
    if not so_far.ndim or not so_far.size or np.abs(so_far).min() < np.finfo(so_far.dtype).tiny:
        return _scanned(x, g, axis)
    return np.flip(np.cumsum(np.flip(g * so_far, axis), axis=axis), axis) / x


def _scanned(x: Array, g: Array, axis: int) -> Array:
    """Entry i is Π_{k<i} x_k · s_i with s_i = g_i + x_{i+1} s_{i+1}: nothing is divided, so entries may be 0."""
    if not np.ndim(x):
        return g
    rows, sent = np.moveaxis(x, axis, 0), np.array(np.moveaxis(g, axis, 0))
    for i in range(len(sent) - 2, -1, -1):
        sent[i] += rows[i + 1] * sent[i + 1]
    sent[1:] *= np.cumprod(rows[:-1], axis=0)
    return np.moveaxis(sent, 0, axis)


def _cumprod_square(xp: Words, x: Tensor, axis: int) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """Row j of a square holds the entries up to j, then ones; and which those are."""
    axes = axes_of(axis, len(x.shape))
    n = int(x.shape[axes[0]])
    so_far = xp.tril(xp.ones(shape=(n, n)))
    return xp.where(so_far, xp.expand_dims(_rows(xp, x, axes, x.shape), axis=-2), 1), so_far, axes


def _again_by_x(xp: Words, u: Tensor, y: Tensor, x: Tensor, g: Tensor, axis: int) -> Tensor:
    """Two entries are left out of each running product."""
    if not x.shape:
        return u * 0
    square, so_far, axes = _cumprod_square(xp, x, axis)
    sent = xp.expand_dims(_rows(xp, g, axes, x.shape), axis=-1)
    asked = xp.expand_dims(_rows(xp, u, axes, x.shape), axis=-2)
    back = _others_rule(xp, sent * asked * so_far, None, square, -1) * so_far
    return _back(xp, xp.sum(back, axis=-2), axes, x.shape)


def _again_by_g(xp: Words, u: Tensor, y: Tensor, x: Tensor, g: Tensor, axis: int) -> Tensor:
    """The running products, each without one of its entries in turn."""
    if not x.shape:
        return u
    square, so_far, axes = _cumprod_square(xp, x, axis)
    left_out = xp.prod_others(square, axis=-1) * so_far
    return _back(xp, xp.sum(left_out * xp.expand_dims(_rows(xp, u, axes, x.shape), axis=-2), axis=-1), axes, x.shape)


def _scan_work(y: Shape, x: Shape, g: Shape, *, axis: int) -> int:
    """A recurrence, step by step, where a product is 0."""
    return 4 * costs.plain(y, x, g) + costs.STEP // 5 * int(x[axis] if x else 1)


op("cumsum(x; axis)", "Running sum along an axis.",
   lambda xp, x, axis: np.cumsum(x, axis=axis) if np.ndim(x) else x, shape=along_shape,
   vjps=_cumsum_rule, samples=ALONG,
   group="reductions", linear="x")
def _running(xp: object, x: Array, axis: int) -> Array:
    return np.cumprod(x, axis=axis, dtype=x.dtype) if np.ndim(x) else x


op("cumprod(x; axis)", "Running product along an axis.",
   _running,
   shape=along_shape,
   vjps=lambda xp, g, y, x, axis: xp.cumprod_others(x, g, axis=axis), samples=ALONG + ALONG_ZEROS,
   away=lambda xp, g, y, x, axis: _cumsum_rule(xp, g * y, y, x, axis) / x,
   group="reductions")
op("cumprod_others(x, g; axis)",
   "For each entry the sum of g times the running products along an axis, each without that entry: the derivative of "
   "cumprod.",
   lambda xp, x, g, axis: cumprod_others(x, g, axis), entry=lambda s, x, g, axis: _scanned(x, g, axis),
   temporary=costs.times(2), work=_scan_work, shape=_paired_shape, vjps=(_again_by_x, _again_by_g),
   samples=tuple(Sample(s.shapes * 2, s.parameters, s.domains and (*s.domains, "real")) for s in ALONG + ALONG_ZEROS),
   group="reductions", linear="g")


def _log_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, axis: int) -> Tensor:
    """Entry j is Σ_{i >= j} g_i exp(x_j - y_i): no exponent is above 0, however far apart the entries are."""
    if not x.shape:
        return g
    axes = axes_of(axis, len(x.shape))
    n = int(x.shape[axes[0]])
    so_far = xp.tril(xp.ones(shape=(n, n)))
    rows, running, sent = (_rows(xp, t, axes, x.shape) for t in (x, y, g))
    below = xp.where(so_far, xp.expand_dims(rows, axis=-2) - xp.expand_dims(running, axis=-1), 0)
    return _back(xp, xp.sum(xp.expand_dims(sent, axis=-1) * so_far * xp.exp(below), axis=-2), axes, x.shape)


def _log_entries(s: Symbolic, x: Objects, axis: int) -> Objects:
    sums = np.cumsum(np.frompyfunc(s.exp, 1, 1)(x), axis=axis) if np.ndim(x) else s.exp(x)
    found: Objects = np.frompyfunc(s.log, 1, 1)(sums)
    return found


op("logcumsumexp(x; axis)", "log of the running sums of exp x along an axis, without overflow.",
   lambda xp, x, axis: np.logaddexp.accumulate(x, axis=axis) if np.ndim(x) else x, shape=along_shape,
   vjps=_log_rule, entry=_log_entries, samples=ALONG, group="reductions", aliases="cumlogsumexp")
