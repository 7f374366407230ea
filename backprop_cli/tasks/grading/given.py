"""An answer as numbers, in the arrangement that is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_cli.records import dataclass
from backprop_cli.tasks.grading.contents import Formula
from backprop_cli.tasks.grading.figures import Figures


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as numbers at each draw; `figures` where it was written in numbers (then at the first draw only)."""

    values: list[Any]
    figures: Figures | None = None
    remark: str = ""
    formula: Formula | None = None


def arranged(given: Given, shape: tuple[int, ...]) -> Given:
    """An answer in the right arrangement, where only axes of size 1 are missing or too many, with a remark."""
    found = given.values[0].shape
    if found == shape or not _squeezes(found, shape):
        return given
    shown = None if given.figures is None else given.figures.reshaped(shape)
    remark = "" if not shape or not found else f"its shape is {_show(found)}; {_show(shape)} is meant"
    return Given([np.reshape(one, shape) for one in given.values], shown, remark, given.formula)


def _squeezes(found: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether two shapes differ in axes of size 1 alone; a row is no column."""
    bare = [tuple(size for size in one if size != 1) for one in (found, shape)]
    return bare[0] == bare[1] and len(found) != len(shape)


def _show(shape: tuple[int, ...]) -> str:
    return str(shape).replace(" ", "")
