"""The forward mode of a run, for the terminal: each node's tangent beside its value, in the order of the one pass."""

from __future__ import annotations

from collections.abc import Iterator

from backprop_cli.report.arrays import lines, one_line
from backprop_cli.report.view import View
from backprop_cli.tasks.result import NodeResult, Result, Tangent

INDENT = "  "
DOT = "\u0307"  # above the letter before it
WIDEST = 32


def section(result: Result, view: View) -> list[str]:
    """The lines; none where forward mode was not asked for."""
    if result.direction is None:
        return []
    shown = [(node, node.tangent) for node in result.nodes if node.tangent is not None]
    names = {node.name: name_of(node, view) for node, _ in shown}
    width = max(map(columns, names.values()))
    start = ", ".join(f"{names[name]} = {one_line(value, view.digits)}" for name, value in result.direction.items())
    found = [view.paint(f"Forward mode, along {start}", "heading"), ""]
    column = max((columns(left) for left in (_left(node, view) for node, _ in shown) if len(left) <= WIDEST), default=0)
    for node, tangent in shown:
        name = names[node.name]
        left = _left(node, view)
        head = left.ljust(column) if len(left) <= column else " " * column
        padded = name + " " * (width - columns(name))
        steps = list(_steps(tangent, view))
        found.append(f"{INDENT}{head}{INDENT}{view.paint(padded, 'gradient')} = {steps[0][0]}")
        gap = " " * (len(INDENT) * 2 + column + width)
        found += [f"{gap}   {line}" for line in steps[0][1:]]
        for step in steps[1:]:
            found.append(f"{gap} = {step[0]}")
            found += [f"{gap}   {line}" for line in step[1:]]
    return found


def name_of(node: NodeResult, view: View) -> str:
    """ẋ for x; x_dot where only ASCII is shown."""
    if view.ascii or node.tangent is None:
        return f"{view.safe(node.name)}_dot"
    return node.tangent.symbol


def symbol_of(node: NodeResult) -> str:
    """ẋ for x."""
    return node.tangent.symbol if node.tangent is not None else node.name


def columns(text: str) -> int:
    """How wide a text is: a dot above takes no column."""
    return len(text.replace(DOT, ""))


def _left(node: NodeResult, view: View) -> str:
    """A scalar's value beside its tangent; an array's stands in the forward pass above."""
    return f"{view.safe(node.name)} = {one_line(node.value, view.digits)}" if not node.shape else view.safe(node.name)


def _steps(tangent: Tangent, view: View) -> Iterator[list[str]]:
    if tangent.formula is not None:
        text = tangent.formula["code"] if view.ascii else tangent.formula["text"]
        yield [view.plain(text)]
    shown = [view.plain(line) for line in lines(tangent.value, view.digits)]
    if tangent.formula is None or shown != [view.plain(tangent.formula["text"])]:
        yield shown
