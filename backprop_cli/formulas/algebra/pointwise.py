"""Arithmetic is sympy's own; `where` knows equal branches."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Add, Expr, Integer, Mul, Rational, expand_mul

from backprop_cli.engine.ops.base import broadcast
from backprop_cli.formulas.algebra.expr import TURNED, Apply, is_op, shape_of, tree_size
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.formula import RULES, Formula, generic, lift, power

MAX_COMPARED = 40


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

    def rule(a: Formula | float, b: Formula | float) -> Formula:
        one, two = lift(a), lift(b)
        if one.expr == two.expr:
            return Formula(one.expr, broadcast(one.shape, two.shape))
        return generic(name, {}, (one, two))

    return rule


def _compared(name: str, same: int) -> Callable[..., Formula]:
    """A comparison of a thing with itself is known."""

    def rule(a: Formula | float, b: Formula | float) -> Formula:
        one, two = lift(a), lift(b)
        if one.expr == two.expr and not facts_of(one.expr).has_nan(one.expr):
            return Formula(Integer(same), broadcast(one.shape, two.shape))
        if name == "greater" and two.expr == 0 and is_triangle(one.expr):  # ones, and 0 elsewhere (A11)
            return one
        (number, x), (other, y) = one.expr.as_coeff_Mul(), two.expr.as_coeff_Mul()
        if x == y and number != other and name in TURNED:  # x/10 > x is x < 0 (A7b); of NaN, y == y stays
            return generic(name if number > other else TURNED[name], {}, (Formula(x, one.shape), lift(0)))
        return generic(name, {}, _simplest(one, two))

    return rule


def is_triangle(expr: Expr) -> bool:
    """Whether an expression is a triangle of ones, the mask of what is not to be seen."""
    return isinstance(expr, Apply) and expr.name in {"tril", "triu"} and is_op(expr.args[0], "ones")


def _simplest(one: Formula, two: Formula) -> tuple[Formula, Formula]:
    """t (y - q) > (t - 1) (y - q) is y > q: what two sides share is taken from both."""
    if not (isinstance(one.expr, Add | Mul) and isinstance(two.expr, Add | Mul)) or tree_size(one.expr) > MAX_COMPARED:
        return one, two
    difference = expand_mul(one.expr - two.expr)
    if 2 * tree_size(difference) >= tree_size(one.expr) + tree_size(two.expr):
        return one, two
    below = Add(*[-t for t in Add.make_args(difference) if t.as_coeff_Mul()[0].is_negative])
    if difference + below == 0:
        return Formula(difference, one.shape), Formula(Integer(0), two.shape)
    return Formula(difference + below, one.shape), Formula(below, two.shape)


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
