"""What grading found, as plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from backprop_cli.records import dataclass, field

Status = Literal["right", "wrong", "missing", "not readable"]
What = Literal["value", "gradient", "new", "jacobian", "hessian", "tangent"]


@dataclass(frozen=True, slots=True)
class Marked:
    """One item: its mark, and why.

    `share` is how much of the item's points the answer earns: all of them where it is right, by policy where it is
    carried forward, a constant times the right one, or right in part.  `index`, `answer` and `expected` are the first
    wrong entry of an answer in numbers, where the shape is right.
    """

    item: str
    node: str
    what: What
    status: Status
    of: float
    form: Literal["numbers", "formula"] | None = None
    reason: str = ""
    mistake: str | None = None
    carried_forward: bool = False
    first: bool = False
    share: float = 0.0
    index: tuple[int, ...] | None = None
    answer: float | None = None
    expected: float | None = None

    @property
    def points(self) -> float:
        """What the answer earns."""
        return round(self.of * self.share, 9)

    @property
    def word(self) -> str:
        """The mark as people read it."""
        return "carried" if self.carried_forward else self.status


@dataclass(frozen=True, slots=True)
class Graded:
    """A file of answers, marked, in the order of the reverse pass.

    `further` is what else its writer says (`email:`), `problem` why the file as a whole cannot be read.
    """

    key: str
    answers: str
    student: str | None
    items: tuple[Marked, ...]
    further: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def points(self) -> float:
        """The points reached."""
        return round(sum(one.points for one in self.items), 9)

    @property
    def of(self) -> float:
        """The points there are."""
        return sum(one.of for one in self.items)

    @property
    def ok(self) -> bool:
        """Whether every item is there and right."""
        return not self.problem and all(one.status == "right" for one in self.items)

    @property
    def first_wrong(self) -> str | None:
        """The first wrong answer on the way back."""
        return next((one.item for one in self.items if one.first), None)
