"""∂output/∂leaf of a spec."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_cli.engine.graph import Graph, GraphPass, Meter, build
from backprop_cli.engine.graph.nodes import activity
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.errors import SpecError, UsageError
from backprop_cli.formulas.printed import Omitted, Printed, partial
from backprop_cli.language.expression import parse
from backprop_cli.language.model import Spec
from backprop_cli.language.source import inline
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.records import dataclass, replace
from backprop_cli.tasks.diagnose import kinks_of
from backprop_cli.tasks.jacobian.numbers import Rows, itemsize
from backprop_cli.tasks.jacobian.results import Differentiated, Entry
from backprop_cli.tasks.leaves import DEFAULT_MAX_BYTES, has_numbers, load_leaves
from backprop_cli.tasks.result import Warned

if TYPE_CHECKING:
    from backprop_cli.formulas.jacobian import Reverse
    from backprop_cli.formulas.linear.place import Place

WRITTEN_OUT = 16
"""A Jacobian of up to so many entries has each entry's own formula."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to differentiate by, and how."""

    wrt: tuple[str, ...] = ()
    formulas: bool = True
    max_bytes: int = DEFAULT_MAX_BYTES


def jacobians(spec: Spec, wanted: Wanted) -> Iterator[Differentiated]:
    """The Jacobian of the output by each leaf or node asked for; by the params where none is.

    Raises:
        SpecError: what is wrong with the spec; E017 where the output depends on nothing that is asked for.
        UsageError: E023 for a name that the output does not depend on.
    """
    graph = build(seeded(spec))
    names = asked_names(graph, wanted)
    graph = between(graph, names)
    rows = Rows.of(graph, load_leaves(graph, wanted.max_bytes)) if has_numbers(graph) else None
    reverse = going_back(graph, rows, graph.passes[0])
    warnings = warned(graph, rows)
    for name in names:
        yield replace(one_jacobian(graph, rows, name, wanted, reverse), warnings=warnings)


def seeded(spec: Spec) -> Spec:
    """The spec going back from its output with any seed; several passes have no one Jacobian.

    Raises:
        UsageError: E026 for a spec of several passes.
    """
    if spec.backward:
        raise UsageError("E026", "a spec with 'backward' passes has several outputs", hint="choose one: --output NAME")
    return replace(spec, grad_output="ones", grad_output_at=None, hooks={})


def asked_names(graph: Graph, wanted: Wanted) -> tuple[str, ...]:
    """What to differentiate by: what is asked for, and otherwise every leaf that the spec's `wrt` names.

    Raises:
        UsageError: E023, E017.
    """
    for name in wanted.wrt:
        check_name(graph, name)
    return wanted.wrt or tuple(graph.nodes[i].name for i in sorted(graph.wrt & graph.active))


def between(graph: Graph, names: Iterable[str]) -> Graph:
    """The graph that goes back from its output to these names alone, through what lies between."""
    wrt = frozenset(graph.names[name] for name in names)
    return replace(graph, wrt=wrt, active=activity(graph.nodes, wrt, [run.output for run in graph.passes]))


def warned(graph: Graph, rows: Rows | None) -> tuple[Warned, ...]:
    """Where the graph that is gone back through has no derivative, and what was taken for it."""
    return () if rows is None else tuple(dict.fromkeys(kinks_of(graph, rows.values)))


def check_name(graph: Graph, name: str) -> None:
    """What is differentiated by exists, and the output depends on it.

    Raises:
        UsageError: E023.
    """
    if name not in graph.names:
        near = did_you_mean(name, graph.names) or f"there are {', '.join(list(graph.names)[:8])}"
        raise UsageError("E023", f"no node is called {name!r}", hint=near)
    if graph.names[name] not in graph.active:
        raise UsageError("E017", f"the output {graph.output_name!r} does not depend on {name!r} through anything "
                         "differentiable")  # fmt: skip


def going_back(graph: Graph, rows: Rows | None, run: GraphPass) -> Callable[[], Reverse]:
    """The reverse pass in formulas, done when it is first asked for, and once."""

    @cache
    def reverse() -> Reverse:
        from backprop_cli.formulas.jacobian import Reverse  # imports sympy

        return Reverse.of(graph, None, run) if rows is None else Reverse.of(graph, rows.values, run, rows.passes())

    return reverse


