"""Pooling: the largest entry or the mean of every window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import ParameterError, Sample, ShapeError, op, show
from backprop_cli.engine.ops.costs import size
from backprop_cli.engine.ops.tensor import (
    Array,
    Key,
    Mask,
    Objects,
    Padding,
    Real,
    Symbolic,
    Tensor,
    Whole,
    Wholes,
    Words,
)
from backprop_cli.engine.ops.validate import flag, number, wholes
from backprop_cli.engine.ops.windows import Geometry, check_fit, check_rank, geometry, padded, windows_of
from backprop_cli.language.model import Shape


def pool_geometry(space: int, kernel_size: Wholes, stride: Wholes | None, padding: Padding,
                  dilation: Wholes = 1) -> Geometry:
    """The windows of a pool, a window's size apart unless a stride is given.

    Raises:
        ParameterError: one is of the wrong type or range.
    """
    kernel = wholes("kernel_size", kernel_size, space, 1)
    where = geometry(kernel, kernel if stride in (None, ()) else stride, wholes("padding", padding, space, 0), dilation)
    if any(2 * p > k for p, k in zip(where.padding, kernel, strict=True)):
        raise ParameterError("padding", f"padding must be at most half the window, which is {show(kernel)}")
    return where


def _overhang(where: Geometry, space: tuple[int, ...], counts: tuple[int, ...]) -> tuple[int, ...]:
    """How far the last window hangs over the padded end (ceil_mode)."""
    return tuple(max(0, (n - 1) * s + r - (size + 2 * p)) for n, s, r, size, p in
                 zip(counts, where.stride, where.reach, space, where.padding, strict=True))


def _windows(x: Array, where: Geometry, ceil: bool, value: float) -> Array:
    """(*lead, *counts, *kernel), outside filled with `value`."""
    space = np.shape(x)[-len(where.kernel) :]
    counts = where.outputs(space, ceil)
    full = padded(x, where.padding, value, _overhang(where, space, counts))
    return windows_of(np.ascontiguousarray(full), where, counts)


def _pool_shape(name: str, space: int, x: Shape, where: Geometry, ceil_mode: bool) -> Shape:
    check_rank(name, x, space)
    counts = where.outputs(x[-space:], flag("ceil_mode", ceil_mode))
    check_fit(name, x, where, counts)
    kept = tuple(old if new == old else new for new, old in zip(counts, x[-space:], strict=True))
    return (*x[:-space], *kept)


# ── the largest entry ────────────────────────────────────────────────────────────────────────────


def max_shape(name: str, space: int, x: Shape, *, kernel_size: Wholes, stride: Wholes | None, padding: Padding,
              dilation: Wholes, ceil_mode: bool) -> Shape:
    """(batch, channels, *windows)."""
    return _pool_shape(name, space, x, pool_geometry(space, kernel_size, stride, padding, dilation), ceil_mode)


def _framed(space: int, x: Array, kernel_size: Wholes, stride: Wholes | None, padding: Padding, dilation: Wholes,
            ceil_mode: bool) -> tuple[Array, Geometry, tuple[int, ...]]:  # fmt: skip
    """The tensor within -inf, the windows over it, and how many there are."""
    where = pool_geometry(space, kernel_size, stride, padding, dilation)
    size = np.shape(x)[-space:]
    counts = where.outputs(size, ceil_mode)
    return padded(x, where.padding, -np.inf, _overhang(where, size, counts)), where, counts


def _within(where: Geometry, window: tuple[int, ...], counts: Sequence[int]) -> Key:
    """The entry at one place of every window."""
    return (..., *where.source(window, counts))


def _flat_windows(space: int, x: Array, kernel_size: Wholes, stride: Wholes | None, padding: Padding, dilation: Wholes,
                  ceil_mode: bool) -> Array:
    """Windows with their entries in a row; -inf outside."""
    view = _windows(x, pool_geometry(space, kernel_size, stride, padding, dilation), ceil_mode, -np.inf)
    return view.reshape((*view.shape[:-space], -1))


def _max_pool(space: int, xp: object, x: Array, kernel_size: Wholes, stride: Wholes | None = None, padding: Padding = 0,
              dilation: Wholes = 1, ceil_mode: bool = False) -> Array:
    """The first entry of all windows, then the larger of it and the second, and so on: no window is copied."""
    full, where, counts = _framed(space, x, kernel_size, stride, padding, dilation, ceil_mode)
    entries = (full[_within(where, window, counts)] for window in np.ndindex(*where.kernel))
    largest = next(entries).copy()
    for entry in entries:
        np.maximum(largest, entry, out=largest)
    return largest


def max_positions(space: int, x: Array, kernel_size: Wholes, stride: Wholes | None, padding: Padding, dilation: Wholes,
                  ceil_mode: bool) -> Array:
    """Where each window's largest entry lies in its channel, counted row by row; of several the first, or a NaN."""
    full, where, counts = _framed(space, x, kernel_size, stride, padding, dilation, ceil_mode)
    steps = np.cumprod((1, *np.shape(x)[:-space:-1]))[::-1]  # from an entry to the next along each axis
    largest, found = np.full((*np.shape(x)[:-space], *counts), -np.inf), np.zeros(())
    for window in np.ndindex(*where.kernel):
        entry = full[_within(where, window, counts)]
        above = ~(entry <= largest) & (largest == largest)  # noqa: PLR0124 (NaN alone differs from itself)
        found = np.where(above, float(np.dot(np.multiply(window, where.dilation), steps)), found)
        np.copyto(largest, entry, where=above)
    starts = [(np.arange(n) * s - p) * step
              for n, s, p, step in zip(counts, where.stride, where.padding, steps, strict=True)]  # fmt: skip
    return found + sum(np.ix_(*starts))


