"""The derivative of a high power of a matrix, which the engine takes from the corner of a larger matrix's power."""

from __future__ import annotations

from sympy import Add, Expr

from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.formulas.algebra.expr import Apply, is_op, shape_of
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.products import chain, chain_factors

LONGEST = 64
"""The exponent up to which the sum is written out: it has as many terms."""


def corner_of_power(expr: Apply) -> Expr | None:
    """Σ_k Uᵏ G Uⁿ⁻¹⁻ᵏ for the upper right corner of [[U, G], [0, U]]ⁿ (Higham, Functions of Matrices, theorem 3.6)."""
    power = expr.args[0]
    if not isinstance(power, Apply) or power.name != "matrix_power" or (blocks := _blocks(power.args[0])) is None:
        return None
    (u, g), (zero, same) = blocks
    n, size = int(power.parameters["n"]), int(shape_of(u)[-1])
    corner = (Span(None, size), Span(size, None))
    if not is_op(zero, "zeros") or u != same or n > LONGEST or expr.parameters["index"][-2:] != corner:
        return None
    powers = [[], *(chain_factors(call("matrix_power", {"n": k}, u)) for k in range(1, n))]
    return Add(*[chain([*powers[k], *chain_factors(g), *powers[n - 1 - k]]) for k in range(n)])


def _blocks(expr: Expr) -> list[tuple[Expr, Expr]] | None:
    """The four parts of a matrix that is put together of two rows of two."""
    if not is_op(expr, "concat") or len(expr.args) != 2:
        return None
    rows = [row.args for row in expr.args if is_op(row, "concat") and len(row.args) == 2]
    return [(left, right) for left, right in rows] if len(rows) == 2 else None
