"""Jacobians and Hessians as a sheet: a section for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backprop_cli.formulas.printed import INDEXED, Omitted, Printed
from backprop_cli.report.differentiated.text import legend_of, sized
from backprop_cli.report.sheets import Equation, Section, Sheet
from backprop_cli.report.view import View
from backprop_cli.tasks.jacobian.results import Differentiated, warnings_of


def sheet(results: Sequence[Differentiated], view: View) -> Sheet:
    """The page of one spec."""
    first = results[0]
    warnings = tuple(f"{one.node}: {one.message}" for one in warnings_of(results))
    return Sheet(first.title or first.spec, first.spec, tuple(_section(one, view) for one in results), warnings,
                 legend_of(results))


def _section(one: Differentiated, view: View) -> Section:
    notes = [one.formula.why] if isinstance(one.formula, Omitted) else []
    notes += ["0 in all other entries"] if one.block else []
    notes += [f"used: {fact}" for fact in one.facts]
    return Section(f"{one.symbol}, {sized(one)}", tuple(_equations(one, view)), tuple(notes))


def _equations(one: Differentiated, view: View) -> Iterator[Equation]:
    left = {"text": one.symbol, "latex": _symbol(one, "latex"), "mathml": _symbol(one, "mathml")}
    shown = one.shown
    if isinstance(shown, Omitted):
        yield Equation(left, (), one.value)
        return
    yield Equation(left, (shown,), one.value, where=one.block)
    yield from (Equation(defined.name, (defined.formula,)) for defined in one.defined)
    if one.rows and one.shape and shown.get(INDEXED["text"]) != shown["text"]:
        yield Equation(one.rows, (Printed({notation: shown[key] for notation, key in INDEXED.items()}),))
    if len(one.entries) > 1 and one.value is not None:
        for entry, value in zip(one.entries.values(), one.value.reshape(-1), strict=True):
            yield Equation(entry.name, (entry.formula,), value)


def _symbol(one: Differentiated, notation: str) -> str:
    """∂p/∂x, ∂²loss/∂w², ∂²loss/∂w² · v."""
    from backprop_cli.formulas.notation import notation_of

    set_in = notation_of(notation, one.names)
    if one.kind == "jacobian":
        return set_in.gradient(one.output, one.wrt)
    below = one.symbol.partition("/")[2].removesuffix(" · v")
    first = set_in.name(below.removeprefix("∂").removesuffix("²").partition("∂")[0])
    output, last = set_in.label(one.output), set_in.name(one.wrt)
    found = set_in.twice(output, last) if below.endswith("²") else set_in.derivative(output, first, last)
    return found + set_in.beside + set_in.name("v") if one.symbol.endswith("· v") else found
