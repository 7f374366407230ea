"""What a Jacobian or Hessian came to, as plain frozen data: the only thing the reports see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from backprop_cli.formulas.printed import Brief, Defined, Omitted, Printed
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.result import Warned


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry's own formula, and what it is of: ∂p[0]/∂x[1]."""

    name: Mapping[str, str]
    formula: Printed


@dataclass(frozen=True, slots=True)
class Differentiated:
    """One derivative: `value` has the output's axes, then the leaf's (of a product with a vector, the leaf's alone).

    `block` says which entries a formula of higher rank gives, `entries` the formula of each entry of a small one.
    """

    spec: str
    title: str | None
    kind: str  # jacobian or hessian
    symbol: str  # ∂p/∂x, ∂²loss/∂w², ∂²loss/∂w² · v
    output: str
    wrt: str
    shape: tuple[int, ...]
    value: Any
    formula: Printed | Omitted
    block: str = ""
    rows: Mapping[str, str] = field(default_factory=dict)  # ∂p[i]/∂x[j]: what `index` is equal to, by notation
    entries: Mapping[str, Entry] = field(default_factory=dict)  # by `[0,1]`
    facts: tuple[str, ...] = ()
    dims: Mapping[str, int] = field(default_factory=dict)
    names: tuple[str, ...] = ()  # of all nodes, so that no two are written alike
    brief: Brief | None = None  # what people are shown in place of the formula, where that repeats itself
    where: tuple[Defined, ...] = ()  # the names in the formula that the spec does not define
    warnings: tuple[Warned, ...] = ()  # of the spec at these numbers, as a run has them

    @property
    def shown(self) -> Printed | Omitted:
        """The formula as people are shown it."""
        return self.formula if self.brief is None else self.brief.formula

    @property
    def defined(self) -> tuple[Defined, ...]:
        """What the names in that stand for."""
        return self.where if self.brief is None else (self.brief.letter, *self.where)


def warnings_of(results: Iterable[Differentiated]) -> tuple[Warned, ...]:
    """What several results say of the numbers, each once."""
    return tuple(dict.fromkeys(warning for one in results for warning in one.warnings))
