"""Sums whose terms share a factor: A·x + B·x = (A + B)·x, a + b + q(a + b) = (1 + q)(a + b), W + Wᵀ = 2W."""

from __future__ import annotations

from sympy import Add, Expr, Mul, S

from backprop_cli.formulas.algebra.expr import Apply, shape_of
from backprop_cli.formulas.algebra.formula import made
from backprop_cli.formulas.algebra.products import chain
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.symmetry import is_symmetric
from backprop_cli.formulas.algebra.transposes import swap

MAX_TERMS = 24  # the search for factors in common is cubic


def merged_products(expr: Expr) -> Expr:
    """A·x + B·x = (A + B)·x, for chains and outer products."""
    if not isinstance(expr, (Add, Mul)):
        return expr
    if isinstance(expr, Mul):
        return Mul(*[merged_products(a) if isinstance(a, Add) else a for a in expr.args])
    regrouped = _regrouped(expr)
    if not isinstance(regrouped, Add):
        return regrouped
    terms = _symmetric_terms(list(regrouped.args))
    merged = True
    while merged and len(terms) > 1:
        merged = False
        for i, one in enumerate(terms):
            for j in range(i + 1, len(terms)):
                joined = _joined_terms(one, terms[j])
                if joined is not None:
                    terms[i] = joined
                    del terms[j]
                    merged = True
                    break
            if merged:
                break
    return Add(*terms)


def _regrouped(expr: Add) -> Expr:
    """a + b + q (a + b) = (1 + q)(a + b): adding a contribution opened the brackets of another."""
    terms = set(expr.args)
    if len(terms) > MAX_TERMS:
        return expr
    for term in expr.args:
        for factor in term.args if isinstance(term, Mul) else ():
            if not isinstance(factor, Add):
                continue
            if len(factor.args) >= len(terms):
                continue
            for first in expr.args:
                ratio = first / factor.args[0]
                parts = [a * ratio for a in factor.args]
                if term not in parts and terms.issuperset(parts):
                    rest = Add(*(terms - set(parts) - {term}))
                    return rest + factor * (ratio + term / factor)
    return expr


def _symmetric_terms(terms: list[Expr]) -> list[Expr]:
    """W + Wᵀ = 2W where W is symmetric."""
    for i, term in enumerate(terms):
        factor, rest = split_scalar(term)
        if not isinstance(rest, Apply) or rest.name != "transpose" or len(rest.shape) != 2:
            continue
        partner = Mul(factor, swap(rest))
        if partner in terms and is_symmetric(swap(rest)):
            return [2 * t if t == partner else t for j, t in enumerate(terms) if j != i]
    return terms


def _joined_terms(a: Expr, b: Expr) -> Expr | None:
    (coefficient_a, one), (coefficient_b, two) = split_scalar(a), split_scalar(b)
    if not (isinstance(one, Apply) and isinstance(two, Apply) and one.name == two.name and one.shape == two.shape):
        return None
    if abs(coefficient_a) != abs(coefficient_b) or one.name not in {"matmul", "outer"}:
        return None
    if one.name == "outer":
        joined = _joined_outers(one, two, S.One if coefficient_a == coefficient_b else S.NegativeOne)
        return None if joined is None else Mul(coefficient_a, joined)
    if len(shape_of(one.args[0])) < 2:
        return None
    suffix = _common_suffix(one.args, two.args)
    prefix = _common_suffix(one.args[::-1], two.args[::-1])
    sign = S.One if coefficient_a == coefficient_b else S.NegativeOne
    for count, side in ((suffix, -1), (prefix, 1)):
        if 0 < count < min(len(one.args), len(two.args)):
            return Mul(coefficient_a, _factored(one.args, two.args, count * -side, sign))
    return None


def _joined_outers(one: Apply, two: Apply, sign: Expr) -> Expr | None:
    """a cᵀ + b cᵀ = (a + b) cᵀ."""
    (a, x), (b, y) = one.args, two.args
    if x == y:
        return made("outer", {}, merged_products(a + sign * b), x)
    return made("outer", {}, a, merged_products(x + sign * y)) if a == b else None


def _common_suffix(a: tuple[Expr, ...], b: tuple[Expr, ...]) -> int:
    count = 0
    while count < min(len(a), len(b)) and a[-1 - count] == b[-1 - count]:
        count += 1
    return count


def _factored(a: tuple[Expr, ...], b: tuple[Expr, ...], shared: int, sign: Expr) -> Expr:
    """`shared` > 0: that many last factors are common; < 0: that many first ones."""
    if shared > 0:
        inner = _added(chain(list(a[:-shared])), sign * chain(list(b[:-shared])))
        return chain([inner, *a[-shared:]])
    inner = _added(chain(list(a[-shared:])), sign * chain(list(b[-shared:])))
    return chain([*a[:-shared], inner])


def _added(a: Expr, b: Expr) -> Expr:
    return merged_products(Add(*_symmetric_terms([a, b])))
