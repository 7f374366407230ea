"""The mean of every window, and its adjoint."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from backprop_cli.engine.ops.base import ParameterError, Sample, ShapeError, op, show
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
from backprop_cli.engine.ops.tensor import Array, Key, Padding, Real, Tensor, Wholes, Words, word
from backprop_cli.engine.ops.validate import flag, number
from backprop_cli.engine.ops.windows import SPACES, Geometry, check_rank, padded, windows_of
from backprop_cli.language.model import Shape

AVERAGES: dict[int, tuple[tuple[tuple[int, ...], dict[str, object]], ...]] = {
    1: (*POOLS[1], ((1, 1, 5), {"kernel_size": 3, "padding": 1, "count_include_pad": False})),
    2: (*POOLS[2], ((1, 1, 4, 4), {"kernel_size": 2, "divisor_override": -2}),
        ((1, 1, 5, 5), {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False, "ceil_mode": True})),
    3: (*POOLS[3], ((1, 1, 2, 3, 2), {"kernel_size": 2, "padding": 1, "stride": 2, "count_include_pad": False})),
}  # fmt: skip
DEFAULTS: dict[str, Any] = {"stride": None, "padding": 0, "ceil_mode": False, "count_include_pad": True,
                            "divisor_override": None}  # fmt: skip


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
    full = padded(inside, frame.padding, 0.0, overhang(frame, inside.shape, counts))
    seen: Array = windows_of(np.ascontiguousarray(full), where, counts).sum(axis=tuple(range(-space, 0)))
    return seen


def avg_shape(name: str, space: int, x: Shape, *, kernel_size: Wholes, stride: Wholes | None, padding: Padding,
              ceil_mode: bool, count_include_pad: bool, divisor_override: Real | None) -> Shape:
    """(batch, channels, *windows)."""
    flag("count_include_pad", count_include_pad)
    if divisor_override is not None and number("divisor_override", divisor_override) == 0:
        raise ParameterError("divisor_override", "divisor_override must not be 0")
    return pool_shape(name, space, x, pool_geometry(space, kernel_size, stride, padding), ceil_mode)


def _avg_pool(space: int, xp: object, x: Array, kernel_size: Wholes, stride: Wholes | None = None, padding: Padding = 0,
              ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: Real | None = None) -> Array:
    where = pool_geometry(space, kernel_size, stride, padding)
    total: Array = np.sum(pool_windows(x, where, ceil_mode, 0), axis=tuple(range(-space, 0)))
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
    result = (*x[:-space], *output_size_of(space, output_size))
    if avg_shape(name, space, result, **parameters) != x:
        raise ShapeError(f"{name}: the pool of {show(result)} does not have the shape {show(x)}", 0)
    return result


def _avg_unpool(space: int, xp: object, x: Array, output_size: object, kernel_size: Wholes,
                stride: Wholes | None = None, padding: Padding = 0, ceil_mode: bool = False,
                count_include_pad: bool = True, divisor_override: Real | None = None) -> Array:
    where = pool_geometry(space, kernel_size, stride, padding)
    size = tuple(map(int, output_size_of(space, output_size)))
    share = x / _exact(divisors(space, size, where, ceil_mode, count_include_pad, divisor_override), x)
    counts = np.shape(x)[-space:]
    extra = overhang(where, size, counts)
    wide = np.zeros((*np.shape(x)[:-space],
                     *(s + 2 * p + e for s, p, e in zip(size, where.padding, extra, strict=True))),
                    dtype=x.dtype)  # fmt: skip
    for window in np.ndindex(*where.kernel):
        wide[within(where, window, counts)] += share
    inside: Key = (..., *(slice(p, p + s) for p, s in zip(where.padding, size, strict=True)))
    return wide[inside]


def _avg_rule(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, **parameters: Any) -> Tensor:
    return word(xp, f"avg_unpool{space}d")(g, output_size=x.shape[-space:], **parameters)


def _avg_unpool_rule(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, output_size: object,
                     **parameters: Any) -> Tensor:
    return word(xp, f"avg_pool{space}d")(g, **parameters)


def _unpool_samples(space: int) -> tuple[Sample, ...]:
    """The outputs of the averages, to be put back."""
    made = []
    for shape, given in AVERAGES[space]:
        pooled = avg_shape("avg_pool", space, shape, **{**DEFAULTS, **given})
        made.append(Sample((pooled,), {**given, "output_size": shape[-space:]}))
    return tuple(made)


def _define(space: int) -> None:
    d = f"{space}d"
    average = "kernel_size, stride=none, padding=0, ceil_mode=false, count_include_pad=true, divisor_override=none"
    op(f"avg_pool{d}(x; {average})", "The mean of every window; the stride is the window's size unless given.",
       partial(_avg_pool, space), temporary=partial(taken, space, 1), work=partial(taken, space, 1),
       shape=partial(avg_shape, f"avg_pool{d}", space), vjps=partial(_avg_rule, space),
       samples=tuple(Sample((shape,), given) for shape, given in AVERAGES[space]), group="networks", linear="x")
    op(f"avg_unpool{d}(x; output_size, {average})",
       f"The adjoint of avg_pool{d}: every entry is shared among the entries of its window.",
       partial(_avg_unpool, space), temporary=lambda y, x, **p: taken(space, 1, x, y, **p),
       work=lambda y, x, **p: one_by_one(space, 1, x, y, **p),
       shape=partial(avg_unpool_shape, f"avg_unpool{d}", space),
       vjps=partial(_avg_unpool_rule, space), samples=_unpool_samples(space), group="networks", linear="x")


for _space in SPACES:
    _define(_space)
