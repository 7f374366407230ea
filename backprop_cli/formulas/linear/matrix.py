"""Entries as one tensor: a chain of matrices from the output's letter to the leaf's, weights as diag(w) between."""

from __future__ import annotations

from sympy import Add, Expr, Mul, S

from backprop_cli.formulas.algebra.expr import Apply, is_op, shape_of, symbols_of
from backprop_cli.formulas.algebra.formula import Formula, call, materialize
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.transposes import swap
from backprop_cli.formulas.linear.deltas import turned
from backprop_cli.formulas.linear.indices import Indexing
from backprop_cli.formulas.linear.letters import Factor, Letter, Letters, NotLinearError
from backprop_cli.formulas.linear.terms import Entries, Term
from backprop_cli.records import dataclass, field


def matrix_of(entries: Entries) -> Expr:
    """The Jacobian from a vector (or number) to a vector (or number).

    Raises:
        NotLinearError: it has more axes, or is no chain.
    """
    rows, columns = _single(entries.output), _single(entries.leaf)
    shape = tuple(letter.size for letter in (rows, columns) if letter is not None)
    indexing = Indexing(entries, frozenset(a for term in entries.terms for a in term.letters()) | entries.free)
    parts = [_Web(indexing, term, rows, columns).tensor() for term in entries.terms]
    if not parts:
        return call("zeros", {"shape": shape})
    whole = Add(*parts)
    return whole if shape_of(whole) == shape else materialize(Formula(whole, shape))


def diagonal(vector: Expr) -> Expr:
    """diag(v), its numbers in front but a sign inside: diag(1 - h²)."""
    factor, rest = split_scalar(vector)
    if factor.could_extract_minus_sign() and isinstance(rest, Add):
        factor, rest = -factor, -rest
    return Mul(factor, Apply("diag", (rest,), {"k": 0}, (*shape_of(rest), *shape_of(rest))))


def turn(matrix: Expr) -> Expr:
    """The transpose."""
    found = turned(matrix)
    return swap(matrix) if found is None else found


def _reversed_twice(factors: list[Expr]) -> list[Expr]:
    """With rows and columns of a triangle of ones, or of a diagonal, put in reverse order: no flip is left."""
    for at in range(1, len(factors) - 1):
        inner = factors[at]
        if not (is_op(factors[at - 1], "flip") and factors[at - 1] == factors[at + 1] and turned(factors[at - 1])):
            continue
        if is_op(inner, "diag"):
            whole: Expr | None = diagonal(call("flip", {"axis": 0}, inner.args[0]))
        else:
            whole = turned(inner) if is_op(inner, "tril") or is_op(inner, "triu") else None
        if whole is not None:
            return _reversed_twice([*factors[: at - 1], whole, *factors[at + 2 :]])
    return factors


def _single(letters: Letters) -> Letter | None:
    real = [a for a in letters if a is not None]
    if len(real) > 1:
        raise NotLinearError("several axes")
    return real[0] if real else None


