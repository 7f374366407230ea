"""Products of scalars taken apart, factor by factor."""

from __future__ import annotations

from sympy import Add, Mul, symbols

from backprop_cli.formulas.algebra.scalars import beside


def test_what_stands_beside_a_factor_is_without_an_equal_one() -> None:
    """What is remembered of an equal product is another object: left in, it would stand in the formula twice."""
    x, y, z = symbols("x y z")
    product = z * (x - y)
    equal = Add(x, -y, evaluate=False)
    assert not any(factor is equal for factor in product.args)
    assert beside(product, equal) == z
    assert beside(Mul(z, x), x) == z
