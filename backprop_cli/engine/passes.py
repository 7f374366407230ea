"""The forward and the reverse pass, generic in the meaning: numbers, formulas, entries.

A meaning gives `bind(op, parameters)` (the op as a callable), `rule(op, position, parameters)` (its VJP),
`constant`, `unbroadcast`, `times` and `arrive`, which sees each node's whole gradient once all its consumers have
contributed; what it returns is what flows on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from backprop_cli.engine.graph import Graph, Node, rule_of
from backprop_cli.engine.ops import Op
from backprop_cli.engine.ops.base import Factor
from backprop_cli.engine.reverse import Edge, Step, go_back
from backprop_cli.language.model import Shape

V = TypeVar("V")


class Meaning(Protocol[V]):
    """What the passes need to know of a reading of the language."""

    def constant(self, value: Any) -> V:
        """The value of a literal."""

    def bind(self, op: Op, parameters: Mapping[str, object]) -> Callable[..., V]:
        """The op as a function of its operands."""

    def rule(self, op: Op, position: int, parameters: Mapping[str, object]) -> Callable[..., V]:
        """The VJP for one operand as a function of (g, y, *operands)."""

    def unbroadcast(self, gradient: V, shape: Shape) -> V:
        """A gradient summed back to the shape of a broadcast operand."""

    def product(self, rule: Factor) -> Callable[[V, V], V] | None:
        """What a `Factor` makes of a gradient and the one value that it reads; None: it is called as any other rule."""

    @property
    def arrive(self) -> Callable[[Node, V], V] | None:
        """Called with a node and its whole gradient; what it returns flows on.  None: each flows on as it is."""


def plan(graph: Graph, meaning: Meaning[V]) -> list[Step]:
    """The computed nodes in order, with their rules bound to the meaning."""
    return [_step(graph, node, node.op, meaning) for node in graph.nodes if node.op is not None]


def _step(graph: Graph, node: Node, op: Op, meaning: Meaning[V]) -> Step:
    index, inputs, active = node.index, node.inputs, graph.active
    places = enumerate(inputs if index in active else ())
    edges = [_edge(graph, node, op, place, meaning) for place, operand in places if operand in active]
    left, right = (*inputs, None)[:2] if 0 < len(inputs) < 3 else (None, None)
    apply = meaning.bind(op, node.parameters)
    return Step(node, index, apply, inputs, tuple([edge for edge in edges if edge]), left, right)


def _edge(graph: Graph, node: Node, op: Op, position: int, meaning: Meaning[V]) -> Edge | None:
    operand, rule = node.inputs[position], rule_of(node, position)
    if rule is None:
        return None
    shape = graph.nodes[operand].shape
    narrow = shape if op.broadcasts and shape != node.shape else None
    product = meaning.product(rule) if isinstance(rule, Factor) else None
    if product is None:
        return operand, meaning.rule(op, position, node.parameters), None, narrow
    if rule.place is None:
        return operand, None, None, narrow
    return operand, product, (node.index, *node.inputs)[rule.place], narrow


def forward(graph: Graph, steps: Sequence[Step], meaning: Meaning[V], leaves: Mapping[int, V]) -> list[V]:
    """Every node's value, by index."""
    return go_on(steps, literals(graph, meaning), leaves)


def literals(graph: Graph, meaning: Meaning[V]) -> list[Any]:
    """The constants in their places, and None for all other nodes: what every forward pass begins with."""
    return [meaning.constant(node.value) if node.op is None and node.leaf is None else None for node in graph.nodes]


def go_on(steps: Sequence[Step], values: list[Any], leaves: Mapping[int, V]) -> list[Any]:
    """The values of all nodes, written into a list that has the constants."""
    for index, leaf in leaves.items():
        values[index] = leaf
    for step in steps:
        left, right, spent = step.left, step.right, step.spent
        if left is None:
            values[step.place] = step.apply(*step.operands(values))
        elif right is None:
            values[step.place] = step.apply(values[left])
        else:
            values[step.place] = step.apply(values[left], values[right])
        if spent:
            for index, in_its_place in spent:
                values[index] = in_its_place
    return values


def backward(
    graph: Graph, steps: Sequence[Step], meaning: Meaning[V], values: Sequence[object], output: int, seed: V
) -> list[Any]:
    """Every active node's gradient, by index: each consumer contributes, then the node passes its whole gradient on."""
    gradients: list[Any] = [None] * len(graph.nodes)
    gradients[output] = seed
    arrive = meaning.arrive
    go_back(reversed(steps), values, gradients, meaning.unbroadcast, arrive)
    if arrive is not None:
        for index in graph.wrt:
            if gradients[index] is not None:
                gradients[index] = arrive(graph.nodes[index], gradients[index])
    return gradients
