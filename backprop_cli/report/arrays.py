"""Arrays as people read them: aligned columns, the middle of large ones left out.

Works on `tolist()` of the few entries shown: `np.array2string` takes ten times as long.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from backprop_cli.records import dataclass

GAP = "…"
LISTED = 4096  # entries that are numbers of Python's at once

# From the last axis to the first: up to `limit` entries are all shown, of more the first `head` and the last `tail`.
_LAYOUT = ((10, 3, 3), (12, 3, 3), (4, 1, 1), (2, 1, 1))
_OUTER = (1, 1, 0)


def number(value: float, digits: int) -> str:
    """A number in so many significant digits, without trailing zeros."""
    return f"{value:.{digits}g}" if value else "0"


COLUMNS = (8, 6, 5, 4, 3, 2)
"""How many columns are tried where a matrix is wider than the page of a format that cannot break its rows."""


def lines(value: Any, digits: int, gap: str = GAP, room: int | None = None) -> list[str]:
    """A scalar on one line, an array in aligned rows that can be pasted into a spec (unless entries were left out).

    Rows that are wider than `room` go on, moved in, on lines of their own.
    """
    return laid_out(cells(value, digits, gap), value.ndim, room)


def laid_out(shown: Any, ndim: int, room: int | None = None) -> list[str]:
    """Numbers that are written already, as nested lists, in aligned rows."""
    if not ndim:
        return [shown]
    rows = list(_rows(shown, ndim))
    most = max((1, *map(len, rows)))
    found: list[str] = []
    for per_line in dict.fromkeys(-(-most // parts) for parts in range(1, most + 1)):
        found = _bracketed(shown, ndim, _Grid.of(rows, per_line, ndim > 1))
        if room is None or max(map(len, found)) <= room:
            break
    return found


def one_line(value: object, digits: int, gap: str = GAP) -> str:
    """An array on one line."""

    def joined(nested: Any) -> str:
        return nested if isinstance(nested, str) else f"[{', '.join(map(joined, nested))}]"

    return joined(cells(value, digits, gap))


def cells(value: Any, digits: int, gap: str = GAP, columns: int | None = None) -> Any:
    """The entries shown, as nested lists of text, of a row at most `columns`; `gap` stands for those left out."""
    if value.ndim == 0:
        return number(float(value), digits)
    limit, head, tail = _LAYOUT[value.ndim - 1] if value.ndim <= len(_LAYOUT) else _OUTER
    if value.ndim == 1 and columns is not None:
        limit, head, tail = columns, columns - columns // 2, columns // 2
    size = len(value)
    if size <= limit:
        return _part(value, digits, gap, columns)
    return [*_part(value[:head], digits, gap, columns), gap, *_part(value[size - tail :], digits, gap, columns)]


def _part(value: Any, digits: int, gap: str, columns: int | None) -> list[object]:
    if value.ndim == 1:
        return [number(entry, digits) for entry in value.tolist()]
    return [cells(row, digits, gap, columns) for row in value]


def abridged(value: Any) -> bool:
    """Whether entries are left out."""
    limits = [(_LAYOUT[i] if i < len(_LAYOUT) else _OUTER)[0] for i in range(value.ndim)]
    return any(size > limit for size, limit in zip(reversed(value.shape), limits, strict=True))


def summary(value: Any, digits: int) -> str:
    """Smallest, mean and largest entry: what the entries left out look like."""
    import numpy as np

    with np.errstate(all="ignore"):  # the mean of 1e308 and 1e308 may overflow; that is what it then says
        found = (value.min(), value.mean(dtype="float64"), value.max())
    smallest, mean, largest = (number(float(entry), min(digits, 4)) for entry in found)
    return f"min {smallest}, mean {mean}, max {largest}"


def count(shape: Sequence[int]) -> str:
    """A shape as people say it."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})" if shape else "scalar"


# ── layout ───────────────────────────────────────────────────────────────────────────────────────


