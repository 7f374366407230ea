"""Presentation MathML (Core): a formula as elements that a browser lays out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from sympy import E, Expr, S

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.subscripts import index_text
from backprop_cli.formulas.algebra.expr import Apply, Delta
from backprop_cli.formulas.marks import PLACES, plain
from backprop_cli.formulas.notation.arguments import (
    decimal,
    is_plain,
    new_axes,
    power_of_two,
    spell_static,
    written_arguments,
)
from backprop_cli.formulas.notation.names import GREEK, taken_apart
from backprop_cli.formulas.notation.piece import ATOM, CALL, MUL, POWER, Piece
from backprop_cli.formulas.notation.text import SIGNS, Notation, is_set
from backprop_cli.records import dataclass

ACCENT_MARKS = {"hat": "^", "bar": "‾", "tilde": "~"}
INVISIBLE_TIMES, FUNCTION_APPLICATION, MINUS = "\u2062", "\u2061", "\u2212"
_TOKEN = re.compile(r"\{(\d)\}|([^\W\d_]+)|(\d[\d.]*)|(\S)")
_OVER = {"Σ": "∑", "Π": "∏"}
_NAMED = {S.Pi: "π", E: "e", S.Infinity: "∞"}


def mi(text: str) -> str:
    """A name."""
    return f"<mi>{escape(text)}</mi>"


def mo(text: str) -> str:
    """A sign."""
    return f"<mo>{escape(text)}</mo>"


def mn(text: str) -> str:
    """A number."""
    return f"<mn>{escape(text)}</mn>"


def row(text: str) -> str:
    """Several elements as one."""
    return f"<mrow>{text}</mrow>"


_ONE = re.compile(r"<(mi|mn|mo)>[^<]*</\1>")


def script(kind: str, base: str, other: str) -> str:
    """msup, msub, munder, mover: two elements in one; a name, a number or a sign is one as it is."""
    above, below = (one if _ONE.fullmatch(one) else row(one) for one in (base, other))
    return f"<{kind}>{above}{below}</{kind}>"


def quotient(above: str, below: str) -> str:
    """A fraction."""
    return f"<mfrac>{row(above)}{row(below)}</mfrac>"


def tokens(text: str) -> str:
    """Names, numbers and signs of a piece of text, each an element of its kind."""
    made = []
    for match in _TOKEN.finditer(text):
        word, number, sign = match[2], match[3], match[4]
        made.append(mi(word) if word else mn(number) if number else mo((sign or match[0]).replace("-", MINUS)))
    return "".join(made)


def word(name: str) -> str:
    """A letter, or a Greek one by its name."""
    return mi(GREEK.get(name, name))


THIN = f'<mo lspace=".17em">{INVISIBLE_TIMES}</mo>'
"""A product of scalars, with the space that TeX sets."""

_WORD_ENDS = re.compile(r"<mi>\w\w+</mi>(?:</?m(?:sub|row)>|<m[ino]>[^<]*</m[ino]>|</msup>)*$")
_WORD_BEGINS = re.compile(r"(?:<m(?:sub|sup|row)>)*<mi>\w\w+</mi>")

BOLD = {ord("a") + i: 0x1D41A + i for i in range(26)}
"""Small letters, in bold."""


@dataclass(frozen=True)
class Mathml(Notation):
    """Elements of MathML; a piece is a sequence of them, put into a row where one is needed."""

    plus: str = mo("+")
    minus: str = mo(MINUS)
    minus_sign: str = mo(MINUS)
    identity: str = mi("I")
    matmul: str = mo(INVISIBLE_TIMES)
    gradient_level: int = POWER
    gradients_apart: bool = True
    beside: str = THIN
    by: str = mo("·")
    side: str = THIN
    hadamard: str = mo("⊙")
    over_bar: str = ""
    comma: str = mo(",")
    opening: str = mo("(")
    equals: str = mo("=")
    stacks: bool = True
    correlation: str = mo("⋆")
    convolution: str = mo("∗")

    def marked(self, sign: str, mark: str) -> str:
        return sign.replace("<mo", f'<mo data-break="{PLACES[mark]}"', 1)

    def chained(self, factors: Sequence[str]) -> str:
        """Two words side by side stand apart."""
        text, *rest = factors
        for factor in rest:
            apart = _WORD_ENDS.search(text) and _WORD_BEGINS.match(factor)
            text += (self.matmul.replace(">", ' lspace=".17em">', 1) if apart else self.matmul) + factor
        return text

    def holds_fraction(self, text: str) -> bool:
        return "<mfrac" in text

    def document(self, text: str) -> str:
        return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{text}</math>'

    def with_given(self, sign: str, given: Sequence[tuple[str, str]]) -> str:
        said = mo(",").join(mi(name) + mo("=") + tokens(value) for name, value in given)
        return script("msub", sign, said) if given else sign

    def keyword(self, name: str, value: str) -> str:
        return tokens(f"{name}={value}")

    def name(self, name: str) -> str:
        if name in self.alike:
            return mi(name)
        parts = taken_apart(name)
        base = word(parts.base)
        if parts.accent:
            base = script("mover", base, mo(ACCENT_MARKS[parts.accent]))
        if not parts.index:
            return base
        return script("msub", base, mn(parts.index) if parts.index.isdigit() else word(parts.index))

    def gradient(self, output: str, name: str) -> str:
        top = self.name(output) if re.fullmatch(r"\w+", output) else self.bracket(tokens(output))
        return quotient(mo("∂") + top, mo("∂") + self.name(name))

    def derivative(self, top: str, *below: str) -> str:
        sign = script("msup", mo("∂"), mn("2")) if len(below) > 1 else mo("∂")
        return quotient(sign + top, "".join(mo("∂") + one for one in below))

    def twice(self, top: str, below: str) -> str:
        squared = script("msup", mo("∂"), mn("2"))
        return quotient(squared + top, mo("∂") + script("msup", below, mn("2")))

    def delta(self, symbol: Delta) -> str:
        number = mo(",") + mn(str(symbol.number)) if symbol.number else ""
        return script("msub", mi("δ" + "′" * len(symbol.mark)), self.name(symbol.owner) + number)

    def label(self, name: str) -> str:
        return self.name(name) if re.fullmatch(r"\w+", name) else row(tokens(name))

    def said(self, words: str) -> str:
        return f"<mtext>{escape(words)}</mtext>"

    def figure(self, text: str) -> str:
        mantissa, _, exponent = text.partition("e")
        sign = mo(MINUS) if mantissa.startswith("-") else ""
        shown = sign + mn(mantissa.lstrip("-"))
        if not exponent:
            return shown
        return row(shown + mo("·") + script("msup", mn("10"), tokens(str(int(exponent)))))

    def at(self, base: str, letters: Sequence[str]) -> str:
        inner = base if re.fullmatch(r"<mi>[^<]*</mi>", base) else row(mo("[") + base + mo("]"))
        return script("msub", inner, mo(",").join(map(self.place, letters)))

    def place(self, index: str) -> str:
        return index if "<" in index else tokens(index)

    def gradient_at(self, output: str, name: str, letters: Sequence[str]) -> str:
        top = self.name(output) if re.fullmatch(r"\w+", output) else self.bracket(tokens(output))
        return quotient(mo("∂") + top, mo("∂") + self.at(self.name(name), letters))

    def over(self, letters: Sequence[str], sign: str = "Σ") -> str:
        return script("munder", mo(_OVER.get(sign, sign)), mo(",").join(map(tokens, letters)))

    def between(self, low: str, middle: str, high: str) -> str:
        at_most, less = mo("≤"), mo("<")
        return row(mo("[") + self.place(low) + at_most + self.place(middle) + less + self.place(high) + mo("]"))

    def iverson(self, left: str, right: str) -> str:
        return row(mo("[") + self.equals.join(map(self.place, (left, right))) + mo("]"))

    def literal(self, text: str) -> str:
        return f"<mtext>{escape(text)}</mtext>"

    def total(self, base: Piece) -> Piece:
        return Piece(mo("∑") + (base.text if base.level > MUL else self.bracket(base.text)), MUL)

    def tangent(self, node: str, name: str) -> str:
        return script("mover", self.name(node), mo("˙"))

    def entry(self, base: str, letters: list[str], alone: bool = False) -> str:
        return script("msub", base, mo(",").join(map(self.place, letters)))

    def sum_over(self, letters: list[str], inner: str) -> str:
        return self.over(letters) + inner

    def named_call(self, name: str, arguments: list[str]) -> Piece:
        bracket = row(self.opening + self.comma.join(arguments) + mo(")"))
        return Piece(row(mi(name) + mo(FUNCTION_APPLICATION) + bracket), CALL)

    def array(self, rows: Sequence[Sequence[str]], rank: int) -> Piece | None:
        if not is_set(rows, lambda entry: len(re.sub("<[^>]*>", "", entry))):
            return super().array(rows, rank)
        cells = "".join(f"<mtr>{''.join(f'<mtd>{plain(one)}</mtd>' for one in each)}</mtr>" for each in rows)
        return Piece(row(mo("[") + f"<mtable>{cells}</mtable>" + mo("]")), ATOM)

    def in_list(self, entries: Sequence[str]) -> str:
        return row(mo("[") + self.comma.join(map(row, entries)) + mo("]"))

    def bracket(self, text: str) -> str:
        return row(mo("(") + text + mo(")"))

    def number(self, value: Expr) -> str:
        if value in _NAMED:
            return mi(_NAMED[value])
        if (two := power_of_two(value)) is not None:
            return script("msup", mn("2"), tokens(str(two)))
        mantissa, _, exponent = decimal(value).partition("e")
        sign, digits = (mo(MINUS), mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
        if not exponent:
            return sign + (mn(digits) if digits[:1].isdigit() else mi("∞"))
        power = script("msup", mn("10"), tokens(exponent))
        return sign + (power if digits == "1" else mn(digits) + mo("·") + power)

    def scaled(self, number: str, text: str) -> str:
        return number + (THIN if _WORD_BEGINS.match(text) else mo(INVISIBLE_TIMES)) + text

    def fraction(self, above: Piece, below: Piece) -> tuple[str, int]:
        return quotient(above.text, below.text), POWER

    def root(self, base: Piece) -> Piece:
        return Piece(f"<msqrt>{base.text}</msqrt>", CALL)

    def _base(self, base: Piece) -> str:
        return base.text if base.level >= CALL and not base.text.startswith("<mfrac") else self.bracket(base.text)

    def superscript(self, base: Piece, exponent: Piece, integer: int | None) -> str:
        return script("msup", self._base(base), exponent.text)

    def row(self, text: str) -> str:
        return script("msup", self.bracket(text) if text.startswith("<mfrac") else text, mo("⊤"))

    def outer(self, left: str, right: str) -> str:
        return left + self.matmul + self.row(right)

    def transpose(self, base: Piece, order: tuple[int, ...]) -> str:
        return script("msup", self._base(base), mo("⊤"))

    def inverse(self, base: Piece) -> str:
        return script("msup", self._base(base), mo(MINUS) + mn("1"))

    def inverse_transpose(self, base: Piece) -> str:
        return script("msup", self._base(base), mo(MINUS) + mo("⊤"))

    def pseudo_inverse(self, base: Piece) -> str:
        return script("msup", self._base(base), mo("+"))

    def pseudo_inverse_transpose(self, base: Piece) -> str:
        return script("msup", self._base(base), mo("+") + mo("⊤"))

    def summation(self, base: Piece, expr: Apply, letters: str) -> Piece:
        inner = base.text if base.level > MUL else self.bracket(base.text)
        numbers = f"<mtext>axis {escape(spell_static(expr.parameters['axis']))}</mtext>"
        under = script("munder", mo("∑"), mi(letters) if letters else numbers)
        return Piece((mo("∑") if expr.parameters["axis"] is None else under) + inner, MUL, reaches=True)

    def reduction(self, name: str, base: Piece, letters: str) -> Piece:
        return Piece(script("msub", mi(name), mi(letters)) + mo(FUNCTION_APPLICATION) + self.bracket(base.text), CALL)

    def unit_vector(self, expr: Apply, letter: str) -> Piece:
        return Piece(script("msub", mi(letter.translate(BOLD)), mn(str(expr.parameters["index"][0]))), CALL)

    def index(self, base: str, expr: Apply) -> str:
        return script("msub", base, mo("[") + tokens(index_text(expr.parameters["index"])) + mo("]"))

    def picked(self, base: str, places: Sequence[str]) -> str:
        return script("msub", base, mo("[") + mo(",").join(map(self.place, places)) + mo("]"))

    def expanded(self, base: Piece, expr: Apply) -> Piece:
        return Piece(script("msub", self._base(base), mo("[") + tokens(new_axes(expr)) + mo("]")), CALL)

    def comparison(self, name: str, left: str, right: str) -> Piece:
        sign = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}.get(SIGNS[name], SIGNS[name])
        return Piece(row(mo("[") + left + mo(sign) + right + mo("]")), CALL)

    def call(self, name: str, operands: list[Piece | None], expr: Apply, exact: bool = False) -> Piece:
        given = ["" if o is None else o.text for o in operands]
        template = OPS[name].text if name in OPS and is_plain(expr) else None
        if template is not None:
            return Piece(row(self._filled(template, given)), CALL)
        return self.named_call(name, self.arguments(operands, expr, exact))

    def arguments(self, operands: list[Piece | None], expr: Apply, exact: bool = False) -> list[str]:
        given = ["" if o is None else o.text for o in operands]
        marks = [None if o is None else f"{{{i}}}" for i, o in enumerate(operands)]
        return [self._filled(part, given) for part in written_arguments(marks, expr, exact)]

    @staticmethod
    def _filled(template: str, given: list[str]) -> str:
        """A template with the operands' elements in their places."""
        parts = re.split(r"\{(\d)\}", template)
        return "".join(given[int(part)] if odd % 2 else tokens(part) for odd, part in enumerate(parts))


NOTATION = Mathml()