def one_jacobian(graph: Graph, rows: Rows | None, name: str, wanted: Wanted,
                 reverse: Callable[[], Reverse]) -> Differentiated:  # fmt: skip
    """The Jacobian by one leaf or node."""
    index = graph.names[name]
    shape = (*graph.output.shape, *graph.nodes[index].shape)
    value = None if rows is None else rows.jacobian(index, wanted.max_bytes)
    found = Differentiated(
        graph.spec.source.file, graph.spec.title, "jacobian", partial(graph.output_name, name), graph.output_name, name,
        shape, value, Omitted("not asked for"), dims={k: int(v) for k, v in graph.spec.dims.items()},
        names=tuple(graph.names),
    )  # fmt: skip
    if not wanted.formulas:
        return found
    run = graph.passes[0]
    return with_formula(found, reverse(), rows, index, wanted.max_bytes,
                        lambda place: place.of_jacobian(run.name, name, graph.names))  # fmt: skip


def with_formula(found: Differentiated, reverse: Reverse, rows: Rows | None, index: int, max_bytes: int,
                 named: Callable[[Place], Mapping[str, str]]) -> Differentiated:  # fmt: skip
    """With the formula, evaluated back where there are numbers; `named` says what an entry is of."""
    from backprop_cli.formulas.jacobian import jacobian_formula  # imports sympy

    written = jacobian_formula(reverse, index, WRITTEN_OUT)
    formula = written.formula
    if isinstance(formula, Printed) and rows is not None and found.value is not None:
        formula = evaluated(formula, rows, found.value, max_bytes)
    if isinstance(formula, Omitted):
        return replace(found, formula=formula)
    entries = {_at(place): Entry(named(place), one) for place, one in written.entries.items()}
    return replace(found, formula=formula, block=written.block, facts=written.facts, entries=entries,
                   rows=named(written.rows) if written.rows else {}, brief=written.brief,
                   where=written.where)  # fmt: skip


def _at(place: Place) -> str:
    at = ",".join((*place.output, *place.leaf))
    return f"[{at}]" if at else ""


def evaluated(formula: Printed, rows: Rows, value: Array, max_bytes: int) -> Printed | Omitted:
    """With its deviation, where there is room to find it; what the language would not read back is no formula."""
    try:
        return replace(formula, deviation=deviation(rows, formula.code, value, max_bytes))
    except SpecError as error:
        if error.code != "E016":
            raise
        return Omitted("it is longer than an expression may be; see --vector")


def deviation(rows: Rows, code: str, value: Array, max_bytes: int) -> float | None:
    """How far the printed code, read back and evaluated, is from the value; None where that takes too much memory."""
    from backprop_cli.engine.interpret import Scope, interpret

    graph, text = rows.graph, inline(code, "<formula>")
    parsed, meter = parse(text), Meter()

    def scope(of: Callable[[int], Any]) -> Scope:
        return Scope(text, lambda name: of(graph.names[name]) if name in graph.names else None, dims=graph.spec.dims)

    interpret(parsed, scope(lambda index: graph.nodes[index].shape), meter)
    if rows.run + value.nbytes + itemsize(graph) * meter.peak > max_bytes:
        return None
    with np.errstate(all="ignore"):
        found = interpret(parsed, scope(rows.values.__getitem__), rows.meaning)
        return _distance(np.asarray(found), np.asarray(value)) if np.shape(found) == np.shape(value) else math.inf


BLOCK = 1 << 18
"""Entries that are compared at once."""


def _distance(found: Array, value: Array) -> float:
    """The largest where there is a value, relative to the largest finite entry.

    A few rows at a time, as a difference takes as much as both.
    """
    step = max(1, BLOCK * len(value) // value.size) if value.ndim and value.size else 0
    parts = [slice(start, start + step) for start in range(0, len(value), step)] if step else [...]
    worst = np.max([_apart(found[part], value[part]) for part in parts], axis=0, initial=0)
    return float(worst[0] / max(1.0, worst[1]))


def _apart(found: Array, value: Array) -> tuple[float, float]:
    """How far one is from the other, and the largest."""
    difference = np.abs(found - value)
    if not np.isfinite(value).all():
        difference = np.where((found == value) | np.isnan(value), 0, difference)
        value = value[np.isfinite(value)]
    return np.max(difference, initial=0), np.max(np.abs(value), initial=0)
