"""A sheet as Markdown: a table of equations for each section; what no cell holds is displayed, on lines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from backprop_cli.report.arrays import abridged, one_line, summary
from backprop_cli.report.markdown import code, formula, prose, table
from backprop_cli.report.sheets import Equation, Section, Sheet, Written
from backprop_cli.report.sheets.latex_ import rows
from backprop_cli.report.texts import aligned
from backprop_cli.report.view import View


def render(sheet: Sheet, view: View) -> str:
    """The page."""
    parts = [[f"# {prose(sheet.title, view)}"], [code(sheet.spec, view)] if sheet.spec != sheet.title else []]
    for section in sheet.sections:
        parts += [[f"## {prose(section.heading, view)}"], *_section(section, view)]
    parts += [[f"To know: {'; '.join(prose(one, view) for one in sheet.legend)}."]] if sheet.legend else []
    parts += [[f"> {prose(warning, view)}"] for warning in sheet.warnings]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


LONGEST = 500
"""Characters of a cell: more is no line of a table."""


def _section(section: Section, view: View) -> Iterator[list[str]]:
    for is_long, equations in groupby(section.equations, lambda one: _is_long(one, view)):
        if is_long:
            yield from ([f"$$\n{aligned([*rows(one)], view, 'aligned')}\n$$"] for one in equations)
        else:
            cells = [(_written(one.left, view), _steps(one, view), _value(one, view)) for one in equations]
            yield table(("", "formula", "value"), cells)
    for one in section.tables:
        yield table(tuple(code(cell, view) if cell else "" for cell in one.head),
                    [tuple(code(cell, view) for cell in row) for row in one.rows])  # fmt: skip
    yield from ([prose(note, view)] for note in section.notes)


def _is_long(one: Equation, view: View) -> bool:
    return max(len(_steps(one, view)), len(_value(one, view))) > LONGEST


def _written(one: Written, view: View) -> str:
    """As mathematics, where it is a formula."""
    return formula(one, view) if "latex" in one else code(one["text"], view)


def _steps(one: Equation, view: View) -> str:
    where = f"{code(f'[{one.where}]', view)} " if one.where else ""
    sign = f"{view.plain(one.sign)} " if one.sign != "=" else ""
    return where + sign + "<br>= ".join(_written(step, view) for step in one.steps)


def _value(one: Equation, view: View) -> str:
    if one.value is None:
        return ""
    shown = code(one_line(one.value, view.digits), view)
    return f"{shown} {summary(one.value, view.digits)}" if abridged(one.value) else shown
