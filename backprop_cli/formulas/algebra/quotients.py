"""A skeleton over one denominator, by polynomials of our own: sympy's `cancel` and `factor` take ten times as long.

Nothing is factored here.  Where it is certain that numerator and denominator share no factor and that no sum in them
is a product, both forms can be written down at once; where it is not, sympy is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import reduce
from typing import TypeAlias, cast

from sympy import Add, Expr, Integer, Mul, NumberSymbol, Pow, Rational, Symbol

from backprop_cli.formulas.algebra.polynomials import (
    Coefficient,
    Poly,
    coprime,
    exponent,
    is_no_product,
    monomial,
    powers,
    split,
    times,
)
from backprop_cli.records import dataclass

Below: TypeAlias = dict[frozenset[tuple[int, Coefficient]], int]
"""Exponents of what stands below the fraction bar: generators and sums, each as the items of a polynomial."""

Over: TypeAlias = tuple[Poly, Below]
"""What stands above and below."""


class Unclear(Exception):
    """Nothing is certain of such a skeleton."""


@dataclass(frozen=True, slots=True)
class Quotient:
    """number · monomial · sum / below, with nothing in common; the sum is no product, its first coefficient above 0."""

    generators: tuple[Expr, ...]
    number: Fraction
    monomial: int
    sum: Poly
    below: Below
    divisor: Poly  # what is below, multiplied out

    @property
    def cancelled(self) -> Expr:
        """Multiplied out above and below, as sympy's `cancel` has it."""
        above = {m + self.monomial: c * self.number.numerator for m, c in self.sum.items()}
        return self.written(above) / self.written({m: c * self.number.denominator for m, c in self.divisor.items()})

    @property
    def factored(self) -> Expr:
        """As a product, as sympy's `factor` has it."""
        below = (Pow(self.written(dict(key)), -power) for key, power in self.below.items())
        product = Mul(self.written({self.monomial: 1}), self.written(self.sum), *below)
        number = Rational(self.number.numerator, self.number.denominator)
        whole = not isinstance(product, Add) or abs(number) == 1  # else sympy would multiply each term by the number
        return number * product if whole else Mul(number, product, evaluate=False)

    def written(self, poly: Poly) -> Expr:
        """A polynomial as an expression."""
        return Add(*(Mul(Integer(int(c)), *self.factors(m)) for m, c in poly.items()))

    def factors(self, monomial: int) -> Iterator[Expr]:
        """The powers of generators in a monomial."""
        return (Pow(self.generators[index], power) for index, power in powers(monomial))


def quotient_of(skeleton: Expr) -> Quotient | None:
    """The skeleton over one denominator; None where that is not certain."""
    try:
        reader = Reader(skeleton)
        above, below = reader.fraction(skeleton)
        if not above:
            return None
        number, shared, above = split(above)
        for i, power in powers(shared):
            twice = min(power, below.get(one := _generator(i), 0))
            shared, below = shared - monomial(i, twice), below | {one: below.get(one, 0) - twice}
        divisor = reader.settled(reduce(times, _each(below), {0: 1}))
    except Unclear:
        return None
    below = {key: power for key, power in below.items() if power}
    under = [dict(key) for key in below if len(key) > 1]
    certain = all(map(is_no_product, (above, *under))) and all(coprime(poly, above) for poly in under)
    return Quotient(reader.generators, number, shared, above, below, divisor) if certain else None


