"""A worked solution as a page that one steps through: the graph beside the steps, a node at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backprop_cli.formulas.marks import EQUAL, PLACES
from backprop_cli.formulas.worked import Equation, Maths, Worked
from backprop_cli.report.derived.lines import TOTAL, Item, Line, Said, Value, lines_of
from backprop_cli.report.derived.solution import Solution
from backprop_cli.report.html import drawn
from backprop_cli.report.lit import EQUALS, Lit, value_of
from backprop_cli.report.page import listed, navigation, page, step, text, wide
from backprop_cli.report.view import View


def render(solution: Solution, view: View) -> str:
    """The page of one spec."""
    return page(solution.heading, _body(solution, view))


def _body(solution: Solution, view: View) -> Iterator[str]:
    numbers = solution.diagram.numbers if solution.diagram else {}
    math, said = Lit(numbers), set[str]()
    yield f"<header><h1>{text(solution.heading)}</h1>"
    yield from (f"<p>{part}</p>" for part in solution.opening(view.full, text, lambda one: math(_sides(one))))
    yield f'<p class="soft">{text(solution.spec)}</p></header>'
    yield navigation()
    yield '<main class="two">'
    if solution.diagram is not None:
        yield f'<div class="beside">{drawn(solution.diagram, view)}'
        yield from listed(solution.listing, numbers)
        yield "</div>"
    yield '<div class="solution">'
    for heading, nodes in solution.sections():
        title = heading or f"From {solution.output} back, step by step"
        yield f'<section><h2>{text(title)}</h2><ol class="steps">'
        yield from (_node(worked, numbers.get(worked.name), said, math, view) for worked in nodes)
        yield "</ol></section>"
    if len(solution.passes) > 1:
        yield f"<p>{TOTAL}</p>"
    yield "</div></main>"


def _node(worked: Worked, number: int | None, said: set[str], math: Lit, view: View) -> str:
    shape = f'<span class="soft">{text(worked.shape)}</span>'
    head = f'<div class="row"><strong>{math(worked.left["mathml"])}</strong>{shape}</div>'
    items = lines_of(worked, said, view.full)
    body = f'<dl class="rows">{"".join(_rows(items, math, view))}</dl>'
    return step("back", number, f"gradient of {worked.name}", [head, body])


def _rows(items: Sequence[Item], math: Lit, view: View) -> Iterator[str]:
    """A term for each step's name, and what it says; sentences without one stand under the step before."""
    for one in items:
        match one:
            case Line():
                result = f"{EQUALS}{_in(one.result)}" if one.result is not None else ""
                law = f'<span class="soft">by {text("; ".join(one.laws))}</span>' if one.laws else ""
                yield f"<dt>{text(one.label)}</dt><dd>{wide(math(_equation(one) + result))}{law}</dd>"
            case Said(label="sign"):
                yield f'<dt>notation</dt><dd class="soft">{text(one.text)}</dd>'
            case Said():
                yield f"<dt>{text(one.label or 'note')}</dt><dd>{text(one.text.rstrip(':'))}</dd>"
            case Value():
                yield f"<dt>value</dt><dd>{value_of(one.value, view)}</dd>"


def _equation(one: Line) -> str:
    """Both sides; of a step that goes on, the right one alone."""
    path = "<mtext>path&#160;</mtext>" if one.path else ""
    left = path + _in(one.left) if one.left is not None else ""
    sign = EQUALS if one.sign == "=" else f'<mo data-break="{PLACES[EQUAL]}">{one.sign}</mo>'
    return f"{left}{sign}{_in(one.right)}"


def _sides(one: Equation) -> str:
    return f"{_in(one.left)}{EQUALS}{_in(one.right)}"


def _in(maths: Maths) -> str:
    return maths.marked("mathml")
