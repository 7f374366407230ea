"""A computation graph as a table in topological order, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from backprop_cli.formulas.marks import COMMA, of_source
from backprop_cli.report.columns import Cell, Grid
from backprop_cli.report.diagram import Box, Diagram, shortened
from backprop_cli.report.fitting import fitted, worded
from backprop_cli.report.view import View

HEAD = ("name", "shape", "computed as", "from", "used by")
NUMBERS = ("value", "gradient")
LISTED = 4  # names of a list
LONGEST = 160  # characters of an expression; of a longer one the end is left out
MARK = "∂"


def render(diagram: Diagram, view: View) -> str:
    """A line a node: its shape, its expression, its operands and its consumers; ∂ where a gradient arrives."""
    operands: list[list[str]] = [[] for _ in diagram.boxes]
    users: list[list[str]] = [[] for _ in diagram.boxes]
    for arrow in diagram.arrows:
        source, target = diagram.boxes[arrow.source], diagram.boxes[arrow.target]
        note = f" ({arrow.label})" if arrow.label else ""
        shape = f" {source.shape}" if source.shape != "scalar" else ""
        operands[arrow.target].append(view.safe(source.name + shape))
        users[arrow.source].append(view.safe(target.name + note))
    numbers = any(box.value for box in diagram.boxes)
    heads = (*HEAD[:3], *NUMBERS, *HEAD[3:]) if numbers else HEAD
    rows = [_row(box, used, by, numbers, view) for box, used, by in zip(diagram.boxes, operands, users, strict=True)]
    mark = view.paint(view.plain(MARK), "gradient")
    lead = ["  ", *(f"{mark} " if box.active else "  " for box in diagram.boxes)]
    body = Grid(heads, rows, lead, partial(_painted, view), named=2).lines(view.width)
    head = fitted(view.heading(diagram.title, diagram.spec), view.width)
    legend = worded(view.plain(_legend(diagram, view)), view.width, "  ")
    return "\n".join(line.rstrip() for line in [*head, "", *body, "", *legend]) + "\n"


def _row(box: Box, operands: Sequence[str], users: Sequence[str], numbers: bool, view: View) -> tuple[Cell, ...]:
    roles = (["output"] if box.output else []) + (["hook"] if box.hooked else [])
    role = f"[{', '.join(roles)}]" if roles else ""
    computed = of_source(shortened(view.safe(box.expression), LONGEST)) if box.expression else box.kind
    used = "  ".join(part for part in (listed(users), role) if part)
    values = (box.value, box.gradient) if numbers else ()
    return ((view.safe(box.name),), (box.shape,), (computed,), *values, (listed(operands),), (used,))


def _painted(view: View, text: str, row: int, column: int) -> str:
    if not row:
        return view.paint(text, "faint")
    return view.paint(text, "name") if not column else text


def _legend(diagram: Diagram, view: View) -> str:
    """What the marks mean, and how large it is."""
    leaves = sum(box.kind != "node" for box in diagram.boxes)
    where = view.safe(" and ".join(diagram.outputs))
    sizes = (_count(leaves, "leaf", "leaves"), _count(len(diagram.boxes) - leaves, "node", "nodes"),
             _count(len(diagram.arrows), "edge", "edges"))  # fmt: skip
    return f"{', '.join(sizes)}; {MARK}: a gradient arrives here from {where}"


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def listed(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are; a line may end after a comma."""
    more = len(names) - LISTED
    between = f",{COMMA} "
    return between.join(names) if more <= 1 else f"{between.join(names[:LISTED])}{COMMA} and {more} more"
