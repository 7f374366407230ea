"""A formula with its numbers put in, for one entry: `0.138499 · 0.59327`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from math import prod
from operator import ge, le, lt, ne
from typing import Any

from sympy import Expr, S

from backprop_cli.formulas.algebra.expr import Apply, SizeSymbol, TensorSymbol, is_one, shape_of
from backprop_cli.formulas.algebra.style import Style
from backprop_cli.formulas.notation import NOTATIONS
from backprop_cli.formulas.notation.entrywise.walker import Along, Index
from backprop_cli.formulas.notation.index import PRODUCT, EntryLayout, TooLongError
from backprop_cli.formulas.notation.piece import ADD, ATOM, NEGATIVE, Piece
from backprop_cli.records import dataclass

MOST_TERMS = 6
"""A sum of more terms than that is not written out."""

MOST_LOOKED_AT = 4096
"""Nor is it looked for those few that are not 0 among more than that."""

WHOLE = frozenset({"max_unpool1d", "max_unpool2d", "max_unpool3d", "standardize", "var"})
"""What numbers alone do not explain, where the largest entries were; and what has a name in books, x̂ and σ²."""

NOTHING = Piece("0", ATOM)
"""What is not there: an entry outside an array, or a term whose condition does not hold."""

HOLDS = {"less": lt, "less_equal": le, "greater_equal": ge, "not_equal": ne}


@dataclass(slots=True)
class NumbersLayout(EntryLayout):
    """Prints one entry, with numbers for names; `value` evaluates an expression."""

    value: Callable[[Expr], Any] = lambda expr: None
    digits: int = 6

    def put_in(self, expr: Expr, at: tuple[int, ...]) -> str:
        """The entry at an index; nothing where it, or a sum in it, is too long to be read."""
        try:
            found = self.entry(expr, tuple(map(str, at)))
            return self.number(0.0).text if found is NOTHING else found.text
        except TooLongError:
            return ""

    def entry(self, expr: Expr, indices: Index) -> Piece:
        """A name is its number."""
        if isinstance(expr, (TensorSymbol, SizeSymbol)) or isinstance(expr, Apply) and expr.name in WHOLE:
            shape = shape_of(expr)
            return self.picked(expr, indices[len(indices) - len(shape) :])
        return EntryLayout.entry(self, expr, indices)

    def picked(self, expr: Expr, indices: Index) -> Piece:
        """The entry of what is evaluated whole; 0 outside."""
        found, shape = self.value(expr), shape_of(expr)
        places = tuple(0 if is_one(size) else _index(index) for size, index in zip(shape, indices, strict=True))
        if not all(0 <= place < int(size) for place, size in zip(places, shape, strict=True)):
            return NOTHING
        return self.number(float(found[places] if places else found))

    def named_by(self, labels: Expr, indices: Index) -> str:
        """A label is a number, however it is computed."""
        return self.picked(labels, indices).text

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

    def multiplied(self, pieces: Sequence[Piece]) -> Piece:
        """Every factor is written: that one is 1 says something; but what is not there makes nothing of the rest."""
        if any(piece is NOTHING for piece in pieces):
            return NOTHING
        if len(pieces) == 1:
            return pieces[0]
        return Piece(self.between.join(self.closed(piece, PRODUCT) for piece in pieces), PRODUCT)

    def added(self, terms: Iterable[tuple[bool, Piece]]) -> Piece:
        """Terms, without those that are not there."""
        found = [(minus, term) for minus, term in terms if term is not NOTHING]
        if len(found) == 1 and not found[0][0]:
            return found[0][1]
        return EntryLayout.added(self, found) if found else NOTHING

    def selected(self, left: Sequence[str], right: Sequence[str], piece: Piece) -> Piece:
        """Something, or nothing where indices are not the same."""
        return piece if all(_index(a) == _index(b) for a, b in zip(left, right, strict=True)) else NOTHING

    def compared(self, name: str, left: str, right: str, piece: Piece) -> Piece:
        """Something, or nothing where indices do not compare so."""
        return piece if HOLDS[name](_index(left), _index(right)) else NOTHING

    def raised(self, conditions: Sequence[tuple[str, str, str]], piece: Piece) -> Piece:
        """A factor, or none where indices do not compare so."""
        holds = all(HOLDS[name](_indices(left), _indices(right)) for name, left, right in conditions)
        return piece if holds else self.entry(S.One, ())

    def over(self, runs: Sequence[Along], body: Callable[[Index], Piece], sign: str = "Σ") -> Piece:
        """Every term of a sum, every factor of a product, all of which one is the largest.

        Raises:
            TooLongError: there are too many.
        """
        if prod(int(run.size) for run in runs) > MOST_LOOKED_AT:
            raise TooLongError
        ranges = [[""] if is_one(run.size) else [str(i) for i in range(int(run.size))] for run in runs]
        terms = [term for letters in product(*ranges) if (term := body(letters)) is not NOTHING]
        if len(terms) > MOST_TERMS:
            raise TooLongError
        if len(terms) < 2:
            return terms[0] if terms else NOTHING
        if sign == "Σ":
            return Piece(self.notation.plus.join(self.closed(term, ADD + 1) for term in terms), ADD)
        if sign == "Π":
            return self.multiplied(terms)
        return self.notation.named_call(sign, [term.text for term in terms])


def _indices(text: str) -> list[int]:
    """An index, or several that are one place: (k,l)."""
    return [_index(one) for one in text.strip("()").split(",")]


def _index(text: str) -> int:
    """An index as a number, in whatever notation a label among the numbers was written."""
    return int(re.sub(r"<[^>]*>", "", text).replace("\u2212", "-") or 0)


def numbers(value: Callable[[Expr], object], digits: int, notation: str, style: Style) -> NumbersLayout:
    """The walk that puts numbers in."""
    layout = NumbersLayout(NOTATIONS[notation], style=style)
    layout.value, layout.digits = value, digits
    return layout
