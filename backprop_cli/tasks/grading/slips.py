"""Slips in the reverse pass: the same pass with one rule left out, to recognise whose answer that is.

For every edge of the graph along which a gradient comes back: the local derivative forgotten (the gradient goes on
as it came), or, where several paths meet, the path forgotten. Passes are run when first asked for, and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.passes import Edge, Step, backward, plan
from backprop_cli.tasks.calculate import Computed

MAX_SLIPS = 120
MAX_ENTRIES = 1 << 20
"""Above so many numbers in a graph, passes are not run again to find a slip."""

NO_EFFECT = ("add", "identity")
"""Ops whose local derivative is 1: nothing to forget."""


@dataclass(frozen=True, slots=True)
class Slip:
    """One thing left out: what it is in words, and the edge, as the consumer's index and its place among the edges."""

    words: str
    user: int
    place: int
    path: bool  # the whole path is left out, not just its local derivative


class Altered:
    """The gradients of a graph under each slip, at each draw."""

    def __init__(self, graph: Graph, runs: Sequence[Computed]) -> None:
        self.graph = graph
        self.runs = runs
        self.meaning = Numbers(graph)
        self._steps: list[Step] = []
        self._slips: tuple[Slip, ...] | None = None
        self._known: dict[tuple[Slip, int], Sequence[Any]] = {}

    @property
    def steps(self) -> list[Step]:
        """The plan of the passes, made when first asked for."""
        self._steps = self._steps or plan(self.graph, self.meaning)
        return self._steps

    def slips(self, index: int) -> Iterator[Slip]:
        """The slips that can show at a node: those at its consumers and after them."""
        if self._slips is None:
            small = sum(prod(map(int, node.shape)) for node in self.graph.nodes) <= MAX_ENTRIES
            self._slips = tuple(self._all()) if small and len(self.graph.passes) == 1 else ()
        below = {index}
        for node in self.graph.nodes[index:]:
            if not below.isdisjoint(node.inputs):
                below.add(node.index)
        yield from [slip for slip in self._slips if slip.user in below and slip.user > index][:MAX_SLIPS]

    def _all(self) -> Iterator[Slip]:
        arriving: dict[int, int] = {}
        for *_, edges in self.steps:
            for operand, _, _ in edges:
                arriving[operand] = arriving.get(operand, 0) + 1
        for node, index, *_, edges in self.steps:
            for place, (operand, _, narrow) in enumerate(edges):
                from_ = self.graph.nodes[operand]
                if self._local(node, from_) and narrow is None:
                    yield Slip(f"{self._factor(node, operand)} is missing", index, place, False)
                if arriving[operand] > 1:
                    path = f"the path back to {self._owner(from_)} through {self._called(node)}"
                    yield Slip(f"{path} is missing; paths add up", index, place, True)

    def _local(self, node: Node, operand: Node) -> bool:
        """Whether a step multiplies the gradient, entry by entry, by something to forget."""
        op = node.op
        return op is not None and op.pointwise and op.name not in NO_EFFECT and node.shape == operand.shape

    def _owner(self, node: Node) -> str:
        return node.name.partition(".")[0]

    def _called(self, node: Node) -> str:
        """A step as people know it: `y_1 = sigmoid(z_1)`, `the power in loss`."""
        assert node.op is not None
        if node.spec is not None and not any(self.graph.nodes[i].anonymous for i in node.inputs):
            return f"{node.name} = {' '.join(node.spec.text.text.split())[:60]}"
        return f"the {node.op.name} in {self._owner(node)}"

    def _factor(self, node: Node, operand: int) -> str:
        """What a step multiplies the gradient by: `the factor 1/2 in loss`, `the local derivative of ...`."""
        others = [self.graph.nodes[i] for i in node.inputs if i != operand]
        if node.op is not None and node.op.name == "multiply" and len(others) == 1:
            other = others[0]
            if other.kind == "constant" or not other.anonymous:
                return f"the factor {other.value if other.kind == 'constant' else other.name} in {self._owner(node)}"
        return f"the local derivative of {self._called(node)}"

    def gradient(self, slip: Slip, draw: int, index: int) -> Any:
        """The gradient of a node under a slip; None where none arrives any more."""
        if (slip, draw) not in self._known:
            run, only = self.runs[draw], self.graph.passes[0]
            self.meaning.values = list(run.values)
            with np.errstate(all="ignore"):
                self._known[slip, draw] = backward(self.graph, list(self._without(slip)), self.meaning, run.values,
                                                   only.output, run.seeds[0])  # fmt: skip
        return self._known[slip, draw][index]

    def _without(self, slip: Slip) -> Iterator[Step]:
        for node, index, apply, operands, pick, edges in self.steps:
            changed = edges
            if index == slip.user:
                operand = edges[slip.place][0]
                kept: tuple[Edge, ...] = () if slip.path else ((operand, _passed_on, None),)
                changed = (*edges[: slip.place], *kept, *edges[slip.place + 1 :])
            yield node, index, apply, operands, pick, changed

    # one step ────────────────────────────────────────────────────────────────────────────────────

    def contributions(self, index: int, draw: int, seed: Callable[[Any], Any]) -> Iterator[tuple[Node, Any]]:
        """What each consumer contributes to a node, before it is summed to the node's shape.

        Args:
            index: the node.
            draw: at which numbers.
            seed: what to put in the place of the consumer's own gradient.
        """
        run = self.runs[draw]
        for node, user, _, _, pick, edges in self.steps:
            for operand, rule, _ in edges:
                gradient = run.gradient(user)
                if operand == index and gradient is not None:
                    with np.errstate(all="ignore"):
                        yield node, rule(seed(gradient), *pick(run.values))


def _passed_on(gradient: Any, *_: Any) -> Any:
    """No rule at all."""
    return gradient
