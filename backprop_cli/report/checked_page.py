"""What `check` found, as a page: a step for each gradient, with its independent answers side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backprop_cli.report.checked import STYLES, VERDICTS, has_passes, name_of, size_of, summary
from backprop_cli.report.page import navigation, page, step, text
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.tasks.checks import Answer, CheckReport, CheckResult, FunctionResult

CLASSES = {"good": "good", "bad": "bad", "warning": "soft"}
HEAD = "<tr><th>answer</th><th>entries compared</th><th>largest difference</th><th>note</th></tr>"


def render(report: CheckReport, view: View) -> str:
    """The page of one report."""
    return page(f"Check: {report.title or report.spec}", _body(report, View(precision=view.precision)))


def _body(report: CheckReport, view: View) -> Iterator[str]:
    yield f"<header><h1>{text(report.title or report.spec)}</h1>"
    yield f'<p class="soft">{text(report.spec)}</p>'
    yield from (f'<p class="{"good" if report.ok else "bad"}"><strong>{text(line)}</strong></p>'
                for line in summary(report, view))  # fmt: skip
    yield "</header>"
    yield navigation()
    heading = "Gradients, from the output back" if report.unit == "gradient" else f"{report.unit}s, row by row"
    yield f'<main><h2>{heading}</h2><ol class="steps">'
    several = has_passes(report)
    yield from (_gradient(result, name_of(result, several, view), report.unit) for result in report.results)
    yield from map(_written, report.functions)
    yield "</ol>"
    if report.nonfinite:
        yield f'<p class="warning">not finite: {text(report.nonfinite)}</p>'
    yield "</main>"


def _status(status: str) -> str:
    return f'<span class="{CLASSES[STYLES[status]]}">{VERDICTS[status]}</span>'


def _gradient(result: CheckResult, name: str, unit: str) -> str:
    what = f"gradient of {name}" if unit == "gradient" else name
    content = [f'<div class="row"><strong>{text(name)}</strong>{_status(result.status)}</div>']
    if result.reason:
        content.append(f"<p>{text(result.reason)}</p>")
    if result.numbers:
        at = ", ".join(map(str, result.index))
        said = "; ".join(f"{who} {number:.9g}" for who, number in result.numbers.items())
        content.append(f"<p>{text(f'[{at}]: ' if at else '')}{text(said)}</p>")
    content.append(f"<table>{HEAD}{''.join(map(_answer, result.answers))}</table>")
    return step("back", None, f"{what}: {VERDICTS[result.status]}", content)


def _answer(answer: Answer) -> str:
    worst = "" if answer.worst is None else size_of(answer.worst)
    compared = f"{answer.checked} of {answer.total}" if answer.worst is not None else "none"
    cells = (answer.name, compared, worst, answer.note)
    return f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in cells)}</tr>"


def _written(one: FunctionResult) -> str:
    name = f"{one.function}, gradient of {one.operand} (used in {one.node})"
    said = f"written by hand {one.written:.9g}, by differences {one.true:.9g}" if one.status == "wrong" else ""
    head = f'<div class="row"><strong>{text(name)}</strong>{_status(one.status)}</div>'
    return step("back", None, f"{name}: {VERDICTS[one.status]}", [head, f"<p>{text(said)}</p>"])
