"""The terminal view of a Jacobian or Hessian: the tensor's formula, its entries by index, its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from backprop_cli.engine.ops.shapes import show
from backprop_cli.formulas.marks import EQUAL, of_source
from backprop_cli.formulas.printed import Omitted, Printed, worst
from backprop_cli.report.arrays import count
from backprop_cli.report.fitting import Array, Row, fitted
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.jacobian.results import Differentiated, warnings_of

INDENT = "  "
EVALUATED = "the formula, evaluated, differs by at most"
LOST = "the formula has no value at these numbers (0/0, or the inverse of a singular matrix); the rules have"


def render(results: Sequence[Differentiated], view: View = READING) -> str:
    """The whole view of one spec."""
    first = results[0]
    head: list[Row | str] = [*view.heading(first.title, first.spec)]
    sections: list[Sequence[Row | str]] = [head, *(list(_one(one, view)) for one in results),
                                           view.warned(warnings_of(results)), list(_facts(results, view))]  # fmt: skip
    return "\n\n".join("\n".join(fitted(section, view.width)) for section in sections if section) + "\n"


def legend_of(results: Sequence[Differentiated]) -> tuple[str, ...]:
    """What the signs in the formulas that are shown mean."""
    texts: list[str] = []
    for one in results:
        keys = ("text", "index") if one.rows else ("text",)
        shown: list[Printed] = []
        if isinstance(one.shown, Printed):
            shown += [one.shown, *(defined.formula for defined in one.defined)]
        shown += [entry.formula for entry in one.entries.values()] if len(one.entries) > 1 else []
        texts += [formula[key] for formula in shown for key in keys if key in formula]
    if not texts:
        return ()
    from backprop_cli.report.legend import legend

    return legend(texts, results[0].names)


def sized(one: Differentiated) -> str:
    """The shape as people say it: in the letters of the spec where it has no numbers."""
    return show(one.shape) if one.value is None and one.shape else count(one.shape)


def _one(one: Differentiated, view: View) -> Iterator[Row | str]:
    """One derivative, as a chain of equals signs."""
    symbol = view.safe(one.symbol)
    yield f"{view.paint(symbol, 'gradient')}{INDENT}{view.paint(sized(one), 'faint')}"
    if isinstance(one.shown, Omitted):
        yield f"{INDENT}({view.safe(one.shown.why)})"
    else:
        yield from _formula(one, one.shown["text"], one.shown.get("index", ""), view)
    yield from _value(one, view)
    for defined in one.defined:
        name, formula = (view.plain(part["text"]) for part in (defined.name, defined.formula))
        yield Row(f"{INDENT}where {name}", of_source(formula))
    yield from _entries(one, view)


def _formula(one: Differentiated, text: str, index: str, view: View) -> Iterator[Row | str]:
    if one.block:
        yield Row(f"{INDENT}[{one.block}]", of_source(view.plain(text)))
        yield f"{INDENT}{view.paint('0 in all other entries', 'faint')}"
    elif text != index or not (one.rows and one.shape):
        yield Row(f"{INDENT}= ", of_source(view.plain(text)), "")
    if index and one.rows and one.shape:
        yield Row(f"{INDENT}{view.safe(one.rows['text'])}", of_source(view.plain(index)))


def _value(one: Differentiated, view: View) -> Iterator[Row | str]:
    if one.value is None:
        yield f"{INDENT}= (no numbers)"
    else:
        yield Row(f"{INDENT}= ", Array(one.value, view.digits, view.plain, "; a part: --get 'value[0]'"), "")


def _entries(one: Differentiated, view: View) -> Iterator[Row | str]:
    """Each entry's own formula, with its number."""
    if not one.entries or len(one.entries) < 2 or one.value is None:
        return
    yield ""
    names = list(one.entries)
    width = max(map(len, names))
    for name, value in zip(names, one.value.reshape(-1).tolist(), strict=True):
        text = view.plain(one.entries[name].formula.text)
        number = f"{value or 0:.{view.digits}g}"
        result = "" if text == number else f"{EQUAL} = {number}"
        yield Row(f"{INDENT}{name.ljust(width)}  ", of_source(text) + result, "")


def _facts(results: Sequence[Differentiated], view: View) -> Iterator[str]:
    seen = dict.fromkeys(fact for one in results for fact in one.facts)
    yield from (f"used: {view.safe(fact)}" for fact in seen)
    yield from (view.paint(f"notation: {view.plain(meaning)}", "faint") for meaning in legend_of(results))
    known = [one.formula.deviation for one in results if not isinstance(one.formula, Omitted)]
    found = [d for d in known if d is not None]
    if found:
        yield view.paint(LOST if math.isnan(worst(found)) else f"{EVALUATED} {worst(found):.2g}", "faint")
