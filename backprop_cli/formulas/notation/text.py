"""Text: Unicode on one line, what a student would write by hand.  The other notations override rows of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from sympy import E, Expr, S

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.subscripts import index_text
from backprop_cli.formulas.algebra.expr import Apply, Delta, shape_of
from backprop_cli.formulas.marks import AFTER
from backprop_cli.formulas.notation.arguments import (
    decimal,
    is_plain,
    new_axes,
    power_of_two,
    spell_static,
    written_arguments,
)
from backprop_cli.formulas.notation.piece import ADD, ATOM, CALL, GRADIENT, MUL, POWER, Piece
from backprop_cli.formulas.printed import dotted, partial
from backprop_cli.records import dataclass

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_NAMED = {S.Pi: "π", E: "e", S.Infinity: "∞", S.NegativeInfinity: "-∞"}

LONG = 24

SIGNS = {"greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=", "equal": "==", "not_equal": "!="}


TALLEST, WIDEST = 8, 48
"""Rows of an array that is set as a matrix in a formula, and characters of one; any other is a list."""


def is_set(rows: Sequence[Sequence[str]], length: Callable[[str], int] = len) -> bool:
    """Whether an array is set as a matrix."""
    return len(rows) <= TALLEST and max(sum(map(length, row)) for row in rows) <= WIDEST


def together(letters: Sequence[str]) -> str:
    """Index letters side by side, with commas where one has more than one sign: ij, but i0,j."""
    return ("" if all(len(letter) == 1 for letter in letters) else ",").join(letters)


@dataclass(frozen=True)
class Notation:
    """Text: Unicode, one line, what a student would write by hand."""

    plus: str = " + "
    minus: str = " - "
    minus_sign: str = "-"
    matmul: str = " · "
    gradient_level: int = GRADIENT
    scalar_joins_chain: bool = True
    gradients_apart: bool = False
    names_axes: bool = True
    identity: str = "I"
    has_outer: bool = True
    pseudo_inverse_level: int = POWER
    truth_counts: bool = False  # where it is pasted a comparison is no number, until it is multiplied by one
    slices: bool = False  # an axis that is meant whole is written
    beside: str = " · "
    by: str = " · "
    side: str = " · "
    hadamard: str = " ⊙ "
    over_bar: str = " / "
    comma: str = ", "
    opening: str = "("  # of a call
    equals: str = " = "  # between two indices
    correlation: str = " ⋆ "  # empty: written as a call
    convolution: str = " ∗ "
    stacks: bool = False
    alike: frozenset[str] = frozenset()  # names of the spec that would print as another one does: spelled out
    signs_of_functions: ClassVar[Mapping[str, tuple[str, ...]]] = {}  # that a node may be called

    def marked(self, sign: str, mark: str) -> str:
        """A sign at which a line may end; the mark of a comma, or of a bracket, stands after it."""
        end = len(sign.rstrip())
        return sign[:end] + mark + sign[end:] if mark in AFTER else mark + sign

    def holds_fraction(self, text: str) -> bool:
        """Whether a numerator has a fraction that would be set small in another."""
        return False

    def document(self, text: str) -> str:
        """A formula as it stands alone."""
        return text

    def name(self, name: str) -> str:
        """The name of a node."""
        return name

    def gradient(self, output: str, name: str) -> str:
        """∂output/∂node."""
        return partial(output, name)

    def derivative(self, top: str, *below: str) -> str:
        """∂y[i]/∂x[j], ∂²f/∂x[i]∂y[j], of what is written already."""
        return f"∂{'²' if len(below) > 1 else ''}{top}/{''.join(f'∂{one}' for one in below)}"

    def twice(self, top: str, below: str) -> str:
        """∂²f/∂x²."""
        return f"∂²{top}/∂{below}²"

    def delta(self, symbol: Delta) -> str:
        """The gradient of a part that has no name."""
        return symbol.text

    def tangent(self, node: str, name: str) -> str:
        """The tangent of a node, which is a node of that name."""
        return dotted(node)

    def entry(self, base: str, letters: list[str], alone: bool = False) -> str:
        """An entry, by letters; `alone`: of δ, or of a name that has no letters itself."""
        return f"{base}[{','.join(letters)}]"

    def kronecker(self, left: str, right: str) -> Piece:
        """1 where two places are the same, else 0: δ[i,j]."""
        return Piece(self.entry(self.name("δ"), [left, right], alone=True), ATOM)

    def sum_over(self, letters: list[str], inner: str) -> str:
        """Σ over letters."""
        return f"Σ_{together(letters)} {inner}"

    def label(self, name: str) -> str:
        """A name, or the output's own words where it is an expression."""
        return name

    def said(self, words: str) -> str:
        """Words in a formula."""
        return words

    def figure(self, text: str) -> str:
        """A rounded number: 1.5e-07."""
        return text

    def at(self, base: str, letters: Sequence[str]) -> str:
        """An entry: x[i,j]."""
        return f"{base}[{','.join(letters)}]"

    def gradient_at(self, output: str, name: str, letters: Sequence[str]) -> str:
        """∂output/∂x[i,j]."""
        return self.at(self.gradient(output, name), letters)

    def place(self, index: str) -> str:
        """An index: i, 2·i+1, ⌊i/4⌋ mod 2."""
        return index

    def over(self, letters: Sequence[str], sign: str = "Σ") -> str:
        """Σ, Π, max or min over letters of what follows."""
        return f"{sign}_{','.join(letters)} "

    def iverson(self, left: str, right: str) -> str:
        """1 where two indices are the same, else 0."""
        return f"[{left}{self.equals}{right}]"

    def between(self, low: str, middle: str, high: str) -> str:
        """1 where an index is no less than one number and less than another, else 0."""
        return f"[{low} ≤ {middle} < {high}]"

    def with_given(self, sign: str, given: Sequence[tuple[str, str]]) -> str:
        """A sign between two operands, with what is said of it: ⋆[s=2,p=1]."""
        return f"{sign.rstrip()}[{','.join(f'{name}={value}' for name, value in given)}] " if given else sign

    def keyword(self, name: str, value: str) -> str:
        """An argument by its name."""
        return f"{name}={value}"

    def literal(self, text: str) -> str:
        """A part of the user's expression as it is written."""
        return text

    def total(self, base: Piece) -> Piece:
        """The sum of all entries."""
        return Piece(f"Σ({base.text})", CALL)

    def named_call(self, name: str, arguments: list[str]) -> Piece:
        """A function by its name, with arguments that are written already."""
        return Piece(f"{name}{self.opening}{self.comma.join(arguments)})", CALL)

    def array(self, rows: Sequence[Sequence[str]], rank: int) -> Piece | None:
        """Entries in their places, a vector's one in each row; nothing where that is written as a call."""
        return Piece(self.in_list([self.in_list(row) for row in rows] if rank > 1 else [row[0] for row in rows]), ATOM)

    def in_list(self, entries: Sequence[str]) -> str:
        """Entries side by side, between which a line may end."""
        return f"[{self.comma.join(entries)}]"

    def bracket(self, text: str) -> str:
        """Brackets."""
        return f"({text})"

    def number(self, value: Expr) -> str:
        """An exact number."""
        if (exponent := power_of_two(value)) is not None:
            return f"2{str(exponent).translate(_SUPERSCRIPTS)}"
        return _NAMED.get(value) or decimal(value)

    def times(self, left: Expr, right: Expr) -> str:
        """Between two factors: ⊙ for tensors, · where one is a scalar."""
        return self.hadamard if shape_of(left) and shape_of(right) else self.side

    def scaled(self, number: str, text: str) -> str:
        """A number in front of a product."""
        between = {"(": ""}.get(text[0], self.by if text[0].isdigit() else " ")  # a node may stand for a number: 2 · 0
        return f"{number}{between}{text}"

    def fraction(self, above: Piece, below: Piece) -> tuple[str, int]:
        """A quotient on one line."""
        top = above.text if above.level >= MUL and above.level != ADD else self.bracket(above.text)
        bottom = below.text if below.level > GRADIENT else self.bracket(below.text)
        tight = above.level > GRADIENT or above.level == ADD or " " not in top and "/" not in top
        bar = self.over_bar.replace(" ", "") if len(top) + len(bottom) > LONG else "/"  # a short one is never broken
        return (top + bar + bottom if tight else top + self.over_bar + bottom), MUL

    def root(self, base: Piece) -> Piece:
        """A square root."""
        return Piece(f"√{base.text}" if base.level == ATOM else f"√({base.text})", POWER)

    def superscript(self, base: Piece, exponent: Piece, integer: int | None) -> str:
        """A power; small integers as superscripts."""
        inner = self._base(base)
        if integer is not None:
            return inner + str(integer).translate(_SUPERSCRIPTS)
        return f"{inner}^{exponent.text}" if exponent.level == ATOM else f"{inner}^({exponent.text})"

    def row(self, text: str) -> str:
        """A vector as a row."""
        return text + "ᵀ"

    def chained(self, factors: Sequence[str]) -> str:
        """A product of matrices."""
        return self.matmul.join(factors)

    def outer(self, left: str, right: str) -> str:
        """x yᵀ."""
        return f"{left}{self.matmul}{right}ᵀ"

    def _base(self, base: Piece) -> str:
        return base.text if base.level >= CALL else self.bracket(base.text)

    def transpose(self, base: Piece, order: tuple[int, ...]) -> str:
        """Aᵀ."""
        return self._base(base) + "ᵀ"

    def inverse(self, base: Piece) -> str:
        """A⁻¹."""
        return self._base(base) + "⁻¹"

    def inverse_transpose(self, base: Piece) -> str:
        """A⁻ᵀ."""
        return self._base(base) + "⁻ᵀ"

    def summation(self, base: Piece, expr: Apply, letters: str) -> Piece:
        """Σ over everything, over axes with letters (Σ_n) or over numbered ones."""
        if expr.parameters["axis"] is None:
            return Piece(f"Σ({base.text})", CALL)
        if letters:
            return Piece(f"Σ_{letters}({base.text})", CALL)
        return Piece(f"Σ({base.text}{self.comma}axis={spell_static(expr.parameters['axis'])})", CALL)

    def reduction(self, name: str, base: Piece, letters: str) -> Piece:
        """A mean, a variance over axes with letters."""
        return Piece(f"{name}_{letters}({base.text})", CALL)

    def pseudo_inverse(self, base: Piece) -> str:
        """X⁺."""
        return self._base(base) + "⁺"

    def pseudo_inverse_transpose(self, base: Piece) -> str:
        """X⁺ᵀ."""
        return self._base(base) + "⁺ᵀ"

    def unit_vector(self, expr: Apply, letter: str) -> Piece:
        """e[k], by a letter that is free in the spec."""
        return Piece(f"{letter}[{expr.parameters['index'][0]}]", CALL)

    def index(self, base: str, expr: Apply) -> str:
        """x[...]."""
        return f"{base}[{index_text(expr.parameters['index'])}]"

    def picked(self, base: str, places: Sequence[str]) -> str:
        """x[k] for a label k that has a name, x[n, t[n]]."""
        return f"{base}[{', '.join(places)}]"

    def expanded(self, base: Piece, expr: Apply) -> Piece:
        """x with new axes, as an index."""
        return Piece(f"{self._base(base)}[{new_axes(expr)}]", CALL)

    def comparison(self, name: str, left: str, right: str) -> Piece:
        """Iverson brackets: 1 where it holds, else 0."""
        sign = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}.get(SIGNS[name], SIGNS[name])
        return Piece(f"[{left} {sign} {right}]", CALL)

    def call(self, name: str, operands: list[Piece | None], expr: Apply, exact: bool = False) -> Piece:
        """A function, by its template or as a call."""
        template = OPS[name].text if name in OPS and is_plain(expr) else None
        if template is not None:
            return Piece(template.format(*("" if o is None else o.text for o in operands)), CALL)
        return self.named_call(name, self.arguments(operands, expr, exact))

    def arguments(self, operands: list[Piece | None], expr: Apply, exact: bool = False) -> list[str]:
        """Operands in order, then the parameters that differ from their defaults."""
        return written_arguments([None if o is None else o.text for o in operands], expr, exact, self.comma)


NOTATION = Notation()
