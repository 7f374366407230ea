"""The largest entry of every window, where it lies, and what puts values back there."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import Sample, ShapeError, op, show
from backprop_cli.engine.ops.pooling import (
    POOLS,
    one_by_one,
    output_size_of,
    overhang,
    pool_geometry,
    pool_shape,
    pool_windows,
    taken,
    within,
)
from backprop_cli.engine.ops.tensor import Array, Mask, Objects, Padding, Symbolic, Tensor, Whole, Wholes, Words, word
from backprop_cli.engine.ops.windows import SPACES, Geometry, check_rank, padded
from backprop_cli.language.model import Shape

DILATED: dict[int, tuple[tuple[tuple[int, ...], dict[str, object]], ...]] = {
    1: (((1, 7), {"kernel_size": 2, "dilation": 3}),), 2: (((1, 5, 6), {"kernel_size": 2, "dilation": (2, 3)}),),
    3: (((1, 3, 1, 4), {"kernel_size": (2, 1, 2), "dilation": (2, 1, 3)}),),
}  # fmt: skip
UNPOOLED: dict[int, Sample] = {
    1: Sample(((2, 2, 3), (2, 2, 3)), {"output_size": 5}, ("real", "labels:5")),
    2: Sample(((2, 2, 3), (2, 2, 3)), {"output_size": (3, 4)}, ("real", "labels:12")),
    3: Sample(((1, 2, 1, 3), (1, 2, 1, 3)), {"output_size": (3, 1, 4)}, ("real", "labels:12")),
}


def max_shape(name: str, space: int, x: Shape, *, kernel_size: Wholes, stride: Wholes | None, padding: Padding,
              dilation: Wholes, ceil_mode: bool) -> Shape:
    """(batch, channels, *windows)."""
    return pool_shape(name, space, x, pool_geometry(space, kernel_size, stride, padding, dilation), ceil_mode)


def _framed(space: int, x: Array, kernel_size: Wholes, stride: Wholes | None, padding: Padding, dilation: Wholes,
            ceil_mode: bool) -> tuple[Array, Geometry, tuple[int, ...]]:  # fmt: skip
    """The tensor within -inf, the windows over it, and how many there are."""
    where = pool_geometry(space, kernel_size, stride, padding, dilation)
    size = np.shape(x)[-space:]
    counts = where.outputs(size, ceil_mode)
    return padded(x, where.padding, -np.inf, overhang(where, size, counts)), where, counts


def _flat_windows(space: int, x: Array, kernel_size: Wholes, stride: Wholes | None, padding: Padding, dilation: Wholes,
                  ceil_mode: bool) -> Array:
    """Windows with their entries in a row; -inf outside."""
    view = pool_windows(x, pool_geometry(space, kernel_size, stride, padding, dilation), ceil_mode, -np.inf)
    return view.reshape((*view.shape[:-space], -1))


def _max_pool(space: int, xp: object, x: Array, kernel_size: Wholes, stride: Wholes | None = None, padding: Padding = 0,
              dilation: Wholes = 1, ceil_mode: bool = False) -> Array:
    """The first entry of all windows, then the larger of it and the second, and so on: no window is copied."""
    full, where, counts = _framed(space, x, kernel_size, stride, padding, dilation, ceil_mode)
    entries = (full[within(where, window, counts)] for window in np.ndindex(*where.kernel))
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
        entry = full[within(where, window, counts)]
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
    return (*x[:-space], *_space_of(space, output_size))


def _space_of(space: int, output_size: object) -> tuple[int, ...]:
    """The size of an unpooled tensor's space, which may be given behind that of batch and channels."""
    if isinstance(output_size, tuple) and len(output_size) == space + 2:
        return output_size_of(space, output_size[2:])
    return output_size_of(space, output_size)


def _in_channel(space: int, x: Shape, indices: Shape, *, output_size: object) -> range:
    """The positions in a channel."""
    size = int(prod(_space_of(space, output_size)))
    return range(-size, size)


def _unpool(space: int, xp: object, x: Array, indices: Whole, output_size: object) -> Array:
    from backprop_cli.engine.ops.gathering import _scatter_add

    size = tuple(map(int, _space_of(space, output_size)))
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
    indices = word(xp, f"max_pool{space}d_indices")(x, **parameters)
    return word(xp, f"max_unpool{space}d")(g, indices, output_size=x.shape[-space:])


def _define(space: int) -> None:
    d = f"{space}d"
    statics = "kernel_size, stride=none, padding=0, dilation=1, ceil_mode=false"
    largest = tuple(Sample((shape,), given) for shape, given in POOLS[space] + DILATED[space])
    op(f"max_pool{d}(x; {statics})", "The largest entry of every window; the stride is the window's size unless given.",
       partial(_max_pool, space), temporary=partial(taken, space, 2), work=partial(one_by_one, space, 1),
       shape=partial(max_shape, f"max_pool{d}", space), vjps=partial(_max_rule, space),
       entry=partial(_max_entry, space), kink=partial(_tied, space),
       convention="of several largest entries the first has the gradient",
       samples=largest, group="networks")
    op(f"max_pool{d}_indices(x; {statics})",
       "Where each window's largest entry lies in its channel, counted row by row.",
       lambda xp, x, **p: np.asarray(max_positions(space, x, **{"stride": None, "padding": 0, "dilation": 1,
                                                                "ceil_mode": False, **p}), dtype=xp.dtype),
       temporary=partial(taken, space, 3), work=partial(one_by_one, space, 3),
       shape=partial(max_shape, f"max_pool{d}_indices", space), vjps=(None,), has_entries=False, samples=largest,
       group="networks")
    op(f"max_unpool{d}(x, indices; output_size)",
       "Zeros with every value at its position in the channel, counted row by row; values that meet add up.",
       partial(_unpool, space), temporary=costs.times(2), shape=partial(unpool_shape, f"max_unpool{d}", space),
       vjps=(partial(_unpool_rule, space), None), integer_operands=frozenset({"indices"}),
       allowed=partial(_in_channel, space), samples=(UNPOOLED[space],), group="networks", linear="x")


for _space in SPACES:
    _define(_space)
