"""The meaning 'formulas': values are symbols, gradients expressions of the tensor algebra.

Rules see the *symbols* of nodes, never their definitions, so the sigmoid's gradient stays y ⊙ (1 - y).  The same
reverse pass runs twice: once where each named node hands on the symbol of its own gradient (terms 'local'), and
once where it hands on the formula (terms 'nodes').
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar
from weakref import ref

from sympy import Add, Expr, S

from backprop_cli.engine.graph import Graph, GraphPass, Node
from backprop_cli.engine.interpret import evaluate_body, interpret
from backprop_cli.engine.numbers import hook_scope
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.base import broadcast, count
from backprop_cli.engine.ops.words import SINGULAR, WORDS
from backprop_cli.engine.passes import backward, plan
from backprop_cli.engine.reverse import Step
from backprop_cli.formulas.algebra import build
from backprop_cli.formulas.algebra.budget import PLAIN, Budget
from backprop_cli.formulas.algebra.evaluate import Evaluator
from backprop_cli.formulas.algebra.expr import (
    Delta,
    GradSymbol,
    TensorSymbol,
    depth,
    exact,
    shape_of,
    size,
    symbols_of,
    tree_size,
)
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.folding import folded, name_definition
from backprop_cli.formulas.algebra.formula import Formula, Parts, added_up, lift, materialize
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.proofs import sum_of_definition
from backprop_cli.formulas.algebra.symmetry import mirrored
from backprop_cli.formulas.algebra.tidy import tidy
from backprop_cli.formulas.algebra.work import Work, at_work
from backprop_cli.language.model import Shape
from backprop_cli.language.names import UNIT_LETTERS

BUDGET = 400
"""Above so many nodes of its tree, a formula is not chained further: its consumers would grow without bound."""


PRINTED_BUDGET = 4000
"""Above so many nodes even one step of the chain rule, through a long expression without names, is not written out."""

HUGE = 10**9

DEEPEST = 40
"""Nor one that nests more deeply than this: nobody reads it, and every walk over it is recursive."""

INLINE = 60
"""An anonymous node stands for itself, so that it cancels against what surrounds it; a longer one keeps a symbol."""


class Words:
    """The functions of the language on formulas."""

    pi = Formula(S.Pi, ())

    def __getattr__(self, name: str) -> Callable[..., Formula]:
        return partial(_word, name)

    def size(self, n: int) -> Formula:
        """A number of entries; a letter where the axis is named."""
        return Formula(size(n), ())

    def number(self, value: Any) -> Formula:
        """A literal."""
        return Formula(exact(value), ())

    def is_positive(self, x: Formula, y: Formula) -> Formula:
        """[x > 0], or [y > 0] of y = relu(x) where only the output has a name."""
        named = y if isinstance(y.expr, TensorSymbol) and not isinstance(x.expr, TensorSymbol) else x
        return build("greater", {}, (named, lift(0)))

    def mask(self, condition: Formula) -> Formula:
        """A comparison is a 0/1 tensor already."""
        return condition


class RuleWords(Words):
    """The words of a derivative rule, which treats ties and singular points apart: a run without them has none."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def __getattr__(self, name: str) -> Callable[..., Formula]:
        return partial(_at_hand, self.facts, name) if name in SINGULAR else partial(_word, name)

    def equal(self, a: Any, b: Any) -> Formula:
        """[a = b], or 0 where no entries are equal."""
        one, two = lift(a), lift(b)
        if self.facts.never_equal(one.expr, two.expr):
            return Formula(S.Zero, broadcast(one.shape, two.shape))
        return build("equal", {}, (one, two))


