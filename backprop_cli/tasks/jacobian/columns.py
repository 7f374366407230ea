"""Columns of a Jacobian in forward mode, where the reverse pass found no value.

A row that does not depend on x[j] brings 0 to it, and 0 times an infinite slope is no number; a tangent along x[j] is 0
in that row from the start. What one order of the chain rule has a value for, its value is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.graph.tangents import Tangents, with_tangents
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.passes import forward, plan
from backprop_cli.engine.singular import AtHand
from backprop_cli.records import replace
from backprop_cli.tasks.forward import graph_output

MOST = 200_000
"""Steps of all the forward passes: a second or two."""


def with_columns(graph: Graph, values: Sequence[Array], value: Array, index: int) -> Array:
    """The Jacobian of a graph's output by a leaf, its entries without a value found column by column, if some are."""
    output, leaf = graph.output, next((one for one in graph.spec.leaves if one.name == graph.nodes[index].name), None)
    if leaf is None or output.anonymous or not math.isnan(np.add.reduce(value, axis=None)):  # a sum takes no memory
        return value
    found = np.asarray(value).reshape((math.prod(map(int, output.shape)), -1))
    lost = np.flatnonzero(np.isnan(found).any(axis=0))
    if len(lost) * len(graph.nodes) > MOST:
        return value
    with np.errstate(all="ignore"):
        made = with_tangents(graph, {leaf.name: leaf}, AtHand(graph, values))
        if output.name not in made.names:
            return value
        along = _Along(graph, values, made, leaf.name)
        for column in lost:
            entry = along.column(int(column)).reshape(-1)
            found[:, column] = np.where(np.isnan(found[:, column]), entry, found[:, column])
    return found.reshape(np.shape(value))[()]


class _Along:
    """The tangent of the output along one entry of a leaf."""

    def __init__(self, graph: Graph, values: Sequence[Array], made: Tangents, leaf: str) -> None:
        self.twin = build(replace(made.spec, output=graph.spec.output or graph_output(graph)))
        self.meaning = Numbers(self.twin)
        self.steps = plan(self.twin, self.meaning)
        self.known = {self.twin.names[one.name]: values[graph.names[one.name]]
                      for one in graph.spec.leaves if one.name in graph.names}  # fmt: skip
        self.moving = self.twin.names[made.names[leaf]]
        self.wanted = self.twin.names[made.names[graph.output.name]]
        self.like = np.asarray(values[graph.names[leaf]])

    def column(self, entry: int) -> Array:
        """∂output/∂leaf[entry]."""
        direction = np.zeros_like(self.like)
        direction.reshape(-1)[entry] = 1
        leaves = {**self.known, self.moving: direction[()]}
        return np.asarray(forward(self.twin, self.steps, self.meaning, leaves)[self.wanted])
