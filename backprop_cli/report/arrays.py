"""Arrays as people read them: aligned columns, the middle of large ones left out.

Works on `tolist()` of the few entries shown: `np.array2string` takes ten times as long.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

GAP = "…"

# From the last axis to the first: up to `limit` entries are all shown, of more the first `head` and the last `tail`.
_LAYOUT = ((10, 3, 3), (12, 3, 3), (4, 1, 1), (2, 1, 1))
_OUTER = (1, 1, 0)


def number(value: float, digits: int) -> str:
    """A number in so many significant digits, without trailing zeros."""
    return f"{value:.{digits}g}" if value else "0"


COLUMNS = (8, 6, 5, 4, 3, 2)
"""How many columns are tried where a row is wider than the page."""


def lines(value: Any, digits: int, gap: str = GAP, room: int | None = None) -> list[str]:
    """A scalar on one line, an array in aligned rows that can be pasted into a spec (unless entries were left out).

    The middle of rows that are wider than `room` is left out.
    """
    found = _lines(cells(value, digits, gap), value.ndim)
    for columns in COLUMNS if room is not None and value.ndim else ():
        if room is None or max(map(len, found)) <= room:
            break
        found = _lines(cells(value, digits, gap, columns), value.ndim)
    return found


def _lines(shown: object, ndim: int) -> list[str]:
    return _bracketed(shown, ndim, _pads(list(_rows(shown, ndim)))) if ndim else [str(shown)]


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


def _pads(rows: list[list[str]]) -> list[tuple[int, int]]:
    """For each column the most characters before and from the decimal point; they will stand under each other."""
    columns = [[_split(cell) for cell in column] for column in zip(*rows, strict=True)]
    return [(max(len(a) for a, _ in column), max(len(b) for _, b in column)) for column in columns]


def _split(cell: str) -> tuple[str, str]:
    """A number before and from its decimal point (or its exponent)."""
    for mark in (".", "e"):
        head, found, tail = cell.partition(mark)
        if found:
            return head, mark + tail
    return cell, ""


def _row(row: list[str], pads: list[tuple[int, int]]) -> str:
    """One row; a comma follows its number at once, so the space that aligns comes after it."""
    parts: list[str] = []
    last = len(row) - 1
    for position, (cell, (before, after)) in enumerate(zip(row, pads, strict=True)):
        left, right = _split(cell)
        parts.append(left.rjust(before) + (right if position == last else (right + ",").ljust(after + 2)))
    return f"[{''.join(parts)}]"


def _bracketed(nested: Any, depth: int, pads: list[tuple[int, int]]) -> list[str]:
    """Nested lists as lines of brackets, a row a line."""
    if depth == 1:
        return [_row(nested, pads)]
    out: list[str] = []
    for position, entry in enumerate(nested):
        block = _bracketed(entry, depth - 1, pads) if isinstance(entry, list) else [entry]
        block[-1] += "]" if position == len(nested) - 1 else ","
        out.extend(("[" if position == 0 and i == 0 else " ") + line for i, line in enumerate(block))
    return out or ["[]"]


def entries(value: Any) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every index of an array with its entry, in row-major order."""
    shape = value.shape
    flat = value.reshape(-1).tolist() if shape else [float(value)]
    index = [0] * len(shape)
    for entry in flat:
        yield tuple(index), entry
        for axis in range(len(shape) - 1, -1, -1):
            index[axis] += 1
            if index[axis] < shape[axis]:
                break
            index[axis] = 0


def strict(value: Any, precision: int | None = None) -> Any:
    """An array as JSON holds it: nested lists of floats, those that are not finite as text.

    Floats round-trip unless a `precision` in significant digits is asked for.
    """
    if value is None:
        return None
    listed = value.tolist()
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
