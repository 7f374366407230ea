"""What all pools share: their windows, their shapes, and what they take."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import ParameterError, show
from backprop_cli.engine.ops.costs import size
from backprop_cli.engine.ops.tensor import Array, Key, Padding, Wholes
from backprop_cli.engine.ops.validate import flag, wholes
from backprop_cli.engine.ops.windows import Geometry, check_fit, check_rank, geometry, padded, windows_of
from backprop_cli.language.model import Shape

POOLS: dict[int, tuple[tuple[tuple[int, ...], dict[str, object]], ...]] = {
    1: (((2, 2, 6), {"kernel_size": 2}), ((2, 5), {"kernel_size": 3, "stride": 1, "padding": 1}),
        ((1, 1, 6), {"kernel_size": 3, "stride": 2, "ceil_mode": True})),
    2: (((2, 1, 4, 4), {"kernel_size": 2}), ((2, 5, 4), {"kernel_size": (3, 2), "stride": (1, 2), "padding": 1}),
        ((1, 2, 4, 5), {"kernel_size": 3, "stride": 2, "ceil_mode": True, "padding": 1})),
    3: (((1, 2, 2, 4, 2), {"kernel_size": 2}), ((1, 3, 2, 3), {"kernel_size": (2, 1, 3), "stride": 1})),
}  # fmt: skip


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


def overhang(where: Geometry, space: tuple[int, ...], counts: tuple[int, ...]) -> tuple[int, ...]:
    """How far the last window hangs over the padded end (ceil_mode)."""
    return tuple(max(0, (n - 1) * s + r - (size + 2 * p)) for n, s, r, size, p in
                 zip(counts, where.stride, where.reach, space, where.padding, strict=True))


def pool_windows(x: Array, where: Geometry, ceil: bool, value: float) -> Array:
    """(*lead, *counts, *kernel), outside filled with `value`."""
    space = np.shape(x)[-len(where.kernel) :]
    counts = where.outputs(space, ceil)
    full = padded(x, where.padding, value, overhang(where, space, counts))
    return windows_of(np.ascontiguousarray(full), where, counts)


def pool_shape(name: str, space: int, x: Shape, where: Geometry, ceil_mode: bool) -> Shape:
    """(*lead, *windows), where they fit.

    Raises:
        ShapeError: the rank is another, or a window is larger than the padded tensor.
    """
    check_rank(name, x, space)
    counts = where.outputs(x[-space:], flag("ceil_mode", ceil_mode))
    check_fit(name, x, where, counts)
    kept = tuple(old if new == old else new for new, old in zip(counts, x[-space:], strict=True))
    return (*x[:-space], *kept)


def within(where: Geometry, window: tuple[int, ...], counts: Sequence[int]) -> Key:
    """The entry at one place of every window."""
    return (..., *where.source(window, counts))


def output_size_of(space: int, output_size: object) -> tuple[int, ...]:
    """A size for each axis of space; one number is that of all."""
    listed = tuple(output_size) if isinstance(output_size, tuple) else (output_size,)
    wholes("output_size", listed, space, 1)
    return listed if len(listed) == space else listed * space


def taken(space: int, copies: int, y: Shape, x: Shape, *_: Shape | None, kernel_size: Wholes, padding: Padding,
           **__: object) -> int:  # fmt: skip
    """The padded tensor, and its windows side by side so many times: numpy copies such a view to reduce it."""
    pads = wholes("padding", padding, space, 0)
    around = prod(int(s) + 2 * p for s, p in zip(x[-space:], pads, strict=True))
    windows = size(y) * prod(wholes("kernel_size", kernel_size, space, 1))
    return 2 * prod(map(int, x[:-space])) * around + copies * windows + 2 * size(y)


def one_by_one(space: int, steps: int, y: Shape, x: Shape, **parameters: Any) -> int:
    """The work where the entries of a window are gone through in Python, in so many calls each."""
    window = prod(wholes("kernel_size", parameters["kernel_size"], space, 1))
    return taken(space, 2, y, x, **parameters) + steps * costs.STEP * window
