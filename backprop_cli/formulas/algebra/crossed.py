"""The cross product by its entries: (a × b)[i] = a[i+1] b[i+2] - a[i+2] b[i+1], each place modulo 3."""

from __future__ import annotations

from sympy import Expr

from backprop_cli.formulas.algebra.expr import Apply, shape_of
from backprop_cli.formulas.algebra.formula import call


def crossed(expr: Apply) -> tuple[tuple[Expr, Expr], tuple[Expr, Expr]]:
    """The two pairs of factors, of which the second product is taken off the first."""
    axis = expr.parameters["axis"] % len(expr.shape) - len(expr.shape)
    (a, b), (c, d) = ([call("roll", {"shift": -n, "axis": len(shape_of(x)) + axis}, x) for n in (1, 2)]
                      for x in expr.args)  # fmt: skip
    return (a, d), (b, c)
