"""Choosing the form of a formula: of several equal ones, the cheapest to read (Y1), folded by definitions (D2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from math import comb
from typing import Any, TypeAlias, cast

from sympy import Add, Dummy, Expr, Mul, Pow, expand_mul, factor_terms

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.brackets import (
    apart,
    by_denominators,
    met,
    opened,
    over_roots,
    over_sums,
    regathered,
    regrouped,
    reunited,
    squares,
    uncrossed,
)
from backprop_cli.formulas.algebra.cost import length, reading_cost
from backprop_cli.formulas.algebra.expr import (
    Apply,
    TensorSymbol,
    made_of,
    position_of,
    sort_key,
    symbols_of,
    tree_size,
)
from backprop_cli.formulas.algebra.factoring import collected, factored_out, with_powers, without_quotients
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.folding import folded, laid_open
from backprop_cli.formulas.algebra.functions import without_complements, without_squares, without_twin_sigmoids
from backprop_cli.formulas.algebra.idioms import content_out
from backprop_cli.formulas.algebra.masks import by_branches, unclipped, without_gap, without_twin_masks
from backprop_cli.formulas.algebra.merging import merged_products
from backprop_cli.formulas.algebra.named import stays_nonzero
from backprop_cli.formulas.algebra.quotients import Quotient, quotient_of
from backprop_cli.formulas.algebra.scalars import divisors, is_below
from backprop_cli.formulas.algebra.skeleton import pointwise_parts, skeleton_of
from backprop_cli.formulas.algebra.symmetry import mirrored
from backprop_cli.formulas.algebra.totals import divided_inside, rearranged

Fold: TypeAlias = tuple[Expr, Expr]
"""A symbol, and what it may be written as."""

MAX_NODES = 80  # above, sympy's polynomial routines take longer than a reader would
MAX_EXPANDED = 300  # and so they do where multiplying out gives more terms than this
MAX_DEGREE = 64  # or higher powers
MAX_SYMBOLS = 16  # or with more generators than this
MAX_FOLDS = 8
TIDYING = 1  # of the run's budget, a node of the expression: what the linear walks take
FACTORING = 8  # and what sympy's polynomial routines take
MAX_EFFORT = 4000  # of one graph, about one second; formulas after that keep the form they were found in


def tidy(expr: Expr, facts: Facts) -> Expr:
    """The same expression in the form that is cheapest to read."""
    if facts.budget.spent:
        return expr
    if expr not in facts.tidied:
        facts.tidied[expr] = _tidied(expr, facts)
    return facts.tidied[expr]


def put_together(expr: Expr, facts: Facts) -> Expr:
    """What was opened, tidied once the sums below fraction bars are quotients: t/(t/a + t/b) as a b/(a + b)."""
    from sympy import together  # loads more of sympy than its core, which few formulas need

    powers = (p for p in pointwise_parts(expr) if isinstance(p, Pow) and isinstance(p.base, Add) and is_below(p.exp))
    skeletons = {p.base: skeleton_of(p.base, style=facts.style) for p in powers}
    quotients = {base: together(skeleton).xreplace(back) for base, (skeleton, back) in skeletons.items()}
    return tidy(expr.xreplace(quotients), facts)


def _tidied(expr: Expr, facts: Facts) -> Expr:
    expr = mirrored(expr, facts)
    if not isinstance(expr, (Add, Mul)) or tree_size(expr) > 4 * MAX_NODES:
        return expr
    facts.budget.take(TIDYING * tree_size(expr))
    expr = merged_products(opened(reunited(divided_inside(expr))))
    expr = min(expr := content_out(expr), factored_out(expr), key=length)
    grouped = regrouped(expr)
    loose = regrouped(expr, True)
    named = (folded(loose, facts),) if loose is not expr and laid_open(loose, facts) else ()
    forms = (*named, collected(expr), grouped, uncrossed(grouped), with_powers(expr), without_quotients(expr),
             without_twin_masks(expr, facts), without_complements(expr), without_twin_sigmoids(expr), met(expr),
             collected(apart(expr)), squares(expr), over_sums(expr), by_branches(expr), unclipped(expr, facts),
             by_denominators(expr), regathered(expr))  # fmt: skip
    expr = min(dict.fromkeys((expr, *forms)), key=length)
    expr = min(expr, without_gap(expr, facts), rearranged(expr, lambda inner: tidy(inner, facts)), key=tree_size)
    if not isinstance(expr, (Add, Mul)) or facts.effort > MAX_EFFORT or not _worth_trying(expr):
        return expr
    found: list[tuple[Expr, dict[Expr, Expr]]] = [(expr, {})]
    for opaque in dict.fromkeys((frozenset(), _opaque_sums(expr), _innermost_sums(expr))):
        skeleton, back = skeleton_of(expr, opaque, facts.style)
        if _is_tractable(skeleton):
            equal = _forms(skeleton, tuple(_folds(expr, facts, back)[:MAX_FOLDS]), back, facts, reading_cost(expr))
            found += [(skeleton, back), *((content_out(form), back) for form in equal)]
    equals = dict.fromkeys(form.xreplace(back) for form, back in found)
    expr = min(equals, key=lambda form: (reading_cost(form), -_as_written(form, facts), tree_size(form)))
    last = (met(expr), collected(apart(expr)), over_roots(expr), collected(expr), with_powers(expr), squares(expr),
            without_squares(expr))  # fmt: skip
    return min(expr, *last, key=length)


def term_by_term(expr: Expr, facts: Facts) -> Expr:
    """Fractions with a sum above, tidied one by one: a (1 - x/(b + x))/(b + x) beside another as a b/(b + x)²."""
    if not expr.args or tree_size(expr) > 4 * MAX_NODES:
        return expr
    expr = made_of(expr, [term_by_term(part, facts) for part in expr.args])

    def one(term: Expr) -> Expr:
        has_sum = isinstance(term, Mul) and any(isinstance(f, Add) for f in term.args)
        return tidy(term, facts) if has_sum and _worth_trying(term) else term

    return Add(*map(one, expr.args)) if isinstance(expr, Add) else expr


def _as_written(expr: Expr, facts: Facts) -> int:
    """How many sums are as the spec writes them: 1 + (1 - h²) u, not 1 + u - h² u."""
    sums = (part for part in pointwise_parts(expr) if isinstance(part, Add) and not any(map(divisors, part.args)))
    return sum(part in facts.style.sums or -part in facts.style.sums for part in sums)


def _is_tractable(skeleton: Expr) -> bool:
    """Whether sympy's polynomial routines take it."""
    return (
        tree_size(skeleton) <= MAX_NODES
        and len(skeleton.free_symbols) <= MAX_SYMBOLS
        and expanded_terms(skeleton) <= MAX_EXPANDED
    )


