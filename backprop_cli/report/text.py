"""The terminal view: the forward pass, then the reverse pass in order, as one would write it on paper.

Each node is a chain of equals signs under each other: its formula one step at a time, then its value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from backprop_cli.formulas import printed as formula_names
from backprop_cli.formulas.marks import of_source, plain
from backprop_cli.formulas.printed import READ, Named, Omitted, Printed, used_by, worst
from backprop_cli.records import replace
from backprop_cli.report.arrays import count
from backprop_cli.report.fitting import Array, Row, columns, fitted
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.result import Gradient, NodeResult, PassResult, Result

INDENT = "  "
WIDEST_NAME = 24
WIDEST_LINE = 64


def render(result: Result, view: View = READING) -> str:
    """The whole view of one spec."""
    passes = [_forward(result, view), _tangents(result, view), *_reverse(result, view)]
    sections: list[Sequence[Row | str]] = [_head(result, view), *passes, view.warned(result.warnings),
                                           _end(result, view)]  # fmt: skip
    return "\n\n".join("\n".join(fitted(section, view.width)) for section in sections if section) + "\n"


def _tangents(result: Result, view: View) -> Sequence[Row | str]:
    if result.direction is None:  # as of nearly every run
        return []
    from backprop_cli.report.tangents import section

    return section(result, view)


# ── sections ─────────────────────────────────────────────────────────────────────────────────────


def _head(result: Result, view: View) -> list[str]:
    dims = "".join(f", {view.safe(name)} = {size}" for name, size in result.dims.items())
    dtype = f", {result.dtype}" if result.dtype != "float64" else ""
    return view.heading(result.title, result.spec, (result.description or "").splitlines(), dims + dtype)


def _forward(result: Result, view: View) -> list[Row | str]:
    width = _width(view.safe(node.name) for node in result.nodes)
    chains = [_value_chain(node, width, view) for node in result.nodes]
    column = min(WIDEST_LINE + len(INDENT), max((_reaches(chain[0]) for chain in chains), default=0))
    found: list[Row | str] = [view.paint("Forward pass", "heading"), ""]
    for node, chain in zip(result.nodes, chains, strict=True):
        found += _remarked(chain, _remark(node), column + 2, view)
    return found


def _reaches(row: Row) -> int:
    """Where the first line of a row ends."""
    return columns(row.head) + len(row.whole.partition("\n")[0])


def _remark(node: NodeResult) -> str:
    return f"{node.kind} {count(node.shape)}" if node.kind != "node" else count(node.shape)


def _value_chain(node: NodeResult, width: int, view: View) -> list[Row]:
    """`z = w @ x` and, under it, `  = [1, 2]`; a leaf has its value alone."""
    steps = [of_source(view.safe(node.expression))] if node.expression is not None else []
    return _chain(view.safe(node.name).ljust(width), [*steps, _value(node.value, view)], view)


def _reverse(result: Result, view: View) -> list[list[Row | str]]:
    """One section for a single pass; else one a pass, and one for their sum."""
    if not result.passes:
        heading = f"Reverse pass, from {view.safe(result.output)} back"
        return [_pass(heading, result.output, _gradients(result), result.where, result, view)]
    total = len(result.passes)
    sections: list[list[Row | str]] = []
    for i, one in enumerate(result.passes, 1):
        heading = f"Reverse pass {i} of {total}, from {view.safe(one.output)} back"
        sections.append(_pass(heading, one.output, one.gradients, one.where, result, view))
    return [*sections, _sum(result, view)]


def _pass(heading: str, output: str, gradients: Mapping[str, Gradient], where: Iterable[Named],
          result: Result, view: View) -> list[Row | str]:  # fmt: skip
    order = [node.name for node in reversed(result.nodes) if node.name in gradients]
    names = {name: partial(output, name, view) for name in order}
    width = _width(names.values())
    found: list[Row | str] = [view.paint(heading, "heading")]
    for name, defined in with_definitions(order, gradients, where, view):
        for named in defined:
            found += ["", *_remarked(definition(named, width, view), remark_of(named, view), 0, view)]
        steps = [text for text in formulas(gradients[name], view, marked=True) if plain(text) != names[name]]
        found += ["", *_chain(names[name].ljust(width), [*steps, _value(gradients[name].value, view)], view)]
    return found


def with_definitions(
    order: Iterable[str], gradients: Mapping[str, Gradient], where: Iterable[Named], view: View
) -> Iterator[tuple[str, list[Named]]]:
    """The nodes in order, each with the δ that its formula is the first to use."""
    done: set[str] = set()
    for name in order:
        shown = [gradients[name].formula[terms] for terms in view.terms if terms in gradients[name].formula]
        defined = used_by(shown, where, done)
        done.update(named.name["code"] for named in defined)
        yield name, defined


def definition(named: Named, width: int, view: View) -> list[Row]:
    """`let δ_h = ...`, and its value."""
    left = f"let {view.plain(named.name['text'])}"
    return _chain(left.ljust(width), [view.plain(named.formula.marked("text")), _value(named.value, view)], view)


def remark_of(named: Named, view: View) -> str:
    """The part of an expression whose gradient a δ is."""
    return f"at {view.plain(named.at)}" if named.at else ""


def _sum(result: Result, view: View) -> list[Row | str]:
    """What PyTorch leaves in `.grad` after several calls of backward."""
    leaves = [node for node in result.nodes if node.kind != "node" and node.gradient is not None]
    names = [f"{view.safe(node.name)}.grad" for node in leaves]
    width = _width(names)
    found: list[Row | str] = [view.paint("Sum of the passes, which leaves accumulate", "heading"), ""]
    for node, name in zip(leaves, names, strict=True):
        value = node.gradient.value if node.gradient else None
        found += _chain(name.ljust(width), [of_source(_summands(node.name, result.passes)), _value(value, view)], view)
    return found


def _summands(name: str, passes: Iterable[PassResult]) -> str:
    return " + ".join(f"pass {i}" for i, one in enumerate(passes, 1) if name in one.gradients)


def _end(result: Result, view: View) -> list[str]:
    facts = [f"used: {view.safe(fact)}" for fact in result.facts]
    if result.passes:
        gradients = [gradient for one in result.passes for gradient in one.gradients.values()]
    else:
        gradients = [node.gradient for node in result.nodes if node.gradient is not None]
    said = [view.paint(f"notation: {view.plain(meaning)}", "faint") for meaning in legend_of(result, view)]
    return [*said, *facts, view.paint(verdict(gradients), "faint")]


def legend_of(result: Result, view: View) -> tuple[str, ...]:
    """What the signs in the formulas that are shown mean."""
    passes = result.passes or (PassResult(result.output, result.grad_output, _gradients(result), result.where),)
    shown = [formula for one in passes for gradient in one.gradients.values() for terms in terms_shown(gradient, view)
             if isinstance(formula := gradient.formula.get(terms), Printed)]  # fmt: skip
    shown += [named.formula for one in passes for named in used_by(shown, one.where)]
    shown += [node.tangent.formula for node in result.nodes if node.tangent is not None and node.tangent.formula]
    if not shown:
        return ()
    from backprop_cli.report.legend import legend

    return legend((formula.text for formula in shown), result.by_name)


def _gradients(result: Result) -> dict[str, Gradient]:
    return {node.name: node.gradient for node in result.nodes if node.gradient is not None}


def verdict(gradients: Iterable[Gradient]) -> str:
    """How many gradients there are, and how far their formulas, evaluated, are from them."""
    known = list(gradients)
    start = f"{len(known)} gradient{'s' if len(known) != 1 else ''}"
    printed = [formula for g in known for formula in g.formula.values() if isinstance(formula, Printed)]
    deviations = [formula.deviation for formula in printed if formula.deviation is not None]
    if not deviations:
        return start
    which = "every formula" if len(deviations) == len(printed) else f"{len(deviations)} of {len(printed)} formulas"
    return f"{start}; {which} evaluated: largest difference {worst(deviations):.2g}"


# ── chains ───────────────────────────────────────────────────────────────────────────────────────


def partial(output: str, name: str, view: View) -> str:
    """`∂loss/∂w`, as the formulas spell it."""
    return view.safe(formula_names.partial(output, name))


def formulas(gradient: Gradient, view: View, marked: bool = False) -> list[str]:
    """The formulas asked for, each different one once; the reason where one is left out."""
    found: dict[str, None] = {}
    for terms in terms_shown(gradient, view):
        formula = gradient.formula.get(terms)
        if isinstance(formula, Printed):
            found[view.plain(formula.marked("text")) if marked else view.formula(formula)] = None
        elif isinstance(formula, Omitted):
            found[f"({terms}: {view.safe(formula.why)})"] = None
    return list(found)


def terms_shown(gradient: Gradient, view: View) -> Iterable[str]:
    """The terms to show: one step that is written out by names is not written without them first."""
    short = gradient.formula.get("compact")
    named = view.terms == READ and isinstance(short, Printed) and short.uses
    return ("compact",) if named else view.terms


def _value(value: object, view: View) -> Array | str:
    """A value; a large one ends with what its entries are like."""
    return "(no numbers)" if value is None else Array(value, view.digits, view.plain)


def _chain(left: str, steps: Iterable[str | Array], view: View) -> list[Row]:
    """Steps joined by equals signs that stand under each other; a step equal to the one before is left out."""
    found: list[Row] = []
    for step in steps:
        head = INDENT + (view.paint(left, "gradient") if not found else " " * len(left))
        row = Row(head, step)
        if not found or row.whole != found[-1].whole:
            found.append(row)
    return found


def _remarked(chain: list[Row], remark: str, column: int, view: View) -> list[Row]:
    """A chain with a remark beside its first row, in a column of its own."""
    first = replace(chain[0], remark=remark, column=column, paint=lambda text: view.paint(text, "faint"))
    return [first, *chain[1:]]


def _width(names: Iterable[str]) -> int:
    return min(WIDEST_NAME, max(map(len, names), default=0))
