"""The symbols of a graph: what they stand for, what they are defined as, and the facts that follow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache, partial
from typing import Any, TypeVar
from weakref import ref

import numpy as np
from sympy import Add, Expr, Rational, oo

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.ops import Op
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.reverse import Step
from backprop_cli.formulas.algebra.budget import PLAIN, Budget, long_work
from backprop_cli.formulas.algebra.definitions import name_definition
from backprop_cli.formulas.algebra.evaluate import Evaluator
from backprop_cli.formulas.algebra.expr import (
    GradSymbol,
    TensorSymbol,
    exact,
    is_op,
    symbols_of,
    tree_size,
)
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.formula import Formula, materialize
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.proofs import sum_of_definition
from backprop_cli.formulas.algebra.style import Style
from backprop_cli.formulas.algebra.work import Work, at_work, spend
from backprop_cli.formulas.long_sums import parts_of_sums, terms_of
from backprop_cli.formulas.spoken import apply_op
from backprop_cli.language.expression import Number, parts
from backprop_cli.language.model import Spec
from backprop_cli.language.names import UNIT_LETTERS
from backprop_cli.notices import notice
from backprop_cli.records import dataclass, field

PRINTED_BUDGET = 4000
"""Above so many nodes even one step of the chain rule, through a long expression without names, is not written out."""

HUGE = 10**9

INLINE = 60
"""An anonymous node stands for itself, so that it cancels against what surrounds it; a longer one keeps a symbol."""


Symbol = TypeVar("Symbol", bound=TensorSymbol)


@dataclass(slots=True)
class Symbols:
    """The symbols of a graph's nodes, what they are defined as, and the facts that follow."""

    graph: Graph
    nodes: list[Formula]
    gradients: dict[int, GradSymbol]
    definitions: dict[int, Expr]
    anonymous: dict[Expr, Expr]
    facts: Facts
    long: str = ""  # what is to be said of a long chain
    unfolded: set[Expr] = field(default_factory=set)  # anonymous ones whose definitions hold others
    sizes: dict[Expr, int] = field(default_factory=dict)
    chosen: dict[Expr, Expr] = field(default_factory=dict)  # whole gradients by what added up to them; see `tensors`
    tidied: dict[Expr, Expr] = field(default_factory=dict)  # the same of any gradient: many parts hand on what they get
    steps: list[Step] = field(default_factory=list)  # the graph's, with the rules bound to formulas
    parts: frozenset[int] = frozenset()  # of sums, which are not defined; see `long_sums`
    within: Mapping[int, Sequence[int]] = field(default_factory=dict)  # the same by the whole sums
    letter: str | None = None  # see `unit`

    def known(self, symbol: Symbol) -> Symbol:
        """A symbol of this graph: what is known of the graph is known of expressions with it."""
        symbol.graph = ref(self.facts)
        return symbol

    @property
    def unit(self) -> str:
        """A letter for unit vectors that neither a node nor a size has, nor Euler's number; empty if there is none."""
        if self.letter is None:
            taken = {*self.graph.names, *self.graph.spec.dims}
            if any(node.kind == "constant" and node.value == math.e for node in self.graph.nodes):
                taken.add("e")
            self.letter = next((letter for letter in UNIT_LETTERS if letter not in taken), "")
        return self.letter

    def fold(self, expr: Expr) -> Expr:
        """With the definitions of anonymous nodes in place of their symbols, unless that is too long to be read."""
        if isinstance(expr, TensorSymbol) and expr not in self.anonymous:
            return expr
        if not self.anonymous or (size := self.folded_size(expr)) > self.longest:
            return expr
        self.facts.budget.take(size)
        return self._folded(expr)

    def _folded(self, expr: Expr) -> Expr:
        for symbol in [s for s in symbols_of(expr) if s in self.unfolded]:  # not through a table that was large
            self.unfolded.discard(symbol)
            self.anonymous[symbol] = self._folded(self.anonymous[symbol])
        return expr.xreplace(self.anonymous)

    @property
    def longest(self) -> int:
        """How many nodes a formula may have to be written out."""
        return PLAIN if self.facts.budget.spent else PRINTED_BUDGET

    def folded_size(self, expr: Expr) -> int:
        """How many nodes the formula has with the definitions of anonymous nodes in place of their symbols."""
        if not self.anonymous:
            return tree_size(expr)
        found = self.sizes.get(expr)
        if found is None:
            found = self.sizes[expr] = min(HUGE, 1 + sum(map(self.folded_size, expr.args)))
        return found

    def hide(self, symbol: TensorSymbol, definition: Expr) -> None:
        """Remember what an anonymous node stands for."""
        self.sizes[symbol] = self.folded_size(definition)
        if self.facts.budget.spent or self.sizes[symbol] > self.longest:
            self.anonymous[symbol] = definition
            self.unfolded.add(symbol)
        else:
            self.anonymous[symbol] = recognised(self.fold(definition))


