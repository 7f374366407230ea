"""A worked solution for a terminal: a heading a node, a line a step."""

from __future__ import annotations

from backprop_cli.formulas.worked import Worked
from backprop_cli.report.arrays import lines
from backprop_cli.report.breaking import fitted, worded
from backprop_cli.report.derived.lines import TOTAL, Line, Said, Value, lines_of
from backprop_cli.report.derived.solution import Solution
from backprop_cli.report.view import View

LABEL_WIDTH = 18
LABELLED = {"because", "shapes", "since"}

def render(solution: Solution, view: View) -> str:
    """The whole; each reason and each sign is explained where it first stands."""
    blocks = [[view.paint(view.safe(solution.heading), "heading")]]
    blocks += [worded(view.plain(line), view.width, "  ") for line in solution.opening(view.full)]
    said: set[str] = set()
    for heading, worked in solution.sections():
        blocks += [[view.paint(view.safe(heading), "heading")]] if heading else []
        blocks += [_node(one, view, said) for one in worked]
    blocks += [[TOTAL]] if len(solution.passes) > 1 else []
    return "\n\n".join("\n".join(fitted(block, view.width)) for block in blocks) + "\n"


def _node(worked: Worked, view: View, said: set[str]) -> list[str]:
    shape = f"  {worked.shape}" if worked.shape and view.full else ""
    rows = [view.paint(view.plain(worked.left.text), "gradient") + view.paint(shape, "faint")]
    left = ""
    for one in lines_of(worked, said, view.full):
        match one:
            case Line(result=result) if result is not None:
                place = f"{one.place}: " if one.place else ""
                rows.append(_step(one.label, view.plain(f"{place}{one.right.text} = {result.text}")))
            case Line():
                left = _left(one, view) if one.left is not None else " " * len(left)
                rows.append(_step(one.label, f"{left} {view.plain(one.sign)} {view.plain(one.right.text)}"))
                rows += [_step("by", view.plain(one.law))] if one.law else []
            case Said():
                rows += _sentence(one, view)
            case Value():
                rows += _value(one, view)
    return rows


def _left(one: Line, view: View) -> str:
    return view.plain(("path " if one.path else "") + one.left.text) if one.left else ""


def _step(label: str, said: str) -> str:
    return f"  {label:<{LABEL_WIDTH - 1}} {said}"


def _sentence(one: Said, view: View) -> list[str]:
    """A sentence under its label, or in brackets where it says what a sign means."""
    text = view.plain(one.text)
    if one.label in LABELLED:
        room = None if view.width is None else view.width - LABEL_WIDTH - 2
        first, *rest = worded(text, room)
        return [_step(one.label, first), *(_step("", line) for line in rest)]
    said = f"({text})" if one.label == "sign" else text
    return [f"  {line}" for line in worded(said, None if view.width is None else view.width - 2, "  ")]


def _value(one: Value, view: View) -> list[str]:
    left = view.plain(one.left.text)
    room = None if view.width is None else view.width - LABEL_WIDTH - len(left) - 5
    first, *rest = [view.plain(line) for line in lines(one.value, view.digits, room=room)]
    return [_step("value", f"{left} = {first}"), *(" " * (LABEL_WIDTH + len(left) + 5) + line for line in rest)]
