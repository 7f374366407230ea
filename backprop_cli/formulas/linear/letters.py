"""Index letters: what runs over an axis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sympy import Expr

from backprop_cli.formulas.algebra.expr import is_one


class NotLinearError(Exception):
    """The formula holds an operator that this walk does not take apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """An index that runs over an axis of some size."""

    size: int


class Number(Letter):
    """A letter that is a number: one certain entry."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.size == other.size

    def __hash__(self) -> int:
        return hash(self.size)


@dataclass(frozen=True, slots=True, eq=False)
class Moved(Letter):
    """A letter in an expression: `i+1`, `2-i`; `{}` is where the letter stands."""

    base: Letter
    text: str


Letters = tuple[Letter | None, ...]
"""One an axis; None for an axis of size 1, which has nothing to run over."""

Factor = tuple[Expr, Letters]


def letters_for(shape: Iterable[int]) -> Letters:
    """New letters for the axes of a shape."""
    return tuple(None if is_one(s) else Letter(s) for s in shape)
