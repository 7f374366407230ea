"""The forward mode of a run, for the terminal: each node's tangent beside its value, in the order of the one pass."""

from __future__ import annotations

from collections.abc import Iterator

from backprop_cli.formulas.marks import of_source
from backprop_cli.report.arrays import one_line
from backprop_cli.report.fitting import Array, Row, columns
from backprop_cli.report.view import View
from backprop_cli.tasks.result import NodeResult, Result, Tangent

INDENT = "  "
WIDEST = 32


def section(result: Result, view: View) -> list[Row | str]:
    """The lines of a run that was asked for forward mode."""
    shown = [(node, node.tangent) for node in result.nodes if node.tangent is not None]
    names = {node.name: name_of(node, view) for node, _ in shown}
    width = max(map(columns, names.values()))
    direction = result.direction or {}
    start = ", ".join(f"{names[name]} = {one_line(value, view.digits)}" for name, value in direction.items())
    found: list[Row | str] = [view.paint(f"Forward mode, along {start}", "heading"), ""]
    column = max((columns(left) for left in (_left(node, view) for node, _ in shown) if len(left) <= WIDEST), default=0)
    for node, tangent in shown:
        name = names[node.name]
        left = _left(node, view)
        head = left.ljust(column) if len(left) <= column else " " * column
        padded = name + " " * (width - columns(name))
        first = f"{INDENT}{head}{INDENT}{view.paint(padded, 'gradient')}"
        for step in _steps(tangent, view):
            found.append(Row(first, step))
            first = " " * (len(INDENT) * 2 + column + width)
    return found


def name_of(node: NodeResult, view: View) -> str:
    """ẋ for x; x_dot where only ASCII is shown."""
    if view.ascii or node.tangent is None:
        return f"{view.safe(node.name)}_dot"
    return node.tangent.symbol


def symbol_of(node: NodeResult) -> str:
    """ẋ for x."""
    return node.tangent.symbol if node.tangent is not None else node.name


def _left(node: NodeResult, view: View) -> str:
    """A scalar's value beside its tangent; an array's stands in the forward pass above."""
    return f"{view.safe(node.name)} = {one_line(node.value, view.digits)}" if not node.shape else view.safe(node.name)


def _steps(tangent: Tangent, view: View) -> Iterator[str | Array]:
    if tangent.formula is not None:
        yield of_source(view.plain(tangent.formula["code"])) if view.ascii else tangent.formula.marked("text")
    shown = Array(tangent.value, view.digits, view.plain)
    if tangent.formula is None or shown.lines(None) != [tangent.formula.text]:
        yield shown