class Reader:
    """Reads a skeleton; its generators are the symbols and roots in it, the first of sympy's order last."""

    def __init__(self, skeleton: Expr) -> None:
        found = dict(_generators(skeleton))
        bases = [*found.values()]
        if any(_root(g) > 1 and bases.count(base) > 1 for g, base in found.items()):  # x and √x are not independent
            raise Unclear
        if not all(_stays(base) for base in bases if base.args):
            raise Unclear
        self.generators = tuple(sorted(found, key=_order, reverse=True))
        self.monomials = {g: monomial(i) for i, g in enumerate(self.generators)}
        self.roots = [(i, q) for i, g in enumerate(self.generators) if (q := _root(g)) > 1]

    def fraction(self, expr: Expr) -> Over:
        """What stands above and below."""
        if expr in self.monomials:
            return {self.monomials[expr]: 1}, {}
        if isinstance(expr, Rational):
            return ({0: Fraction(expr.p, expr.q) if expr.q > 1 else expr.p} if expr.p else {}), {}
        if isinstance(expr, Pow):
            found = self.power(expr)
        else:
            found = (_sum if isinstance(expr, Add) else _product)([self.fraction(a) for a in expr.args])
        return self.settled(found[0]), found[1]

    def settled(self, poly: Poly) -> Poly:
        """The same, if it holds no power of a root that is without the root: (√x)² is x."""
        if any(exponent(m, i) >= q for i, q in self.roots for m in poly):
            raise Unclear
        return poly

    def power(self, expr: Pow) -> Over:
        """A power with a number."""
        number = cast(Rational, expr.exp)
        part = self.fraction(expr.base if number.q == 1 else Pow(expr.base, Rational(1, number.q)))
        return _product([part if number.p > 0 else _inverse(*part)] * abs(int(number.p)))


def _generators(expr: Expr) -> Iterator[tuple[Expr, Expr]]:
    """The generators of an expression, and what each is a root of."""
    if isinstance(expr, (Add, Mul)):
        for part in expr.args:
            yield from _generators(part)
    elif isinstance(expr, Pow) and isinstance(expr.exp, Rational):
        if expr.exp.q == 1:
            yield from _generators(expr.base)
        else:
            yield Pow(expr.base, Rational(1, expr.exp.q)), expr.base
    elif isinstance(expr, Pow) and isinstance(expr.base, Symbol) and isinstance(expr.exp, Symbol):
        yield expr, expr.base
    elif isinstance(expr, (Symbol, NumberSymbol)):
        yield expr, expr
    elif not isinstance(expr, Rational):
        raise Unclear


def _root(generator: Expr) -> int:
    """Which root it is, 1 for none."""
    return int(generator.exp.q) if isinstance(generator, Pow) and isinstance(generator.exp, Rational) else 1


def _order(generator: Expr) -> tuple[str, int]:
    """What sympy sorts generators by: their names, a number at the end as a number."""
    name = str(generator)
    text = name.rstrip("0123456789")
    return text, int(name[len(text) :] or 0)


def _stays(base: Expr) -> bool:
    """Whether what stands below a root stays there as it is: a sum that is written out, and no product."""
    if not isinstance(base, Add):
        return False
    above, below = Reader(base).fraction(base)
    number, common, rest = split(above)
    return number == 1 and not (common or below) and len(rest) == len(base.args) and is_no_product(rest)


# ── sums, products and inverses ──────────────────────────────────────────────────────────────────


def _generator(index: int) -> frozenset[tuple[int, Coefficient]]:
    return frozenset(((monomial(index), 1),))


def _each(below: Below) -> Iterable[Poly]:
    """Its factors, each as often as its exponent says."""
    return (dict(key) for key, power in below.items() for _ in range(power))


def _product(fractions: list[Over]) -> Over:
    below: Below = {}
    for _, under in fractions:
        for key, power in under.items():
            below[key] = below.get(key, 0) + power
    return reduce(times, (over for over, _ in fractions)), below


def _sum(fractions: list[Over]) -> Over:
    below: Below = {}
    for _, under in fractions:
        for key, power in under.items():
            below[key] = max(below.get(key, 0), power)
    found: Poly = {}
    for over, under in fractions:
        missing = {key: power - under.get(key, 0) for key, power in below.items()}
        for m, c in reduce(times, _each(missing), over).items():
            found[m] = found.get(m, 0) + c
    return {m: c for m, c in found.items() if c}, below


def _inverse(above: Poly, below: Below) -> Over:
    """1 over it."""
    if not above:
        raise Unclear
    number, common, rest = split(above)
    under = {_generator(i): power for i, power in powers(common)}
    if len(rest) > 1:
        under[frozenset(rest.items())] = 1
    return reduce(times, _each(below), {0: 1 / number}), under
