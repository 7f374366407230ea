"""Entries moved, repeated or blanked: flip, roll, tile, repeat, triangles and diagonals."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from backprop_cli.engine.ops.base import (
    ParameterError,
    Sample,
    ShapeError,
    axes_of,
    composite,
    normalize_axis,
    op,
    show,
)
from backprop_cli.engine.ops.library import spell
from backprop_cli.engine.ops.shaping import reshape_shape
from backprop_cli.engine.ops.tensor import Axes, Tensor, Wholes, Words
from backprop_cli.engine.ops.validate import whole, wholes
from backprop_cli.language.model import Shape


def _same(x: Shape, *, axis: Axes = None) -> Shape:
    axes_of(axis, len(x))
    return x


op("flip(x; axis=none)", "The entries in reverse order along axes (default: all).",
   lambda xp, x, axis=None: np.flip(x, axis), shape=_same, vjps=lambda xp, g, y, x, axis: xp.flip(g, axis=axis),
   whole_axes=True, group="shape",
   samples=(Sample(((3,),)), Sample(((2, 3),), {"axis": 1}), Sample(((2, 3, 2),), {"axis": (0, -1)}), Sample(((),))),
   linear="x")


def _roll_shape(x: Shape, *, shift: Wholes, axis: Axes = None) -> Shape:
    if axis is None:
        whole("shift", shift)
    else:
        wholes("shift", shift, len(axes_of(axis, len(x))))
    return x


def _opposite(shift: Wholes) -> Wholes:
    return -shift if isinstance(shift, int) else tuple(-s for s in shift)


def _one_roll(shape: Shape, *, shift: Wholes, axis: Axes) -> Mapping[str, object]:
    """Axes counted from the start; a vector's only one is none, a list of one is that one."""
    axes = None if axis is None else tuple(a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,)))
    if axes is None or len(axes) != 1:
        return {"shift": shift, "axis": axes}
    return {"shift": shift[0] if isinstance(shift, tuple) else shift, "axis": None if len(shape) == 1 else axes[0]}


op("roll(x; shift, axis=none)", "The entries shifted along axes, those pushed out coming back in at the other end.",
   lambda xp, x, shift, axis=None: x if axis == () else np.roll(x, shift, axis), shape=_roll_shape, group="shape",
   vjps=lambda xp, g, y, x, shift, axis: xp.roll(g, shift=_opposite(shift), axis=axis),
   samples=(Sample(((4,),), {"shift": 1}), Sample(((2, 3),), {"shift": -1, "axis": 1}), Sample(((2, 3),), {"shift": 2}),
            Sample(((2, 3),), {"shift": (1, 2), "axis": (0, 1)})), linear="x", alike=_one_roll)

# ── repetition ───────────────────────────────────────────────────────────────────────────────────


def _repeated(apart: Shape, wide: Shape, joined: Shape) -> str:
    """New axes of size 1, made wider, and joined with those beside them."""
    return f"reshape(broadcast_to(reshape(x, {spell(apart)}), {spell(wide)}), {spell(joined)})"


def _tile(shapes: Mapping[str, Shape], reps: Wholes) -> str:
    x = shapes["x"]
    times = wholes("reps", reps, len(reps) if isinstance(reps, tuple) else 1, 0)
    rank = max(len(x), len(times))
    times = (*[1] * (rank - len(times)), *times)
    sizes = (*[1] * (rank - len(x)), *x)
    apart = tuple(n for size in sizes for n in (1, size))
    wide = tuple(n for pair in zip(times, sizes, strict=True) for n in pair)
    joined = tuple(a * b for a, b in zip(times, sizes, strict=True))
    return _repeated(apart, wide, joined)


composite("tile(x; reps)", "Copies of a tensor side by side, `reps` times along the last axes.", _tile, group="shape",
          samples=(Sample(((3,),), {"reps": 2}), Sample(((2, 3),), {"reps": (2, 2)}), Sample(((3,),), {"reps": (2, 1)}),
                   Sample(((2, 3),), {"reps": 2})))


def _repeat(shapes: Mapping[str, Shape], repeats: int, axis: int | None) -> str:
    x = shapes["x"]
    times = whole("repeats", repeats, 0)
    if axis is None:
        n = math.prod(map(int, x))
        return f"reshape(broadcast_to(reshape(x, ({n}, 1)), ({n}, {times})), ({n * times},))"
    place = normalize_axis(axis, len(x))
    sizes = x
    apart = (*sizes[: place + 1], 1, *sizes[place + 1 :])
    wide = (*sizes[: place + 1], times, *sizes[place + 1 :])
    joined = (*sizes[:place], sizes[place] * times, *sizes[place + 1 :])
    return _repeated(apart, wide, joined)


