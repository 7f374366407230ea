"""Sums over a δ: Σ_p x[p] δ[p,2i+a] is x[2i+a]."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod

from sympy import Expr

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, shape_of, symbols_of
from backprop_cli.formulas.linear.deltas import delta
from backprop_cli.formulas.linear.letters import (
    Factor,
    Letter,
    Letters,
    Number,
    affine,
    letters_in,
    parts_of,
    put,
    reaches,
)
from backprop_cli.formulas.linear.selecting import moved
from backprop_cli.records import dataclass, replace

Pair = tuple[Letter, Letter]


@dataclass(frozen=True, slots=True)
class Sifted:
    """Π factors · Π δ · Π [0 ≤ place < size], summed over the letters that are not free.

    `outside`: a tensor is asked for an entry that it does not have; `times`: how often, by letters that stand nowhere.
    """

    factors: tuple[Factor, ...]
    pairs: tuple[Pair, ...]
    ranges: tuple[tuple[Letter, int], ...] = ()
    outside: bool = False
    times: int = 1

    def letters(self) -> set[Letter]:
        """Every letter, also within a place."""
        every = [a for _, own in self.factors for a in own] + [a for pair in self.pairs for a in pair]
        every += [a for a, _ in self.ranges]
        return {a for place in every for a in letters_in(place)}

    def counted(self, left: Sifted, letter: Letter, free: set[Letter]) -> Sifted:
        """What is left without a letter, as often as the letters that went with it can be."""
        gone = self.letters() - left.letters() - free - {letter}
        return replace(left, times=self.times * prod(int(a.size) for a in gone))

    def put(self, names: Mapping[Letter, Letter]) -> Sifted:
        """With other letters."""
        factors = tuple((expr, tuple(put(a, names) for a in own)) for expr, own in self.factors)
        pairs = tuple((put(a, names) or a, put(b, names) or b) for a, b in self.pairs)
        ranges = tuple((put(a, names) or a, n) for a, n in self.ranges)
        return replace(self, factors=factors, pairs=pairs, ranges=ranges)


def sifted(factors: Iterable[Factor], equal: Iterable[Pair], free: set[Letter]) -> Sifted:
    """With every sum over a δ carried out, where that can be."""
    pairs, rest = list(equal), []
    for expr, letters in factors:
        pair = delta(expr, letters)
        if pair is None:
            rest.append((expr, letters))
        else:
            pairs.append(pair)
    made = Sifted(tuple(rest), tuple(pairs))
    while (found := next(_steps(made, free), None)) is not None:
        made = found
    return replace(made, ranges=tuple(one for one in made.ranges if not _is_implied(one, made.pairs)))


def _is_implied(one: tuple[Letter, int], pairs: Iterable[Pair]) -> bool:
    """Whether a place is within its range wherever the δ beside it are 1: i < 7 where i + 1 is some j < 8."""
    place, size = one
    same = [place, *(affine([(1, place), (sign, a), (-sign, b)]) for a, b in pairs for sign in (1, -1))]
    ends = [*map(reaches, same)]
    return max(low for low, _ in ends) >= 0 and min(high for _, high in ends) < size


def _steps(made: Sifted, free: set[Letter]) -> Iterator[Sifted]:
    """What a δ allows, the surest first."""
    beyond = []
    for i, pair in enumerate(made.pairs):
        rest = replace(made, pairs=made.pairs[:i] + made.pairs[i + 1 :])
        for letter, value in _solved(pair, free):
            low, high = reaches(value)
            left, size = rest.put({letter: value}), int(letter.size)
            if low >= 0 and high < size:
                yield made.counted(left, letter, free)
            elif any(letter in own and _is_zero_beyond(expr, own, letter, (low, high)) for expr, own in rest.factors):
                beyond.append(replace(made.counted(left, letter, free), outside=True))
            else:
                beyond.append(made.counted(replace(left, ranges=(*left.ranges, (value, size))), letter, free))
    yield from beyond


def _solved(pair: Pair, free: set[Letter]) -> Iterator[tuple[Letter, Letter]]:
    """Each letter that is summed over, and what the δ says it is."""
    parts, offset = parts_of(affine([(1, pair[0]), (-1, pair[1])]))
    for c, letter in parts:
        if abs(c) == 1 and letter not in free:
            yield letter, affine([(-c * d, a) for d, a in parts if a is not letter], -c * offset)


def _is_zero_beyond(expr: Expr, own: Letters, letter: Letter, reached: tuple[int, int]) -> bool:
    """Whether an expression is 0 where a letter goes beyond its axis; not 1 - h, which is 1 there.

    A part of a tensor is written as entries of the tensor, which may have some where the part ends; what is transposed
    or reversed is written as entries of its operand, which need not be a tensor by itself.
    """
    if not isinstance(expr, Apply):
        return isinstance(expr, TensorSymbol)
    if OPS[expr.name].pointwise or not symbols_of(expr):
        return False
    if expr.name == "one_hot":  # written δ[t[i],j]: an i without a label is no row of zeros
        return not any(letter in letters_in(a) for a in own[:-1])
    if (found := moved(expr, own)) is None:
        return True
    x = expr.args[0]
    low, high = reached
    past = [*([Number(-1)] if low < 0 else []), *([Number(int(letter.size))] if high >= letter.size else [])]
    at = [(put(a, {letter: there}), n) for there in past for a, n in zip(found, shape_of(x), strict=True)
          if letter in letters_in(a)]  # fmt: skip
    is_outside = all(isinstance(a, Number) and not 0 <= a.size < n for a, n in at)
    return is_outside and _is_zero_beyond(x, found, letter, reached)


def upright(pair: Pair) -> Pair:
    """The same equation without letters that are taken off: 2-i = 2-j is i = j."""
    parts = [parts_of(a) for a in pair]
    if not all(own and all(c < 0 for c, _ in own) for own, _ in parts):
        return pair
    most = max(offset for _, offset in parts)
    left, right = (affine([(-1, a)], most) for a in pair)
    return left, right
