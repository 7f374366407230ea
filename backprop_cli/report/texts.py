"""What every LaTeX document needs: prose in which nothing is a command, values, lines that are aligned and fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any
from unicodedata import normalize

from backprop_cli.formulas.marks import plain
from backprop_cli.records import dataclass
from backprop_cli.report.arrays import COLUMNS, GAP, cells, count, one_line, summary
from backprop_cli.report.mathlines import CONTINUED, fitted, points
from backprop_cli.report.plain import safe, to_ascii
from backprop_cli.report.texwidths import width
from backprop_cli.report.view import View

# ── prose ────────────────────────────────────────────────────────────────────────────────────────

_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
            ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"}  # fmt: skip
_SIGNS = {
    "δ": r"\delta", "σ": r"\sigma", "∂": r"\partial", "⊙": r"\odot", "·": r"\cdot", "×": r"\times", "↦": r"\mapsto",
    "Σ": r"\Sigma", "Π": r"\Pi", "∗": r"\ast", "√": r"\surd", "⋆": r"\star", "→": r"\to", "≥": r"\ge", "≤": r"\le",
    "≠": r"\ne", "∞": r"\infty", "−": "-",
}  # fmt: skip
_RAISED = {"ᵀ": r"\top ", "⁻": "-", "⁺": "+", "ⁿ": "n", **{c: str(i) for i, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}}
_BIG = {"Σ": r"\sum", "Π": r"\prod"}
_RUN = re.compile(rf"(?P<sign>[ΣΠ])_(?P<over>[a-z]+)|(?P<raised>[{''.join(_RAISED)}]+)|[{''.join(_SIGNS)}]")


_ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0307": ".", "\u0308": '"',
            "\u0306": "u", "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c"}  # fmt: skip
LONG_WORD = r"(?:[A-Za-z0-9]|\\_){25,}"


def prose(text: str) -> str:
    """User text in which nothing is a command, in ASCII: which letters a document's fonts have is not known here.

    An accent is set by its command; a long word may be broken after an underscore.
    """
    line = " ".join(safe(line) for line in text.splitlines())
    shown = "".join("".join(map(_accented, run)) if accented else _escaped(to_ascii("".join(run)))
                    for accented, run in groupby(line, _is_accented))  # fmt: skip
    return re.sub(LONG_WORD, lambda word: word[0].replace(r"\_", r"\_\allowbreak{}"), shown)


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(c) or (f"\\{c}" if c in "#$%&_{}" else c) for c in text)


def _is_accented(char: str) -> bool:
    base, *marks = list(normalize("NFD", char))
    return len(marks) == 1 and marks[0] in _ACCENTS and base.isascii()


def _accented(char: str) -> str:
    base, mark = list(normalize("NFD", char))
    return rf"\{_ACCENTS[mark]}{{{base}}}"


def sentence(text: str) -> str:
    """A sentence of the program's own, whose signs are mathematics."""
    done, parts = 0, []
    for found in _RUN.finditer(text):
        parts += [prose(text[done : found.start()]), f"${_signs(found)}$"]
        done = found.end()
    return "".join([*parts, prose(text[done:])])


def to_know(meanings: Iterable[str]) -> str:
    """What signs mean, as a paragraph."""
    said = "; ".join(map(sentence, meanings))
    return rf"\noindent To know: {said}." if said else ""


def _signs(found: re.Match[str]) -> str:
    if found["over"]:
        return rf"{_BIG[found['sign']]}_{{{found['over']}}}"
    return f"^{{{''.join(_RAISED[c] for c in found[0])}}}" if found["raised"] else _SIGNS[found[0]]


DOCUMENT = r"""\documentclass{article}
\usepackage{amsmath}
\allowdisplaybreaks
\emergencystretch=3em
\begin{document}
%s\end{document}
"""


def document(body: str, view: View) -> str:
    """The body, as a whole document where that is asked for."""
    return DOCUMENT % body if view.standalone else body


# ── equations ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Row:
    """An equation: `left` is empty where it goes on under the one before; a value instead of a formula on its right."""

    left: str
    right: str | None
    remark: str = ""
    sign: str = "="
    value: Any = None
    said: str = ""  # words in place of a formula


