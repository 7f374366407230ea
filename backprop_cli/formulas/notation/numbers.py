"""A formula with its numbers put in, for one entry: `0.138499 · 0.59327`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

from sympy import Expr

from backprop_cli.formulas.algebra.expr import SizeSymbol, TensorSymbol, is_one, shape_of
from backprop_cli.formulas.notation import NOTATIONS
from backprop_cli.formulas.notation.index import EntryLayout, Index
from backprop_cli.formulas.notation.piece import ADD, ATOM, NEGATIVE, Piece
from backprop_cli.language.model import Shape

MOST_TERMS = 6
"""A sum of more terms than that is not written out."""

LONGEST = 160


class TooLongError(Exception):
    """The sums in it have too many terms to be read."""


@dataclass(slots=True)
class NumbersLayout(EntryLayout):
    """Prints one entry, with numbers for names; `value` evaluates an expression."""

    value: Callable[[Expr], Any] = lambda expr: None
    digits: int = 6
    longest: int = 0  # in characters; 0: any length

    def put_in(self, expr: Expr, at: tuple[int, ...]) -> str | None:
        """The entry at an index; None where it is too long to be read, or nothing but the number itself."""
        try:
            piece = self.entry(expr, tuple(map(str, at)))
        except TooLongError:
            return None
        return piece.text if not self.longest or len(piece.text) <= self.longest else None

    def entry(self, expr: Expr, indices: Index) -> Piece:
        """A name is its number."""
        if isinstance(expr, (TensorSymbol, SizeSymbol)):
            shape = shape_of(expr)
            return self.picked(expr, indices[len(indices) - len(shape) :])
        return EntryLayout.entry(self, expr, indices)

    def picked(self, expr: Expr, indices: Index) -> Piece:
        """The entry of what is evaluated whole."""
        found = self.value(expr)
        places = tuple(
            0 if is_one(size) else sum(map(int, index.split("+")))
            for size, index in zip(shape_of(expr), indices, strict=True)
        )
        return self.number(float(found[places] if places else found))

    def number(self, value: float) -> Piece:
        """A number in so many digits."""
        text = f"{value:.{self.digits}g}" if value else "0"
        return Piece(self.notation.figure(text), NEGATIVE if text.startswith("-") else ATOM)

    @property
    def between(self) -> str:
        """A dot: numbers side by side would be one number."""
        return self.notation.by

    def count(self, size: int) -> str:
        """How many entries an axis has, as a number."""
        return str(int(size))

    def over(self, sizes: Shape, body: Callable[[Index], Piece]) -> Piece:
        """Every term of a sum.

        Raises:
            TooLongError: there are too many.
        """
        ranges = [[""] if is_one(size) else [str(i) for i in range(int(size))] for size in sizes]
        terms = [body(letters) for letters in product(*ranges)]
        if len(terms) > MOST_TERMS:
            raise TooLongError
        if len(terms) == 1:
            return terms[0]
        return Piece(self.notation.plus.join(self.closed(term, ADD + 1) for term in terms), ADD)


def numbers(value: Callable[[Expr], object], digits: int, notation: str, decimals: bool) -> NumbersLayout:
    """The walk that puts numbers in; what is too long as text is left out."""
    layout = NumbersLayout(NOTATIONS[notation], decimals=decimals)
    layout.value, layout.digits, layout.longest = value, digits, LONGEST if notation == "text" else 0
    return layout