def _rows(nested: Any, depth: int) -> Iterator[list[str]]:
    """The innermost lists."""
    if depth == 1:
        yield nested
        return
    for entry in nested:
        if isinstance(entry, list):
            yield from _rows(entry, depth - 1)


@dataclass(frozen=True, slots=True)
class _Grid:
    """How rows are set: so many numbers a line, the decimal points of a column of lines under each other.

    `pads` are, for each column, the most characters before and from the point; `deeper`: further lines are moved in.
    """

    per_line: int
    pads: Sequence[tuple[int, int]]
    deeper: bool

    @classmethod
    def of(cls, rows: Sequence[Sequence[str]], per_line: int, deeper: bool) -> _Grid:
        """The one in which rows have their columns aligned."""
        columns = [[_split(cell) for row in rows for cell in row[start::per_line]] for start in range(per_line)]
        return cls(per_line, [(max((len(a) for a, _ in one), default=0), max((len(b) for _, b in one), default=0))
                              for one in columns], deeper)  # fmt: skip

    def lines(self, row: Sequence[str]) -> list[str]:
        """One row; a comma follows its number at once, so the space that aligns comes after it."""
        parts = [row[start : start + self.per_line] for start in range(0, len(row), self.per_line)] or [row]
        found = [self._line(part, end=i == len(parts) - 1) for i, part in enumerate(parts)]
        further = "   " if self.deeper else " "
        return ["[" + found[0], *(further + line for line in found[1:])]

    def _line(self, row: Sequence[str], end: bool) -> str:
        text = ""
        for cell, (before, after) in zip(row, self.pads, strict=False):
            left, right = _split(cell)
            text += left.rjust(before) + (right + ",").ljust(after + 2)
        return text.rstrip()[:-1] + "]" if end else text.rstrip()


def _split(cell: str) -> tuple[str, str]:
    """A number before and from its decimal point (or its exponent)."""
    for mark in (".", "e"):
        head, found, tail = cell.partition(mark)
        if found:
            return head, mark + tail
    return cell, ""


def _bracketed(nested: Any, depth: int, grid: _Grid) -> list[str]:
    """Nested lists as lines of brackets, a row a line or more."""
    if depth == 1:
        return grid.lines(nested)
    out: list[str] = []
    for position, entry in enumerate(nested):
        block = _bracketed(entry, depth - 1, grid) if isinstance(entry, list) else [entry]
        block[-1] += "]" if position == len(nested) - 1 else ","
        out.extend(("[" if position == 0 and i == 0 else " ") + line for i, line in enumerate(block))
    return out or ["[]"]


def entries(value: Any) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every index of an array with its entry, in row-major order; few are Python's numbers at once."""
    shape = value.shape
    index = [0] * len(shape)
    for entry in _listed(value) if shape else (float(value),):
        yield tuple(index), entry
        for axis in range(len(shape) - 1, -1, -1):
            index[axis] += 1
            if index[axis] < shape[axis]:
                break
            index[axis] = 0


def _listed(value: Any) -> Iterator[float]:
    flat = value.reshape(-1)
    for start in range(0, flat.size, LISTED):
        yield from flat[start : start + LISTED].tolist()


def strict(value: Any, precision: int | None = None) -> Any:
    """An array as JSON holds it: nested lists of floats, those that are not finite as text.

    Floats round-trip unless a `precision` in significant digits is asked for.
    """
    if value is None:
        return None
    listed = value.tolist()
    if not value.shape:
        return _strict(listed, precision)
    largest = float(abs(value).max()) if value.size else 0.0  # nan where any entry is nan
    if precision is None and math.isfinite(largest):
        return listed
    return _strict(listed, precision)


def _strict(listed: Any, precision: int | None) -> object:
    if isinstance(listed, list):
        return [_strict(entry, precision) for entry in listed]
    if not math.isfinite(listed):
        return repr(float(listed))
    return listed if precision is None else float(f"{listed:.{precision}g}")
