"""What `grade` found, as text, as a table and as the contract `backprop.grade/1`."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from backprop_cli.report.csv_ import cell
from backprop_cli.report.json_ import compact, pretty
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.tasks.grading.results import Graded, Marked

SCHEMA = "backprop.grade/1"
HEADER = "answers,student,item,form,status,points,of,reason\n"
STYLES = {"right": "good", "wrong": "bad", "missing": "warning", "not readable": "warning"}
NAME = 40


def text(graded: Graded, view: View) -> str:
    """One line an item, then the total."""
    who = [view.paint(view.safe(graded.student), "heading")] if graded.student else []
    lines = [*who, view.paint(view.safe(graded.answers), "faint"), ""]
    names = [view.safe(one.item[:NAME]) for one in graded.items]
    width = max(map(len, names), default=0)
    status = max((len(one.status) for one in graded.items), default=0)
    for name, one in zip(names, graded.items, strict=True):
        mark = view.paint(one.status.ljust(status), STYLES[one.status])
        row = f"  {view.paint(name.ljust(width), 'name')}   {mark}   {_points(one.points)}/{_points(one.of)}"
        lines.append(f"{row}   {view.safe(one.reason)}".rstrip())
    total = f"{_points(graded.points)} of {_points(graded.of)} points"
    return "\n".join([*lines, "", view.paint(total, "good" if graded.ok else "bad")]) + "\n"


def _points(value: float) -> str:
    return f"{value:g}"


def document(graded: Graded, view: View) -> dict[str, Any]:
    """A file's marks as plain data."""
    return {
        "schema": SCHEMA, "key": graded.key, "answers": graded.answers, "student": graded.student, "ok": graded.ok,
        "points": graded.points, "of": graded.of, "items": [_item(one, view) for one in graded.items],
    }  # fmt: skip


def _item(one: Marked, view: View) -> dict[str, Any]:
    entry = None if one.index is None else {
        "index": list(one.index), "answer": _number(one.answer, view), "key": _number(one.expected, view)}  # fmt: skip
    return {"item": one.item, "node": one.node, "what": one.what, "form": one.form, "status": one.status,
            "points": one.points, "of": one.of, "reason": one.reason or None, "entry": entry}  # fmt: skip


def _number(value: float | None, view: View) -> Any:
    """A number as strict JSON has it: what is not finite as text."""
    if value is None or value - value != 0:
        return None if value is None else repr(value)
    return value if view.precision is None else float(f"{value:.{view.precision}g}")


def json(graded: Graded, view: View) -> str:
    """One object over several lines."""
    return pretty(document(graded, view), view) + "\n"


def ndjson(graded: Graded, view: View) -> str:
    """One object on one line."""
    return compact(document(graded, view), view) + "\n"


def table(graded: Graded, view: View) -> str:
    """One line an item; the header comes once, before the first file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    start = [cell(graded.answers), cell(graded.student or "")]
    for one in graded.items:
        writer.writerow([*start, cell(one.item), one.form or "", one.status, _points(one.points), _points(one.of),
                         cell(one.reason)])  # fmt: skip
    return view.plain(out.getvalue())


RENDERERS: Mapping[str, Callable[[Graded, View], str]] = {"text": text, "json": json, "ndjson": ndjson, "csv": table}