def _tied(space: int, x: Array, **parameters: Any) -> Mask:
    """The entries that share the maximum of some window."""
    rows = _flat_windows(space, x, **parameters)
    size = np.shape(x)[-space:]
    numbers = _flat_windows(space, np.arange(np.prod(size), dtype=np.float64).reshape(size), **parameters)
    largest = rows == np.max(rows, axis=-1, keepdims=True)
    shared = largest & (np.sum(largest, axis=-1, keepdims=True) > 1) & np.isfinite(numbers)
    mask = np.zeros((*np.shape(x)[:-space], int(np.prod(size))), dtype=bool)
    for lead in np.ndindex(*np.shape(x)[:-space]):
        mask[lead][numbers[shared[lead]].astype(int)] = True
    return mask.reshape(np.shape(x))


def _max_entry(space: int, s: Symbolic, x: Objects, **parameters: Any) -> Objects:
    """Each window as the maximum of its entries."""
    size = np.shape(x)[-space:]
    numbers = _flat_windows(space, np.arange(np.prod(size), dtype=np.float64).reshape(size), **parameters)
    result: Objects = np.empty((*np.shape(x)[:-space], *numbers.shape[:-1]), dtype=object)
    for index in np.ndindex(*result.shape):
        row = numbers[index[-space:]]
        entries = x[index[:-space]].ravel()
        result[index] = s.Max(*(entries[int(i)] for i in row[np.isfinite(row)]))
    return result


def unpool_shape(name: str, space: int, x: Shape, indices: Shape, *, output_size: object) -> Shape:
    """(batch, channels, *output_size)."""
    check_rank(name, x, space)
    if x != indices:
        raise ShapeError(f"{name}: values {show(x)} and positions {show(indices)} differ", 1)
    return (*x[:-space], *_output_size(space, output_size))


def _output_size(space: int, output_size: object) -> tuple[int, ...]:
    listed = tuple(output_size) if isinstance(output_size, tuple) else (output_size,)
    wholes("output_size", listed, space, 1)
    return listed if len(listed) == space else listed * space


