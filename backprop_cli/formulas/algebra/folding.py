"""Definitions folded back, whatever their form (D2): (x - mu)/sigma in the middle of a formula is the node x_hat.

A named node that is an operator or a sum is found as a whole; one that is a product is found among the factors of
another, also below a fraction bar and with the sign of a difference turned.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.formulas.algebra.cost import length
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_op, made_of, shape_of, symbols_of, tree_size
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.named import candidates, inward, is_above, one_power_each, stays_nonzero, within
from backprop_cli.formulas.algebra.products import multiplied_out
from backprop_cli.formulas.algebra.scalars import beside, divisors, powers_of, split_sum
from backprop_cli.formulas.algebra.skeleton import pointwise_parts
from backprop_cli.formulas.algebra.symmetry import announce, by_definition, mirror
from backprop_cli.formulas.algebra.transposes import swap

MAX_NODES = 320
MAX_TERMS = 6  # of a sum whose terms are divided one by one
MAX_OUT = 24  # of a sum that is multiplied out
MAX_SUMS = 8  # in a product: each is tried with all the others beside it
MAX_FACTORS = 24  # of a product of matrices: each stretch of it is looked for, and the rest multiplied out anew


def folded(expr: Expr, facts: Facts) -> Expr:
    """The expression with the names of nodes in place of what they are defined as, where that reads better."""
    if not (facts.factors or facts.wholes) or tree_size(expr) > MAX_NODES or not facts.budget.allows(tree_size(expr)):
        return expr
    return _folded(expr, facts)


def laid_open(expr: Expr, facts: Facts) -> bool:
    """Whether tidying brought together what may be a named sum."""
    return any(isinstance(p, Add) and symbols_of(p) in facts.added for p in pointwise_parts(expr))


def _whole(expr: Expr, facts: Facts) -> Expr | None:
    """The named node that an expression is, as it stands or with its sign turned."""
    if isinstance(expr, Add):
        if symbols_of(expr) not in facts.added:
            return None
        for definition, symbol in facts.unturned.pop(symbols_of(expr), ()):  # only where such a sum is met
            facts.wholes.setdefault(-definition, -symbol)
        if expr not in facts.wholes and (split := split_sum(expr))[0] != 1:
            named = facts.wholes.get(split[1])
            return None if named is None else split[0] * named
    return facts.wholes.get(expr) or _solution(expr, facts)


def _solution(expr: Expr, facts: Facts) -> Expr | None:
    """What a part of a node's definition is in terms of that node."""
    form, divisor = facts.solved.get(expr, (None, S.One))
    return form if form is not None and stays_nonzero(divisor, facts) else None


def _folded(expr: Expr, facts: Facts) -> Expr:
    if not expr.args:
        return expr
    found = facts.folded.get(expr)
    if found is None:
        found = facts.folded[expr] = _one(expr, facts)
    return found


def _one(expr: Expr, facts: Facts) -> Expr:
    whole = _whole(expr, facts)
    if whole is not None:
        return whole
    parts = [_folded(a, facts) for a in expr.args]
    expr = made_of(expr, parts)
    if is_op(expr, "matmul"):
        return _chain(expr, facts)
    if is_op(expr, "sum") and isinstance(expr.args[0], Mul):
        named = _named_terms(expr, facts)
        return expr if named is None else named
    if isinstance(expr, Add):
        return min((expr, *_apart(expr, expr, facts), *_met(expr, facts)), key=length)
    return _product(expr, facts) if isinstance(expr, (Mul, Pow)) else expr


def _chain(expr: Apply, facts: Facts) -> Expr:
    """A product of matrices in which some neighbours are a node: aᵀ·V·g, where o is Vᵀ·a, is oᵀ·g."""
    count = len(expr.args)
    longest = min(count - 1, facts.longest_chain) if count <= MAX_FACTORS else 0
    for stretch in range(longest, 1, -1):
        facts.budget.take(count - stretch)
        for start in range(count - stretch + 1):
            parts = expr.args[start : start + stretch]
            if frozenset().union(*map(symbols_of, parts)) not in facts.naming:
                continue  # most stretches, which need not be multiplied out
            part = multiplied_out(parts)
            found = facts.wholes.get(part)
            if found is None and (turned := _turned_node(part, facts)) is not None:
                found = swap(turned)
            if found is not None:
                whole = multiplied_out((*expr.args[:start], found, *expr.args[start + stretch :]))
                return _folded(whole, facts)
    return expr


def _turned_node(part: Expr, facts: Facts) -> Expr | None:
    """The node whose transpose a product of matrices is: S⁻¹·H·P is Zᵀ, where Z is P·Hᵀ·S⁻¹, of symmetric P and S."""
    named = facts.wholes.get(swap(part))
    if named is None:
        named = facts.wholes.get(mirror(part, by_definition(facts, facts.symmetric_on_purpose)))
        if named is not None:
            announce(part, facts)
    return named


def _named_terms(expr: Apply, facts: Facts) -> Expr | None:
    """Σ p (log p + a) as -S + r, where S is -Σ p log p and r is pᵀa: multiplied out where each term is a node."""
    inner = expr.args[0]
    total = next((f for f in inner.args if isinstance(f, Add) and len(f.args) <= MAX_TERMS), None)
    if total is None or not facts.wholes:
        return None
    front = beside(inner, total)
    if any(shape_of(front * term) != shape_of(inner) for term in total.args):  # a sum of fewer entries
        return None
    found: list[Expr] = []
    for term in total.args:
        part = _folded(recognised(call("sum", expr.parameters, front * term)), facts)
        if any(is_op(f, "sum") or is_op(f, "matmul") for f in Mul.make_args(part)):
            return None
        found.append(part)
    return Add(*found)


