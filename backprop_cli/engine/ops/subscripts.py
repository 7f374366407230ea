"""Subscripts, and the ops that read and write what they say: index, scatter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import Sample, ShapeError, broadcast, op, show
from backprop_cli.engine.ops.shapes import sizes_of
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass

if TYPE_CHECKING:
    from types import EllipsisType


@dataclass(frozen=True, slots=True)
class Span:
    """A slice that can be hashed."""

    first: int | None = None
    stop: int | None = None
    step: int | None = None

    def __str__(self) -> str:
        text = ":".join("" if part is None else str(part) for part in (self.first, self.stop))
        return text if self.step is None else f"{text}:{self.step}"


Subscript: TypeAlias = "int | Span | EllipsisType | tuple[int, ...] | None"
Index = tuple[Subscript, ...]
"""Subscripts: int, Span, None (a new axis), Ellipsis, or a tuple of ints (a list of positions)."""


def key_of(index: Index) -> tuple[Any, ...]:
    """The subscripts as numpy takes them."""
    convert: dict[type, Callable[[Any], object]] = {Span: lambda s: slice(s.first, s.stop, s.step), tuple: list}
    return tuple(convert[type(item)](item) if type(item) in convert else item for item in index)


def plainest(index: Index, shape: Shape) -> Index:
    """The subscripts with whole axes as `:`, and without those at the end: `x[0:3, :]` of three rows is x."""
    if Ellipsis in index:
        at, taken = index.index(Ellipsis), sum(1 for item in index if item is not None) - 1
        spread = (*index[:at], *[Span()] * (len(shape) - taken), *index[at + 1 :])
        return index if plainest(spread, shape) else ()
    sizes, items = iter(shape), []
    for item in index:
        size = None if item is None else next(sizes)
        items.append(Span() if isinstance(item, Span) and _is_whole(item, size) else item)
    while items and items[-1] == Span():
        items.pop()
    return tuple(items)


def _is_whole(span: Span, size: Any) -> bool:
    return span.step in (None, 1) and span.first in (None, 0) and (span.stop is None or span.stop >= size)


def index_text(index: Index) -> str:
    """The subscripts as they are written: `0:2, 1`."""
    spell: dict[type, Callable[[Any], str]] = {type(None): lambda _: "None", type(Ellipsis): lambda _: "...",
                              tuple: lambda i: str(list(i))}
    return ", ".join(spell.get(type(item), str)(item) for item in index)


def index_shape(x: Shape, *, index: Index) -> Shape:
    """numpy's basic and integer-list indexing, keeping the names of axes taken whole.

    Raises:
        ShapeError: too many subscripts, or one out of range.
    """
    consumed = sum(1 for item in index if item is not None and item is not Ellipsis)
    if consumed > len(x):
        raise ShapeError(f"{consumed} subscripts for a tensor of shape {show(x)}")
    if sum(1 for item in index if item is Ellipsis) > 1:
        raise ShapeError("an index has at most one '...'")
    lists = [item for item in index if isinstance(item, tuple)]
    if len(lists) > 1:
        raise ShapeError("at most one list of positions in an index", None, "use take_along_axis or index twice")
    full = index if Ellipsis in index else (*index, Ellipsis)
    at = full.index(Ellipsis)
    spread = (*full[:at], *[Span()] * (len(x) - consumed), *full[at + 1 :])
    return _indexed(x, spread)


def _indexed(x: Shape, spread: Index) -> Shape:
    result: list[int] = []
    axis = 0
    for item in spread:
        if item is None:
            result.append(1)
            continue
        size = x[axis]
        for position in item if isinstance(item, tuple) else (item,) if isinstance(item, int) else ():
            if not -size <= position < size:
                raise ShapeError(f"index {position} is out of range for axis {axis} of {show(x)}")
        if isinstance(item, tuple):
            result.append(len(item))
        elif isinstance(item, Span):
            length = len(range(*slice(item.first, item.stop, item.step).indices(size)))
            result.append(size if length == size else length)
        axis += 1
    return tuple(result)


def _scatter(x: Array, index: Index, shape: int | Shape) -> Array:
    result = np.zeros(tuple(map(int, sizes_of(shape))), dtype=np.asarray(x).dtype)
    np.add.at(result, key_of(index), x)
    return result


def _scatter_shape(x: Shape, *, index: Index, shape: int | Shape) -> Shape:
    shape = sizes_of(shape)
    taken = index_shape(shape, index=index)
    if x != taken and broadcast(x, taken) != taken:
        raise ShapeError(f"entries of shape {show(x)} do not fit the index, which takes {show(taken)}", 0)
    return shape


def _at_listed(y: Shape, x: Shape, *, index: Index, **_: object) -> int:
    """What is read and written, and lists of positions."""
    return costs.plain(y, x) + sum(costs.listed(len(item)) for item in index if isinstance(item, tuple))


INDEX_SAMPLES = tuple(
    Sample((shape,), {"index": index})
    for shape, index in (
        ((3,), (0,)), ((3, 4), (Span(1, 3), Span())), ((3, 4), (Ellipsis, None)), ((3, 4), (Span(None, None, 2), -1)),
        ((3, 4), ((1, 1, 0),)),
    )
)  # fmt: skip

op("index(x; index)", "Entries of a tensor, `x[0]`, `x[1:3, :]`.", lambda xp, x, index: x[key_of(index)],
   shape=index_shape, temporary=_at_listed,
   vjps=lambda xp, g, y, x, index: xp.scatter(g, index=index, shape=x.shape), samples=INDEX_SAMPLES,
   group="operators")
def _given(sample: Sample) -> Index:
    index = sample.parameters["index"]
    assert isinstance(index, tuple)
    return index


op("scatter(x; index, shape)", "Zeros of `shape` with `x` added at `index` (text such as '0:2, 1'); repeats add up.",
   lambda xp, x, index, shape: _scatter(x, index, shape), shape=_scatter_shape,
   vjps=lambda xp, g, y, x, index, shape: xp.index(g, index=index), broadcasts=True, temporary=_at_listed,
   samples=tuple(Sample((index_shape(s.shapes[0] or (), index=_given(s)),), {**s.parameters, "shape": s.shapes[0]})
                 for s in INDEX_SAMPLES), group="shape", example="scatter(x, '0:2, 1', (3, 3))")
