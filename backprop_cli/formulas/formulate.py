"""The formulas of a run: of each backward pass, and of the gradients that add up over the passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Add

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.formulas.algebra.expr import Delta, GradSymbol, symbols_of
from backprop_cli.formulas.algebra.tidy import tidy
from backprop_cli.formulas.algebra.work import at_work
from backprop_cli.formulas.formulation import Formulation, Notes
from backprop_cli.formulas.printed import NOTATIONS as SHOWN
from backprop_cli.formulas.printed import Omitted, PassFormulas, Printed
from backprop_cli.formulas.symbols import Trial
from backprop_cli.formulas.tensors import Derived


def formulate(
    graph: Graph,
    values: Sequence[Array] | None,
    passes: Sequence[Sequence[Array]] | None,
    terms: tuple[str, ...],
    notations: tuple[str, ...] = SHOWN,
    anonymous: bool = False,
    only: frozenset[int] | None = None,
    moving: frozenset[int] | None = None,
    trial: Trial | None = None,
) -> tuple[list[PassFormulas], PassFormulas, Notes]:
    """Each pass's formulas, those of the accumulated gradients, and what to know of them.

    `only` limits the printing to some nodes; formulas are derived for all of them, since they build on each other.
    `moving` are the leaves by which they will be differentiated again, `trial` numbers at which formulas for any
    numbers have to be right (see `symbols`).
    """
    trial = trial or (None if values is None else Trial(values, passes or ()))
    work = Formulation(graph, terms, notations, values, moving, trial)
    shown = frozenset(
        n.index for n in graph.nodes if (anonymous or not n.anonymous) and (only is None or n.index in only)
    )
    with at_work(work.symbols.facts.work):
        derived = [work.derived(run) for run in graph.passes]
        printed = [work.printed(d, passes[i] if passes else None, shown) for i, d in enumerate(derived)]
        total = printed[-1] if len(derived) == 1 else _accumulated(work, derived, printed, passes, shown)
    return printed, total, work.notes


def _accumulated(
    work: Formulation,
    derived: list[Derived],
    printed: list[PassFormulas],
    passes: Sequence[Sequence[Array]] | None,
    shown: frozenset[int],
) -> PassFormulas:
    """Leaf gradients add up over the passes; any other node keeps the last pass's."""
    result: dict[int, Mapping[str, Printed | Omitted]] = dict(printed[-1])
    for node in work.graph.nodes:
        parts = [i for i, d in enumerate(derived) if node.index in {*d.nodes, *d.local, *d.compact}]
        if node.is_leaf and node.index in shown and parts:
            result[node.index] = (
                printed[parts[0]][node.index]
                if len(parts) == 1
                else {term: _sum_of(work, term, node.index, [derived[i] for i in parts], passes) for term in work.terms}
            )
    return PassFormulas(result, printed[-1].where)


def _sum_of(
    work: Formulation, term: str, index: int, derived: list[Derived], passes: Sequence[Sequence[Any]] | None
) -> Printed | Omitted:
    exprs = [{"local": d.local, "compact": d.whole}.get(term, d.nodes)[index] for d in derived]
    last = {*derived[-1].gradients.values(), *derived[-1].where}
    if any({s for s in symbols_of(expr) if isinstance(s, (GradSymbol, Delta))} - last for expr in exprs):
        return Omitted("the gradients of several passes add up; see passes")
    total = tidy(Add(*exprs), work.symbols.facts)
    merged = Derived(work.symbols, derived[-1].run, {index: total}, {index: total}, compact={index: total})
    summed = None
    if passes is not None:
        summed = list(passes[-1])
        summed[index] = sum(p[index] for p in passes if p[index] is not None)
    return work.printed(merged, summed, frozenset({index}))[index][term]
