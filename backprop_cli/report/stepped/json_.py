"""The machine-readable contract `backprop.step/1`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from backprop_cli.report.json_ import laid_out, later, where_document
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.stepping.results import Stepped, Trace, Update

SCHEMA = "backprop.step/1"


def document(result: Stepped, view: View) -> dict[str, object]:
    """A result as plain data."""
    return {
        "schema": SCHEMA,
        "spec": result.spec,
        "title": result.title,
        "output": result.output,
        "rule": result.rule,
        "lr": result.parameters["lr"],
        "parameters": dict(result.parameters),
        "steps": result.history[-1].step,
        "history": [{"step": moment.step, "loss": _number(moment.loss, view)} for moment in result.recorded],
        "params": {update.name: _update(update, view) for update in result.params},
        "where": where_document(result.where, view),
        "warnings": [{"code": w.code, "node": w.node, "message": w.message} for w in result.warnings],
    }


def _update(update: Update, view: View) -> dict[str, object]:
    found: dict[str, object] = {"old": later(update.old, view.precision), "new": later(update.new, view.precision)}
    if not update.lines:
        return found | {"formula": None, "substituted": None}
    last = update.lines[-1]
    found |= {"gradient": later(update.gradient, view.precision), "formula": last.formula.told,
              "substituted": last.in_numbers}  # fmt: skip
    if update.gradient_formula is not None:
        found["gradient_formula"] = update.gradient_formula.told
    if len(update.lines) > 1:
        found["lines"] = [{"name": line.name, "formula": line.formula.told, "substituted": line.in_numbers}
                          for line in update.lines]  # fmt: skip
    if update.state:
        found["state"] = {name: later(value, view.precision) for name, value in update.state.items()}
        found["table"] = {trace.entry: _table(trace, view) for trace in update.traces}
    return found


def _table(trace: Trace, view: View) -> list[dict[str, object]]:
    return [{"step": row.step, **{name: _number(value, view) for name, value in row.values.items()}}
            for row in trace.rows]  # fmt: skip


def _number(value: float, view: View) -> object:
    if not math.isfinite(value):
        return repr(value)
    return value if view.precision is None else float(f"{value:.{view.precision}g}")


def render(result: Stepped, view: View = READING) -> str:
    """One object over several lines."""
    return "".join(pieces(result, view))


def pieces(result: Stepped, view: View = READING) -> Iterator[str]:
    """The same, of which only a small part is ever held."""
    return laid_out(document(result, view), view)
