"""A Jacobian or Hessian, checked: each row against central differences of that entry, the formula read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_cli.engine.graph import Graph, build
from backprop_cli.formulas.printed import Omitted, Printed, partial
from backprop_cli.language.model import Spec
from backprop_cli.records import dataclass, replace
from backprop_cli.tasks.checks.perturbed import Perturbed
from backprop_cli.tasks.checks.printed import PrintedBack
from backprop_cli.tasks.checks.report import BUDGET, verdict
from backprop_cli.tasks.checks.results import CheckReport, CheckResult
from backprop_cli.tasks.checks.rowwise import rows_answers
from backprop_cli.tasks.jacobian.hessian import Twice, second
from backprop_cli.tasks.jacobian.jacobian import Wanted, asked_names, between, going_back, seeded
from backprop_cli.tasks.jacobian.numbers import Rows
from backprop_cli.tasks.leaves import load_leaves

if TYPE_CHECKING:
    from backprop_cli.formulas.jacobian import Reverse


COMPARED, READ_BACK = 3, 7
"""Arrays of a Jacobian's size that its rows are compared in, and that its formula is read back and compared in."""


def check_jacobian(spec: Spec, wanted: Wanted) -> CheckReport:
    """The Jacobian of the output by what is asked for, in float64."""
    graph = build(seeded(replace(spec, dtype="float64")))
    names = asked_names(graph, wanted)
    graph = between(graph, names)
    rows = Rows.of(graph, load_leaves(graph, wanted.max_bytes))
    work = _Checked(graph, rows, wanted, BUDGET / len(names))
    formula = Formula(graph, rows, going_back(graph, rows, graph.passes[0]))
    results = [found for name in names for found in work.one(name, partial(graph.output_name, name), formula)]
    return _report(spec, results, "Jacobian")


def check_hessian(spec: Spec, wanted: Wanted) -> CheckReport:
    """The Hessian of the output by each pair asked for, in float64: rows against differences of the gradient.

    The gradient is the one of the reverse pass, so that a formula that fits the point alone is found out.
    """
    spec = replace(spec, dtype="float64")
    twice = Twice.of(spec, wanted)
    found: list[CheckResult] = []
    pairs = list(combinations_with_replacement(twice.names, 2))
    for first, other in pairs:
        numbers = twice.traced_back(first)
        if numbers is None or not twice.moves(numbers, other):  # a gradient that is constant: nothing to go wrong
            continue
        assert numbers.rows is not None
        work = _Checked(numbers.graph, numbers.rows, wanted, BUDGET / len(pairs))
        formula = _written(twice, first, other) if wanted.formulas else None
        found += work.one(other, second(twice.graph.output_name, first, other), formula)
    return _report(spec, found, "Hessian")


def _written(twice: Twice, first: str, other: str) -> Formula | None:
    whole = twice.by_formula(first)
    if whole is None or whole.rows is None or not twice.moves(whole, other):
        return None
    return Formula(whole.graph, whole.rows, lambda: twice.reverse(first))


def _report(spec: Spec, results: list[CheckResult], unit: str) -> CheckReport:
    return CheckReport(spec.source.file, spec.title, tuple(results), unit=unit)


@dataclass(frozen=True, slots=True)
class Formula:
    """Where a formula comes from: a graph, which may write the same output in other nodes, and its values."""

    graph: Graph
    rows: Rows
    reverse: Callable[[], Reverse]


@dataclass(slots=True)
class _Checked:
    """The output of a graph, row by row."""

    graph: Graph
    rows: Rows
    wanted: Wanted
    budget: float

    def one(self, name: str, symbol: str, formula: Formula | None) -> Iterator[CheckResult]:
        """The formula once, and every row."""
        graph, index = self.graph, self.graph.names[name]
        is_read_back = self.wanted.formulas and formula is not None
        value = self.rows.jacobian(index, self.wanted.max_bytes, READ_BACK if is_read_back else COMPARED)
        if self.wanted.formulas and formula is not None:
            yield from _formula(formula, name, value, symbol)
        perturbed = Perturbed(graph, self.rows.values)
        answers = rows_answers(perturbed, index, graph.output.index, value, self.budget)
        for position, answer in zip(np.ndindex(*map(int, graph.output.shape)), answers, strict=True):
            row = value[position]
            found = verdict(graph, graph.nodes[index], graph.output_name, row, [answer])
            at = f"[{','.join(map(str, position))}]" if position else ""
            yield replace(found, node=symbol + at, unit="row")


def _formula(formula: Formula, name: str, value: Any, symbol: str) -> Iterator[CheckResult]:
    from backprop_cli.formulas.jacobian import jacobian_formula  # imports sympy

    graph, rows = formula.graph, formula.rows
    index = graph.names[name]
    written = jacobian_formula(formula.reverse(), index, 0).formula
    if isinstance(written, Omitted):
        return
    back = PrintedBack(graph, rows.values, [value])
    formulas: dict[str, Printed | Omitted] = {"nodes": written}
    found = verdict(graph, graph.nodes[index], graph.output_name, value, [back.answer(formulas, value)])
    yield replace(found, node=symbol)
