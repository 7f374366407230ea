"""`sympy.diff` of the output written out in entries, by each entry of a node: no rule and no rounding in it.

What depends on the node is written out; everything else is a number.  Where the whole output is too large, the walk
ends at the nodes whose derivatives are known already, from here: Σ ∂output/∂c · c(x), by the chain rule.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import sympy
from sympy import Expr

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.formulas.entries import NoEntriesError, apply_op, entries, symbols
from backprop_cli.records import dataclass, field, replace
from backprop_cli.tasks.checks.dependents import Dependents
from backprop_cli.tasks.checks.results import Answer, Index, Tolerance
from backprop_cli.tasks.checks.rounding import DRAWS, MARGIN
from backprop_cli.tasks.checks.scalars import KinkError, Scalars, Shaken, UnknownFunctionError, added
from backprop_cli.tasks.diagnose import on_kink

TOLERANCE = Tolerance(relative=1e-7, absolute=1e-10)
MOST_ENTRIES = 64  # of all arrays that depend on the node
MOST_TREE = 4000  # nodes of the output, written out
LARGEST_MATRIX = 3  # an inverse of symbols has n! terms
MOST_MATRIX = 100  # nodes of the symbolic entries of a matrix that is inverted, factored or raised to a power
MOST_APPLIED = 100_000  # operations of one step, which sympy does one by one
APPLIED = 300.0  # microseconds, roughly, that sympy takes for an entry of one step


class TooLargeError(Exception):
    """Written out in entries, the output would be too large."""


@dataclass(frozen=True, slots=True)
class Explicit:
    """An output as Σ weight · term, written out in the entries of a node; the terms are the entries of its `ends`."""

    made: Any  # symbols for the entries
    terms: Sequence[tuple[float, Expr]]
    ends: Sequence[int]
    slopes: dict[tuple[Expr, Expr], Expr]  # found so far: many steps are alike

    def slope(self, entry: Expr, value: Scalars) -> float:
        """The derivative by an entry.

        Raises:
            KinkError: there is none.
            UnknownFunctionError: sympy's derivative holds a function that is not evaluated.
        """
        held = [(weight, term) for weight, term in self.terms if entry in term.free_symbols]
        return float(added(*(weight * value(self.derivative(term, entry)) for weight, term in held)))

    def derivative(self, term: Expr, entry: Expr) -> Expr:
        """By sympy, once."""
        found = self.slopes.get((term, entry))
        if found is None:
            found = self.slopes[term, entry] = sympy.diff(term, entry)
        return found


@dataclass(slots=True)
class Allowance:
    """Microseconds, roughly, that sympy may take for one spec."""

    left: float

    def take(self, work: float) -> None:
        """Before it is done.

        Raises:
            TooLargeError: there is not so much left.
        """
        if work > self.left:
            raise TooLargeError
        self.left -= work


@dataclass(slots=True)
class Effort:
    """What may be spent on outputs written out as a whole, which is quadratic in a chain, and on those in parts."""

    whole: Allowance = field(default_factory=lambda: Allowance(100_000.0))
    parts: Allowance = field(default_factory=lambda: Allowance(1_000_000.0))


@dataclass(slots=True)
class Oracle:
    """One output of a graph, explicit and differentiated by sympy, as long as the effort allows.

    `known` are the derivatives found so far by all entries of a node, the output's own first: the seed.
    """

    graph: Graph
    values: Sequence[Any]
    dependents: Dependents
    output: int
    seed: Array
    effort: Effort
    known: dict[int, Array] = field(init=False)
    sizes: Mapping[int, int] = field(init=False)
    slopes: dict[tuple[Expr, Expr], Expr] = field(default_factory=dict)
    extents: dict[Expr, Extent] = field(default_factory=dict)
    steps: dict[tuple[object, ...], Any] = field(default_factory=dict)  # ops of a node's symbols alone: many are alike
    made: dict[Index, Any] = field(default_factory=dict)  # one node at a time is symbols: the same for all of a shape
    far: set[int] = field(default_factory=set)  # nodes too far from the output: so is what they are made of

    def __post_init__(self) -> None:
        self.sizes = {node.index: math.prod(map(int, node.shape)) for node in self.graph.nodes}
        self.known = {self.output: np.broadcast_to(self.seed, self.graph.nodes[self.output].shape)}

    def answer(self, node: int, gradient: Array) -> Answer:
        """The derivative by each entry of a node, against its gradient; nodes nearer to the output come first."""
        if not np.isfinite(self.values[self.output]).all():
            return Answer("entries", note="the output is not finite")
        if np.isnan(self.values[node]).any():  # a symbol in its place would equal itself
            return Answer("entries", note="the node holds NaN")
        try:
            with np.errstate(all="ignore"):
                explicit = self.written(node)
            if any(term.has(sympy.nan, sympy.oo, -sympy.oo, sympy.zoo) for _, term in explicit.terms):
                return Answer("entries", note="the output is not finite")
            point = np.asarray(self.values[node], dtype=float)
            found = compared(explicit, point, np.asarray(gradient, dtype=float))
        except (NoEntriesError, UnknownFunctionError) as reason:
            return Answer("entries", note=str(reason))
        except TooLargeError:
            return Answer("entries", note="too large to be written out in entries")
        if not (found.kinks or found.unknown):
            self.known.setdefault(node, found.found["entries"])
        whole = explicit.ends == [self.output]
        return found if whole else replace(found, note=self.dependents.by_way_of(explicit.ends))

    def written(self, node: int) -> Explicit:
        """The whole output where that is small, else up to what is known.

        Raises:
            TooLargeError, NoEntriesError: as `explicit`.
        """
        is_far = not self.far.isdisjoint(self.dependents.users[node])
        whole = None if is_far else self.way(node, (self.output,))
        if whole is None:
            self.far.add(node)
        else:
            with suppress(TooLargeError):
                return self.explicit(node, whole, (self.output,), self.effort.whole)
        way = self.way(node, self.known)
        if way is None:
            raise TooLargeError
        return self.explicit(node, way, self.known, self.effort.parts)

    def way(self, node: int, known: Container[int]) -> list[int] | None:
        """What depends on a node, up to what is known; None where it has too many entries."""
        return self.dependents.of(node, self.output, self.sizes, MOST_ENTRIES - self.sizes[node], known)

    def explicit(self, node: int, chain: Sequence[int], known: Container[int], effort: Allowance) -> Explicit:
        """The output as a sum over what is known, each written out in the entries of a node.

        Raises:
            TooLargeError: it, or differentiating it, is too much.
            NoEntriesError: an op on the way has no entries.
        """
        effort.take(APPLIED * sum(self.sizes[index] for index in chain))
        shape = tuple(map(int, self.graph.nodes[node].shape))
        made = self.made[shape] = self.made[shape] if shape in self.made else symbols("x", shape)
        written, reached = {node: made}, {node: made} if node == self.output else {}
        for index in chain:
            found = self.apply(self.graph.nodes[index], written)
            if sum(extent(e, self.extents).size for e in found.flat) > MOST_TREE:
                raise TooLargeError
            (reached if index in known else written)[index] = found  # what a known one leads to is in its derivative
        terms = [(weight, term) for end, found in reached.items()
                 for weight, term in zip(self.known[end].flat, found.flat, strict=True) if weight]  # fmt: skip
        effort.take(sum(extent(term, self.extents).work * len(term.free_symbols) for _, term in terms))
        return Explicit(made, terms, [*reached], self.slopes)

    def apply(self, node: Node, known: Mapping[int, Array]) -> Any:
        """One step of the forward pass in entries; what sympy would not finish is refused before it starts.

        Raises:
            TooLargeError: a matrix is too large, or its entries are.
        """
        assert node.op is not None
        operands = [self.of(i, known) for i in node.inputs]
        if node.op.near is not None and on_kink(node, self.values):  # a triangle of symbols would be read
            raise NoEntriesError(node.op.name)
        if node.op.group == "linear algebra" and node.op.entry is not None:
            symbolic = sum(extent(e, self.extents).size for x in operands if x is not None
                           for e in x.flat if e.free_symbols)
            times = int(node.parameters.get("n", 1)) ** 2
            if operands[0].shape[-1] > LARGEST_MATRIX or symbolic * max(times, 1) > MOST_MATRIX:
                raise TooLargeError
        shapes = [None if x is None else np.shape(x) for x in operands]
        if node.op.work(node.shape, *shapes, **node.parameters) > MOST_APPLIED:
            raise TooLargeError
        made = None if shapes[0] is None else self.made.get(shapes[0])
        if node.parameters or made is None or any(x is not made for x in operands):
            return apply_op(node.op, operands, node.parameters)
        step = node.op.name, shapes[0], len(operands)
        if step not in self.steps:
            self.steps[step] = apply_op(node.op, operands, {})
        return self.steps[step]

    def of(self, index: int, known: Mapping[int, Array]) -> Any:
        """A node's entries: in the symbols, or its numbers."""
        node = self.graph.nodes[index]
        if index in known:
            return known[index]
        if node.kind == "constant":
            return None if node.value is None else entries(node.value)
        return entries(self.values[index])


