"""Terms of a sum that are one by what nodes are defined as: S e^(-d²/2) is K e^(-b²/2 - r) in a model of prices.

Of two terms a eᵘ and b eᵛ the difference u - v is written out; what is left of it may be logarithms of a/b: there
b is d - s, and s d is log(S/K) + r + s²/2.
"""

from __future__ import annotations

from itertools import combinations

from sympy import Add, Expr, Mul, expand

from backprop_cli.formulas.algebra.expr import is_op, shape_of, symbols_of, tree_size
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.skeleton import pointwise_parts, skeleton_of
from backprop_cli.formulas.algebra.tidy import MAX_EXPANDED, MAX_NODES, expanded_terms

MAX_TERMS = 6
DEEPEST = 3  # definitions in one another that are written out


def united(expr: Expr, facts: Facts) -> Expr:
    """The expression with the terms of sums that are multiples of one another, by an exponential in each, as one."""
    sums = [p for p in pointwise_parts(expr) if isinstance(p, Add) and len(p.args) <= MAX_TERMS] if expr.args else []
    found = {total: one for total in sums if (one := _united(total, facts)) is not None}
    return expr.xreplace(found) if found else expr


def _united(total: Add, facts: Facts) -> Expr | None:
    exponentials = {t: e for t in total.args for e in Mul.make_args(t) if is_op(e, "exp")}
    for one, other in combinations(sorted(exponentials, key=tree_size), 2):
        if shape_of(one) != shape_of(other):
            continue
        u, v = exponentials[one], exponentials[other]
        ratio = _ratio(other * u / (one * v), v.args[0] - u.args[0], facts)
        if ratio is not None:
            return Add(*[t for t in total.args if t not in {one, other}], (1 + ratio) * one)
    return None


def _ratio(front: Expr, exponent: Expr, facts: Facts) -> Expr | None:
    """The number that f eᵘ is, where u comes down to logarithms of what f is made of."""
    for _ in range(DEEPEST):
        exponent = exponent.xreplace({s: facts.definitions[s] for s in symbols_of(exponent) if s in facts.definitions})
    skeleton, back = skeleton_of(exponent)
    if tree_size(skeleton) > MAX_NODES or expanded_terms(skeleton) > MAX_EXPANDED:
        return None
    left = expand(skeleton)
    for count, symbol in (term.as_coeff_Mul() for term in Add.make_args(left) if term != 0):
        log = back.get(symbol, symbol)
        if not is_op(log, "log") or not count.is_Integer:
            return None
        front *= log.args[0] ** count
    return front if front.is_number else None
