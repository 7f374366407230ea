"""The order of factors and terms, and where signs go: as a textbook would write them.

A product is in the order of the chain rule: numbers, scalars, the upstream gradient, then nodes with the latest
first, then leaves.  A sum prints `1 - y`, not `y - 1`, and its later node first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Add, Expr, Float, Mul, Pow, Rational, S

from backprop_cli.algebra.expr import Apply, later_is_negative, position_of, shape_of, symbols_of
from backprop_cli.algebra.scalars import split_sum


@dataclass(frozen=True, slots=True)
class Factors:
    """A product taken apart: sign · number · above / (denominator · below)."""

    sign: int
    number: Expr
    denominator: Expr
    above: list[Expr]
    below: list[Expr]


@lru_cache(maxsize=50_000)
def factors_of(expr: Expr) -> Factors:
    """Take a product apart, in printing order; once for all notations."""
    coefficient: Expr = S.One
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in Mul.make_args(expr):
        if factor.is_Rational or isinstance(factor, Float):
            coefficient = coefficient * factor
        elif isinstance(factor, Pow) and factor.exp.could_extract_minus_sign():
            below.append(Pow(factor.base, -factor.exp))
        elif isinstance(factor, Add):
            inner, rest = split_sum(factor)
            numeric, symbolic = inner.as_coeff_Mul()
            coefficient = coefficient * numeric
            for part in Mul.make_args(symbolic):
                if part != 1:
                    (below if isinstance(part, Pow) and part.exp.could_extract_minus_sign() else above).append(
                        Pow(part.base, -part.exp)
                        if isinstance(part, Pow) and part.exp.could_extract_minus_sign()
                        else part
                    )
            above.append(rest)
        else:
            above.append(factor)
    coefficient, above, roots = _rationalized(coefficient, above)
    below += roots
    sign = -1 if coefficient.is_negative else 1
    coefficient = abs(coefficient)
    sign, below = _complements(sign, below)
    sign, above = _sign_into_sum(sign, above)
    number, denominator = (
        coefficient.as_numer_denom()
        if coefficient.is_Rational and not small_decimal(coefficient)
        else (coefficient, S.One)
    )
    return Factors(sign, number, denominator, sorted(above, key=factor_order), sorted(below, key=factor_order))


def _complements(sign: int, factors: list[Expr]) -> tuple[int, list[Expr]]:
    """`1 - y` rather than `y - 1` below a fraction bar."""
    turned = [-f if isinstance(f, Add) and f.as_coeff_Add()[0] == -1 else f for f in factors]
    changes = sum(1 for before, after in zip(factors, turned, strict=True) if before is not after)
    return sign * (-1) ** changes, turned


def _rationalized(coefficient: Expr, factors: list[Expr]) -> tuple[Expr, list[Expr], list[Expr]]:
    """√3/3 as it was written, 1/√3."""
    for position, factor in enumerate(factors):
        if (
            isinstance(factor, Pow)
            and factor.base.is_Integer
            and factor.exp == Rational(1, 2)
            and coefficient.is_Rational
            and coefficient.q % factor.base == 0
        ):
            return coefficient * factor.base, [*factors[:position], *factors[position + 1 :]], [factor]
    return coefficient, factors, []


def small_decimal(value: Expr) -> bool:
    """Whether a rational prints better as a decimal: 1e-5 rather than 1/100000."""
    q = value.q
    while q % 10 == 0:
        q //= 10
    return value.q >= 100 and q in (1, 2, 4, 5, 8, 20, 25, 125)


def _sign_into_sum(sign: int, factors: list[Expr]) -> tuple[int, list[Expr]]:
    """A minus goes into a sum that then reads better: -(t - p) is p - t."""
    if sign > 0:
        return sign, factors
    for position, factor in enumerate(factors):
        turned = (
            -factor
            if isinstance(factor, Add) and _wants_turning(factor) and not _is_complement(factor, factors)
            else _turned_chain(factor)
            if len(factors) == 1
            else None
        )
        if turned is not None:
            return 1, [*factors[:position], turned, *factors[position + 1 :]]
    return sign, factors


def _wants_turning(expr: Add) -> bool:
    """Whether the negative of a sum reads at least as well: its latest terms have a minus, or hold an early - late."""
    latest = max(map(position_of, expr.args))
    return any(position_of(t) == latest and is_negative(t) for t in expr.args) or any(
        isinstance(f, Add) and later_is_negative(f) for t in expr.args for f in Mul.make_args(t)
    )


def _turned_chain(expr: Expr) -> Expr | None:
    """-A·(m - x) as A·(x - m): the minus goes into the one sum among the factors of a product of matrices."""
    if not isinstance(expr, Apply) or expr.name not in {"matmul", "outer"}:
        return None
    sums = [i for i, a in enumerate(expr.args) if isinstance(a, Add) and _plain_signs(a)]
    if len(sums) != 1 or position_of(expr.args[sums[0]]) >= 0:
        return None
    args = tuple(-a if i == sums[0] else a for i, a in enumerate(expr.args))
    return Apply(expr.name, args, expr.parameters, expr.shape)


def _plain_signs(expr: Add) -> bool:
    """Whether a sum has coefficients 1 and -1 only, and a -1 among them."""
    return all(t.as_coeff_Mul()[0] in {1, -1} for t in expr.args) and any(map(is_negative, expr.args))


def _is_complement(expr: Add, factors: list[Expr]) -> bool:
    """1 - y beside y: a sigmoid's slope keeps its shape."""
    return any(-f in expr.args for f in factors) or any(isinstance(f, Pow) and -f.base in expr.args for f in factors)


def is_negative(expr: Expr) -> bool:
    """Whether a term prints with a minus."""
    return bool(expr.could_extract_minus_sign()) if expr.is_number else factors_sign(expr) < 0


def factors_sign(expr: Expr) -> int:
    """The sign a term prints with."""
    return factors_of(expr).sign if isinstance(expr, Mul) else 1


def factor_order(expr: Expr) -> tuple[Any, ...]:
    """Scalars first, then later before earlier; at equal positions the sum of several symbols first."""
    tensor = bool(shape_of(expr))
    position = position_of(expr)
    symbols = len(symbols_of(expr))
    return (
        tensor,
        isinstance(expr, Apply) and expr.name == "ones",
        -position,
        -min(symbols, 2),
        _weight(expr),
        expr.sort_key(),
    )


def _weight(expr: Expr) -> int:
    return 1 if isinstance(expr, Add) else 0


def term_order(expr: Expr) -> tuple[Any, ...]:
    """Positive before negative, later nodes first, then leaves as they are listed, products first; numbers last."""
    position = position_of(expr)
    if position >= 0:
        return (is_negative(expr), 0, -position, expr.sort_key())
    alone = len(symbols_of(expr)) < 2
    return (is_negative(expr), 1, expr.is_number, alone, position, isinstance(expr, Apply), expr.sort_key())
