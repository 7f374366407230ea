"""One run's formulas: derived pass by pass, printed in every notation, evaluated back: is each what its value says?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sympy import Expr

from backprop_cli.engine.graph import Graph, GraphPass
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.formulas.algebra.budget import PLAINLY
from backprop_cli.formulas.algebra.evaluate import Evaluator
from backprop_cli.formulas.algebra.expr import Delta, GradSymbol, TensorSymbol, gradients_of, symbols_of, tree_size
from backprop_cli.formulas.algebra.work import Work, at_work
from backprop_cli.formulas.compact import LINE, compact
from backprop_cli.formulas.notation import CODE, TEXT, Layout, layout_of
from backprop_cli.formulas.notation.entrywise.axes import Axes, axes_in
from backprop_cli.formulas.notation.exact import named
from backprop_cli.formulas.notation.index import EntryLayout
from backprop_cli.formulas.printed import Named, Omitted, PassFormulas, Printed, used_by
from backprop_cli.formulas.symbols import HUGE, PRINTED_BUDGET, Symbols, Trial, symbols
from backprop_cli.formulas.tensors import BUDGET, Derived, derive
from backprop_cli.records import dataclass, field, replace

SPENT = "the work on formulas of one run is limited, and this spec's limit was reached"

LEAVES_BUDGET = 80
"""Above so many nodes a formula in leaves alone is no longer readable."""


@dataclass(frozen=True, slots=True)
class Notes:
    """The facts seen in the data that formulas rely on, and what is to be said of the work that they take, by code."""

    facts: tuple[str, ...] = ()
    work: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Formulation:
    """The formulas of one run: the symbols once, then each backward pass."""

    graph: Graph
    terms: tuple[str, ...]
    notations: tuple[str, ...]
    values: Sequence[Any] | None
    moving: frozenset[int] | None = None
    trial: Trial | None = None
    symbols: Symbols = field(init=False)
    sizes: dict[Expr, int] = field(default_factory=dict)
    figures: dict[Expr, dict[str, str]] = field(default_factory=dict)  # numbers by notation
    lettered: Axes | None = None
    words: Layout | None = None  # in which parts of expressions are told
    unreadable: set[Delta] = field(default_factory=set)  # see `is_open`
    printing: Work = field(init=False)  # what is remembered while formulas are written, which no budget ends

    def __post_init__(self) -> None:
        self.symbols = symbols(self.graph, self.values, self.moving, self.trial)
        self.printing = self.symbols.facts.work.unbounded()

    @property
    def notes(self) -> Notes:
        """What to know of the formulas as a whole."""
        facts, long = self.symbols.facts, self.symbols.long
        work = {"long": long} if long else {}
        return Notes(tuple(facts.used.values()), work | ({"budget": PLAINLY} if facts.budget.spent else {}))

    def layouts(self, derived: Derived, leaves: bool = False) -> dict[str, Layout]:
        """A layout for each notation; with `leaves`, a node prints as its definition."""

        def definition(symbol: TensorSymbol) -> Expr | None:
            return None if isinstance(symbol, GradSymbol) else derived.symbols.definitions.get(symbol.index)

        settings = definition if leaves else named, self.symbols.unit, self.graph.names, self.symbols.facts.style
        found = {name: layout_of(name, *settings) for name in self.notations}
        for layout in found.values():
            if isinstance(layout, EntryLayout):
                layout.axes = self.axes
        return found

    @property
    def axes(self) -> Axes:
        """The letters of the spec's axes."""
        if self.lettered is None:
            self.lettered = axes_in(self.graph, self.symbols.definitions)
        return self.lettered

    def derived(self, run: GraphPass) -> Derived:
        """The formulas of one pass, in the terms that are asked for."""
        found = derive(self.symbols, run, self.terms)
        if "compact" not in self.terms:
            return found
        short = compact(found)
        return replace(found, compact=short.formulas, where=short.where, whole=short.whole,
                       gradients=dict(self.symbols.gradients))  # fmt: skip

    def printed(self, derived: Derived, gradients: Sequence[Array] | None, only: frozenset[int]) -> PassFormulas:
        """The formulas of one pass for the nodes `only`, each evaluated where there are numbers."""
        with at_work(self.printing):
            return self._printed(derived, gradients, only)

    def _printed(self, derived: Derived, gradients: Sequence[Array] | None, only: frozenset[int]) -> PassFormulas:
        evaluator = (
            None
            if self.values is None or gradients is None
            else Evaluator(self.values, gradients, self.graph.spec.dtype)
        )
        for delta in derived.where:  # each after those that it uses
            if self.too_long(delta.definition):
                self.unreadable.add(delta)
        plain, leaves = self.layouts(derived), self.layouts(derived, leaves=True)
        found = {
            index: self.all_terms(index, derived, plain, leaves, evaluator, gradients)
            for index in sorted({*derived.local, *derived.nodes, *derived.compact} & only)
        }
        where = [self.named(delta, plain, evaluator) for delta in derived.where if delta not in self.unreadable]
        shown = [one for formulas in found.values() for one in formulas.values()]
        return PassFormulas(found, tuple(used_by(shown, where)))

    def named(self, delta: Delta, layouts: Mapping[str, Layout], evaluator: Evaluator | None) -> Named:
        """A δ: its names, its definition, its value, and the part of an expression whose gradient it is."""
        notations = {"code": CODE, "text": TEXT} | {name: layout.notation for name, layout in layouts.items()}
        names = {name: notation.delta(delta) for name, notation in notations.items()}
        written = {name: layout.whole(delta.definition, delta) for name, layout in layouts.items()}
        value = None if evaluator is None else evaluator(delta.definition)
        uses = names_used(delta.definition)
        return Named(names, Printed(written, None if value is None else 0.0, uses), delta.owner, self.at(delta), value)

    def at(self, delta: Delta) -> str:
        """The part of an expression whose gradient a δ is; nothing where it is a part of a formula alone."""
        node = self.symbols.graph.nodes[delta.index]
        if not node.anonymous or node.index not in self.symbols.definitions or not delta.is_part:
            return ""
        definition = self.symbols.definitions[node.index]
        if self.symbols.folded_size(definition) > 4 * LINE:  # sums in sums have twice the nodes of one sum, at most
            return ""
        definition = self.symbols.fold(definition)
        if tree_size(definition) > 2 * LINE:
            return ""
        if self.words is None:
            self.words = layout_of("text", named, self.symbols.unit, self.graph.names, self.symbols.facts.style)
        text = self.words(definition)
        return text if len(text) <= LINE else ""

    def all_terms(
        self,
        index: int,
        derived: Derived,
        plain: Mapping[str, Layout],
        leaves: Mapping[str, Layout],
        evaluator: Evaluator | None,
        gradients: Sequence[Array] | None,
    ) -> dict[str, Printed | Omitted]:
        """One gradient in every term; where two terms are the same formula it is written once."""
        known: dict[tuple[int, bool], Printed] = {}
        left = self.left(index, derived)
        found: dict[str, Printed | Omitted] = {}
        for term in self.terms:
            table = derived.local if term == "local" else derived.compact if term == "compact" else derived.nodes
            expr = table[index]
            is_number = expr.is_number  # which says nothing of other nodes
            key = id(expr), term == "leaves" and not is_number
            reason = None if key in known or is_number else self.too_long(expr)
            if reason is None and table is derived.nodes and not is_number:
                reason = self.omitted(term, expr, derived)
            if reason is None and key not in known:
                known[key] = self.one(expr, left, leaves if key[1] else plain, evaluator, gradients)
            found[term] = reason or known[key]
        return found

    def one(
        self,
        expr: Expr,
        left: GradSymbol,
        layouts: Mapping[str, Layout],
        evaluator: Evaluator | None,
        gradients: Sequence[Any] | None,
    ) -> Printed:
        """One formula in every notation, evaluated where there are numbers."""
        deviation = None if evaluator is None or gradients is None else deviates(evaluator(expr), gradients[left.index])
        written = self.figures.get(expr) if expr.is_Number else None
        if written is None:
            written = {name: layout.whole(expr, left) for name, layout in layouts.items()}
            if expr.is_Number and "index" not in written:  # which says of what it is an entry
                self.figures[expr] = written
        return Printed(written, deviation, names_used(expr))

    def left(self, index: int, derived: Derived) -> GradSymbol:
        """What a formula is the right side of."""
        known = derived.gradients.get(index)
        if known is not None:
            return known
        node = self.graph.nodes[index]
        name = derived.run.name if index == derived.run.output else node.name
        symbol = GradSymbol(name, node.shape, index)
        symbol.output = derived.run.name
        return symbol

    def too_long(self, expr: Expr) -> Omitted | None:
        """Why a formula is not written out: it is long, or the budget was spent before its parts were put together."""
        terms = self.symbols.folded_size(expr)
        if terms > PRINTED_BUDGET:
            long = f"it would have {terms} terms, more than {PRINTED_BUDGET}"
            return Omitted(f"{long}; name some parts of the expression")
        if self.is_open(expr):
            return Omitted(f"{SPENT}; name some parts of the expression")
        return None

    def is_open(self, expr: Expr) -> bool:
        """Whether a formula needs a part of an expression that has no name, in itself or in a δ: nobody can read it."""
        for s in symbols_of(expr):
            if s in self.unreadable if isinstance(s, Delta) else self.graph.nodes[s.index].anonymous:
                return True
        return False

    def omitted(self, term: str, expr: Expr, derived: Derived) -> Omitted | None:
        """Why a chained formula is not shown."""
        if gradients_of(expr) and any(s.index != derived.run.output for s in gradients_of(expr)):
            long = f"chained through, it would have more than {BUDGET} terms"
            return Omitted(f"{SPENT if self.symbols.facts.budget.spent else long}; see local")
        if term == "leaves" and self.size(expr) > LEAVES_BUDGET:
            return Omitted(
                f"in leaves alone it would have {self.size(expr)} terms, more than {LEAVES_BUDGET}; see nodes"
            )
        return None

    def size(self, expr: Expr) -> int:
        """Nodes of a formula's tree once every node is replaced by its definition."""
        if not self.sizes:  # definitions refer to earlier nodes only: in their order no recursion goes deep
            for node, definition in zip(self.symbols.nodes, self.graph.nodes, strict=True):
                if definition.index in self.symbols.definitions and isinstance(node.expr, TensorSymbol):
                    self.sizes[node.expr] = self.written(self.symbols.definitions[definition.index])
        return self.written(expr)

    def written(self, expr: Expr) -> int:
        """The same, once the sizes of the definitions are known."""
        found = self.sizes.get(expr)
        if found is None:
            found = self.sizes[expr] = min(HUGE, 1 + sum(self.written(a) for a in expr.args))
        return found


def names_used(expr: Expr) -> tuple[str, ...]:
    """The δ in a formula."""
    found = [s.code for s in symbols_of(expr) if isinstance(s, Delta)]
    return tuple(sorted(found)) if found else ()


def deviates(formula: Any, value: Any) -> float:
    """How far a formula's value is from the gradient's, against the largest entry (or 1); NaN meets NaN."""
    if isinstance(formula, float) and isinstance(value, float) and formula == value:
        return 0.0  # by far the most of a long chain; numpy's functions would take their time
    if np.shape(formula) != np.shape(value):
        return float("inf")
    if np.ndim(value) == 0 and formula == value:
        return 0.0
    if np.size(value) == 0:
        return 0.0
    with np.errstate(all="ignore"):
        a, b = np.asarray(formula, dtype=float), np.asarray(value, dtype=float)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        if same.all():
            return 0.0
        finite = np.abs(b[np.isfinite(b)])
        scale = max(1.0, float(finite.max())) if finite.size else 1.0
        worst = np.abs(np.where(same, 0.0, a - b)).max() / scale
    return float("inf") if np.isnan(worst) else float(worst)
