"""What the consumers of a node contribute to its gradient, until all are there."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Add, Expr, S

from backprop_cli.formulas.algebra.expr import tree_size
from backprop_cli.formulas.algebra.formula import Formula
from backprop_cli.language.model import Shape


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


def passed(gradient: Formula, *_: Formula) -> Parts:
    """What a rule contributes that hands the gradient on; nothing where it has no entries."""
    return Parts(Formula(S.Zero, gradient.shape) if 0 in gradient.shape else gradient)


def collected(rule: Callable[..., Formula]) -> Callable[..., Parts]:
    """A rule whose result collects what other consumers contribute.

    Its operands are a node's in every reading of the pass, and where the gradient is the same, so is the result.
    """
    known: dict[tuple[Expr, Shape], Formula] = {}

    def contribution(gradient: Formula, *operands: Formula) -> Parts:
        key = gradient.expr, gradient.shape
        found = known.get(key)
        if found is None:
            found = rule(gradient, *operands)
            found = known[key] = Formula(S.Zero, found.shape) if 0 in found.shape else found  # of no entries
        return Parts(found)

    return contribution
