"""Powers and inverses in a product of matrices: Xⁱ Xʲ = Xⁱ⁺ʲ (M8), B (A B)⁻¹ = A⁻¹ (M9)."""

from __future__ import annotations

from typing import Any

from sympy import Expr

from backprop_cli.engine.ops import OPS
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


def pseudo_inverse(a: Expr, b: Expr) -> Expr | None:
    """(Xᵀ X)⁻¹ Xᵀ is the pseudo-inverse X⁺, and X (Xᵀ X)⁻¹ its transpose (M10)."""
    for inverse, other, left in ((a, b, True), (b, a, False)):
        if not is_op(inverse, "inv") or len(shape_of(other)) != 2 or not is_op(inverse.args[0], "matmul"):
            continue
        gram = inverse.args[0].args
        x = gram[-1]
        if len(gram) == 2 and gram[0] == swap(x) and other == (swap(x) if left else x):
            rows, columns = shape_of(x)
            found = Apply("pinv", (x,), dict(OPS["pinv"].signature.parameters), (columns, rows))
            return found if left else swap(found)
    return None


def peel_inverse(a: Expr, b: Expr) -> Expr | None:
    """B (A B)⁻¹ = A⁻¹ and (A B)⁻¹ A = B⁻¹, for square factors."""
    if is_op(a, "transpose") and is_op(b, "transpose") and a.parameters == b.parameters:
        peeled = peel_inverse(b.args[0], a.args[0])
        return None if peeled is None else swap(peeled)
    for inverse, other, at in ((b, a, -1), (a, b, 0)):
        if is_op(inverse, "inv"):
            inside = chain_factors(inverse.args[0])
        elif is_op(inverse, "transpose") and is_op(inverse.args[0], "inv"):
            inside = chain_factors(swap(inverse.args[0].args[0]))
        else:
            continue
        square = len(other_shape := shape_of(other)) == 2 and other_shape[0] == other_shape[1]
        if square and len(inside) > 1 and inside[at] == other:
            rest = inside[:-1] if at else inside[1:]
            return RULES["inv"](Formula(chain(rest), other_shape)).expr
    return None


PAIRS.extend((merge_powers, peel_inverse, pseudo_inverse))
RULES["matrix_power"] = matrix_power
