"""Entries that are repeated in a row, as what is repeated, how often and along which axes   (R4)."""

from __future__ import annotations

import math
from typing import NamedTuple

from sympy import Expr, Mul

from backprop_cli.formulas.algebra.expr import Apply, is_one, is_op, shape_of, size
from backprop_cli.formulas.algebra.formula import Formula
from backprop_cli.formulas.algebra.shapes import reshape


class Repeated(NamedTuple):
    """An expression whose entries are repeated: how often, along an axis, once or for several axes."""

    of: Expr
    times: tuple[tuple[Expr, int], ...]


def repeated(expr: Apply) -> Repeated | None:
    """x[:, :, None] ⊙ ones(s) with each new axis joined to the one before it; None for any other reshape."""
    wide = expr.args[0]
    shape, x = shape_of(wide), Mul(*[f for f in Mul.make_args(wide) if not is_op(f, "ones")])
    had = shape_of(x)
    new = [i for i, (a, b) in enumerate(zip(had, shape, strict=False)) if is_one(a) and not is_one(b)]
    if len(had) != len(shape) or not new or any(i == 0 or i - 1 in new for i in new):
        return None
    ends = [i for i in range(len(shape)) if i not in new]
    if expr.shape != tuple(math.prod(shape[i : i + 2] if i + 1 in new else shape[i : i + 1]) for i in ends):
        return None
    inner = reshape(Formula(x, had), shape=tuple(had[i] for i in ends)).expr
    return Repeated(inner, tuple((size(shape[i]), ends.index(i - 1)) for i in new))
