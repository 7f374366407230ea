"""What an entry's formula is made of: entries of tensors, δ, sums over letters and ranges, each a scalar symbol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from sympy import Add, Expr, Mul

from backprop_cli.formulas.algebra.expr import TensorSymbol, is_op
from backprop_cli.formulas.linear.letters import Letter, Letters

ENTRY, MARK, SUM = 1, 2, 3
"""The order in a product: entries, then δs and ranges, then a sum, which goes on to the end."""


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
        made.place = MARK if base is None or is_op(base, "one_hot") else ENTRY
        return made


class SumSymbol(TensorSymbol):
    """Σ over letters of an expression."""

    place = SUM
    inner: Expr
    letters: Letters

    @classmethod
    def over(cls, inner: Expr, letters: Letters) -> Self:
        """The sum."""
        made = cls("sum", (), 0)
        made.inner, made.letters = inner, letters
        return made


class RangeSymbol(TensorSymbol):
    """[0 ≤ place < size]: whether a window reaches an entry."""

    place = MARK
    letter: Letter
    size: int

    @classmethod
    def of(cls, letter: Letter, size: int) -> Self:
        """The indicator, as a scalar."""
        made = cls("range", (), 0)
        made.letter, made.size = letter, size
        return made


def merged(terms: Sequence[Expr]) -> list[Expr]:
    """With the sum of terms that the same δ and the same ranges stand beside, where that is shorter."""
    groups: dict[frozenset[Expr], list[Expr]] = {}
    for term in terms:
        marks = frozenset(f for f in factors_of(term) if _is_mark(f))
        groups.setdefault(marks, []).append(Mul(*[f for f in factors_of(term) if f not in marks]))
    found = []
    for marks, rests in groups.items():
        whole = Add(*rests)
        is_shorter = len(Add.make_args(whole)) < sum(len(Add.make_args(rest)) for rest in rests)
        found += [Mul(*marks, rest) for rest in ([whole] if is_shorter else rests)]
    return found


def _is_mark(factor: Expr) -> bool:
    """Whether a factor is a δ, or a range."""
    return isinstance(factor, RangeSymbol) or isinstance(factor, EntrySymbol) and factor.base is None


def factors_of(expr: Expr) -> list[Expr]:
    """The factors of a product."""
    return list(Mul.make_args(expr))