@dataclass(slots=True)
class _Web:
    """A term as weights on letters and matrices between two of them."""

    indexing: Indexing
    term: Term
    rows: Letter | None
    columns: Letter | None
    weights: dict[Letter, list[Expr]] = field(default_factory=dict)
    edges: list[tuple[Letter, Letter, Expr]] = field(default_factory=list)
    scalar: Expr = S.One

    def tensor(self) -> Expr:
        """The term as a tensor of its free letters."""
        same = any(self.rows in pair and self.columns in pair for pair in self.term.equal)
        end = self.rows if same else self.columns
        term = self.term.renamed({self.columns: self.rows}) if same and self.columns and self.rows else self.term
        self.scalar = term.coefficient
        for factor in term.factors:
            self.enter(factor)
        self.contract({self.rows, end})
        return Mul(self.scalar, self.between(self.rows, end, same))

    def enter(self, factor: Factor) -> None:
        """A factor with one letter is a weight, with two a matrix."""
        expr, letters = factor
        real = [a for a in letters if a is not None]
        if is_op(expr, "equal") and not symbols_of(expr):
            raise NotLinearError("an equation of indices")
        if len(real) < len(letters):  # people write a column as a vector
            expr, own = self.indexing.sliced(expr, letters)
            real = [a for a in own if a is not None]
        if not real:
            self.scalar *= expr
        elif len(real) == 1:
            self.weigh(real[0], expr)
        elif len(real) == 2 and real[0] is not real[1]:
            self.edges.append((real[0], real[1], expr))
        elif len(real) == 2:
            self.weigh(real[0], call("diagonal", {}, expr))
        else:
            raise NotLinearError("a tensor of three axes")

    def weigh(self, letter: Letter, expr: Expr) -> None:
        self.weights.setdefault(letter, []).append(expr)

    def weight(self, letter: Letter | None) -> Expr:
        """The product of a letter's weights."""
        return Mul(*self.weights.get(letter, ())) if letter is not None else S.One

    def at(self, letter: Letter) -> list[tuple[Letter, Letter, Expr]]:
        return [edge for edge in self.edges if letter in edge[:2]]

    def contract(self, ends: set[Letter | None]) -> None:
        """Take off what hangs on one letter, and what hangs on none, until only what lies between the ends is left."""
        self.join_parallel()
        waiting = [a for edge in self.edges for a in edge[:2]]
        while waiting:
            letter = waiting.pop()
            hanging = self.at(letter)
            if letter in ends or len(hanging) != 1:
                continue
            left, right, matrix = hanging[0]
            self.edges.remove(hanging[0])
            other = left if right is letter else right
            self.weigh(other, call("matmul", {}, matrix if right is letter else turn(matrix), self.full(letter)))
            self.weights.pop(letter, None)
            waiting.append(other)  # which may hang on one alone now
        for letter in [a for a in self.weights if a not in ends and not self.at(a)]:
            self.scalar *= call("sum", {"axis": None, "keepdims": False}, self.full(letter))
            del self.weights[letter]

    def join_parallel(self) -> None:
        """Two matrices between the same letters are one, multiplied entry by entry."""
        joined: dict[frozenset[Letter], tuple[Letter, Letter, Expr]] = {}
        for a, b, matrix in self.edges:
            known = joined.get(frozenset((a, b)))
            turned = matrix if known is None or known[0] is a else turn(matrix)
            joined[frozenset((a, b))] = (a, b, matrix) if known is None else (known[0], known[1], known[2] * turned)
        self.edges = list(joined.values())

    def full(self, letter: Letter) -> Expr:
        """A letter's weight as a vector of its true size."""
        return materialize(Formula(self.weight(letter), (letter.size,)))

    # ── what is left ─────────────────────────────────────────────────────────────────────────────

    def between(self, start: Letter | None, end: Letter | None, same: bool) -> Expr:
        """The tensor from one end to the other."""
        if start is None or end is None:
            one = start or end
            self.used({one} if one else set())
            return S.One if one is None else self.full(one)
        if same:
            self.used({start})
            weight = self.weight(start)
            if weight == 1:
                return call("eye", {"n": start.size, "m": None})
            return diagonal(self.full(start))
        return self.path(start, end)

    def path(self, start: Letter, end: Letter) -> Expr:
        """A chain of matrices, or, where nothing joins the ends, an outer product."""
        factors = self.diagonal(start)
        here, seen = start, {start}
        while here is not end:
            onward = [e for e in self.at(here) if not ({*e[:2]} - {here}) <= seen]
            if not onward and here is start:
                self.used({start, end})
                if self.weight(start) == 1 == self.weight(end):
                    shape = (start.size, end.size)
                    return Apply("ones", (), {"shape": shape}, shape)
                return call("outer", {}, self.full(start), self.full(end))
            if len(onward) != 1:
                raise NotLinearError("no chain")
            left, right, matrix = onward[0]
            factors.append(matrix if left is here else turn(matrix))
            here = right if left is here else left
            seen.add(here)
            factors += self.diagonal(here)
        self.used(seen)
        return self.multiplied(factors)

    def diagonal(self, letter: Letter) -> list[Expr]:
        weight = self.weight(letter)
        return [] if weight == 1 else [diagonal(self.full(letter))]

    @staticmethod
    def multiplied(factors: list[Expr]) -> Expr:
        first, *rest = _reversed_twice(factors)
        for factor in rest:
            first = call("matmul", {}, first, factor)
        return first

    def used(self, letters: set[Letter]) -> None:
        """All that there is lies on the way."""
        if {*self.weights, *(a for e in self.edges for a in e[:2])} - letters or self.sized(letters):
            raise NotLinearError("no chain")

    def sized(self, letters: set[Letter]) -> bool:
        return any(edge[0] not in letters or edge[1] not in letters for edge in self.edges)
