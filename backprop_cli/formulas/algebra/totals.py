"""Sums taken apart, or put together, where all then reads shorter: N/l - Σ(1/l + z) as -Σ z   (S17, S18)."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Add, Expr, Mul

from backprop_cli.engine.ops.base import axes_of
from backprop_cli.formulas.algebra.brackets import opened
from backprop_cli.formulas.algebra.cost import reading_cost
from backprop_cli.formulas.algebra.expr import Apply, is_op, shape_of, tree_size
from backprop_cli.formulas.algebra.factoring import factored_out, of_sums
from backprop_cli.formulas.algebra.formula import Formula, call
from backprop_cli.formulas.algebra.scalars import powers_of
from backprop_cli.formulas.algebra.skeleton import pointwise_parts
from backprop_cli.formulas.algebra.sums import absent, total

MAX_TERMS = 6
MAX_NODES = 60  # of what is put together in one sum


@of_sums
def rearranged(expr: Add, tidy: Callable[[Expr], Expr]) -> Expr:
    """The sums of a sum with what is constant beside them, or in one sum, if that is shorter."""
    if len(expr.args) > MAX_TERMS:
        return expr
    return min(expr, _constants_out(expr), _together(expr, tidy), key=tree_size)


def divided_inside(expr: Expr) -> Expr:
    """Σ(x/(k x/s + 1))/s as Σ(x/(k x + s)): what divides a sum, where its terms divide by what divides by that."""
    products = (p for p in pointwise_parts(expr) if isinstance(p, Mul) and any(is_op(f, "sum") for f in p.args))
    found = {p: inside for p in products if (inside := _divided_inside(p)) is not None}
    return expr.xreplace(found) if found else expr


def _divided_inside(expr: Mul) -> Expr | None:
    powers = powers_of(expr)
    for part in (f for f in expr.args if is_op(f, "sum")):
        inside = powers_of(part.args[0]).items()
        for base, n in ((b, -e) for b, e in inside if isinstance(b, Add) and e.is_Integer and e < 0):
            below = {d for t in base.args for d, e in powers_of(t).items() if e == -1 and not shape_of(d)}
            for divisor in (d for d, e in powers.items() if d in below and e.is_Integer and e <= -n):
                freed = Add(*[t * divisor for t in base.args])
                return expr / part * divisor**n * call("sum", part.parameters, part.args[0] * base**n / freed**n)
    return None


def _constants_out(expr: Add) -> Expr:
    """N/l - Σ(1/l + z): the constant terms of a sum, counted beside it, where they meet others or it reads no worse."""
    found = {s: apart for s in _sums(expr) if (apart := _apart(s)) is not None}
    if not found:
        return expr
    terms = [part for t in expr.args for part in _over(t, found)]
    made = factored_out(opened(Add(*terms)))
    has_met = len(Add.make_args(made)) < len(terms)
    return made if has_met or reading_cost(made) <= reading_cost(expr) else expr


def _over(term: Expr, found: dict[Apply, list[Expr]]) -> list[Expr]:
    """A term with a sum as the terms of that sum."""
    for factor in Mul.make_args(term):
        if isinstance(factor, Apply) and factor in found:
            return [part * term / factor for part in found[factor]]
    return [term]


def _sums(expr: Add) -> list[Apply]:
    return [f for t in expr.args for f in Mul.make_args(t) if isinstance(f, Apply) and f.name == "sum"]


def _apart(expr: Apply) -> list[Expr] | None:
    """Σ(c + z) as n c and Σ z, for c constant along its axes."""
    inner = expr.args[0]
    shape = shape_of(inner)
    axes = axes_of(expr.parameters["axis"], len(shape))
    if not isinstance(inner, Add):
        return None
    still = [t for t in inner.args if all(absent(shape_of(t), a - len(shape)) for a in axes)]
    if not still:
        return None
    groups = Add(*still), Add(*[t for t in inner.args if t not in still])
    return [total(Formula(g, shape), **expr.parameters).expr for g in groups]


def _together(expr: Add, tidy: Callable[[Expr], Expr]) -> Expr:
    """a Σ x + b Σ y over the same entries as Σ(a x + b y), tidied; what is a product of sums stays."""
    held = {t: [s for s in Mul.make_args(t) if is_op(s, "sum")] for t in expr.args if not shape_of(t)}
    alike = {t: sums[0] for t, sums in held.items() if len(sums) == 1 and sums[0].parameters["axis"] is None}
    sums = list(alike.values())
    if len(sums) < 2 or len({shape_of(s.args[0]) for s in sums}) > 1 or sum(map(tree_size, sums)) > MAX_NODES:
        return expr
    inner = tidy(Add(*[t / s * s.args[0] for t, s in alike.items()]))
    return Add(*[t for t in expr.args if t not in alike], call("sum", sums[0].parameters, inner))
