"""The key: a spec worked out once, at its own numbers and at further draws, for any number of files of answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, build, work_estimate
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.language.model import Spec
from backprop_cli.records import dataclass, field, replace
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.grading.chain import Chain, ancestors
from backprop_cli.tasks.grading.draws import further, given
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.operands import View
from backprop_cli.tasks.grading.quantities import Quantities, Settings
from backprop_cli.tasks.grading.results import What
from backprop_cli.tasks.leaves import DEFAULT_MAX_BYTES, load_leaves

FURTHER = 1e-12
"""Of the largest entry: the rounding of a further quantity."""

BATCH = ("N", "n", "m", "M", "B", "batch_size", "n_samples", "num_samples")
"""What people call the number of examples, where the spec has no name for it."""


@dataclass(frozen=True, slots=True)
class Draw:
    """The numbers of the graph at one choice of its leaves, by node index, and how far rounding may move them."""

    values: Sequence[Any]
    gradients: Sequence[Any]
    rounding: Mapping[What, Sequence[Array]] = field(default_factory=dict)
    seeds: Sequence[Array] = ()

    def of(self, what: str) -> Sequence[Any]:
        """The values or the gradients."""
        return self.values if what == "value" else self.gradients

    def floor(self, what: What, index: int) -> Any:
        """How far rounding may move a node's value or gradient, entry by entry."""
        return self.rounding[what][index]


@dataclass(frozen=True)
class Key:
    """A spec and its answers; the first draw is the spec's own numbers."""

    graph: Graph
    draws: tuple[Draw, ...]
    chain: Chain
    entries: int
    work: int  # operations of the whole spec
    further: Quantities
    known: dict[Any, Any] = field(default_factory=dict, repr=False)  # what was worked out about its items
    worked_out: dict[Any, list[Array]] = field(default_factory=dict, repr=False)  # about formulas
    repairs: dict[Any, Any] = field(default_factory=dict, repr=False)  # and about those that are wrong

    @property
    def file(self) -> str:
        """The spec's file."""
        return self.graph.spec.source.file

    @property
    def names(self) -> Mapping[str, int]:
        """The nodes' names."""
        return self.graph.names

    @cached_property
    def sizes(self) -> Mapping[str, Any]:
        """The named sizes; and, by the names that people have for it, that of the batch, where all inputs agree."""
        leaves = [node for node in self.graph.nodes if node.is_leaf and node.kind == "input" and node.shape]
        batch = {int(node.shape[0]) for node in leaves}
        named = dict(self.graph.spec.dims)
        free = [name for name in BATCH if name not in self.names and name not in named]
        return named | dict.fromkeys(free, batch.pop()) if len(batch) == 1 else named

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """The functions of one number that the spec uses, its own among them."""
        ops = {node.op.name for node in self.graph.nodes if node.op and node.op.pointwise and len(node.inputs) == 1}
        return (*sorted(ops), *self.graph.spec.functions)

    @property
    def asked(self) -> tuple[Item, ...]:
        """What is asked for where nobody says: the gradient of every leaf that is differentiated."""
        nodes = self.graph.nodes
        return tuple(Item(nodes[i].name, ".grad") for i in sorted(self.graph.wrt) if self.has_gradient(i))

    def has_gradient(self, index: int) -> bool:
        """Whether a gradient arrives at a node."""
        return self.draws[0].gradients[index] is not None

    def right(self, item: Item) -> list[Any]:
        """The right answer at each draw.

        Raises:
            Impossible: a further quantity that the scheme or the network does not have.
        """
        if item not in self.known:
            index, what = self.names[item.node], item.what
            self.known[item] = (
                [self.further.of(item, View(one.values, one.gradients)) for one in self.draws] if item.is_further
                else [np.asarray(draw.of(what)[index]) for draw in self.draws])  # fmt: skip
        found: list[Any] = self.known[item]
        return found

    def shape(self, item: Item) -> tuple[int, ...]:
        """The shape of a right answer."""
        if item.is_further:
            return tuple(np.shape(self.right(item)[0]))
        return tuple(map(int, self.graph.nodes[self.names[item.node]].shape))

    def floor(self, item: Item, draw: int) -> Any:
        """How far rounding may move a right answer, entry by entry."""
        if item.is_further:
            return FURTHER * np.max(np.abs(self.right(item)[draw]), initial=0.0)
        return self.draws[draw].floor(item.what, self.names[item.node])

    def given(self, item: Item) -> bool:
        """Whether an item earns nothing: a leaf's own value, and the gradient of the output."""
        node = self.graph.nodes[self.names[item.node]]
        return node.is_leaf if item.what == "value" else node.index == self.graph.output.index

    @cached_property
    def as_given(self) -> Key | None:
        """The key at draws that keep the numbers that an exercise gives; None where it gives none."""
        leaves = {node.index: self.draws[0].values[node.index] for node in self.graph.nodes if node.leaf}
        held = given(self.graph, leaves)
        runs = further(self.graph, leaves, compute(self.graph, leaves), held) if held else ()
        draws = (self.draws[0], *(_draw(self.chain, run) for run in runs))
        return replace(self, draws=draws, known={}) if len(draws) > 1 else None

    @cached_property
    def _completed(self) -> Mapping[int, int]:
        """For each node the first of its users: when the reverse pass has come past that, its gradient is complete."""
        found: dict[int, int] = {}
        for node in self.graph.nodes:
            for operand in node.inputs:
                found.setdefault(operand, node.index)
        return found

    def place(self, item: Item) -> tuple[int, int, int]:
        """Where an item stands: values on the way forward, then gradients on the way back."""
        index = self.names.get(item.node)
        if index is None:
            return (3, 0, 0)
        if item.what == "value":
            return (0, index, 0)
        if item.is_further:  # a step is taken once all gradients are there
            return (2, index, 0)
        return (1, -self._completed.get(index, len(self.graph.nodes)), -index)

    def below(self, index: int) -> Collection[int]:
        """The nodes on which a node depends: their gradients rest on its own."""
        if ("below", index) not in self.known:
            self.known["below", index] = ancestors(self.graph, index)
        found: Collection[int] = self.known["below", index]
        return found


def key_of(spec: Spec, max_bytes: int = DEFAULT_MAX_BYTES, settings: Settings | None = None) -> Key:
    """Work a spec out, in float64 whatever its dtype; `settings` say what further quantities there are.

    Raises:
        SpecError, Failures: whatever `run` raises on the spec.
    """
    graph = build(replace(spec, dtype="float64"))
    leaves = load_leaves(graph, max_bytes, runs=3)  # at the spec's numbers and at two draws
    first = compute(graph, leaves)
    chain = Chain(graph, Numbers(graph))
    draws = [_draw(chain, run) for run in (first, *further(graph, leaves, first))]
    entries = sum(prod(map(int, node.shape)) for node in graph.nodes)
    further_ones = Quantities(graph, chain, settings or Settings())
    return Key(graph, tuple(draws), chain, entries, work_estimate(graph), further_ones)


def _draw(chain: Chain, run: Computed) -> Draw:
    gradients = [run.gradient(node.index) for node in chain.graph.nodes]
    rounding: dict[What, Sequence[Array]] = {
        "value": chain.value_rounding(run.values), "gradient": chain.rounding(run.values, gradients)}  # fmt: skip
    return Draw(run.values, gradients, rounding, run.seeds)
