"""What a check found, as plain frozen data, and what 'agree' means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from backprop_cli.records import dataclass, field

Status = Literal["ok", "wrong", "kink", "inconclusive"]
Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Two numbers agree where |a - b| <= absolute + relative·max(|a|, |b|)."""

    relative: float
    absolute: float

    def distance(self, a: object, b: object) -> Any:
        """How far apart, entry by entry: at most `relative` where they agree; the same infinity is no distance."""
        if isinstance(a, float) and isinstance(b, float):  # numpy's functions take ten times as long
            a, b = float(a), float(b)
            size = self.absolute / self.relative + max(abs(a), abs(b))
            return 0.0 if a == b else abs(a - b) / size
        with np.errstate(all="ignore"):
            a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
            apart = np.abs(a - b) / (self.absolute / self.relative + np.maximum(np.abs(a), np.abs(b)))
            return np.where(a == b, 0.0, apart)

    def refuses(self, distance: Any) -> Any:
        """Where they do not agree; a NaN is not at most anything."""
        return np.logical_not(distance <= self.relative)


@dataclass(frozen=True, slots=True)
class Answer:
    """One independent answer: how far it is from the reverse pass at worst, and where.

    `name` is 'formula', 'differences' or 'entries'; `worst` None where it did not run, and `note` says why.
    `checked` of `total` entries were compared (formulas: all entries of so many formulas).
    """

    name: str
    worst: float | None = None
    wrong: bool = False
    index: Index = ()
    found: Mapping[str, Any] = field(default_factory=dict)  # what it says, as arrays; NaN where it was not asked
    kinks: tuple[Index, ...] = ()
    unknown: tuple[Index, ...] = ()  # neither right nor wrong: not finite, or all rounding
    checked: int = 0
    total: int = 0
    note: str = ""


def status_of(answers: Sequence[Answer]) -> Status:
    """What the answers say together: one that disagrees outweighs a kink."""
    if any(a.wrong for a in answers):
        return "wrong"
    if any(a.kinks for a in answers):
        return "kink"
    return "inconclusive" if any(a.unknown for a in answers) else "ok"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answers for one node's gradient in one backward pass.

    Where the status is not 'ok', `index` is the entry that decided; where it is 'wrong', `numbers` is what
    each answer says there.
    """

    node: str
    output: str
    status: Status
    answers: tuple[Answer, ...]
    index: Index = ()
    numbers: Mapping[str, float] | None = None
    reason: str = ""
    number: int | None = None  # of the pass, from 1, where there are several
    unit: str | None = None  # what it is, where it is not what the report is of: row, of a Jacobian

    def answer(self, name: str) -> Answer | None:
        """One of the answers."""
        return next((a for a in self.answers if a.name == name), None)


@dataclass(frozen=True, slots=True)
class FunctionResult:
    """A hand-written gradient of a user's function, at one of its uses, against differences of its body alone."""

    function: str
    operand: str
    node: str
    status: Status
    worst: float
    index: Index = ()
    written: float = 0.0  # what the hand-written gradient gives at `index`
    true: float = 0.0  # what differences of the body give
    note: str = ""  # what is wrong with it besides, or where it is wrong


@dataclass(frozen=True, slots=True)
class CheckReport:
    """A spec, checked; `results` in the order of the reverse pass, each a `unit` unless it says otherwise."""

    spec: str
    title: str | None
    results: tuple[CheckResult, ...]
    functions: tuple[FunctionResult, ...] = ()
    nonfinite: str | None = None  # the first node whose value is not finite, in words
    unit: str = "gradient"

    @property
    def ok(self) -> bool:
        """Whether no answer disagrees with another; a kink is no disagreement."""
        return "wrong" not in {*(r.status for r in self.results), *(f.status for f in self.functions)}