composite("repeat(x; repeats, axis=none)", "Every entry `repeats` times in a row, along an axis or flattened.", _repeat,
          aliases="repeat_interleave", group="shape",
          samples=(Sample(((3,),), {"repeats": 2}), Sample(((2, 3),), {"repeats": 2, "axis": 1}),
                   Sample(((2, 3),), {"repeats": 3, "axis": 0}), Sample(((2, 2),), {"repeats": 2})))


def _flatten(shapes: Mapping[str, Shape], start_dim: int, end_dim: int) -> str:
    x = shapes["x"]
    if not x:
        return "reshape(x, (1,))"
    first = normalize_axis(whole("start_dim", start_dim), len(x), "start_dim")
    last = normalize_axis(whole("end_dim", end_dim), len(x), "end_dim")
    if first > last:
        raise ParameterError("end_dim", f"end_dim {end_dim} lies before start_dim {start_dim}")
    return f"reshape(x, {spell((*x[:first], math.prod(x[first : last + 1]), *x[last + 1 :]))})"


composite("flatten(x; start_dim=0, end_dim=-1)", "The axes from start_dim to end_dim joined into one (default: all).",
          _flatten, aliases="ravel", group="shape",
          samples=(Sample(((2, 3, 2),)), Sample(((2, 3, 2),), {"start_dim": 1}), Sample(((),))))

# ── triangles and diagonals ──────────────────────────────────────────────────────────────────────


def _triangle_shape(x: Shape, *, k: int = 0) -> Shape:
    whole("k", k)
    if len(x) < 2:
        raise ShapeError(f"a triangle is a part of a matrix, not of {show(x)}", 0)
    return x


TRIANGLES = (Sample(((3, 3),)), Sample(((2, 3),), {"k": 1}), Sample(((2, 3, 2),), {"k": -1}))

op("tril(x; k=0)", "The lower triangle, up to the k-th diagonal; zeros above.", lambda xp, x, k=0: np.tril(x, k),
   shape=_triangle_shape, vjps=lambda xp, g, y, x, k: xp.tril(g, k=k), samples=TRIANGLES, group="linear algebra",
   linear="x")
op("triu(x; k=0)", "The upper triangle, from the k-th diagonal; zeros below.", lambda xp, x, k=0: np.triu(x, k),
   shape=_triangle_shape, vjps=lambda xp, g, y, x, k: xp.triu(g, k=k), samples=TRIANGLES, group="linear algebra",
   linear="x")


def diagonal_length(rows: int, columns: int, offset: int) -> int:
    """How many entries the offset-th diagonal has."""
    return max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))


def _diagonal_axes(x: Shape, axis1: int, axis2: int) -> tuple[int, int]:
    if len(x) < 2:
        raise ShapeError(f"a diagonal is a part of a matrix, not of {show(x)}", 0)
    first = normalize_axis(whole("axis1", axis1), len(x), "axis1")
    second = normalize_axis(whole("axis2", axis2), len(x), "axis2")
    if first == second:
        raise ParameterError("axis2", "a diagonal runs along two different axes")
    return first, second


def _diagonal_shape(x: Shape, *, offset: int, axis1: int, axis2: int) -> Shape:
    first, second = _diagonal_axes(x, axis1, axis2)
    length = diagonal_length(x[first], x[second], whole("offset", offset))
    rest = tuple(size for i, size in enumerate(x) if i not in (first, second))
    return (*rest, x[first] if length == x[first] else length)


def _undiagonal(xp: Words, g: Tensor, shape: Shape, offset: int) -> Tensor:
    """Zeros of `shape`, its last two axes a matrix, with `g` on the offset-th diagonal.

    Each entry of g meets the one column (row, below the main diagonal) of a shifted identity that it belongs to.
    """
    rows, columns = int(shape[-2]), int(shape[-1])
    if len(shape) == 2 and rows == columns:
        return xp.diag(g, k=offset)
    length = diagonal_length(rows, columns, offset)
    eye = xp.eye(n=rows, m=columns)
    if offset:
        eye = xp.tril(xp.triu(xp.ones(shape=(rows, columns)), k=offset), k=offset)
    side = rows if offset >= 0 else columns
    lead = ((0, 0),) * (len(shape) - 2)
    full = g if length == side else xp.pad(g, pad_width=(*lead, (0, side - length)))
    return xp.expand_dims(full, axis=-1 if offset >= 0 else -2) * eye


def _diagonal_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, offset: int, axis1: int, axis2: int) -> Tensor:
    first, second = _diagonal_axes(x.shape, axis1, axis2)
    order = (*(i for i in range(len(x.shape)) if i not in (first, second)), first, second)
    moved = _undiagonal(xp, g, tuple(x.shape[a] for a in order), offset)
    back = tuple(order.index(i) for i in range(len(order)))
    return moved if back == tuple(range(len(back))) else xp.transpose(moved, axes=back)


