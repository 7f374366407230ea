"""Common factors of the terms of a sum: s + x·s·(1 - s) is s·(1 + x·(1 - s)).  Much cheaper than sympy's own."""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow


def factored_out(expr: Expr) -> Expr:
    """The expression with what all terms of a sum share in front of it, also in sums below."""
    if isinstance(expr, Mul):
        return expr.func(*map(factored_out, expr.args)) if any(isinstance(a, Add) for a in expr.args) else expr
    if not isinstance(expr, Add):
        return expr
    shared = _shared([_powers(term) for term in expr.args])
    if not shared:
        return expr
    common = Mul(*[Pow(base, exponent) for base, exponent in shared.items()])
    return common * factored_out(Add(*[term / common for term in expr.args]))


def _powers(term: Expr) -> dict[Expr, int]:
    """The factors of a term that are no numbers, with their positive whole exponents."""
    powers: dict[Expr, int] = {}
    for factor in Mul.make_args(term):
        base, exponent = (factor.base, factor.exp) if isinstance(factor, Pow) and factor.exp.is_Integer else (factor, 1)
        if exponent > 0 and not base.is_number:
            powers[base] = int(exponent)
    return powers


def _shared(terms: list[dict[Expr, int]]) -> dict[Expr, int]:
    first, *others = terms
    found = {base: min([n, *(t.get(base, 0) for t in others)]) for base, n in first.items()}
    return {base: n for base, n in found.items() if n > 0}
