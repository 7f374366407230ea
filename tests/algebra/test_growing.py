"""Sums and products that grow by a part are what sympy makes of them, in its own order."""

from __future__ import annotations

from random import Random

import pytest
from sympy import Add, E, Expr, Integer, Mul, Pow, Rational, S, pi, sqrt

from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol
from backprop_cli.formulas.algebra.growing import plus, times

SYMBOLS = [TensorSymbol(f"x_{i}", (), i) for i in range(5)]
FUNCTIONS = [Apply(name, (x,), {}, ()) for name in ("sin", "exp") for x in SYMBOLS[:3]]
NUMBERS: list[Expr] = [Integer(2), Rational(1, 3), pi, E, sqrt(2), Integer(-1), Integer(0), S.Infinity]
EXPONENTS: list[Expr] = [Integer(-1), Integer(2), Rational(1, 2), *SYMBOLS[3:]]


def drawn(draw: Random, depth: int) -> Expr:
    """A random sum or product of symbols, functions, numbers and powers, some of them alike."""
    if depth:
        return draw.choice([Add, Mul])(*[drawn(draw, depth - 1) for _ in range(draw.randint(1, 3))])
    plain: Expr = draw.choice([*SYMBOLS, *FUNCTIONS])
    power = Pow(draw.choice([*SYMBOLS, *FUNCTIONS, Integer(2), E]), draw.choice(EXPONENTS))
    return draw.choice([plain, plain, power, plain + draw.choice(SYMBOLS), draw.choice(NUMBERS)])


@pytest.mark.parametrize("seed", range(4))
def test_what_grows_is_what_sympy_makes(seed: int) -> None:
    """Rule: put together part by part, a sum or a product has the terms that sympy gives it, in the same order."""
    draw = Random(seed)
    for _ in range(500):
        a, b = (drawn(draw, draw.randint(0, 2)) for _ in range(2))
        assert plus(a, b).args == Add(a, b).args, (a, b)
        assert times(a, b).args == Mul(a, b).args, (a, b)
        assert (plus(a, b), times(a, b)) == (Add(a, b), Mul(a, b))
