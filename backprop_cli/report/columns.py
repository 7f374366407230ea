"""A table no wider than its page: cells fold inside their columns; where these get too narrow, a row is a block."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from backprop_cli.formulas.marks import plain
from backprop_cli.records import dataclass
from backprop_cli.report.fitting import MARKED, broken, columns, narrowed, worded

NARROW, TALL = 12, 4
"""A column is folded to no less than this, and a cell to no more lines; else a row is a block of lines."""

Cell = Sequence[str]
"""Lines, each a marked formula or words."""

Paint = Callable[[str, int, int], str]
"""Colours a part of a cell, given its row (0 for the head) and its column."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A head and rows of cells; `lead` is what stands before each row, as wide in all.

    In a block the first `named` cells stand in its first line.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    lead: Sequence[str]
    paint: Paint
    named: int = 1
    between: int = 3  # spaces from one column to the next

    def lines(self, width: int | None) -> Iterator[str]:
        """The table, or a block for each row where a table does not fit."""
        room = None if width is None else width - columns(self.lead[0])
        widths = self._widths(room)
        yield from self._table(widths) if widths else self._blocks(room or 0)

    # ── as a table ───────────────────────────────────────────────────────────────────────────────

    def _widths(self, room: int | None) -> list[int]:
        """How wide each column is; none where they do not fit."""
        cells = [[[title], *(row[i] for row in self.rows)] for i, title in enumerate(self.head)]
        natural = [max(columns(plain(line)) for cell in column for line in cell or [""]) for column in cells]
        if room is None:
            return natural
        least = [max(min(NARROW, most), *map(_longest, column)) for column, most in zip(cells, natural, strict=True)]
        room -= self.between * (len(natural) - 1)
        caps = sorted({*natural, *range(NARROW, max(natural))}, reverse=True)
        for cap in caps:
            widths = [max(low, min(most, cap)) for low, most in zip(least, natural, strict=True)]
            if sum(widths) <= room:
                return widths if self._is_good(widths) else []
        return []

    def _is_good(self, widths: Sequence[int]) -> bool:
        """Whether folded cells keep to their column and are not tall."""
        folded = [(cell, width, _folded(cell, width))
                  for row in self.rows for cell, width in zip(row, widths, strict=True)]  # fmt: skip
        return all(len(lines) <= max(TALL, len(cell)) and max(map(columns, lines)) <= width
                   for cell, width, lines in folded)  # fmt: skip

    def _table(self, widths: Sequence[int]) -> Iterator[str]:
        rows = [[[title] for title in self.head], *self.rows]
        for position, (lead, row) in enumerate(zip(self.lead, rows, strict=True)):
            folded = [_folded(cell, width) for cell, width in zip(row, widths, strict=True)]
            for number, parts in enumerate(zip_longest(*folded, fillvalue="")):
                first = lead if number == 0 else " " * columns(lead)
                yield first + self._line(parts, widths, position)

    def _line(self, parts: Sequence[str], widths: Sequence[int], position: int) -> str:
        used = max((i + 1 for i, part in enumerate(parts) if part), default=0)
        cells = [self.paint(part, position, i) + " " * (widths[i] - columns(part) if i + 1 < used else 0)
                 for i, part in enumerate(parts[:used])]  # fmt: skip
        return (" " * self.between).join(cells)

    # ── as blocks ────────────────────────────────────────────────────────────────────────────────

    def _blocks(self, room: int) -> Iterator[str]:
        """A row under its name, each further cell behind the title of its column."""
        titles = max(map(len, self.head[self.named :]))
        for position, (lead, row) in enumerate(zip(self.lead[1:], self.rows, strict=True), 1):
            if position > 1:
                yield ""
            first = [self.paint(" ".join(cell), position, i) for i, cell in enumerate(row[: self.named])]
            yield from narrowed(lead + (" " * self.between).join(first), room + columns(lead))
            for number, (title, cell) in enumerate(zip(self.head, row, strict=True)):
                if number >= self.named and any(cell):
                    yield from self._entry(title.ljust(titles), cell, (position, number), " " * columns(lead), room)

    def _entry(self, title: str, cell: Cell, at: tuple[int, int], margin: str, room: int) -> Iterator[str]:
        left = f"  {title}  "
        lines = _folded(cell, room - len(left))
        under = max(map(columns, lines)) > room - len(left)
        if under:
            yield margin + self.paint(left.rstrip(), 0, at[1])
            left, lines = "    ", _folded(cell, room - 4)
        for number, line in enumerate(lines):
            first = " " * len(left) if number or under else self.paint(left, 0, at[1])
            yield margin + first + self.paint(line, *at)


def _folded(cell: Cell, room: int) -> list[str]:
    return [part for line in cell or [""] for part in _parts(line, room)]


def _parts(line: str, room: int) -> list[str]:
    if re.search(MARKED, line):
        return broken(line, room)
    return worded(line, room, "  ")


def _longest(cell: Cell) -> int:
    """What of it no line can be narrower than."""
    atoms = [re.split(MARKED if re.search(MARKED, line) else " ", line) for line in cell]
    return max((columns(atom.strip()) for line in atoms for atom in line), default=0)
