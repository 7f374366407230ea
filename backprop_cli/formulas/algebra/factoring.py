"""Common factors of the terms of a sum: s + x·s·(1 - s) is s·(1 + x·(1 - s)).  Much cheaper than sympy's own."""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow

from backprop_cli.formulas.algebra.facts import remembered

MAX_TERMS = 12


@remembered
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
    return common * factored_out(Add(*[_without(term, shared) for term in expr.args]))


@remembered
def collected(expr: Expr) -> Expr:
    """1 - f·a - f·b as 1 - f·(a + b): what several terms share, where it is more than the name of a leaf."""
    if isinstance(expr, Mul):
        return expr.func(*map(collected, expr.args)) if any(isinstance(a, Add) for a in expr.args) else expr
    if not isinstance(expr, Add) or len(expr.args) > MAX_TERMS:
        return expr
    terms = [_powers(term) for term in expr.args]
    bases = dict.fromkeys(base for term in terms for base in term if not getattr(base, "leaf", False))
    for base in sorted(bases, key=lambda b: (-sum(b in t for t in terms), b.sort_key())):
        group = [term / base for term, powers in zip(expr.args, terms, strict=True) if base in powers]
        rest = [term for term, powers in zip(expr.args, terms, strict=True) if base not in powers]
        if len(group) > 1 and rest and not any(base in term.free_symbols or term.has(base) for term in (*group, *rest)):
            return base * collected(Add(*group)) + collected(Add(*rest))
    return expr


def _powers(term: Expr) -> dict[Expr, int]:
    """The factors of a term that are no numbers, with their positive whole exponents."""
    powers: dict[Expr, int] = {}
    for factor in Mul.make_args(term):
        base, exponent = _power(factor)
        if exponent > 0 and not base.is_number:
            powers[base] = exponent
    return powers


def _power(factor: Expr) -> tuple[Expr, int]:
    return (factor.base, int(factor.exp)) if isinstance(factor, Pow) and factor.exp.is_Integer else (factor, 1)


def _without(term: Expr, shared: dict[Expr, int]) -> Expr:
    """A term without what is shared, taken out factor by factor: sympy does not see that x**q / x**q is 1."""
    parts = [(factor, *_power(factor)) for factor in Mul.make_args(term)]
    return Mul(*[Pow(base, n - shared[base]) if base in shared else factor for factor, base, n in parts])


def _shared(terms: list[dict[Expr, int]]) -> dict[Expr, int]:
    first, *others = terms
    found = {base: min([n, *(t.get(base, 0) for t in others)]) for base, n in first.items()}
    return {base: n for base, n in found.items() if n > 0}