def _unpool(space: int, xp: object, x: Array, indices: Whole, output_size: object) -> Array:
    from backprop_cli.engine.ops.gathering import _scatter_add

    size = tuple(map(int, _output_size(space, output_size)))
    lead, entries = np.shape(x)[:-space], prod(np.shape(x)[-space:])
    flat = _scatter_add(np.zeros((*lead, int(np.prod(size))), dtype=x.dtype), np.reshape(indices, (*lead, entries)),
                        np.reshape(x, (*lead, entries)), -1)  # fmt: skip
    return flat.reshape((*lead, *size))


def _unpool_rule(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, indices: Tensor,
                 output_size: object) -> Tensor:
    lead = x.shape[:-space]
    flat = xp.take_along_axis(xp.reshape(g, shape=(*lead, -1)), xp.reshape(indices, shape=(*lead, -1)), axis=-1)
    return xp.reshape(flat, shape=x.shape)


def _max_rule(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, **parameters: Any) -> Tensor:
    indices = getattr(xp, f"max_pool{space}d_indices")(x, **parameters)
    return getattr(xp, f"max_unpool{space}d")(g, indices, output_size=x.shape[-space:])


# ── the mean ─────────────────────────────────────────────────────────────────────────────────────


def divisors(space: int, size: tuple[int, ...], where: Geometry, ceil_mode: bool, count_include_pad: bool,
             divisor_override: Real | None) -> Array | Real:
    """What each window's sum is divided by: its size, or the number of its entries that are not padding.

    With ceil_mode a window that hangs over the padded end counts what lies inside the padding, as in PyTorch.
    """
    if divisor_override is not None:
        return divisor_override
    inside = np.ones(tuple(s + 2 * p for s, p in zip(size, where.padding, strict=True)) if count_include_pad else size)
    frame = Geometry(where.kernel, where.stride, (0,) * space if count_include_pad else where.padding, where.dilation)
    counts = where.outputs(size, ceil_mode)
    full = padded(inside, frame.padding, 0.0, _overhang(frame, inside.shape, counts))
    return windows_of(np.ascontiguousarray(full), where, counts).sum(axis=tuple(range(-space, 0)))


def avg_shape(name: str, space: int, x: Shape, *, kernel_size: Wholes, stride: Wholes | None, padding: Padding,
              ceil_mode: bool, count_include_pad: bool, divisor_override: Real | None) -> Shape:
    """(batch, channels, *windows)."""
    flag("count_include_pad", count_include_pad)
    if divisor_override is not None and number("divisor_override", divisor_override) == 0:
        raise ParameterError("divisor_override", "divisor_override must not be 0")
    return _pool_shape(name, space, x, pool_geometry(space, kernel_size, stride, padding), ceil_mode)


def _avg_pool(space: int, xp: object, x: Array, kernel_size: Wholes, stride: Wholes | None = None, padding: Padding = 0,
              ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: Real | None = None) -> Array:
    where = pool_geometry(space, kernel_size, stride, padding)
    total = np.sum(_windows(x, where, ceil_mode, 0), axis=tuple(range(-space, 0)))
    size = np.shape(x)[-space:]
    return total / _exact(divisors(space, size, where, ceil_mode, count_include_pad, divisor_override), x)


def _exact(divisor: Array | Real, x: Array) -> Array | Real:
    """Whole numbers in the dtype of x, so that float32 and exact numbers stay what they are."""
    if not isinstance(divisor, np.ndarray):
        return divisor
    return divisor.astype(int).astype(x.dtype)


def avg_unpool_shape(name: str, space: int, x: Shape, *, output_size: object, **parameters: Any) -> Shape:
    """(batch, channels, *output_size), if the pool of that gives `x`."""
    check_rank(name, x, space)
    result = (*x[:-space], *_output_size(space, output_size))
    if avg_shape(name, space, result, **parameters) != x:
        raise ShapeError(f"{name}: the pool of {show(result)} does not have the shape {show(x)}", 0)
    return result


