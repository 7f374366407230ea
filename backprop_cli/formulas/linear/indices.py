"""Entries in index notation: `p[i] (δ[i,j] - p[j])`, `Σ_n X[n,i] q[n] X[n,j]`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from sympy import Add, Expr, Integer, Mul, Pow, S, factor_terms

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import axes_of
from backprop_cli.formulas.algebra.evaluate import Evaluator
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, exact, is_op, shape_of, symbols_of
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.symmetry import is_symmetric_on_purpose
from backprop_cli.formulas.linear.deltas import TRIANGLES, delta
from backprop_cli.formulas.linear.letters import (
    Factor,
    Letter,
    Letters,
    NotLinearError,
    Number,
    affine,
    letters_in,
    parts_of,
)
from backprop_cli.formulas.linear.meeting import aligned
from backprop_cli.formulas.linear.selecting import SELECTING, moved
from backprop_cli.formulas.linear.sifting import Pair, Sifted, sifted, upright
from backprop_cli.formulas.linear.symbols import EntrySymbol, RangeSymbol, SumSymbol, factors_of, merged
from backprop_cli.formulas.linear.terms import Entries, Term
from backprop_cli.records import dataclass, field, replace

SHORT_SUM = 4  # terms that an entry's own formula writes out


@dataclass(slots=True)
class Indexing:
    """The entries' expression; one symbol for each entry, so that common factors are seen."""

    entries: Entries
    whole: frozenset[Letter] = frozenset()
    known: dict[tuple[Any, ...], TensorSymbol] = field(default_factory=dict)
    outside: bool = False
    bounded: dict[Letter, int] = field(default_factory=dict)
    shown: dict[Letter, None] = field(default_factory=dict)  # the letters of sums, in the order in which they stand

    def expression(self) -> tuple[Expr, Expr]:
        """The entry at the free letters: the factors that all terms share, and the rest."""
        terms = merged([self.term(term) for term in self.entries.terms])
        common = Counter(factors_of(terms[0])) if terms else Counter()
        for factors in terms[1:]:
            common &= Counter(factors_of(factors))
        met = list(common.elements()) if len(terms) > 1 else []
        shared, below = [f for f in met if symbols_of(f) and not _is_below(f)], [f for f in met if _is_below(f)]
        if not shared and not below:
            return S.One, with_root(terms)
        rest = Add(*[Mul(*(Counter(factors_of(term)) - Counter(shared + below)).elements()) for term in terms])
        rooted = with_root(Add.make_args(rest))
        in_front = rooted == rest and not below
        return (Mul(*shared), rest) if in_front else (S.One, Mul(*shared, *below, rooted))

    def at(self, position: tuple[int, ...]) -> Expr:
        """One entry, by its numbers."""
        names = dict(zip((*self.entries.output, *self.entries.leaf), position, strict=True))
        terms = [t for t in self.entries.terms if all(names[a] == names[b] for a, b in t.equal)]
        short = factor_terms(Add(*[self.numbered(term, names) for term in terms]))
        number, rest = short.as_coeff_Mul()
        return Add(*[number * a for a in rest.args]) if isinstance(rest, Add) else short  # no brackets for a number

    def numbered(self, term: Term, names: Mapping[Letter | None, int]) -> Expr:
        """A term at an entry; a short sum is written out."""
        numbers = {a: Number(n) for a, n in names.items() if a is not None}
        found = self.sifted(replace(term, equal=()).renamed(numbers))
        inner = self.summed(found)
        if prod(int(a.size) for a in inner) > SHORT_SUM:
            return self.joined(term, found)
        rows = product(*(range(int(a.size)) for a in inner))
        return Add(*[self.joined(term, found.put(dict(zip(inner, map(Number, row), strict=True)))) for row in rows])

    def term(self, term: Term) -> Expr:
        """A term: its factors at their letters, summed over the letters that no entry is named by."""
        same = {b: a for a, b in term.equal}
        written = term.renamed({b: a for b, a in same.items() if a in self.entries.output})
        return self.joined(term, self.sifted(replace(written, equal=term.equal)))

    def sifted(self, term: Term) -> Sifted:
        """A term without the sums that a δ carries out."""
        found = sifted(term.factors, term.equal, self.entries.free)
        self.outside = self.outside or found.outside
        shown = {a for expr, own in found.factors if symbols_of(expr) for a in own if a is not None}
        self.bounded |= {a: int(a.size) for a in self.summed(found) if a not in shown}
        return found

    def summed(self, found: Sifted) -> list[Letter]:
        """The letters of a sum, in the order in which they stand."""
        return sorted(found.letters() - self.entries.free, key=lambda a: self.first(a, found))

    def joined(self, term: Term, found: Sifted) -> Expr:
        """The product of factors and δs, the δs of an entry's own letters in front of the sum."""
        letters = self.summed(found)
        inner = Mul(*[self.entry(expr, own) for expr, own in found.factors])
        own: Expr = Integer(found.times)
        for met, mark in self.marks(found):
            if met & set(letters):
                inner *= mark
            else:
                own *= mark
        if letters and inner != 0:
            self.shown |= dict.fromkeys(letters)
            inner = SumSymbol.over(inner, tuple(letters))
        return Mul(term.coefficient, inner, own)

    def marks(self, found: Sifted) -> list[tuple[set[Letter], Expr]]:
        """The δs and ranges, each with its letters."""
        pairs = [({a for place in pair for a in letters_in(place)}, self.kronecker(pair)) for pair in found.pairs]
        return [*pairs, *((letters_in(place), self.within_range(place, size)) for place, size in found.ranges)]

    def kronecker(self, pair: Pair) -> Expr:
        """δ at two places; 0 or 1 where both are numbers."""
        left, right = sorted(upright(pair), key=self.place)
        if isinstance(left, Number) and isinstance(right, Number):
            return Integer(int(left == right))
        return self.symbol(None, (left, right))

    def within_range(self, place: Letter, size: int) -> Expr:
        """[0 ≤ place < size]; 0 or 1 where the place is a number."""
        if isinstance(place, Number):
            return Integer(int(0 <= place.size < size))
        key = ("range", place, size)
        if key not in self.known:
            self.known[key] = RangeSymbol.of(place, size)
        return self.known[key]

    @staticmethod
    def first(letter: Letter, found: Sifted) -> tuple[int, int]:
        """Where a letter first stands."""
        own = [letters for _, letters in found.factors] + list(found.pairs) + [(a,) for a, _ in found.ranges]
        return next((i, j) for i, letters in enumerate(own) for j, a in enumerate(letters) if letter in letters_in(a))

    def entry(self, expr: Expr, letters: Letters) -> Expr:
        """An expression at letters: what is pointwise at its operands' entries; outside of its axes 0."""
        shape = shape_of(expr)
        if not shape:
            return expr
        own = aligned(letters, shape)
        if any(map(_beyond, own, shape)):
            return S.Zero
        if not symbols_of(expr) and all(a is None or isinstance(a, Number) for a in own):
            return _constant(expr, own)
        if (known := _in_triangle(expr, own)) is not None:
            return known
        if isinstance(expr, Apply) and expr.parameters.get("keepdims"):
            axes = axes_of(expr.parameters["axis"], len(shape))
            rest = tuple(a for axis, a in enumerate(own) if axis not in axes)
            return self.entry(call(expr.name, {**expr.parameters, "keepdims": False}, *expr.args), rest)
        if isinstance(expr, Apply) and (within := self.within(expr, own)) is not None:
            return self.entry(expr.args[0], within)
        if is_op(expr, "scatter") and not self.whole and (put := self.put(expr, own)) is not None:
            return put
        if is_op(expr, "outer") and not self.whole and all(len(shape_of(a)) == 1 for a in expr.args):
            return Mul(*[self.entry(a, (letter,)) for a, letter in zip(expr.args, own, strict=True)])
        if isinstance(expr, Apply) and not OPS[expr.name].pointwise or isinstance(expr, TensorSymbol):
            return self.symbol(expr, own)
        return expr.func(*[self.entry(arg, own) for arg in expr.args])

    def put(self, expr: Apply, letters: Letters) -> Expr | None:
        """An entry of what is put into zeros: one of what is put there, or 0; None where a sum is left."""
        try:
            factors, inner, own = SELECTING["scatter"](expr, letters)
        except NotLinearError:
            return None
        known = self.entries.free | {a for place in letters for a in letters_in(place)}
        found = sifted((*factors, (inner, own)), (), known)
        if found.letters() - known:
            return None
        return Mul(*[self.entry(part, at) for part, at in found.factors], *[mark for _, mark in self.marks(found)])

    def within(self, expr: Apply, letters: Letters) -> Letters | None:
        """Where an entry of what only moves entries stands in its operand; whole axes stay as they are written."""
        if self.whole & set(letters) and expr.name in {"flip", "index"}:
            return None
        return moved(expr, letters)

    def sliced(self, expr: Expr, letters: Letters) -> Factor:
        """An expression at letters as a tensor of those that are `whole`; axes of size 1 are gone.

        Raises:
            NotLinearError: what is left would not broadcast as it did.
        """
        found, rest = self.entry(expr, letters), tuple(a for a in letters if a in self.whole)
        orders = {tuple(a for a in s.letters if a in self.whole) if isinstance(s, EntrySymbol) else ()
                  for s in symbols_of(found)}  # fmt: skip
        if len(orders) == 1 and {*(own := next(iter(orders)))} == {*rest}:
            return found, own
        if any(own != rest[len(rest) - len(own) :] for own in orders):
            raise NotLinearError("an outer product entry by entry")
        return found, rest

    def place(self, letter: Letter) -> int:
        """Where a place stands in a δ: the output's first, a number last."""
        return 2 if isinstance(letter, Number) else int(not letters_in(letter) & set(self.entries.output))

    def turn(self, letter: Letter | None) -> tuple[bool, int, int]:
        """Which of a symmetric matrix's letters stands first: the output's, what is summed, the leaf's, a number."""
        order, inside = self.entries.letters, letters_in(letter)
        first = min((order.index(a) for a in inside if a in order), default=len(order))
        return bool(inside & set(self.entries.leaf)), first, parts_of(letter)[1] if letter is not None else 0

    def symbol(self, base: Expr | None, letters: Letters) -> Expr:
        """One symbol for one entry."""
        if base is not None and not self.whole and (pair := delta(base, letters)) is not None:
            return self.kronecker(pair)
        if base is not None and None not in letters and is_symmetric_on_purpose(base):
            letters = tuple(sorted(letters, key=self.turn))
        key = (base, letters)
        if key not in self.known:
            self.known[key] = EntrySymbol.of(base, letters, self.whole)
        return self.known[key]


