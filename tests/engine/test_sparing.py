"""What a run of many steps does not keep is what nobody reads any more."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import Graph, build, memory, rule_of
from backprop_cli.engine.graph.nodes import Node
from backprop_cli.engine.numbers import Numbers, Words, plain
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import Op, Sample
from backprop_cli.engine.ops.samples import draw
from backprop_cli.engine.passes import plan
from backprop_cli.engine.sparing import gradients_of_their_own
from backprop_cli.tasks.calculate import Runner
from backprop_cli.tasks.leaves import load_leaves


def gradients(op: Op, sample: Sample, reads: frozenset[int] | None) -> list[Any]:
    """What the rules give; operands and result of which only the shape is read hold NaN."""
    rng = np.random.default_rng(5)
    operands, words = draw(sample, rng), Words()
    statics = {name: plain(value) for name, value in {**op.signature.parameters, **sample.parameters}.items()}
    result = op.forward(words, *operands, **statics)
    gradient = rng.normal(size=np.shape(result))[()]
    given = [value if reads is None or place in reads or value is None else value + np.nan
             for place, value in enumerate((result, *operands))]  # fmt: skip
    found = []
    for position, value in enumerate(operands):
        rule = rule_of(Node(0, "y", "node", (), op, tuple(range(len(operands))), {}), position)
        if rule is not None and value is not None:
            which = (position,) if op.signature.variadic else ()
            found.append(rule(words, *which, gradient, *given, **statics))
    return found


@pytest.mark.parametrize("name", OPS)
def test_a_rule_reads_no_more_than_it_is_said_to(name: str) -> None:
    """Rule: what a rule is found not to read (of its result and operands) does not change its gradient."""
    op = OPS[name]
    with np.errstate(all="ignore"):
        for sample in op.samples:
            parameters = {**op.signature.parameters, **sample.parameters}
            node = Node(0, "y", "node", op.shape(*sample.shapes, **parameters), op,
                        tuple(range(len(sample.shapes))), parameters)  # fmt: skip
            reads = memory._cost(node, sample.shapes, tuple(shape is not None for shape in sample.shapes)).reads
            for whole, spared in zip(gradients(op, sample, None), gradients(op, sample, reads), strict=True):
                np.testing.assert_array_equal(spared, whole)


def test_what_is_read_is_known_exactly_where_it_matters() -> None:
    """Rule: a product's rules read both operands and not the product, tanh's its result alone."""
    read = {}
    for name in ("matmul", "tanh", "add", "exp"):
        op = OPS[name]
        shapes = ((3, 3),) * len(op.signature.operands)
        node = Node(0, "y", "node", (3, 3), op, tuple(range(len(shapes))), {})
        read[name] = memory._cost(node, shapes, (True,) * len(shapes)).reads
    assert read == {"matmul": {1, 2}, "tanh": {0}, "add": frozenset(), "exp": {0}}


NETWORK = """
inputs: {x: {shape: [60, 50], init: normal}, m: [[1, 0], [0, 1]], q: {shape: [2, 4], init: normal}}
params: {W: {shape: [50, 40], init: normal, std: 0.1}, b: {shape: [40], init: normal}, V: {shape: [40], init: normal}}
nodes:
  h: relu(x @ W + b)
  s: softmax(h * V) @ h.T
  a: masked_softmax(q @ q.T, m * 1) @ q
  z: log_softmax(s, axis=1)[:, :5].reshape((5, 60)).T
  r: relu(tanh(relu(x @ W) @ W.T) @ W) @ V
  loss: sum(r) - mean(z) + sum(h[0:3] ** 2) + sum(a) + sum(broadcast_to(V, (3, 40)) * h[:3])
  other: sum(tanh(h @ V))
"""


def graph_of(spec_of: Any, extra: str = "") -> Graph:
    """The network's graph."""
    return build(spec_of(NETWORK + extra))


BACKWARD = "backward: [{output: loss}, {output: other}]\n"


@pytest.mark.parametrize("extra", ["output: loss\n", "output: loss\nhooks: {h: grad + V}\n",
                                   "output: loss\nwrt: [b]\n", BACKWARD], ids=["one", "hook", "wrt", "two passes"])
def test_a_sparing_run_gives_the_same(spec_of: Any, extra: str) -> None:
    """Rule: outputs and the gradients that are asked for are those of a run that keeps everything."""
    graph = graph_of(spec_of, extra)
    runner, leaves = Runner(graph), load_leaves(graph)
    whole = runner(leaves)
    runner.spare()
    spared = runner(leaves)
    for run in graph.passes:
        assert spared.values[run.output] == whole.values[run.output]
    for index in graph.wrt:
        np.testing.assert_array_equal(spared.gradient(index), whole.gradient(index))


def test_who_else_reads_an_array_finds_it_unchanged(spec_of: Any) -> None:
    """Rule: a sum is written over a product only where nobody else reads that, seen otherwise or as it is."""
    nodes = "{m: x @ x, r: 'reshape(m, (9,))', s: m + x, u: m * 2, v: x + x, loss: sum(r) + sum(s * u) + sum(v**2)}"
    graph = build(spec_of(f"params: {{x: {{shape: [3, 3], init: normal}}}}\nnodes: {nodes}\n"))
    runner, leaves = Runner(graph), load_leaves(graph)
    given, whole = leaves[graph.names["x"]].copy(), runner(leaves)
    runner.spare()
    spared = runner(leaves)
    np.testing.assert_array_equal(spared.gradient(graph.names["x"]), whole.gradient(graph.names["x"]))
    assert spared.values[graph.output.index] == whole.values[graph.output.index]
    np.testing.assert_array_equal(leaves[graph.names["x"]], given)


def test_a_gradient_that_is_somebody_elses_is_told(spec_of: Any) -> None:
    """Rule: a gradient handed on as it is, or spread, is no array of its own; a product, a sum of two is."""
    nodes = "{h: x @ W + B + C, p: h * F, q: D, y: sum(p) + sum(D) + sum(B), z: sum(E)}"
    names = "".join(f"  {name}: {{shape: [3, 3], init: normal}}\n" for name in "xWBCDEF")
    graph = build(spec_of(f"params:\n{names}nodes: {nodes}\noutput: y\n".replace("q: D, ", "")))
    own = gradients_of_their_own(plan(graph, Numbers(graph)))
    assert {name for name in "xWBCDEF" if graph.names[name] in own} == {"x", "W", "B", "F"}


def test_a_sparing_run_takes_less(spec_of: Any) -> None:
    """Rule: of a chain of sums, of which no rule reads a value, two or three arrays are there at once, not forty."""
    nodes = "".join(f"  n{i}: {f'n{i - 1}' if i else 'w'} + 1\n" for i in range(40))
    graph = build(spec_of(f"params: {{w: {{shape: [10000], init: normal}}}}\nnodes:\n{nodes}  y: sum(n39)\n"))
    runner, leaves = Runner(graph), load_leaves(graph)
    peaks = []
    for _ in range(2):
        tracemalloc.start()
        runner(leaves)
        peaks.append(tracemalloc.get_traced_memory()[1] // 80_000)
        tracemalloc.stop()
        runner.spare()
    assert peaks[0] >= 40
    assert peaks[1] <= 4
