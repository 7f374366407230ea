"""Updates as a sheet: the rule, each param's lines with its numbers and state, the loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from backprop_cli.formulas.printed import partial
from backprop_cli.report.sheets import Equation, Section, Sheet, Table
from backprop_cli.report.stepped import plot
from backprop_cli.report.stepped.text import legend_of, parameters_of
from backprop_cli.report.view import View
from backprop_cli.tasks.stepping.results import Assignment, Stepped, Trace, Update


def sheet(result: Stepped, view: View) -> Sheet:
    """The page of one spec."""
    rule = Section(f"{result.rule}: {parameters_of(result)}", tuple(_assigned(result.general)))
    where = tuple(Equation(one.name, (one.formula,), one.value) for one in result.where)
    sections = [rule, *([Section("where", where)] if where else []),
                *(_update(result, one, view) for one in result.params), _loss(result, view)]  # fmt: skip
    warnings = tuple(f"{one.node}: {one.message}" for one in result.warnings)
    return Sheet(result.title or result.spec, result.spec, tuple(sections), warnings, legend_of(result))


def _assigned(lines: Sequence[Assignment]) -> Iterator[Equation]:
    for one in lines:
        put_in = (one.substituted,) if one.substituted is not None else ()
        if not one.entry:
            yield Equation(one.left, (one.formula, *put_in), sign="←")
            continue
        yield Equation(one.left, (one.formula,), sign="←")
        yield Equation(_at(one), put_in, sign="←")


def _at(one: Assignment) -> Mapping[str, str]:
    """An entry of what a line is for: w[0,0]."""
    from backprop_cli.formulas.notation import NOTATIONS

    at = [*map(str, one.entry)]
    return {name: NOTATIONS[name].at(one.left[name], at) for name in ("text", "latex", "mathml")}


def _update(result: Stepped, update: Update, view: View) -> Section:
    if not update.lines:
        return Section(update.name, notes=(f"stays: {result.output} does not depend on it",))
    from backprop_cli.formulas.notation import notation_of

    latex, mathml = (notation_of(name, result.names) for name in ("latex", "mathml"))
    gradient = []
    if update.gradient_formula is not None:
        left = {"text": partial(result.output, update.name), "latex": latex.gradient(result.output, update.name),
                "mathml": mathml.gradient(result.output, update.name)}  # fmt: skip
        gradient = [Equation(left, (update.gradient_formula,), update.gradient)]
    count = result.history[-1].step
    said = f" after {count} step{'s' if count != 1 else ''}"
    moved = {"text": update.name + said, "latex": rf"{latex.name(update.name)} \text{{{said}}}",
             "mathml": f"{mathml.name(update.name)}<mtext>{said.replace(' ', chr(160))}</mtext>"}  # fmt: skip
    after = Equation(moved, (), update.new)
    tables = tuple(_table(trace, view) for trace in update.traces if update.state and result.steps > 1)
    return Section(update.name, (*gradient, *_assigned(update.lines), after), tables=tables)


def _table(trace: Trace, view: View) -> Table:
    keys = tuple(trace.rows[0].values) if trace.rows else ()
    rows = tuple((str(row.step), *(f"{row.values[key]:.{view.digits}g}" for key in keys)) for row in trace.rows)
    return Table(("step", *(trace.heads[key] for key in keys)), rows)


def _loss(result: Stepped, view: View) -> Section:
    rows = tuple((str(m.step), f"{m.loss:.{view.digits}g}") for m in result.recorded)
    picture = plot.render(result) if result.history[-1].step > 1 else ""
    return Section(result.output, tables=(Table(("step", result.output), rows),), picture=picture)
