"""What moves entries about: an index of the result is an index of the operand, or one of it is picked out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from sympy import Expr

from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.formulas.algebra.expr import Apply, is_one, shape_of
from backprop_cli.formulas.notation.entrywise import places
from backprop_cli.formulas.notation.entrywise.subscripts import spread
from backprop_cli.formulas.notation.entrywise.walker import Along, EntryWalker, Index, Row
from backprop_cli.formulas.notation.piece import Piece
from backprop_cli.language.model import Shape


def expanded(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """New axes have no index."""
    axes = expr.parameters["axis"]
    new = {a % len(expr.shape) for a in ((axes,) if isinstance(axes, int) else axes)}
    return layout.entry(expr.args[0], tuple(i for axis, i in enumerate(indices) if axis not in new))


def broadcast(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """What is repeated is the same at every index."""
    return layout.entry(expr.args[0], indices)


def reshaped(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """m[n,⌊i/4⌋,⌊i/2⌋ mod 2,i mod 2], x[n,2·i+j]; axes of size 1 come and go."""
    before = shape_of(expr.args[0])
    if 0 in map(int, before):
        return None
    result = [""] * len(before)
    for old, new in _blocks(before, expr.shape):
        if len(old) == len(new) == 1:
            result[old[0]] = indices[new[0]]
        elif old:
            flat = _counted([indices[place] for place in new], [expr.shape[place] for place in new])
            for place, found in zip(old, _apart(flat, [before[place] for place in old]), strict=True):
                result[place] = found
    return layout.entry(expr.args[0], tuple(result))


def _blocks(before: Shape, after: Shape) -> Iterator[tuple[list[int], list[int]]]:
    """The axes that become one another: the fewest on either side with as many entries."""
    left, right = ([place for place, s in enumerate(shape) if not is_one(s)] for shape in (before, after))
    while left or right:
        old, new = left[:1], right[:1]
        del left[:1], right[:1]
        while _entries(before, old) != _entries(after, new):
            source, target = (left, old) if _entries(before, old) < _entries(after, new) else (right, new)
            target.append(source.pop(0))
        yield old, new


def _entries(shape: Shape, axes: Sequence[int]) -> int:
    total = 1
    for axis in axes:
        total *= int(shape[axis])
    return total


def _counted(indices: Sequence[str], sizes: Sequence[int]) -> str:
    """The number of an entry, row by row: 4·i+2·j+k."""
    steps = [*accumulate(reversed([int(s) for s in sizes[1:]]), lambda a, b: a * b, initial=1)][::-1]
    return places.together(*map(places.times, steps, indices))


def _apart(flat: str, sizes: Sequence[int]) -> list[str]:
    """The indices of the entry of a number."""
    steps = [*accumulate(reversed([int(s) for s in sizes[1:]]), lambda a, b: a * b, initial=1)][::-1]
    found = [places.over(flat, step) for step in steps]
    return [found[0], *(places.rest(place, int(size)) for place, size in zip(found[1:], sizes[1:], strict=True))]


def flipped(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """x[N-1-i]."""
    axes = _axes(expr.parameters["axis"], len(indices))
    at = (places.less(str(int(size) - 1), i) if axis in axes else i
          for axis, (i, size) in enumerate(zip(indices, expr.shape, strict=True)))  # fmt: skip
    return layout.entry(expr.args[0], tuple(at))


def _axes(axis: int | tuple[int, ...] | None, rank: int) -> list[int]:
    listed = range(rank) if axis is None or not rank else (axis,) if isinstance(axis, int) else axis
    return [a % rank for a in listed]


def rolled(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """x[(i-1) mod N]."""
    axis, shift = expr.parameters["axis"], expr.parameters["shift"]
    if axis is None and len(indices) > 1:
        return None
    at = list(indices)
    axes = _axes(axis, len(indices))
    for a, by in zip(axes, (shift,) * len(axes) if isinstance(shift, int) else shift, strict=True):
        at[a] = places.rest(places.moved(at[a], -by), int(expr.shape[a]))
    return layout.entry(expr.args[0], tuple(at))


def sliced(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """x[0,i+1]."""
    shape, items = shape_of(expr.args[0]), spread(expr.parameters["index"], len(shape_of(expr.args[0])))
    if any(isinstance(item, tuple) for item in items):
        return None
    rest, sizes = iter(indices), iter(shape)
    at = []
    for item in items:
        if item is None:
            next(rest)
            continue
        size = int(next(sizes))
        at.append(str(item % size) if isinstance(item, int) else _stepped(item, next(rest), size))
    return layout.entry(expr.args[0], tuple(at))


def _stepped(item: object, index: str, size: int) -> str:
    """Where an index of a slice lies."""
    assert isinstance(item, Span)
    found = range(*slice(item.first, item.stop, item.step).indices(size))
    if found.step < 0:
        return places.less(str(found.start), places.times(-found.step, index))
    return places.moved(places.times(found.step, index), found.start)


def scattered(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """[i = 2] · g, [i ≥ 1] · g[i-1], Σ_j [i = 2·j] · g[j], g[2-i]: to where it was taken from."""
    items = spread(expr.parameters["index"], len(expr.shape))
    if any(isinstance(item, tuple) for item in items):
        return None
    source = expr.args[0]
    lacking = len([item for item in items if not isinstance(item, int)]) - len(shape_of(source))
    taken = _taken(items, expr.shape)
    runs = [_along_slice(layout, source, one, one.place - lacking) for one in taken if one.is_strided]

    def body(letters: Index) -> Piece:
        moving, axis, spans = iter(letters), iter(zip(indices, expr.shape, strict=True)), iter(taken)
        here: list[str] = []
        there: list[str] = []
        at: list[str] = []
        stretches: list[tuple[str, range, int]] = []
        for item in items:
            if item is None:
                at.append("")
                continue
            index, size = next(axis)
            if isinstance(item, int):
                here, there = [*here, index], [*there, str(item % int(size))]
                continue
            one = next(spans)
            if one.whole:
                at.append(index if one.run.step > 0 or not index else places.less(str(one.run.start), index))
            elif not one.is_strided:
                at.append(places.moved(index, -one.run.start))
                stretches.append((index, one.run, int(size)))
            else:
                at.append(next(moving))
                here, there = [*here, index], [*there, _stepped(item, at[-1], int(size))]
        piece = layout.entry(source, tuple(at))
        for index, run, length in reversed(stretches):
            piece = _within(layout, index, run, length, piece)
        return layout.selected(here, there, piece)

    return layout.over(runs, body)


class _Taken(NamedTuple):
    """What a slice takes of an axis: `place` is the axis that it becomes, `whole`: all, in order or from the end."""

    place: int
    run: range
    whole: bool

    @property
    def is_strided(self) -> bool:
        """Whether it takes a part of the axis, or of one entry of it; that is said entry by entry."""
        return not self.whole and (self.run.step != 1 or len(self.run) < 2)


def _taken(items: Sequence[object], shape: Shape) -> list[_Taken]:
    sizes, place, found = iter(shape), 0, []
    for item in items:
        size = 0 if item is None else int(next(sizes))
        if isinstance(item, Span):
            run = range(*slice(item.first, item.stop, item.step).indices(size))
            found.append(_Taken(place, run, len(run) == size))
        place += not isinstance(item, int)
    return found


def _along_slice(layout: EntryWalker, source: Expr, taken: _Taken, axis: int) -> Along:
    """How many entries a slice takes; of an operand that is repeated there, of no axis."""
    if axis >= 0 and int(shape_of(source)[axis]) == len(taken.run):
        return layout.along(source, axis)
    return Along(len(taken.run))


def concatenated(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """[i < 2] · a[i] + [i ≥ 2] · b[i-2]."""
    axis = expr.parameters["axis"] % len(indices)
    ends = list(accumulate(int(shape_of(a)[axis]) for a in expr.args))

    def part(operand: Expr, run: range) -> Piece:
        at = places.moved(indices[axis], -run.start)
        piece = layout.entry(operand, (*indices[:axis], at, *indices[axis + 1 :]))
        return piece if known is not None else _within(layout, indices[axis], run, ends[-1], piece)

    known = places.number(indices[axis])
    runs = map(range, [0, *ends], ends)
    parts = [(a, run) for a, run in zip(expr.args, runs, strict=False) if run and (known is None or known in run)]
    return layout.added([(False, part(a, run)) for a, run in parts])


def _within(layout: EntryWalker, index: str, run: range, size: int, piece: Piece) -> Piece:
    """[i ≥ 2] · [i < 4] times something: that where an index of an axis lies in a stretch of it, else 0."""
    if len(run) == 1 < size:
        return layout.selected([index], [str(run.start)], piece)
    if run.stop < size:
        piece = layout.compared("less", index, str(run.stop), piece)
    return layout.compared("greater_equal", index, str(run.start), piece) if run.start else piece


def stacked(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """[i = 0] · a + [i = 1] · b; of a list of numbers the entry, [0.3, 0.7][i]."""
    if not expr.free_symbols:
        return None
    axis = expr.parameters["axis"] % len(indices)
    rest = (*indices[:axis], *indices[axis + 1 :])
    return layout.added((False, layout.selected([indices[axis]], [str(at)], layout.entry(a, rest)))
                        for at, a in enumerate(expr.args))  # fmt: skip


def padded(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """x[i-1]: 0 outside."""
    if expr.parameters["mode"] != "constant" or expr.parameters["constant_values"] != 0:
        return None
    x = expr.args[0]
    before = [_before(expr.parameters["pad_width"], axis) for axis in range(len(indices))]
    at = tuple(places.moved(i, -by) for i, by in zip(indices, before, strict=True))
    grown = any(
        by > 0 or int(new) > int(old) + by for by, new, old in zip(before, expr.shape, shape_of(x), strict=True)
    )
    return layout.zero_outside(x, at) if grown else layout.entry(x, at)


def _before(width: Any, axis: int) -> int:
    """How much is put before an axis; a number or a pair stands for every axis."""
    if isinstance(width, int):
        return width
    pair = width[axis] if isinstance(width[0], tuple) else width
    return int(pair[0])


ROWS: Mapping[str, Row] = {
    "expand_dims": expanded, "reshape": reshaped, "squeeze": reshaped, "broadcast_to": broadcast, "flip": flipped,
    "roll": rolled, "index": sliced, "scatter": scattered, "concat": concatenated, "stack": stacked, "pad": padded,
}  # fmt: skip
