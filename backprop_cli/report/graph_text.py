"""A computation graph as a table in topological order, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from backprop_cli.report.diagram import Box, Diagram, shortened
from backprop_cli.report.view import View

HEAD = ("name", "shape", "computed as", "from", "used by")
NUMBERS = ("value", "gradient")
LISTED = 4  # names of a list
MARK = "∂"


def render(diagram: Diagram, view: View) -> str:
    """A line a node: its shape, its expression, its operands and its consumers; ∂ where a gradient arrives."""
    operands: list[list[str]] = [[] for _ in diagram.boxes]
    users: list[list[str]] = [[] for _ in diagram.boxes]
    for arrow in diagram.arrows:
        source, target = diagram.boxes[arrow.source], diagram.boxes[arrow.target]
        note = f" ({arrow.label})" if arrow.label else ""
        operands[arrow.target].append(f"{source.name} {source.shape}" if source.shape != "scalar" else source.name)
        users[arrow.source].append(f"{target.name}{note}")
    numbers = any(box.value for box in diagram.boxes)
    heads = (*HEAD[:3], *NUMBERS, *HEAD[3:]) if numbers else HEAD
    rows = [_row(box, used, by, numbers, view) for box, used, by in zip(diagram.boxes, operands, users, strict=True)]
    head = [*view.heading(diagram.title, diagram.spec), ""]
    body = _table([heads, *rows], [box.active for box in diagram.boxes], view)
    return "\n".join([*head, *body, "", view.plain(_legend(diagram, view))]) + "\n"


def _row(
    box: Box, operands: Sequence[str], users: Sequence[str], any_numbers: bool, view: View
) -> tuple[str, ...]:
    roles = (["output"] if box.output else []) + (["hook"] if box.hooked else [])
    role = f"[{', '.join(roles)}]" if roles else ""
    cells = (box.name, box.shape, box.expression or box.kind, listed(operands))
    used = "  ".join(part for part in (view.safe(listed(users)), role) if part)
    numbers = (" ".join(box.value), " ".join(box.gradient)) if any_numbers else ()
    return (*(view.safe(shortened(cell)) for cell in (*cells[:3], *numbers, cells[3])), used)


def _table(rows: Sequence[Sequence[str]], active: Sequence[bool], view: View) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines: list[str] = []
    for position, row in enumerate(rows):
        mark = view.plain(MARK) if position and active[position - 1] else " "
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        text = "   ".join(cells[1:]).rstrip()
        name = view.paint(cells[0], "name" if position else "faint")
        lines.append(f"{view.paint(mark, 'gradient')} {name}   {view.paint(text, 'faint') if not position else text}")
    return [line.rstrip() for line in lines]


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
    """The first names of a list, and how many more there are."""
    more = len(names) - LISTED
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:LISTED])} and {more} more"
