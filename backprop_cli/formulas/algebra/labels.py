"""What is known of the entries of an input, used: masks (I7), signs (I10), labels with one 1 and else 0 (I11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeGuard

from sympy import Add, Expr, Mul, Pow, S, factor_terms, oo

from backprop_cli.formulas.algebra.expr import MASKS, Apply, GradSymbol, TensorSymbol, is_op, shape_of, symbols_of
from backprop_cli.formulas.algebra.facts import Facts, facts_of
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.pointwise import is_triangle
from backprop_cli.formulas.algebra.positions import is_unit_vector, picked
from backprop_cli.formulas.algebra.positive import is_positive
from backprop_cli.formulas.algebra.scalars import beside, powers_of, split_sum
from backprop_cli.formulas.algebra.work import spend

DEEPEST = 3
"""Definitions in one another that are looked into for what is 0."""


def idempotent(expr: Expr) -> Expr | None:
    """A mask times itself is that mask, for an input of which the spec says so."""
    facts = facts_of(expr)
    masks = [b for b, e in powers_of(expr).items() if e is not S.One and e.is_Integer and e > 1 and facts.is_mask(b)]
    return expr / Pow(masks[0], powers_of(expr)[masks[0]] - 1) if masks else None


def signs(expr: Expr) -> Expr | None:
    """y² is 1, and (y a - 1) y is a - y, for an input of labels 1 and -1   (I10)."""
    powers = powers_of(expr)
    facts = facts_of(expr)
    for y, exponent in powers.items():
        if not isinstance(y, TensorSymbol) or not y.leaf or not exponent.is_Integer or exponent < 1:
            continue  # before the sums are gone through: a product of a hundred of them has no such factor
        inside = [a for a in powers if isinstance(a, Add) and any(y in Mul.make_args(t) for t in a.args)]
        if exponent == 1 and not inside or not facts.is_sign(y):
            continue
        if exponent > 1:
            return expr / Pow(y, exponent - exponent % 2)
        total = next((a for a in inside if powers[a] == 1), None)
        if total is not None:
            return expr / y / total * Add(*[_odd(t * y, y) for t in total.args])
    return None


def _odd(term: Expr, y: Expr) -> Expr:
    """A term without the squares of what is 1 or -1."""
    exponent = term.as_powers_dict().get(y, S.Zero)
    return term / Pow(y, exponent - exponent % 2) if exponent.is_Integer else term


def absorbed(expr: Expr) -> Expr | None:
    """m ⊙ E is E where E is m ⊙ ..., or a softmax of x that is -∞ where the mask m is 0, or ∂L/∂x   (I7)."""
    facts = facts_of(expr)
    factors = Mul.make_args(expr)
    masks = [f for f in factors if isinstance(f, Apply) and (f.name in MASKS or is_triangle(f))
             or isinstance(f, TensorSymbol) and f.leaf]  # fmt: skip
    bases = [f.base if isinstance(f, Pow) and is_positive(f.exp, facts) else f for f in factors]
    zeros = {zero for b in bases for zero in _zeros(b, facts)} if masks else ()
    mask = next((m for m in masks if m in zeros and _is_mask(m, facts)), None)
    return None if mask is None else expr / mask


def _is_mask(expr: Expr, facts: Facts) -> bool:
    """Whether entries are 0 or 1: by the operator, as stated, or as seen in what is hardly one by chance."""
    return isinstance(expr, Apply) or facts.is_mask(expr) or isinstance(expr, TensorSymbol) and facts.seen_mask(expr)


def distance(expr: Expr) -> Expr | None:
    """sign(y - p)/(1 - |y - p|) is (y - p)/(p (1 - p)), for a mask y and a probability p   (I7b)."""
    powers = powers_of(expr)
    facts = facts_of(expr)
    for s in (b for b, e in powers.items() if e == 1 and is_op(b, "sign")):
        size = call("abs", {}, s.args[0])
        left = next((b for b, e in powers.items() if e == -1 and b in {1 - size, size - 1}), None)
        names = [n for n in Add.make_args(s.args[0]) for n in (n, -n) if isinstance(n, TensorSymbol)]
        p = next((n for n in names if _is_probability(n, facts)), None)
        y = next((n for n in names if facts.is_mask(n)), None)
        if left is not None and p is not None and y is not None and s.args[0] in {y - p, p - y}:
            sign = S.One if left == 1 - size else S.NegativeOne
            return expr / s * left * sign * s.args[0] / (p * (1 - p))
    return None


def _is_probability(symbol: TensorSymbol, facts: Facts) -> bool:
    made = facts.definitions.get(symbol)
    return isinstance(made, Apply) and made.name in {"sigmoid", "softmax"}


def labelled(expr: Expr) -> Expr | None:
    """p ⊙ (pᵀy - y) is pᵀy (p - y), p ⊙ y / pᵀy is y, for an input y with one 1 and else 0: p ⊙ y is pᵀy y   (I11)."""
    facts = facts_of(expr)
    powers = powers_of(expr)
    below = {shape_of(b) for b, e in powers.items() if e == -1}
    for y in (b for b, e in powers.items() if e == 1 and _may_be_label(b) and below - {b.shape}):
        for p, share in _shares(y, powers, facts):
            if powers.get(share) == -1 and _is_label(y, facts):
                return expr / p * share
    for total in (a for a in powers if isinstance(a, Add) and powers[a] == 1):
        if (opened := _with_labels(expr, total, facts)) is not None:
            return opened
        scale, inner = split_sum(total)  # c (y - pᵀy)
        if not isinstance(inner, Add) or len(inner.args) != 2:
            continue
        terms = [t.as_coeff_Mul()[1] for t in inner.args]
        labels = [y for y, other in (terms, terms[::-1]) if _may_be_label(y) and _may_be_picked(other, y)]
        if (named := _named_share(scale * beside(expr, total), inner, facts)) is not None:
            return named
        for y, (p, share) in ((label, found) for label in labels for found in _shares(label, powers, facts)):
            if isinstance(y, Apply) and share not in powers:
                continue  # the row of a softmax's Jacobian stays p ⊙ (e[k] - p[k])
            if inner in {share - y, y - share} and _is_label(y, facts):
                return scale * share * beside(expr, total) / p * (p - y if inner == share - y else y - p)
    return None


def _with_labels(expr: Expr, total: Add, facts: Facts) -> Expr | None:
    """p ⊙ (c - c y / pᵀy) as c (p - y): a product with a sum, opened by p where that leaves y of a term."""
    for term in total.args:
        powers = powers_of(term)
        divisors = [b for b, e in powers.items() if e == -1]
        labels = [b for b, e in powers.items() if e == 1 and _may_be_label(b)] if divisors else ()
        for y in (label for label in labels if any(_may_be_picked(b, label) for b in divisors)):
            for p, share in _shares(y, {y: S.One, **powers_of(expr)}, facts):
                if powers.get(share) == -1 and _is_label(y, facts):
                    inner = Add(*[t * share if t is term else t * p for t in total.args])
                    return expr / total / p * factor_terms(inner)
    return None


def _named_share(front: Expr, total: Add, facts: Facts) -> Expr | None:
    """p ⊙ (c y - s) as s (y - p), where the node s is c pᵀy: what of a softmax's gradient comes by one label."""
    for one, other in (total.args, total.args[::-1]):
        sign, s = other.as_coeff_Mul()
        y = next((f for f in Mul.make_args(one) if isinstance(f, TensorSymbol) and _may_be_label(f)), None)
        if y is None or sign != -1 or not isinstance(s, TensorSymbol) or shape_of(s):
            continue
        for p, share in _shares(y, {y: S.One, **powers_of(front)}, facts):
            made = one / y * share
            if any((s, made) in facts.factors.get(b, ()) for b in powers_of(made)) and _is_label(y, facts):
                return front / p * s * (y - p)
    return None


