"""A Jacobian in numbers: one forward pass, and a reverse pass for each entry of the output."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.passes import backward, forward, plan
from backprop_cli.errors import SpecError


@dataclass(frozen=True, slots=True)
class Rows:
    """The passes of a graph, ready to go back from any seed of its output."""

    graph: Graph
    meaning: Numbers
    steps: Any
    values: Any

    @classmethod
    def of(cls, graph: Graph, leaves: Mapping[int, Any]) -> Rows:
        """After the forward pass."""
        meaning = Numbers(graph)
        steps = plan(graph, meaning)
        with np.errstate(all="ignore"):
            meaning.values = forward(graph, steps, meaning, leaves)
        return cls(graph, meaning, steps, meaning.values)

    def back(self, seed: Any, index: int) -> Any:
        """The gradient at a node for a seed of the output; 0 where nothing arrives."""
        with np.errstate(all="ignore"):
            found = backward(self.graph, self.steps, self.meaning, self.values, self.graph.output.index, seed)[index]
        return np.zeros(_sizes(self.graph.nodes[index].shape)) if found is None else found

    def jacobian(self, index: int, max_bytes: int) -> Any:
        """∂output/∂node, of the output's shape followed by the node's.

        Raises:
            SpecError: E021 where it would be too large.
        """
        output, node = _sizes(self.graph.output.shape), _sizes(self.graph.nodes[index].shape)
        check_size(self.graph, (*output, *node), max_bytes)
        dtype = self.graph.spec.dtype
        rows = np.empty((math.prod(output), *node), dtype=dtype)
        for position in range(len(rows)):
            seed = np.zeros(math.prod(output), dtype=dtype)
            seed[position] = 1
            rows[position] = self.back(seed.reshape(output)[()], index)
        return rows.reshape((*output, *node))[()]


def check_size(graph: Graph, shape: tuple[int, ...], max_bytes: int) -> None:
    """Refuse a tensor that would take too much memory, before it is made.

    Raises:
        SpecError: E021.
    """
    needed = math.prod(shape) * (8 if graph.spec.dtype == "float64" else 4)
    if needed > max_bytes:
        raise SpecError(
            "E021", f"of shape {shape} it would take {needed:,} bytes, more than --max-bytes {max_bytes:,}",
            at=graph.spec.source.place(1, 1), hint="choose less: --output 'y[0]', or a product with a vector: --vector",
        )  # fmt: skip


def _sizes(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(int, shape))
