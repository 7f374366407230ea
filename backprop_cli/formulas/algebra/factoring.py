"""Common factors of the terms of a sum: s + x·s·(1 - s) is s·(1 + x·(1 - s)).  Much cheaper than sympy's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.formulas.algebra.cost import reading_cost
from backprop_cli.formulas.algebra.expr import made_of, sort_key
from backprop_cli.formulas.algebra.scalars import powers_of
from backprop_cli.formulas.algebra.skeleton import pointwise_parts
from backprop_cli.formulas.algebra.work import remembered_of_parts

P = ParamSpec("P")

MAX_TERMS = 12


def of_sums(rewrite: Callable[Concatenate[Add, P], Expr]) -> Callable[Concatenate[Expr, P], Expr]:
    """A rewriting of sums that goes into the sums of a product, too, and leaves all else."""

    @wraps(rewrite)
    def rewritten(expr: Expr, /, *args: P.args, **named: P.kwargs) -> Expr:
        if isinstance(expr, Add):
            return rewrite(expr, *args, **named)
        if not isinstance(expr, Mul) or Add not in map(type, expr.args):
            return expr
        parts = [rewrite(a, *args, **named) if isinstance(a, Add) else a for a in expr.args]
        return made_of(expr, parts)

    return rewritten


@of_sums
@remembered_of_parts
def factored_out(expr: Add) -> Expr:
    """The expression with what all terms of a sum share in front of it, also in sums below."""
    terms = with_one_sign([factored_out(a) if isinstance(a, Mul) else a for a in expr.args])
    shared = _shared([whole_powers(term) for term in terms])
    if not shared:
        return expr
    common = Mul(*[Pow(base, exponent) for base, exponent in shared.items()])
    return common * factored_out(Add(*[_without(term, shared) for term in terms]))


@of_sums
@remembered_of_parts
def collected(expr: Add) -> Expr:
    """1 - f·a - f·b as 1 - f·(a + b): what several terms share, where it is more than the name of a leaf."""
    if not 2 < len(expr.args) <= MAX_TERMS:
        return expr
    terms = with_one_sign(list(expr.args))
    best = min((_gathered(terms, common) for common in _commons(terms)), key=reading_cost, default=expr)
    return best if reading_cost(best) < reading_cost(expr) else expr


def with_one_sign(terms: list[Expr]) -> list[Expr]:
    """The terms with one of a - b and b - a for both."""
    kept: dict[Expr, tuple[Expr, ...]] = {}
    sums = dict.fromkeys(a for term in terms for a in Mul.make_args(term) if isinstance(a, Add))
    if len(sums) < 2:
        return terms
    for total in sums:
        kept.setdefault(total, (S.NegativeOne, -total) if -total in kept else (total,))
    return [Mul(*[f for a in Mul.make_args(term) for f in kept.get(a, (a,))]) for term in terms]


def _commons(terms: list[Expr]) -> list[dict[Expr, int]]:
    """What two of the terms share, each once; never all terms."""
    powers = [whole_powers(term) for term in terms]
    pairs = (_shared([one, other]) for i, one in enumerate(powers) for other in powers[:i])
    found = {frozenset(p.items()): p for p in pairs if p}.values()
    return [p for p in found if not _is_leaf(p, powers) and not _is_of_powers(p, powers)]


def _is_of_powers(common: dict[Expr, int], terms: list[dict[Expr, int]]) -> bool:
    """Whether a leaf is shared by terms of several powers of it: 3 p² - p c stays in a longer sum, as in books."""
    base, *others = common
    return not others and getattr(base, "leaf", False) and len({t[base] for t in terms if base in t}) > 1


def _is_leaf(common: dict[Expr, int], terms: list[dict[Expr, int]]) -> bool:
    """Whether a leaf alone is shared, and by terms of leaves alone."""
    if len(common) > 1 or not all(getattr(base, "leaf", False) for base in common):
        return False
    return all(getattr(base, "leaf", False) for t in terms if common.keys() <= t.keys() for base in t)


def _gathered(terms: list[Expr], common: dict[Expr, int]) -> Expr:
    """The terms that have some factors, in one product; and the others."""
    inside = [t for t in terms if all(whole_powers(t).get(base, 0) >= n for base, n in common.items())]
    rest = [t for t in terms if t not in inside]
    front = Mul(*[Pow(base, n) for base, n in common.items()])
    return front * collected(Add(*[_without(t, common) for t in inside])) + collected(factored_out(Add(*rest)))


@remembered_of_parts
def with_powers(expr: Expr) -> Expr:
    """(γ bᵞ⁻¹ p - bᵞ)·b as bᵞ (γ p - b): symbolic powers of one base, brought together across a sum."""
    symbolic = [p for p in pointwise_parts(expr) if isinstance(p, Pow) and p.exp.free_symbols]
    if not symbolic:
        return expr
    expr = _met(_split(expr, symbolic))
    if isinstance(expr, Add):
        found = (_lowest_out(expr, base) for base in sorted(_symbolic_bases(expr), key=sort_key))
        return min((inner * Pow(base, lowest) for base, inner, lowest in found), key=reading_cost, default=expr)
    if not isinstance(expr, Mul):
        return expr
    expr = combined(expr)
    for total in (a for a in expr.args if isinstance(a, Add)):
        for base in sorted(_symbolic_bases(total), key=sort_key):
            _, inner, lowest = _lowest_out(total, base)
            front = _lowered(Mul(*[a for a in expr.args if a is not total]), base, -lowest)
            return inner * (front if front.as_powers_dict().get(base) else front * Pow(base, lowest))
    return expr


@of_sums
def _met(expr: Add) -> Expr:
    """A sum with one symbolic power of each base in a term: zᵏ⁻¹ z is zᵏ."""
    return Add(*map(combined, expr.args))


@of_sums
@remembered_of_parts
def without_quotients(expr: Add) -> Expr:
    """(k - 1)/z - k zᵏ⁻¹ as (k - 1 - k zᵏ)/z: the whole numbers in symbolic powers of one base, taken out of a sum."""
    powers = [powers_of(term) for term in expr.args]
    for base in sorted(set.intersection(*({b for b in p if not b.is_number} for p in powers)), key=sort_key):
        lowest = min(p[base].as_coeff_Add()[0] for p in powers)
        if lowest < 0 and any(p[base].free_symbols for p in powers):
            return Add(*[_lowered(term, base, lowest) for term in expr.args]) * Pow(base, lowest)
    return expr


def _lowest_out(total: Add, base: Expr) -> tuple[Expr, Expr, Expr]:
    """The lowest power of a base that its terms have, and what is left of them: m**(1 - p) - y/m**p is (m - y)/m**p."""
    lowest = min((term.as_powers_dict()[base] for term in total.args), key=lambda e: e.as_coeff_Add()[0])
    return base, Add(*[_lowered(term, base, lowest) for term in total.args]), lowest


def _split(expr: Expr, powers: list[Pow]) -> Expr:
    """(x/l)**(k - 1) x as l (x/l)**k: of a power of a quotient, what is a whole number apart from it is written out."""
    apart = {p: p.exp.as_coeff_Add() for p in powers if isinstance(p.base, Mul) and p.exp.is_Add}
    found = {p: Pow(p.base, n) * Pow(p.base, rest) for p, (n, rest) in apart.items() if n.is_Integer}
    return factored_out(expr.xreplace(found)) if found else expr


def combined(expr: Expr) -> Expr:
    """A product with one power of each base: sympy leaves x·x**(q - 1)."""
    return _lowered(expr, S.One, S.Zero)


def _symbolic_bases(expr: Add) -> set[Expr]:
    """The bases that every term has, to symbolic powers that are whole numbers apart."""
    powers = [powers_of(term) for term in expr.args]
    shared = set.intersection(*({b for b, e in p.items() if e.free_symbols} for p in powers))
    return {b for b in shared if all((p[b] - powers[0][b]).is_Integer for p in powers)}


def _lowered(term: Expr, base: Expr, exponent: Expr) -> Expr:
    """A term with less of a power; sympy does not see that x**q / x**q is 1."""
    powers = powers_of(term)
    return Mul(*[Pow(b, e - exponent if b == base else e) for b, e in powers.items()])


def whole_powers(term: Expr) -> dict[Expr, int]:
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
