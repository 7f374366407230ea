"""A Jacobian or Hessian, checked: each row against central differences of that entry, the formula read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, build
from backprop_cli.errors import SpecError
from backprop_cli.formulas.printed import Omitted, Printed, partial
from backprop_cli.language.model import Spec
from backprop_cli.tasks.calculate import load_leaves
from backprop_cli.tasks.checks.differences import Perturbed
from backprop_cli.tasks.checks.printed import PrintedBack
from backprop_cli.tasks.checks.report import BUDGET, verdict
from backprop_cli.tasks.checks.results import CheckReport, CheckResult
from backprop_cli.tasks.jacobian.hessian import gradient_of, scalar_graph, second
from backprop_cli.tasks.jacobian.jacobian import Wanted, check_name, seeded
from backprop_cli.tasks.jacobian.numbers import Rows


def check_jacobian(spec: Spec, wanted: Wanted) -> CheckReport:
    """The Jacobian of the output by what is asked for, in float64."""
    graph = build(seeded(replace(spec, dtype="float64")))
    return _report(spec, list(_checked(graph, _names(graph, wanted), wanted, "")))


def check_hessian(spec: Spec, wanted: Wanted) -> CheckReport:
    """The Hessian of the output by what is asked for, in float64: each row against differences of the gradient."""
    spec = replace(spec, dtype="float64")
    graph = scalar_graph(spec)
    found: list[CheckResult] = []
    for name in _names(graph, wanted):
        try:
            twice = build(gradient_of(spec, graph, name, wanted).spec)
        except SpecError as error:  # a gradient that is constant: there is nothing to go wrong
            if error.code != "E017":
                raise
            continue
        if twice.names[name] in twice.active:
            found += _checked(twice, (name,), wanted, second(graph.output_name, name, name))
    return _report(spec, found)


def _names(graph: Graph, wanted: Wanted) -> tuple[str, ...]:
    for name in wanted.wrt:
        check_name(graph, name)
    leaves = [node for node in graph.nodes if node.is_leaf and node.kind == "param" and node.index in graph.active]
    return wanted.wrt or tuple(node.name for node in leaves)


def _report(spec: Spec, results: list[CheckResult]) -> CheckReport:
    return CheckReport(spec.source.file, spec.title, tuple(results))


def _checked(graph: Graph, names: tuple[str, ...], wanted: Wanted, kind: str) -> Iterator[CheckResult]:
    """The formula once, and every row."""
    rows = Rows.of(graph, load_leaves(graph, wanted.max_bytes))
    perturbed = Perturbed(graph, rows.values)
    for name in names:
        node = graph.nodes[graph.names[name]]
        value = rows.jacobian(node.index, wanted.max_bytes)
        symbol = kind or partial(graph.output_name, name)
        if wanted.formulas:
            yield from _formula(graph, rows, node.index, value, symbol)
        shape = tuple(map(int, graph.output.shape))
        budget = BUDGET / max(1, len(names) * int(np.prod(shape)))
        for position in np.ndindex(*shape):
            seed: Any = np.zeros(shape)
            seed[position] = 1
            row = value[position]
            answer = perturbed.answer(node.index, graph.output.index, seed[()], row, budget)
            found = verdict(graph, node, graph.output_name, row, [answer])
            at = f"[{','.join(map(str, position))}]" if position else ""
            yield replace(found, node=symbol + at)


def _formula(graph: Graph, rows: Rows, index: int, value: Any, symbol: str) -> Iterator[CheckResult]:
    from backprop_cli.formulas.jacobian import jacobian_formula  # imports sympy

    written = jacobian_formula(graph, rows.values, graph.passes[0], index, 0).formula
    if isinstance(written, Omitted):
        return
    back = PrintedBack(graph, rows.values, [value])
    formula: dict[str, Printed | Omitted] = {"nodes": written}
    found = verdict(graph, graph.nodes[index], graph.output_name, value, [back.answer(formula, value)])
    yield replace(found, node=symbol)
