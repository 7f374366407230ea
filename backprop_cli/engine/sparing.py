"""What a run need not keep: a value once its last reader has run, a gradient once it is handed on.

For runs of which only the params' gradients are wanted, as in training.  The memory that goes is in the processor's
cache when the next array takes it, which is worth more than that there is less of it; where a sum or the like is the
only reader of an array, it is written there at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, Node, rule_of
from backprop_cli.engine.graph.memory import costs
from backprop_cli.engine.numbers import INTO, Numbers, Words
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import Slope
from backprop_cli.engine.ops.careful import gated
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.reverse import Step

IN_PLACE = {name: function for name, function in INTO.items() if name != "power"}
"""A power is left to the operator: numpy does some exponents in a way of their own."""


def spare(meaning: Numbers, steps: Sequence[Step], kept: Collection[int]) -> None:
    """Note in each step what nobody needs after it; `kept`: whose values and gradients are asked for at the end.

    A hook may read any value, so that a graph with hooks keeps all.
    """
    graph = meaning.graph
    if graph.hooks:
        return
    needed = set(kept) | _read_on_the_way_back(graph, steps)
    for step in reversed(steps):
        place, inputs = step.place, step.inputs
        step.passing = place not in kept and step.node.shape != ()
        step.spent = tuple((i, _hollow(graph, i)) for i in {place, *inputs} if i not in needed and _is_array(graph, i))
        needed.update(inputs)
    readers, own = _readers(graph, steps), gradients_of_their_own(steps)
    for step in steps:
        _write_in_place(graph, step, {i for i, _ in step.spent if readers[i] == 1})
        if step.passing and step.place in own:
            _slope_in_place(meaning.words, step)


def _is_array(graph: Graph, index: int) -> bool:
    """Whether a value is computed and no single number: that takes less than it takes to drop it."""
    return graph.nodes[index].op is not None and graph.nodes[index].shape != ()


def _readers(graph: Graph, steps: Sequence[Step]) -> list[int]:
    """How often each value is read on the way forward."""
    counts = [0] * len(graph.nodes)
    for step in steps:
        for index in step.inputs:
            counts[index] += 1
    return counts


def _write_in_place(graph: Graph, step: Step, free: Collection[int]) -> None:
    """Let the step write its result over an operand that only it reads, and that is an array of its own."""
    function = IN_PLACE.get(step.node.op.name)
    if function is None or not step.node.shape:
        return
    for place, index in enumerate(step.inputs):
        operand = graph.nodes[index]
        if index in free and operand.shape == step.node.shape and _is_new(operand):
            step.apply = _over(function, place)
            return


def _slope_in_place(words: Words, step: Step) -> None:
    """Let a derivative be multiplied into the gradient that it meets."""
    rule = rule_of(step.node, 0)
    if isinstance(rule, Slope):
        step.edges = tuple([(operand, _into_gradient(words, rule), None, narrow) for operand, *_, narrow in step.edges])


def _into_gradient(words: Words, rule: Slope) -> Callable[..., Any]:
    derivative: Callable[..., Any] = rule.derivative
    product: Callable[..., Any] = gated if rule.gate else np.multiply
    return lambda g, y, x: product(g, derivative(words, y, x), g)


def _is_new(node: Node) -> bool:
    """Whether a value is an array made for it: no operand seen otherwise, no leaf."""
    return node.op is not None and (node.op.name in INTO or node.op.name == "matmul")


def _over(function: Callable[..., Any], place: int) -> Callable[..., Any]:
    return lambda *given: function(*given, out=given[place])


def gradients_of_their_own(steps: Sequence[Step]) -> set[int]:
    """The nodes whose gradient is an array that nothing else is: added up, a product, or a product with a factor.

    Whoever has it may write into it.  Any other may be that of the node that handed it on, or seen in a wider shape.
    """
    found: dict[int, bool] = {}
    for step in steps:
        for operand, _, factor, _ in step.edges:
            found[operand] = factor is not None or operand in found
    return {operand for operand, is_new in found.items() if is_new}


def _hollow(graph: Graph, index: int) -> Array:
    """Of a value that is gone: its shape, which a rule may still ask for, and NaN, which takes no memory."""
    missing = np.dtype(graph.spec.dtype).type(np.nan)
    return np.broadcast_to(missing, tuple(map(int, graph.nodes[index].shape)))[()]


def _read_on_the_way_back(graph: Graph, steps: Sequence[Step]) -> set[int]:
    """The nodes whose values the rules of the steps read; a user's own rule may read all that it is given."""
    taken, read = costs(graph), set[int]()
    for step in steps:
        if step.edges:
            given = (step.place, *step.inputs)
            known = OPS.get(step.node.op.name) is step.node.op
            read.update(given[place] for place in (taken[step.place].reads if known else range(len(given))))
    return read
