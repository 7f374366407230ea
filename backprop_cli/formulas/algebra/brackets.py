"""Brackets opened where what they hold then meets: a term its negative, a denominator what it divides   (F1)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations, product

from sympy import Add, Dummy, Expr, Mul, Pow, Rational, S, expand_mul

from backprop_cli.formulas.algebra.expr import tree_size
from backprop_cli.formulas.algebra.factoring import (
    MAX_TERMS,
    collected,
    factored_out,
    of_sums,
    whole_powers,
    with_one_sign,
)
from backprop_cli.formulas.algebra.scalars import beside, divisors, is_below, powers_of
from backprop_cli.formulas.algebra.skeleton import pointwise_parts
from backprop_cli.formulas.algebra.work import remembered, remembered_of_parts

MAX_REGROUPED = 4  # terms whose brackets are opened all at once


@of_sums
@remembered_of_parts
def regrouped(expr: Add, some: bool = False) -> Expr:
    """(b x + a y) cos t - (b y - a x) sin t by b and a: brackets are opened, and what terms then share comes out.

    `some`: also where not every term has a bracket to open.
    """
    if not 1 < len(expr.args) <= MAX_REGROUPED:
        return expr
    opened = [_opened(term) for term in expr.args]
    if not (any if some else all)(len(parts) > 1 for parts in opened) or not _share_a_sum(opened):
        return expr
    return collected(Add(*with_one_sign([part for parts in opened for part in parts])))


@of_sums
@remembered_of_parts
def regathered(expr: Add) -> Expr:
    """(k + 2 a w) n - a v as k n + a (2 w n - v): a bracket opened where its terms share more with the others.

    That of (1 - y) x + y z stays.
    """
    parts = [p for t in expr.args for p in (_spread(t) if not any(map(_is_complement, Mul.make_args(t))) else (t,))]
    found = collected(Add(*parts)) if len(expr.args) < len(parts) <= MAX_REGROUPED else expr
    return found if len(Add.make_args(found)) <= len(expr.args) else expr


def _is_complement(factor: Expr) -> bool:
    return isinstance(factor, Add) and factor.as_coeff_Add()[0] != 0


@remembered_of_parts
def by_denominators(expr: Expr) -> Expr:
    """1/u - (1/u + 1/v) y as (1 - y)/u - y/v: brackets of fractions are opened, and put together by what divides."""
    if not isinstance(expr, Add) or not 1 < len(expr.args) <= MAX_REGROUPED:
        return expr
    parts = [part for term in expr.args for part in _fractions(term)]
    if len(parts) > MAX_TERMS:
        return expr
    shares: dict[Expr, list[Expr]] = {}
    for part in parts:
        below = Mul(*[f for f in Mul.make_args(part) if isinstance(f, Pow) and f.exp.could_extract_minus_sign()])
        shares.setdefault(below, []).append(part / below)
    if not 1 < len(shares) < len(parts):
        return expr
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


@of_sums
@remembered_of_parts
def opened(expr: Add) -> Expr:
    """c (log p - 1) + c as c log p: brackets are opened where a term then meets its negative."""
    if len(expr.args) > MAX_TERMS:
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


@of_sums
@remembered_of_parts
def met(expr: Add) -> Expr:
    """p (1 - y) - (1 - p) y as p - y: two products with sums are opened where a term of one meets its negative."""
    if len(expr.args) > MAX_TERMS:
        return expr
    pairs = {term: parts for term in expr.args if 1 < len(parts := _spread(term)) <= MAX_REGROUPED}
    for (one, parts), (other, others) in combinations(pairs.items(), 2):
        if any(-part in others for part in parts):
            return met(Add(*[t for t in expr.args if t not in {one, other}], factored_out(Add(*parts, *others))))
    return expr


@of_sums
@remembered_of_parts
def reunited(expr: Add) -> Expr:
    """x/(x + y)² + y/(x + y)² as 1/(x + y): terms that are those of the sum that they are divided by."""
    terms = set(expr.args)
    if len(terms) > MAX_TERMS:
        return expr
    for first in expr.args:
        totals = [(b, e) for b, e in divisors(first).items() if isinstance(b, Add) and len(b.args) <= len(terms)]
        for total, exponent in totals:
            ratio = first / Pow(total, exponent) / total.args[0]
            parts = {part * ratio * Pow(total, exponent) for part in total.args}
            if parts <= terms:
                return Add(*(terms - parts), ratio * Pow(total, exponent + 1))
    return expr


@remembered_of_parts
def squares(expr: Expr) -> Expr:
    """(1 - y)(1 + y) as 1 - y², and y (y - 2) + 1 as (1 - y)²."""
    expr = _completed(expr)
    sums = [a for a in Mul.make_args(expr) if isinstance(a, Add) and len(a.args) == 2][:MAX_REGROUPED]
    for one, other in combinations(sums, 2):
        total, difference = (one + other) / 2, (one - other) / 2
        if not isinstance(total, Add) and not isinstance(difference, Add):
            return squares(expr / one / other * (total**2 - difference**2))
    return expr


@remembered_of_parts
def over_roots(expr: Expr) -> Expr:
    """√s (1 - x²/s), where s is 1 - x², as (1 - 2x²)/√s: what divides by a sum beside a root of it."""
    powers = powers_of(expr) if isinstance(expr, Mul) else {}
    roots = [b for b, e in powers.items() if isinstance(b, Add) and isinstance(e, Rational) and e.q == 2]
    for base, total in product(roots, (t for t, e in powers.items() if isinstance(t, Add) and e == 1)):
        terms = [_times(base, term) for term in total.args]
        if any(len(parts) == 1 for parts in terms):
            return expr / total / base * Add(*[part for parts in terms for part in parts])
    return expr


@remembered_of_parts
def over_sums(expr: Expr) -> Expr:
    """1 - (x/a)²/s, where s is 1 + (x/a)², as 1/s: what is divided by such a sum, written by the sum."""
    below = {p.base for p in pointwise_parts(expr) if isinstance(p, Pow) and is_below(p.exp)}
    for base in (b for b in below if isinstance(b, Add) and len(b.args) == 2 and b.args[0].is_Number):
        number, quotient = base.args
        above = [f for f in Mul.make_args(quotient) if not f.is_Number and not is_below(f.as_base_exp()[1])]
        if not above or not divisors(quotient):
            continue
        whole = Dummy()
        by_whole = {above[0]: (whole - number) * above[0] / quotient}
        sums = (term for term in Mul.make_args(expr) if isinstance(term, Add))
        written = {term: expand_mul(term.xreplace({base: whole}).xreplace(by_whole)) for term in sums}
        found = expr.xreplace(written).xreplace({whole: base})
        if tree_size(found) < tree_size(expr):
            return found
    return expr


def _times(base: Expr, term: Expr) -> list[Expr]:
    """A term times a sum: one term if it is divided by that, with either sign."""
    below = divisors(term)
    sign = 1 if base in below else -1 if -base in below else 0
    return [term * (sign * base) * sign] if sign else [term * part for part in base.args]


@of_sums
def _completed(expr: Add) -> Expr:
    terms = [part for term in expr.args for part in _spread(term)]
    if len(terms) != 3:
        return expr
    for one, other, middle in permutations(terms):
        a, b = _root(one), _root(other)
        if a is not None and b is not None and middle in {2 * a * b, -2 * a * b}:
            return (a + b if middle == 2 * a * b else a - b) ** 2
    return expr


def _root(term: Expr) -> Expr | None:
    """What a term is the square of, as it is written."""
    number, rest = term.as_coeff_Mul()
    powers = [f.as_base_exp() for f in Mul.make_args(rest) if f != 1]
    if not Pow(number, S.Half).is_Rational or not all(e.is_Integer and e.is_even for _, e in powers):
        return None
    return Pow(number, S.Half) * Mul(*[b ** (e / 2) for b, e in powers])


def _spread(term: Expr) -> list[Expr]:
    """The terms of a product with one sum in it; itself if it has none."""
    sums = [a for a in Mul.make_args(term) if isinstance(a, Add)]
    if len(sums) != 1 or term is sums[0]:
        return [term]
    front = beside(term, sums[0])
    return [front * t for t in sums[0].args]


@remembered_of_parts
def apart(expr: Expr) -> Expr:
    """p (h + a - a y/p) as p h + a (p - y): what divides by a factor, and what goes with that, is freed from it."""
    if isinstance(expr, Add):
        return expr.func(*map(apart, expr.args))
    sums = [a for a in Mul.make_args(expr) if isinstance(a, Add)]
    if len(sums) != 1 or expr is sums[0] or len(sums[0].args) > MAX_TERMS:
        return expr
    divisors = {f for t in sums[0].args for f in _divisors(t)}
    front = beside(expr, sums[0])
    for base in (b for b, n in whole_powers(front).items() if n == 1 and divisors and 1 / b in divisors):
        inside = [t for t in sums[0].args if 1 / base in _divisors(t)]
        others = set().union(*(set(whole_powers(t)) for t in inside)) - {base}
        inside += [t for t in sums[0].args if t not in inside and others & set(whole_powers(t))]
        if len(inside) < len(sums[0].args):
            left = Add(*[t for t in sums[0].args if t not in inside])
            return front / base * (base * factored_out(left) + factored_out(Add(*[_into(base, t) for t in inside])))
    return expr


@remembered
def _divisors(term: Expr) -> frozenset[Expr]:
    """What a term, or a term of a sum in it, has below its fraction bar, as the factors that it has for that."""
    factors = Mul.make_args(term)
    own = frozenset(f for f in factors if isinstance(f, Pow) and not (f.exp.is_Integer and f.exp.is_positive))
    return own.union(*(_divisors(t) for f in factors if isinstance(f, Add) for t in f.args))


def _into(base: Expr, term: Expr) -> Expr:
    """A factor times a term, taken into the sum in it that has it below a fraction bar."""
    sums = (f for f in Mul.make_args(term) if isinstance(f, Add))
    inner = next((f for f in sums if any(1 / base in _divisors(t) for t in f.args)), None)
    return base * term if inner is None else beside(term, inner) * Add(*[base * t for t in inner.args])


@of_sums
@remembered_of_parts
def uncrossed(expr: Add) -> Expr:
    """a (b - x) - b (a - y) as b y - a x: what two products of sums have in common crosswise goes."""
    if len(expr.args) > MAX_REGROUPED:
        return expr
    for one, other in combinations(expr.args, 2):
        for (front, a, b), (behind, c, d) in product(_pairs(one), _pairs(other)):
            ratio = front / behind
            for sign in (S.One, S.NegativeOne) if ratio in {S.One, S.NegativeOne} else ():
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
