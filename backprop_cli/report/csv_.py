"""One line an entry, for a spreadsheet or a data frame: spec, name, kind, index, value, gradient.

In forward mode a column more, the tangent.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice

from backprop_cli.report.arrays import entries
from backprop_cli.report.plain import safe
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.result import NodeResult, Result

PIECE = 4096
"""Lines that are held at once."""


def pieces(result: Result, view: View = READING) -> Iterator[str]:
    """The lines of a spec, some at a time; the header is the format's prologue."""
    named = cell(result.spec)
    rows = ((named, node.name, node.kind, *row) for node in result.nodes for row in _rows(node, view))
    while some := list(islice(rows, PIECE)):
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(some)
        yield view.plain(out.getvalue())


def render(result: Result, view: View = READING) -> str:
    """The same, whole."""
    return "".join(pieces(result, view))


def _rows(node: NodeResult, view: View) -> Iterator[tuple[str, ...]]:
    gradients = entries(node.gradient.value) if node.gradient is not None and node.gradient.value is not None else None
    tangents = entries(node.tangent.value) if node.tangent is not None else None
    for index, entry in entries(node.value):
        gradient = _number(next(gradients)[1], view) if gradients else ""
        moves = (_number(next(tangents)[1], view),) if tangents else ()
        yield f"[{','.join(map(str, index))}]" if index else "", _number(entry, view), gradient, *moves


def _number(value: float, view: View) -> str:
    return repr(value) if view.precision is None else f"{value:.{view.precision}g}"


def cell(text: str) -> str:
    """User text that no spreadsheet takes for a formula."""
    text = safe(text)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\\"} else text
