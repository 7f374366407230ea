"""Residuals of a projection or of least squares are orthogonal to what they were projected on: Aᵀ (b - A A⁺ b) is 0."""

from __future__ import annotations

from sympy import Add, Expr, S

from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_op, shape_of, tree_size
from backprop_cli.formulas.algebra.facts import Facts, facts_of
from backprop_cli.formulas.algebra.products import PAIRS, TAILS, chain, chain_factors
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.transposes import swap

SOLVING = frozenset(("pinv", "solve", "inv"))
MAX_TERMS = 3  # of a residual
MAX_NODES = 40  # of a definition that is looked into
MAX_DEPTH = 3  # of definitions in definitions


def orthogonal(a: Expr, b: Expr) -> Expr | None:
    """0 where a matrix is orthogonal to a residual (M15, K3c), on either side."""
    for left, right, residual in ((a, b, b), (swap(b), swap(a), a)) if len(shape_of(b)) == 2 else ((a, b, b),):
        if len(shape_of(a)) == 2 and _may_vanish(residual) and _is_zero(left, right):
            return S.Zero
    return None


def _may_vanish(expr: Expr) -> bool:
    """Whether a factor is, or is defined as, a difference that a solution of an equation stands in."""
    inner = expr.args[0] if is_op(expr, "transpose") else expr
    facts = facts_of(inner)
    total = facts.definitions.get(inner, inner) if isinstance(inner, TensorSymbol) else inner
    return isinstance(total, Add) and 1 < len(total.args) <= MAX_TERMS and _solves(total, facts)


def _solves(expr: Expr, facts: Facts, depth: int = 0) -> bool:
    """Whether an inverse, or a solution, stands in an expression or in what its nodes are defined as."""
    if tree_size(expr) > MAX_NODES or depth > MAX_DEPTH:
        return False
    if isinstance(expr, TensorSymbol):
        made = facts.definitions.get(expr)
        return made is not None and _solves(made, facts, depth + 1)
    return isinstance(expr, Apply) and expr.name in SOLVING or any(_solves(a, facts, depth) for a in expr.args)


def _is_zero(a: Expr, b: Expr) -> bool:
    """Whether a product is 0 once a residual is written out."""
    turned = is_op(b, "transpose")
    inner = b.args[0] if isinstance(b, Apply) and turned else b
    facts = facts_of(inner)
    total = facts.definitions.get(inner, inner)
    terms = [split_scalar(swap(t) if turned else t) for t in total.args]
    return Add(*[c * chain([*_laid_open(a, facts), *_laid_open(rest, facts)]) for c, rest in terms]) == 0


def _laid_open(expr: Expr, facts: Facts) -> list[Expr]:
    """The factors of a chain, those with a name that solve something as what they are defined as."""
    found: list[Expr] = []
    for factor in chain_factors(expr):
        made = facts.definitions.get(factor)
        opened = made is not None and isinstance(made, Apply) and _solves(made, facts)
        found += _laid_open(made, facts) if opened and made is not None else [factor]
    return found


def solved(factors: list[Expr]) -> tuple[int, Expr] | None:
    """M · solve(M, b) is b, also where M is a product   (K3c)."""
    last = factors[-1]
    if not is_op(last, "solve"):
        return None
    wanted = chain_factors(last.args[0])
    count = len(wanted)
    return (count + 1, last.args[1]) if factors[-1 - count : -1] == wanted else None


PAIRS.append(orthogonal)
TAILS.append(solved)
