"""The forward and the reverse pass, generic in the meaning: numbers, formulas, entries.

A meaning gives `bind(op, parameters)` (the op as a callable), `rule(op, position, parameters)` (its VJP),
`constant`, `unbroadcast` and `arrive`, which sees each node's whole gradient once all its consumers have
contributed; what it returns is what flows on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backprop_cli.graph import Graph, Node, rule_of
from backprop_cli.ops import Op
from backprop_cli.spec.model import Shape


class Meaning(Protocol):
    """What the passes need to know of a reading of the language."""

    def constant(self, value: Any) -> Any:
        """The value of a literal."""

    def bind(self, op: Op, parameters: Mapping[str, Any]) -> Callable[..., Any]:
        """The op as a function of its operands."""

    def rule(self, op: Op, position: int, parameters: Mapping[str, Any]) -> Callable[..., Any]:
        """The VJP for one operand as a function of (g, y, *operands)."""

    def unbroadcast(self, gradient: Any, shape: Shape) -> Any:
        """A gradient summed back to the shape of a broadcast operand."""

    def arrive(self, node: Node, gradient: Any) -> Any:
        """A node's whole gradient has arrived; what it returns flows on to the operands."""


@dataclass(frozen=True, slots=True)
class Step:
    """A node ready to run: its function, and for each differentiable operand where the gradient goes."""

    node: Node
    apply: Callable[..., Any]
    inputs: tuple[int, ...]
    edges: tuple[tuple[int, Callable[..., Any], Shape | None], ...]  # (operand, rule, shape to sum back to)


def plan(graph: Graph, meaning: Meaning) -> list[Step]:
    """The computed nodes in order, with their rules bound to the meaning."""
    return [_step(graph, node, meaning) for node in graph.nodes if node.op is not None]


def _step(graph: Graph, node: Node, meaning: Meaning) -> Step:
    op = node.op
    assert op is not None
    edges = []
    if node.index in graph.active:
        for position, operand in enumerate(node.inputs):
            if operand in graph.active and rule_of(node, position) is not None:
                shape = graph.nodes[operand].shape
                narrow = op.broadcasts and shape != node.shape
                edges.append((operand, meaning.rule(op, position, node.parameters), shape if narrow else None))
    return Step(node, meaning.bind(op, node.parameters), node.inputs, tuple(edges))


def forward(graph: Graph, steps: Sequence[Step], meaning: Meaning, leaves: Mapping[int, Any]) -> list[Any]:
    """Every node's value, by index."""
    values: list[Any] = [None] * len(graph.nodes)
    for node in graph.nodes:
        if node.op is None:
            values[node.index] = leaves[node.index] if node.leaf is not None else meaning.constant(node.value)
    for step in steps:
        values[step.node.index] = step.apply(*[values[i] for i in step.inputs])
    return values


def backward(graph: Graph, steps: Sequence[Step], meaning: Meaning, values: Sequence[Any], output: int, seed: Any) -> list[Any]:
    """Every active node's gradient, by index: each consumer contributes, then the node passes its whole gradient on."""
    gradients: list[Any] = [None] * len(graph.nodes)
    gradients[output] = seed
    for step in reversed(steps):
        gradient = gradients[step.node.index]
        if gradient is None or not step.edges:
            continue
        gradient = gradients[step.node.index] = meaning.arrive(step.node, gradient)
        y, operands = values[step.node.index], [values[i] for i in step.inputs]
        for operand, rule, narrow in step.edges:
            contribution = rule(gradient, y, *operands)
            if narrow is not None:
                contribution = meaning.unbroadcast(contribution, narrow)
            earlier = gradients[operand]
            gradients[operand] = contribution if earlier is None else earlier + contribution
    for index in graph.wrt:
        if gradients[index] is not None:
            gradients[index] = meaning.arrive(graph.nodes[index], gradients[index])
    return gradients