@dataclass(frozen=True, slots=True)
class Trial:
    """Numbers at which formulas have to be right: every node's value, and its gradient in passes that have been run."""

    values: Sequence[Any]
    passes: Sequence[Sequence[Any]] = ()

    def is_infinite(self) -> bool:
        """Whether an entry of a gradient is infinite or no number."""
        return any(not np.isfinite(found).all() for one in self.passes for found in one if found is not None)


def symbols(
    graph: Graph, values: Any = None, moving: frozenset[int] | None = None, trial: Trial | None = None
) -> Symbols:
    """Symbols for every node; `values` are the numbers of a run, in which facts about inputs are seen.

    `moving`: leaves by which the formulas will be differentiated again, so that of these only what holds all around
    the point is a fact: a matrix that happens to be symmetric does not stay so.
    `trial`: at what the formulas have to be right, whatever facts they may rest on; by default the values.
    """
    budget = Budget.of(sum(1 for _ in graph.named()))
    changing = graph.wrt if moving is None else moving
    facts = Facts(_data(graph, values, changing), prover=sum_of_definition, work=Work(budget),
                  style=_style(graph), again=moving is not None)  # fmt: skip
    facts.claims = partial(_claims, graph, moving or frozenset())
    if values is not None and moving is None:
        facts.params = lambda symbol: values[symbol.index] if graph.nodes[symbol.index].is_leaf else None
    if values is not None:
        facts.evaluate = facts.labels = facts.trial = Evaluator(values, (), graph.spec.dtype)
    if trial is not None:
        facts.trial = facts.evaluate if values is not None else Evaluator(trial.values, (), graph.spec.dtype)
        facts.infinite = cache(trial.is_infinite)
    made = Symbols(graph, [], {}, {}, {}, facts, long_work(sum(1 for i in graph.active if graph.nodes[i].op)))
    made.parts = parts_of_sums(graph)
    if made.long:
        notice(made.long)
    if values is None:
        facts.labels = _Positions(graph, made)
    facts.reached = partial(_reached, graph, made.definitions)
    with at_work(made.facts.work):
        for node in graph.nodes:
            _define(node, made)
    return made


def _reached(graph: Graph, definitions: Mapping[int, Expr], gradient: TensorSymbol) -> Expr | None:
    """The mask outside of which a node's gradient is 0: it is -∞ there, where all that it goes into is flat."""
    index = gradient.index
    made = definitions.get(index)
    if made is None or not is_op(made, "where") or made.args[2] != -oo:
        return None
    if index in graph.hooks or any(run.output == index for run in graph.passes):
        return None
    users = (node.op for node in graph.nodes if node.op and index in node.inputs)
    return made.args[0] if all(op.flat_below for op in users) else None


class _Positions:
    """The numbers of positions that inputs alone give, where no run has computed them: `k`, `k - 1`, a node of them."""

    def __init__(self, graph: Graph, made: Symbols) -> None:
        self.graph = graph
        self.made = made
        self.values: list[Any] = [None] * len(graph.nodes)
        self.evaluate = Evaluator(self.values, (), graph.spec.dtype)

    def __call__(self, expr: Expr) -> Array | None:
        """Their numbers; None where one is computed from a param, or an input has none."""
        return self.evaluate(expr) if all(map(self.known, symbols_of(expr))) else None

    def known(self, symbol: TensorSymbol) -> bool:
        """Whether a symbol has a number, which is then at hand."""
        node = self.graph.nodes[symbol.index]
        if self.values[node.index] is None and node.kind == "input" and node.leaf is not None and node.leaf.load:
            self.values[node.index] = node.leaf.load()
        definition = self.made.definitions.get(node.index)
        if self.values[node.index] is None and isinstance(definition, Expr) and tree_size(definition) < INLINE:
            self.values[node.index] = self(definition)
        return self.values[node.index] is not None


