"""The numbers of a run, as frozen data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backprop_cli.engine.graph import Graph
from backprop_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Computed:
    """The numbers of a run: every node's value, and each pass's gradients, by node index."""

    graph: Graph
    values: Sequence[Any]
    passes: Sequence[Sequence[Any]]
    seeds: Sequence[Any]

    def gradient(self, index: int) -> Any:
        """The gradient of a node: the last pass's; leaves add up over all passes, as in PyTorch."""
        if len(self.passes) == 1:
            return self.passes[0][index]
        found = [p[index] for p in self.passes if p[index] is not None]
        if not found:
            return None
        if not self.graph.nodes[index].is_leaf:
            return self.passes[-1][index]
        total = found[0]
        for more in found[1:]:
            total = total + more
        return total