def _apart(expr: Expr, total: Add, facts: Facts) -> Iterator[Expr]:
    """(a - t s)/s² as (a/s - t)/s, where a/s has a name: a power below every term, or below the sum, taken to them."""
    if len(total.args) > MAX_TERMS:
        return
    front = beside(expr, total)
    inner = [divisors(term) for term in total.args]
    shared = {b: max(t[b] for t in inner) for b in inner[0] if all(b in t for t in inner)}
    met = {b for term in total.args for b in powers_of(term)}
    outer = {b: max(e, S.NegativeOne) for b, e in divisors(front).items() if b not in shared}
    outer |= {b: S.One for b, e in powers_of(front).items() if is_above(e) and b in facts.factors}
    for base, exponent in {**shared, **outer}.items():
        if not (base in shared or base in met or base in facts.factors or base in facts.definitions):
            continue  # no node that the terms could be with it
        power = Pow(base, exponent)
        moved = [term / power if base in shared else term * power for term in total.args]
        found = [_folded(term, facts) for term in moved]
        if base in outer and is_above(exponent) and not facts.factors[base] and not _has_new_name(found, moved):
            continue
        if found != moved or base in outer and base in met:
            number, rest = (front * (power if base in shared else 1 / power)).as_coeff_Mul()
            yield number * rest * Add(*found)
            if abs(number) != 1:  # 2 (y - F/2) is 2 y - F
                yield rest * Add(*[number * term for term in found])


def _met(total: Add, facts: Facts) -> Iterator[Expr]:
    """f + e c - 1 as 0, where f is 1 - e c: multiplied out, a term of a definition for which others leave."""
    symbols = symbols_of(total)
    known = [one for s in symbols for one in facts.related.get(s, ()) if symbols_of(one[0]) <= symbols]
    terms = list(islice(_multiplied_out(total), MAX_OUT + 1)) if known else []
    if not terms or len(terms) > MAX_OUT:
        return
    before = found = Add(*terms)
    for part, form in known:
        wanted = {b: e for b, e in powers_of(part).items() if not b.is_number}
        for term in Add.make_args(found):
            had = powers_of(term)
            if all(b in had and within(e, had[b]) for b, e in wanted.items()):
                moved = Add(found - term, *_multiplied_out(term / part * form))
                found = moved if len(Add.make_args(moved)) < len(Add.make_args(found)) else found
    if found != before and shape_of(found) == shape_of(total):
        yield found


def _multiplied_out(expr: Expr) -> Iterator[Expr]:
    """The terms of a sum without brackets."""
    total = next((f for f in Mul.make_args(expr) if isinstance(f, Add)), None)
    if total is None:
        yield expr
        return
    for term in total.args:
        yield from _multiplied_out(term if total is expr else beside(expr, total) * term)


def _has_new_name(found: list[Expr], moved: list[Expr]) -> bool:
    """Whether a term is now the name of a node: w (f/p - 1) is r - w, where r is w f/p."""
    pairs = zip(found, moved, strict=True)
    return any(one != other and isinstance(one.as_coeff_Mul()[1], TensorSymbol) for one, other in pairs)


def _product(expr: Expr, facts: Facts) -> Expr:
    """A product with the nodes that are products of some of its factors, as long as that reads better."""
    expr = one_power_each(expr)
    best = turned = _turned(expr, facts)
    better = True
    while better and isinstance(best, (Mul, Pow)):
        sums = [a for a in Mul.make_args(best) if isinstance(a, Add)]
        sums = sums if len(sums) <= MAX_SUMS else []
        moved_in = tuple(inward(best, facts))
        deeper = (e for one in moved_in for e in candidates(one, facts))
        apart = (e for total in sums for e in _apart(best, total, facts))
        found = (*candidates(best, facts), *moved_in, *deeper, *apart)
        shorter = [e for e in found if length(e) < length(best)]
        better = bool(shorter)
        best = min(shorter, key=length, default=best)
    return expr if best is turned else best


def _turned(expr: Expr, facts: Facts) -> Expr:
    """m - x as -(x - m), 2x - 2m as 2(x - m), where a node's definition holds x - m."""
    parts = [_turned_factor(f, facts) for f in Mul.make_args(expr)]
    return Mul(*[p for part in parts for p in part]) if any(len(part) > 1 for part in parts) else expr


def _turned_factor(factor: Expr, facts: Facts) -> tuple[Expr, ...]:
    is_whole = isinstance(factor, Pow) and factor.exp.is_Integer
    base, exponent = factor.as_base_exp() if is_whole else (factor, S.One)
    if not isinstance(base, Add) or base in facts.factors:
        return (factor,)
    number, rest = split_sum(base)
    signs = (S.One, S.NegativeOne) if symbols_of(rest) in facts.divided else ()
    sign = next((s for s in signs if s * rest in facts.factors), None)
    return (factor,) if sign is None else ((sign * number) ** exponent, (sign * rest) ** exponent)