def compared(explicit: Explicit, point: Array, gradient: Array) -> Answer:
    """The derivatives of what is explicit by each of its symbols, evaluated at a point, against a gradient."""
    made = explicit.made
    at_point = dict(zip(made.flat, point.flat, strict=True))
    value, shaken = Scalars(at_point), list[Shaken]()
    worst, at = 0.0, (0,) * made.ndim
    everything = np.full(made.shape, math.nan)
    kinks: list[Index] = []
    unknown: list[Index] = []
    for index in np.ndindex(*made.shape):
        try:
            found = explicit.slope(made[index], value)
        except KinkError:
            kinks.append(index)
            continue
        if not math.isfinite(found):
            unknown.append(index)
            continue
        distance = float(TOLERANCE.distance(gradient[index], found))
        if TOLERANCE.refuses(distance):
            if any(map(math.isinf, value.memo.values())):  # x/√(x² + y²) is 0 where x² is too large a number
                unknown.append(index)
                continue
            shaken = shaken or [Shaken(at_point, draw) for draw in range(DRAWS)]
            if abs(gradient[index] - found) <= spread(explicit, made[index], found, shaken):
                unknown.append(index)
                continue
        everything[index] = found
        if not distance <= worst and not math.isnan(worst):
            worst, at = distance, index
    return Answer("entries", worst, bool(TOLERANCE.refuses(worst)), at, {"entries": everything}, tuple(kinks),
                  tuple(unknown), made.size, made.size)


def spread(explicit: Explicit, entry: Expr, found: float, shaken: Iterable[Scalars]) -> float:
    """How far rounding may take a derivative from what was found; 0 where it is on a kink for some roundings."""
    try:
        return MARGIN * max(abs(explicit.slope(entry, one) - found) for one in shaken)
    except KinkError:
        return 0.0


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