SIGN, GUTTER, AROUND = 18.0, 12.0, 4.0
HANGS, LEAST = 0.4, 120.0
"""A left side that takes more than this share of the page, or leaves fewer points, stands above its right side."""


def aligned(rows: Sequence[Row], view: View, environment: str = "align*") -> str:
    """Equations under each other, none wider than the page.

    Where a left side takes too much of it, each has its right side below.
    """
    if not rows:
        return ""
    remarks = max(width(_remark(row)) for row in rows)
    left, page = max(width(row.left) for row in rows), points(view.width)
    room = page - SIGN - AROUND - (remarks + GUTTER if remarks else 0.0)
    hangs = left > max(HANGS * page, page - LEAST - (page - room))
    lines = [line for row in rows for line in _lines(row, room - (CONTINUED if hangs else left), hangs, view)]
    return f"\\begin{{{environment}}}\n" + " \\\\\n".join(lines) + f"\n\\end{{{environment}}}"


def _lines(row: Row, room: float, hangs: bool, view: View) -> Iterable[str]:
    if row.said:
        yield rf" &\quad \text{{by {sentence(row.said)}}}"
        return
    first, *rest = fitted(row.right, room) if row.right is not None else [matrix(row.value, view, room)]
    remark = f" && {_remark(row)}" if row.remark else ""
    left = plain(row.left)
    if not hangs:
        yield f"{left} &{row.sign} {first}{remark}"
    else:
        yield from [f" & {left}{remark}"] if left else []
        yield rf" &\quad {row.sign} {first}" + ("" if left else remark)
    yield from (f" &{line}" for line in rest)


def _remark(row: Row) -> str:
    return rf"\text{{{prose(row.remark)}}}" if row.remark else ""


# ── values ───────────────────────────────────────────────────────────────────────────────────────

MATRIX = r"\begin{bmatrix} %s \end{bmatrix}"
BETWEEN, ENDS = 10.0, 12.0


def matrix(value: Any, view: View, room: float) -> str:
    """A number, a column of numbers, or a matrix, its middle left out where it is too wide; any more axes in words."""
    if not value.size:
        return r"\text{(empty)}"
    if value.ndim > 2:
        return _in_words(value, view, room)
    if value.ndim == 0:
        return figure(cells(value, view.digits))
    size = rf" \quad \text{{({' by '.join(map(str, value.shape))})}}"
    if value.ndim == 1:
        column = [r"\vdots" if cell == GAP else figure(cell) for cell in cells(value, view.digits)]
        return MATRIX % r" \\ ".join(column) + (size if r"\vdots" in column else "")
    for columns in (None, *COLUMNS):
        rows = _rows(cells(value, view.digits, GAP, columns))
        more = size if any(cell in {r"\vdots", r"\cdots"} for row in rows for cell in row) else ""
        if _wide(rows) + width(more) <= room:
            break
    more = more if _wide(rows) + width(more) <= room else ""
    return MATRIX % r" \\ ".join(" & ".join(row) for row in rows) + more


def _in_words(value: Any, view: View, room: float) -> str:
    whole = one_line(value, view.digits)
    short = f"{count(value.shape)}: {summary(value, view.digits)}"
    for one in (whole, short):
        if GAP not in one and width(text := rf"\text{{{prose(one)}}}") <= room:
            return text
    head, _, numbers = short.partition(": ")
    said = [f"{head}:", *numbers.split(", ")]
    return r"\begin{array}[t]{@{}l@{}} " + r" \\ ".join(rf"\text{{{prose(one)}}}" for one in said) + r" \end{array}"


def _rows(shown: Sequence[Any]) -> list[list[str]]:
    columns = len(next(row for row in shown if isinstance(row, list)))
    return [[r"\vdots"] * columns if row == GAP else [figure(cell) for cell in row] for row in shown]


def _wide(rows: Sequence[Sequence[str]]) -> float:
    columns = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return sum(columns) + BETWEEN * (len(columns) - 1) + ENDS


def figure(text: str) -> str:
    """A rounded number, or what stands for those left out."""
    from backprop_cli.formulas.notation import LATEX

    return r"\cdots" if text == GAP else LATEX.figure(text)
