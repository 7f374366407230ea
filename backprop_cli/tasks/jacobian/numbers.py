"""A Jacobian in numbers: one forward pass, and one reverse pass for as many rows at once as memory has room for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.graph.memory import reverse_estimate
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.passes import backward, forward, plan
from backprop_cli.engine.rows import NumbersInRows
from backprop_cli.engine.rows import Rows as Seeds
from backprop_cli.errors import SpecError
from backprop_cli.records import dataclass

AT_ONCE = 1 << 26
"""Bytes that one reverse pass may take: its gradients, and what a step makes on its way, such as windows."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The passes of a graph, ready to go back from any seed of its output."""

    graph: Graph
    meaning: Numbers
    steps: Any
    values: Any

    @classmethod
    def of(cls, graph: Graph, leaves: Mapping[int, Array]) -> Rows:
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

    def passes(self) -> list[Any]:
        """The gradients of the sum of the output's entries."""
        ones = np.ones(_sizes(self.graph.output.shape), dtype=self.graph.spec.dtype)[()]
        with np.errstate(all="ignore"):
            return [backward(self.graph, self.steps, self.meaning, self.values, self.graph.output.index, ones)]

    def jacobian(self, index: int, max_bytes: int) -> Any:
        """∂output/∂node, of the output's shape followed by the node's.

        Raises:
            SpecError: E021 where it would be too large.
        """
        output, node = _sizes(self.graph.output.shape), _sizes(self.graph.nodes[index].shape)
        check_size(self.graph, (*output, *node), max_bytes)
        count, apart = math.prod(output), self.at_once(max_bytes)
        meaning = NumbersInRows(self.graph)
        steps = plan(self.graph, meaning)
        rows = None
        for start in range(0, count, apart):
            stop = min(start + apart, count)
            found = self.backwards(meaning, steps, start, stop)[index]
            if found is not None and stop - start == count:
                rows = found.array  # all at once: not copied
            elif found is not None:
                rows = np.empty((count, *node), dtype=self.graph.spec.dtype) if rows is None else rows
                rows[start:stop] = found.array
        rows = np.zeros((count, *node), dtype=self.graph.spec.dtype) if rows is None else rows  # nothing arrives
        return rows.reshape((*output, *node))[()]

    def backwards(self, meaning: NumbersInRows, steps: Any, start: int, stop: int) -> list[Any]:
        """The gradients from the seeds that are 1 at one entry of the output, from `start` up to `stop`."""
        output = self.graph.output
        seeds = np.zeros((stop - start, math.prod(_sizes(output.shape))), dtype=self.graph.spec.dtype)
        seeds[np.arange(stop - start), np.arange(start, stop)] = 1
        with np.errstate(all="ignore"):
            return backward(self.graph, steps, meaning, self.values, output.index,
                            Seeds(seeds.reshape((-1, *_sizes(output.shape)))))  # fmt: skip

    def at_once(self, max_bytes: int) -> int:
        """How many rows one reverse pass may have."""
        return max(1, min(AT_ONCE, max_bytes) // max(1, reverse_estimate(self.graph)))


def itemsize(graph: Graph) -> int:
    """Bytes of a number."""
    return 8 if graph.spec.dtype == "float64" else 4


def bytes_of(graph: Graph, shape: tuple[int, ...]) -> int:
    """What a tensor of this shape takes."""
    return math.prod(shape) * itemsize(graph)


def check_size(graph: Graph, shape: tuple[int, ...], max_bytes: int) -> None:
    """Refuse a tensor that would take too much memory, before it is made.

    Raises:
        SpecError: E021.
    """
    needed = bytes_of(graph, shape)
    if needed > max_bytes:
        raise SpecError(
            "E021", f"of shape {shape} it would take {needed:,} bytes, more than --max-bytes {max_bytes:,}",
            at=graph.spec.source.place(1, 1), hint="choose less: --output 'y[0]', or a product with a vector: --vector",
        )  # fmt: skip


def _sizes(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(int, shape))
