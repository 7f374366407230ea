"""A worked solution for a page: a section a node, its steps as display mathematics, sentences as a list."""

from __future__ import annotations

from collections.abc import Iterator

from backprop_cli.formulas.worked import Worked
from backprop_cli.report.derived.latex import rows
from backprop_cli.report.derived.lines import TOTAL, Said, blocks, lines_of
from backprop_cli.report.derived.solution import Solution
from backprop_cli.report.markdown import prose
from backprop_cli.report.texts import aligned
from backprop_cli.report.view import View


def render(solution: Solution, view: View) -> str:
    """The page of one spec."""
    parts = [f"# {prose(solution.heading, view)}", *(f"{prose(part, view)}." for part in solution.parts)]
    said: set[str] = set()
    for heading, nodes in solution.sections():
        parts += [f"# {prose(heading, view)}"] if heading else []
        parts += [part for worked in nodes for part in _node(worked, said, view)]
    parts += [TOTAL] if len(solution.passes) > 1 else []
    return "\n\n".join(parts) + "\n"


def _node(worked: Worked, said: set[str], view: View) -> Iterator[str]:
    yield f"## ${worked.left['breakable']}$"
    for block in blocks(lines_of(worked, said, view.full)):
        if isinstance(block[0], Said):
            yield "\n".join(f"- {prose(one.sentence, view)}" for one in block if isinstance(one, Said))
        else:
            yield f"$$\n{aligned([*rows(block)], view, 'aligned')}\n$$"
