"""Slips in writing numbers down: one entry, one row, a sign, the decimal point, the last digits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_cli.tasks.grading.figures import Figures

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array

MAX_ROWS = 7
"""Rows up to which every order of them is tried; beyond, the reverse and exchanged pairs."""

NEAR = 0.035
"""Relative: so near in every entry, values were rounded on the way."""

PLACES = (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001)


def by_entry(answer: Figures, right: Array, tolerance: Array) -> Iterator[tuple[str, str]]:
    """The key and the reason of each slip that explains an answer of the right shape."""
    given = np.asarray(answer.value)
    tolerance = np.broadcast_to(tolerance, given.shape)
    wrong = np.abs(given - right) > tolerance
    if not np.isfinite(given).all() or not np.isfinite(right).all():
        return
    yield from _digits(answer, given, right, wrong)
    if given.ndim and int(wrong.sum()) == 1 and given.size > 1:
        yield from _single(answer, given, right, np.argwhere(wrong)[0])
    if given.ndim:
        yield from _rows(given, right, tolerance)
        yield from _signs(given, right, wrong, tolerance)
    if given.ndim and int(wrong.sum()) == 1 and given.size > 1:
        place = ", ".join(map(str, np.argwhere(wrong)[0]))
        yield "slip_in_entry", f"one entry is wrong, at [{place}]; the rest is right"


def _digits(answer: Figures, given: Any, right: Any, wrong: Any) -> Iterator[tuple[str, str]]:
    """Cut off instead of rounded, or rounded on the way."""
    apart = np.abs(given - right)
    unit = 2 * np.asarray(answer.half)
    largest = np.max(np.abs(right), initial=0.0)
    several = (apart <= 0.015 * largest) & (wrong.sum() > 1)
    if (unit <= 0.3 * largest).all() and (apart <= np.maximum(1.2 * unit, 1e-6 * np.abs(right))).all():
        yield "digits", "it is near, but wrong in the last digits that are written: round, do not cut off"
    elif ((apart <= NEAR * np.abs(right)) | several).all():
        yield "rounded_early", "it is near, but wrong in the last digits that are written: round at the end only"


def _single(answer: Figures, given: Array, right: Array, place: Array) -> Iterator[tuple[str, str]]:
    at = tuple(place)
    one, other, half = float(given[at]), float(right[at]), float(np.asarray(answer.half)[at])
    where = ", ".join(map(str, place))
    if abs(one + other) <= half + 1e-6 * abs(other):
        yield "sign_of_entry", f"the sign of one entry is wrong, at [{where}]"
    for power in PLACES:
        if abs(one - power * other) <= max(half, 0.5 * power * 10 ** -4 * abs(other)):
            yield "decimal_point", f"the decimal point of one entry has slipped, at [{where}]"


def _signs(given: Any, right: Any, wrong: Any, tolerance: Any) -> Iterator[tuple[str, str]]:
    """Several entries with the wrong sign, and everything else right."""
    if not wrong.all() and (np.abs(given + right)[wrong] <= tolerance[wrong]).all():
        yield "sign_of_entry", f"the signs of {int(wrong.sum())} entries are wrong"


def _rows(given: Array, right: Array, tolerance: Array) -> Iterator[tuple[str, str]]:
    """A row written twice; rows, columns or entries in another order."""
    for axis in range(given.ndim):
        rows, good, near = (np.moveaxis(one, axis, 0) for one in (given, right, tolerance))
        count = len(rows)
        bad = [i for i in range(count) if (np.abs(rows[i] - good[i]) > near[i]).any()]
        kind = "entry" if given.ndim == 1 or rows[0].size == 1 else ("row" if axis == given.ndim - 2 else "column")
        if len(bad) == 1 and any(_equal(rows[bad[0]], good[j], near[bad[0]]) for j in range(count) if j != bad[0]):
            yield "row_copied", f"a {kind} is written twice".replace("a entry", "an entry")
        for order in _orders(count, bad):
            if all(_equal(rows[i], good[order[i]], np.maximum(near[i], near[order[i]])) for i in range(count)):
                yield "rows_swapped", f"the numbers are right, but their {_PLURAL[kind]} stand in another order"


_PLURAL = {"entry": "entries", "row": "rows", "column": "columns"}


def _equal(one: Array, other: Array, tolerance: Array) -> bool:
    return bool((np.abs(one - other) <= tolerance).all())


def _orders(count: int, bad: list[int]) -> Iterator[tuple[int, ...]]:
    """Orders of rows that leave the right ones in their place."""
    if 2 <= len(bad) <= MAX_ROWS:
        for moved in permutations(bad):
            if all(a != b for a, b in zip(moved, bad, strict=True)):
                order = dict(zip(bad, moved, strict=True))
                yield tuple(order.get(i, i) for i in range(count))
    elif len(bad) > MAX_ROWS:
        yield tuple(range(count))[::-1]
        yield (*range(1, count), 0)
        yield (count - 1, *range(count - 1))


def proportional(given: Array, right: Array, relative: float | None, figures: Figures | None) -> float | None:
    """The number of which every entry is that many times the right one; None where there is none to tell."""
    right, given = np.asarray(right), np.asarray(given)
    nonzero = right[right != 0]
    if np.unique(np.round(np.abs(nonzero), 12)).size < 2 or not np.isfinite(given).all():
        return None
    place = np.unravel_index(int(np.argmax(np.abs(right))), right.shape)
    factor = float(given[place]) / float(right[place])
    if not factor or not np.isfinite(factor) or abs(factor - 1) < 1e-3:
        return None
    half: Any = 0.0
    if figures is not None:
        unsure = float(np.asarray(figures.sharp)[place]) / abs(float(right[place]))
        half = 2 * np.asarray(figures.sharp) + (abs(factor) * 2e-6 + 2 * unsure) * np.abs(right)
    near = half + (relative or 0.0) * np.abs(given)
    if figures is not None and np.max(near, initial=0.0) > 0.02 * np.max(np.abs(given)):
        return None
    return factor if (np.abs(given - factor * right) <= near).all() else None
