"""Choosing the form of a formula: of several equal ones, the cheapest to read (Y1), folded by definitions (D2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from sympy import Add, Expr, Mul, Pow, cancel, expand_mul, factor, factor_terms
from sympy.polys.polyerrors import PolynomialError

from backprop_cli.algebra.cost import reading_cost
from backprop_cli.algebra.expr import TensorSymbol, symbols_of, tree_size
from backprop_cli.algebra.facts import Facts
from backprop_cli.algebra.idioms import content_out
from backprop_cli.algebra.merging import merged_products
from backprop_cli.algebra.skeleton import has_common_factors, pointwise_parts, skeleton_of

MAX_NODES = 80  # above, sympy's polynomial routines take longer than a reader would


def tidy(expr: Expr, facts: Facts) -> Expr:
    """The same expression in the form that is cheapest to read."""
    if not isinstance(expr, (Add, Mul)):
        return expr
    expr = merged_products(expr)
    expr = content_out(expr)
    if not isinstance(expr, (Add, Mul)) or not _worth_trying(expr) or tree_size(expr) > 4 * MAX_NODES:
        return expr
    found = [(expr, {})]
    for opaque in (frozenset(), _opaque_sums(expr)):
        skeleton, back = skeleton_of(expr, opaque)
        if tree_size(skeleton) <= MAX_NODES:
            found += [(candidate, back) for candidate in _candidates(skeleton, _folds(expr, facts, back))]
        if not opaque and found[1:]:
            continue
    best, back = min(found, key=lambda f: _cost(f[0].xreplace(f[1])))
    return best.xreplace(back)


def _cost(expr: Expr) -> tuple[int, int]:
    """Reading cost; among equals the shorter tree."""
    return reading_cost(expr), tree_size(expr)


def _opaque_sums(expr: Expr) -> frozenset[Expr]:
    """Sums that share no symbol with any denominator: multiplying them out could cancel nothing."""
    below = [p.base for p in pointwise_parts(expr) if isinstance(p, Pow) and p.exp.could_extract_minus_sign()]
    symbols = set().union(*(b.free_symbols for b in below))
    return frozenset(p for p in pointwise_parts(expr) if isinstance(p, Add) and p is not expr
                     and not any(p in b.atoms(Add) for b in below) and not symbols & p.free_symbols)


def _worth_trying(expr: Expr) -> bool:
    """An Add that meets a negative power, or terms with a common factor."""
    return any(isinstance(e, Add) for e in pointwise_parts(expr)) and (
        any(isinstance(e, Pow) and e.exp.could_extract_minus_sign() for e in pointwise_parts(expr)) or has_common_factors(expr)
    )


def _candidates(expr: Expr, folds: list[dict[Expr, Expr]]) -> Iterator[Expr]:
    yield expr
    for simplify in (factor_terms, cancel, lambda e: factor_terms(cancel(e)), expand_mul, factor):
        try:
            yield content_out(simplify(expr))
        except (PolynomialError, NotImplementedError):
            continue
    for fold in folds:
        with suppress(PolynomialError):
            yield content_out(factor_terms(cancel(expr.xreplace(fold))))


def _folds(expr: Expr, facts: Facts, back: dict[Expr, Expr]) -> list[dict[Expr, Expr]]:
    """With p = e/s, e may be written p·s (D2): the substitutions, in the terms of the skeleton."""
    symbols = sorted(symbols_of(expr), key=lambda s: s.position)
    skeleton = {part: dummy for dummy, part in back.items()}
    return [
        {part: symbol * part / facts.definitions[symbol].xreplace(skeleton)}
        for symbol in symbols
        if isinstance(facts.definitions.get(symbol), Mul)
        for part in facts.definitions[symbol].args
        if isinstance(part, TensorSymbol) and part in symbols and part is not symbol and not part.leaf
    ]
