"""Shapes of tensors: broadcasting, axes and reductions, all keeping the names of named sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from backprop_cli.engine.ops.tensor import Axes
from backprop_cli.language.model import Shape, Size


class ShapeError(Exception):
    """Shapes that do not fit; `operand` is the index of the operand to point at, or None for the whole call."""

    def __init__(self, message: str, operand: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.operand = operand
        self.hint = hint


class ParameterError(Exception):
    """A static parameter of the wrong type or range."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def show(shape: Shape) -> str:
    """A shape as numpy prints it, with the names of named sizes: `(N, 3)`."""
    parts = [getattr(size, "name", None) or str(int(size)) for size in shape]
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def one_shape(function: str, first: Shape, second: Shape) -> Shape:
    """The shape that both operands of a function have, which are not broadcast.

    Raises:
        ShapeError: they have two.
    """
    if tuple(map(int, first)) != tuple(map(int, second)):
        raise ShapeError(f"the operands of {function} have shapes {show(first)} and {show(second)}, not one", 1)
    return first


def named(*sizes: int) -> int:
    """Equal sizes met on one axis: the one that has a name wins."""
    for size in sizes:
        if getattr(size, "name", None):
            return size
    return sizes[0]


def broadcast(*given: Shape | None) -> Shape:
    """numpy's broadcasting of shapes, keeping the names of sizes; None is an operand left out.

    Raises:
        ShapeError: two sizes differ and neither is 1.
    """
    if not any(given):  # numbers alone
        return ()
    shapes = [shape for shape in given if shape is not None]
    rank = max(map(len, shapes), default=0)
    result: list[int] = []
    for axis in range(-rank, 0):
        sizes = [shape[axis] for shape in shapes if len(shape) >= -axis]
        wide = [size for size in sizes if size != 1]
        if any(size != wide[0] for size in wide):
            raise ShapeError(f"shapes {' and '.join(map(show, shapes))} do not broadcast: "
                             f"axis {axis} has sizes {' and '.join(map(str, wide))}")
        result.append(named(*(wide or sizes)))
    return tuple(result)


def normalize_axis(axis: int, rank: int, parameter: str = "axis") -> int:
    """A non-negative axis.

    Raises:
        ParameterError: the axis is outside the rank.
    """
    if isinstance(axis, bool) or not isinstance(axis, int):
        raise ParameterError(parameter, f"{parameter} is one whole number here, not {axis!r}")
    if not -rank <= axis < rank:
        raise ParameterError(parameter, f"axis {axis} is out of range for a tensor of rank {rank}")
    return axis % rank


def axes_of(axis: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Axes to reduce over, non-negative and sorted; None is all of them."""
    if axis is None:
        return tuple(range(rank))
    listed = (axis,) if isinstance(axis, int) else tuple(axis)
    axes = tuple(sorted(normalize_axis(a, rank) for a in listed))
    if len(set(axes)) != len(axes):
        raise ParameterError("axis", f"axis {axis} names an axis twice")
    return axes


def reduced(shape: Shape, axis: Axes = None, keepdims: bool = False) -> Shape:
    """The shape after a reduction."""
    axes = axes_of(axis, len(shape))
    if keepdims:
        return tuple(1 if i in axes else size for i, size in enumerate(shape))
    return tuple(size for i, size in enumerate(shape) if i not in axes)


def count(shape: Shape, axis: Axes = None) -> int:
    """How many entries a reduction adds up; a `Size` if that is one named axis, or the product of several sizes."""
    axes = axes_of(axis, len(shape))
    if len(axes) == 1:
        return shape[axes[0]]
    sizes = tuple(shape[a] for a in axes)
    total = math.prod(map(int, sizes))
    if not any(getattr(size, "name", None) for size in sizes):
        return total
    named_total = Size(total)
    named_total.factors = sizes
    return named_total


def keeps_axes(shape: Shape, axis: Axes, met: Shape) -> bool:
    """Whether a reader of `x - Σ_d(x)/D` takes the sum of a tensor of this shape to keep its axes.

    It does where it meets a tensor that has them, and where it would not fit without them.
    """
    if len(met) >= len(shape):
        return True
    try:
        broadcast(reduced(shape, axis, False), met)
    except ShapeError:
        return True
    return False


def sizes_of(shape: int | Shape) -> Shape:
    """A shape as it is given: one size, or several.

    Raises:
        ParameterError: a size below 0.
    """
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(size < 0 for size in sizes):
        raise ParameterError("shape", f"sizes must not be negative: {sizes}")
    return sizes
