"""The terminal view of `step`: the rule, each param's update as one writes it on paper, the loss before and after."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from backprop_cli.formulas.marks import of_source
from backprop_cli.formulas.printed import partial
from backprop_cli.report.fitting import Array, Row, fitted
from backprop_cli.report.fitting import columns as _columns
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.stepping.results import Assignment, Stepped, Trace, Update

INDENT = "  "
BARS = "▁▂▃▄▅▆▇█"
WIDEST_SPARK = 60


def render(result: Stepped, view: View = READING) -> str:
    """The whole view of one spec."""
    updates = [_update(result, one, view) for one in result.params]
    said = [view.paint(f"notation: {view.plain(one)}", "faint") for one in legend_of(result)]
    sections: list[Sequence[Row | str]] = [_head(result, view), _definitions(result, view), *updates,
                                           _loss(result, view), said, view.warned(result.warnings)]  # fmt: skip
    return "\n\n".join("\n".join(fitted(section, view.width)) for section in sections if section) + "\n"


def legend_of(result: Stepped) -> tuple[str, ...]:
    """What the signs in the formulas of the gradients mean."""
    shown = [one.gradient_formula for one in result.params if one.gradient_formula is not None]
    if not shown:
        return ()
    from backprop_cli.report.legend import legend

    return legend((one.text for one in (*shown, *(named.formula for named in result.where))), result.names)


# ── head ─────────────────────────────────────────────────────────────────────────────────────────


def _head(result: Stepped, view: View) -> list[Row | str]:
    rule: list[Row | str] = [f"{result.rule}, {parameters_of(result)}", *_assigned(result.general, view)]
    return [*view.heading(result.title, result.spec), "", *rule]


def parameters_of(result: Stepped) -> str:
    """`lr = 0.1, beta1 = 0.9`: those that do something."""
    given = {name: value for name, value in result.parameters.items() if value or name == "lr"}
    return ", ".join(f"{name} = {_parameter(value)}" for name, value in given.items())


def _parameter(value: float) -> str:
    return f"{value:g}".replace("e-0", "e-")


def _assigned(assignments: Sequence[Assignment], view: View) -> list[Row]:
    left = [_said(one.left.text, view) for one in assignments]
    width = max(map(_columns, left))
    return [Row(INDENT + name + " " * (width - _columns(name)), _said(one.formula.text, view), view.plain("←"))
            for name, one in zip(left, assignments, strict=True)]  # fmt: skip


def _said(text: str, view: View) -> str:
    """A line of a rule, whose products are of numbers or entry by entry: in ASCII the language's own signs."""
    if view.ascii:
        text = re.sub(r"√([^\s()]+)", r"√(\1)", text).replace("·", "*").replace("ᵗ", "**t")
        text = re.sub(r"(\w)\u0302", r"\1_hat", text)
    return view.plain(text)


def _definitions(result: Stepped, view: View) -> list[Row]:
    """The δ that the formulas of the gradients use."""
    return [Row(f"let {view.plain(one.name['text'])}", view.plain(one.formula.marked("text")),
                remark=f"at {view.plain(one.at)}" if one.at else "") for one in result.where]  # fmt: skip


# ── params ───────────────────────────────────────────────────────────────────────────────────────


def _update(result: Stepped, update: Update, view: View) -> list[Row | str]:
    """One param: the first step in full, then what came of all of them."""
    name = view.safe(update.name)
    if not update.lines:
        return [f"{view.paint(name, 'name')} stays: {view.safe(result.output)} does not depend on it"]
    found: list[Row | str] = [line for one in update.lines for line in _line(one, view)]
    if update.gradient_formula is not None:
        symbol = view.plain(partial(result.output, update.name))
        found.insert(0, Row(symbol, view.plain(update.gradient_formula.marked("text"))))
    if result.steps > 1 or update.lines[-1].substituted is None or update.lines[-1].entry:
        found += _after(result, update, view)
    if update.state and result.steps > 1:
        found += [line for trace in update.traces for line in ("", *_table(trace, view))]
    return found


def _line(one: Assignment, view: View) -> Iterator[Row | str]:
    left = _said(one.left.text, view)
    arrow, gap = view.plain("←"), " " * _columns(left)
    yield Row(view.paint(left, "gradient"), of_source(_said(one.formula.text, view)), arrow)
    if one.in_numbers is not None:
        yield Row(gap, of_source(_said(one.in_numbers, view)), " ")


def _after(result: Stepped, update: Update, view: View) -> list[Row | str]:
    """The new value of a param, in full."""
    count = result.history[-1].step
    return [Row(f"{view.safe(update.name)} after {count} step{'s' if count != 1 else ''}",
                Array(update.new, view.digits))]  # fmt: skip


def _table(trace: Trace, view: View) -> list[str]:
    """The state of an entry, step by step."""
    keys = list(trace.rows[0].values) if trace.rows else []
    head = ["step", *(_said(trace.heads[key], view) for key in keys)]
    body = [[str(row.step), *(f"{row.values[key]:.{view.digits}g}" for key in keys)] for row in trace.rows]
    return [INDENT + row for row in columns([head, *body])]


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells, right-aligned under their heads."""
    widths = [max(_columns(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width + cell.count("\u0302")) for cell, width in zip(row, widths, strict=True))
            for row in rows]  # fmt: skip


# ── loss ─────────────────────────────────────────────────────────────────────────────────────────


def _loss(result: Stepped, view: View) -> list[str]:
    name, first, last = view.safe(result.output), result.history[0], result.history[-1]
    change = f"{view.plain('→')} {_number(last.loss, view)}"
    found = [f"{view.paint(name, 'name')}: {_number(first.loss, view)} {change}"]
    if last.step > 1:
        bars = spark([m.loss for m in result.history], view)
        found += [view.paint(f"{INDENT}{bars}", "value")] if bars else []
        table = [["step", name], *([str(m.step), _number(m.loss, view)] for m in result.recorded)]
        found += ["", *(INDENT + row for row in columns(table))]
    return found


def _number(value: float, view: View) -> str:
    return f"{value:.{view.digits}g}"


def spark(values: Sequence[float], view: View) -> str:
    """A row of bars; empty where ASCII alone can be shown. A wide range is on a logarithmic scale."""
    finite = [value for value in values if math.isfinite(value)]
    if view.ascii or len(finite) < 2:
        return ""
    step = max(1, -(-len(finite) // WIDEST_SPARK))
    picked = finite[::step]
    low, high = min(picked), max(picked)
    scaled = [math.log(v) for v in picked] if low > 0 and high / low > 100 else picked
    low, high = min(scaled), max(scaled)
    return "".join(BARS[round((v - low) / (high - low) * (len(BARS) - 1)) if high > low else 0] for v in scaled)
