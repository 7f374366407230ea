"""A sheet as LaTeX: an align* list for each section."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from backprop_cli.formulas.marks import marked
from backprop_cli.report.mathlines import points
from backprop_cli.report.sheets import Equation, Section, Sheet, Table, Written
from backprop_cli.report.texts import Row, aligned, document, prose, sentence, to_know
from backprop_cli.report.texwidths import width
from backprop_cli.report.view import View

GAP = 12.0
SIGNS = {"←": r"\leftarrow"}
HATS = {f"{letter}\u0302": rf"$\hat{{{letter}}}$" for letter in "mv"}


def render(sheet: Sheet, view: View) -> str:
    """The body, or the whole document."""
    parts = [rf"\section*{{{prose(sheet.title)}}}"]
    for section in sheet.sections:
        parts += [rf"\subsection*{{{sentence(section.heading)}}}", *_section(section, view)]
    parts += [to_know(sheet.legend)]
    parts += [rf"\emph{{{sentence(warning)}}}" for warning in sheet.warnings]
    return document("\n".join(part for part in parts if part) + "\n", view)


def _section(section: Section, view: View) -> Iterator[str]:
    yield aligned([row for one in section.equations for row in rows(one)], view)
    yield from (_tabular(part) for table in section.tables for part in _beside(table, view))
    yield from (sentence(note) + "\n" for note in section.notes)


def rows(one: Equation) -> Iterator[Row]:
    """An equation, a step a line."""
    sign = SIGNS.get(one.sign, one.sign)
    sides = [Row("", _written(step)) for step in one.steps]
    sides += [] if one.value is None else [Row("", None, value=one.value)]
    for position, row in enumerate(sides):
        first = position == 0
        remark = f"entries [{one.where}]" if first and one.where else ""
        yield Row(_written(one.left) if first else "", row.right, remark, sign if first else "=", row.value)


def _written(formula: Written) -> str:
    return marked(formula, "latex") if "latex" in formula else rf"\text{{{sentence(formula['text'])}}}"


def _beside(table: Table, view: View) -> Iterator[Table]:
    """The table, or several of some of its columns each, the first one always, none wider than the page."""
    columns = [*zip(table.head, *table.rows, strict=True)]
    widths = [max(width(rf"\text{{{cell}}}") for cell in column) + GAP for column in columns]
    room, start = points(view.width) - widths[0], 1
    while start < len(columns):
        taken = [*accumulate(widths[start:])]
        end = start + max(1, sum(one <= room for one in taken))
        shown = list(zip(columns[0], *columns[start:end], strict=True))
        yield Table(shown[0], tuple(shown[1:]))
        start = end


def _tabular(table: Table) -> str:
    columns = "r" * len(table.head)
    lines = [" & ".join(HATS.get(cell) or sentence(cell) for cell in row) + r" \\" for row in (table.head, *table.rows)]
    return "\n".join([rf"\begin{{center}}\begin{{tabular}}{{{columns}}}", lines[0], r"\hline", *lines[1:],
                      r"\end{tabular}\end{center}"])  # fmt: skip
