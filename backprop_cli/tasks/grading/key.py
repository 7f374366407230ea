"""The key: a spec worked out once, at its own numbers and at further draws, for any number of files of answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.interpret import Scope, Shapes, interpret
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops import Op
from backprop_cli.engine.ops.base import ShapeError
from backprop_cli.errors import BackpropError, SpecError
from backprop_cli.language.model import Shape, Spec
from backprop_cli.tasks.calculate import DEFAULT_MAX_BYTES, compute, load_leaves
from backprop_cli.tasks.grading.agreement import ROUNDING
from backprop_cli.tasks.grading.draws import further
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.sheets import Formula
from backprop_cli.tasks.grading.slips import Altered

MAX_ENTRIES = 1 << 22
"""Of all that a formula computes on its way, besides sixteen times what the key itself holds."""


@dataclass(frozen=True, slots=True)
class Draw:
    """The numbers of the graph at one choice of its leaves, by node index; `floor` is their rounding."""

    values: Sequence[Any]
    gradients: Sequence[Any]
    floor: float

    def of(self, what: str) -> Sequence[Any]:
        """The values or the gradients."""
        return self.values if what == "value" else self.gradients


@dataclass(frozen=True, slots=True)
class Key:
    """A spec and its answers; the first draw is the spec's own numbers."""

    graph: Graph
    draws: tuple[Draw, ...]
    altered: Altered
    entries: int

    @property
    def file(self) -> str:
        """The spec's file."""
        return self.graph.spec.source.file

    @property
    def asked(self) -> tuple[Item, ...]:
        """What is asked for where nobody says: the gradient of every leaf that is differentiated."""
        nodes = self.graph.nodes
        return tuple(Item(nodes[i].name, ".grad") for i in sorted(self.graph.wrt) if self.has_gradient(i))

    def has_gradient(self, index: int) -> bool:
        """Whether a gradient arrives at a node."""
        return self.draws[0].gradients[index] is not None

    def right(self, item: Item) -> list[Any]:
        """The right answer at each draw."""
        index = self.graph.names[item.node]
        return [draw.of(item.what)[index] for draw in self.draws]


def key_of(spec: Spec, max_bytes: int = DEFAULT_MAX_BYTES) -> Key:
    """Work a spec out, in float64 whatever its dtype.

    Raises:
        SpecError, Failures: whatever `run` raises on the spec.
    """
    graph = build(replace(spec, dtype="float64"))
    leaves = load_leaves(graph, max_bytes)
    first = compute(graph, leaves)
    runs = [first, *further(graph, leaves, first)]
    draws = []
    for run in runs:
        gradients = [run.gradient(node.index) for node in graph.nodes]
        floor = ROUNDING * max(_largest(run.values), _largest(gradients))
        draws.append(Draw(run.values, gradients, floor))
    return Key(graph, tuple(draws), Altered(graph, runs), sum(prod(map(int, node.shape)) for node in graph.nodes))


def _largest(arrays: Sequence[Any]) -> float:
    """The largest finite size of a number in arrays, at least 1."""
    found = 1.0
    for array in arrays:
        if array is not None and np.size(array):
            found = max(found, float(np.abs(np.where(np.isfinite(array), array, 0.0)).max()))
    return found


# ── formulas ─────────────────────────────────────────────────────────────────────────────────────


class Forbidden(Exception):
    """A formula uses the very thing that is asked for."""


class Thrifty(Shapes):
    """Shapes alone, with a limit on how much a formula may compute in all."""

    def __init__(self, limit: int) -> None:
        self.limit = self.left = limit

    def apply(self, op: Op, operands: tuple[Any, ...], parameters: Any) -> Any:
        """The shape rule of an op.

        Raises:
            ShapeError: the operands do not fit, or all results together are too large.
        """
        shape: Shape = op.shape(*operands, **parameters)
        self.left -= prod(map(int, shape))
        if self.left < 0:
            raise ShapeError(f"the formula would compute more than {self.limit:,} numbers")
        return shape


def evaluated(key: Key, item: Item, formula: Formula) -> list[Any]:
    """What a formula says at each draw; its shapes are worked out before any number is.

    Raises:
        BackpropError: it is no expression of the language, or its shapes do not fit.
        Forbidden: it uses what is asked for.
    """
    shapes = [node.shape for node in key.graph.nodes]
    arriving = [node.shape if key.has_gradient(node.index) else None for node in key.graph.nodes]
    limit = MAX_ENTRIES + 16 * key.entries
    interpret(formula.expression, _scope(key, item, formula, shapes, arriving), Thrifty(limit))
    meaning = Numbers(key.graph)
    found = []
    for draw in key.draws:
        with np.errstate(all="ignore"):
            scope = _scope(key, item, formula, draw.values, draw.gradients)
            found.append(_number(formula, scope, meaning))
    return found


def _number(formula: Formula, scope: Scope, meaning: Numbers) -> Any:
    try:
        return np.asarray(interpret(formula.expression, scope, meaning), dtype=float)
    except (BackpropError, MemoryError):
        raise
    except Exception as caught:  # noqa: BLE001 - numpy refuses an operand; which it is differs from op to op
        message = f"the formula cannot be computed: {' '.join(str(caught).split())[:200]}"
        raise SpecError("E015", message, at=formula.text.place()) from None


def _scope(key: Key, item: Item, formula: Formula, values: Sequence[Any], gradients: Sequence[Any]) -> Scope:
    """Names bound to the nodes' values, `grad(...)` to their gradients."""
    names = key.graph.names

    def bound(of: Sequence[Any], what: str) -> Any:
        def lookup(name: str) -> Any:
            if name == item.node and what == item.what:
                raise Forbidden(f"it uses {name if what == 'value' else f'grad({name})'}, which is what is asked for")
            return of[names[name]] if name in names else None

        return lookup

    return Scope(formula.text, bound(values, "value"), bound(gradients, "gradient"), names=lambda: names,
                 dims=key.graph.spec.dims, functions=key.graph.spec.functions)  # fmt: skip
