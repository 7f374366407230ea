"""Entries picked by a tensor of positions, and the adjoints that put them back: take, one_hot, ...

Positions are whole numbers; a negative one counts from the end.  One that is out of range, or no whole number,
gives NaN, so that the run names the node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import Sample, ShapeError, broadcast, composite, normalize_axis, op, show
from backprop_cli.engine.ops.library import spell
from backprop_cli.engine.ops.tensor import Array, Mask, Objects, Symbolic, Tensor, Whole, Words
from backprop_cli.engine.ops.validate import whole
from backprop_cli.language.model import Shape

HINT = "a position is out of range, or no whole number"


def positions(indices: Array, size: int) -> tuple[Whole, Mask]:
    """(the positions as integers from 0, which of them are valid); an invalid one is 0."""
    given = np.asarray(indices, dtype=np.float64)
    valid = (given == np.floor(given)) & (given >= -size) & (given < size)
    found = np.where(valid, given, 0).astype(np.int64)
    return np.where(found < 0, found + size, found), valid


def _blank(values: Array, valid: Mask) -> Array:
    """NaN where a position was invalid."""
    return values[()] if np.all(valid) else np.where(valid, values, np.nan).astype(values.dtype)[()]


def _along_axis(x: Shape, *_: Shape, axis: int | None) -> range:
    """The positions along an axis; without one, in all."""
    size = int(math.prod(x) if axis is None else x[axis])
    return range(-size, size)


# ── take: whole slices along an axis ─────────────────────────────────────────────────────────────


def take_shape(x: Shape, indices: Shape, *, axis: int | None = None) -> Shape:
    """`indices` in the place of the axis; without an axis `x` is flattened."""
    if axis is None:
        _some(indices, math.prod(x), x)
        return indices
    place = normalize_axis(whole("axis", axis), len(x))
    _some(indices, x[place], x)
    return (*x[:place], *indices, *x[place + 1 :])


def _some(indices: Shape, size: int, x: Shape) -> None:
    """An axis without entries has no position."""
    if size == 0 and 0 not in indices:
        raise ShapeError(f"a tensor of shape {show(x)} has no entries to take there", 0)


def _take(x: Array, indices: Array, axis: int | None) -> Array:
    if axis is None:
        return _take(np.reshape(x, -1), indices, 0)
    place = axis % np.ndim(x)
    found, valid = positions(indices, np.shape(x)[place])
    behind = (..., *[None] * (np.ndim(x) - place - 1))
    return _blank(np.asarray(np.take(x, found, axis=place)), np.asarray(valid)[behind])


def _take_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, indices: Tensor, axis: int | None) -> Tensor:
    if axis is None and len(x.shape) != 1:
        flat = xp.index_add(xp.zeros(shape=(_count(x.shape),)), indices, g, axis=0)
        return xp.reshape(flat, shape=x.shape)
    return xp.index_add(xp.zeros(shape=x.shape), indices, g, axis=0 if axis is None else axis)


def _count(shape: Shape) -> int:
    total = 1
    for size in shape:
        total *= int(size)
    return total


op("take(x, indices; axis=none)", "The slices of `x` at `indices` along an axis; without an axis, of `x` flattened.",
   lambda xp, x, indices, axis=None: _take(x, indices, axis), shape=take_shape, vjps=(_take_rule, None),
   temporary=costs.picked, integer_operands=frozenset({"indices"}), allowed=_along_axis, group="shape",
   aliases="index_select", domain=HINT,
   samples=tuple(Sample(shapes, {"axis": axis}, ("real", f"labels:{n}")) for shapes, axis, n in (
       (((5, 3), (4,)), 0, 5), (((5, 3), ()), 0, 5), (((2, 4), (3, 2)), 1, 4), (((2, 3), (4,)), None, 6),
       (((2, 3, 2), (4,)), -2, 3), (((4,), (2, 3)), None, 4))), linear="x")


def _index_add_shape(x: Shape, indices: Shape, source: Shape, *, axis: int | None) -> Shape:
    wanted = take_shape(x, indices, axis=whole("axis", axis))
    if source != wanted:
        raise ShapeError(f"what is added has shape {show(source)}; at these indices {show(wanted)} fits", 2)
    return x


def _index_add(x: Array, indices: Array, source: Array, axis: int) -> Array:
    place = axis % np.ndim(x)
    found, valid = positions(indices, np.shape(x)[place])
    behind = (..., *[None] * (np.ndim(x) - place - 1))
    result = np.array(x)
    where: Any = (*[slice(None)] * place, found)
    np.add.at(result, where, np.where(np.asarray(valid)[behind], source, 0))
    return result


op("index_add(x, indices, source; axis)",
   "`x` with the slices of `source` added at `indices` along an axis; repeated indices add up.",
   lambda xp, x, indices, source, axis: _index_add(x, indices, source, axis), shape=_index_add_shape,
   vjps=(lambda xp, g, y, x, indices, source, axis: g, None,
         lambda xp, g, y, x, indices, source, axis: xp.take(g, indices, axis=axis)),
   temporary=costs.picked, integer_operands=frozenset({"indices"}), allowed=_along_axis, group="shape",
   samples=tuple(Sample(shapes, {"axis": axis}, ("real", f"labels:{n}")) for shapes, axis, n in (
       (((5, 3), (4,), (4, 3)), 0, 5), (((2, 4), (3, 2), (2, 3, 2)), 1, 4), (((4,), (), ()), 0, 4))))

# ── take_along_axis: entry by entry ──────────────────────────────────────────────────────────────


def along_shape(x: Shape, indices: Shape, *, axis: int | None = -1) -> Shape:
    """The shape of `indices`; the other axes broadcast."""
    if len(x) != len(indices):
        raise ShapeError(f"{show(x)} and its positions {show(indices)} need one rank", 1)
    place = normalize_axis(whole("axis", axis), len(x))
    _some(indices, x[place], x)
    wide = broadcast((*x[:place], 1, *x[place + 1 :]), (*indices[:place], 1, *indices[place + 1 :]))
    return (*wide[:place], indices[place], *wide[place + 1 :])


def _spread(x: Array, indices: Array, axis: int) -> tuple[Array, Whole, Mask]:
    """(x broadcast, positions broadcast, which are valid)."""
    place = axis % np.ndim(x)
    shape = along_shape(np.shape(x), np.shape(indices), axis=place)
    found, valid = positions(indices, np.shape(x)[place])
    wide = np.broadcast_to(x, (*shape[:place], np.shape(x)[place], *shape[place + 1 :]))
    return wide, np.broadcast_to(found, shape), np.broadcast_to(valid, shape)


def _along(x: Array, indices: Array, axis: int) -> Array:
    wide, found, valid = _spread(x, indices, axis)
    return _blank(np.take_along_axis(wide, found, axis), valid)


def _along_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, indices: Tensor, axis: int) -> Tensor:
    place = axis % len(x.shape)
    wide = tuple(s if i == place else y.shape[i] for i, s in enumerate(x.shape))
    put = xp.scatter_add(xp.zeros(shape=wide), indices, g, axis=axis)
    axes = tuple(i for i, size in enumerate(x.shape) if size == 1 and wide[i] != 1)
    return xp.sum(put, axis=axes, keepdims=True) if axes else put


op("take_along_axis(x, indices; axis=-1)", "Entry by entry, the one of `x` at the position `indices` along an axis.",
   lambda xp, x, indices, axis=-1: _along(x, indices, axis), shape=along_shape, vjps=(_along_rule, None),
   integer_operands=frozenset({"indices"}), allowed=_along_axis, group="shape", aliases="take_along_dim", domain=HINT,
   temporary=costs.picked,
   samples=tuple(Sample(shapes, {"axis": axis}, ("real", f"labels:{n}")) for shapes, axis, n in (
       (((4, 3), (2, 3)), 0, 4), (((2, 4), (2, 1)), 1, 4), (((5,), (7,)), -1, 5), (((2, 3, 2), (2, 2, 2)), 1, 3),
       (((1, 4), (3, 2)), 1, 4), (((3, 4), (1, 2)), -1, 4))), linear="x")


def _scatter_shape(x: Shape, indices: Shape, source: Shape, *, axis: int | None) -> Shape:
    wanted = along_shape(x, indices, axis=axis)
    if source != wanted:
        raise ShapeError(f"what is added has shape {show(source)}; at these positions {show(wanted)} fits", 2)
    return x


def _scatter_add(x: Array, indices: Array, source: Array, axis: int) -> Array:
    _, found, valid = _spread(x, indices, axis)
    place = list(np.indices(found.shape, sparse=True))
    place[axis % np.ndim(x)] = found
    result = np.array(x, order="C")
    flat = np.ravel_multi_index(tuple(place), result.shape) if found.size else found  # `add` is ten times as fast there
    np.add.at(result.reshape(-1), flat.reshape(-1), np.where(valid, source, 0).reshape(-1))
    return result


op("scatter_add(x, indices, source; axis)",
   "`x` with each entry of `source` added at its position along an axis; repeated positions add up.",
   lambda xp, x, indices, source, axis: _scatter_add(x, indices, source, axis), shape=_scatter_shape,
   vjps=(lambda xp, g, y, x, indices, source, axis: g, None,
         lambda xp, g, y, x, indices, source, axis: xp.take_along_axis(g, indices, axis=axis)),
   temporary=costs.picked, integer_operands=frozenset({"indices"}), allowed=_along_axis, group="shape",
   samples=tuple(Sample(shapes, {"axis": axis}, ("real", f"labels:{n}")) for shapes, axis, n in (
       (((4, 3), (2, 3), (2, 3)), 0, 4), (((2, 4), (2, 1), (2, 1)), 1, 4), (((5,), (7,), (7,)), -1, 5),
       (((3, 4), (1, 2), (3, 2)), 1, 4))))


def _gather(shapes: Mapping[str, Shape], axis: object) -> str:
    """The entries that the positions reach: as many of the other axes as they have."""
    x, indices = shapes["x"], shapes["indices"]
    if not x and len(indices) < 2 and axis in (0, -1):  # PyTorch takes a scalar for a vector of one
        return "take(reshape(x, 1), indices, axis=0)"
    if len(x) != len(indices):
        raise ShapeError(f"{show(x)} and its positions {show(indices)} need one rank", 1)
    place = normalize_axis(whole("axis", axis), len(x))
    kept = [":" if i == place or n == size else f":{n}" for i, (n, size) in enumerate(zip(indices, x, strict=True))]
    if any(i != place and n > size for i, (n, size) in enumerate(zip(indices, x, strict=True))):
        raise ShapeError(f"positions {show(indices)} are more than {show(x)} has beside axis {axis}", 1)
    reached = f"x[{', '.join(kept)}]" if set(kept) != {":"} else "x"
    return f"take_along_axis({reached}, indices, axis={place})"


composite("gather(x, indices; axis=-1)",
          "PyTorch's gather: entry by entry, the one of `x` at the position `indices` along an axis; the other axes of "
          "`indices` may be shorter.", _gather, group="shape", integer_operands=frozenset({"indices"}),
          samples=(Sample(((4, 3), (2, 3)), {"axis": 0}, ("real", "labels:4")),
                   Sample(((4, 3), (2, 2)), {"axis": 1}, ("real", "labels:3"))))


def placed(shapes: Mapping[str, Shape], value: str, place: int) -> str:
    """A tensor as large as x: the values at their positions, zeros where the positions do not reach."""
    x, indices = shapes["x"], shapes["indices"]
    region = tuple(size if i == place else n for i, (size, n) in enumerate(zip(x, indices, strict=True)))
    placed = f"scatter_add(zeros({spell(region)}), indices, {value}, axis={place})"
    rest = tuple((0, int(size) - int(n)) for size, n in zip(x, region, strict=True))
    return placed if not any(after for _, after in rest) else f"pad({placed}, {spell(rest)})"


def source_for(shapes: Mapping[str, Shape], axis: object) -> tuple[int, str]:
    """(the axis, what is put as large as the positions)."""
    x, indices, source = shapes["x"], shapes["indices"], shapes["source"]
    if len(x) != len(indices):
        raise ShapeError(f"{show(x)} and its positions {show(indices)} need one rank", 1)
    place = normalize_axis(whole("axis", axis), len(x))
    if any(n > size for i, (n, size) in enumerate(zip(indices, x, strict=True)) if i != place):
        raise ShapeError(f"positions {show(indices)} are more than {show(x)} has beside axis {axis}", 1)
    return place, "source" if source == indices else f"broadcast_to(source, {spell(indices)})"


def _put_along_axis(shapes: Mapping[str, Shape], axis: object) -> str:
    place, source = source_for(shapes, axis)
    hit = placed(shapes, f"ones({spell(shapes['indices'])})", place)
    return f"where({hit} > 0, 0, x) + {placed(shapes, source, place)}"


def _add_along_axis(shapes: Mapping[str, Shape], axis: object) -> str:
    place, source = source_for(shapes, axis)
    return f"x + {placed(shapes, source, place)}"


for _name, _body, _doc in (
    ("put_along_axis", _put_along_axis,
     "`x` with the entries at `indices` along an axis replaced by `source`; no position may come twice."),
    ("add_along_axis", _add_along_axis,
     "`x` with `source` added at `indices` along an axis; the other axes of `indices` may be shorter."),
):
    composite(f"{_name}(x, indices, source; axis)", _doc, _body, group="shape",
              example=f"{_name}(x, indices, source, axis=1)",
              integer_operands=frozenset({"indices"}),
              samples=(Sample(((4, 3), (1, 3), ()), {"axis": 0}, ("real", "labels:4")),
                       Sample(((4, 3), (2, 1), (2, 1)), {"axis": 1}, ("real", "labels:3"))))

# ── labels ───────────────────────────────────────────────────────────────────────────────────────


def _one_hot(labels: Array, n: int, dtype: np.dtype[np.float64]) -> Array:
    found, valid = positions(labels, n)
    valid = valid & (np.asarray(labels, dtype=np.float64) >= 0)
    rows = np.asarray(found)[..., None] == np.arange(n)
    return np.where(np.asarray(valid)[..., None], rows, np.nan).astype(dtype)


def _one_hot_entry(s: Symbolic, labels: Objects, n: int) -> Objects:
    make: Callable[..., Objects] = np.frompyfunc(lambda label, k: s.Piecewise((1, s.Eq(label, k)), (0, True)), 2, 1)
    return make(np.asarray(labels)[..., None], np.arange(n))


op("one_hot(labels; n)", "Rows of zeros with a 1 at the label, a whole number from 0 to n - 1.",
   lambda xp, labels, n: _one_hot(labels, n, xp.dtype), shape=lambda labels, *, n: (*labels, (whole("n", n, 1), n)[1]),
   temporary=costs.times(2),
   vjps=(None,), integer_operands=frozenset({"labels"}), allowed=lambda labels, *, n: range(int(n)), sums_to_one=True,
   group="shape", entry=_one_hot_entry,
   domain="a label is negative, n or more, or no whole number",
   samples=(Sample(((4,),), {"n": 3}, ("labels:3",)), Sample(((),), {"n": 3}, ("labels:3",)),
            Sample(((2, 3),), {"n": 4}, ("labels:4",))))
