"""A Jacobian in numbers: one forward pass, and one reverse pass for as many rows at once as memory has room for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.graph.memory import memory_estimate, reverse_estimate
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.passes import backward, forward, plan
from backprop_cli.engine.rows import NumbersInRows
from backprop_cli.engine.rows import Rows as Seeds
from backprop_cli.errors import SpecError
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.jacobian.columns import with_columns

AT_ONCE = 1 << 26
"""Bytes that one reverse pass may take: its gradients, and what a step makes on its way, such as windows."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The passes of a graph, ready to go back from any seed of its output."""

    graph: Graph
    meaning: Numbers
    steps: Any
    values: Any
    run: int  # bytes of a run, as estimated
    made: dict[int, Any] = field(default_factory=dict)  # Jacobians that came along with another

    @classmethod
    def of(cls, graph: Graph, leaves: Mapping[int, Array]) -> Rows:
        """After the forward pass."""
        meaning = Numbers(graph)
        steps = plan(graph, meaning)
        with np.errstate(all="ignore"):
            meaning.values = forward(graph, steps, meaning, leaves)
        return cls(graph, meaning, steps, meaning.values, memory_estimate(graph))

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

    def jacobian(self, index: int, max_bytes: int, copies: int = 0, beside: int = 0) -> Any:
        """∂output/∂node, of the output's shape followed by the node's; it is handed out once.

        `copies` is how many more of its size the caller makes of each, `beside` the bytes of what it holds besides.

        Raises:
            SpecError: E021 where it would be too large, with those of what else is differentiated by.
        """
        output, nodes = _sizes(self.graph.output.shape), self.graph.nodes
        check_size(self.graph, (*output, *_sizes(nodes[index].shape)), max_bytes)
        if index not in self.made:
            wanted = sorted(self.graph.wrt & self.graph.active) if index in self.graph.wrt else [index]
            shapes = [(*output, *_sizes(nodes[one].shape)) for one in wanted]
            check_together(self.graph, shapes, max_bytes, copies)
            sizes = [bytes_of(self.graph, shape) for shape in shapes]
            apart = self.at_once(max_bytes - self.run - sum(sizes) - copies * max(sizes) - beside)
            self.made.update(self.jacobians(wanted, apart))
        return with_columns(self.graph, self.values, self.made.pop(index), index)

    def jacobians(self, wanted: Sequence[int], apart: int) -> Mapping[int, Any]:
        """Those by several nodes, from the same reverse passes, each of so many rows."""
        output = _sizes(self.graph.output.shape)
        shapes = {index: _sizes(self.graph.nodes[index].shape) for index in wanted}
        count = math.prod(output)
        meaning = NumbersInRows(self.graph)
        steps = plan(self.graph, meaning)
        rows: dict[int, Array] = {}
        for start in range(0, count, apart):
            stop = min(start + apart, count)
            found = self.backwards(meaning, steps, start, stop)
            for index, shape in shapes.items():
                if found[index] is None:  # nothing arrives
                    continue
                if stop - start == count:
                    rows[index] = found[index].array  # all at once: not copied
                    continue
                if index not in rows:
                    rows[index] = np.empty((count, *shape), dtype=self.graph.spec.dtype)
                rows[index][start:stop] = found[index].array
        dtype = self.graph.spec.dtype
        return {index: (rows[index] if index in rows else np.zeros((count, *shape), dtype))
                .reshape((*output, *shape))[()] for index, shape in shapes.items()}  # fmt: skip

    def backwards(self, meaning: NumbersInRows, steps: Any, start: int, stop: int) -> list[Any]:
        """The gradients from the seeds that are 1 at one entry of the output, from `start` up to `stop`."""
        output = self.graph.output
        seeds = np.zeros((stop - start, math.prod(_sizes(output.shape))), dtype=self.graph.spec.dtype)
        seeds[np.arange(stop - start), np.arange(start, stop)] = 1
        with np.errstate(all="ignore"):
            return backward(self.graph, steps, meaning, self.values, output.index,
                            Seeds(seeds.reshape((-1, *_sizes(output.shape)))))  # fmt: skip

    def at_once(self, room: int) -> int:
        """How many rows one reverse pass may have, in so many bytes."""
        return max(1, min(AT_ONCE, room) // max(1, reverse_estimate(self.graph)))


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


def check_together(graph: Graph, shapes: Iterable[tuple[int, ...]], max_bytes: int, copies: int = 0) -> None:
    """Refuse tensors that are held together where they, a run and one row on its way back would take too much.

    `copies` of the largest are made besides.

    Raises:
        SpecError: E021, which names a limit that would do.
    """
    sizes = [bytes_of(graph, shape) for shape in shapes]
    needed = memory_estimate(graph) + sum(sizes) + copies * max(sizes, default=0) + reverse_estimate(graph)
    if needed > max_bytes:
        raise SpecError(
            "E021", f"with a run beside it would take {needed:,} bytes, more than --max-bytes {max_bytes:,}",
            at=graph.spec.source.place(1, 1),
            hint=f"choose less: --wrt, --output 'y[0]'; or --max-bytes {(needed >> 20) + 1}M would do",
        )  # fmt: skip


def _sizes(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(int, shape))
