"""What the consumers of a node contribute to its gradient, until all are there."""

from __future__ import annotations

from sympy import Add

from backprop_cli.formulas.algebra.expr import tree_size
from backprop_cli.formulas.algebra.formula import Formula


class Parts:
    """A gradient while its contributions arrive: they are added up once, when all are there.

    sympy sorts a sum at every addition; a weight shared by a thousand steps would cost a million comparisons.
    """

    __slots__ = ("parts", "shape")

    def __init__(self, first: Formula) -> None:
        self.parts = [first]
        self.shape = first.shape

    def __add__(self, other: Formula | Parts) -> Parts:
        """One more; the collection is the gradient's alone, so it grows in place."""
        self.parts += other.parts if isinstance(other, Parts) else [other]
        return self

    @property
    def length(self) -> int:
        """How many nodes the sum would have."""
        return sum([tree_size(p.expr) for p in self.parts])


def added_up(gradient: Formula | Parts) -> Formula:
    """A gradient whose contributions, if it is still a collection of them, are added up."""
    if isinstance(gradient, Formula):
        return gradient
    parts = gradient.parts
    return Formula(Add(*[p.expr for p in parts]), gradient.shape) if len(parts) > 1 else parts[0]
