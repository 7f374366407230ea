r"""A worked solution in LaTeX: an align* of steps for each node, sentences between them; needs amsmath."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backprop_cli.formulas.marks import plain
from backprop_cli.formulas.worked import Equation, Worked
from backprop_cli.report.derived.lines import TOTAL, Line, Value, grouped, lines_of
from backprop_cli.report.derived.solution import Solution
from backprop_cli.report.texts import Row, aligned, document, prose, sentence, to_know
from backprop_cli.report.view import View


def render(solution: Solution, view: View) -> str:
    """The body for one spec."""
    opening = solution.opening(view.full, prose, inline)
    parts = [rf"\section*{{{prose(solution.heading)}}}", *(_paragraph(f"{part}.") for part in opening)]
    said: set[str] = set()
    for heading, nodes in solution.sections():
        parts += [rf"\subsection*{{{prose(heading)}}}"] if heading else []
        parts += [part for worked in nodes for part in _node(worked, said, view)]
    parts += [TOTAL] if len(solution.passes) > 1 else []
    return document("\n\n".join(parts) + "\n", view)


def _paragraph(text: str) -> str:
    r"""A formula between \left and \right is never broken: the words around it stretch, so that none stands out."""
    return f"\\begin{{sloppypar}}\n{text}\n\\end{{sloppypar}}" if "$" in text else text


def inline(one: Equation) -> str:
    """An equation within a sentence."""
    return f"${' = '.join(plain(side['marked_latex']) for side in (one.left, one.right))}$"


def _node(worked: Worked, said: set[str], view: View) -> Iterator[str]:
    before, equations, signs = grouped(lines_of(worked, said, view.full))
    shape = f" {prose(worked.shape)}" if worked.shape and view.full else ""
    head = rf"\paragraph{{$\displaystyle {plain(worked.left['marked_latex'])}${shape}}}"
    yield " ".join([head, *(sentence(one.sentence) for one in before)]) + f"\n{aligned([*rows(equations)], view)}"
    if signs:
        yield to_know(one.text for one in signs)


def rows(equations: Iterable[Line | Value]) -> Iterator[Row]:
    """Equations, each with the name of its step."""
    for one in equations:
        match one:
            case Line(label="algebra") if one.left is not None:  # the left side is as long as the right one
                yield Row("", one.left["marked_latex"], one.label, "")
                yield Row("", one.right["marked_latex"])
                yield from (Row("", None, said=law) for law in one.laws)
            case Line():
                left = "" if one.left is None else one.left["marked_latex"]
                left = rf"\text{{path }} {left}" if one.path else left
                sign = r"\mapsto" if one.sign == "↦" else one.sign
                yield Row(left, one.right["marked_latex"], one.label, sign)
                yield from (Row("", None, said=law) for law in one.laws)
                if one.result is not None:
                    yield Row("", one.result["marked_latex"])
            case Value():
                yield Row(one.left["marked_latex"], None, "value", value=one.value)
