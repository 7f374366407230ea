"""A wrong answer, with all that is needed to look for what went wrong in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_cli.records import dataclass
from backprop_cli.tasks.grading.agreement import Closeness, exactly, tolerated, wrong_entries
from backprop_cli.tasks.grading.figures import Figures
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.key import Key
from backprop_cli.tasks.grading.operands import View

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array, Mask

SLIPPED = 2e-6
"""Relative: numbers with a mistake are compared to six digits, as right ones are."""

TIGHT = 1e-5
"""Relative: at first, numbers of few digits are taken for exact ones (`0.2`), and only then for rounded ones."""


@dataclass(frozen=True, slots=True)
class Case:
    """A wrong answer: what was given and what is right, at each draw (numbers: at the first only).

    `views` are the numbers from which the answer was worked out: the key's, or the writer's own.
    """

    key: Key
    item: Item
    given: list[Array]
    right: list[Array]
    figures: Figures | None
    closeness: Closeness
    views: tuple[View, ...]
    own: bool = False

    @property
    def index(self) -> int:
        """The node."""
        return self.key.names[self.item.node]

    def floor(self, draw: int) -> Array:
        """The rounding of the right answer; its largest where the shapes differ."""
        found: Array = self.key.floor(self.item, draw)
        return found if np.shape(found) == np.shape(self.given[draw]) else np.full((), np.max(found, initial=0.0))

    def tolerance(self, candidate: Array, *, tight: bool = False) -> Array:
        """How far the answer's numbers may be from a candidate; `tight` takes few digits for exact numbers."""
        if self.figures is None:
            return 1e-7 * np.abs(candidate) + self.floor(0)
        half = np.minimum(self.figures.sharp, TIGHT * np.abs(candidate)) if tight else self.figures.sharp
        return np.maximum(half, SLIPPED * np.abs(candidate)) + self.floor(0)

    def agrees_further(self, make: Callable[[View], Array]) -> bool:
        """Whether the answer is what comes out at the further draws, too."""
        for draw in range(1, len(self.given)):
            with np.errstate(all="ignore"):
                found = attempted(make, self.views[draw])
            if found is None or found.shape != np.shape(self.given[draw]):
                return False
            if exactly(self.given[draw], found, self.closeness, self.floor(draw)).any():
                return False
        return True


def attempted(make: Callable[[View], Array], view: View) -> Any:
    """What a mistake leads to; None where it leads to nothing finite."""
    try:
        found = np.asarray(make(view), dtype=float)
    except Exception:  # noqa: BLE001 - operands that do not fit, which numpy says in many ways: not this mistake
        return None
    return found if np.isfinite(found).all() else None


def wrong_at(case: Case) -> Mask:
    """The wrong entries at the first draw that has any."""
    for draw, (given, right) in enumerate(zip(case.given, case.right, strict=False)):
        if case.figures is not None:
            found = wrong_entries(given, right, tolerated(case.figures, right, case.closeness, case.floor(draw)))
        else:
            found = exactly(given, right, case.closeness, case.floor(draw))
        if found.any():
            return found
    return np.zeros(np.shape(case.right[0]), dtype=bool)
