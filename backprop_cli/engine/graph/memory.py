"""How much memory a graph will take, from its shapes alone."""

from __future__ import annotations

import math

from backprop_cli.engine.graph.nodes import Graph, Node


def _padded(graph: Graph, node: Node) -> int:
    """Entries of the padded copy that windows are taken from."""
    padding = node.parameters.get("padding", 0)
    if not padding or isinstance(padding, str):
        return 0
    shape = graph.nodes[node.inputs[0]].shape
    space = 2 if node.op and "2d" in node.op.name else 1
    each: tuple[int, ...] = padding if isinstance(padding, tuple) else (padding,) * space
    sizes = [int(s) + 2 * p for s, p in zip(shape[-space:], each, strict=False)]
    return math.prod([*map(int, shape[:-space]), *sizes])


def memory_estimate(graph: Graph) -> int:
    """Bytes of all values and gradients together, from the shapes alone."""
    itemsize = 8 if graph.spec.dtype == "float64" else 4
    values = sum(math.prod(map(int, node.shape)) + _padded(graph, node) for node in graph.nodes)
    gradients = sum(math.prod(map(int, graph.nodes[i].shape)) for i in graph.active)
    return itemsize * (values + gradients)
