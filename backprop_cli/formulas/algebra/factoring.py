"""Common factors of the terms of a sum: s + x·s·(1 - s) is s·(1 + x·(1 - s)).  Much cheaper than sympy's own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations, product

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.formulas.algebra.cost import reading_cost
from backprop_cli.formulas.algebra.expr import sort_key, tree_size
from backprop_cli.formulas.algebra.scalars import powers_of
from backprop_cli.formulas.algebra.skeleton import pointwise_parts
from backprop_cli.formulas.algebra.work import remembered_of_parts

MAX_TERMS = 12
MAX_REGROUPED = 4  # terms whose brackets are opened all at once


@remembered_of_parts
def factored_out(expr: Expr) -> Expr:
    """The expression with what all terms of a sum share in front of it, also in sums below."""
    if isinstance(expr, Mul):
        return expr.func(*map(factored_out, expr.args)) if any(isinstance(a, Add) for a in expr.args) else expr
    if not isinstance(expr, Add):
        return expr
    terms = _one_sign(list(expr.args))
    shared = _shared([_powers(term) for term in terms])
    if not shared:
        return expr
    common = Mul(*[Pow(base, exponent) for base, exponent in shared.items()])
    return common * factored_out(Add(*[_without(term, shared) for term in terms]))


@remembered_of_parts
def collected(expr: Expr) -> Expr:
    """1 - f·a - f·b as 1 - f·(a + b): what several terms share, where it is more than the name of a leaf."""
    if isinstance(expr, Mul):
        return expr.func(*map(collected, expr.args)) if any(isinstance(a, Add) for a in expr.args) else expr
    if not isinstance(expr, Add) or not 2 < len(expr.args) <= MAX_TERMS:
        return expr
    best = min((_gathered(expr, common) for common in _commons(expr)), key=reading_cost, default=expr)
    return best if reading_cost(best) < reading_cost(expr) else expr


@remembered_of_parts
def regrouped(expr: Expr, some: bool = False) -> Expr:
    """(b x + a y) cos t - (b y - a x) sin t by b and a: brackets are opened, and what terms then share comes out.

    `some`: also where not every term has a bracket to open.
    """
    if isinstance(expr, Mul):
        has_sum = any(isinstance(a, Add) for a in expr.args)
        return expr.func(*(regrouped(a, some) for a in expr.args)) if has_sum else expr
    if not isinstance(expr, Add) or not 1 < len(expr.args) <= MAX_REGROUPED:
        return expr
    opened = [_opened(term) for term in expr.args]
    if not (any if some else all)(len(parts) > 1 for parts in opened) or not _share_a_sum(opened):
        return expr
    return collected(Add(*_one_sign([part for parts in opened for part in parts])))


@remembered_of_parts
def by_denominators(expr: Expr) -> Expr:
    """1/u - (1/u + 1/v) y as (1 - y)/u - y/v: brackets of fractions are opened, and put together by what divides."""
    if not isinstance(expr, Add) or not 1 < len(expr.args) <= MAX_REGROUPED:
        return expr
    parts = [part for term in expr.args for part in _fractions(term)]
    if not len(expr.args) < len(parts) <= MAX_TERMS:
        return expr
    shares: dict[Expr, list[Expr]] = {}
    for part in parts:
        below = Mul(*[f for f in Mul.make_args(part) if isinstance(f, Pow) and f.exp.could_extract_minus_sign()])
        shares.setdefault(below, []).append(part / below)
    return Add(*[below * factored_out(Add(*above)) for below, above in shares.items()])


def _fractions(term: Expr) -> list[Expr]:
    """The terms of a product with a sum of several fractions in it; itself if it has none."""
    for total in (a for a in Mul.make_args(term) if isinstance(a, Add)):
        divided = [t for t in total.args if any(isinstance(f, Pow) and f.exp == -1 for f in Mul.make_args(t))]
        if len(divided) == len(total.args):
            return [term / total * t for t in total.args]
    return [term]


def _opened(term: Expr) -> list[Expr]:
    """The terms of a product with one sum of products in it; itself if it has none."""
    total = _sum_of_products(term)
    if total is None:
        return [term]
    front = Mul(*[a for a in term.args if a is not total])
    return [front * t for t in total.args]


def _sum_of_products(term: Expr) -> Expr | None:
    """The longest sum in a product whose terms are products, too."""
    if not isinstance(term, Mul):
        return None
    sums = [a for a in term.args if isinstance(a, Add) and all(isinstance(t, Mul) for t in a.args)]
    return max(sums, key=tree_size, default=None)


def _share_a_sum(opened: list[list[Expr]]) -> bool:
    """Whether a difference stands in two of some opened terms, with either sign."""
    found: set[Expr] = set()
    for parts in opened:
        inner = {a for t in parts for a in Mul.make_args(t) if isinstance(a, Add)}
        if found & inner:
            return True
        found |= inner | {-a for a in inner}
    return False


def _one_sign(terms: list[Expr]) -> list[Expr]:
    """The terms with one of a - b and b - a for both."""
    kept: dict[Expr, tuple[Expr, ...]] = {}
    for total in (a for term in terms for a in Mul.make_args(term) if isinstance(a, Add)):
        kept.setdefault(total, (S.NegativeOne, -total) if -total in kept else (total,))
    return [Mul(*[f for a in Mul.make_args(term) for f in kept.get(a, (a,))]) for term in terms]


def _commons(expr: Add) -> list[dict[Expr, int]]:
    """What two of the terms share, each once; never all terms."""
    terms = [_powers(term) for term in expr.args]
    pairs = (_shared([one, other]) for i, one in enumerate(terms) for other in terms[:i])
    return list({frozenset(p.items()): p for p in pairs if p and not _is_leaf(p, terms)}.values())


def _is_leaf(common: dict[Expr, int], terms: list[dict[Expr, int]]) -> bool:
    """Whether a leaf alone is shared, and by terms of leaves alone."""
    if len(common) > 1 or not all(getattr(base, "leaf", False) for base in common):
        return False
    return all(getattr(base, "leaf", False) for t in terms if common.keys() <= t.keys() for base in t)


def _gathered(expr: Add, common: dict[Expr, int]) -> Expr:
    """The terms that have some factors, in one product; and the others."""
    inside = [t for t in expr.args if all(_powers(t).get(base, 0) >= n for base, n in common.items())]
    rest = [t for t in expr.args if t not in inside]
    front = Mul(*[Pow(base, n) for base, n in common.items()])
    return front * collected(Add(*[_without(t, common) for t in inside])) + collected(factored_out(Add(*rest)))


@remembered_of_parts
def opened(expr: Expr) -> Expr:
    """c (log p - 1) + c as c log p: brackets are opened where a term then meets its negative."""
    if isinstance(expr, Mul):
        return expr.func(*map(opened, expr.args)) if any(isinstance(a, Add) for a in expr.args) else expr
    if not isinstance(expr, Add) or len(expr.args) > MAX_TERMS:
        return expr
    terms = set(expr.args)
    for term in expr.args:
        total = next((a for a in term.args if isinstance(a, Add)), None) if isinstance(term, Mul) else None
        if total is not None:
            front = Mul(*[a for a in term.args if a is not total])
            parts = [front * a for a in total.args]
            if any(-part in terms for part in parts):
                return opened(Add(*(terms - {term}), *parts))
    return expr


@remembered_of_parts
def met(expr: Expr) -> Expr:
    """p (1 - y) - (1 - p) y as p - y: two products with sums are opened where a term of one meets its negative."""
    if isinstance(expr, Mul):
        return expr.func(*map(met, expr.args)) if any(isinstance(a, Add) for a in expr.args) else expr
    if not isinstance(expr, Add) or len(expr.args) > MAX_TERMS:
        return expr
    pairs = {term: parts for term in expr.args if 1 < len(parts := _spread(term)) <= MAX_REGROUPED}
    for (one, parts), (other, others) in combinations(pairs.items(), 2):
        if any(-part in others for part in parts):
            return met(Add(*[t for t in expr.args if t not in {one, other}], factored_out(Add(*parts, *others))))
    return expr


def _spread(term: Expr) -> list[Expr]:
    """The terms of a product with one sum in it; itself if it has none."""
    sums = [a for a in Mul.make_args(term) if isinstance(a, Add)]
    return [term / sums[0] * t for t in sums[0].args] if len(sums) == 1 and term is not sums[0] else [term]


@remembered_of_parts
def apart(expr: Expr) -> Expr:
    """p (h + a - a y/p) as p h + a (p - y): what divides by a factor, and what goes with that, is freed from it."""
    if isinstance(expr, Add):
        return expr.func(*map(apart, expr.args))
    sums = [a for a in Mul.make_args(expr) if isinstance(a, Add)]
    if len(sums) != 1 or expr is sums[0] or len(sums[0].args) > MAX_TERMS:
        return expr
    front = expr / sums[0]
    for base in (b for b, n in _powers(front).items() if n == 1):
        inside = [t for t in sums[0].args if _divides(base, t)]
        beside = set().union(*(set(_powers(t)) for t in inside)) - {base}
        inside += [t for t in sums[0].args if t not in inside and beside & set(_powers(t))]
        if 0 < len(inside) < len(sums[0].args):
            left = Add(*[t for t in sums[0].args if t not in inside])
            return front / base * (base * factored_out(left) + factored_out(Add(*[_into(base, t) for t in inside])))
    return expr


def _divides(base: Expr, term: Expr) -> bool:
    """Whether a term, or a term of a sum in it, has a base below its fraction bar."""
    return any(f == 1 / base or isinstance(f, Add) and any(_divides(base, t) for t in f.args)
               for f in Mul.make_args(term))  # fmt: skip


def _into(base: Expr, term: Expr) -> Expr:
    """A factor times a term, taken into the sum in it that has it below a fraction bar."""
    inner = next((f for f in Mul.make_args(term) if isinstance(f, Add) and _divides(base, f)), None)
    return base * term if inner is None else term / inner * Add(*[base * t for t in inner.args])


@remembered_of_parts
def uncrossed(expr: Expr) -> Expr:
    """a (b - x) - b (a - y) as b y - a x: what two products of sums have in common crosswise goes."""
    if isinstance(expr, Mul):
        return expr.func(*map(uncrossed, expr.args)) if any(isinstance(a, Add) for a in expr.args) else expr
    if not isinstance(expr, Add) or len(expr.args) > MAX_REGROUPED:
        return expr
    for one, other in combinations(expr.args, 2):
        for (front, a, b), (behind, c, d) in product(_pairs(one), _pairs(other)):
            ratio = front / behind
            for sign in (S.One, S.NegativeOne) if abs(ratio) == 1 else ():
                x, y = b - sign * c, d + sign * ratio * a  # a b + c d / ratio = a (x + sign c) + c (y / ratio - sign a)
                if _shorter(x, b) and _shorter(y, d):
                    return Add(*[t for t in expr.args if t not in {one, other}]) + front * (a * x + c * y / ratio)
    return expr


def _pairs(term: Expr) -> Iterator[tuple[Expr, Expr, Expr]]:
    """A product as two of its sums, in both orders, and all else in front."""
    sums = [f for f in Mul.make_args(term) if isinstance(f, Add)]
    for a, b in permutations(sums, 2):
        (m, one), (n, other) = a.primitive(), b.primitive()
        yield m * n * Mul(*[f for f in Mul.make_args(term) if f not in {a, b}]), one, other


def _shorter(rest: Expr, total: Expr) -> bool:
    return len(Add.make_args(rest)) < len(total.args)


def freed(expr: Expr) -> Expr:
    """x (a/x + b/x) as a + b: a product with one sum multiplied out where that is shorter."""
    sums = [a for a in Mul.make_args(expr) if isinstance(a, Add)]
    if len(sums) != 1 or len(sums[0].args) > MAX_REGROUPED or expr is sums[0]:
        return expr
    front = Mul(*[a for a in expr.args if a is not sums[0]])
    powers = [(b, e) for b, e in powers_of(front).items() if e.is_Rational]
    above, below = {b for b, e in powers if e > 0}, {b for b, e in powers if e < 0}
    if not all(_meets(a, above, below) for a in sums[0].args):
        return expr
    opened = Add(*[front * a for a in sums[0].args])
    return opened if tree_size(opened) < tree_size(expr) else expr


def _meets(term: Expr, above: set[Expr], below: set[Expr]) -> bool:
    """Whether a term divides by what is above, or has what is below."""
    powers = powers_of(term).items()
    return any(not b.is_number and e.is_Rational and b in (above if e < 0 else below) for b, e in powers)


@remembered_of_parts
def with_powers(expr: Expr) -> Expr:
    """(γ bᵞ⁻¹ p - bᵞ)·b as bᵞ (γ p - b): symbolic powers of one base, brought together across a sum."""
    symbolic = [p for p in pointwise_parts(expr) if isinstance(p, Pow) and p.exp.free_symbols]
    if not symbolic:
        return expr
    expr = _split(expr, symbolic)
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
