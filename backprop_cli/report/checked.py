"""What `check` found, as text and as the contract `backprop.check/1`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from backprop_cli.formulas.marks import COMMA
from backprop_cli.report.arrays import strict
from backprop_cli.report.fitting import Row, fitted
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.tasks.checks import Answer, CheckReport, CheckResult, FunctionResult

SCHEMA = "backprop.check/1"
INDENT = "  "
STYLES = {"ok": "good", "wrong": "bad", "kink": "warning", "inconclusive": "warning"}
VERDICTS = {"ok": "ok", "wrong": "wrong", "kink": "on a kink", "inconclusive": "inconclusive"}


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


def text(report: CheckReport, view: View) -> str:
    """One line a node; under a wrong one its worst entry under each answer; a last line that sums up."""
    several = has_passes(report)
    names = {id(r): name_of(r, several, view) for r in report.results}
    width = max(map(len, names.values()), default=0)
    rows: list[Row | str] = [*view.heading(report.title, report.spec), ""]
    rows += [row for result in report.results for row in _node(names[id(result)].ljust(width), result, view)]
    rows += [row for one in report.functions for row in _function(one, view)]
    if report.nonfinite:
        rows += ["", f"{view.paint('warning', 'warning')}: not finite: {view.safe(report.nonfinite)}"]
    rows += ["", *(view.plain(line) for line in summary(report, view))]
    return "\n".join(line.rstrip() for line in fitted(rows, view.width)) + "\n"


def has_passes(report: CheckReport) -> bool:
    """Whether there are several backward passes."""
    return any(r.number is not None for r in report.results)


def name_of(result: CheckResult, several: bool, view: View) -> str:
    """The node; with `several` passes also where its gradient comes from."""
    if result.number is not None:
        return view.safe(f"{result.node} (pass {result.number}, from {result.output})")
    return view.safe(f"{result.node} ({result.output})" if several else result.node)


def _node(name: str, result: CheckResult, view: View) -> list[Row | str]:
    parts = [part for part in (_answer(a) for a in result.answers) if part]
    status = view.paint(result.status.ljust(5), STYLES[result.status])
    found: list[Row | str] = [Row(f"{INDENT}{view.paint(name, 'name')}   {status} ", f"{COMMA}  ".join(parts), sign="")]
    if result.status == "ok":
        return found
    margin = INDENT * 3
    if result.reason:
        found.append(f"{margin}{view.safe(result.reason)}")
    if result.numbers:
        place = _index(result.index) or "value"
        numbers = ", ".join(f"{who} {number:.9g}" for who, number in result.numbers.items())
        found.append(f"{margin}{place}: {numbers}")
    return found


def _answer(answer: Answer) -> str:
    """`formula 2e-16`; that sympy did not run is not worth a word on every line."""
    if answer.name == "formula" and answer.wrong and answer.note:
        return "formula unreadable"
    if answer.worst is None:
        return f"({answer.note})" if answer.name == "differences" else ""
    sampled = f" ({answer.note})" if answer.note and answer.name == "differences" else ""
    return f"{answer.name} {size_of(answer.worst)}{sampled}"


def size_of(worst: float) -> str:
    """A relative difference at one digit."""
    return f"{worst:.0e}" if worst else "0"


def _index(index: Iterable[int]) -> str:
    listed = ", ".join(map(str, index))
    return f"[{listed}]" if listed else ""


def _function(one: FunctionResult, view: View) -> list[Row | str]:
    """A hand-written gradient; where it is wrong, by how much."""
    status = view.paint(one.status.ljust(5), STYLES[one.status])
    name = view.plain(f"{one.function}, gradient of {one.operand} (used in {one.node})")
    line = Row(f"{INDENT}{name}   {status} ", f"differences {size_of(one.worst)}", sign="")
    if one.status != "wrong":
        return [line]
    said = [f"{INDENT * 3}{view.safe(one.note)}"] if one.note else []
    if one.written == one.true:
        return [line, *said]
    place = f"at {_index(one.index)} " if one.index else ""
    share = f", off by {abs(one.written - one.true) / abs(one.true):.2%}" if one.true else ""
    numbers = f"the hand-written gradient gives {one.written:.9g}, differences {one.true:.9g}"
    return [line, *said, f"{INDENT * 3}{place}{numbers}{share}"]


def summary(report: CheckReport, view: View) -> list[str]:
    """How many gradients (or Jacobians, and rows of them) came out how, and what was compared."""
    if not report.results and report.unit in CONSTANT:
        return [view.paint(CONSTANT[report.unit], "good")]
    counts = {word: sum(r.status == status for r in report.results) for status, word in VERDICTS.items()}
    verdict = ", ".join(f"{n} {word}" for word, n in counts.items() if n) or "none"
    wrong = [r.node for r in report.results if r.status == "wrong"]
    false = [f for f in report.functions if f.status == "wrong"]
    written = dict.fromkeys(f"the gradient of {f.operand} in {f.function}" for f in false)
    lines = [f"{_what(report)}: {verdict}; compared with {_compared(report)}"]
    if wrong:
        where = "in the reverse pass" if report.unit == "gradient" else "wrong"
        lines.append(f"first {where}: {view.safe(wrong[0])}")
    if written:
        lines.append(f"hand-written and wrong: {view.safe(', '.join(written))}")
    return [view.paint(line, "good" if report.ok else "bad") for line in lines]


CONSTANT = {"Hessian": "every Hessian is 0: the gradients are constant, and there is nothing to compare"}
"""What there is to say of a unit of which nothing is left to check."""


def _what(report: CheckReport) -> str:
    """`9 gradients`; `3 Hessians, 5 rows`."""
    units = Counter(one.unit or report.unit for one in report.results) or {report.unit: 0}
    return ", ".join(_count(n, unit) for unit, n in units.items())


UNITS = {"formula": "formula", "differences": "difference", "entries": "derivative by sympy"}


def _compared(report: CheckReport) -> str:
    """How many answers of each kind there are."""
    answers = [a for r in report.results for a in r.answers]
    counts = {unit: sum(a.checked for a in answers if a.name == name) for name, unit in UNITS.items()}
    return ", ".join(_count(n, unit) for unit, n in counts.items() if n) or "nothing"


def _count(n: int, unit: str) -> str:
    return f"{n} {unit}" if n == 1 else f"{n} {unit.replace(' ', 's ', 1)}" if " " in unit else f"{n} {unit}s"


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────


def document(report: CheckReport, view: View) -> dict[str, object]:
    """A report as plain data."""
    return {
        "schema": SCHEMA, "spec": report.spec, "title": report.title, "ok": report.ok,
        "gradients": [_gradient(r, view) for r in report.results],
        "functions": [_written(f, view) for f in report.functions],
        "nonfinite": report.nonfinite,
    }  # fmt: skip


def _gradient(result: CheckResult, view: View) -> dict[str, object]:
    return {
        "node": result.node, "output": result.output, "pass": result.number,
        "status": result.status, "reason": result.reason or None,
        "index": list(result.index) if result.status != "ok" else None, "numbers": _numbers(result.numbers, view),
        "answers": {a.name: _document(a, view) for a in result.answers},
    }  # fmt: skip


def _document(answer: Answer, view: View) -> dict[str, object]:
    found = {
        "worst": _number(answer.worst, view), "index": list(answer.index), "checked": answer.checked,
        "total": answer.total, "kinks": [list(index) for index in answer.kinks], "note": answer.note or None,
    }  # fmt: skip
    return {"ran": answer.worst is not None, "agrees": not answer.wrong, **found}


def _written(one: FunctionResult, view: View) -> dict[str, object]:
    return {
        "function": one.function, "operand": one.operand, "node": one.node, "status": one.status,
        "worst": _number(one.worst, view), "index": list(one.index), "written": _number(one.written, view),
        "differences": _number(one.true, view), "note": one.note or None,
    }  # fmt: skip


def _numbers(numbers: Mapping[str, float] | None, view: View) -> dict[str, object] | None:
    return None if numbers is None else {who: _number(number, view) for who, number in numbers.items()}


def _number(number: float | None, view: View) -> object:
    if number is None:
        return None
    import numpy as np

    return strict(np.float64(number), view.precision)
