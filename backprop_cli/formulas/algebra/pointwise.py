"""Arithmetic is sympy's own; `where` knows equal branches."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr, Integer, Rational

from backprop_cli.engine.ops.base import broadcast
from backprop_cli.formulas.algebra.expr import Apply, shape_of
from backprop_cli.formulas.algebra.formula import RULES, Formula, lift, power


def where(mask: Formula, a: Formula, b: Formula) -> Formula:
    """Equal branches need no mask; a zero branch makes it a product."""
    mask, a, b = lift(mask), lift(a), lift(b)
    shape = broadcast(mask.shape, a.shape, b.shape)
    if a.expr == b.expr:
        return Formula(a.expr, shape)
    physical = broadcast(shape_of(mask.expr), shape_of(a.expr), shape_of(b.expr))
    return Formula(Apply("where", (mask.expr, a.expr, b.expr), {}, physical), shape)


def _power_of(exponent: Expr) -> Callable[..., Formula]:
    return lambda x: Formula(power(lift(x).expr, exponent), lift(x).shape)


RULES |= {
    "add": lambda a, b: lift(a) + b, "subtract": lambda a, b: lift(a) - b, "multiply": lambda a, b: lift(a) * b,
    "divide": lambda a, b: lift(a) / b, "power": lambda a, b: lift(a) ** b, "negative": lambda x: -lift(x),
    "identity": lift, "square": _power_of(Integer(2)), "sqrt": _power_of(Rational(1, 2)),
    "reciprocal": _power_of(Integer(-1)), "rsqrt": _power_of(Rational(-1, 2)), "where": where,
}  # fmt: skip
