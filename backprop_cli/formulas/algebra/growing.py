"""Sums and products that grow by a term or a factor at a time.

sympy looks at all of a sum or a product, and sorts it, whenever one is made. What has nothing to do with the others is
put where it belongs instead.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cmp_to_key

from sympy import Add, Basic, Expr, Mul

from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, symbols_of

ATOMS = (TensorSymbol, Apply)
_rank = cmp_to_key(Basic.compare)  # the order in which sympy keeps terms and factors


def plus(a: Expr, b: Expr) -> Expr:
    """a + b."""
    return _grown(Add, a, b)


def times(a: Expr, b: Expr) -> Expr:
    """a b."""
    return _grown(Mul, a, b)


def _grown(kind: type[Add | Mul], a: Expr, b: Expr) -> Expr:
    one, many = (a, b) if isinstance(a, ATOMS) else (b, a)
    if not isinstance(one, ATOMS) or not isinstance(many, (kind, *ATOMS)) or _meets(one, many, kind):
        return kind(a, b)
    parts = many.args if isinstance(many, kind) else (many,)
    at = bisect_left(parts, _rank(one), lo=int(parts[0].is_Number), key=_rank)
    return kind._from_args((*parts[:at], one, *parts[at:]), True)


def _meets(one: Expr, many: Expr, kind: type[Add | Mul]) -> bool:
    """Whether it may be collected with a term (2x), or a factor (x²)."""
    if not symbols_of(one) <= symbols_of(many):
        return False
    return any(one == part or one in part.args for part in kind.make_args(many))
