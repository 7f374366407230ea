"""The meaning 'formulas': values are symbols, gradients expressions of the tensor algebra.

Rules see the *symbols* of nodes, never their definitions, so the sigmoid's gradient stays y ⊙ (1 - y).  The same
reverse pass runs twice: once where each named node hands on the symbol of its own gradient (terms 'local'), and
once where it hands on the formula (terms 'nodes').
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from sympy import Add, Expr, Mul, S

from backprop_cli.engine.graph import GraphPass, Node
from backprop_cli.engine.interpret import interpret
from backprop_cli.engine.numbers import hook_scope
from backprop_cli.engine.ops import Op
from backprop_cli.engine.ops.base import PASSED, Factor
from backprop_cli.engine.passes import backward, plan
from backprop_cli.formulas.algebra import build
from backprop_cli.formulas.algebra.budget import PLAIN
from backprop_cli.formulas.algebra.contributions import Parts, added_up, collected, passed
from backprop_cli.formulas.algebra.cost import reading_cost
from backprop_cli.formulas.algebra.exponentials import united
from backprop_cli.formulas.algebra.expr import (
    Delta,
    GradSymbol,
    depth,
    exact,
    gradients_of,
    is_op,
    shape_of,
    tree_size,
)
from backprop_cli.formulas.algebra.folding import folded
from backprop_cli.formulas.algebra.formula import Formula, lift, materialize
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.joining import joined
from backprop_cli.formulas.algebra.opening import explicit, reopened, written_out
from backprop_cli.formulas.algebra.positive import is_positive
from backprop_cli.formulas.algebra.row_sums import with_row_sums
from backprop_cli.formulas.algebra.solved import is_never_zero
from backprop_cli.formulas.algebra.symmetry import mirrored
from backprop_cli.formulas.algebra.tidy import put_together, tidy
from backprop_cli.formulas.algebra.totals import rearranged
from backprop_cli.formulas.algebra.work import at_work
from backprop_cli.formulas.long_sums import taken_at_once
from backprop_cli.formulas.spoken import RuleWords, apply_op
from backprop_cli.formulas.symbols import Symbols
from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass, field

BUDGET = 400
"""Above so many nodes of its tree, a formula is not chained further: its consumers would grow without bound."""


DEEPEST = 40
"""Nor one that nests more deeply than this: nobody reads it, and every walk over it is recursive."""

SHARE = 3
"""By how much a node over what it is proportional to has to read shorter than what is left of it."""


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
        self.longest = 0.0  # nodes of what was, or might have been, chained: with that budget the pass is the same
        self.words = RuleWords(symbols.facts)
        self.found: dict[int, Expr] = {}

    def constant(self, value: object) -> Any:
        """A literal, exactly."""
        return None if value is None else Formula(exact(value), ())

    def shape(self, value: Formula) -> Shape:
        """The true shape of a formula."""
        return value.shape

    def apply(self, op: Op, operands: tuple[object, ...], parameters: Mapping[str, object]) -> Formula:
        """An op on formulas."""
        return apply_op(op, operands, parameters)

    def bind(self, op: Op, parameters: Mapping[str, object]) -> Callable[..., object]:
        """The op as a function of its operands."""
        return lambda *operands: self.apply(op, operands, parameters)

    def product(self, rule: Factor) -> None:
        """Every rule is called: what it gives is looked at."""

    def rule(self, op: Op, position: int, parameters: Mapping[str, object]) -> Callable[..., Any]:
        """The VJP for one operand."""
        statics = {name: _exact_parameter(value) for name, value in parameters.items()}
        if op.signature.variadic:
            assert op.vjps[0] is not None
            return collected(partial(op.vjps[0], self.words, position, **statics))
        rule = op.vjps[position]
        assert rule is not None
        if rule is PASSED:
            return passed
        chosen = rule if op.away is None else self._away(rule, op.away)
        return collected(partial(chosen, self.words, **statics))

    def _away(self, rule: Callable[..., Any], away: Callable[..., Any]) -> Callable[..., Formula]:
        """A rule, or the shorter one where the operand is known to be nowhere 0."""

        def chosen(xp: object, g: Formula, y: Formula, x: Formula, **statics: object) -> Formula:
            divides = is_never_zero(x.expr, self.symbols.facts)
            found: Formula = (away if divides else rule)(xp, g, y, x, **statics)
            return found

        return chosen

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
        handed = self.handed(node, gradient)
        for part in self.symbols.within.get(node.index, ()):
            self.found[part] = handed.expr
        return handed

    def handed(self, node: Node, gradient: Formula | Parts) -> Formula:
        """What a node hands on."""
        chains = self.chained and not node.anonymous
        if chains and isinstance(gradient, Parts) and not self.has_room(gradient.length / 4):
            self.found[node.index] = self.gradient_symbol(node)
            return Formula(self.found[node.index], node.shape)
        gradient = added_up(gradient)
        hook = self.graph.hooks.get(node.index)
        if hook is not None:
            gradient = lift(
                interpret(hook.expression, hook_scope(hook.scope, gradient, self.graph, self.symbols.nodes), self)
            )
        if node.anonymous:
            expr = self.found[node.index] = self.tidied(gradient.expr)
            return Formula(self.hand_on_part(node, expr), node.shape)
        expr = self.chosen(gradient.expr)
        expr = explicit(expr, self.symbols.nodes[self.run.output].expr, self.symbols.facts)
        if self.run.slope_of is not None:
            expr = explicit(expr, self.symbols.nodes[self.run.slope_of].expr, self.symbols.facts, again=True)
        if node.is_leaf:
            expr = self.by_share(expr, self.symbols.nodes[node.index].expr)
        self.found[node.index] = expr
        return Formula(self.hand_on(node, expr), node.shape)

    def hand_on(self, node: Node, expr: Expr) -> Expr:
        """What flows on from a named node: its formula, or its symbol where that is too long or holds another's.

        What holds another node's gradient is not shown as a chain: nothing is put together that nobody reads.
        """
        if node.index == self.run.output:
            return expr
        return expr if self.chained and self.flows(expr) else self.gradient_symbol(node)

    def flows(self, expr: Expr) -> bool:
        """Whether a formula is short enough to be chained, and has been from the output on."""
        if not expr.args:
            return not self.symbols.facts.budget.spent and self.is_chained(expr)
        short = self.has_room(tree_size(expr)) and depth(expr) <= DEEPEST and not self.symbols.facts.budget.spent
        return short and self.is_chained(expr)

    def has_room(self, size: float) -> bool:
        """Whether so many nodes may be chained."""
        self.longest = max(self.longest, size)
        return size <= self.budget

    def is_chained(self, expr: Expr) -> bool:
        """Whether a formula is chained through to the output."""
        return gradients_of(expr) <= {self.symbols.gradients.get(self.run.output)}

    def hand_on_part(self, node: Node, expr: Expr) -> Expr:
        """What flows on from a part of an expression: its formula; a symbol where the run's budget is spent."""
        spent = expr.args and self.symbols.facts.budget.spent and tree_size(expr) > PLAIN
        return self.gradient_symbol(node) if spent else expr

    def chosen(self, expr: Expr) -> Expr:
        """The form of a named node's whole gradient; the same in every reading of the pass."""
        if expr.is_Number:
            return expr
        known = self.symbols.chosen.get(expr)
        if known is None and self.stands(expr):
            known = self.symbols.chosen[expr] = expr
        if known is None:
            tidied = self.tidied(expr)
            chained = self.symbols.fold(tidied)
            named = recognised(final := chained if chained == tidied else self.tidied(chained))
            known = final if named == final else tidy(named, self.symbols.facts)
            if (opened := reopened(known, self.symbols.facts)) != known:
                known = min(known, self.shut(opened), key=reading_cost)
            if (opened := written_out(known, self.symbols.facts)) != known:
                found = self.shut(opened)
                known = found if tree_size(found) < tree_size(known) else known
            if (opened := united(known, self.symbols.facts)) != known:
                known = self.tidied(opened)
            self.symbols.chosen[expr] = known
        return known

    def shut(self, opened: Expr) -> Expr:
        """What was opened, with the names of nodes again."""
        return self.tidied(put_together(recognised(opened), self.symbols.facts))

    def by_share(self, expr: Expr, leaf: Expr) -> Expr:
        """n R/V as P/T, where P is n R T/V: what a node is proportional to by that node, for a leaf above 0."""
        if shape_of(leaf) != shape_of(expr) or not expr.args or not is_positive(leaf, self.symbols.facts):
            return expr
        whole = self.tidied(expr * leaf)
        found = whole / leaf
        cheaper, smaller = reading_cost(expr) - reading_cost(found), tree_size(expr) - tree_size(found)
        if isinstance(whole, Add) and not isinstance(expr, Add):  # of a sum over a matrix: (yᵀ K⁻¹ y - n)/a
            return found if smaller >= SHARE and any(is_op(f, "sum") for f in Mul.make_args(expr)) else expr
        return found if min(cheaper, smaller) >= 0 and cheaper + smaller >= SHARE else expr

    def stands(self, expr: Expr) -> bool:
        """Whether a product was chosen as it is before a factor joined it with which no rule brings it together."""
        before = joined(expr, self.symbols.facts)
        return isinstance(before, GradSymbol) or before is not None and self.symbols.chosen.get(before) is before

    def tidied(self, expr: Expr) -> Expr:
        """The form of a formula that is cheapest to read, with idioms and nodes by their names."""
        if not expr.args:
            return expr
        known = self.symbols.tidied.get(expr)
        if known is None:
            known = self.symbols.tidied[expr] = self._tidied(expr)
        return known

    def _tidied(self, expr: Expr) -> Expr:
        expr = mirrored(recognised(expr), self.symbols.facts)
        together = rearranged(expr, lambda inner: tidy(inner, self.symbols.facts))
        found = self._named(expr)
        return found if together == expr else min(found, self._named(together), key=tree_size)

    def _named(self, expr: Expr) -> Expr:
        named = folded(expr, self.symbols.facts)
        chosen = tidy(expr if named == expr else recognised(named), self.symbols.facts)
        changed = chosen not in {expr, named}
        again = recognised(folded(chosen, self.symbols.facts)) if changed else chosen
        return chosen if again == chosen else tidy(again, self.symbols.facts)

    def gradient_symbol(self, node: Node) -> GradSymbol:
        """∂output/∂node as a symbol; one for each node and pass."""
        known = self.symbols.gradients
        if node.index not in known:
            name = self.run.name if node.index == self.run.output else node.name
            symbol = self.symbols.known(GradSymbol(name, node.shape, node.index))
            symbol.output = self.run.name
            known[node.index] = symbol
        return known[node.index]


