"""What grading found, as plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["right", "wrong", "missing", "not readable"]
What = Literal["value", "gradient"]


@dataclass(frozen=True, slots=True)
class Marked:
    """One item: its mark, and why.

    `index`, `answer` and `expected` are the first wrong entry of an answer in numbers, where the shape is right.
    """

    item: str
    node: str
    what: What
    status: Status
    of: float
    form: Literal["numbers", "formula"] | None = None
    reason: str = ""
    index: tuple[int, ...] | None = None
    answer: float | None = None
    expected: float | None = None

    @property
    def points(self) -> float:
        """All of an item's points, or none."""
        return self.of if self.status == "right" else 0.0


@dataclass(frozen=True, slots=True)
class Graded:
    """A file of answers, marked; the items asked for come first."""

    key: str
    answers: str
    student: str | None
    items: tuple[Marked, ...]

    @property
    def points(self) -> float:
        """The points reached."""
        return sum(one.points for one in self.items)

    @property
    def of(self) -> float:
        """The points there are."""
        return sum(one.of for one in self.items)

    @property
    def ok(self) -> bool:
        """Whether every item is there and right."""
        return all(one.status == "right" for one in self.items)
