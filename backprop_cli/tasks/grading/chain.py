"""The reverse pass of a key, edge by edge: run again from a student's own values, or with one step done otherwise.

An edge is one way along which a gradient comes back: from a node that uses an operand to that operand.  `reverse` runs
the whole pass with some gradients pinned; `around` works out one node's gradient from its neighbours', with one edge
changed.  `rounding` says how much of an entry is rounding: what reaches the entry counts, not the largest number of
the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, Node, rule_of
from backprop_cli.engine.interpret import textbook
from backprop_cli.engine.numbers import Numbers, Words
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.ops.words import WORDS
from backprop_cli.engine.passes import plan
from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass

EPSILON = 1e-13
"""Of what is added up for an entry: some hundred times the rounding of a double."""

NUDGE = 1e-6
"""Of a value, by which it is moved to see what its rounding does to a local derivative."""

SUMS = frozenset({"add", "subtract", "negative"})
"""Sums entry by entry."""

Change = Callable[[Any, tuple[Any, ...]], Any]
"""What an edge contributes instead, from the upstream gradient and (y, *operands); None: nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A way back: from the node `user` to its operand `operand`, which stands at `position` among its inputs."""

    user: Node
    operand: int
    position: int
    rule: Callable[..., Array]
    textbook: Callable[..., Array]  # the same rule in the words of a book: `1 - y` of whatever y it is given
    narrow: Shape | None

    def arguments(self, values: Sequence[Array]) -> tuple[Array, ...]:
        """The user's value and its operands."""
        return (values[self.user.index], *(values[i] for i in self.user.inputs))


class Textbook(Words):
    """The words of rules by their textbook forms: with another operand they give what a student gets."""

    def __init__(self, meaning: Numbers) -> None:
        super().__init__()
        for name in WORDS:
            setattr(self, name, partial(_by_the_book, name, meaning))


def _by_the_book(name: str, meaning: Numbers, *given: Array, **parameters: object) -> Array:
    return textbook(name, given, parameters, meaning)