def expanded_terms(expr: Expr) -> int:
    """About how many terms multiplying out gives, at most one more than are allowed."""
    limit = MAX_EXPANDED + 1
    if isinstance(expr, Add):
        return min(limit, sum(map(expanded_terms, expr.args)))
    if isinstance(expr, Mul):
        return reduce(lambda a, b: min(limit, a * b), map(expanded_terms, expr.args))
    if isinstance(expr, Pow):
        if expr.exp.is_Rational and abs(expr.exp) > MAX_DEGREE:
            return limit
        terms, power = expanded_terms(expr.base), abs(int(expr.exp)) if expr.exp.is_Integer else 1
        return min(limit, comb(terms + power - 1, power))
    return 1


def _opaque_sums(expr: Expr) -> frozenset[Expr]:
    """Sums that share no symbol with any denominator: multiplying them out could cancel nothing."""
    below = [p.base for p in pointwise_parts(expr) if isinstance(p, Pow) and p.exp.could_extract_minus_sign()]
    symbols = set().union(*(b.free_symbols for b in below))
    return frozenset(
        p
        for p in pointwise_parts(expr)
        if isinstance(p, Add)
        and p is not expr
        and not any(p in b.atoms(Add) for b in below)
        and not symbols & p.free_symbols
    )


def _innermost_sums(expr: Expr) -> frozenset[Expr]:
    """Sums without a sum in them, which keep their brackets: 1/(1 + (x - m)²/s) is s/(s + (x - m)²)."""
    sums = {p for p in pointwise_parts(expr) if isinstance(p, Add) and p is not expr}
    return frozenset(s for s in sums if not any(p in sums for p in pointwise_parts(s) if p is not s))


def _worth_trying(expr: Expr) -> bool:
    """An Add that meets a negative power."""
    parts = list(pointwise_parts(expr))
    return any(isinstance(e, Add) for e in parts) and any(
        isinstance(e, Pow) and e.exp.could_extract_minus_sign() for e in parts
    )


