"""An align* body: each derivative's formula."""

from __future__ import annotations

from collections.abc import Sequence

from backprop_cli.formulas.printed import Omitted
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.jacobian.results import Differentiated


def render(results: Sequence[Differentiated], view: View = READING) -> str:
    """The lines."""
    rows = [f"{_symbol(one)} &= {_formula(one)}" for one in results]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}\n"


def _symbol(one: Differentiated) -> str:
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


def _formula(one: Differentiated) -> str:
    return r"\text{(no formula)}" if isinstance(one.formula, Omitted) else one.formula["latex"]
