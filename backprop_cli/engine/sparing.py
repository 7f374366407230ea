"""What a run need not keep: a value once its last reader has run, a gradient once it is handed on.

For runs of which only the params' gradients are wanted, as in training.  The memory that goes is in the processor's
cache when the next array takes it, which is worth more than that there is less of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.graph.memory import costs
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.reverse import Step


def spare(graph: Graph, steps: Sequence[Step], kept: Collection[int]) -> None:
    """Note in each step what nobody needs after it; `kept`: whose values and gradients are asked for at the end.

    A hook may read any value, so that a graph with hooks keeps all.
    """
    if graph.hooks:
        return
    needed = set(kept) | _read_on_the_way_back(graph, steps)
    for step in reversed(steps):
        place, inputs = step.place, step.inputs
        step.passing = place not in kept
        step.spent = tuple((i, _hollow(graph, i)) for i in {place, *inputs}
                           if i not in needed and graph.nodes[i].op is not None)  # fmt: skip
        needed.update(inputs)


def _hollow(graph: Graph, index: int) -> Array:
    """Of a value that is gone: its shape, which a rule may still ask for, and NaN, which takes no memory."""
    missing = np.dtype(graph.spec.dtype).type(np.nan)
    return np.broadcast_to(missing, tuple(map(int, graph.nodes[index].shape)))[()]


def _read_on_the_way_back(graph: Graph, steps: Sequence[Step]) -> set[int]:
    """The nodes whose values the rules of the steps read; a user's own rule may read all that it is given."""
    taken, read = costs(graph), set[int]()
    for step in steps:
        if step.edges:
            given = (step.place, *step.inputs)
            known = OPS.get(step.node.op.name) is step.node.op
            read.update(given[place] for place in (taken[step.place].reads if known else range(len(given))))
    return read
