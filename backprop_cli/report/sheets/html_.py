"""A sheet as a page for a browser, an equation a step."""

from __future__ import annotations

from collections.abc import Iterator

from backprop_cli.formulas.marks import marked
from backprop_cli.report.lit import value_of
from backprop_cli.report.mathparts import formula
from backprop_cli.report.page import navigation, page, step, text, wide
from backprop_cli.report.sheets import Equation, Sheet, Table, Written
from backprop_cli.report.view import View


def render(sheet: Sheet, view: View) -> str:
    """The whole document."""
    return page(sheet.title, _body(sheet, view))


def _body(sheet: Sheet, view: View) -> Iterator[str]:
    yield f'<header><h1>{text(sheet.title)}</h1><p class="soft">{text(sheet.spec)}</p></header>'
    yield navigation()
    yield "<main>"
    for section in sheet.sections:
        yield f'<section><h2>{text(section.heading)}</h2><ol class="steps">'
        yield from (_equation(one, view) for one in section.equations)
        yield "</ol>"
        yield from map(_table, section.tables)
        yield section.picture
        yield from (f'<p class="soft">{text(note)}</p>' for note in section.notes)
        yield "</section>"
    yield from (f'<p class="soft">notation: {text(one)}</p>' for one in sheet.legend)
    yield from (f'<p class="warning">{text(warning)}</p>' for warning in sheet.warnings)
    yield "</main>"


def _equation(one: Equation, view: View) -> str:
    where = f'<span class="soft">entries [{text(one.where)}]</span>' if one.where else ""
    head = f'<div class="row"><strong>{_written(one.left)}</strong>{where}</div>'
    signs = [one.sign, *["="] * (len(one.steps) - 1)]
    steps = [wide(_written(each, sign)) for sign, each in zip(signs, one.steps, strict=False)]
    value = [] if one.value is None else [value_of(one.value, view)]
    return step("on", None, one.left["text"], [head, *steps, *value])


def _written(one: Written, sign: str = "") -> str:
    """A formula as mathematics, and what is text alone as it stands."""
    if "mathml" in one:
        return formula((f"<mo>{sign}</mo>" if sign else "") + marked(one, "mathml"))
    return f"<code>{sign} {text(one['text'])}</code>" if sign else f"<code>{text(one['text'])}</code>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{text(cell)}</th>" for cell in table.head)
    rows = "".join(f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    return f"<table><tr>{head}</tr>{rows}</table>"
