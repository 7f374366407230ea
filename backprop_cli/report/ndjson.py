"""The contract `backprop.run/1`, one line a spec."""

from __future__ import annotations

from backprop_cli.report.json_ import compact, document
from backprop_cli.report.view import EVERYTHING, View
from backprop_cli.tasks.result import Result


def render(result: Result, view: View = EVERYTHING) -> str:
    """One object on one line."""
    return compact(document(result, view), view) + "\n"
