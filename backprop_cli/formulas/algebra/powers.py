"""Powers and inverses in a product of matrices: Xⁱ Xʲ = Xⁱ⁺ʲ (M8), B (A B)⁻¹ = A⁻¹ (M9)."""

from __future__ import annotations

from typing import Any

from sympy import Expr

from backprop_cli.formulas.algebra.expr import Apply, is_op, shape_of
from backprop_cli.formulas.algebra.formula import RULES, Formula, materialize, scaled
from backprop_cli.formulas.algebra.products import PAIRS, chain, chain_factors
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.transposes import is_matrix_transpose, swap


def matrix_power(x: Formula, *, n: Any) -> Formula:
    """X², written as a product; (Xᵀ)ⁿ = (Xⁿ)ᵀ, (cX)ⁿ = cⁿ Xⁿ."""
    factor, rest = split_scalar(materialize(x))
    if is_op(rest, "transpose") and is_matrix_transpose(rest.parameters["axes"]) and n != 2:
        made = swap(power_of(rest.args[0], n))
    else:
        made = power_of(rest, n)
    return scaled(factor**n, Formula(made, x.shape))


def power_of(base: Expr, n: int) -> Expr:
    """Xⁿ in its plainest form."""
    shape = shape_of(base)
    if n == 0 and len(shape) == 2:
        return Apply("eye", (), {"n": shape[0], "m": None}, shape)
    if n == -1:
        return Apply("inv", (base,), {}, shape)
    if n in (1, 2):
        return base if n == 1 else chain([*chain_factors(base), *chain_factors(base)])
    return Apply("matrix_power", (base,), {"n": n}, shape)


def exponent_of(expr: Expr) -> tuple[Expr, int]:
    """(X, n) of Xⁿ; an inverse has a negative n."""
    if is_op(expr, "matrix_power"):
        return expr.args[0], int(next(iter(expr.parameters.values())))
    if is_op(expr, "inv"):
        base, n = exponent_of(expr.args[0])
        return base, -n
    return expr, 1


def merge_powers(a: Expr, b: Expr) -> Expr | None:
    """Xⁱ Xʲ = Xⁱ⁺ʲ, also under a transpose."""
    if is_op(a, "transpose") and is_op(b, "transpose") and a.parameters == b.parameters:
        merged = merge_powers(b.args[0], a.args[0])
        return None if merged is None else swap(merged)
    (base_a, i), (base_b, j) = exponent_of(a), exponent_of(b)
    if base_a != base_b or len(shape_of(base_a)) < 2 or abs(i) == abs(j) == 1:  # X X stays, X⁻¹ X is another rule's
        return None
    return power_of(base_a, i + j)


PAIRS.append(merge_powers)
RULES["matrix_power"] = matrix_power
