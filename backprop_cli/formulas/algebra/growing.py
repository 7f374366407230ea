"""Sums and products that grow by a term or a factor at a time.

sympy looks at all of a sum or a product, and sorts it, whenever one is made. What has nothing to do with the others is
put where it belongs instead.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cmp_to_key

from sympy import Add, Basic, Expr, Mul, Pow

from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, symbols_of
from backprop_cli.formulas.algebra.work import grow

ATOMS = (TensorSymbol, Apply)
_rank = cmp_to_key(Basic.compare)  # the order in which sympy keeps terms and factors


def plus(a: Expr, b: Expr) -> Expr:
    """a + b."""
    return _grown(Add, a, b)


def times(a: Expr, b: Expr) -> Expr:
    """a b."""
    return _grown(Mul, a, b)


def _grown(kind: type[Add | Mul], a: Expr, b: Expr) -> Expr:
    added, parts = kind.make_args(a), kind.make_args(b)
    many = b
    if len(added) >= len(parts):  # of two alike the second is what joins: an upstream gradient stands first
        added, parts, many = parts, added, a
    for one in added:
        if _meets(one, many, parts):
            return kind(a, b)
    for one in added:
        at = bisect_left(parts, _rank(one), lo=int(parts[0].is_Number), key=_rank)
        parts = (*parts[:at], one, *parts[at:])
    made = kind._from_args(parts, True)
    if kind is Mul and len(added) == 1:
        grow(made, many, added[0])
    return made


def _meets(one: Expr, many: Expr, parts: tuple[Expr, ...]) -> bool:
    """Whether it may be collected with a term (2x), or a factor (x², 2ˣ), or is a number; certainly, if it is plain."""
    symbols, others = symbols_of(one), symbols_of(many)
    if isinstance(one, ATOMS):
        return not others or symbols <= others and any(one == part or one in part.args for part in parts)
    return not (symbols and others and symbols.isdisjoint(others)) or isinstance(one, Pow) and not symbols_of(one.base)