def _avg_unpool(space: int, xp: object, x: Array, output_size: object, kernel_size: Wholes,
                stride: Wholes | None = None, padding: Padding = 0, ceil_mode: bool = False,
                count_include_pad: bool = True, divisor_override: Real | None = None) -> Array:
    where = pool_geometry(space, kernel_size, stride, padding)
    size = tuple(map(int, _output_size(space, output_size)))
    share = x / _exact(divisors(space, size, where, ceil_mode, count_include_pad, divisor_override), x)
    counts = np.shape(x)[-space:]
    extra = _overhang(where, size, counts)
    wide = np.zeros((*np.shape(x)[:-space],
                     *(s + 2 * p + e for s, p, e in zip(size, where.padding, extra, strict=True))),
                    dtype=x.dtype)  # fmt: skip
    for window in np.ndindex(*where.kernel):
        wide[_within(where, window, counts)] += share
    inside: Key = (..., *(slice(p, p + s) for p, s in zip(where.padding, size, strict=True)))
    return wide[inside]


def _avg_rule(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, **parameters: Any) -> Tensor:
    return getattr(xp, f"avg_unpool{space}d")(g, output_size=x.shape[-space:], **parameters)


def _avg_unpool_rule(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, output_size: object,
                     **parameters: Any) -> Tensor:
    return getattr(xp, f"avg_pool{space}d")(g, **parameters)


# ── what they take ───────────────────────────────────────────────────────────────────────────────


def _taken(space: int, copies: int, y: Shape, x: Shape, *_: Shape | None, kernel_size: Wholes, padding: Padding,
           **__: object) -> int:  # fmt: skip
    """The padded tensor, and its windows side by side so many times: numpy copies such a view to reduce it."""
    pads = wholes("padding", padding, space, 0)
    around = prod(int(s) + 2 * p for s, p in zip(x[-space:], pads, strict=True))
    windows = size(y) * prod(wholes("kernel_size", kernel_size, space, 1))
    return 2 * prod(map(int, x[:-space])) * around + copies * windows + 2 * size(y)


def _one_by_one(space: int, steps: int, y: Shape, x: Shape, **parameters: Any) -> int:
    """The work where the entries of a window are gone through in Python, in so many calls each."""
    window = prod(wholes("kernel_size", parameters["kernel_size"], space, 1))
    return _taken(space, 2, y, x, **parameters) + steps * costs.STEP * window


# ── the ops ──────────────────────────────────────────────────────────────────────────────────────

POOLS: dict[int, tuple[tuple[tuple[int, ...], dict[str, object]], ...]] = {
    1: (((2, 2, 6), {"kernel_size": 2}), ((2, 5), {"kernel_size": 3, "stride": 1, "padding": 1}),
        ((1, 1, 6), {"kernel_size": 3, "stride": 2, "ceil_mode": True})),
    2: (((2, 1, 4, 4), {"kernel_size": 2}), ((2, 5, 4), {"kernel_size": (3, 2), "stride": (1, 2), "padding": 1}),
        ((1, 2, 4, 5), {"kernel_size": 3, "stride": 2, "ceil_mode": True, "padding": 1})),
}  # fmt: skip
AVERAGES: dict[int, tuple[tuple[tuple[int, ...], dict[str, object]], ...]] = {
    1: (*POOLS[1], ((1, 1, 5), {"kernel_size": 3, "padding": 1, "count_include_pad": False})),
    2: (*POOLS[2], ((1, 1, 4, 4), {"kernel_size": 2, "divisor_override": -2}),
        ((1, 1, 5, 5), {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False, "ceil_mode": True})),
}  # fmt: skip
DILATED: dict[int, tuple[tuple[tuple[int, ...], dict[str, object]], ...]] = {
    1: (((1, 7), {"kernel_size": 2, "dilation": 3}),), 2: (((1, 5, 6), {"kernel_size": 2, "dilation": (2, 3)}),),
}  # fmt: skip
UNPOOLED: dict[int, Sample] = {
    1: Sample(((2, 2, 3), (2, 2, 3)), {"output_size": 5}, ("real", "labels:5")),
    2: Sample(((2, 2, 3), (2, 2, 3)), {"output_size": (3, 4)}, ("real", "labels:12")),
}
DEFAULTS: dict[str, Any] = {"stride": None, "padding": 0, "ceil_mode": False, "count_include_pad": True,
                            "divisor_override": None}  # fmt: skip


