"""Central differences of a graph's output by any of its nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.graph.memory import costs, entries_of
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.passes import backward, plan
from backprop_cli.engine.reverse import Step
from backprop_cli.records import replace
from backprop_cli.tasks.checks.dependents import Dependents
from backprop_cli.tasks.checks.differences import MOST_ENTRIES, Probe, compare, sample
from backprop_cli.tasks.checks.results import Answer
from backprop_cli.tasks.checks.rounding import DRAWS, MARGIN, Moved, Rounding

FEWEST_ENTRIES = 8
GAIN, CHAOS = 8.0, 1e-6
"""Roundings so many times as large take a function as far, and it moves by so much: no digit of it is left."""
LONG_WAY = 64  # steps to the output that are all computed again for each entry


class Perturbed:
    """The output of a graph as a function of one node's value: only what depends on the node is computed again.

    A long way is gone as far as the nodes whose gradients were confirmed here already: Σ ∂output/∂c · c(x), by the
    chain rule. So a graph of n steps takes n of them, not n².
    """

    def __init__(self, graph: Graph, values: Sequence[Array]) -> None:
        self.graph = graph
        self.values = values
        self.meaning = Numbers(graph)
        self.steps: dict[int, Step] = {step.place: step for step in plan(graph, self.meaning)}
        self.costs = _costs(graph)
        self.single = dict.fromkeys(self.steps, 1)
        self.dependents = Dependents(graph)
        self.far: set[tuple[int, int]] = set()  # nodes a long way from an output: so is what they are made of

    def function(self, step: Step) -> Callable[..., Any]:
        """The function of a step, as its derivative takes it: a symmetric matrix stays one when it changes."""
        node, apply = step.node, step.apply
        if node.op is None or node.op.near is None:
            return apply
        start, near = self.values[step.inputs[0]], node.op.near
        return lambda x: apply(near(x, start, **node.parameters))

    def probe(self, node: int, weights: Mapping[int, Array], chain: Sequence[int]) -> Probe:
        """Σ weight·end, by the entries of a node; `chain` is what to compute again.

        What an end leads to is in its weight, so that nothing behind it sees it change.
        """
        values = list(self.values)
        ends = {index: values[index] for index in (node, *chain) if index in weights}
        steps = [(index, self.function(self.steps[index]), self.steps[index].operands,
                  ends if index in ends else values) for index in chain]  # fmt: skip

        def total(value: Array) -> float:
            values[node] = value
            if node in ends:
                ends[node] = value
            with np.errstate(all="ignore"):
                for index, apply, operands, into in steps:
                    into[index] = apply(*operands(values))
                return float(sum(np.sum(weights[index] * end) for index, end in ends.items()))

        def taken(times: float) -> float:
            return max(abs(float(sum(np.sum(weights[i] * (moved[i].off - moved[i].exact)) for i in ends)))
                       for moved in self.roundings(chain, times))  # fmt: skip

        def rounding() -> float:
            once = taken(1)
            return math.inf if once > CHAOS * scale and taken(GAIN) < 2 * once else MARGIN * once

        with np.errstate(all="ignore"):
            scale = float(sum(np.sum(np.abs(weights[index] * end)) for index, end in ends.items()))
        return Probe(total, self.values[node], scale, rounding)

    def roundings(self, chain: Iterable[int], times: float = 1) -> Iterator[list[Moved]]:
        """All values, with those of a chain taken by roundings, so many times as large as they are: some draws."""
        for draw in range(DRAWS):
            meaning, moved = Rounding(self.meaning, "", draw, times), [Moved(value, value) for value in self.values]
            with np.errstate(all="ignore"):
                for index in chain:
                    node = self.graph.nodes[index]
                    assert node.op is not None
                    moved[index] = meaning.apply(node.op, tuple(moved[i] for i in node.inputs), node.parameters)
            yield moved

    def rounded(self, output: int, seed: Array) -> list[list[Any]]:
        """The gradients of a pass over the values, and as other roundings would have left these, for some draws."""
        drawn = [[one.off for one in moved] for moved in self.roundings(self.steps)]
        with np.errstate(all="ignore"):
            return [backward(self.graph, [*self.steps.values()], self.meaning, values, output, seed)
                    for values in (self.values, *drawn)]  # fmt: skip

    def whole(self, node: int, output: int, chain: Sequence[int]) -> Callable[[Array], Array]:
        """The output as a function of a node's value; `chain` is what to compute again."""
        values = list(self.values)
        steps = [(index, self.function(self.steps[index]), self.steps[index].operands) for index in chain]

        def found(value: Array) -> Array:
            values[node] = value
            with np.errstate(all="ignore"):
                for index, apply, operands in steps:
                    values[index] = apply(*operands(values))
            return np.asarray(values[output])

        return found

    def answer(self, node: int, output: int, seed: Array, gradient: Array, budget: float,
               known: Mapping[int, Array] = MappingProxyType({})) -> Answer:  # fmt: skip
        """The differences by as many of a node's entries as the budget, in nanoseconds, allows; a few of a leaf's.

        `known` are the gradients by other nodes where a long way may end.
        """
        one = self.graph.nodes[node]
        shape = tuple(map(int, one.shape))
        weights: Mapping[int, Array] = {output: seed}
        is_far = any((user, output) in self.far for user in self.dependents.users[node])
        chain = None if is_far else self.dependents.of(node, output, self.single, LONG_WAY)
        if chain is None:
            self.far.add((node, output))
            weights = {**known, output: seed}
            chain = self.dependents.of(node, output, None if one.is_leaf else self.costs, budget / 3, weights)
        if chain is None:
            return Answer("differences", total=math.prod(shape), note="differences skipped: too far from the output")
        cost = 3 * (2000 + sum(self.costs[index] for index in chain))
        count = min(MOST_ENTRIES, max(int(budget / cost), FEWEST_ENTRIES))
        found = compare(self.probe(node, weights, chain), gradient, sample(shape, count, one.name))
        ends = [index for index in chain if index in weights]
        return found if found.note or ends in ([], [output]) else replace(found, note=self.dependents.by_way_of(ends))


AN_OPERATION, A_NUMBER = 0.05, 2.0
"""Nanoseconds, roughly, that an operation takes, and a number that is read or written."""


def _costs(graph: Graph) -> dict[int, float]:
    """What each step takes to be computed again, in nanoseconds: its op says how many operations it is."""
    sizes = [entries_of(node.shape) for node in graph.nodes]
    taken = costs(graph)
    return {node.index: AN_OPERATION * taken[node.index].ahead
            + A_NUMBER * (sizes[node.index] + sum([sizes[i] for i in node.inputs]))
            for node in graph.nodes if node.op is not None}  # fmt: skip
