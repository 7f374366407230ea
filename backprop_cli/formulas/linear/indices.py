"""Entries in index notation: `p[i] (δ[i,j] - p[j])`, `Σ_n X[n,i] q[n] X[n,j]`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod
from string import ascii_letters
from typing import Any, Self

import numpy as np
from sympy import Add, Expr, Mul, S, factor_terms

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.evaluate import Evaluator
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, exact, is_op, shape_of, symbols_of
from backprop_cli.formulas.linear.letters import Letter, Letters, Moved, Number
from backprop_cli.formulas.linear.selecting import delta
from backprop_cli.formulas.linear.terms import Entries, Term
from backprop_cli.formulas.notation import Layout
from backprop_cli.formulas.notation.piece import ATOM, CALL, MUL, Piece

SHORT_SUM = 4  # terms that an entry's own formula writes out
ORDER = "ijklmnabcpqrstuv"


class EntrySymbol(TensorSymbol):
    """One entry of a tensor, as a scalar: what is indexed, and by which letters."""

    base: Expr | None
    letters: tuple[Letter | None, ...]
    whole: frozenset[Letter]

    @classmethod
    def of(cls, base: Expr | None, letters: Letters, whole: frozenset[Letter] = frozenset()) -> Self:
        """The entry of `base` at letters, without a base Kronecker's δ; along the letters `whole` it is a tensor."""
        known = () if base is None else [s.position for s in base.free_symbols if isinstance(s, TensorSymbol)]
        made = cls("entry", tuple(a.size for a in letters if a in whole and a is not None), max(known, default=0))
        made.base, made.letters, made.whole = base, letters, whole
        return made


class SumSymbol(TensorSymbol):
    """Σ over letters of an expression."""

    inner: Expr
    letters: Letters

    @classmethod
    def over(cls, inner: Expr, letters: Letters) -> Self:
        """The sum."""
        made = cls("sum", (), 0)
        made.inner, made.letters = inner, letters
        return made


