"""Answers in a table of commas, semicolons or tabs, as spreadsheets write it."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from backprop_cli.errors import SpecError
from backprop_cli.language.decode import decode
from backprop_cli.language.source import Text
from backprop_cli.tasks.grading.pages import STUDENT, Line, Page, is_item, open_brackets

HEADERS = {"item": "item", "node": "item", "question": "item", "answer": "answer", "value": "answer",
           "gradient": "answer", **dict.fromkeys(STUDENT, "student")}  # fmt: skip
"""What a column is called, and what it holds."""


def csv_page(data: bytes, file: str, nodes: Collection[str]) -> Page:
    """Columns 'item' and 'answer' (and 'student'), by a header or in this order."""
    source = decode(data, file)
    page, columns = Page(), {"item": 0, "answer": 1}
    delimiter = _delimiter(source.lines[:_LOOKED_AT], nodes)
    reader = csv.reader(io.StringIO(source.text), delimiter=delimiter)
    before = 0
    try:
        for row in reader:
            line, before = before + 1, reader.line_num
            start = source.starts[min(line, len(source.starts)) - 1]
            at = Text("".join(row), source, start, start + 1, "generated")
            header = {HEADERS[cell.strip().casefold()]: i for i, cell in enumerate(row)
                      if cell.strip().casefold() in HEADERS and cell.strip() not in nodes}  # fmt: skip
            if {"item", "answer"} <= header.keys():
                columns = header
            elif len(row) > max(columns["item"], columns["answer"]):
                _row(page, _rejoined(row, delimiter), columns, at)
    except csv.Error as caught:
        raise SpecError("E003", f"the table cannot be read: {caught}", at=source.place(1, 1)) from None
    return page


_LOOKED_AT: Final = 100
"""Lines by which it is seen what stands between the columns."""


def _delimiter(lines: Sequence[str], nodes: Collection[str]) -> str:
    """What stands between the columns: where the comma is a decimal one, spreadsheets write semicolons."""

    def known(delimiter: str) -> int:
        cells = (line.split(delimiter)[0].strip().strip('"\'') for line in lines if delimiter in line)
        return sum(cell.casefold() in HEADERS or is_item(cell, nodes) for cell in cells)

    return max((",", ";", "\t"), key=known)


def _rejoined(row: list[str], delimiter: str) -> list[str]:
    """The cells, with those put together again that a bracket holds: `[[1,2],[3,4]]` without quotes."""
    found: list[str] = []
    depth = 0
    for cell in row:
        if depth > 0:
            found[-1] += delimiter + cell
        else:
            found.append(cell)
        depth = max(0, depth + open_brackets(cell))
    return found


def _row(page: Page, row: list[str], columns: Mapping[str, int], at: Text) -> None:
    name = row[columns["item"]].strip()
    if name.casefold() in STUDENT:
        page.student = row[columns["answer"]].strip() or None
    elif name:
        page.lines.append(Line(name, at.standing_for(row[columns["answer"]].strip()), at))
    if "student" in columns and columns["student"] < len(row):
        page.student = page.student or row[columns["student"]].strip() or None
