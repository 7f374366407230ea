"""A question sheet as text, Markdown, LaTeX, HTML, and as the file of answers to fill in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_cli.formulas.marks import of_source
from backprop_cli.language.writer import number, quoted
from backprop_cli.records import dataclass
from backprop_cli.report.arrays import laid_out
from backprop_cli.report.fitting import Array, Row, fitted
from backprop_cli.report.plain import safe
from backprop_cli.report.view import READING, View

if TYPE_CHECKING:
    from backprop_cli.tasks.grading.questions import Question, Worksheet

STYLE = """:root{color-scheme:light dark}body{background:Canvas;color:CanvasText}
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}pre{white-space:pre-wrap}pre,td{overflow-wrap:anywhere}
td,th{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #8888}
code{font-family:ui-monospace,monospace}"""
BLANK = "_" * 24
ASK = "Work out by hand, forward and back; write numbers with four digits, or formulas."
DIGITS = 6
"""More than that nobody copies, and no answer needs."""


def given(value: Any) -> str:
    """A number that is given: as it is where it is short, as a drawn one is."""
    return number(float(f"{value:.{DIGITS}g}"))


def listed(value: Any) -> str:
    """An array as a list of lists."""
    if np.ndim(value) == 0:
        return given(value)
    return f"[{', '.join(listed(one) for one in value)}]"


@dataclass(frozen=True, slots=True)
class Whole(Array):
    """An array that is given: all of it."""

    value: Any
    digits: int = 0

    def lines(self, room: int | None) -> list[str]:
        """Rows of numbers under each other."""
        return laid_out(_each(self.value), np.ndim(self.value), room)


def _each(value: Any) -> Any:
    return given(value) if np.ndim(value) == 0 else [_each(one) for one in value]


def asked(question: Question, output: str) -> str:
    """What is asked for, in a few signs."""
    item = question.item
    if item.is_further:
        return item.name
    return f"∂{output}/∂{item.node}" if item.what == "gradient" else item.node


def _shape(question: Question) -> str:
    return f" {str(question.shape).replace(',)', ')')}" if question.shape else ""


def _worth(question: Question) -> str:
    return f"{question.points:g} point{'' if question.points == 1 else 's'}"


def _head(sheet: Worksheet) -> list[str]:
    about = [sheet.student or "", f"sheet {sheet.seed}" if sheet.seed is not None else ""]
    return [safe(one) for one in about if one]


def _given(sheet: Worksheet, indent: str = "") -> Iterator[Row]:
    return (Row(f"{indent}{name}", Whole(value)) for name, value in sheet.given)


def _network(sheet: Worksheet, indent: str = "") -> Iterator[Row]:
    return (Row(f"{indent}{name}", of_source(expression)) for name, expression in sheet.network)


def text(sheet: Worksheet, view: View = READING) -> str:
    """For a terminal or a plain mail."""
    rows: list[Row | str] = [safe(sheet.title), *_head(sheet), ""]
    rows += [safe(sheet.description), ""] if sheet.description else []
    rows += ["Given", *_given(sheet, "  "), "", "Network", *_network(sheet, "  ")]
    rows += ["", ASK, ""]
    names = [asked(one, sheet.output) for one in sheet.questions]
    width = max(map(len, names), default=0)
    rows += [Row(f"  {name.ljust(width)}", BLANK, remark=f"({_worth(one)}{',' + _shape(one) if one.shape else ''})")
             for name, one in zip(names, sheet.questions, strict=True)]  # fmt: skip
    return "\n".join(fitted(rows, view.width)) + "\n"


def markdown(sheet: Worksheet, view: View = READING) -> str:
    """For a page; its table is a file of answers that `grade` reads."""
    lines = [f"# {_plain(sheet.title)}", "", *(f"student: {_plain(sheet.student)}\n" for _ in [0] if sheet.student)]
    lines += [f"seed: {sheet.seed}", ""] if sheet.seed is not None else []
    lines += [_plain(sheet.description), ""] if sheet.description else []
    lines += ["## Given", "", "```", *fitted(_given(sheet), view.width), "```"]
    lines += ["", "## Network", "", "```", *fitted(_network(sheet), view.width), "```"]
    lines += ["", "## Answers", "", ASK, "", "| item | answer | shape | points |", "| --- | --- | --- | --- |"]
    lines += [f"| {one.item.name} |  | {_shape(one).strip() or 'a number'} | {one.points:g} |"
              for one in sheet.questions]  # fmt: skip
    return "\n".join(lines) + "\n"


def _plain(line: str) -> str:
    return "".join(f"\\{sign}" if sign in "\\`*_<>[]|#" else sign for sign in " ".join(safe(line).split()))


def html(sheet: Worksheet, view: View = READING) -> str:
    """A page of its own."""
    given, network = (escape("\n".join(fitted(rows(sheet), view.width))) for rows in (_given, _network))
    rows = "\n".join(f"<tr><td><code>{escape(asked(one, sheet.output))}</code>{escape(_shape(one))}</td>"
                     f'<td style="width:60%"></td><td>{one.points:g}</td></tr>' for one in sheet.questions)  # fmt: skip
    title = escape(safe(sheet.title))
    about = "".join(f"<p>{escape(line)}</p>" for line in [*_head(sheet), *([sheet.description or ""][:1])] if line)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>\n<style>{STYLE}</style>'
        f"</head>\n<body><main>\n<h1>{title}</h1>\n{about}\n<h2>Given</h2>\n<pre>{given}</pre>\n<h2>Network</h2>\n"
        f"<pre>{network}</pre>\n<h2>Answers</h2>\n<p>{ASK}</p>\n<table>\n<tr><th>Item</th><th>Answer</th>"
        f"<th>Points</th></tr>\n{rows}\n</table>\n</main></body></html>\n"
    )


_LATEX = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
          **{sign: f"\\{sign}" for sign in "_#%&$"}}  # fmt: skip


def _escaped(line: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in safe(line))


def _given_latex(sheet: Worksheet) -> Iterator[str]:
    """Each array as mathematics; of one with more axes each of its matrices, and what is no page wide as a list."""
    for name, value in sheet.given:
        array = np.asarray(value)
        for at in np.ndindex(*array.shape[:-2]):
            place = f"[{', '.join(map(str, at))}]" if at else ""
            label = rf"\texttt{{{_escaped(name + place)}}}"
            shown = _matrix(array[at])
            yield f"${label} = {shown}$" if shown else rf"{label} = \texttt{{{_escaped(listed(array[at]))}}}"


MOST_ROWS, MOST_COLUMNS = 20, 10
"""The largest matrix that stands on a page; amsmath takes no more columns."""
PAGE, DIGIT, BETWEEN = 440.0, 6.0, 12.0
"""Points."""


def _matrix(value: Any) -> str:
    """A number, a column or a matrix; nothing where it is too large for a page."""
    if np.ndim(value) == 0:
        return given(value)
    rows = [[given(one) for one in np.atleast_1d(row)] for row in value]
    columns = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if len(rows) > MOST_ROWS or len(columns) > MOST_COLUMNS or sum(DIGIT * n + BETWEEN for n in columns) > PAGE:
        return ""
    body = r" \\ ".join(map(" & ".join, rows))
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def latex(sheet: Worksheet, view: View = READING) -> str:
    """A document that compiles as it stands."""
    about = r" \hfill ".join(map(_escaped, _head(sheet)))
    given = "\n".join(rf"\item {one}" for one in _given_latex(sheet))
    network = "\n".join(rf"\item \texttt{{{_escaped(f'{name} = {expression}')}}}" for name, expression in sheet.network)
    items = "\n".join(rf"\item {_asked_latex(one, sheet.output)}{_escaped(_shape(one))} $=$ \hrulefill\ ({_worth(one)})"
                      for one in sheet.questions)  # fmt: skip
    return (
        "\\documentclass[11pt]{article}\n\\usepackage[utf8]{inputenc}\n\\usepackage[margin=2.5cm]{geometry}\n"
        "\\usepackage{amsmath}\n\\begin{document}\n\\raggedright\n"
        f"\\section*{{{_escaped(sheet.title)}}}\n{about}\n\n{_escaped(sheet.description or '')}\n"
        f"\\subsection*{{Given}}\n\\begin{{itemize}}\n{given}\n\\end{{itemize}}\n"
        f"\\subsection*{{Network}}\n\\begin{{itemize}}\n{network}\n\\end{{itemize}}\n"
        f"\\subsection*{{Answers}}\n{ASK}\n\\begin{{enumerate}}\n{items}\n\\end{{enumerate}}\n\\end{{document}}\n"
    )


def _asked_latex(question: Question, output: str) -> str:
    if question.item.what != "gradient":
        return rf"\texttt{{{_escaped(question.item.name)}}}"
    name = rf"\texttt{{{_escaped(question.item.node)}}}"
    return rf"$\partial\,\texttt{{{_escaped(output)}}} / \partial\,$" + name


def answers(sheet: Worksheet, view: View = READING) -> str:
    """The file of answers to fill in; `grade` takes the numbers of its seed."""
    lines = [f"# {' '.join(safe(sheet.title).split())}", f"student: {quoted(sheet.student) if sheet.student else ''}"]
    lines += [f"seed: {sheet.seed}"] if sheet.seed is not None else []
    lines += ["answers:", *(f"  {one.item.name}:" for one in sheet.questions)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


RENDERERS: Mapping[str, Callable[[Worksheet, View], str]] = {
    "text": text, "markdown": markdown, "latex": latex, "html": html, "answers": answers,
}  # fmt: skip
SUFFIXES = {"text": ".txt", "markdown": ".md", "latex": ".tex", "html": ".html", "answers": ".yaml"}
