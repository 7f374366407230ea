"""The formats of what `check` found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from backprop_cli.report.checked import document, text
from backprop_cli.report.json_ import compact, pretty
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.tasks.checks import CheckReport


def _page(report: CheckReport, view: View) -> str:
    from backprop_cli.report.checked_page import render

    return render(report, view)


RENDERERS: Mapping[str, Callable[[CheckReport, View], str]] = {
    "text": text,
    "json": lambda report, view: pretty(document(report, view), view) + "\n",
    "ndjson": lambda report, view: compact(document(report, view), view) + "\n",
    "html": _page,
}

SUFFIXES = {"text": (".txt",), "json": (".json",), "ndjson": (".ndjson", ".jsonl"), "html": (".html", ".htm")}
"""Which format a file's suffix asks for."""