@dataclass(slots=True)
class Indexing:
    """The entries' expression; one symbol for each entry, so that common factors are seen."""

    entries: Entries
    whole: frozenset[Letter] = frozenset()
    known: dict[tuple[Any, ...], EntrySymbol] = field(default_factory=dict)

    def expression(self) -> tuple[Expr, Expr]:
        """The entry at the free letters: the factors that all terms share, and the rest."""
        terms = [self.term(term) for term in self.entries.terms]
        common = Counter(_factors(terms[0])) if terms else Counter()
        for factors in terms[1:]:
            common &= Counter(_factors(factors))
        shared = [f for f in common.elements() if isinstance(f, EntrySymbol)] if len(terms) > 1 else []
        if not shared:
            return S.One, Add(*terms)
        rest = Add(*[Mul(*(Counter(_factors(term)) - Counter(shared)).elements()) for term in terms])
        return Mul(*shared), rest

    def at(self, position: tuple[int, ...]) -> Expr:
        """One entry, by its numbers."""
        names = dict(zip((*self.entries.output, *self.entries.leaf), position, strict=True))
        terms = [t for t in self.entries.terms if all(names[a] == names[b] for a, b in t.equal)]
        short = factor_terms(Add(*[self.numbered(term, names) for term in terms]))
        number, rest = short.as_coeff_Mul()
        return Add(*[number * a for a in rest.args]) if isinstance(rest, Add) else short  # no brackets for a number

    def numbered(self, term: Term, names: Mapping[Letter | None, int]) -> Expr:
        """A term at an entry; a short sum is written out."""
        inner = sorted(term.letters() - self.entries.free, key=lambda a: self.first(a, term))
        count = prod(int(a.size) for a in inner)
        numbers = {a: Number(n) for a, n in names.items() if a is not None}
        if count > SHORT_SUM:
            return self.term(replace(term, equal=()).renamed(numbers))
        rows = product(*(range(int(a.size)) for a in inner))
        written = [term.renamed({**numbers, **dict(zip(inner, map(Number, row), strict=True))}) for row in rows]
        return Add(*[Mul(t.coefficient, *[self.entry(*factor) for factor in t.factors]) for t in written])

    def term(self, term: Term) -> Expr:
        """A term: its factors at their letters, summed over the letters that no entry is named by."""
        same = {b: a for a, b in term.equal}
        written = term.renamed({b: a for b, a in same.items() if a in self.entries.output})
        factors = [self.entry(expr, letters) for expr, letters in written.factors]
        deltas = [self.symbol(None, pair) for pair in term.equal]
        inner = Mul(*factors)
        summed = sorted((a for a in written.letters() - self.entries.free if not isinstance(a, Number)),
                        key=lambda a: self.first(a, written))  # fmt: skip
        if summed:
            inner = SumSymbol.over(inner, tuple(summed))
        return Mul(written.coefficient, inner, *deltas)

    @staticmethod
    def first(letter: Letter, term: Term) -> int:
        """Where a letter first stands."""
        return next(i for i, (_, letters) in enumerate(term.factors) if letter in letters)

    def entry(self, expr: Expr, letters: Letters) -> Expr:
        """An expression at letters: what is pointwise at its operands' entries."""
        shape = shape_of(expr)
        if not shape:
            return expr
        own = letters[len(letters) - len(shape) :]
        if not symbols_of(expr) and all(a is None or isinstance(a, Number) for a in own):
            return _constant(expr, own)
        if is_op(expr, "transpose") and len(shape) == 2 and expr.parameters["axes"] in {None, (1, 0)}:
            return self.entry(expr.args[0], own[::-1])
        if is_op(expr, "outer") and not self.whole and all(len(shape_of(a)) == 1 for a in expr.args):
            return Mul(*[self.entry(a, (letter,)) for a, letter in zip(expr.args, own, strict=True)])
        if isinstance(expr, Apply) and not OPS[expr.name].pointwise or isinstance(expr, TensorSymbol):
            return self.symbol(expr, own)
        return expr.func(*[self.entry(arg, own) for arg in expr.args])

    def place(self, letter: Letter | None) -> int:
        """Where a letter stands in a δ: the output's first, a number last."""
        own = letter.base if isinstance(letter, Moved) else letter
        return 2 if isinstance(own, Number) else int(own not in self.entries.output)

    def symbol(self, base: Expr | None, letters: Letters) -> EntrySymbol:
        """One symbol for one entry; of the identity's rows Kronecker's δ."""
        if base is not None and not self.whole and (pair := delta(base, letters)) is not None:
            base, letters = None, tuple(sorted(pair, key=self.place))
        key = (base, letters)
        if key not in self.known:
            self.known[key] = EntrySymbol.of(base, letters, self.whole)
        return self.known[key]


def _constant(expr: Expr, letters: Letters) -> Expr:
    """An entry of a tensor that is made of numbers alone."""
    found = np.asarray(Evaluator([], (), "float64")(expr))
    value = float(found[tuple(0 if a is None else int(a.size) for a in letters)])
    return exact(int(value) if value.is_integer() else value)


def _factors(expr: Expr) -> list[Expr]:
    return list(Mul.make_args(expr))


class IndexLayout(Layout):
    """A layout that writes entries and sums over letters."""

    names: Mapping[Letter, str]

    def entry(self, shared: Expr, rest: Expr) -> str:
        """An entry: `p[i] (δ[i,j] - p[j])`."""
        if shared == 1:
            return self(rest)
        return f"{self.within(shared, MUL)} {self.notation.bracket(self(rest))}"

    def symbol(self, expr: TensorSymbol) -> Piece:
        """An entry by its letters; any other symbol by its name."""
        if isinstance(expr, EntrySymbol):
            letters = self.written_letters(expr)
            if not letters and expr.base is not None:
                return self.walk(expr.base)
            if expr.base is None:
                return Piece(self.notation.entry(self.notation.name("δ"), letters, alone=True), ATOM)
            return Piece(self.notation.entry(self.within(expr.base, CALL), letters), ATOM)
        if isinstance(expr, SumSymbol):
            return self.summed(expr)
        return Layout.symbol(self, expr)

    def written_letters(self, expr: EntrySymbol) -> list[str]:
        """The letters in the brackets; none where the tensor is meant whole, but for axes that people do not count."""
        if self.notation.slices or not set(expr.letters) <= {None, *expr.whole}:
            letters = ["0" if a is None else ":" if a in expr.whole else self.name_of(a) for a in expr.letters]
            while letters and letters[-1] == ":":
                letters.pop()
            return letters
        return []

    def name_of(self, letter: Letter) -> str:
        """A letter's name, or its number."""
        if isinstance(letter, Moved):
            return letter.text.format(self.names[letter.base])
        return str(letter.size) if isinstance(letter, Number) else self.names[letter]

    def summed(self, expr: SumSymbol) -> Piece:
        """Σ_n of a product."""
        letters = [self.names[a] for a in expr.letters if a is not None]
        return Piece(self.notation.sum_over(letters, self.within(expr.inner, MUL)), MUL)