class _Plain:
    """The language on formulas, for the textbook meaning of a careful word."""

    def constant(self, value: Any) -> Any:
        return None if value is None else Formula(exact(value), ())

    def shape(self, value: Formula) -> Shape:
        return value.shape

    def apply(self, op: Op, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Formula:
        return build(op.name, parameters, operands)


def _at_hand(facts: Facts, name: str, *operands: Any, **parameters: Any) -> Formula:
    """The textbook form of a word, or, in a run that has a place where it is wrong, the form that is right there."""
    condition, right = SINGULAR[name]
    values = dict(zip(WORDS[name][0], map(lift, operands), strict=True))
    seen = evaluate_body(condition, values, _Plain(), None)
    if not facts.somewhere(seen.expr):
        return _word(name, *operands, **parameters)
    return evaluate_body(right, values, _Plain(), None)  # type: ignore[no-any-return]


def _word(name: str, *operands: Any, **parameters: Any) -> Formula:
    if name in WORDS:
        names, expression = WORDS[name]
        return evaluate_body(expression, dict(zip(names, map(lift, operands), strict=True)), _Plain(), None)  # type: ignore[no-any-return]
    return build(name, {**OPS[name].signature.parameters, **parameters}, operands)


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
    unfolded: set[Expr] = field(default_factory=set)  # anonymous ones whose definitions hold others
    sizes: dict[Expr, int] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)  # the graph's, with the rules bound to formulas

    def known(self, symbol: Symbol) -> Symbol:
        """A symbol of this graph: what is known of the graph is known of expressions with it."""
        symbol.graph = ref(self.facts)
        return symbol

    @property
    def unit(self) -> str:
        """A letter for unit vectors that neither a node nor a size has, nor Euler's number."""
        taken = {*self.graph.names, *self.graph.spec.dims}
        if any(node.kind == "constant" and node.value == math.e for node in self.graph.nodes):
            taken.add("e")
        return next(letter for letter in (*UNIT_LETTERS, "_") if letter not in taken)

    def fold(self, expr: Expr) -> Expr:
        """With the definitions of anonymous nodes in place of their symbols, unless that is too long to be read."""
        if not self.anonymous or (size := self.folded_size(expr)) > self.longest:
            return expr
        self.facts.budget.take(size)
        return self._folded(expr)

    def _folded(self, expr: Expr) -> Expr:
        for symbol in self.unfolded & symbols_of(expr):
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


def symbols(graph: Graph, values: Any = None, moving: frozenset[int] | None = None) -> Symbols:
    """Symbols for every node; `values` are the numbers of a run, in which facts about inputs are seen.

    `moving`: leaves by which the formulas will be differentiated again, so that of these only what holds all around
    the point is a fact: a matrix that happens to be symmetric does not stay so.
    """
    budget = Budget.of(sum(1 for _ in graph.named()))
    changing = graph.wrt if moving is None else moving
    facts = Facts(_data(graph, values, changing), prover=sum_of_definition, work=Work(budget))
    facts.claims = partial(_claims, graph, moving or frozenset())
    if values is not None and moving is None:
        facts.params = lambda symbol: values[symbol.index] if graph.nodes[symbol.index].is_leaf else None
    if values is not None:
        facts.evaluate = Evaluator(values, (), graph.spec.dtype)
    made = Symbols(graph, [], {}, {}, {}, facts)
    with at_work(made.facts.work):
        for node in graph.nodes:
            _define(graph, node, made)
    return made


OPEN = frozenset({"positive"})
"""What is stated of a leaf and stays true when each of its entries moves a little by itself."""


def _claims(graph: Graph, moving: frozenset[int], symbol: TensorSymbol) -> Mapping[str, Any]:
    """What the spec states about a leaf; an upstream gradient has its node's place, but not its facts."""
    leaf = graph.nodes[symbol.index].leaf if symbol.leaf else None
    if leaf is None or symbol.index not in moving:
        return leaf.claims if leaf else {}
    return {name: claim for name, claim in leaf.claims.items() if name in OPEN}


def _data(graph: Graph, values: Any, differentiated: frozenset[int]) -> Callable[[TensorSymbol], Any]:
    """The array of an input that is data (not differentiated), for facts to be seen in."""

    def of(symbol: TensorSymbol) -> Any:
        node = graph.nodes[symbol.index]
        return None if values is None or not node.is_leaf or node.index in differentiated else values[node.index]

    return of


def _define(graph: Graph, node: Node, made: Symbols) -> None:
    if node.kind == "constant":
        made.nodes.append(None if node.value is None else Formula(exact(node.value), ()))  # type: ignore[arg-type]
        return
    symbol = made.known(TensorSymbol(node.name, node.shape, node.index, node.is_leaf))
    made.nodes.append(Formula(symbol, node.shape))
    if node.op is None:
        return
    definition = apply_op(node.op, tuple(made.nodes[i] for i in node.inputs), node.parameters)
    expr = made.definitions[node.index] = materialize(Formula(definition.expr, node.shape))
    if node.anonymous and tree_size(definition.expr) <= INLINE and not made.facts.budget.spent:
        made.nodes[-1] = Formula(recognised(definition.expr), node.shape)
        return
    made.facts.definitions[symbol] = expr
    if node.anonymous:
        made.hide(symbol, expr)
    else:
        for form in dict.fromkeys((definition.expr, recognised(definition.expr))):
            name_definition(symbol, form, made.facts)


