"""The key: a spec worked out once, at its own numbers and at further draws, for any number of files of answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, Meter, build, work_estimate
from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.errors import BackpropError, SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Shape, Spec
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.grading.chain import EPSILON, Chain, ancestors
from backprop_cli.tasks.grading.contents import Formula
from backprop_cli.tasks.grading.draws import further
from backprop_cli.tasks.grading.figures import Figures, figures_of
from backprop_cli.tasks.grading.items import Item, gradient_of
from backprop_cli.tasks.grading.results import What
from backprop_cli.tasks.leaves import DEFAULT_MAX_BYTES, load_leaves

MAX_ENTRIES = 1 << 22
"""Of all that a formula computes on its way, besides sixteen times what the key itself holds."""


@dataclass(frozen=True, slots=True)
class Draw:
    """The numbers of the graph at one choice of its leaves, by node index, and how far rounding may move them."""

    values: Sequence[Any]
    gradients: Sequence[Any]
    rounding: Mapping[What, Sequence[Any]] = field(default_factory=dict)
    seeds: Sequence[Any] = ()

    def of(self, what: str) -> Sequence[Any]:
        """The values or the gradients."""
        return self.values if what == "value" else self.gradients

    def floor(self, what: What, index: int) -> Any:
        """How far rounding may move a node's value or gradient, entry by entry."""
        return self.rounding[what][index]


@dataclass(frozen=True)
class Key:
    """A spec and its answers; the first draw is the spec's own numbers."""

    graph: Graph
    draws: tuple[Draw, ...]
    chain: Chain
    entries: int
    work: int  # operations of the whole spec
    known: dict[Any, Any] = field(default_factory=dict, repr=False)  # what was worked out about its items

    @property
    def file(self) -> str:
        """The spec's file."""
        return self.graph.spec.source.file

    @property
    def names(self) -> Mapping[str, int]:
        """The nodes' names."""
        return self.graph.names

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
        index = self.names[item.node]
        return [np.asarray(draw.of(item.what)[index]) for draw in self.draws]

    def given(self, item: Item) -> bool:
        """Whether an item earns nothing: a leaf's own value, and the gradient of the output."""
        node = self.graph.nodes[self.names[item.node]]
        return node.is_leaf if item.what == "value" else node.index == self.graph.output.index

    @cached_property
    def _completed(self) -> Mapping[int, int]:
        """For each node the first of its users: when the reverse pass has come past that, its gradient is complete."""
        found: dict[int, int] = {}
        for node in self.graph.nodes:
            for operand in node.inputs:
                found.setdefault(operand, node.index)
        return found

    def place(self, item: Item) -> tuple[int, int, int]:
        """Where an item stands: values on the way forward, then gradients on the way back."""
        index = self.names.get(item.node)
        if index is None:
            return (2, 0, 0)
        if item.what == "value":
            return (0, index, 0)
        return (1, -self._completed.get(index, len(self.graph.nodes)), -index)

    def below(self, index: int) -> Collection[int]:
        """The nodes on which a node depends: their gradients rest on its own."""
        if ("below", index) not in self.known:
            self.known["below", index] = ancestors(self.graph, index)
        found: Collection[int] = self.known["below", index]
        return found


def key_of(spec: Spec, max_bytes: int = DEFAULT_MAX_BYTES) -> Key:
    """Work a spec out, in float64 whatever its dtype.

    Raises:
        SpecError, Failures: whatever `run` raises on the spec.
    """
    graph = build(replace(spec, dtype="float64"))
    leaves = load_leaves(graph, max_bytes, runs=3)  # at the spec's numbers and at two draws
    first = compute(graph, leaves)
    chain = Chain(graph, Numbers(graph))
    draws = [_draw(chain, run) for run in (first, *further(graph, leaves, first))]
    entries = sum(prod(map(int, node.shape)) for node in graph.nodes)
    return Key(graph, tuple(draws), chain, entries, work_estimate(graph))


def _draw(chain: Chain, run: Computed) -> Draw:
    gradients = [run.gradient(node.index) for node in chain.graph.nodes]
    rounding: dict[What, Sequence[Any]] = {
        "value": chain.value_rounding(run.values), "gradient": chain.rounding(run.values, gradients)}  # fmt: skip
    return Draw(run.values, gradients, rounding, run.seeds)


# ── formulas ─────────────────────────────────────────────────────────────────────────────────────


class Forbidden(Exception):
    """A formula uses the very thing that is asked for, or what rests on it."""


MAX_WORK = 1 << 30
"""Operations of a formula, about a second, besides sixteen times what the key itself takes."""


def bounded(key: Key) -> Meter:
    """Shapes alone, with limits on what a formula may take, in memory and in work."""
    return Meter(MAX_ENTRIES + 16 * key.entries, MAX_WORK + 16 * key.work)