def _unpool_samples(space: int) -> tuple[Sample, ...]:
    """The outputs of the averages, to be put back."""
    made = []
    for shape, given in AVERAGES[space]:
        pooled = avg_shape("avg_pool", space, shape, **{**DEFAULTS, **given})
        made.append(Sample((pooled,), {**given, "output_size": shape[-space:]}))
    return tuple(made)


def _define(space: int) -> None:
    d = f"{space}d"
    statics = "kernel_size, stride=none, padding=0, dilation=1, ceil_mode=false"
    average = "kernel_size, stride=none, padding=0, ceil_mode=false, count_include_pad=true, divisor_override=none"
    largest = tuple(Sample((shape,), given) for shape, given in POOLS[space] + DILATED[space])
    op(f"max_pool{d}(x; {statics})", "The largest entry of every window; the stride is the window's size unless given.",
       partial(_max_pool, space), temporary=partial(_taken, space, 2), work=partial(_one_by_one, space, 1),
       shape=partial(max_shape, f"max_pool{d}", space), vjps=partial(_max_rule, space),
       entry=partial(_max_entry, space), kink=partial(_tied, space),
       convention="of several largest entries the first has the gradient",
       samples=largest, group="networks")
    op(f"max_pool{d}_indices(x; {statics})",
       "Where each window's largest entry lies in its channel, counted row by row.",
       lambda xp, x, **p: np.asarray(max_positions(space, x, **{"stride": None, "padding": 0, "dilation": 1,
                                                                "ceil_mode": False, **p}), dtype=xp.dtype),
       temporary=partial(_taken, space, 3), work=partial(_one_by_one, space, 3),
       shape=partial(max_shape, f"max_pool{d}_indices", space), vjps=(None,), has_entries=False, samples=largest,
       group="networks")
    op(f"max_unpool{d}(x, indices; output_size)",
       "Zeros with every value at its position in the channel, counted row by row; values that meet add up.",
       partial(_unpool, space), shape=partial(unpool_shape, f"max_unpool{d}", space),
       vjps=(partial(_unpool_rule, space), None), integer_operands=frozenset({"indices"}), samples=(UNPOOLED[space],),
       group="networks", linear="x")
    op(f"avg_pool{d}(x; {average})", "The mean of every window; the stride is the window's size unless given.",
       partial(_avg_pool, space), temporary=partial(_taken, space, 1), work=partial(_taken, space, 1),
       shape=partial(avg_shape, f"avg_pool{d}", space), vjps=partial(_avg_rule, space),
       samples=tuple(Sample((shape,), given) for shape, given in AVERAGES[space]), group="networks", linear="x")
    op(f"avg_unpool{d}(x; output_size, {average})",
       f"The adjoint of avg_pool{d}: every entry is shared among the entries of its window.",
       partial(_avg_unpool, space), temporary=lambda y, x, **p: _taken(space, 1, x, y, **p),
       work=lambda y, x, **p: _one_by_one(space, 1, x, y, **p),
       shape=partial(avg_unpool_shape, f"avg_unpool{d}", space),
       vjps=partial(_avg_unpool_rule, space), samples=_unpool_samples(space), group="networks", linear="x")


_define(1)
_define(2)
