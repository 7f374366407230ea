"""When two answers agree: numbers to the digits that were written, formulas to rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_cli.records import dataclass
from backprop_cli.tasks.grading.figures import Figures

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array, Mask

ENOUGH = 0.5e-6
"""Relative: nobody is asked for more than six digits, float32 has no more."""

ZERO = 0.005
"""A written zero has no significant digit; it stands for what is small beside the largest entry."""

EXACT = 1e-7
"""Relative, for formulas: what cancels in one form may not cancel in the other."""


@dataclass(frozen=True, slots=True)
class Closeness:
    """How near numbers must be; `relative` None: as near as the digits that were written say.

    `digits` are the significant digits that are asked for: an entry with fewer earns nothing.
    """

    relative: float | None = None
    absolute: float = 0.0
    digits: int = 0


def tolerated(answer: Figures, right: Array, closeness: Closeness, floor: Array | float) -> Array:
    """How far each entry may be from the right one; `floor` is the rounding of what reaches it."""
    size = np.abs(right)
    if closeness.relative is not None:
        return closeness.relative * size + closeness.absolute + floor
    largest = size.max(initial=0.0)
    half = np.where(answer.value == 0, np.minimum(answer.half, ZERO * largest), answer.half * (1 + 1e-9))
    return np.maximum(half, ENOUGH * size) + closeness.absolute + floor


def wrong_entries(answer: Array, right: Array, tolerance: Array) -> Mask:
    """Where two arrays of one shape do not agree; what is not finite must be the same."""
    with np.errstate(all="ignore"):
        near = np.abs(answer - right) <= tolerance
    same = (answer == right) | (np.isnan(answer) & np.isnan(right))
    return np.logical_not(np.where(np.isfinite(answer) & np.isfinite(right), near, same))


def too_few_digits(answer: Figures, right: Array, closeness: Closeness) -> Mask:
    """Where fewer digits were written than are asked for, and the number is not simply exact."""
    exact = np.abs(answer.value - right) <= ENOUGH * np.abs(right)
    return (answer.digits < closeness.digits) & np.logical_not(exact)


def exactly(answer: Array, right: Array, closeness: Closeness, floor: Array) -> Mask:
    """Where a formula's value is not the right one."""
    relative = max(EXACT, closeness.relative or 0.0)
    return wrong_entries(answer, right, relative * np.abs(right) + closeness.absolute + floor)


def at_most(slack: Array, expected: Array) -> Any:
    """The rounding of own answers; where they were written with so few digits that anything would do, none."""
    return 0.0 if np.max(slack, initial=0.0) > most(expected) else slack


def most(expected: Array) -> float:
    """The rounding that is put up with: a hundredth of the largest entry."""
    return 0.01 * float(np.max(np.abs(expected), initial=0.0))
