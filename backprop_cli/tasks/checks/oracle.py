"""`sympy.diff` of the explicit scalar output, by each entry of a node: no rule and no rounding in it.

What depends on the node is written out in its entries; everything else is a number.  Only where that stays small.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy
from sympy import Expr

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.formulas.entries import NoEntriesError, apply_op, entries, symbols
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.checks.differences import Dependents
from backprop_cli.tasks.checks.results import Answer, Index, Tolerance
from backprop_cli.tasks.checks.scalars import KinkError, Scalars, UnknownFunctionError
from backprop_cli.tasks.diagnose import on_kink

TOLERANCE = Tolerance(relative=1e-7, absolute=1e-10)
MOST_ENTRIES = 64  # of all arrays that depend on the node
MOST_TREE = 4000  # nodes of the output, written out
LARGEST_MATRIX = 3  # an inverse of symbols has n! terms
MOST_MATRIX = 100  # nodes of the symbolic entries of a matrix that is inverted, factored or raised to a power
WORK = 1_000_000.0  # for one spec, in microseconds, roughly


class TooLargeError(Exception):
    """Written out in entries, the output would be too large."""


@dataclass(slots=True)
class Oracle:
    """The explicit output of a graph, differentiated by sympy, as long as the work allows."""

    graph: Graph
    values: Sequence[Any]
    dependents: Dependents
    work: float = WORK
    sizes: Mapping[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.sizes = {node.index: math.prod(map(int, node.shape)) for node in self.graph.nodes}

    def answer(self, node: int, output: int, seed: Array, gradient: Array) -> Answer:
        """The derivative by each entry of a node, against its gradient."""
        if not np.isfinite(self.values[output]).all():
            return Answer("entries", note="the output is not finite")
        try:
            made, loss = self.explicit(node, output, seed)
        except (NoEntriesError, UnknownFunctionError) as reason:
            return Answer("entries", note=str(reason))
        except TooLargeError:
            return Answer("entries", note="too large to be written out in entries")
        if loss.has(sympy.nan, sympy.oo, -sympy.oo, sympy.zoo):
            return Answer("entries", note="the output is not finite")
        point = dict(zip(made.flat, np.asarray(self.values[node], dtype=float).flat, strict=True))
        try:
            return compared(loss, made, point, np.asarray(gradient, dtype=float))
        except UnknownFunctionError as missing:
            return Answer("entries", note=f"{missing} is not evaluated")

    def explicit(self, node: int, output: int, seed: Array) -> tuple[Any, Expr]:
        """Symbols for a node's entries, and Σ seed·output as one expression in them.

        Raises:
            TooLargeError: it, or differentiating it, is too much.
            NoEntriesError: an op on the way has no entries.
        """
        chain = self.dependents.of(node, output, self.sizes, MOST_ENTRIES - self.sizes[node])
        if chain is None:
            raise TooLargeError
        made = symbols(self.graph.nodes[node].name, self.graph.nodes[node].shape)
        known: dict[int, Any] = {node: made}
        sizes: dict[Expr, Extent] = {}
        for index in chain:
            known[index] = self.apply(self.graph.nodes[index], known, sizes)
            if sum(extent(e, sizes).size for e in known[index].flat) > MOST_TREE:
                raise TooLargeError
        loss = sympy.Add(*np.reshape(entries(seed) * self.of(output, known), -1))
        self.work -= extent(loss, sizes).work * made.size
        if self.work < 0:
            raise TooLargeError
        return made, loss

    def apply(self, node: Node, known: Mapping[int, Array], sizes: dict[Expr, Extent]) -> Any:
        """One step of the forward pass in entries; what sympy would not finish is refused before it starts.

        Raises:
            TooLargeError: a matrix is too large, or its entries are.
        """
        assert node.op is not None
        operands = [self.of(i, known) for i in node.inputs]
        if node.op.near is not None and on_kink(node, self.values):  # a triangle of symbols would be read
            raise NoEntriesError(node.op.name)
        if node.op.group == "linear algebra" and node.op.entry is not None:
            symbolic = sum(extent(e, sizes).size for x in operands if x is not None
                           for e in x.flat if e.free_symbols)
            times = int(node.parameters.get("n", 1)) ** 2
            if operands[0].shape[-1] > LARGEST_MATRIX or symbolic * max(times, 1) > MOST_MATRIX:
                raise TooLargeError
        return apply_op(node.op, operands, node.parameters)

    def of(self, index: int, known: Mapping[int, Array]) -> Any:
        """A node's entries: in the symbols, or its numbers."""
        node = self.graph.nodes[index]
        if index in known:
            return known[index]
        if node.kind == "constant":
            return None if node.value is None else entries(node.value)
        return entries(self.values[index])


def compared(loss: Expr, made: Any, point: Mapping[Expr, float], gradient: Array) -> Answer:
    """The derivatives of an expression by an array of symbols, evaluated, against a gradient."""
    value = Scalars(point)
    worst, at = 0.0, (0,) * made.ndim
    everything = np.full(made.shape, math.nan)
    kinks: list[Index] = []
    unknown: list[Index] = []
    for index in np.ndindex(*made.shape):
        try:
            found = value(sympy.diff(loss, made[index]))
        except KinkError:
            kinks.append(index)
            continue
        if not math.isfinite(found):
            unknown.append(index)
            continue
        everything[index] = found
        distance = float(TOLERANCE.distance(gradient[index], found))
        if not distance <= worst and not math.isnan(worst):
            worst, at = distance, index
    return Answer("entries", worst, bool(TOLERANCE.refuses(worst)), at, {"entries": everything}, tuple(kinks),
                  tuple(unknown), made.size, made.size)


class Extent(NamedTuple):
    """How large an expression is, written out: its nodes, its depth, and the nodes of all its parts together."""

    size: int
    depth: int
    parts: int

    @property
    def work(self) -> float:
        """What differentiating it takes: each part stands in the result again, and sympy compares them in depth."""
        return 1.5 * self.parts * self.depth


LEAF = Extent(1, 1, 1)


def extent(expr: Expr, known: dict[Expr, Extent]) -> Extent:
    """The extent of an expression."""
    if not expr.args:
        return LEAF
    if expr not in known:
        inner = [extent(a, known) for a in expr.args]
        size = 1 + sum(e.size for e in inner)
        known[expr] = Extent(size, 1 + max(e.depth for e in inner), size + sum(e.parts for e in inner))
    return known[expr]
