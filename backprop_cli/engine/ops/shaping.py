"""Ops that reshape, join and make tensors: reshape, broadcast_to, concat, stack, zeros, arange, ..."""

from __future__ import annotations

import math

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import (
    PASSED,
    ParameterError,
    Sample,
    ShapeError,
    broadcast,
    named,
    normalize_axis,
    op,
    show,
)
from backprop_cli.engine.ops.shapes import sizes_of
from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.engine.ops.tensor import Array, Axes, Tensor, Whole, Words
from backprop_cli.engine.ops.validate import whole
from backprop_cli.language.model import Shape


def reshape_shape(x: Shape, *, shape: int | Shape) -> Shape:
    """A shape of as many entries; one size may be -1."""
    total = math.prod(x)
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if sizes.count(-1) > 1 or any(size < -1 for size in sizes):
        raise ParameterError("shape", f"shape {sizes} may hold one -1, and no other negative size")
    known = math.prod(size for size in sizes if size != -1)
    if -1 in sizes:
        fill = total // known if known else 0
        sizes = tuple(fill if size == -1 else size for size in sizes)
    if math.prod(sizes) != total:
        wanted = show((shape,) if isinstance(shape, int) else tuple(shape))
        raise ShapeError(f"cannot reshape {show(x)}, which has {total} entries, into {wanted}")
    return _keep_names(x, sizes)


def _keep_names(x: Shape, sizes: Shape) -> Shape:
    """Leading and trailing axes that did not change keep their names."""
    result = list(sizes)
    for i, (old, new) in enumerate(zip(x, sizes, strict=False)):
        if old != new:
            break
        result[i] = named(new, old)
    for i in range(1, min(len(x), len(sizes)) + 1):
        if x[-i] != sizes[-i]:
            break
        result[-i] = named(result[-i], x[-i])
    return tuple(result)


op("reshape(x; shape)", "The same entries, in row-major order, in another shape; one size may be -1.",
   lambda xp, x, shape: np.reshape(x, shape), shape=reshape_shape, temporary=costs.nothing,
   vjps=lambda xp, g, y, x, shape: xp.reshape(g, shape=x.shape), group="shape", aliases="view",
   samples=(Sample(((2, 3),), {"shape": (3, 2)}), Sample(((2, 3),), {"shape": -1}),
            Sample(((2, 3, 2),), {"shape": (2, -1)})), linear="x")


def expand_shape(x: Shape, *, axis: Axes) -> Shape:
    """New axes of size 1 at `axis` of the result."""
    if axis is None:
        raise ParameterError("axis", "axis says where the new axes go, and cannot be none")
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    rank = len(x) + len(axes)
    places = {normalize_axis(a, rank) for a in axes}
    if len(places) < len(axes):
        raise ParameterError("axis", f"axis {axis} names an axis twice")
    rest = iter(x)
    return tuple(1 if i in places else next(rest) for i in range(rank))


def _squeeze_axes(x: Shape, axis: Axes) -> tuple[int, ...]:
    if axis is None:
        return tuple(i for i, size in enumerate(x) if size == 1)
    listed = (axis,) if isinstance(axis, int) else tuple(axis)
    return tuple(a for a in (normalize_axis(a, len(x)) for a in listed) if x[a] == 1)


def squeeze_shape(x: Shape, *, axis: Axes = None) -> Shape:
    """Without the axes of size 1 (of `axis`)."""
    gone = _squeeze_axes(x, axis)
    return tuple(size for i, size in enumerate(x) if i not in gone)


op("expand_dims(x; axis)", "New axes of size 1.", lambda xp, x, axis: np.expand_dims(x, axis), shape=expand_shape,
   view=True, vjps=lambda xp, g, y, x, axis: xp.reshape(g, shape=x.shape), group="shape", aliases="unsqueeze",
   samples=(Sample(((2, 3),), {"axis": 0}), Sample(((2,),), {"axis": (0, -1)})), linear="x")
op("squeeze(x; axis=none)", "Without axes of size 1 (of `axis`, or all of them).",
   lambda xp, x, axis=None: np.squeeze(x, _squeeze_axes(x.shape, axis)), view=True, shape=squeeze_shape,
   vjps=lambda xp, g, y, x, axis: xp.reshape(g, shape=x.shape), whole_axes=True, group="shape",
   samples=(Sample(((2, 1, 3, 1),)), Sample(((2, 1, 1),), {"axis": 1})))


def broadcast_shape(x: Shape, *, shape: int | Shape) -> Shape:
    """`shape`, if `x` broadcasts to it; -1 keeps a size."""
    shape = (shape,) if isinstance(shape, int) else shape
    offset = len(shape) - len(x)
    sizes = tuple(x[i - offset] if size == -1 and i >= offset else size for i, size in enumerate(shape))
    if any(size < 0 for size in sizes):
        raise ParameterError("shape", f"{show(shape)} keeps the size of an axis that {show(x)} does not have")
    if broadcast(x, sizes) != sizes:
        raise ShapeError(f"{show(x)} does not broadcast to {show(sizes)}", 0)
    return sizes


def _repeated(xp: object, x: Array | float, shape: int | Shape) -> Array:
    """`x` seen in a wider shape; a number (a float64 is a float) in a tenth of the time of numpy's own function."""
    if isinstance(x, float) and isinstance(shape, tuple) and -1 not in shape:
        return np.ndarray(shape, np.float64, np.float64(x), 0, (0,) * len(shape))[()]
    return np.broadcast_to(x, broadcast_shape(np.shape(x), shape=shape))


