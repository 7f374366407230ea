"""The engine: one forward and one reverse pass, generic in the meaning."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.numbers import DIRECT, Numbers, Words, summed_to
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.passes import backward, forward, plan
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.leaves import load_leaves
from tests.draws import seeded, several

Read = Callable[[str], Any]

DIAMOND = "params: {a: 2.0}\nnodes: {b: 3*a, c: b + b**2, d: b*c, e: c + d}\n"


def graph_of(read: Read, text: str) -> Graph:
    """The graph of a spec."""
    return build(read(text))


class Paths:
    """A meaning in which a value is a number of operations, and a gradient the number of paths to the output."""

    def __init__(self, *, watched: bool = False) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.arrive = self._arrive if watched else None

    def constant(self, value: Any) -> int:
        """A literal takes no operation."""
        return 0

    def bind(self, op: Any, parameters: Any) -> Callable[..., int]:
        """An op is one operation more than its operands."""
        return lambda *operands: 1 + sum(operands)

    def rule(self, op: Any, position: int, parameters: Any) -> Callable[..., int]:
        """Every edge hands on all paths."""
        return lambda g, y, *operands: g

    def product(self, rule: Any) -> None:
        """The rules are called."""

    def unbroadcast(self, gradient: int, shape: Any) -> int:
        """Nothing to sum."""
        return gradient

    def _arrive(self, node: Any, gradient: int) -> int:
        self.seen.append((node.name, gradient))
        return gradient


def test_the_passes_are_generic_in_the_meaning(spec_of: Read) -> None:
    """A meaning with neither numbers nor formulas counts the paths from each node to the output."""
    graph = graph_of(spec_of, DIAMOND)
    meaning: Any = Paths()
    steps = plan(graph, meaning)
    values = forward(graph, steps, meaning, {graph.names["a"]: 0})
    gradients = backward(graph, steps, meaning, values, graph.names["e"], 1)
    paths = {name: gradients[index] for name, index in graph.names.items()}
    assert paths == {"e": 1, "d": 1, "c": 2, "b": 5, "a": 5}  # b: one path by d, two more by each of its two uses in c
    assert values[graph.names["b"]] == 1


def test_a_gradient_arrives_once_and_whole(spec_of: Read) -> None:
    """`arrive` sees each node after its last consumer has contributed, and each node once."""
    graph = graph_of(spec_of, DIAMOND)
    meaning: Any = Paths(watched=True)
    steps = plan(graph, meaning)
    values = forward(graph, steps, meaning, {graph.names["a"]: 0})
    backward(graph, steps, meaning, values, graph.names["e"], 1)
    named = [(name, gradient) for name, gradient in meaning.seen if name in graph.names]
    assert named == [("e", 1), ("d", 1), ("c", 2), ("b", 5), ("a", 5)]


def test_leaves_are_not_copied(spec_of: Read) -> None:
    """The arrays of the leaves are used as they are."""
    graph = graph_of(spec_of, "params: {w: [[1.0, 2.0]]}\nnodes: {y: sum(w * w)}\n")
    leaves = load_leaves(graph)
    computed = compute(graph, leaves)
    assert computed.values[graph.names["w"]] is leaves[graph.names["w"]]


def test_what_flows_on_is_what_the_hook_says(spec_of: Read) -> None:
    """A hook replaces the whole gradient of its node, after fan-out was added up, before it flows on."""
    text = "params: {a: 2.0}\nnodes: {b: 3*a, c: b + b**2}\nhooks: {b: 10*grad}\n"
    graph = graph_of(spec_of, text)
    computed = compute(graph, load_leaves(graph))
    assert computed.gradient(graph.names["b"]) == 10 * (1 + 2 * 6)
    assert computed.gradient(graph.names["a"]) == 3 * 10 * (1 + 2 * 6)


@pytest.mark.parametrize("name", DIRECT)
def test_a_direct_binding_is_the_op(name: str) -> None:
    """What the engine binds to numpy directly gives what the registry's forward gives, on numbers of either kind."""
    words, op = Words(), OPS[name]
    for values in (np.array([0.3, 0.8]), np.float64(0.6), np.array([[0.2, 0.5], [0.9, 0.1]])):
        if name != "matmul" or values.ndim:
            operands = (values,) * len(op.signature.operands)
            np.testing.assert_allclose(DIRECT[name](*operands), op.forward(words, *operands), rtol=1e-15)


@pytest.mark.parametrize("x", [-745.0, -30.0, -0.5, 0.0, 0.5, 40.0, 745.0, np.inf, -np.inf, np.nan])
def test_a_scalar_takes_the_same_sigmoid(x: float) -> None:
    """The short way of a scalar gives what the array's way gives."""
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(DIRECT["sigmoid"](np.float64(x)), DIRECT["sigmoid"](np.array([x]))[0], rtol=4e-16)


@seeded(200)
def test_unbroadcasting_is_the_adjoint_of_broadcasting(draw: Random, spec_of: Read) -> None:
    """<G, broadcast x> = <unbroadcast G, x> for every G and x, and any shape that broadcasts to another."""
    wide = tuple(several(draw, lambda: draw.randint(1, 3), 4))
    narrow = tuple(draw.choice((size, 1)) for size in wide[draw.randint(0, len(wide)) :])
    numbers = np.random.default_rng(0)
    g, x = np.asarray(numbers.normal(size=wide)), np.asarray(numbers.normal(size=narrow))
    for back in (summed_to(g, narrow), Numbers(graph_of(spec_of, DIAMOND)).unbroadcast(g, narrow)):
        assert np.shape(back) == narrow
        np.testing.assert_allclose(np.sum(g * np.broadcast_to(x, wide)), np.sum(back * x), rtol=1e-12, atol=1e-12)


def test_all_nodes_of_an_op_share_its_rule(spec_of: Read) -> None:
    """A long graph holds one bound rule for each op and operand, not one for each node."""
    graph = graph_of(spec_of, DIAMOND)
    meaning = Numbers(graph)
    assert meaning.rule(OPS["add"], 0, {}) is meaning.rule(OPS["add"], 0, {})
    assert meaning.rule(OPS["add"], 0, {}) is not meaning.rule(OPS["add"], 1, {})