def apply_op(op: Op, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Formula:
    """An op on formulas; a user's own function runs its body."""
    if OPS.get(op.name) is op:
        return build(op.name, parameters, operands)
    return op.forward(Words(), *operands, **parameters)  # type: ignore[no-any-return]


class Formulas:
    """The meaning of the passes; `chained` says what flows on from a named node: its formula or its symbol.

    A formula of more than `budget` nodes never flows on.
    """

    def __init__(self, symbols: Symbols, run: GraphPass, chained: bool, budget: int = BUDGET) -> None:
        self.symbols = symbols
        self.graph = symbols.graph
        self.run = run
        self.chained = chained
        self.budget = budget
        self.words = RuleWords(symbols.facts)
        self.found: dict[int, Expr] = {}

    def constant(self, value: Any) -> Any:
        """A literal, exactly."""
        return None if value is None else Formula(exact(value), ())

    def shape(self, value: Formula) -> Shape:
        """The true shape of a formula."""
        return value.shape

    def apply(self, op: Op, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Formula:
        """An op on formulas."""
        return apply_op(op, operands, parameters)

    def bind(self, op: Op, parameters: Mapping[str, Any]) -> Callable[..., Any]:
        """The op as a function of its operands."""
        return lambda *operands: self.apply(op, operands, parameters)

    def rule(self, op: Op, position: int, parameters: Mapping[str, Any]) -> Callable[..., Any]:
        """The VJP for one operand."""
        statics = {name: _exact_parameter(value) for name, value in parameters.items()}
        if op.signature.variadic:
            assert op.vjps[0] is not None
            return _collected(partial(op.vjps[0], self.words, position, **statics))
        rule = op.vjps[position]
        assert rule is not None
        return _collected(partial(rule, self.words, **statics))

    def unbroadcast(self, gradient: Formula | Parts, shape: Shape) -> Formula | Parts:
        """Summed over the axes along which the operand was repeated."""
        return gradient if gradient.shape == shape else Parts(self.summed(added_up(gradient), shape))

    def summed(self, gradient: Formula, shape: Shape) -> Formula:
        """A gradient summed to a smaller shape."""
        extra = len(gradient.shape) - len(shape)
        axes = tuple(range(extra)) + tuple(
            extra + i for i, s in enumerate(shape) if s == 1 and gradient.shape[extra + i] != 1
        )
        if not axes:
            return Formula(gradient.expr, shape)
        if axes == tuple(range(extra)):
            return build("sum", {"axis": axes, "keepdims": False}, (gradient,))
        return build("reshape", {"shape": shape}, (build("sum", {"axis": axes, "keepdims": True}, (gradient,)),))

    def arrive(self, node: Node, gradient: Formula | Parts) -> Formula:
        """Name the gradient now that all consumers have contributed, and hand on its symbol or its formula."""
        if self.chained and isinstance(gradient, Parts) and not node.anonymous and gradient.length > 4 * self.budget:
            self.found[node.index] = self.gradient_symbol(node)
            return Formula(self.found[node.index], node.shape)
        gradient = added_up(gradient)
        hook = self.graph.hooks.get(node.index)
        if hook is not None:
            gradient = lift(
                interpret(hook.expression, hook_scope(hook.scope, gradient, self.graph, self.symbols.nodes), self)
            )
        expr = self.tidied(gradient.expr)
        if node.anonymous:
            self.found[node.index] = expr
            return Formula(self.hand_on_part(node, expr), node.shape)
        chained = self.symbols.fold(expr)
        if chained != expr:
            chained = self.tidied(chained)
        chained = recognised(chained)
        self.found[node.index] = chained
        return Formula(self.hand_on(node, chained), node.shape)

    def hand_on(self, node: Node, expr: Expr) -> Expr:
        """What flows on from a named node: its formula, or its symbol where that is too long."""
        short = tree_size(expr) <= self.budget and depth(expr) <= DEEPEST and not self.symbols.facts.budget.spent
        return expr if self.chained and short or node.index == self.run.output else self.gradient_symbol(node)

    def hand_on_part(self, node: Node, expr: Expr) -> Expr:
        """What flows on from a part of an expression: its formula; a symbol where the run's budget is spent."""
        spent = self.symbols.facts.budget.spent and tree_size(expr) > PLAIN
        return self.gradient_symbol(node) if spent else expr

    def tidied(self, expr: Expr) -> Expr:
        """The form of a formula that is cheapest to read, with idioms and nodes by their names."""
        if not expr.args:
            return expr
        expr = mirrored(recognised(expr), self.symbols.facts)
        named = folded(expr, self.symbols.facts)
        return tidy(expr if named == expr else recognised(named), self.symbols.facts)

    def gradient_symbol(self, node: Node) -> GradSymbol:
        """∂output/∂node as a symbol; one for each node and pass."""
        known = self.symbols.gradients
        if node.index not in known:
            name = self.run.name if node.index == self.run.output else node.name
            symbol = self.symbols.known(GradSymbol(name, node.shape, node.index))
            symbol.output = self.run.name
            known[node.index] = symbol
        return known[node.index]


def _collected(rule: Callable[..., Formula]) -> Callable[..., Parts]:
    """A rule whose result collects what other consumers contribute."""
    return lambda *arguments: Parts(rule(*arguments))


def _exact_parameter(value: Any) -> Any:
    """A fraction works in the arithmetic of formulas as it is; floats such as pi become exact."""
    return Formula(exact(value), ()) if isinstance(value, (Fraction, float)) else value


@dataclass(frozen=True, slots=True)
class Derived:
    """The formulas of one backward pass, by node index, of the true shape; and the facts they rely on."""

    symbols: Symbols
    run: GraphPass
    local: Mapping[int, Expr]
    nodes: Mapping[int, Expr]
    gradients: Mapping[int, GradSymbol] = field(default_factory=dict)
    compact: Mapping[int, Expr] = field(default_factory=dict)
    where: tuple[Delta, ...] = ()
    whole: Mapping[int, Expr] = field(default_factory=dict)


def derive(made: Symbols, run: GraphPass, terms: tuple[str, ...] = ("local", "nodes", "leaves")) -> Derived:
    """The formula of every active node's gradient, for one backward pass."""
    made.gradients = {}
    with at_work(made.facts.work):
        local = run_pass(Formulas(made, run, chained=False)) if "local" in terms else {}
        nodes = run_pass(Formulas(made, run, chained=True)) if {"nodes", "leaves"} & set(terms) else {}
    return Derived(made, run, local, nodes, dict(made.gradients))


def run_pass(meaning: Formulas) -> dict[int, Expr]:
    """Every active node's gradient in one reading of the reverse pass."""
    made, graph = meaning.symbols, meaning.graph
    made.steps = made.steps or plan(graph, meaning)  # the same for every pass
    gradients = backward(graph, made.steps, meaning, made.nodes, meaning.run.output, seed_formula(meaning))
    for index, gradient in enumerate(gradients):
        if gradient is not None and index not in meaning.found and graph.nodes[index].op is None:
            meaning.found[index] = made.fold(added_up(gradient).expr)
    return {index: true_shape(made.fold(expr), graph.nodes[index].shape) for index, expr in meaning.found.items()}


def true_shape(expr: Expr, shape: Shape) -> Expr:
    """A formula written out to the gradient's own shape."""
    if shape_of(expr) == shape:
        return expr
    return materialize(Formula(expr, shape))


def seed_formula(meaning: Formulas) -> Formula:
    """The seed: 1 for a scalar, ones, a number, or the symbol of a given array."""
    node = meaning.graph.nodes[meaning.run.output]
    seed = meaning.run.seed
    if seed is None or isinstance(seed, str):
        return Formula(S.One, node.shape)
    if seed.size and (seed == seed.flat[0]).all() and float(seed.flat[0]).is_integer():
        return Formula(exact(Fraction(float(seed.flat[0]))), node.shape)
    return Formula(meaning.gradient_symbol(node), node.shape)


def added(parts: list[Expr]) -> Expr:
    """Gradients of several passes, accumulated."""
    return Add(*parts)


__all__ = ["BUDGET", "Derived", "Formulas", "Symbols", "apply_op", "count", "derive", "symbols"]
