"""What `grade` found, as text, as tables, as the contract `backprop.grade/1`, and as Gradescope's `results.json`."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from backprop_cli.report.csv_ import cell
from backprop_cli.report.fitting import Row, fitted
from backprop_cli.report.graded_page import html, markdown
from backprop_cli.report.json_ import compact, pretty
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.tasks.grading.results import Graded, Marked

SCHEMA = "backprop.grade/1"
HEADERS = {"csv": "answers,student,item,form,status,points,of,mistake,first,reason\n",
           "totals": "answers,student,points,of,right,carried,first_wrong,mistake,note\n"}  # fmt: skip
STYLES = {"right": "good", "carried": "good", "wrong": "bad", "missing": "warning", "not readable": "warning"}
NAME = 40


def text(graded: Graded, view: View) -> str:
    """One line an item, then the total."""
    who = [view.paint(view.safe(graded.student), "heading")] if graded.student else []
    rows: list[Row | str] = [*who, view.paint(view.safe(graded.answers), "faint"), ""]
    if graded.problem:
        rows += [view.paint(f"  not readable: {view.safe(graded.problem)}", "bad"), ""]
    names = [view.safe(one.item[:NAME]) for one in graded.items]
    width = max(map(len, names), default=0)
    status = max((len(one.word) for one in graded.items), default=0)
    for name, one in zip(names, graded.items, strict=True):
        mark = view.paint(one.word.ljust(status), STYLES[one.word])
        left = f"  {view.paint(name.ljust(width), 'name')}   {mark}   {points(one.points)}/{points(one.of)}   "
        first = "the first mistake: " if one.first and len(graded.items) > 1 else ""
        rows.append(Row(left, f"{first}{view.safe(one.reason)}", sign=""))
    total = f"{points(graded.points)} of {points(graded.of)} points"
    rows += ["", view.paint(total, "good" if graded.ok else "bad")]
    return "\n".join(line.rstrip() for line in fitted(rows, view.width)) + "\n"


def points(value: float) -> str:
    """Points as people write them."""
    return f"{value:g}"


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────


def document(graded: Graded, view: View) -> dict[str, object]:
    """A file's marks as plain data."""
    found: dict[str, object] = {
        "schema": SCHEMA, "key": graded.key, "answers": graded.answers, "student": graded.student, "ok": graded.ok,
        "points": graded.points, "of": graded.of, "first_wrong": graded.first_wrong,
        "items": [_item(one, view) for one in graded.items],
    }  # fmt: skip
    if graded.further:
        found["further"] = dict(graded.further)
    return found | ({"problem": graded.problem} if graded.problem else {})


def _item(one: Marked, view: View) -> dict[str, object]:
    return {"item": one.item, "node": one.node, "what": one.what, "form": one.form, "status": one.status,
            "points": one.points, "of": one.of, "mistake": one.mistake, "carried_forward": one.carried_forward,
            "first": one.first, "reason": one.reason or None, "entry": _entry(one, view)}  # fmt: skip


def _entry(one: Marked, view: View) -> dict[str, Any] | None:
    """The first wrong entry; what the key has there only where the writer of the key asked for it."""
    if one.index is None:
        return None
    entry = {"index": list(one.index), "answer": _number(one.answer, view)}
    return entry if one.expected is None else entry | {"key": _number(one.expected, view)}


def _number(value: float | None, view: View) -> object:
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


def gradescope(graded: Graded, view: View) -> str:
    """What an autograder of Gradescope writes to `results.json`: a score, and a test an item."""
    tests = [{"name": one.item, "score": one.points, "max_score": one.of, "output": _output(one),
              "status": "passed" if one.status == "right" or one.carried_forward else "failed",
              "visibility": "visible"} for one in graded.items]  # fmt: skip
    found = {"score": graded.points, "max_score": graded.of, "output_format": "text",
             "output": graded.problem or "", "visibility": "visible", "tests": tests}  # fmt: skip
    return pretty(found, view) + "\n"


def _output(one: Marked) -> str:
    first = "The first mistake. " if one.first else ""
    return f"{first}{one.word}{f': {one.reason}' if one.reason else ''}"


# ── tables ───────────────────────────────────────────────────────────────────────────────────────


def table(graded: Graded, view: View) -> str:
    """One line an item; the header comes once, before the first file."""
    start = [cell(graded.answers), cell(graded.student or "")]
    rows = [[*start, cell(one.item), one.form or "", one.word, points(one.points), points(one.of), one.mistake or "",
             "first" if one.first else "", cell(one.reason)] for one in graded.items]  # fmt: skip
    if graded.problem:
        rows.insert(0, [*start, "", "", "not readable", "0", "0", "", "", cell(graded.problem)])
    return view.plain(_written(rows))


def totals(graded: Graded, view: View) -> str:
    """One line a file: points, and where it first went wrong."""
    first = next((one for one in graded.items if one.first), None)
    right = sum(one.status == "right" for one in graded.items)
    carried = sum(one.carried_forward for one in graded.items)
    return view.plain(_written([[
        cell(graded.answers), cell(graded.student or ""), points(graded.points), points(graded.of), str(right),
        str(carried), cell(first.item if first else ""), first.mistake or "" if first else "",
        cell(graded.problem or (first.reason if first else "")),
    ]]))  # fmt: skip


def _written(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


RENDERERS: Mapping[str, Callable[[Graded, View], str]] = {
    "text": text, "json": json, "ndjson": ndjson, "csv": table, "totals": totals, "gradescope": gradescope,
    "markdown": markdown, "html": html,
}  # fmt: skip
