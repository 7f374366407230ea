"""What a step (or many) came to, as plain frozen data: the only thing the reports of `step` see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backprop_cli.formulas.printed import Named, Printed
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.result import Warned

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array


@dataclass(frozen=True, slots=True)
class Assignment:
    """A line of the rule for one param: its formula, and the first step's numbers put in (None: too many).

    `entry` is the one whose numbers they are, empty where they are those of the whole.
    `name` is the rule's, `left` what is written for it: the param, or the rule's letter, told from the spec's names.
    """

    name: str
    left: Printed
    formula: Printed
    substituted: Printed | None
    entry: tuple[int, ...] = ()

    @property
    def in_numbers(self) -> str | None:
        """The numbers put in, as text: `0.4 - 0.5 · 0.082167 = 0.358916`, `[0,0]: ...` of an entry."""
        if self.substituted is None:
            return None
        return f"[{','.join(map(str, self.entry))}]: {self.substituted.text}" if self.entry else self.substituted.text


@dataclass(frozen=True, slots=True)
class Row:
    """What the lines came to at one step, for one entry of a param."""

    step: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Trace:
    """The state of one entry of a param, step by step, as one writes it down by hand."""

    entry: str
    rows: tuple[Row, ...]
    heads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Update:
    """A param: before, after, its gradient at the start, and the lines that moved it."""

    name: str
    old: Any
    new: Array
    gradient: Any
    gradient_formula: Printed | None
    lines: tuple[Assignment, ...]
    traces: tuple[Trace, ...] = ()
    state: Mapping[str, Array] | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """The loss after so many steps."""

    step: int
    loss: float


@dataclass(frozen=True, slots=True)
class Stepped:
    """A spec whose params moved."""

    spec: str
    title: str | None
    output: str
    rule: str
    doc: str
    parameters: Mapping[str, float]
    general: tuple[Assignment, ...]
    steps: int
    every: int
    history: tuple[Moment, ...]
    params: tuple[Update, ...]
    warnings: tuple[Warned, ...] = ()
    names: tuple[str, ...] = ()  # of all nodes, so that no two are written alike
    where: tuple[Named, ...] = ()  # the δ that formulas of gradients use

    @property
    def recorded(self) -> tuple[Moment, ...]:
        """The history as it was asked for: the start, every so many steps, the end."""
        last = self.history[-1].step
        return tuple(m for m in self.history if m.step % self.every == 0 or m.step == last)
