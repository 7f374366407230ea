"""Whether an answer is what is expected: as it stands, or but for rounding, decimals, numbers that are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backprop_cli.language import expression as ast
from backprop_cli.records import dataclass
from backprop_cli.tasks.grading.agreement import Closeness, exactly, tolerated, wrong_entries
from backprop_cli.tasks.grading.contents import Formula
from backprop_cli.tasks.grading.evaluation import cancelled, evaluated, rounded
from backprop_cli.tasks.grading.given import Given
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.key import Key

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array


@dataclass(frozen=True, slots=True)
class Comparison:
    """Answers beside what the key has, as close as asked; `allow` says which gradients a formula may use."""

    key: Key
    closeness: Closeness
    allow: str

    def remark(self, item: Item, given: Given, right: list[Array]) -> str | None:
        """What is said of an answer that is right, "" where nothing is; None where it is not right."""
        if self.agrees(item, given, right):
            return ""
        formula = given.formula
        if formula is None or given.values[0].shape != right[0].shape:
            return None
        if self._is_right_but_for_rounding(item, formula, given, right):
            return ""
        if self._is_right_but_for_decimals(item, formula, given, right):
            return "a decimal in it is rounded"
        if self._is_right_as_given(item, formula, given, right):
            return "right with the numbers that are given"
        return None

    def agrees(self, item: Item, given: Given, expected: list[Any], slack: Any = 0.0) -> bool:
        """Whether an answer is what is expected, at every draw that both have."""
        if given.values[0].shape != expected[0].shape:
            return False
        if given.figures is not None:
            tolerance = tolerated(given.figures, expected[0], self.closeness, self.key.floor(item, 0)) + slack
            return not wrong_entries(given.values[0], expected[0], tolerance).any()
        pairs = zip(given.values, expected, range(len(self.key.draws)), strict=False)
        return not any((exactly(one, other, self.closeness, self.key.floor(item, draw) + slack)).any()
                       for one, other, draw in pairs)  # fmt: skip

    def _is_right_but_for_rounding(self, item: Item, formula: Formula, given: Given, right: list[Array]) -> bool:
        """Whether a formula is right up to what cancels in its own terms: that much is its form's fault."""
        lost = cancelled(self.key, item, formula)
        return lost is not None and self.agrees(item, given, right, lost)

    def _is_right_but_for_decimals(self, item: Item, formula: Formula, given: Given, right: list[Array]) -> bool:
        """Whether a formula is right up to its decimals that are rounded."""
        moved = rounded(self.key, item, formula, given.values, self.allow)
        return moved is not None and not any(
            exactly(one, other, self.closeness, slack).any()
            for one, other, slack in zip(given.values, right, moved, strict=False)
        )

    def _is_right_as_given(self, item: Item, formula: Formula, given: Given, right: list[Array]) -> bool:
        """Whether a formula is right where numbers that the exercise gives are put in: `δ/0.6` where k is 0.6."""
        if exactly(given.values[0], right[0], self.closeness, self.key.floor(item, 0)).any():
            return False
        key = self.key.as_given if any(map(_is_put_in, ast.parts(formula.expression))) else None
        if key is None:
            return False
        values = evaluated(key, item, formula, self.allow)
        return not any(exactly(one, other, self.closeness, key.floor(item, draw)).any()
                       for draw, (one, other) in enumerate(zip(values, key.right(item), strict=True)))  # fmt: skip


def _is_put_in(part: ast.Expression) -> bool:
    """Whether a number may stand for one that is given."""
    return isinstance(part, ast.Number) and part.value not in {0, 1}
