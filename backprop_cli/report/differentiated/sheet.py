"""Jacobians and Hessians as a sheet: a section for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backprop_cli.formulas.printed import Omitted
from backprop_cli.report.arrays import count
from backprop_cli.report.sheets import Equation, Section, Sheet, plainly
from backprop_cli.report.view import View
from backprop_cli.tasks.jacobian.results import Differentiated


def sheet(results: Sequence[Differentiated], view: View) -> Sheet:
    """The page of one spec."""
    first = results[0]
    return Sheet(first.title or first.spec, first.spec, tuple(_section(one, view) for one in results))


def _section(one: Differentiated, view: View) -> Section:
    notes = [one.formula.why] if isinstance(one.formula, Omitted) else []
    notes += ["0 in all other entries"] if one.block else []
    notes += [f"used: {fact}" for fact in one.facts]
    return Section(f"{one.symbol}, {count(one.shape)}", tuple(_equations(one, view)), tuple(notes))


def _equations(one: Differentiated, view: View) -> Iterator[Equation]:
    left = {"text": one.symbol, "latex": symbol(one), "mathml": in_a_page(one)}
    if isinstance(one.formula, Omitted):
        yield Equation(left, (), one.value)
        return
    shown = one.formula if one.brief is None else one.brief.formula
    yield Equation(left, (shown,), one.value, where=one.block)
    if one.brief is not None:
        yield Equation(one.brief.name, (one.brief.definition,))
    index = shown.get("index", "")
    if index and one.rows and one.shape and index != shown["text"]:
        yield Equation(plainly(one.rows), (plainly(index),))
    if len(one.entries) > 1 and one.value is not None:
        for (at, formula), value in zip(one.entries.items(), one.value.reshape(-1), strict=True):
            yield Equation(plainly(at), (plainly(formula),), value)


def in_a_page(one: Differentiated) -> str:
    """∂p/∂x, ∂²loss/∂w² in MathML."""
    from backprop_cli.formulas.notation import NOTATIONS

    if one.kind == "jacobian":
        return NOTATIONS["mathml"].gradient(one.output, one.wrt)
    label, name = NOTATIONS["mathml"].label, NOTATIONS["mathml"].name
    square = "<msup><mo>∂</mo><mn>2</mn></msup>"
    below = one.symbol.partition("/")[2].removesuffix(" · v")
    vector = name("v") if one.symbol.endswith("· v") else ""
    if below.endswith("²"):
        leaves = f"<mo>∂</mo><msup>{name(one.wrt)}<mn>2</mn></msup>"
    else:
        leaves = f"<mo>∂</mo>{name(below.removeprefix('∂').partition('∂')[0])}<mo>∂</mo>{name(one.wrt)}"
    return f"<mfrac><mrow>{square}{label(one.output)}</mrow><mrow>{leaves}</mrow></mfrac>{vector}"


def symbol(one: Differentiated) -> str:
    """∂p/∂x, ∂²loss/∂w² in LaTeX."""
    from backprop_cli.formulas.notation import NOTATIONS

    name = NOTATIONS["latex"].name
    if one.kind == "jacobian":
        return NOTATIONS["latex"].gradient(one.output, one.wrt)
    output = name(one.output) if one.output.isidentifier() else rf"\left({name(one.output)}\right)"
    below = one.symbol.partition("/")[2].removesuffix(" · v")
    vector = r" \, v" if one.symbol.endswith("· v") else ""
    if below.endswith("²"):
        return rf"\frac{{\partial^2 {output}}}{{\partial {name(one.wrt)}^2}}{vector}"
    first = below.removeprefix("∂").partition("∂")[0]
    return rf"\frac{{\partial^2 {output}}}{{\partial {name(first)} \, \partial {name(one.wrt)}}}{vector}"
