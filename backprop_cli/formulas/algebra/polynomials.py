"""Polynomials with rational coefficients, as dicts: what can be said of their factors without finding any.

A monomial is one number, with some bits for each generator's exponent: products are sums, and the order of monomials,
the last generator first, is that of numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import reduce
from math import gcd, lcm, prod
from typing import TypeAlias

Coefficient: TypeAlias = int | Fraction
"""A whole number; on the way also a fraction."""

Poly: TypeAlias = dict[int, Coefficient]
"""Coefficients by monomials; none is 0."""

BITS = 16
EXPONENT = (1 << BITS) - 1
PRIME = (1 << 61) - 1


def monomial(generator: int, power: int = 1) -> int:
    """A power of the generator of that number."""
    return power << BITS * generator


def exponent(monomial: int, generator: int) -> int:
    """The exponent that a generator has in it."""
    return monomial >> BITS * generator & EXPONENT


def powers(monomial: int) -> Iterator[tuple[int, int]]:
    """The generators of a monomial and their exponents."""
    index = 0
    while monomial:
        if monomial & EXPONENT:
            yield index, monomial & EXPONENT
        monomial >>= BITS
        index += 1


def shared(a: int, b: int) -> int:
    """The greatest monomial that divides both."""
    found = shift = 0
    while a and b:
        found |= min(a & EXPONENT, b & EXPONENT) << shift
        a, b, shift = a >> BITS, b >> BITS, shift + BITS
    return found


def split(poly: Poly) -> tuple[Fraction, int, Poly]:
    """The number and the monomial that all terms share, and a sum of whole numbers whose first one is above 0."""
    scale = lcm(*(c.denominator for c in poly.values()))
    whole = gcd(*(int(c * scale) for c in poly.values())) * (1 if poly[max(poly)] > 0 else -1)
    common = reduce(shared, poly)
    return Fraction(whole, scale), common, {m - common: int(c * scale) // whole for m, c in poly.items()}


def times(a: Poly, b: Poly) -> Poly:
    """Their product."""
    found: Poly = {}
    for m, c in a.items():
        for n, d in b.items():
            found[m + n] = found.get(m + n, 0) + c * d
    return {m: c for m, c in found.items() if c}


def _by_power(poly: Poly, index: int) -> dict[int, Poly]:
    """The coefficients of a polynomial in one of its generators."""
    found: dict[int, Poly] = {}
    for m, c in poly.items():
        power = exponent(m, index)
        found.setdefault(power, {})[m - monomial(index, power)] = c
    return found


def is_no_product(poly: Poly) -> bool:
    """Whether it is certain that a sum whose terms share nothing is no product: a x + b, if a and b share nothing."""
    if len(poly) == 1:
        return True
    for index, _ in powers(reduce(int.__or__, poly)):
        parts = _by_power(poly, index)
        if max(parts) == 1:
            first = split(parts[1])[2]
            if len(first) == 1 or coprime(first, parts[0]):
                return True
    return False


def coprime(a: Poly, b: Poly) -> bool:
    """Whether it is certain that a sum whose terms share nothing has no factor in common with another.

    At numbers, and modulo a prime, they would have it as well: two polynomials in one generator are left, if each
    factor of the first holds that generator.
    """
    for index, _ in powers(reduce(int.__or__, a)):
        parts = _by_power(a, index)
        if len(parts) > 1 and any(len(part) == 1 for part in parts.values()):
            first = _at_numbers(parts)
            return bool(first[0]) and len(_common(first, _at_numbers(_by_power(b, index)))) == 1
    return False


def _at_numbers(parts: dict[int, Poly]) -> list[int]:
    """The coefficients at numbers for the other generators, from the highest power on."""
    found = [0] * (max(parts) + 1)
    for power, part in parts.items():
        for m, c in part.items():
            found[-1 - power] += int(c) * prod(pow(1_000_003 * (i + 2) ** 3 + 17, n, PRIME) for i, n in powers(m))
    return [c % PRIME for c in found]


def _common(a: list[int], b: list[int]) -> list[int]:
    """The greatest common divisor of two polynomials in one generator."""
    while b:
        if not b[0]:
            b = b[1:]
            continue
        inverse = pow(b[0], -1, PRIME)
        while len(a) >= len(b):
            factor = a[0] * inverse % PRIME
            a = [(c - factor * d) % PRIME for c, d in zip(a, [*b, *[0] * (len(a) - len(b))], strict=True)][1:]
        a, b = b, a
    return a
