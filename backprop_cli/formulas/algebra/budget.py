"""One budget for the algebra of a whole run, in counted work: the terms that rewriting visits and builds.

A hostile or careless spec would keep it busy for hours: products of sums, towers of quotients, functions in functions.
Past the budget formulas are found plainly: nothing is tidied, no idiom is looked for, nothing is chained further,
and the run says so.  What is counted depends on the spec alone, never on the machine.
"""

from __future__ import annotations

from backprop_cli.notices import notice
from backprop_cli.records import dataclass

BASE = 40_000
"""Terms; one to two seconds, as a term takes 30 to 50 microseconds on a slow machine."""

FEW = 40
A_NODE_OF_FEW = 1000
"""So much besides for each of the first named nodes: what is written as one node is nothing that a person reads."""

A_NODE = 60
"""Terms for each named node besides: a long chain of small steps is no reason to stop."""

MANY = 1000
"""Nodes beyond which the budget does not grow: seconds of work are said so, however long the chain."""

PLAIN = 200
"""Past the budget, what is put together from parts without a name stays below so many terms."""

PLAINLY = "its formulas take more work than a run is given, so some are left as they were found, or out"

LONG = 2500
"""Steps on the way back from which on their formulas, a millisecond each at the least, take seconds."""


def long_work(steps: int) -> str:
    """What is said of so many steps before their formulas are found; nothing of few.

    They are all found and written, in time that grows with their number alone: no budget ends that.
    """
    if steps <= LONG:
        return ""
    return f"the formulas of its {steps:,} steps take a while; the numbers alone (run --terms none) are there at once"


@dataclass(slots=True)
class Budget:
    """What is left of it; where a run's own is spent, that is said at once."""

    left: int = BASE
    is_run: bool = False

    @classmethod
    def of(cls, nodes: int) -> Budget:
        """The budget of a graph with so many named nodes."""
        return cls(BASE + A_NODE_OF_FEW * min(nodes, FEW) + A_NODE * min(nodes, MANY), is_run=True)

    def take(self, terms: int) -> None:
        """Work that is done in any case."""
        before = self.left
        self.left = before - terms
        if before >= 0 > self.left and self.is_run:
            notice(PLAINLY)

    def allows(self, terms: int) -> bool:
        """Whether work that could be left undone is worth it."""
        self.take(terms)
        return self.left >= 0

    @property
    def spent(self) -> bool:
        """Whether formulas are found plainly from now on."""
        return self.left < 0
