r"""The body of a LaTeX document (it needs amsmath): the forward pass and the reverse pass as align* lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from backprop_cli.formulas.marks import marked
from backprop_cli.formulas.printed import Named, Omitted, Printed
from backprop_cli.report.text import legend_of, terms_shown, with_definitions
from backprop_cli.report.texts import Row, aligned, document, prose, to_know
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.result import Gradient, NodeResult, Result


def render(result: Result, view: View = READING) -> str:
    """The body for one spec."""
    parts = [rf"\section*{{{prose(result.title or result.spec)}}}"]
    parts += [prose(result.description)] if result.description else []
    parts.append(aligned([row for node in result.nodes for row in _node(node, result)], view))
    if result.direction is not None:
        parts.append(aligned([row for node in result.nodes for row in _tangent(node, result)], view))
    if not result.passes:
        gradients = {node.name: node.gradient for node in result.nodes if node.gradient is not None}
        parts.append(_pass(result.output, gradients, result.where, result, view))
    parts += [_pass(one.output, one.gradients, one.where, result, view) for one in result.passes]
    parts.append(to_know(legend_of(result, view)))
    return document("\n".join(part for part in parts if part) + "\n", view)


def _pass(output: str, gradients: Mapping[str, Gradient], where: Iterable[Named], result: Result, view: View) -> str:
    order = [node.name for node in reversed(result.nodes) if node.name in gradients]
    rows: list[Row] = []
    for name, defined in with_definitions(order, gradients, where, view):
        for named in defined:
            rows += _chain(tex(named.name), [tex(named.formula)], named.value)
        rows += _gradient(result.notation("latex").gradient(output, name), gradients[name], view)
    return aligned(rows, view)


def tex(written: Mapping[str, str]) -> str:
    """A formula with the marks at which it may be broken; as it is, where a result was not made for this format."""
    return marked(written, "latex")


def _gradient(left: str, gradient: Gradient, view: View) -> Iterator[Row]:
    """`left &= formula`, then `&= ...` for each further step."""
    found: dict[str, None] = {}
    for terms in terms_shown(gradient, view):
        formula = gradient.formula.get(terms)
        if isinstance(formula, Printed) and tex(formula) != left:
            found[tex(formula)] = None
        elif isinstance(formula, Omitted):
            found[rf"\text{{({terms}: {prose(formula.why)})}}"] = None
    return _chain(left, found, gradient.value)


def _node(node: NodeResult, result: Result) -> Iterator[Row]:
    source = rf"\texttt{{{prose(node.expression or '')}}}"
    written = [node.definition.get("marked_latex", source)] if node.expression else []
    steps = written if written or node.value is not None else [r"\text{(no numbers)}"]
    return _chain(result.notation("latex").name(node.name), steps, node.value)


def _tangent(node: NodeResult, result: Result) -> Iterator[Row]:
    """Forward mode: how fast a node moves."""
    if node.tangent is None:
        return iter(())
    steps = [tex(node.tangent.formula)] if node.tangent.formula is not None else []
    name = result.notation("latex").name(node.name)
    return _chain(rf"\dot{{{name}}}", steps, node.tangent.value)


def _chain(left: str, steps: Iterable[str], value: Any) -> Iterator[Row]:
    """Steps under each other, and the value, unless it is what the last one says."""
    rows = [Row("", step) for step in steps]
    told = value is None or rows and value.ndim == 0 and rows[-1].right == f"{float(value):g}"
    rows += [] if told else [Row("", None, value=value)]
    for position, row in enumerate(rows):
        yield Row("" if position else left, row.right, value=row.value)
