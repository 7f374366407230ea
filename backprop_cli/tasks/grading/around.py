"""A node and the last step of the reverse pass to it, with some of its edges done otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from backprop_cli.engine.graph import Graph
from backprop_cli.records import dataclass
from backprop_cli.tasks.grading.chain import Chain, Edge
from backprop_cli.tasks.grading.operands import Operands, View
from backprop_cli.tasks.grading.wording import Wording


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mistake's key, what to tell its writer, and what comes out of it; `family` where one number in it is free."""

    mistake: str
    words: str
    make: Callable[[View], Any]
    family: bool = False


Build = Callable[[View, Any, tuple[Any, ...]], Any]
"""What an edge contributes under a mistake, from the upstream gradient and (y, *operands)."""


class Around:
    """A node, the last step back to it, and the gradient with some edges of that done otherwise."""

    def __init__(self, chain: Chain, graph: Graph, index: int) -> None:
        self.chain = chain
        self.graph = graph
        self.index = index
        self.node = graph.nodes[index]
        self.cone = chain.cone(index)
        self.words = Wording(graph)
        self.operands = Operands(graph, chain.meaning)
        self.local = [edge for one in self.cone for edge in chain.into.get(one, ())]

    def _with(self, edge: Edge, build: Build, cone: Sequence[int] | None = None) -> Callable[[View], Any]:
        return partial(self._around, {edge: build}, cone or self.cone)

    def _around(self, builds: dict[Edge, Build], cone: Sequence[int], view: View) -> Any:
        changes = {id(edge): partial(build, view) for edge, build in builds.items()}
        return self.chain.around(cone, view.values, view.gradients, changes)

    def _same_shape(self, edge: Edge) -> bool:
        return edge.user.shape == self.graph.nodes[edge.operand].shape
