"""The hand-written gradients of users' functions, each against differences of the function's body alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from backprop_cli.engine.custom import gradient_again, summed_sizes
from backprop_cli.engine.graph import Graph, Node, rule_of
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.records import dataclass, replace
from backprop_cli.tasks.checks.differences import MOST_ENTRIES, Probe, compare, sample
from backprop_cli.tasks.checks.excuses import within_rounding
from backprop_cli.tasks.checks.results import FunctionResult, status_of
from backprop_cli.tasks.checks.rounding import DRAWS as ROUNDINGS
from backprop_cli.tasks.checks.rounding import MARGIN, Moved, Rounding
from backprop_cli.tasks.places import named_user

DRAWS = 3
SMALL = 1e-3
NOT_HERE = "right at these numbers, wrong at others"


def check_functions(graph: Graph, values: Sequence[Array]) -> Iterator[FunctionResult]:
    """Every operand of every use of a function whose gradient the user wrote."""
    meaning = Numbers(graph)
    for node in graph.nodes:
        if node.op is not None and OPS.get(node.op.name) is not node.op:
            operands = [values[i] for i in node.inputs]
            for position, operand in enumerate(operands):
                if rule_of(node, position) is not None and operand is not None:
                    yield _judged(graph, node, position, operands, meaning)


def _judged(graph: Graph, node: Node, position: int, operands: Sequence[Array], meaning: Numbers) -> FunctionResult:
    """A hand-written gradient at the spec's numbers, in shape, and, where it is right so far, at other numbers."""
    found = _operand(graph, node, position, operands, meaning)
    summed = _summed(graph, node, position)
    if summed:
        return replace(found, status="wrong", note=f"it has axes more than its argument: summed over {summed} by us")
    for number in range(0 if found.status == "wrong" else DRAWS):
        other = _operand(graph, node, position, _drawn(graph, node, operands, number), meaning)
        if other.status == "wrong" and math.isfinite(other.written):
            return replace(other, note=NOT_HERE)
    return found


def _summed(graph: Graph, node: Node, position: int) -> str:
    """The sizes of the axes that a hand-written gradient has more than its argument."""
    assert node.op is not None
    function = graph.spec.functions[node.op.name]
    name = node.op.signature.operands[position]
    if name not in function.grads:
        return ""
    sizes = summed_sizes(function, graph.spec, name, tuple(graph.nodes[i].shape for i in node.inputs))
    return " and ".join(getattr(size, "name", None) or str(int(size)) for size in sizes)


def _drawn(graph: Graph, node: Node, operands: Sequence[Any], number: int) -> list[Any]:
    """Other numbers for the operands that are differentiated: leaves of any sign at last, unless they are positive.

    What was computed keeps its signs: those after a relu or an exp belong to it. Numbers too small to be told apart by
    what comes out are drawn near 1.
    """
    random = np.random.default_rng([crc32(node.name.encode()), number])

    def other(x: Array, source: Node) -> Any:
        signs = -1 if number == DRAWS - 1 and source.leaf and "positive" not in source.leaf.claims else 1
        size = np.max(np.abs(x))
        far = x / size if 0 < size < SMALL else x
        return (signs * far + 0.1 * np.equal(x, 0)) * np.exp(0.5 * random.standard_normal(np.shape(x)))

    return [x if x is None or rule_of(node, i) is None or not np.size(x) else other(x, graph.nodes[node.inputs[i]])
            for i, x in enumerate(operands)]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Again:
    """A use of a function, each of its steps rounded otherwise."""

    graph: Graph
    node: Node
    operands: Sequence[Array]
    upstream: Array
    meaning: Numbers

    def drawn(self) -> Iterator[Rounding]:
        """Some roundings."""
        return (Rounding(self.meaning, "", draw) for draw in range(ROUNDINGS))

    @property
    def moved(self) -> list[Moved]:
        """The operands, which are as they are."""
        return [Moved(operand, operand) for operand in self.operands]

    @property
    def op(self) -> Op:
        """The function's own."""
        assert self.node.op is not None
        return self.node.op

    def rounding(self) -> float:
        """How far rounding takes the sum of the function's values, each times what arrives at it."""
        with np.errstate(all="ignore"):
            found = [one.apply(self.op, tuple(self.moved), self.node.parameters) for one in self.drawn()]
            return MARGIN * max(float(abs(np.sum(self.upstream * (one.off - one.exact)))) for one in found)

    def spread(self, position: int) -> Array:
        """How far rounding takes a hand-written gradient, entry by entry; one that is derived, nowhere."""
        function, shape = self.graph.spec.functions[self.op.name], np.shape(self.operands[position])
        name = function.args[position]
        if name not in function.grads:
            return np.zeros(shape)
        g = Moved(self.upstream, self.upstream)
        with np.errstate(all="ignore"):
            found = [gradient_again(function, self.graph.spec, one, name, self.moved, g).off
                     for one in self.drawn()]
            fitted = [np.broadcast_to(self.meaning.unbroadcast(one, shape), shape) for one in found]
            spread: Array = MARGIN * np.ptp(fitted, axis=0)
        return spread


def _operand(graph: Graph, node: Node, position: int, operands: Sequence[Array], meaning: Numbers) -> FunctionResult:
    """One hand-written gradient, met by a random upstream gradient."""
    op = node.op
    assert op is not None
    shape = tuple(map(int, node.shape))
    upstream = np.random.default_rng(crc32(op.name.encode())).normal(size=shape)[()]
    function, rule = meaning.bind(op, node.parameters), meaning.rule(op, position, node.parameters)
    with np.errstate(all="ignore"):
        value = function(*operands)
        written = meaning.unbroadcast(rule(upstream, value, *operands), np.shape(operands[position]))
        written = np.broadcast_to(written, np.shape(operands[position]))

    def total(moved: Array) -> float:
        with np.errstate(all="ignore"):
            return float(np.sum(upstream * function(*operands[:position], moved, *operands[position + 1 :])))

    again = _Again(graph, node, operands, upstream, meaning)
    probe = Probe(total, operands[position], float(np.sum(np.abs(upstream * value))), again.rounding)
    indices = sample(np.shape(operands[position]), MOST_ENTRIES // 4, op.name)
    answer = compare(probe, written, indices)
    if answer.wrong:
        answer = within_rounding(answer, written, again.spread(position))
    at, true = answer.index, answer.found["differences"]
    ours, theirs = (float(np.asarray(x)[at]) if np.size(x) else math.nan for x in (written, true))
    return FunctionResult(op.name, op.signature.operands[position], named_user(graph, node.index), status_of([answer]),
                          answer.worst or 0.0, at, ours, theirs)
