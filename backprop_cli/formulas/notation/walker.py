"""What an operator's layout knows of the walk that it is a part of."""

from __future__ import annotations

from collections.abc import Container
from typing import Protocol

from sympy import Expr

from backprop_cli.formulas.algebra.expr import Apply
from backprop_cli.formulas.notation.piece import Piece
from backprop_cli.formulas.notation.text import Notation


class Walker(Protocol):
    """The walk that an operator is a part of."""

    notation: Notation
    exact: frozenset[Expr]
    taken: Container[str]
    unit: str

    def walk(self, expr: Expr) -> Piece:
        """A part of the formula."""

    def within(self, expr: Expr, level: int) -> str:
        """A part inside another that binds at `level`."""

    def call(self, expr: Apply) -> Piece:
        """A function call."""