def _literals(spec: Spec) -> Iterator[Number]:
    """The numbers that the expressions of a spec write."""
    written = (*(node.expression for node in spec.nodes), *(f.body for f in spec.functions.values()),
               *(expression for expression, _ in spec.hooks.values()),
               *([spec.output[0]] if spec.output else ()), *(one.output for one in spec.backward))  # fmt: skip
    return (part for expression in written for part in parts(expression) if isinstance(part, Number))


def _style(graph: Graph) -> Style:
    """How the spec writes its numbers; the quotients that it raises to a power are found with its nodes."""
    literals = list(_literals(graph.spec))
    decimals = [n.value for n in literals if _is_decimal(n)]
    whole = frozenset(int(n.value) for n in literals if n.is_integer)
    counts = (c for node in graph.nodes for c in (*node.shape, math.prod(map(int, node.shape)))) if decimals else ()
    return Style(frozenset(Rational(d.numerator, d.denominator) for d in decimals), whole | set(map(int, counts)))


def _is_decimal(number: Number) -> bool:
    """Whether a literal is one that formulas are to keep; 1e-5 beside a divisor is a guard, and says nothing."""
    return number.is_decimal and number.value >= LEAST_DECIMAL


LEAST_DECIMAL = Fraction(1, 10_000)


POWERS = frozenset({"power", "square"})
SIGNS = {"add": 1, "subtract": -1}
"""Of the second operand of what makes a sum."""
OPEN = frozenset({"positive"})
"""What is stated of a leaf and stays true when each of its entries moves a little by itself."""


def _claims(graph: Graph, moving: frozenset[int], symbol: TensorSymbol) -> Mapping[str, object]:
    """What the spec states about a leaf; an upstream gradient has its node's place, but not its facts."""
    leaf = graph.nodes[symbol.index].leaf if symbol.leaf else None
    if leaf is None or symbol.index not in moving:
        return leaf.claims if leaf else {}
    return {name: claim for name, claim in leaf.claims.items() if name in OPEN}


def _data(graph: Graph, values: Any, differentiated: frozenset[int]) -> Callable[[TensorSymbol], Array | None]:
    """The array of an input that is data (not differentiated), for facts to be seen in."""

    def of(symbol: TensorSymbol) -> Any:
        node = graph.nodes[symbol.index]
        return None if values is None or not node.is_leaf or node.index in differentiated else values[node.index]

    return of


def _definition(node: Node, op: Op, made: Symbols) -> Formula:
    """What a node is in terms of its operands; of a sum, in terms of all that it adds up."""
    if made.parts.isdisjoint(node.inputs):
        return apply_op(op, tuple([made.nodes[i] for i in node.inputs]), node.parameters)
    terms = [made.nodes[i].expr for i in terms_of(made.graph, node, made.parts)]
    spend(len(terms))
    return Formula(Add(*terms), node.shape)


def _define(node: Node, made: Symbols) -> None:
    if node.kind == "constant":
        made.nodes.append(None if node.value is None else Formula(exact(node.value), ()))  # type: ignore[arg-type]
        return
    if node.index in made.parts:
        made.nodes.append(None)  # type: ignore[arg-type]
        return
    symbol = made.known(TensorSymbol(node.name, node.shape, node.index, node.is_leaf))
    made.nodes.append(Formula(symbol, node.shape))
    if node.op is None:
        return
    definition = _definition(node, node.op, made)
    if node.op.name in POWERS:
        made.facts.style.keep(made.nodes[node.inputs[0]].expr)
    if node.op.name in SIGNS and made.parts.isdisjoint(node.inputs):
        left, right = (made.nodes[i].expr for i in node.inputs)
        made.facts.style.keep_sum(definition.expr, left, SIGNS[node.op.name] * right)
    expr = made.definitions[node.index] = materialize(Formula(definition.expr, node.shape))
    if node.anonymous and tree_size(definition.expr) <= INLINE and not made.facts.budget.spent:
        made.nodes[-1] = Formula(recognised(definition.expr), node.shape)
        return
    made.facts.definitions[symbol] = expr
    if node.anonymous:
        made.hide(symbol, expr)
    else:
        name_definition(symbol, definition.expr, made.facts)
        known = recognised(definition.expr)
        if known is not definition.expr and known != definition.expr:
            name_definition(symbol, known, made.facts)