def lettered(entries: Entries, taken: Iterable[str]) -> dict[Letter, str]:
    """Names of the letters: i, j, ... for an entry's own, a named size's own letter for what is summed."""
    used = set(taken)
    free = [a for a in (*entries.output, *entries.leaf) if a is not None]
    found: dict[Letter, str] = {}
    summed = [a for term in entries.terms for _, own in term.factors for a in own if a is not None]
    for letter in (*free, *summed):
        if letter in found:
            continue
        wanted = [] if letter in free else [str(getattr(letter.size, "name", None) or "").lower()]
        name = next(n for n in (*wanted, *ORDER, *(f"i{k}" for k in range(99))) if n and n not in used)
        used.add(name)
        found[letter] = name
    return found


def layout(notation: Any, names: Mapping[Letter, str], unit: str, decimals: bool) -> IndexLayout:
    """A layout in a notation, with names for the letters."""
    made = IndexLayout(notation, unit=unit, decimals=decimals)
    made.names = names
    return made


def code_of(entries: Entries, code: Layout) -> str:
    """The whole tensor in the language: an einsum a term, with eye(n) where letters are equal."""
    parts = [_einsum(term, entries, code) for term in entries.terms]
    text = "".join((" - " if sign < 0 else " + " if i else "") + part if i or sign > 0 else f"-{part}"
                   for i, (sign, part) in enumerate(parts))  # fmt: skip
    return text or f"zeros({_shape((*entries.output, *entries.leaf))})"


def _shape(letters: Letters) -> str:
    sizes = [str(int(a.size)) if a is not None else "1" for a in letters]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


@dataclass(slots=True)
class _Spelling:
    """The letters of an einsum: one an index, and a new one for each axis of size 1."""

    names: dict[Letter, str] = field(default_factory=dict)
    spare: Iterator[str] = field(default_factory=lambda: iter(ascii_letters))

    def __call__(self, letters: Letters) -> str:
        return "".join(map(self.one, letters))

    def one(self, letter: Letter | None) -> str:
        if letter is None:
            return next(self.spare)
        if letter not in self.names:
            self.names[letter] = next(self.spare)
        return self.names[letter]


def _einsum(term: Term, entries: Entries, code: Layout) -> tuple[int, str]:
    """A term as its sign and a product."""
    spelled = _Spelling()
    operands = [(spelled(letters), code(expr)) for expr, letters in term.factors]
    operands += [(spelled(pair), f"eye({int(pair[0].size)})") for pair in term.equal]
    free = [a for a in (*entries.output, *entries.leaf) if a is not None]
    operands += [(spelled((a,)), f"ones(({int(a.size)},))") for a in free if a not in spelled.names]
    negative = term.coefficient.could_extract_minus_sign()
    coefficient, sign = (-term.coefficient, -1) if negative else (term.coefficient, 1)
    if not operands:
        return sign, code.within(coefficient, MUL)
    subscripts = f"{','.join(letters for letters, _ in operands)}->{spelled(tuple(free))}"
    text = f"einsum('{subscripts}', {', '.join(operand for _, operand in operands)})"
    return sign, text if coefficient == 1 else f"{code.within(coefficient, MUL)} * {text}"
