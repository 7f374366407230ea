"""Where an answer that differs does not say that a gradient is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_cli.engine.ops.tensor import Array
from backprop_cli.records import replace
from backprop_cli.tasks.checks import differences, oracle
from backprop_cli.tasks.checks.results import Answer

TOLERANCES = {"differences": differences.TOLERANCE, "entries": oracle.TOLERANCE}


def excused(answer: Answer) -> Answer:
    """An answer that a gradient which is none of the function's own, on purpose, cannot meet."""
    return replace(answer, wrong=False, kinks=(*answer.kinks, answer.index)) if answer.wrong else answer


def within_rounding(answer: Answer, gradient: Array, spread: Any) -> Answer:
    """An answer that differs by no more than the gradient's own rounding may have made: its terms cancel."""
    found = answer.found[answer.name]
    tolerance = TOLERANCES[answer.name]
    apart = np.array(tolerance.refuses(tolerance.distance(found, gradient)) & ~np.isnan(found))
    apart[answer.index] = True  # of tiny numbers less is tolerated
    lost = apart & (np.abs(found - gradient) <= spread)
    if np.any(apart & ~lost):
        return answer
    hit = tuple(tuple(map(int, index)) for index in np.argwhere(lost))
    return replace(answer, wrong=False, worst=0.0, unknown=(*answer.unknown, *hit))
