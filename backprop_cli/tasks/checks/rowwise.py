"""The rows of a Jacobian against central differences: an entry is changed once for all rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from backprop_cli.engine.ops.tensor import Array
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.checks.differences import MOST_ENTRIES, Comparison, Probe, sample
from backprop_cli.tasks.checks.perturbed import FEWEST_ENTRIES, LONG_WAY, Perturbed
from backprop_cli.tasks.checks.results import Answer, Index

A_ROW = 15_000
"""Nanoseconds, roughly, that a row takes of what an entry does to the output."""


@dataclass(slots=True)
class Shared:
    """The output as a function of a node's value, of which one entry changes at a time; kept until another one does."""

    output: Callable[[Array], Array]
    index: Index = ()
    known: dict[float, Array] = field(default_factory=dict)

    def entry(self, index: Index) -> None:
        """From now on this one changes."""
        self.index = index
        self.known.clear()

    def __call__(self, value: Array) -> Array:
        """The output; an array of its own, as the value is written into."""
        key = float(value[self.index])
        if key not in self.known:
            self.known[key] = np.array(self.output(value))
        return self.known[key]


def rows_answers(perturbed: Perturbed, node: int, output: int, jacobian: Array, budget: float) -> Iterator[Answer]:
    """An answer for each entry of the output, in their order.

    Args:
        perturbed: the graph and its values.
        node: whose entries are changed: all of them, or the same few for every row.
        output: the node that the rows are of.
        jacobian: the output's axes, then the node's.
        budget: nanoseconds, roughly.
    """
    graph, start = perturbed.graph, np.asarray(perturbed.values[output])
    shape = tuple(map(int, graph.nodes[node].shape))
    rows = list(np.ndindex(start.shape))
    chain = perturbed.dependents.of(node, output, perturbed.single, LONG_WAY)
    if chain is None:
        chain = perturbed.dependents.of(node, output, None, budget / 3, {output})
    if chain is None:
        missing = Answer("differences", total=math.prod(shape), note="differences skipped: too far from the output")
        yield from [missing] * len(rows)
        return
    cost = 3 * (2000 + sum(perturbed.costs[index] for index in chain)) + A_ROW * len(rows)
    indices = sample(shape, min(MOST_ENTRIES, max(int(budget / cost), FEWEST_ENTRIES)), graph.nodes[node].name)
    shared = Shared(perturbed.whole(node, output, chain))
    if indices:
        shared.entry(indices[0])
    work = [Comparison(_probe(shared, row, perturbed.values[node], start), jacobian[row], (indices or [()])[0])
            for row in rows]  # fmt: skip
    for index in indices:
        shared.entry(index)
        for one in work:
            one.add(index)
    yield from (one.answer() for one in work)


def _probe(shared: Shared, row: Index, point: Any, start: Array) -> Probe:
    return Probe(lambda value: float(shared(value)[row]), point, abs(float(start[row])))
