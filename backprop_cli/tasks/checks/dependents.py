"""Which nodes change with a node, on the way to an output: what differences compute again, and sympy writes out."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.ops import OPS
from backprop_cli.tasks.places import named_user


class Dependents:
    """Which nodes change with a node and change the output.

    What `stop_gradient` hides is held as it is: no gradient flows there, but a difference would see through it.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.users: list[list[int]] = [[] for _ in graph.nodes]
        for node in graph.nodes:
            if node.op is not OPS["stop_gradient"]:
                for operand in set(node.inputs):
                    self.users[operand].append(node.index)
        self.needed: dict[int, set[int]] = {}
        self.names: dict[int, str] = {}

    def of(self, node: int, output: int, costs: Mapping[int, float] | None = None,
           most: float = math.inf, ends: Container[int] = ()) -> list[int] | None:  # fmt: skip
        """In topological order, not beyond `ends`; None where computing them would cost more than `most`."""
        needed, found, stack, spent = self._needed(output), {node}, [node], 0.0
        while stack:
            for user in self.users[stack.pop()]:
                if user in needed and user not in found:
                    found.add(user)
                    if user not in ends:
                        stack.append(user)
                    spent += costs[user] if costs else 0
            if spent > most:
                return None
        return sorted(found - {node})

    def behind(self, marked: Container[int], output: int) -> set[int]:
        """The nodes that one of the marked ones, on the way to the output, depends on."""
        needed, found = self._needed(output), set[int]()
        for node in reversed(self.graph.nodes[: output + 1]):
            if any(user in needed and (user in marked or user in found) for user in self.users[node.index]):
                found.add(node.index)
        return found

    def by_way_of(self, ends: Iterable[int]) -> str:
        """Where a walk ended, in words."""
        return f"by the derivatives by {', '.join(dict.fromkeys(map(self.name, ends)))}"

    def name(self, index: int) -> str:
        """What a node is called; a part without a name by the node that it is a part of."""
        if index not in self.names:
            one = self.graph.nodes[index]
            self.names[index] = f"a part of {named_user(self.graph, index)}" if one.anonymous else one.name
        return self.names[index]

    def _needed(self, output: int) -> set[int]:
        if output not in self.needed:
            found = self.needed[output] = {output}
            for node in reversed(self.graph.nodes[: output + 1]):
                if node.index in found:
                    found.update(node.inputs)
        return self.needed[output]
