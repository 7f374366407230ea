"""Where lines end: at the outermost place of a row of atoms that fits the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise, takewhile
from typing import Generic, Protocol, TypeVar

from backprop_cli.formulas.marks import COMMA, LAST, PLACES, SUM
from backprop_cli.records import dataclass

N = TypeVar("N", int, float)


@dataclass(slots=True)
class Atom(Generic[N]):
    """What is never broken; `place` is how loosely what stands on its left is bound, 0 where no line may end there."""

    text: str
    width: N
    depth: int
    place: int = 0
    level: int = 0  # how far what begins here is moved in, where a line does


class _Placed(Protocol[N]):
    width: N
    depth: int
    place: int


def ends(atoms: Sequence[_Placed[N]], room: N, indent: Callable[[int], N]) -> Iterator[int]:
    """Which atoms begin a line, but the first; `indent` is how far the line that one begins is moved in."""
    offsets: list[N] = list(accumulate((atom.width for atom in atoms), initial=room - room))
    places = [(atom.depth, atom.place, i) for i, atom in enumerate(atoms) if atom.place]
    start, here, first = 0, room, 0
    while offsets[-1] - offsets[start] > here:
        while first < len(places) and places[first][2] <= start:
            first += 1
        if first == len(places):
            return
        at = _outermost(places, first, offsets, start, here, room - indent(places[first][2]))
        start = places[first][2] if at is None else at
        here = room - indent(start)
        yield start


def _outermost(places: Sequence[tuple[int, int, int]], first: int, offsets: Sequence[N], start: int, room: N,
               next_room: N) -> int | None:  # fmt: skip
    """Of places (depth, precedence, atom) from the `first` on the outermost that fits, as late as it can be.

    A deeper one only where what follows would not fit the next line anyway.  Only what fits, and what follows it, is
    looked at: a formula takes time that grows with its length.
    """
    fallback: int | None = None
    latest = 0
    lasts: dict[tuple[int, int], int] = {}
    for at in takewhile(lambda at: offsets[places[at][2]] - offsets[start] <= room, range(first, len(places))):
        lasts[places[at][:2]] = at
    for group, at in sorted(lasts.items()):
        if group[0] >= LAST and fallback is not None:
            break
        last = places[at][2]
        after = next((i for i in range(at + 1, len(places)) if places[i][:2] <= group), len(places))
        end = places[after][2] if after < len(places) else len(offsets) - 1
        if last <= latest:
            continue
        latest = last
        if offsets[last] - offsets[start] >= room // 3 or offsets[end] - offsets[last] <= next_room:
            return last
        is_filled = group[1] == PLACES[SUM] and offsets[last] - offsets[start] >= room // 5
        inner: list[int] = [i for deep, _, i in places[at + 1 : after] if deep <= group[0]]
        if is_filled and _fit([last, *inner, end], offsets, next_room):
            return last
        fallback = fallback or last
    return fallback


def _fit(inner: Sequence[int], offsets: Sequence[N], room: N) -> bool:
    """Whether lines that begin with these atoms, the last of which ends them, fit."""
    return all(offsets[b] - offsets[a] <= room for a, b in pairwise(inner))


ROW = r"\phantom{[}"
"""Where a further row of a matrix begins in LaTeX: under the first one."""


def rows_of(tex: str) -> list[str]:
    """The rows of [[a, b], [c, d]], each with the comma behind it; in one piece where a bracket would be parted."""
    parts = tex.split(f"],{COMMA} [") if tex.startswith("[[") else [tex]
    if any(one.count(r"\left") != one.count(r"\right") or one.count("{") != one.count("}") for one in parts):
        return [tex]
    ended = [*(f"{one}]," for one in parts[:-1]), parts[-1]]
    return [ended[0], *(f"[{one}" for one in ended[1:])]
