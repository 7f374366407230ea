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

HEADERS = {
    **dict.fromkeys(("item", "node", "question", "problem", "exercise", "task", "part", "quantity"), "item"),
    **dict.fromkeys(("answer", "value", "gradient", "response", "solution", "result", "formula", "your answer",
                     "my answer"), "answer"), **dict.fromkeys(STUDENT, "student")}  # fmt: skip
"""What a column is called, and what it holds."""


def csv_page(data: bytes, file: str, nodes: Collection[str]) -> Page:
    """Columns 'item' and 'answer' (and 'student'), by a header or in this order; or a column for each item.

    Raises:
        SpecError: E003 where it is no table, E008 where it has the answers of several students.
    """
    source = decode(data, file)
    delimiter = _delimiter(source.lines[:_LOOKED_AT], nodes)
    reader = csv.reader(io.StringIO(source.text), delimiter=delimiter)
    rows: list[tuple[list[str], Text]] = []
    before = 0
    try:
        for row in reader:
            line, before = before + 1, reader.line_num
            start = source.starts[min(line, len(source.starts)) - 1]
            rows.append((row, Text("".join(row), source, start, start + 1, "generated")))
    except csv.Error as caught:
        raise SpecError("E003", f"the table cannot be read: {caught}", at=source.place(1, 1)) from None
    return _across(rows, nodes) or _down(rows, delimiter, nodes)


def _down(rows: Sequence[tuple[list[str], Text]], delimiter: str, nodes: Collection[str]) -> Page:
    """A row for each item."""
    page, columns = Page(), {"item": 0, "answer": 1}
    for row, at in rows:
        header = {HEADERS[cell.strip().casefold()]: i for i, cell in enumerate(row)
                  if cell.strip().casefold() in HEADERS and cell.strip() not in nodes}  # fmt: skip
        if {"item", "answer"} <= header.keys():
            columns = header
        elif len(row) > max(columns["item"], columns["answer"]):
            _row(page, _rejoined(row, delimiter), columns, at)
    return page


def _across(rows: Sequence[tuple[list[str], Text]], nodes: Collection[str]) -> Page | None:
    """A column for each item, as forms are exported, and a row for the one student; None for any other table."""
    filled = [(row, at) for row, at in rows if any(map(str.strip, row))]
    if len(filled) < 2 or sum(is_item(cell, nodes) for cell in filled[0][0]) < 2:
        return None
    header, answers = filled[0][0], filled[1:]
    if any(is_item(row[0], nodes) for row, _ in answers):
        return None
    if len(answers) > 1:
        raise _several(len(answers), answers[1][1])
    page, (row, at) = Page(found=True), answers[0]
    for name, value in zip(map(str.strip, header), map(str.strip, row), strict=False):
        if name.casefold() in STUDENT and name not in nodes:
            page.student = value or None
        elif is_item(name, nodes):
            page.lines.append(Line(name, at.standing_for(value), at))
        elif name:
            page.further[name] = value
    return page


def _several(count: int, at: Text) -> SpecError:
    return SpecError("E008", f"the table has the answers of {count} students", at=at.place(),
                     hint="write a file for each student, and give them all, or their folder")  # fmt: skip


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
        student = row[columns["student"]].strip()
        if page.student and student not in {"", page.student}:
            raise _several(2, at)
        page.student = page.student or student or None