def _exact_parameter(value: object) -> object:
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
    longest: float = 0  # see `Formulas`; of the pass that `nodes` are from


def derive(symbols: Symbols, run: GraphPass, terms: tuple[str, ...] = ("local", "nodes", "leaves")) -> Derived:
    """The formula of every active node's gradient, for one backward pass."""
    symbols.gradients = {}
    with at_work(symbols.facts.work):
        local = run_pass(Formulas(symbols, run, chained=False)) if "local" in terms else {}
        chained = Formulas(symbols, run, chained=True)
        whole = run_pass(chained) if {"nodes", "leaves"} & set(terms) else {}
        nodes = {index: with_row_sums(expr, symbols.facts) for index, expr in whole.items()}
    return Derived(symbols, run, local, nodes, dict(symbols.gradients), whole=whole, longest=chained.longest)


def run_pass(meaning: Formulas) -> dict[int, Expr]:
    """Every active node's gradient in one reading of the reverse pass."""
    symbols, graph = meaning.symbols, meaning.graph
    if not symbols.steps:  # the same for every pass
        symbols.steps, symbols.within = taken_at_once(plan(graph, meaning), symbols.parts)
    gradients = backward(graph, symbols.steps, meaning, symbols.nodes, meaning.run.output, seed_formula(meaning))
    for index, gradient in enumerate(gradients):
        if gradient is not None and index not in meaning.found and graph.nodes[index].op is None:
            meaning.found[index] = symbols.fold(added_up(gradient).expr)
    known: dict[tuple[Expr, Shape], Expr] = {}  # many parts have one gradient
    for index, expr in meaning.found.items():
        key = expr, graph.nodes[index].shape
        if key not in known:
            known[key] = true_shape(symbols.fold(expr), key[1])
        meaning.found[index] = known[key]
    return meaning.found


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