def _may_be_label(expr: Expr) -> TypeGuard[TensorSymbol | Apply]:
    leaf = isinstance(expr, TensorSymbol) and expr.leaf and len(expr.shape) in {1, 2}
    return leaf or isinstance(expr, Apply) and is_unit_vector(expr)


def _may_be_picked(share: Expr, y: TensorSymbol | Apply) -> bool:
    """Whether it has the shape of what y picks, and is made of y or of a node: else no factor need be tried."""
    is_made = isinstance(y, Apply) or any(symbol == y or not symbol.leaf for symbol in symbols_of(share))
    return shape_of(share) != y.shape and is_made


def _is_label(expr: Expr, facts: Facts) -> bool:
    return isinstance(expr, Apply) or isinstance(expr, TensorSymbol) and facts.is_one_hot(expr)


def _shares(y: TensorSymbol | Apply, powers: Mapping[Expr, Expr], facts: Facts) -> Iterator[tuple[Expr, Expr]]:
    """Each factor p beside y with pᵀy, as it stands and by its name."""
    for p in (b for b, e in powers.items() if e == 1 and b != y and shape_of(b) == y.shape):
        spend(1)
        entry = picked(y, p) if isinstance(y, Apply) else call("matmul", {}, y, p) if len(y.shape) == 1 else (
            call("sum", {"axis": 1, "keepdims": True}, p * y))  # fmt: skip
        known = () if entry is None else (entry, facts.wholes.get(entry))
        yield from ((p, share) for share in known if share is not None)


def _zeros(expr: Expr, facts: Facts, steps: int = DEEPEST) -> tuple[Expr | None, ...]:
    """Where an expression is surely 0: wherever one of these is."""
    if isinstance(expr, GradSymbol):
        return (facts.reached(expr),)
    made = facts.definitions.get(expr, expr)
    if is_op(made, "softmax") or is_op(made, "exp"):
        return (_shown(made.args[0], facts),)
    if is_op(made, "relu") or is_op(made, "maximum") and S.Zero in made.args:
        x = next(a for a in made.args if a != 0)
        return call("greater", {}, x, S.Zero), call("less", {}, S.Zero, x), call("greater", {}, expr, S.Zero)
    if made is expr or steps == 0:
        return ()
    return (*Mul.make_args(made), *(zero for f in Mul.make_args(made) for zero in _zeros(f, facts, steps - 1)))


def _shown(expr: Expr, facts: Facts) -> Expr | None:
    """The mask outside of which an expression is -∞, also less a number: a softmax's operand less its maximum."""
    made = facts.definitions.get(expr, expr)
    if is_op(made, "where") and made.args[2] == -oo:
        return made.args[0]
    terms = made.args if isinstance(made, Add) else ()
    return next((mask for term in terms if (mask := _shown(term, facts)) is not None), None)