def _forms(
    skeleton: Expr, folds: tuple[Fold, ...], back: dict[Expr, Expr], facts: Facts, dearest: int
) -> Iterator[Expr]:
    """Equal forms of a skeleton, without those that are dearer to read whatever their symbols stand for.

    They are remembered by what it is like, whatever its symbols are called: one layer is as the next.  Its symbols
    are in printing order, so that what is read first gets the plus.
    """

    def as_read(symbol: Expr) -> tuple[Any, ...]:
        part = back.get(symbol, symbol)
        position = position_of(part)
        return position < 0, -position if position >= 0 else position, tree_size(part), sort_key(symbol)

    symbols = skeleton.free_symbols.union(*(e.free_symbols for fold in folds for e in fold))
    renamed = {s: _stand_in(i, s.is_positive, facts) for i, s in enumerate(sorted(symbols, key=as_read))}
    alike = skeleton.xreplace(renamed), tuple((part.xreplace(renamed), form.xreplace(renamed)) for part, form in folds)
    known = alike in facts.forms
    facts.effort += (effort := tree_size(skeleton) * (1 if known else 5 + len(folds)))
    facts.budget.take(FACTORING * effort)
    if not known:
        forms = [form for form in dict.fromkeys(_candidates(*alike)) if form != alike[0]]
        facts.forms[alike] = [(reading_cost(content_out(form)), form) for form in forms]
    names = {stand_in: symbol for symbol, stand_in in renamed.items()}
    return (form.xreplace(names) for cost, form in facts.forms[alike] if cost <= dearest)


def _stand_in(number: int, positive: bool | None, facts: Facts) -> Expr:
    """The symbol that stands for the n-th one of a skeleton."""
    key = number, positive
    if key not in facts.stand_ins:
        facts.stand_ins[key] = Dummy(f"s{number:02}", positive=positive)
    return facts.stand_ins[key]


def _candidates(expr: Expr, folds: tuple[Fold, ...]) -> Iterator[Expr]:
    yield factor_terms(expr)
    known = quotient_of(expr)
    cancelled = _cancelled(expr, known)
    if cancelled is not None:
        yield from (cancelled, factor_terms(cancelled), expand_mul(cancelled))
    yield expand_mul(expr)
    factored = known.factored if known else _by_sympy("factor", expr)
    if factored is not None:
        yield factored
    for part, form in folds:
        folded_in = expr.xreplace({part: form})
        cancelled = _cancelled(folded_in, quotient_of(folded_in))
        if cancelled is not None:
            yield factor_terms(cancelled)


def _cancelled(expr: Expr, known: Quotient | None) -> Expr | None:
    return known.cancelled if known else _by_sympy("cancel", expr)


def _by_sympy(routine: str, expr: Expr) -> Expr | None:
    """What a polynomial routine of sympy's makes of it; None where it cannot."""
    import sympy  # loads more of sympy than its core, which few formulas need
    from sympy.polys.polyerrors import PolynomialError

    with suppress(PolynomialError, NotImplementedError):
        return cast(Expr, getattr(sympy, routine)(expr))
    return None


def _in_stand_ins(expr: Expr, skeleton: dict[Expr, Expr]) -> Expr | None:
    """In the terms of the skeleton; None where an operator stays in it: the stand-ins have no axes for it."""
    if expr in skeleton:
        return skeleton[expr]
    if isinstance(expr, Apply) and not OPS[expr.name].pointwise:
        return None
    args = [_in_stand_ins(a, skeleton) for a in expr.args]
    found = [a for a in args if a is not None]
    return None if len(found) < len(args) else expr.func(*found) if args else expr


def _folds(expr: Expr, facts: Facts, back: dict[Expr, Expr]) -> list[Fold]:
    """With p = e/s, e may be written p·s (D2): the substitutions, in the terms of the skeleton."""
    symbols = sorted(symbols_of(expr), key=lambda s: s.position)
    skeleton = {part: dummy for dummy, part in back.items()}
    products = {s: made for s in symbols if isinstance(made := facts.definitions.get(s), Mul)}
    return [
        (part, symbol * part / written)
        for symbol, made in products.items()
        if (written := _in_stand_ins(made, skeleton)) is not None
        for part in made.args
        if isinstance(part, TensorSymbol) and part in symbols and part is not symbol and not part.leaf
        if all(stays_nonzero(f, facts) for f in made.args if f is not part and not isinstance(f, Pow))
    ]
