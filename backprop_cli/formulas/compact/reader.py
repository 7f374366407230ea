"""Each gradient as one line: chained through where it fits, else evenly by name, with names for what is too long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sympy import Add, Expr, Mul

from backprop_cli.engine.graph import GraphPass
from backprop_cli.formulas.algebra.expr import Delta, gradients_of, shape_of, sort_key, symbols_of, tree_size
from backprop_cli.formulas.algebra.for_print.order import factor_order, term_order
from backprop_cli.formulas.compact.evenly import Evenly, Paths, owner_of
from backprop_cli.formulas.compact.parts import (
    GROUP,
    LINE,
    LONGEST,
    NAMED,
    SHORT,
    WHOLE,
    deltas_of,
    divided,
    is_gradient,
    is_upstream,
    occurrences,
    parts_of,
)
from backprop_cli.formulas.notation import TEXT, Layout
from backprop_cli.formulas.symbols import Symbols
from backprop_cli.formulas.tensors import Formulas, run_pass
from backprop_cli.records import dataclass, field

NUMBER = 3
"""A δ may still get a number of so many characters."""


@dataclass(frozen=True, slots=True)
class Compact:
    """The compact formulas of one pass by node index, and the δ that they use, each before its first use.

    `whole` are the same gradients chained through, as far as the budget goes: what adds up over several passes.
    """

    formulas: Mapping[int, Expr]
    where: tuple[Delta, ...]
    whole: Mapping[int, Expr]


@dataclass(slots=True)
class Reader:
    """Chooses each node's formula, then names what is still too long, and drops names that are used once."""

    symbols: Symbols
    run: GraphPass
    layout: Layout = field(init=False)
    definitions: dict[Delta, Expr] = field(default_factory=dict)
    parts: dict[Expr, Delta] = field(default_factory=dict)
    lengths: dict[Expr, int] = field(default_factory=dict)  # many nodes have one gradient

    def __post_init__(self) -> None:
        self.layout = Layout(TEXT, style=self.symbols.facts.style)

    def read(self, whole: Mapping[int, Expr]) -> Compact:
        """The formulas and the names that they need; `whole`: all chained through, where that was done before."""
        paths = Paths(self.symbols.graph)
        spent = self.spent  # then nothing is chained
        if spent:
            whole = {}
        elif not whole:
            whole = run_pass(Formulas(self.symbols, self.run, chained=True, budget=WHOLE))
        meaning = Evenly(self.symbols, self.run, paths, self.length)
        even = run_pass(meaning)
        chosen = dict(even) if spent else self.chosen(whole, even)
        self.definitions = {delta: delta.definition for delta in meaning.deltas}
        self.unname(chosen)
        owners = {index: owner_of(paths.home(index), self.run) for index in chosen}
        chosen = {i: self.shortened(chosen[i], owners[i], i) for i in sorted(chosen, reverse=True)}
        for delta in tuple(self.definitions):
            self.definitions[delta] = self.shortened(self.definitions[delta], delta.owner, delta.index)
        if self.spent and not spent:
            self.tell_plainly(chosen, paths)
        return Compact(chosen, self.ordered(chosen), whole or chosen)

    def tell_plainly(self, chosen: dict[int, Expr], paths: Paths) -> None:
        """Where the budget ended on the way: what is still longer than a line is told by its parts, as all past it."""
        meaning = Evenly(self.symbols, self.run, paths, self.length)
        plain = run_pass(meaning)
        self.definitions |= {delta: delta.definition for delta in meaning.deltas}
        chosen |= {index: plain[index] for index, expr in chosen.items() if self.numbered(expr) > LONGEST}

    def length(self, expr: Expr) -> int:
        """How much of a line a formula takes; of a large one it is enough that it takes more."""
        found = self.lengths.get(expr)
        if found is None:
            found = self.lengths[expr] = self.laid_out(expr)
        return found

    def laid_out(self, expr: Expr) -> int:
        """The same, found out."""
        size = tree_size(expr)
        if size > 2 * LINE:
            return 2 * LINE
        self.symbols.facts.budget.take(size // 4)  # its parts are mostly laid out already
        return len(self.layout(expr))

    def numbered(self, expr: Expr) -> int:
        """The length once every δ has its number, if the formula is a list of many."""
        is_list = isinstance(expr, (Add, Mul)) and len(expr.args) > GROUP
        return self.length(expr) + (NUMBER * len(deltas_of(expr)) if is_list else 0)

    def fits(self, expr: Expr) -> bool:
        """Whether a formula is one line."""
        return self.length(expr) <= LINE

    @property
    def spent(self) -> bool:
        """Whether the run's budget is spent: lines then stay as long as they are."""
        return self.symbols.facts.budget.spent

    def is_named(self, index: int) -> bool:
        """Whether a node has a name."""
        return not self.symbols.graph.nodes[index].anonymous

    # which form ──────────────────────────────────────────────────────────────────────────────────

    def chosen(self, whole: Mapping[int, Expr], even: Mapping[int, Expr]) -> dict[int, Expr]:
        """Each formula chained through where it reads well, else with names."""
        named = {e for i, e in whole.items() if self.is_named(i) and self.is_chained(e)}
        has_name = {e for e in named if self.length(e) > SHORT}
        return {i: whole[i] if self.reads_well(whole[i], has_name) else expr for i, expr in even.items()}

    def reads_well(self, expr: Expr, has_name: set[Expr]) -> bool:
        """Whether a formula, chained through, is one line that does not repeat what has a name (of its own)."""
        if not self.is_chained(expr) or not self.fits(expr):
            return False
        if not has_name:
            return True
        return not any(n > 1 and part in has_name and part != expr for part, n in occurrences(expr).items())

    def is_chained(self, expr: Expr) -> bool:
        """Whether a formula is chained through to the output."""
        return gradients_of(expr) <= {self.symbols.gradients.get(self.run.output)}

    # fewer names ─────────────────────────────────────────────────────────────────────────────────

    def unname(self, chosen: dict[int, Expr]) -> None:
        """A δ that is used once, where its formula fits in its place, is written out."""
        if self.spent or not self.definitions:
            return
        places: dict[Delta, list[tuple[dict[Any, Expr], Any]]] = {delta: [] for delta in self.definitions}
        tables: tuple[dict[Any, Expr], ...] = (chosen, self.definitions)
        for table in tables:
            for key, expr in table.items():
                for delta in deltas_of(expr):
                    places[delta].append((table, key))
        for delta, found in places.items():
            meant = {delta: self.definitions[delta]}
            counted = [(table, key) for table, key in found if table is not chosen or self.is_named(key)]
            if len(counted) < 2 and all(self.fits(table[key].xreplace(meant)) for table, key in counted):
                del self.definitions[delta]
                for table, key in found:
                    table[key] = table[key].xreplace(meant)
                    for inner in deltas_of(meant[delta]):
                        places[inner].append((table, key))

    # more names ──────────────────────────────────────────────────────────────────────────────────

    def shortened(self, expr: Expr, owner: str, index: int) -> Expr:
        """The formula with so many parts named that it is about one line."""
        while not self.spent and self.numbered(expr) > LONGEST:
            self.symbols.facts.budget.take(tree_size(expr) // 2)  # all of it is walked through, and made anew
            shorter = self.shorter(expr, owner, index)
            if shorter is None:
                return expr
            expr = shorter
        return expr

    def shorter(self, expr: Expr, owner: str, index: int) -> Expr | None:
        """One step: what is repeated gets a name, neighbours in a long list one each, at last the longest part."""
        shared = self.shared_factors(expr)
        if shared is not None:
            return divided(expr, shared, self.named(Mul(*shared), owner, index))
        part = self.repeated(expr)
        if part is not None:
            return expr.xreplace({part: self.named(part, owner, index)})
        long = max((p for p in parts_of(expr) if self.is_long_list(p)), key=self.length, default=None)
        if long is not None:
            return expr.xreplace({long: self.grouped(long, owner, index)})
        part = self.bulky(expr)
        return None if part is None else expr.xreplace({part: self.named(part, owner, index)})

    def named(self, part: Expr, owner: str, index: int) -> Delta:
        """The δ that stands for a part; one for equal parts."""
        if part not in self.parts:
            delta = self.parts[part] = Delta(owner, shape_of(part), index, part)
            self.definitions[delta] = self.shortened(part, owner, index)
        return self.parts[part]

    def shared_factors(self, expr: Expr) -> frozenset[Expr] | None:
        """Factors beside an upstream gradient that several products share: ∂loss/∂y ⊙ gamma of a layer norm."""
        found: dict[frozenset[Expr], int] = {}
        products = [p for p in parts_of(expr) if isinstance(p, Mul)]
        for upstream in sorted(filter(is_gradient, symbols_of(expr)), key=lambda s: s.position):
            beside = [frozenset(f for f in p.args if not f.is_number) for p in products if upstream in p.args]
            common = frozenset.intersection(*beside) if len(beside) > 1 else frozenset()
            if len(common) > 1:
                found[common] = self.length(Mul(*common))
        return max(found, key=lambda c: found[c], default=None)

    def repeated(self, expr: Expr) -> Expr | None:
        """The longest part with a gradient in it that is written more than once."""
        found = [p for p, n in occurrences(expr).items()
                 if n > 1 and p.args and is_upstream(p) and self.length(p) > NAMED]  # fmt: skip
        return max(found, key=lambda p: (self.length(p), sort_key(p)), default=None)

    def is_long_list(self, expr: Expr) -> bool:
        """A sum or a product of many terms, itself longer than a line."""
        return isinstance(expr, (Add, Mul)) and len(expr.args) > GROUP and self.numbered(expr) > LINE

    def grouped(self, expr: Expr, owner: str, index: int) -> Expr:
        """A long sum or product as one of fewer terms: neighbours that make a line stand under one name."""
        groups: list[list[Expr]] = [[]]
        for term in sorted(expr.args, key=term_order if isinstance(expr, Add) else factor_order):
            if groups[-1] and self.numbered(expr.func(*groups[-1], term)) > LINE:
                groups.append([])
            groups[-1].append(term)
        return expr.func(*[self.named(expr.func(*g), owner, index) if len(g) > 1 else g[0] for g in groups])

    def bulky(self, expr: Expr) -> Expr | None:
        """The longest part that is a line, with a gradient in it if there is one; else the longest."""
        total = self.length(expr)
        parts = [p for p in parts_of(expr) if p.args and p is not expr and NAMED < self.length(p) < total]
        parts = [p for p in parts if is_upstream(p)] or parts
        fitting = [p for p in parts if self.fits(p)]
        return max(fitting or parts, key=lambda p: (self.length(p), sort_key(p)), default=None)

    # in order ────────────────────────────────────────────────────────────────────────────────────

    def ordered(self, chosen: Mapping[int, Expr]) -> tuple[Delta, ...]:
        """The δ as the reverse pass meets them, each after those that it uses; and their final names."""
        found: dict[Delta, None] = {}
        if not self.definitions:
            return ()
        for index in sorted(filter(self.is_named, chosen), reverse=True):
            self.visit(chosen[index], found)
        for index in sorted(chosen, reverse=True):  # what only a part's own gradient needs (--all)
            self.visit(chosen[index], found)
        self.number(tuple(found))
        return tuple(found)

    def visit(self, expr: Expr, found: dict[Delta, None]) -> None:
        """Put the δ of a formula behind those that their definitions use."""
        stack = [(d, False) for d in _latest_last(expr)]
        while stack:
            one, ready = stack.pop()
            if ready:
                found[one] = None
            elif one not in found:
                stack.append((one, True))
                stack += [(d, False) for d in _latest_last(self.definitions[one])]

    def number(self, found: tuple[Delta, ...]) -> None:
        """Give each δ its definition and its name: one of a node is δ_h, of several each has a number."""
        taken = self.symbols.graph.names
        several = Counter(delta.owner for delta in found)
        numbers: Counter[str] = Counter()
        for delta in found:
            numbers[delta.owner] += 1
            delta.number = numbers[delta.owner] if several[delta.owner] > 1 else 0
            delta.definition = self.definitions[delta]
            while delta.code in taken or delta.text in taken:
                delta.mark += "_"


def _latest_last(expr: Expr) -> list[Delta]:
    """Of several δ of a node the first made comes first, whatever order a set has."""
    return sorted(deltas_of(expr), key=lambda d: (d.index, d.dummy_index))
