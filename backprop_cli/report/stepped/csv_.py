"""The history, one line a recorded step."""

from __future__ import annotations

from backprop_cli.report.view import READING, View
from backprop_cli.tasks.stepping.results import Stepped


def render(result: Stepped, view: View = READING) -> str:
    """`step,loss` and a line each."""
    rows = [f"{moment.step},{_number(moment.loss, view)}" for moment in result.recorded]
    return "\n".join(["step,loss", *rows]) + "\n"


def _number(value: float, view: View) -> str:
    return repr(value) if view.precision is None else f"{value:.{view.precision}g}"
