"""A worked solution for a page: a section a node, its steps as display mathematics, sentences as a list."""

from __future__ import annotations

from collections.abc import Iterator

from backprop_cli.formulas.marks import plain
from backprop_cli.formulas.worked import Worked
from backprop_cli.report.derived.latex import inline, rows
from backprop_cli.report.derived.lines import TOTAL, grouped, lines_of
from backprop_cli.report.derived.solution import Solution
from backprop_cli.report.markdown import prose
from backprop_cli.report.texts import aligned
from backprop_cli.report.view import View


def render(solution: Solution, view: View) -> str:
    """The page of one spec."""
    opening = solution.opening(view.full, lambda text: prose(text, view), inline)
    parts = [f"# {prose(solution.heading, view)}", *(f"{part}." for part in opening)]
    said: set[str] = set()
    for heading, nodes in solution.sections():
        parts += [f"# {prose(heading, view)}"] if heading else []
        parts += [part for worked in nodes for part in _node(worked, said, view)]
    parts += [TOTAL] if len(solution.passes) > 1 else []
    return "\n\n".join(parts) + "\n"


def _node(worked: Worked, said: set[str], view: View) -> Iterator[str]:
    before, equations, signs = grouped(lines_of(worked, said, view.full))
    shape = f" {prose(worked.shape, view)}" if worked.shape and view.full else ""
    yield f"## ${plain(worked.left['marked_latex'])}${shape}"
    if before:
        yield "\n".join(f"- {prose(one.sentence, view)}" for one in before)
    yield f"$$\n{aligned([*rows(equations)], view, 'aligned')}\n$$"
    if signs:
        yield f"To know: {'; '.join(prose(one.text, view) for one in signs)}."
