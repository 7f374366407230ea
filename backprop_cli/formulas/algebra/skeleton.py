"""The pointwise skeleton of an expression: operators become dummies, so that sympy's simplifiers stay out of them."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Dummy, Expr, Mul, Pow, Rational

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.expr import Apply
from backprop_cli.formulas.algebra.style import PLAIN_STYLE, Style, is_decimal
from backprop_cli.formulas.algebra.work import parts_of, remembered_of_parts


def pointwise_parts(expr: Expr) -> Iterator[Expr]:
    """The expression and its parts, down to operators but not into them."""
    stack = [expr]
    while stack:
        part = stack.pop()
        yield part
        if not isinstance(part, Apply):
            stack.extend(part.args)


@remembered_of_parts
def mixes(expr: Expr) -> bool:
    """Whether an expression holds an operator that mixes positions."""
    own = isinstance(expr, Apply) and not (expr.name in OPS and OPS[expr.name].pointwise)
    return own or any(map(mixes, parts_of(expr)))


def has_common_factors(expr: Expr) -> bool:
    """Whether some sum has terms that share a factor."""
    for part in pointwise_parts(expr):
        if isinstance(part, Add):
            factors = [{_base(f) for f in Mul.make_args(t)} for t in part.args]
            if any(not f.is_number for f in set.intersection(*factors)):
                return True
    return False


def _base(factor: Expr) -> Expr:
    return factor.base if isinstance(factor, Pow) and factor.exp.is_Integer and factor.exp > 0 else factor


def skeleton_of(
    expr: Expr, opaque: frozenset[Expr] = frozenset(), style: Style = PLAIN_STYLE
) -> tuple[Expr, dict[Expr, Expr]]:
    """The expression with operators, decimals and `opaque` sums replaced by dummies, and the way back.

    In a `style` with decimals every number that prints as one stays whole: 0.1 y + 0.9 is not to become 0.1(y + 9).
    """
    parts: dict[Expr, Expr] = {}
    for part in pointwise_parts(expr):
        if isinstance(part, Apply) or part in opaque:
            parts[part] = Dummy()
        elif isinstance(part, Rational) and (_is_literal(part) or style.decimals and is_decimal(part)):
            parts[part] = Dummy(positive=True)  # 1e-5 is to stay beside the variance, not to multiply everything
    if not parts:
        return expr, {}
    return expr.xreplace(parts), {dummy: part for part, dummy in parts.items()}


def _is_literal(number: Rational) -> bool:
    """Whether a number was hardly counted: 1e-5, 0.3, but not the 1/10 of a mean."""
    return bool(number.q >= 1000 or number.q % 10 == 0 and number.p != 1)
