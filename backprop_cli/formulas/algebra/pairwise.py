"""Sums over pairs: of a tensor that changes its sign where its first two axes change places, Σ_i is -Σ_j   (S12)."""

from __future__ import annotations

from sympy import Expr

from backprop_cli.formulas.algebra.exchange import MAX_NODES, Exchange
from backprop_cli.formulas.algebra.expr import is_op, shape_of, tree_size
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.symmetry import is_symmetric


def one_axis(one: Expr, other: Expr) -> Expr | None:
    """Σ over axis 1 for Σ over axis 0, with its sign, where `other` is the first and `one` the second of one tensor."""
    if not (is_op(one, "sum") and is_op(other, "sum")) or one.args != other.args or one.shape != other.shape:
        return None
    inner = one.args[0]
    shape = shape_of(inner)
    if (one.parameters["axis"], other.parameters["axis"]) != (1, 0) or one.parameters["keepdims"]:
        return None
    if len(shape) < 2 or shape[0] != shape[1] or tree_size(inner) > MAX_NODES:
        return None
    sign = Exchange(facts_of(inner), is_symmetric).sign(inner, len(shape))
    return None if sign is None else sign * one
