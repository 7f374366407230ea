"""Scalar factors leave operators (M1): 2a - 2b is 2(a - b), p/N - t/N is (p - t)/N."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Add, Expr, Mul, Pow, Rational, S

from backprop_cli.formulas.algebra.expr import TensorSymbol, later_is_negative, shape_of
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.style import is_terminating
from backprop_cli.formulas.algebra.work import remembered, remembered_of_parts


@remembered
def powers_of(expr: Expr) -> Mapping[Expr, Expr]:
    """Each base of a product with its exponent: of what is infinite sympy gives Python's 1."""
    return {base: S.One if exponent == 1 else exponent for base, exponent in expr.as_powers_dict().items()}


def beside(expr: Expr, factor: Expr) -> Expr:
    """A product without one of its factors; a quotient would be a power more, looked at by all of sympy's rules.

    What is remembered of an equal product has equal factors, which need not be the same objects.
    """
    factors = Mul.make_args(expr)
    rest = tuple(a for a in factors if a is not factor)
    if len(rest) == len(factors):
        rest = tuple(a for a in factors if a != factor)
    is_distributed = len(rest) == 2 and rest[0].is_Number and isinstance(rest[1], Add)  # 2 (a + b) is 2 a + 2 b
    return Mul(*rest) if is_distributed else Mul._from_args(rest, True)


def is_below(exponent: Expr) -> bool:
    """Whether a power stands below the fraction bar."""
    return isinstance(exponent, Rational) and exponent.p < 0


def divisors(expr: Expr) -> dict[Expr, Expr]:
    """The tensors and scalars below the fraction bar of a term, with their powers."""
    powers = powers_of(expr).items()
    return {b: e for b, e in powers if is_below(e) and not b.is_number}


@remembered_of_parts
def split_scalar(expr: Expr) -> tuple[Expr, Expr]:
    """(c, rest) with expr = c·rest and c a number or a scalar; rest is never a mere number unless expr is."""
    if isinstance(expr, Mul):
        scalars = [a for a in expr.args if a.is_number or not shape_of(a)]
        if len(scalars) == len(expr.args):
            return S.One, expr
        tensors = [split_sum(a) if isinstance(a, Add) else (S.One, a) for a in expr.args if a not in scalars]
        factor = Mul(*scalars, *[c for c, _ in tensors])
        return (S.One, expr) if factor == 1 else (factor, Mul(*[rest for _, rest in tensors]))
    if isinstance(expr, Add):
        factor, rest = split_sum(expr)
        return (-factor, -rest) if isinstance(rest, Add) and later_is_negative(rest) else (factor, rest)
    return S.One, expr


@remembered
def split_sum(expr: Add) -> tuple[Expr, Expr]:
    """The scalar factors common to all terms of a sum: 2a - 2b is 2(a - b), p/N - t/N is (p - t)/N."""
    if any(isinstance(term, TensorSymbol) for term in expr.args):
        return S.One, expr
    parts = [_split_term(term) for term in expr.args]
    if not all(c.as_coeff_Mul()[0].is_Rational for c, _ in parts):
        return S.One, expr
    numbers = [c.as_coeff_Mul() for c, _ in parts]
    number = _common_number(
        [n for (n, _), (_, rest) in zip(numbers, parts, strict=True) if rest != 1],
        [n for (n, _), (_, rest) in zip(numbers, parts, strict=True) if rest == 1],
    )
    if number.q % 5 == 0 and any(rest == 1 for _, rest in parts) and facts_of(expr).style.decimals:
        number = S.One  # 0.1 y + 0.9
    symbols = [c.as_powers_dict() for _, c in numbers]
    common = Mul(
        *[
            Pow(base, exponent)
            for base, exponent in symbols[0].items()
            if base != 1 and all(other.get(base) == exponent for other in symbols[1:])
        ]
    )
    factor = number * common
    if factor == 1:
        return S.One, expr
    return factor, Add(*[Mul(n / number, c / common, rest) for (n, c), (_, rest) in zip(numbers, parts, strict=True)])


@remembered_of_parts
def _split_term(term: Expr) -> tuple[Expr, Expr]:
    if term.is_number:
        return term, S.One
    if not isinstance(term, Mul):
        return S.One, term
    factor, rest = split_scalar(term)
    return term.as_coeff_Mul() if factor == 1 else (factor, rest)


def _common_number(coefficients: list[Expr], constants: list[Expr]) -> Rational:
    """c where every coefficient is ±c (2a - 2b + 4, but not 2x + 4y or 2x + 1); of fractions, 3x/2 + y/2, 1/2."""
    first = abs(coefficients[0]) if coefficients else S.One
    if not isinstance(first, Rational) or not all(isinstance(n, Rational) and n.q == first.q for n in coefficients):
        return S.One
    if any(abs(n) != first for n in coefficients):
        first = Rational(1, first.q) if first.q % 5 else S.One
    return first if all(_stays_plain(n / first) for n in constants) else S.One


def _stays_plain(constant: Expr) -> bool:
    """2(v + 5e-6) for 2v + 1e-5, but not 0.134145(v + 200000/26829) for 0.134145 v + 1."""
    return isinstance(constant, Rational) and (constant.q == 1 or constant.q >= 1000 and is_terminating(constant))
