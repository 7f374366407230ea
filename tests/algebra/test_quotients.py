"""Skeletons over one denominator, written down without sympy's polynomial routines, are what those give."""

from __future__ import annotations

import random
from functools import reduce
from operator import mul
from typing import Any

import pytest
import sympy
from sympy import Add, Dummy, Expr, Rational, S, pi, sqrt

from backprop_cli.formulas.algebra.polynomials import coprime, is_no_product, monomial, split, times
from backprop_cli.formulas.algebra.quotients import quotient_of

SYMBOLS = [Dummy(f"s{i:02}") for i in range(6)]
A, B, C, D, E, F = SYMBOLS


def drawn(draw: random.Random, depth: int) -> Expr:
    """A skeleton: sums, products, quotients, roots and numbers of a few symbols."""
    if depth == 0:
        return draw.choice([*SYMBOLS, *SYMBOLS, S(2), Rational(1, 3), sqrt(2), pi, A**B])
    parts = [drawn(draw, depth - 1) for _ in range(draw.choice((2, 2, 3)))]
    kind = draw.choice(("sum", "sum", "product", "product", "quotient", "square", "root", "difference"))
    made = {
        "sum": lambda: Add(*parts),
        "difference": lambda: parts[0] - 2 * parts[1],
        "product": lambda: reduce(mul, parts),
        "quotient": lambda: parts[0] / parts[1],
        "square": lambda: parts[0] ** draw.choice((2, -2)),
        "root": lambda: parts[0] / sqrt(parts[1]),
    }[kind]()
    return made if made.is_finite is not False and made != 0 else A


@pytest.mark.parametrize("seed", range(4))
def test_both_forms_are_those_of_sympy(seed: int) -> None:
    """Wherever a quotient is known, what it gives cancelled and factored is sympy's to the letter."""
    draw = random.Random(seed)
    skeletons = [drawn(draw, draw.choice((1, 2, 2, 3))) for _ in range(45)]
    known = [(s, q) for s in skeletons if (q := quotient_of(s)) is not None]
    assert len(known) > 10
    assert [(s, q.cancelled) for s, q in known] == [(s, sympy.cancel(s)) for s, _ in known]
    assert [(s, q.factored) for s, q in known] == [(s, sympy.factor(s)) for s, _ in known]


@pytest.mark.parametrize(
    "skeleton",
    [A / B + C / D, (A + B) / (C + D) - E, A / (B + C) ** 2 + D, A / sqrt(B) + C, A / (1 + B**2 * C), -(A + B) / 6,
     sqrt(2) * A / (4 * sqrt(pi)) + B, A / sqrt(B + C) + D, A**B / C - D, (A - B * C**2) / (C * D),
     2 * A / (4 * B - 6 * C)],
)  # fmt: skip
def test_what_shares_nothing_is_known(skeleton: Expr) -> None:
    """Most formulas: linear in something above and below, so that nothing is asked of sympy."""
    found = quotient_of(skeleton)
    assert found is not None
    assert (found.cancelled, found.factored) == (sympy.cancel(skeleton), sympy.factor(skeleton))


@pytest.mark.parametrize(
    "skeleton",
    [(A**2 - B**2) / (A - B), A**2 / C + 2 * A * B / C + B**2 / C, A / (A**2 - 1), A + sqrt(A), sqrt(A) * A**B,
     (A**B - 1) / A ** (B + 1), sqrt(A * B) + C, sqrt(A**2 - 2 * A * B + B**2) + C, (A + sqrt(B)) * (C + sqrt(B)),
     1 / (A + sqrt(2) * B) ** 2, (A - C) / (A * B) - (1 - C / A) / B,
     S(0), sympy.Float("0.5") * A, sympy.sin(A), sympy.oo * A],
)  # fmt: skip
def test_what_is_not_certain_is_left_to_sympy(skeleton: Expr) -> None:
    """Squares above, factors in common, roots of the same: nothing is said, and nothing wrong."""
    assert quotient_of(skeleton) is None


X, Y, ONE = monomial(0), monomial(1), 0


@pytest.mark.parametrize(
    ("poly", "certain"),
    [({X: 1, Y: 1}, True), ({X + Y: 1, ONE: 3}, True), ({2 * X: 1, Y: -1}, True), ({2 * X: 1, 2 * Y: -1}, False),
     ({X + Y: 1, X: 2, Y: 3, ONE: 6}, False), ({2 * X: 1, ONE: 1}, False), ({X + Y: 1, X: 2, Y: 3, ONE: 5}, True)],
)  # fmt: skip
def test_a_product_is_never_taken_for_none(poly: dict[int, Any], certain: bool) -> None:
    """x² - y² and (x + 3)(y + 2) are products; x y + 2x + 3y + 5 is none, and that is seen."""
    assert is_no_product(poly) is certain


def test_a_common_factor_is_never_missed() -> None:
    """What shares a factor is not called coprime, whatever else the two hold."""
    draw = random.Random(0)

    def sums() -> dict[int, Any]:
        return split({m: draw.randint(1, 9) for m in draw.sample([X, Y, X + Y, 2 * X, 3 * Y, ONE], 3)})[2]

    pairs = [(sums(), sums(), sums()) for _ in range(200)]
    sharing = [(split(times(a, b))[2], split(times(a, c))[2]) for a, b, c in pairs]
    assert not [pair for pair in sharing if coprime(*pair)]
    assert sum(coprime(a, b) for a, b, _ in pairs) > 100
