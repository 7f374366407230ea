"""The hand-written gradients of users' functions, each against differences of the function's body alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from backprop_cli.engine.graph import Graph, Node, rule_of
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops import OPS
from backprop_cli.tasks.checks.differences import MOST_ENTRIES, Probe, compare, sample
from backprop_cli.tasks.checks.results import FunctionResult, status_of
from backprop_cli.tasks.diagnose import named_user


def check_functions(graph: Graph, values: Sequence[Any]) -> Iterator[FunctionResult]:
    """Every operand of every use of a function whose gradient the user wrote."""
    meaning = Numbers(graph)
    for node in graph.nodes:
        if node.op is not None and OPS.get(node.op.name) is not node.op:
            for position in range(len(node.inputs)):
                if rule_of(node, position) is not None and values[node.inputs[position]] is not None:
                    yield _operand(graph, node, position, values, meaning)


def _operand(graph: Graph, node: Node, position: int, values: Sequence[Any], meaning: Numbers) -> FunctionResult:
    """One hand-written gradient, met by a random upstream gradient."""
    op = node.op
    assert op is not None
    operands = [values[i] for i in node.inputs]
    shape = tuple(map(int, node.shape))
    upstream = np.random.default_rng(crc32(op.name.encode())).normal(size=shape)[()]
    function, rule = meaning.bind(op, node.parameters), meaning.rule(op, position, node.parameters)
    with np.errstate(all="ignore"):
        written = meaning.unbroadcast(rule(upstream, values[node.index], *operands), np.shape(operands[position]))
        written = np.broadcast_to(written, np.shape(operands[position]))

    def total(value: Any) -> float:
        with np.errstate(all="ignore"):
            return float(np.sum(upstream * function(*operands[:position], value, *operands[position + 1 :])))

    probe = Probe(total, operands[position], float(np.sum(np.abs(upstream * values[node.index]))))
    indices = sample(np.shape(operands[position]), MOST_ENTRIES // 4, op.name)
    answer = compare(probe, written, indices, int(np.size(operands[position])))
    at, true = answer.index, answer.found["differences"]
    here = [float(np.asarray(x)[at]) if np.size(x) else math.nan for x in (written, true)]
    return FunctionResult(op.name, op.signature.operands[position], named_user(graph, node.index), status_of([answer]),
                          answer.worst or 0.0, at, *here)
