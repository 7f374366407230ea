r"""LaTeX mathematics: juxtaposition for products of matrices, \odot for elementwise ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from sympy import E, Expr, S

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.subscripts import index_text
from backprop_cli.formulas.algebra.expr import Apply, Delta
from backprop_cli.formulas.marks import plain
from backprop_cli.formulas.notation.arguments import (
    decimal,
    is_plain,
    new_axes,
    power_of_two,
    spell_static,
    written_arguments,
)
from backprop_cli.formulas.notation.latex_words import escaped, figure, latex_name, latex_text, typewriter
from backprop_cli.formulas.notation.piece import ATOM, CALL, MUL, POWER, Piece
from backprop_cli.formulas.notation.text import Notation, is_set, together
from backprop_cli.language.names import is_word
from backprop_cli.records import dataclass

TALL = (r"\frac", r"\sum", r"\left")
"""What brackets are to grow around."""
_OVER = {"Σ": r"\sum", "Π": r"\prod", "max": r"\max", "min": r"\min"}
_PLACES = {"⌊": r"\lfloor ", "⌋": r" \rfloor ", " mod ": r" \bmod ", "·": r" \cdot "}
_NAMED = {S.Pi: r"\pi", E: "e", S.Infinity: r"\infty", S.NegativeInfinity: r"-\infty"}
_SYMBOLS = {"inf": r"\infty"}
_GROWING = re.compile(r"\(((?:\{\d\}(?:, )?)+)\)")


_WORD_ENDS = re.compile(r"\\mathrm\{(?:[^{}]|\\[{}])*\}(?:\^\\top|_\{\w+\})?$")


@dataclass(frozen=True)
class Latex(Notation):
    """LaTeX mathematics: juxtaposition for products of matrices, ⊙ for elementwise ones."""

    matmul: str = r" "
    gradient_level: int = POWER
    gradients_apart: bool = True
    beside: str = r" \, "
    by: str = r" \cdot "
    side: str = r" \, "
    hadamard: str = r" \odot "
    over_bar: str = ""
    stacks: bool = True
    correlation: str = r" \star "
    convolution: str = r" \ast "
    signs_of_functions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "exp": ("e",), "sigmoid": ("σ", "sigma"), "logsigmoid": ("σ", "sigma"), "digamma": ("ψ", "psi"),
        "lgamma": ("Γ", "Gamma"), "log_ndtr": ("Φ", "Phi"),
    }  # fmt: skip

    def chained(self, factors: Sequence[str]) -> str:
        """Two words side by side stand apart."""
        text, *rest = factors
        for factor in rest:
            apart = _WORD_ENDS.search(text) and factor.startswith(r"\mathrm{")
            text += self.matmul + (r"\, " if apart else "") + factor
        return text

    def holds_fraction(self, text: str) -> bool:
        """One that is not in an exponent or an index."""
        depth = 0
        for position, sign in enumerate(text):
            depth += (sign == "{") - (sign == "}")
            if depth == 0 and text.startswith(r"\frac", position):
                return True
        return False

    def name(self, name: str) -> str:
        return rf"\mathrm{{{escaped(name)}}}" if name in self.alike else latex_name(name)

    def gradient(self, output: str, name: str) -> str:
        return rf"\frac{{\partial {self.differentiated(output)}}}{{\partial {self.differentiated(name)}}}"

    def derivative(self, top: str, *below: str) -> str:
        order = "^2" if len(below) > 1 else ""
        return rf"\frac{{\partial{order} {top}}}{{\partial " + r" \, \partial ".join(below) + "}"

    def twice(self, top: str, below: str) -> str:
        return rf"\frac{{\partial^2 {top}}}{{\partial {below}^2}}"

    def differentiated(self, output: str) -> str:
        """A name, an entry of a node, or any other expression in brackets."""
        if is_word(output):
            return self.name(output)
        entry = re.fullmatch(r"(\w+)\[([^\[\]]*)\]", output)
        if entry:
            return rf"{{{self.name(entry[1])}}}_{{[{latex_text(entry[2])}]}}"
        return rf"\left({typewriter(output)}\right)"

    def delta(self, symbol: Delta) -> str:
        number = f", {symbol.number}" if symbol.number else ""
        return rf"\delta_{{{self.name(symbol.owner).rstrip()}{number}}}{chr(39) * len(symbol.mark)}"

    def tangent(self, node: str, name: str) -> str:
        return rf"\dot{{{self.name(node)}}}"

    def entry(self, base: str, letters: list[str], alone: bool = False) -> str:
        if not alone and "_" in base:
            return rf"{{{base}}}_{{[{','.join(letters)}]}}"
        return rf"{base.rstrip()}_{{{together(letters)}}}"

    def sum_over(self, letters: list[str], inner: str) -> str:
        return rf"\sum_{{{','.join(letters)}}} {inner}"

    def label(self, name: str) -> str:
        return self.differentiated(name).rstrip()

    def said(self, words: str) -> str:
        return rf"\text{{{latex_text(words)}}}"

    def figure(self, text: str) -> str:
        return figure(text)

    def at(self, base: str, letters: Sequence[str]) -> str:
        inner = base if re.fullmatch(r"\w|\\[a-z]+ ?", base) else rf"\left[{base}\right]"
        return f"{inner.rstrip()}_{{{','.join(map(self.place, letters))}}}"

    def place(self, index: str) -> str:
        for sign, command in _PLACES.items():
            index = index.replace(sign, command)
        return index

    def gradient_at(self, output: str, name: str, letters: Sequence[str]) -> str:
        below = self.at(self.differentiated(name), letters)
        return rf"\frac{{\partial {self.differentiated(output)}}}{{\partial {below}}}"

    def over(self, letters: Sequence[str], sign: str = "Σ") -> str:
        return rf"{_OVER[sign]}_{{{','.join(letters)}}} "

    def iverson(self, left: str, right: str) -> str:
        return rf"\left[{self.place(left)} = {self.place(right)}\right]"

    def between(self, low: str, middle: str, high: str) -> str:
        return rf"\left[{low} \le {middle} < {high}\right]"

    def with_given(self, sign: str, given: Sequence[tuple[str, str]]) -> str:
        said = ",".join(f"{name}={latex_text(value)}" for name, value in given)
        return f"{sign.rstrip()}_{{{said}}} " if given else sign

    def keyword(self, name: str, value: str) -> str:
        return self.static(f"{name}={value}")

    def literal(self, text: str) -> str:
        return typewriter(text)

    def total(self, base: Piece) -> Piece:
        return Piece(rf"\sum {base.text if base.level > MUL else self.bracket(base.text)}", MUL)

    def named_call(self, name: str, arguments: list[str]) -> Piece:
        return Piece(rf"\operatorname{{{latex_text(name)}}}\left({self.comma.join(arguments)}\right)", CALL)

    def array(self, rows: Sequence[Sequence[str]], rank: int) -> Piece | None:
        if not is_set(rows):
            return super().array(rows, rank)
        cells = r" \\ ".join(" & ".join(map(plain, row)) for row in rows)
        return Piece(rf"\begin{{bmatrix}} {cells} \end{{bmatrix}}", ATOM)  # no line ends inside a matrix

    def bracket(self, text: str) -> str:
        return rf"\left({text}\right)"

    def number(self, value: Expr) -> str:
        if value in _NAMED:
            return _NAMED[value]
        if (power := power_of_two(value)) is not None:
            return rf"2^{{{power}}}"
        text = decimal(value)
        mantissa, _, exponent = text.partition("e")
        if not exponent:
            return text
        return rf"10^{{{exponent}}}" if mantissa == "1" else rf"{mantissa} \cdot 10^{{{exponent}}}"

    def scaled(self, number: str, text: str) -> str:
        between = r" \cdot " if text[:1].isdigit() else r" \, " if text.startswith(r"\mathrm{") else " "
        return number + between + text

    def fraction(self, above: Piece, below: Piece) -> tuple[str, int]:
        return rf"\frac{{{above.text}}}{{{below.text}}}", POWER

    def root(self, base: Piece) -> Piece:
        return Piece(rf"\sqrt{{{base.text}}}", CALL)

    def _base(self, base: Piece) -> str:
        return base.text if base.level >= CALL and not base.text.startswith(r"\frac") else self.bracket(base.text)

    def superscript(self, base: Piece, exponent: Piece, integer: int | None) -> str:
        return rf"{self._braced(self._base(base))}^{{{exponent.text}}}"

    def _braced(self, text: str) -> str:
        return f"{{{text}}}" if "^" in text else text

    def row(self, text: str) -> str:
        inner = self.bracket(text) if text.startswith(r"\frac") else text
        return rf"{self._braced(inner)}^\top"

    def outer(self, left: str, right: str) -> str:
        return left + self.matmul + self.row(right)

    def transpose(self, base: Piece, order: tuple[int, ...]) -> str:
        return rf"{self._braced(self._base(base))}^\top"

    def inverse(self, base: Piece) -> str:
        return rf"{self._braced(self._base(base))}^{{-1}}"

    def inverse_transpose(self, base: Piece) -> str:
        return rf"{self._braced(self._base(base))}^{{-\top}}"

    def summation(self, base: Piece, expr: Apply, letters: str) -> Piece:
        inner = base.text if base.level > MUL else self.bracket(base.text)
        numbers = latex_text(spell_static(expr.parameters["axis"]))
        under = f"_{{{letters}}}" if letters else rf"_{{\mathrm{{axis}}\,{numbers}}}"
        return Piece(rf"\sum{'' if expr.parameters['axis'] is None else under} {inner}", MUL, reaches=True)

    def reduction(self, name: str, base: Piece, letters: str) -> Piece:
        return Piece(rf"\operatorname{{{latex_text(name)}}}_{{{letters}}}{self.bracket(base.text)}", CALL)

    def pseudo_inverse(self, base: Piece) -> str:
        return rf"{self._braced(self._base(base))}^{{+}}"

    def pseudo_inverse_transpose(self, base: Piece) -> str:
        return rf"{self._braced(self._base(base))}^{{+\top}}"

    def unit_vector(self, expr: Apply, letter: str) -> Piece:
        return Piece(rf"\mathbf{{{letter}}}_{{{expr.parameters['index'][0]}}}", CALL)

    def index(self, base: str, expr: Apply) -> str:
        return rf"{{{base}}}_{{[{latex_text(index_text(expr.parameters['index']))}]}}"

    def picked(self, base: str, places: Sequence[str]) -> str:
        return rf"{{{base}}}_{{[{', '.join(places)}]}}"

    def expanded(self, base: Piece, expr: Apply) -> Piece:
        return Piece(rf"{{{self._base(base)}}}_{{[{new_axes(expr)}]}}", CALL)

    def comparison(self, name: str, left: str, right: str) -> Piece:
        sign = {
            "greater": ">",
            "greater_equal": r"\ge",
            "less": "<",
            "less_equal": r"\le",
            "equal": "=",
            "not_equal": r"\ne",
        }[name]
        return Piece(rf"\left[{left} {sign} {right}\right]", CALL)

    def call(self, name: str, operands: list[Piece | None], expr: Apply, exact: bool = False) -> Piece:
        if name == "ones":
            return Piece(
                r"\mathbf{1}_{" + r" \times ".join(latex_text(spell_static(s)) for s in expr.shape) + "}", CALL
            )
        template = OPS[name].latex if name in OPS and is_plain(expr) else None
        if template is not None:
            given = [o.text for o in operands if o is not None]
            if any(tall in text for text in given for tall in TALL):
                template = _GROWING.sub(r"\\left(\1\\right)", template)
            bare = template.endswith(" {0}")
            texts = ["" if o is None else self.bracket(o.text) if bare and o.level < CALL else o.text for o in operands]
            return Piece(template.format(*texts), MUL, reaches=True) if bare else Piece(template.format(*texts), CALL)
        return self.named_call(name, self.arguments(operands, expr, exact))

    def arguments(self, operands: list[Piece | None], expr: Apply, exact: bool = False) -> list[str]:
        # numbered marks stand for the operands while the rest is typeset
        parts = written_arguments([None if o is None else f"\0{i}\0" for i, o in enumerate(operands)], expr, exact)
        given = ["" if o is None else o.text for o in operands]
        return [self.argument(part, given) for part in parts]

    def argument(self, part: str, given: Sequence[str]) -> str:
        """An argument of a call: operands as formulas, the rest as it is written."""
        pieces = re.split("\0(\\d+)\0", part)
        return "".join(given[int(one)] if odd % 2 else self.static(one) for odd, one in enumerate(pieces))

    def static(self, text: str) -> str:
        """A number as it is; a keyword and what else is said by words, upright."""
        words = (re.sub(r"[^\W\d]\w+", lambda m: _SYMBOLS.get(m[0]) or typewriter(m[0]), part)
                 for part in text.split(", "))  # fmt: skip
        return self.comma.join(word if "\\texttt" in word else latex_text(word) for word in words)


NOTATION = Latex()
