"""Where a minus goes: from the front into a difference, Φᵀ·(t - y) rather than -Φᵀ·(y - t)   (Y3)."""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.expr import Apply, later_is_negative, position_of
from backprop_cli.formulas.algebra.work import remembered

ODD = frozenset(("sign", "sin", "tan", "arcsin", "arctan", "sinh", "tanh", "arcsinh", "arctanh", "erf"))
"""Functions with f(-x) = -f(x): -sign(x - m) is sign(m - x)."""

EVEN = frozenset(("abs", "cos", "cosh", "square"))
"""Functions with f(-x) = f(x)."""


def sign_into(factors: list[Expr], readily: bool = False) -> list[Expr] | None:
    """The factors of a product with one negated; `readily`: only a sum that then reads better."""
    for position, factor in enumerate(factors):
        if isinstance(factor, Add) and is_complement(factor, factors):
            continue
        turned = negated(factor, readily)
        if turned is not None:
            return [*factors[:position], turned, *factors[position + 1 :]]
    return None


def has_minus(expr: Expr) -> bool:
    """Whether a number or a product has a minus in front."""
    return bool(expr.could_extract_minus_sign()) if expr.is_number else bool(expr.as_coeff_Mul()[0].is_negative)


@remembered
def negated(expr: Expr, readily: bool = False) -> Expr | None:
    """-expr without a minus in front, where a sum in it can take the sign; `readily`: only if it then reads better."""
    if isinstance(expr, Add) and _has_both_signs(expr) and (not readily or _wants_turning(expr)):
        return -expr
    if isinstance(expr, Apply) and expr.name in ODD and isinstance(expr.args[0], Add):
        inner = negated(expr.args[0], readily=True)
        return None if inner is None else Apply(expr.name, (inner,), expr.parameters, expr.shape)
    if readily:
        return None
    if isinstance(expr, Add):
        terms = [negated(t) for t in expr.args]
        known = [t for t in terms if t is not None]
        return Add(*known) if len(known) == len(terms) else None
    if isinstance(expr, Mul):
        turned = [-expr.args[0], *expr.args[1:]] if has_minus(expr) else sign_into(list(expr.args))
        return None if turned is None else Mul(*turned)
    if isinstance(expr, Pow):
        base = negated(expr.base) if expr.exp.is_Integer and expr.exp.is_odd else None
        return None if base is None else Pow(base, expr.exp)
    return _turned_operand(expr) if isinstance(expr, Apply) and OPS[expr.name].linear else None


def _turned_operand(expr: Apply) -> Expr | None:
    """An operator takes a sign from an operand that it is linear in."""
    op = OPS[expr.name]
    for position, operand in enumerate(expr.args):
        turned = negated(operand) if op.is_linear_in(position) else None
        if turned is not None:
            args = (*expr.args[:position], turned, *expr.args[position + 1 :])
            return Apply(expr.name, args, expr.parameters, expr.shape)
    return None


def _has_both_signs(expr: Add) -> bool:
    """Terms of either sign, and no number (the 1 of 1 - y) that would turn negative."""
    return any(map(has_minus, expr.args)) and not expr.as_coeff_Add()[0].is_positive


def _wants_turning(expr: Add) -> bool:
    """Whether the negative of a sum reads better: a latest term has a minus, or its terms hold an early - late."""
    if expr.as_coeff_Add()[0].is_negative:  # 1 - s, not s - 1
        return True
    latest = max(map(position_of, expr.args))
    late = any(position_of(t) == latest and has_minus(t) for t in expr.args)
    return (late if len(expr.args) > 2 else later_is_negative(expr)) or any(
        isinstance(f, Add) and later_is_negative(f) for t in expr.args for f in Mul.make_args(t)
    )


def is_complement(expr: Expr, factors: list[Expr]) -> bool:
    """1 - y beside y: a sigmoid's slope keeps its shape."""
    return any(-f in expr.args for f in factors) or any(isinstance(f, Pow) and -f.base in expr.args for f in factors)