def with_root(terms: Sequence[Expr]) -> Expr:
    """The sum, with a root that is in every term, and the number beside it, in front of it: (a - b)/√2."""
    numbers = [term.as_coeff_Mul() for term in terms]
    roots = {Mul(*[f for f in Mul.make_args(rest) if f.is_number]) for _, rest in numbers}
    sizes = {abs(number) for number, _ in numbers}
    if len(terms) < 2 or len(roots) != 1 or len(sizes) != 1 or (root := roots.pop()) == 1:
        return Add(*terms)
    number = sizes.pop() * root
    return Mul(number, Add(*[term / number for term in terms]))


def _beyond(letter: Letter | None, size: int) -> bool:
    return isinstance(letter, Number) and not 0 <= letter.size < int(size)


def _constant(expr: Expr, letters: Letters) -> Expr:
    """An entry of a tensor that is made of numbers alone."""
    found = np.asarray(Evaluator([], (), "float64")(expr))
    value = float(found[tuple(0 if a is None else int(a.size) for a in letters)])
    return exact(int(value) if value.is_integer() else value)


def _in_triangle(expr: Expr, letters: Letters) -> Expr | None:
    """An entry of a triangle of ones whose places are a number apart: [i ≥ i] is 1."""
    if not isinstance(expr, Apply) or expr.name not in TRIANGLES or not is_op(expr.args[0], "ones") or len(letters) > 2:
        return None
    row, column = (Number(0) if a is None else a for a in letters)
    parts, offset = parts_of(affine([(1, row), (-1, column)], expr.parameters["k"]))
    return None if parts else Integer(int(offset >= 0 if TRIANGLES[expr.name] == "greater_equal" else offset <= 0))


def _is_below(factor: Expr) -> bool:
    """Whether a factor stands below a fraction bar, and is no number."""
    return isinstance(factor, Pow) and factor.exp.is_number and bool(factor.exp < 0) and not factor.base.is_number
