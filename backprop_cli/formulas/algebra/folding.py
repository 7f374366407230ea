"""Definitions folded back, whatever their form (D2): (x - mu)/sigma in the middle of a formula is the node x_hat.

A named node that is an operator or a sum is found as a whole; one that is a product is found among the factors of
another, also below a fraction bar and with the sign of a difference turned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.engine.ops.base import axes_of
from backprop_cli.formulas.algebra.cost import reading_cost
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_op, made_of, shape_of, symbols_of, tree_size
from backprop_cli.formulas.algebra.factoring import combined, with_powers
from backprop_cli.formulas.algebra.facts import REDUCTIONS, Facts
from backprop_cli.formulas.algebra.formula import Formula, build, call
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.positive import is_positive
from backprop_cli.formulas.algebra.products import multiplied_out
from backprop_cli.formulas.algebra.scalars import beside, divisors, is_below, powers_of, split_sum
from backprop_cli.formulas.algebra.skeleton import pointwise_parts
from backprop_cli.formulas.algebra.solved import is_never_zero
from backprop_cli.formulas.algebra.sums import absent
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


def stays_nonzero(expr: Expr, facts: Facts) -> bool:
    """Whether a formula may divide by what the definitions do not: a computed number may come to 0 in another run."""
    is_given = all(s.leaf for s in symbols_of(expr)) and is_never_zero(expr, facts)
    return is_given or expr.is_number or is_positive(expr, facts)


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
        return min((expr, *_apart(expr, expr, facts), *_met(expr, facts)), key=_cost)
    return _product(expr, facts) if isinstance(expr, (Mul, Pow)) else expr


def _chain(expr: Apply, facts: Facts) -> Expr:
    """A product of matrices in which some neighbours are a node: aᵀ·V·g, where o is Vᵀ·a, is oᵀ·g."""
    count = len(expr.args)
    longest = min(count - 1, facts.longest_chain) if count <= MAX_FACTORS else 0
    for length in range(longest, 1, -1):
        facts.budget.take(count - length)
        for start in range(count - length + 1):
            parts = expr.args[start : start + length]
            if frozenset().union(*map(symbols_of, parts)) not in facts.naming:
                continue  # most stretches, which need not be multiplied out
            part = multiplied_out(parts)
            found, turned = facts.wholes.get(part), facts.wholes.get(swap(part))
            if found is None and turned is not None:
                found = swap(turned)
            if found is not None:
                whole = multiplied_out((*expr.args[:start], found, *expr.args[start + length :]))
                return _folded(whole, facts)
    return expr


def _named_terms(expr: Apply, facts: Facts) -> Expr | None:
    """Σ p (log p + a) as -S + r, where S is -Σ p log p and r is pᵀa: multiplied out where each term is a node."""
    inner = expr.args[0]
    total = next((f for f in inner.args if isinstance(f, Add) and len(f.args) <= MAX_TERMS), None)
    if total is None or not facts.wholes:
        return None
    front = beside(inner, total)
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
    outer |= {b: S.One for b, e in powers_of(front).items() if _is_above(e) and b in facts.factors}
    for base, exponent in {**shared, **outer}.items():
        if not (base in shared or base in met or base in facts.factors or base in facts.definitions):
            continue  # no node that the terms could be with it
        power = Pow(base, exponent)
        moved = [term / power if base in shared else term * power for term in total.args]
        found = [_folded(term, facts) for term in moved]
        if base in outer and _is_above(exponent) and not facts.factors[base] and not _has_new_name(found, moved):
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
            if all(b in had and _within(e, had[b]) for b, e in wanted.items()):
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
    expr = _combined(expr)
    best = turned = _turned(expr, facts)
    better = True
    while better and isinstance(best, (Mul, Pow)):
        sums = [a for a in Mul.make_args(best) if isinstance(a, Add)]
        sums = sums if len(sums) <= MAX_SUMS else []
        inward = tuple(_inward(best, facts))
        deeper = (e for one in inward for e in _candidates(one, facts))
        apart = (e for total in sums for e in _apart(best, total, facts))
        found = (*_candidates(best, facts), *inward, *deeper, *apart)
        shorter = [e for e in found if _cost(e) < _cost(best)]
        better = bool(shorter)
        best = min(shorter, key=_cost, default=best)
    return expr if best is turned else best


def _candidates(expr: Expr, facts: Facts) -> Iterator[Expr]:
    powers = powers_of(expr)
    seen = dict.fromkeys(named for base in powers for named in facts.factors.get(base, ()))
    for symbol, definition in seen:
        wanted = [(b, e) for b, e in powers_of(definition).items() if not b.is_number]
        for times in _times(wanted, powers):
            left = [b for b, e in wanted if not (b in powers and _within(e * times, powers[b]))]
            if not left or times > 0 and _is_fraction_of(left, definition, facts):
                rest = _combined(expr / definition**times)
                yield rest * _signed(symbol, rest) ** times
    yield from _undone(expr, powers, facts)


def _times(wanted: list[tuple[Expr, Expr]], powers: Mapping[Expr, Expr]) -> Iterator[Expr]:
    """How often a definition may be found: (x - m)²/v is d², where d is (x - m)/√v, and of that d has one half only."""
    yield from (S.One, S.NegativeOne)
    base, exponent = wanted[0]
    most = powers.get(base, S.Zero) / exponent
    if most.is_Integer and abs(most) > 1:
        yield most


def _signed(name: Expr, beside_it: Expr) -> Expr:
    """1 - p as -(p - 1), where that stands beside it."""
    is_turned = isinstance(name, Add) and -name in powers_of(beside_it)
    return Mul(S.NegativeOne, -name, evaluate=False) if is_turned else name


def _is_fraction_of(left: list[Expr], definition: Expr, facts: Facts) -> bool:
    """Whether a quotient by a sum lacks but a scalar that is not 0: S/(K + S) is v/V, where v is V S/(K + S)."""
    if len(left) > 1 or not isinstance(left[0], TensorSymbol) or shape_of(left[0]):
        return False
    powers = powers_of(definition)
    divides = any(isinstance(b, Add) and is_below(e) for b, e in powers.items())
    return divides and powers[left[0]] == 1 and stays_nonzero(left[0], facts)


def _combined(expr: Expr) -> Expr:
    """A product with one symbolic power of each base: bᵃ⁻¹/bᵃ, which sympy leaves, is 1/b."""
    symbolic = isinstance(expr, Mul) and any(isinstance(f, Pow) and not f.exp.is_number for f in expr.args)
    return combined(expr) if symbolic else expr


def _inward(expr: Expr, facts: Facts) -> Iterator[Expr]:
    """r mean(x g) as mean(n g), where n is r x: a factor that is constant along the axes of a sum, taken into it."""
    powers = powers_of(expr)
    for total in powers:
        if not isinstance(total, Apply) or total.name not in REDUCTIONS or powers[total] != 1:
            continue
        inner = total.args[0]
        inside = powers_of(inner)
        for symbol, definition in dict.fromkeys(n for b in (*inside, *powers) for n in facts.factors.get(b, ())):
            wanted = {b: e for b, e in powers_of(definition).items() if not b.is_number}
            outer = {b: e for b, e in wanted.items() if b not in inside}
            if not 0 < len(outer) < len(wanted) or any(b not in powers or not _is_constant(b, total) for b in outer):
                continue
            if all(_within(e, (powers if b in outer else inside)[b]) for b, e in wanted.items()):
                moved = Mul(*[Pow(b, e) for b, e in outer.items()])
                named = Formula(inner * moved / definition * symbol, shape_of(inner))  # of as many entries, if 1
                yield _combined(expr / total / moved) * build(total.name, total.parameters, (named,)).expr


def _is_constant(expr: Expr, total: Apply) -> bool:
    """Whether a factor in front of a sum may as well stand in it."""
    shape = shape_of(total.args[0])
    axes = axes_of(total.parameters["axis"], len(shape))
    clear = total.parameters["keepdims"] or tuple(axes) == tuple(range(len(axes)))
    return clear and all(absent(shape_of(expr), a - len(shape)) for a in axes)


def _undone(expr: Expr, powers: Mapping[Expr, Expr], facts: Facts) -> Iterator[Expr]:
    """counts/probs is 1/scale where probs is counts·scale; 1/(1/s) is s."""
    for symbol, exponent in powers.items():
        made = facts.definitions.get(symbol)
        if made is None or not exponent.is_Integer:
            continue
        if exponent > 0:
            below = divisors(made)
            if below and all((had := powers.get(b, S.Zero)).is_Rational and had >= -e for b, e in below.items()):
                yield _combined(expr / symbol * made)  # d s, where d is (x - m)/s
            elif any(is_below(powers.get(b, S.Zero)) for b in powers_of(made)) and _is_of_nodes(made):
                yield _combined(expr / symbol * made)  # s/c, where s is c t
            continue
        made = with_powers(made)
        factors = powers_of(made)
        known = all(isinstance(b, TensorSymbol) or b in powers for b in factors)
        are_met = any(_is_met(b, powers.get(b, S.Zero), e, factors) for b, e in factors.items())
        above = exponent == -1 and all(_is_above(powers.get(b, S.Zero)) for b in factors)  # s/v is 1/s, where v is s²
        alone = known and len(factors) == 1 and (above or all(map(is_below, factors.values())))
        if alone or known and len(factors) > 1 and are_met:
            yield _combined(expr * symbol / made)


def _is_of_nodes(product: Expr) -> bool:
    return all(isinstance(base, TensorSymbol) or base.is_number for base in powers_of(product))


def _is_met(base: Expr, had: Expr, wanted: Expr, factors: Mapping[Expr, Expr]) -> bool:
    """Whether a power stands above the fraction bar, or is the very one that is to go: of a leaf, or by a symbol.

    So is that of a node beside leaves: 1/(u q) is 1/a, where u is a/q.
    """
    is_one = had == wanted and all(getattr(b, "leaf", False) for b in factors if b is not base)
    return _is_above(had) or is_one or had == wanted and bool(had.free_symbols or getattr(base, "leaf", False))


def _is_above(exponent: Expr) -> bool:
    return bool(exponent.is_Rational and exponent > 0)


def _within(wanted: Expr, had: Expr) -> bool:
    """Whether a power can be taken out of another: the same sign, and no larger; or whole numbers apart from it."""
    if not wanted.is_Integer and ((left := had - wanted).is_Integer or tree_size(left) < tree_size(had)):
        return True
    return wanted == had or bool(wanted.is_Rational and had.is_Rational and 0 < wanted / had <= 1)


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


def _cost(expr: Expr) -> tuple[int, int]:
    return reading_cost(expr), tree_size(expr)
