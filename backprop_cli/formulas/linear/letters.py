"""Index letters: what runs over an axis, and places made of them, such as 2i+a-1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sympy import Expr, S

from backprop_cli.formulas.algebra.expr import is_one
from backprop_cli.records import dataclass


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


@dataclass(frozen=True, slots=True)
class Affine(Letter):
    """Σ coefficient · letter + offset; made by `affine`."""

    parts: tuple[tuple[int, Letter], ...]
    offset: int

    def written(self, names: Mapping[Letter, str]) -> str:
        """`2i+a-1`; what is taken off stands behind: `2-i`."""
        order = list(names)
        parts = sorted(self.parts, key=lambda part: (-abs(part[0]), order.index(part[1])))
        texts = [("-" if c < 0 else "+") + (str(abs(c)) if abs(c) != 1 else "") + names[a] for c, a in parts]
        texts += [f"{self.offset:+d}"] if self.offset else []
        texts.sort(key=lambda text: text[0] == "-")
        return "".join(texts).removeprefix("+")


Letters = tuple[Letter | None, ...]
"""One an axis; None for an axis of size 1, which has nothing to run over."""

Factor = tuple[Expr, Letters]


@dataclass(frozen=True, slots=True)
class Product:
    """An operator's entry as coefficient · Π operands · Π constants, summed over the letters that are its own.

    `operands` may hold the seed; `constants` do not.
    """

    operands: tuple[Factor, ...]
    constants: tuple[Factor, ...] = ()
    coefficient: Expr = S.One


def letters_for(shape: Iterable[int]) -> Letters:
    """New letters for the axes of a shape."""
    return tuple(None if is_one(s) else Letter(s) for s in shape)


# ── places ───────────────────────────────────────────────────────────────────────────────────────


def affine(parts: Iterable[tuple[int, Letter]], offset: int = 0) -> Letter:
    """Σ coefficient · letter + offset, as plain as it is: a number, a letter, or a sum of them."""
    total: dict[Letter, int] = {}
    for coefficient, letter in parts:
        inner, constant = parts_of(letter)
        offset += coefficient * constant
        for c, a in inner:
            total[a] = total.get(a, 0) + coefficient * c
    kept = tuple((c, a) for a, c in total.items() if c)
    if not kept:
        return Number(offset)
    return kept[0][1] if len(kept) == 1 and kept[0][0] == 1 and not offset else Affine(0, kept, offset)


def parts_of(letter: Letter) -> tuple[tuple[tuple[int, Letter], ...], int]:
    """(coefficients and letters, offset)."""
    if isinstance(letter, Affine):
        return letter.parts, letter.offset
    return ((), letter.size) if isinstance(letter, Number) else (((1, letter),), 0)


def letters_in(letter: Letter | None) -> set[Letter]:
    """The letters that a place is made of."""
    return set() if letter is None else {a for _, a in parts_of(letter)[0]}


def put(letter: Letter | None, names: Mapping[Letter, Letter]) -> Letter | None:
    """A place with other letters in it."""
    if letter is None or not letters_in(letter) & names.keys():
        return letter
    parts, offset = parts_of(letter)
    return affine([(c, names.get(a, a)) for c, a in parts], offset)


def reaches(letter: Letter) -> tuple[int, int]:
    """The least and the largest number that a place can be."""
    parts, offset = parts_of(letter)
    ends = [c * (int(a.size) - 1) for c, a in parts]
    return offset + sum(min(0, e) for e in ends), offset + sum(max(0, e) for e in ends)