op("diagonal(x; offset=0, axis1=0, axis2=1)",
   "The offset-th diagonal of the matrices along two axes, as a new last axis.",
   lambda xp, x, offset=0, axis1=0, axis2=1: np.diagonal(x, offset, axis1, axis2), view=True, shape=_diagonal_shape,
   vjps=_diagonal_rule, group="linear algebra",
   samples=(Sample(((3, 3),)), Sample(((2, 3),), {"offset": 1}), Sample(((3, 2),), {"offset": -1}),
            Sample(((2, 3, 4),), {"offset": -1}), Sample(((2, 3, 4),), {"offset": 2, "axis1": 1, "axis2": 2}),
            Sample(((4, 2),), {"offset": -1})), linear="x")


def _diag_shape(x: Shape, *, k: int = 0) -> Shape:
    if len(x) not in (1, 2):
        raise ShapeError(f"diag takes a vector or a matrix, not {show(x)}", 0, "use diagonal for batches")
    if len(x) == 2:
        return _diagonal_shape(x, offset=k, axis1=0, axis2=1)
    return (x[0] + abs(whole("k", k)),) * 2 if k else (x[0], x[0])


op("diag(x; k=0)", "A vector as the k-th diagonal of a matrix; of a matrix, its k-th diagonal.",
   lambda xp, x, k=0: np.diag(x, k), shape=_diag_shape, group="linear algebra",
   vjps=lambda xp, g, y, x, k: xp.diag(g, k=k) if len(x.shape) == 1 else _undiagonal(xp, g, x.shape, k),
   samples=(Sample(((3,),)), Sample(((2,),), {"k": 1}), Sample(((2,),), {"k": -2}), Sample(((3, 3),)),
            Sample(((2, 4),), {"k": 1}), Sample(((4, 2),), {"k": -1})), text="diag({0})",
   latex=r"\operatorname{{diag}}({0})", linear="x")

# ── axes ─────────────────────────────────────────────────────────────────────────────────────────


def _listed(name: str, given: object, rank: int) -> tuple[int, ...]:
    axes = tuple(normalize_axis(whole(name, a), rank) for a in (given if isinstance(given, tuple) else (given,)))
    if len(set(axes)) < len(axes):
        raise ParameterError(name, f"{name} names an axis twice")
    return axes


def _moveaxis(shapes: Mapping[str, Shape], source: object, destination: object) -> str:
    rank = len(shapes["x"])
    first, last = _listed("source", source, rank), _listed("destination", destination, rank)
    if len(first) != len(last):
        raise ParameterError("destination", f"{len(first)} axes move to {len(last)} places")
    placed = dict(zip(last, first, strict=True))
    rest = iter(a for a in range(rank) if a not in first)
    order = tuple(placed[i] if i in placed else next(rest) for i in range(rank))
    return "x" if order == tuple(range(rank)) else f"transpose(x, axes={spell(order)})"


composite("moveaxis(x; source, destination)", "Axes moved to other places; the rest keep their order.", _moveaxis,
          aliases="movedim", group="shape", example="moveaxis(x, 0, -1)",
          samples=(Sample(((2, 3, 4),), {"source": 0, "destination": -1}),
                   Sample(((2, 3, 4),), {"source": (0, 1), "destination": (-1, 0)})))


def _unbind(shapes: Mapping[str, Shape], axis: object) -> str:
    return _moveaxis(shapes, axis, 0)


composite("unbind(x; axis=0)", "The slices along an axis, which comes first: unbind(x, 1)[0] is x[:, 0].", _unbind,
          group="shape", samples=(Sample(((2, 3),),), Sample(((2, 3, 2),), {"axis": -1})))


def _unflatten(shapes: Mapping[str, Shape], axis: object, sizes: object) -> str:
    x = shapes["x"]
    place, listed = normalize_axis(whole("axis", axis), len(x)), sizes if isinstance(sizes, tuple) else (sizes,)
    apart = reshape_shape((int(x[place]),), shape=listed)
    return f"reshape(x, {spell((*x[:place], *apart, *x[place + 1 :]))})"


composite("unflatten(x; axis, sizes)", "One axis made into several; one size may be -1.", _unflatten, group="shape",
          example="unflatten(x, 0, (2, -1))",
          samples=(Sample(((2, 6),), {"axis": 1, "sizes": (2, -1)}), Sample(((4, 3),), {"axis": 0, "sizes": (2, 2)})))


def _rot90(shapes: Mapping[str, Shape], k: object, axes: object) -> str:
    first, second = _listed("axes", wholes("axes", axes, 2), len(shapes["x"]))
    turned = f"swapaxes(x, {first}, {second})"
    return ("x", f"flip({turned}, axis={first})", f"flip(x, axis=({first}, {second}))",
            f"flip({turned}, axis={second})")[whole("k", k) % 4]  # fmt: skip


composite("rot90(x; k=1, axes=(0, 1))", "The plane of two axes turned by k right angles, the first towards the second.",
          _rot90, group="shape", samples=(Sample(((2, 3),)), Sample(((2, 3),), {"k": 2}),
                                          Sample(((2, 3, 2),), {"k": -1, "axes": (1, 2)})))