class Chain:
    """A graph's edges, and passes over them."""

    def __init__(self, graph: Graph, meaning: Numbers) -> None:
        self.graph = graph
        self.meaning = meaning
        self.textbook = Numbers(graph)
        self.textbook.words = Textbook(meaning)
        self.plain = len(graph.passes) == 1 and not graph.hooks
        self.into: dict[int, list[Edge]] = {}
        self.forward_steps = plan(graph, meaning)
        for node in graph.nodes:
            if node.op is not None and node.index in graph.active:
                self._edges(node)

    def _edges(self, node: Node) -> None:
        assert node.op is not None
        for position, operand in enumerate(node.inputs):
            if operand in self.graph.active and rule_of(node, position) is not None:
                shape = self.graph.nodes[operand].shape
                narrow = shape if node.op.broadcasts and shape != node.shape else None
                rule, book = (one.rule(node.op, position, node.parameters) for one in (self.meaning, self.textbook))
                self.into.setdefault(operand, []).append(Edge(node, operand, position, rule, book, narrow))

    # whole passes ────────────────────────────────────────────────────────────────────────────────

    def forward(self, values: Sequence[Array], pins: Mapping[int, Array]) -> list[Any]:
        """The values with some of them replaced; only what depends on those is computed again."""
        new = list(values)
        changed = set(pins)
        for index, value in pins.items():
            new[index] = value
        with np.errstate(all="ignore"):
            for step in self.forward_steps:
                if step.place not in pins and not changed.isdisjoint(step.inputs):
                    new[step.place] = step.apply(*step.operands(new))
                    changed.add(step.place)
        return new

    def reverse(self, values: Sequence[Array], seeds: Sequence[Array], pins: Mapping[int, Array]) -> list[Array]:
        """Every gradient, with some of them replaced when they are passed on.

        Of several passes a node's gradient is the last one's, and a leaf's the sum over all, as in a run.
        """
        earlier = [self._pass(one.output, values, seed, {})
                   for one, seed in zip(self.graph.passes[:-1], seeds[:-1], strict=True)]  # fmt: skip
        whole: list[Any] = self._pass(self.graph.passes[-1].output, values, seeds[-1], pins)
        for node in self.graph.nodes if earlier else ():
            if node.is_leaf and node.index not in pins:
                parts = [one[node.index] for one in (*earlier, whole) if one[node.index] is not None]
                whole[node.index] = _sum(parts)
        return whole

    def _pass(self, output: int, values: Sequence[Array], seed: Array, pins: Mapping[int, Array]) -> list[Array]:
        gradients: list[Any] = [None] * len(self.graph.nodes)
        with np.errstate(all="ignore"):
            for node in reversed(self.graph.nodes):
                index = node.index
                if index in pins:
                    gradients[index] = pins[index]
                else:
                    whole = seed if index == output else self.sum_at(index, values, gradients)
                    gradients[index] = self.arrived(index, whole, values)
        return gradients

    def back_from(self, index: int, values: Sequence[Array], seed: Array) -> list[Any]:
        """Every gradient where some node is the output."""
        return self._pass(index, values, seed, {})

    def arrived(self, index: int, gradient: Array | None, values: Sequence[Array]) -> Any:
        """What a node hands on of the gradient that arrives at it: what its hook makes of that."""
        if gradient is None or self.meaning.arrive is None:
            return gradient
        self.meaning.values = values
        return self.meaning.arrive(self.graph.nodes[index], gradient)

    def sum_at(self, index: int, values: Sequence[Array], gradients: Sequence[Array] | Mapping[int, Array],
               ) -> Array | None:  # fmt: skip
        """A node's gradient, from those of the nodes that use it; None where none comes to it."""
        found = [self.contribution(edge, values, gradients[edge.user.index]) for edge in self.into.get(index, ())
                 if gradients[edge.user.index] is not None]  # fmt: skip
        return _sum(found)

    def contribution(self, edge: Edge, values: Sequence[Array], gradient: Array, change: Change | None = None) -> Any:
        """What an edge adds to its operand's gradient."""
        arguments = edge.arguments(values)
        found = change(gradient, arguments) if change else edge.rule(gradient, *arguments)
        if found is not None and edge.narrow is not None:
            return self.meaning.unbroadcast(found, edge.narrow)
        return found

    # around a node ───────────────────────────────────────────────────────────────────────────────

    def cone(self, index: int) -> list[int]:
        """A node and the parts without a name between it and its named users: one step of a derivation, users first."""
        found, stack = {index}, [index]
        while stack:
            for edge in self.into.get(stack.pop(), ()):
                if edge.user.anonymous and edge.user.index not in found:
                    found.add(edge.user.index)
                    stack.append(edge.user.index)
        return sorted(found, reverse=True)

    def beyond(self, index: int) -> list[int]:
        """A node and every node through which the gradient comes back to it, users first."""
        found, stack = {index}, [index]
        while stack:
            for edge in self.into.get(stack.pop(), ()):
                if edge.user.index not in found:
                    found.add(edge.user.index)
                    stack.append(edge.user.index)
        return sorted(found, reverse=True)

    def around(self, cone: Sequence[int], values: Sequence[Array], gradients: Sequence[Array],
               changes: Mapping[int, Change]) -> Array:  # fmt: skip
        """The gradient of the last node of a cone, with the edges in `changes` (by identity) done otherwise."""
        found = self._around(cone, values, gradients, changes)
        if len(self.graph.passes) > 1 and self.graph.nodes[cone[-1]].is_leaf and gradients[cone[-1]] is not None:
            return gradients[cone[-1]] + (found - self._around(cone, values, gradients, {}))  # the other passes'
        return found

    def _around(self, cone: Sequence[int], values: Sequence[Array], gradients: Sequence[Array],
                changes: Mapping[int, Change]) -> Array:  # fmt: skip
        new: dict[int, Array] = {}
        output = self.graph.passes[-1].output
        for index in cone:
            parts = []
            for edge in self.into.get(index, ()):
                user = edge.user.index
                gradient = new[user] if user in new else gradients[user]
                if gradient is not None:
                    parts.append(self.contribution(edge, values, gradient, changes.get(id(edge))))
            whole = _sum([p for p in parts if p is not None])
            new[index] = gradients[index] if index == output else self.arrived(index, whole, values)
        return new[cone[-1]]

    # rounding ────────────────────────────────────────────────────────────────────────────────────

    def rounding(self, values: Sequence[Any], gradients: Sequence[Any],
                 written: Mapping[int, Array] | None = None) -> list[Any]:  # fmt: skip
        """For each gradient, entry by entry, how far rounding may move it: what is added up, without signs.

        `written` are gradients that were written down, with half a unit of their last digit.
        """
        if not self.plain:
            return [None if one is None else EPSILON * _largest(one) for one in gradients]
        noise: list[Any] = [None if one is None else EPSILON * np.abs(one) for one in gradients]
        sizes = [None if one is None else np.abs(one) for one in values]
        written = written or {}
        with np.errstate(all="ignore"):
            for node in reversed(self.graph.nodes):
                if node.index in written:
                    noise[node.index] = noise[node.index] + written[node.index]
                elif gradients[node.index] is not None:
                    for edge in self.into.get(node.index, ()):
                        noise[node.index] = noise[node.index] + self._noise(edge, values, sizes, gradients, noise)
        return noise

    def _noise(self, edge: Edge, values: Sequence[object], sizes: Sequence[object], gradients: Sequence[Any],
               noise: Sequence[Any]) -> object:  # fmt: skip
        user = edge.user.index
        if gradients[user] is None:
            return 0.0
        reaching = noise[user] + EPSILON * np.abs(gradients[user])
        operands = [sizes[i] for i in edge.user.inputs]
        found = np.abs(edge.rule(reaching, values[user], *operands))
        if edge.user.op is not None and edge.user.op.pointwise and len(operands) == 1:
            found = found + EPSILON * self._steepness(edge, gradients[user], values)
        found = np.where(np.isfinite(found), found, 0.0)
        if edge.user.op is not None and not edge.user.op.pointwise and np.shape(found) == np.shape(reaching):
            found = found + np.max(reaching, initial=0.0)  # softmax and its like: terms that may cancel
        return self.meaning.unbroadcast(found, edge.narrow) if edge.narrow is not None else found

    @staticmethod
    def _steepness(edge: Edge, gradient: Array, values: Sequence[Any]) -> Array:
        """How far the rounding of a function's value moves what comes back through it: `1 - y²` where y is nearly 1."""
        value, operand = values[edge.user.index], values[edge.operand]
        moved = edge.rule(gradient, value * (1 + NUDGE), operand) - edge.rule(gradient, value, operand)
        return np.minimum(np.abs(moved) / NUDGE, np.abs(gradient))

    def value_rounding(self, values: Sequence[Any]) -> list[Array]:
        """The same for the values themselves: what cancels in a sum of products is at most the sum without signs."""
        found: list[Any] = [EPSILON * np.abs(one) if one is not None else None for one in values]
        with np.errstate(all="ignore"):
            for step in self.forward_steps:
                node, index, apply = step.node, step.place, step.apply
                if node.op is not None and (node.op.name in SUMS or node.op.is_multilinear):
                    sums = np.abs(apply(*(np.abs(values[i]) if values[i] is not None else None for i in node.inputs)))
                    found[index] = found[index] + EPSILON * np.where(np.isfinite(sums), sums, 0.0)
                elif node.op is not None and not node.op.pointwise:
                    found[index] = found[index] + EPSILON * min(1.0, _largest(values[index]))
        return found


def _sum(parts: Iterable[Array]) -> Array | None:
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total


def _largest(array: Array) -> float:
    """The largest finite size of an entry."""
    sizes = np.abs(array)
    return float(np.max(np.where(np.isfinite(sizes), sizes, 0.0), initial=0.0))


def ancestors(graph: Graph, index: int) -> Collection[int]:
    """The nodes on which a node depends, itself left out."""
    found: set[int] = set()
    stack = list(graph.nodes[index].inputs)
    while stack:
        one = stack.pop()
        if one not in found:
            found.add(one)
            stack.extend(graph.nodes[one].inputs)
    return found