def evaluated(key: Key, item: Item, formula: Formula, allow: str = "later") -> list[Any]:
    """What a formula says at each draw; its shapes are worked out before any number is.

    Raises:
        BackpropError: it is no expression of the language, or its shapes do not fit.
        Forbidden: it uses what is asked for, or what it may not rest on.
    """
    shapes = [node.shape for node in key.graph.nodes]
    arriving = [node.shape if key.has_gradient(node.index) else None for node in key.graph.nodes]
    wanted = shapes[key.names[item.node]]
    interpret(formula.expression, _scope(key, item, formula, shapes, arriving, allow), bounded(key), wanted)
    found = []
    for draw in key.draws:
        with np.errstate(all="ignore"):
            scope = _scope(key, item, formula, draw.values, draw.gradients, allow)
            found.append(_number(formula, scope, key.chain.meaning, wanted))
    return found


def cancelled(key: Key, item: Item, formula: Formula) -> float | None:
    """How much rounding may leave of terms that cancel in a formula; None where nothing cancels.

    At most a millionth of the right answer: beyond, a formula is not held to be right for its rounding.
    """
    sizes = [None if one is None else np.abs(one) for one in key.draws[0].values]
    arriving = [None if one is None else np.abs(one) for one in key.draws[0].gradients]
    with np.errstate(all="ignore"):
        try:
            found = interpret(formula.expression, _scope(key, item, formula, sizes, arriving, "all"), Sizes(key.graph))
        except Exception:  # noqa: BLE001 - sizes may lead outside a domain: then nothing can be said
            return None
    right = float(np.max(np.abs(key.right(item)[0]), initial=0.0))
    largest = float(np.max(found, initial=0.0)) * EPSILON
    return min(largest, 1e-6 * right) if 0 < largest < np.inf else None


class Sizes(Numbers):
    """Numbers without signs: what is added up in an expression, rather than what is left of it."""

    def constant(self, value: Any) -> Any:
        """A literal's size."""
        return None if value is None else abs(super().constant(value))

    def apply(self, op: Op, operands: tuple[Any, ...], parameters: Any) -> Any:
        """A difference is the sum of the sizes."""
        return np.abs(super().apply(OPS["add"] if op.name == "subtract" else op, operands, parameters))


def figures(key: Key, formula: Formula) -> Figures:
    """The numbers of an answer that names no node.

    Raises:
        BackpropError: it is no arithmetic of the language.
    """
    scope = Scope(formula.text, lambda name: None)
    limit = bounded(key)

    def value_of(part: ast.Expression) -> Any:
        interpret(part, scope, limit)
        with np.errstate(all="ignore"):
            return np.asarray(interpret(part, scope, key.chain.meaning), dtype=float)[()]

    try:
        with np.errstate(all="ignore"):
            return figures_of(formula.expression, value_of)
    except ValueError as caught:
        raise SpecError("E014", str(caught), at=formula.text.place()) from None


def _number(formula: Formula, scope: Scope, meaning: Numbers, wanted: Shape) -> Any:
    try:
        return np.asarray(interpret(formula.expression, scope, meaning, wanted), dtype=float)
    except (BackpropError, MemoryError):
        raise
    except Exception as caught:  # noqa: BLE001 - numpy refuses an operand; which it is differs from op to op
        message = f"the formula cannot be computed: {' '.join(str(caught).split())[:200]}"
        raise SpecError("E015", message, at=formula.text.place()) from None


def _scope(key: Key, item: Item, formula: Formula, values: Sequence[Any], gradients: Sequence[Any],
           allow: str) -> Scope:  # fmt: skip
    """Names bound to the nodes' values, `grad(...)` (and `dz2`, where no node has that name) to their gradients."""
    names = key.names
    index = names[item.node]

    def value(name: str) -> Any:
        if name not in names:
            node = gradient_of(name, names)
            return None if node is None else gradient(node)
        if item.what == "value":
            _refuse(name == item.node, f"it uses {name}, which is what is asked for")
            _refuse(allow != "all" and index in key.below(names[name]), f"it uses {name}, which rests on {item.node}")
        return values[names[name]]

    def gradient(name: str) -> Any:
        if name not in names or gradients[names[name]] is None:
            return None
        if item.what == "gradient":
            _refuse(name == item.node, f"it uses grad({name}), which is what is asked for")
            _refuse(allow == "forward", f"it uses grad({name}); values of the forward pass alone are allowed here")
            rests = allow != "all" and names[name] in key.below(index)
            _refuse(rests, f"it uses grad({name}), which itself rests on grad({item.node})")
        return gradients[names[name]]

    def shape(name: str) -> Shape | None:
        return key.graph.nodes[names[name]].shape if name in names else None

    return Scope(formula.text, value, gradient, names=lambda: names, dims=key.graph.spec.dims, shapes=shape,
                 functions=key.graph.spec.functions, output=key.graph.output_name)  # fmt: skip


def _refuse(forbidden: bool, why: str) -> None:
    if forbidden:
        raise Forbidden(why)
