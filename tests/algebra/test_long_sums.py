"""A sum of many terms is one step of the reverse pass of formulas; what each part of it gets is known all the same."""

from __future__ import annotations

from pathlib import Path

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.passes import plan
from backprop_cli.formulas.algebra.expr import symbols_of
from backprop_cli.formulas.long_sums import taken_at_once
from backprop_cli.formulas.symbols import symbols
from backprop_cli.formulas.tensors import Formulas, derive
from backprop_cli.language.reader import read_spec

SPEC = """
params: {a: 1, b: 2, c: 3, d: [1, 2]}
nodes:
  n: sin(a + b + c + a)
  m: sum((a + b)**2 + (d + c) + b)
  y: n*m
"""


def graph_of(text: str) -> Graph:
    """The graph of a spec."""
    return build(read_spec(text.encode(), "spec.yaml", folder=Path()))


def test_a_sum_is_one_step_of_the_pass() -> None:
    """Its outermost node takes the terms of the others; a part that has two users stays by itself."""
    graph = graph_of(SPEC)
    made = symbols(graph)
    steps, within = taken_at_once(plan(graph, Formulas(made, graph.passes[0], chained=False)), made.parts)
    sums = [(len(step.edges), len(within.get(step.place, ()))) for step in steps if step.node.op.name == "add"]
    assert sorted(sums) == [(2, 0), (3, 1), (4, 2)]  # a + b, which is squared, too; ... + c + a; ... + (d + c) + b
    assert len(steps) + sum(map(len, within.values())) == sum(1 for node in graph.nodes if node.op is not None)


def test_a_sum_is_defined_once_by_all_its_terms() -> None:
    """Rule: what is remembered of a sum is what it adds up, also twice; its parts are nothing by themselves."""
    graph = graph_of(SPEC)
    made = symbols(graph)
    assert len(made.parts) == 3
    assert made.parts.isdisjoint(made.definitions)
    a, b, c = (made.nodes[graph.names[name]].expr for name in "abc")
    assert made.fold(made.definitions[graph.names["n"]]).args == (2 * a + b + c,)


def test_every_part_of_a_sum_has_its_gradient() -> None:
    """The one that the whole sum has; its terms add up what they get."""
    graph = graph_of(SPEC)
    made = symbols(graph)
    derived = derive(made, graph.passes[0])
    assert made.within
    for table in (derived.local, derived.nodes):
        assert all(table[part] == table[outer] for outer, parts in made.within.items() for part in parts)
    used = symbols_of(derived.nodes[graph.names["c"]])
    assert {"m", "n"} <= {symbol.name for symbol in used}  # once by the sine, once by the sum
