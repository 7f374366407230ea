"""Code: the spec language itself.  Pasted back into a spec, a formula gives the printed value."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import E, Expr, S

from backprop_cli.formulas.algebra.expr import Apply, Delta
from backprop_cli.formulas.notation.arguments import decimal, spell_static, written_arguments
from backprop_cli.formulas.notation.piece import ATOM, CALL, MUL, Piece
from backprop_cli.formulas.notation.text import SIGNS, Notation
from backprop_cli.records import dataclass

_NAMED = {S.Pi: "pi", E: "e", S.Infinity: "inf", S.NegativeInfinity: "-inf", S.NaN: "nan"}


@dataclass(frozen=True)
class Code(Notation):
    """The spec language itself: pasted back, it gives the printed value."""

    matmul: str = " @ "
    correlation: str = ""
    convolution: str = ""

    def gradient(self, output: str, name: str) -> str:
        return f"grad({name})"

    def delta(self, symbol: Delta) -> str:
        return symbol.code

    def tangent(self, node: str, name: str) -> str:
        return name

    def number(self, value: Expr) -> str:
        return _NAMED.get(value) or decimal(value)

    def array(self, rows: Sequence[Sequence[str]], rank: int) -> None:
        """A call, which stands wherever a tensor may."""

    def times(self, left: Expr, right: Expr) -> str:
        return " * "

    def scaled(self, number: str, text: str) -> str:
        return f"{number} * {text}"

    gradient_level: int = ATOM
    has_outer: bool = False
    truth_counts: bool = True
    pseudo_inverse_level: int = CALL
    scalar_joins_chain: bool = False
    names_axes: bool = False
    slices: bool = True
    identity: str = ""

    def fraction(self, above: Piece, below: Piece) -> tuple[str, int]:
        top = (
            above.text
            if above.level > MUL or above.level == MUL and "@" not in above.text
            else self.bracket(above.text)
        )
        bottom = below.text if below.level > MUL else self.bracket(below.text)
        return f"{top} / {bottom}" if " " in top and not top.startswith("(") else f"{top}/{bottom}", MUL

    def root(self, base: Piece) -> Piece:
        return Piece(f"sqrt({base.text})", CALL)

    def superscript(self, base: Piece, exponent: Piece, integer: int | None) -> str:
        inner = base.text if base.level >= CALL else self.bracket(base.text)
        return f"{inner}**{exponent.text}" if exponent.level >= CALL else f"{inner}**({exponent.text})"

    def row(self, text: str) -> str:
        return text

    def transpose(self, base: Piece, order: tuple[int, ...]) -> str:
        if len(order) == 2:
            return self._base(base) + ".T"
        return f"transpose({base.text}, {spell_static(order)})"

    def inverse(self, base: Piece) -> str:
        return f"inv({base.text})"

    def inverse_transpose(self, base: Piece) -> str:
        return f"inv({base.text}).T"

    def summation(self, base: Piece, expr: Apply, _: str) -> Piece:
        return self.call("sum", [base], expr)

    def pseudo_inverse(self, base: Piece) -> str:
        return f"pinv({base.text})"

    def pseudo_inverse_transpose(self, base: Piece) -> str:
        return f"pinv({base.text}).T"

    def unit_vector(self, expr: Apply, letter: str) -> Piece:
        position = expr.parameters["index"][0] % expr.shape[0]  # one_hot counts from the start alone
        return Piece(f"one_hot({position}, {spell_static(expr.shape[0])})", CALL)

    def expanded(self, base: Piece, expr: Apply) -> Piece:
        return self.call("expand_dims", [base], expr)

    def kronecker(self, left: str, right: str) -> Piece:
        return self.comparison("equal", left, right)

    def comparison(self, name: str, left: str, right: str) -> Piece:
        return Piece(f"({left} {SIGNS[name]} {right})", CALL)

    def call(self, name: str, operands: list[Piece | None], expr: Apply, exact: bool = True) -> Piece:
        texts = [None if o is None else o.text for o in operands]
        return Piece(f"{name}({', '.join(written_arguments(texts, expr, exact=True))})", CALL)


NOTATION = Code()