op("broadcast_to(x; shape)", "Repeated along axes of size 1 and new leading axes.",
   _repeated, shape=broadcast_shape, view=True,
   vjps=PASSED, broadcasts=True, group="shape", aliases="expand",
   samples=(Sample(((3,),), {"shape": (2, 3)}), Sample(((2, 1),), {"shape": (2, 3)}), Sample(((),), {"shape": (2,)})))


def concat_shape(*shapes: Shape, axis: int) -> Shape:
    """Joined along an axis that exists; all other sizes agree."""
    if not shapes[0]:
        raise ShapeError("scalars cannot be joined along an axis", 0, "use stack([a, b])")
    place = normalize_axis(axis, len(shapes[0]))
    first = shapes[0]
    for i, shape in enumerate(shapes):
        rest = shape[:place] + shape[place + 1 :]
        if len(shape) != len(first) or rest != first[:place] + first[place + 1 :]:
            raise ShapeError(f"shapes {show(shapes[0])} and {show(shape)} differ on an axis other than {axis}", i)
    total = sum(int(shape[place]) for shape in shapes)
    return (*shapes[0][:place], shapes[0][place] if len(shapes) == 1 else total, *shapes[0][place + 1 :])


def _part(xp: Words, which: int, g: Tensor, y: Tensor, *xs: Tensor, axis: int) -> Tensor:
    place = axis % len(xs[0].shape)
    start = sum(int(x.shape[place]) for x in xs[:which])
    span = Span(start or None, start + int(xs[which].shape[place]) if which + 1 < len(xs) else None)
    return xp.index(g, index=(*[Span()] * place, span)) if len(xs) > 1 else g


op("concat([xs]; axis=0)", "Tensors joined along an axis.", lambda xp, *xs, axis=0: np.concatenate(xs, axis=axis),
   shape=lambda *shapes, axis=0: concat_shape(*shapes, axis=axis), vjps=_part, group="shape",
   aliases="concatenate cat", samples=(Sample(((2, 3), (1, 3))), Sample(((2, 3), (2, 1), (2, 2)), {"axis": -1})))


def stack_shape(*shapes: Shape, axis: int) -> Shape:
    """Joined along a new axis; all shapes agree."""
    for i, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ShapeError(f"shapes {show(shapes[0])} and {show(shape)} differ", i)
    place = normalize_axis(axis, len(shapes[0]) + 1)
    return (*shapes[0][:place], len(shapes), *shapes[0][place:])


def _layer(xp: Words, which: int, g: Tensor, y: Tensor, *xs: Tensor, axis: int) -> Tensor:
    place = axis % (len(xs[0].shape) + 1)
    return xp.index(g, index=(*[Span()] * place, which))


op("stack([xs]; axis=0)", "Tensors of one shape joined along a new axis.",
   lambda xp, *xs, axis=0: np.stack(xs, axis=axis), shape=stack_shape, vjps=_layer, group="shape",
   samples=(Sample(((2, 3), (2, 3))), Sample(((2,), (2,)), {"axis": -1}), Sample(((), ()))))


op("zeros(; shape)", "A tensor of zeros.", lambda xp, shape: xp.array(np.zeros(tuple(map(int, sizes_of(shape))))),
   shape=lambda *, shape: sizes_of(shape), vjps=(), samples=(Sample((), {"shape": (2, 3)}),), group="shape",
   latex=r"\mathbf{{0}}")
op("ones(; shape)", "A tensor of ones.", lambda xp, shape: xp.array(np.ones(tuple(map(int, sizes_of(shape))))),
   shape=lambda *, shape: sizes_of(shape), vjps=(), samples=(Sample((), {"shape": (2, 3)}),), group="shape")
def _eye_shape(*, n: int, m: int | None) -> Shape:
    return whole("n", n, 0), whole("m", n if m is None else m, 0)


op("eye(; n, m=none)", "Identity matrix of n rows (and m columns).",
   lambda xp, n, m=None: xp.array(np.eye(int(n), int(n if m is None else m))),
   shape=_eye_shape,
   vjps=(), samples=(Sample((), {"n": 3}), Sample((), {"n": 2, "m": 3})),
   group="shape")


def _range(start: int, stop: int | None, step: int) -> range:
    """numpy's arange of whole numbers: arange(n), arange(start, stop), arange(start, stop, step)."""
    first, last = (0, start) if stop is None else (start, stop)
    if whole("step", step) == 0:
        raise ParameterError("step", "step must not be 0")
    return range(whole("start", first), whole("stop", last), step)


def _numbers(span: range) -> Whole:
    """An array, without an object for each number."""
    return np.arange(span.start, span.stop, span.step)


def _arange_shape(*, start: int, stop: int | None, step: int) -> Shape:
    span = _range(start, stop, step)
    length = max(0, -((span.start - span.stop) // span.step))  # len() has a limit
    return (named(length, start),) if length == start else (length,)


op("arange(; start, stop=none, step=1)", "Whole numbers: arange(n) from 0 to n - 1, arange(start, stop, step).",
   lambda xp, start, stop=None, step=1: xp.array(_numbers(_range(start, stop, step))),
   shape=_arange_shape,
   vjps=(), samples=(Sample((), {"start": 4}), Sample((), {"start": 1, "stop": 8, "step": 3})), group="shape")
