"""A rule's line with the numbers put in, in every notation: `0.4 - 0.5 · 0.082167 = 0.358916`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from backprop_cli.formulas import marks
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.expression import Expression, parse
from backprop_cli.language.source import inline
from backprop_cli.records import dataclass, replace
from backprop_cli.tasks.stepping.printing import (
    BREAKS,
    Notation,
    between_operands,
    latex_notation,
    latex_number,
    mathml_notation,
    mathml_number,
    text_notation,
    with_numbers,
    written,
)


@dataclass(frozen=True, slots=True)
class _Figures:
    """How numbers are set: the notation around them, a number, an array by its rows, and between the two sides."""

    notation: Notation
    number: Callable[[str], str]
    array: Callable[[list[list[str]]], str] | None  # None: as lists in lists
    equal: str

    def shown(self, value: Any, digits: int) -> str:
        """A number, or an array: a vector as a column, one of more than two axes as a list of matrices."""
        value = value.tolist() if hasattr(value, "tolist") else value
        if not isinstance(value, list):
            return self.number(f"{value or 0:.{digits}g}")
        if self.array is not None and not any(isinstance(part, list) for row in _rows(value) for part in row):
            return self.array([[self.shown(part, digits) for part in row] for row in _rows(value)])
        sign, comma = self.notation.sign, self.notation.between(",") + self.notation.gap
        return sign("[") + comma.join(self.shown(part, digits) for part in value) + sign("]")

    def put_in(self, tree: Expression, known: Mapping[str, Any], digits: int) -> str:
        """A formula with numbers for names."""
        return written(tree, replace(self.notation, name=lambda word: self.shown(known[word], digits)))


def _rows(value: list[Any]) -> list[list[Any]]:
    return [row if isinstance(row, list) else [row] for row in value]


def _latex_figure(text: str) -> str:
    found = latex_number(_plain_exponent(text))
    return {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\text{nan}"}.get(found, found)


def _plain_exponent(text: str) -> str:
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else text


def _latex_matrix(rows: list[list[str]]) -> str:
    return r"\begin{bmatrix} " + r" \\ ".join(" & ".join(row) for row in rows) + r" \end{bmatrix}"


def _mathml_matrix(rows: list[list[str]]) -> str:
    cells = "".join(f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in row)}</mtr>" for row in rows)
    return f"<mrow><mo>[</mo><mtable>{cells}</mtable><mo>]</mo></mrow>"


def _latex_sign(sign: str) -> str:
    return BREAKS.get(sign, "") + sign


_FIGURES = {
    "text": _Figures(text_notation(str), str, None, " = "),
    marks.MARKED["latex"]: _Figures(
        replace(latex_notation(str), times=rf" {marks.PRODUCT}\cdot ", between=_latex_sign),
        _latex_figure, _latex_matrix, f" {marks.EQUAL}= "),
    marks.MARKED["mathml"]: _Figures(
        replace(mathml_notation(str), times=between_operands("·")), lambda text: mathml_number(_plain_exponent(text)),
        _mathml_matrix, f'<mo data-break="{marks.PLACES[marks.EQUAL]}">=</mo>'),
}  # fmt: skip


def numbers_in(code: str, values: Mapping[str, Fraction], known: Mapping[str, Any], result: Any,
               digits: int) -> Printed:  # fmt: skip
    """A line with the numbers put in, and what it comes to.

    Args:
        code: the line, in the spec language.
        values: the rule's parameters by name.
        known: a number or an array for each other name.
        result: what the line comes to.
        digits: significant digits.
    """
    tree = with_numbers(parse(inline(code, "<rule>")), values)
    return Printed({name: one.put_in(tree, known, digits) + one.equal + one.shown(result, digits)
                    for name, one in _FIGURES.items()})  # fmt: skip
