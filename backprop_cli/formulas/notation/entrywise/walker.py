"""What an operator's row knows of the walk that it is a part of, and a rule of axes of the axes."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import NamedTuple, Protocol

from sympy import Expr

from backprop_cli.formulas.algebra.expr import Apply
from backprop_cli.formulas.notation.piece import Piece
from backprop_cli.formulas.notation.text import Notation

Axis = int | None
"""A number for each axis that is known to be another; None for one of size 1."""

Run = tuple[Axis, ...]

Index = tuple[str, ...]
"""An index for each axis; empty for an axis of size 1."""


class Along(NamedTuple):
    """What an index runs over: so many entries, of an axis that has a letter, or of none."""

    size: int
    axis: Axis = None


class Meeting(Protocol):
    """The axes of a spec, while it is found out which of them are one."""

    wanted: dict[int, str]
    taken: set[str]

    def of(self, expr: Expr) -> Run:
        """The axes of an expression."""

    def each(self, exprs: Iterable[Expr]) -> list[Run]:
        """The axes of several."""

    def new(self, size: int) -> Axis:
        """An axis that is like no other yet."""

    def root(self, axis: int) -> int:
        """The axis that stands for all that are the same."""

    def same(self, one: Axis, other: Axis) -> None:
        """Two axes are one."""


class EntryWalker(Protocol):
    """The walk that prints one entry."""

    notation: Notation
    taken: Container[str]

    @property
    def between(self) -> str:
        """Between the factors of a product of entries."""

    def walk(self, expr: Expr) -> Piece:
        """A part, written whole."""

    def entry(self, expr: Expr, indices: Index) -> Piece:
        """The entry of a part."""

    def named_by(self, labels: Expr, indices: Index) -> str:
        """An entry of labels, as an index: t[n], p+l-1."""

    def picked(self, expr: Expr, indices: Index) -> Piece:
        """The entry of what is written whole."""

    def zero_outside(self, expr: Expr, indices: Index) -> Piece:
        """The entry at an index that may lie outside."""

    def function(self, name: str, pieces: Sequence[Piece]) -> Piece:
        """A function of numbers that are written already."""

    def multiplied(self, pieces: Sequence[Piece]) -> Piece:
        """Numbers multiplied."""

    def added(self, terms: Iterable[tuple[bool, Piece]]) -> Piece:
        """Terms, each with whether it has a minus."""

    def quotient(self, above: Piece, below: Piece) -> Piece:
        """One number divided by another."""

    def count(self, size: int) -> str:
        """How many entries an axis has."""

    def along(self, expr: Expr, axis: int) -> Along:
        """An axis of an operand, to run over."""

    def over(self, runs: Sequence[Along], body: Callable[[Index], Piece], sign: str = "Σ") -> Piece:
        """Σ, Π, max over new indices."""

    def selected(self, left: Sequence[str], right: Sequence[str], piece: Piece) -> Piece:
        """[i = j] times something."""

    def compared(self, name: str, left: str, right: str, piece: Piece) -> Piece:
        """[i ≤ j] times something."""

    def raised(self, conditions: Sequence[tuple[str, str, str]], piece: Piece) -> Piece:
        """Something to the power of [i ≤ j]: 1 where indices do not compare so."""

    def at_largest(self, here: str, found: Apply, indices: Index, piece: Piece) -> Piece:
        """[(i,j) = argmax(a, 2)[n,c,l,m]] times something."""


Row = Callable[[EntryWalker, Apply, Index], Piece | None]
"""The entry of an operator at indices; None where it is better written whole."""
