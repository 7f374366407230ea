"""Arithmetic is sympy's own; `where` knows equal branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr, Integer, Rational

from backprop_cli.engine.ops.base import broadcast
from backprop_cli.formulas.algebra.expr import Apply, shape_of
from backprop_cli.formulas.algebra.facts import current_facts
from backprop_cli.formulas.algebra.formula import RULES, Formula, generic, lift, power


def where(mask: Formula, a: Formula, b: Formula) -> Formula:
    """Equal branches need no mask; a zero branch makes it a product."""
    mask, a, b = lift(mask), lift(a), lift(b)
    shape = broadcast(mask.shape, a.shape, b.shape)
    if a.expr == b.expr:
        return Formula(a.expr, shape)
    physical = broadcast(shape_of(mask.expr), shape_of(a.expr), shape_of(b.expr))
    return Formula(Apply("where", (mask.expr, a.expr, b.expr), {}, physical), shape)


def _extreme(name: str) -> Callable[..., Formula]:
    """The larger or smaller of two equal things is that thing."""

    def rule(a: Any, b: Any) -> Formula:
        one, two = lift(a), lift(b)
        if one.expr == two.expr:
            return Formula(one.expr, broadcast(one.shape, two.shape))
        return generic(name, {}, (one, two))

    return rule


def _compared(name: str, same: int) -> Callable[..., Formula]:
    """A comparison of a thing with itself is known."""

    def rule(a: Any, b: Any) -> Formula:
        one, two = lift(a), lift(b)
        if one.expr == two.expr and not current_facts().has_nan(one.expr):
            return Formula(Integer(same), broadcast(one.shape, two.shape))
        return generic(name, {}, (one, two))

    return rule


EQUAL = {"equal": 1, "greater_equal": 1, "less_equal": 1, "not_equal": 0, "greater": 0, "less": 0}
"""What a comparison says of two equal things."""


def _power_of(exponent: Expr) -> Callable[..., Formula]:
    return lambda x: Formula(power(lift(x).expr, exponent), lift(x).shape)


RULES |= {
    "add": lambda a, b: lift(a) + b, "subtract": lambda a, b: lift(a) - b, "multiply": lambda a, b: lift(a) * b,
    "divide": lambda a, b: lift(a) / b, "power": lambda a, b: lift(a) ** b, "negative": lambda x: -lift(x),
    "identity": lift, "square": _power_of(Integer(2)), "sqrt": _power_of(Rational(1, 2)),
    "reciprocal": _power_of(Integer(-1)), "rsqrt": _power_of(Rational(-1, 2)), "where": where,
    **{name: _extreme(name) for name in ("maximum", "minimum")},
    **{name: _compared(name, same) for name, same in EQUAL.items()},
}  # fmt: skip
