"""Transposes: Aᵀᵀ = A (T1), (AB)ᵀ = BᵀAᵀ (T2), into a sum or product where that undoes one (T3); reversals (D8)."""

from __future__ import annotations

from typing import Any

from sympy import Add, Expr, Mul

from backprop_cli.engine.ops.base import axes_of, normalize_axis
from backprop_cli.formulas.algebra.expr import Apply, is_one, is_op, shape_of
from backprop_cli.formulas.algebra.formula import RULES, Formula, build, call, generic, scaled
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.language.model import Shape


def transpose(x: Formula, *, axes: Any = None) -> Formula:
    """Axes reordered; a matrix transpose moves into products."""
    rank = len(x.shape)
    order = tuple(range(rank))[::-1] if axes is None else tuple(normalize_axis(a, rank, "axes") for a in axes)
    shape = tuple(x.shape[a] for a in order)
    if order == tuple(range(rank)) or not shape_of(x.expr):
        return Formula(x.expr, shape)
    factor, rest = split_scalar(x.expr)
    if factor != 1:
        return scaled(factor, transpose(Formula(rest, x.shape), axes=order))
    row = _vector_of(x.expr) if rank == 2 and is_matrix_transpose(order) else None
    if row is not None:
        return Formula(call("expand_dims", {"axis": 1}, row), shape)
    if shape_of(x.expr) != x.shape and len(shape_of(x.expr)) < rank:
        x = Formula(_padded(x.expr, rank), x.shape)
    return Formula(_transposed(x.expr, order, shape), shape)


def _vector_of(expr: Expr) -> Expr | None:
    """The vector that a row is: its transpose is that vector with an axis   (T6)."""
    if len(shape_of(expr)) == 1:
        return expr
    is_row = is_op(expr, "reshape") and len(shape_of(expr.args[0])) == 1 and is_one(shape_of(expr)[0])
    return expr.args[0] if is_row else None


def _padded(expr: Expr, rank: int) -> Expr:
    """The same entries with leading axes of size 1, so that a permutation of axes means something."""
    physical = shape_of(expr)
    return call("reshape", {"shape": (1,) * (rank - len(physical)) + physical}, expr)


def is_matrix_transpose(order: tuple[int, ...]) -> bool:
    """Whether a permutation swaps the last two axes and nothing else."""
    rank = len(order)
    return rank >= 2 and order == (*range(rank - 2), rank - 1, rank - 2)


def _transposed(expr: Expr, order: tuple[int, ...], shape: Shape) -> Expr:
    if isinstance(expr, Apply) and expr.name == "transpose":  # T1
        inner = expr.parameters["axes"]
        composed = tuple(inner[a] for a in order)
        source = expr.args[0]
        return source if composed == tuple(range(len(order))) else _transposed(source, composed, shape)
    matrix = is_matrix_transpose(order)
    if matrix and isinstance(expr, Apply) and expr.name == "matmul":  # T2
        return RULES["matmul"](*[Formula(a, shape_of(a)) for a in map(swap, reversed(expr.args))]).expr
    if isinstance(expr, Apply) and expr.name in {"ones", "zeros"}:
        return Apply(expr.name, (), {"shape": shape}, shape)
    if matrix and isinstance(expr, Apply) and expr.name == "outer":
        return call("outer", {}, expr.args[1], expr.args[0])
    if matrix and is_diagonal(expr):
        return expr
    if matrix and is_op(expr, "kron") and len(order) == 2 and all(len(shape_of(a)) == 2 for a in expr.args):
        return call("kron", {}, *map(swap, expr.args))
    if matrix and isinstance(expr, Apply) and expr.name == "eye" and expr.shape[-1] == expr.shape[-2]:
        return expr
    if matrix and is_op(expr, "inv") and (all(map(is_one, shape)) or swap(expr.args[0]) == expr.args[0]):
        return expr  # of one entry, too   (T7): 1/S, while x·δᵀ keeps the pattern that it has for more
    if matrix and isinstance(expr, (Add, Mul)) and any(_holds_transpose(a) for a in expr.args):  # T3
        rank = len(order)
        if all(len(shape_of(a)) in (0, rank) for a in expr.args):
            return expr.func(*[a if not shape_of(a) else swap(a) for a in expr.args])
    if matrix and isinstance(expr, Mul) and len(order) == 2 and any(is_op(a, "ones") for a in expr.args):
        return Mul(*[_turned_broadcast(a) for a in expr.args])
    return Apply("transpose", (expr,), {"axes": order}, tuple(shape_of(expr)[a] for a in order))


def is_diagonal(expr: Expr) -> bool:
    """Whether an expression is a vector on the main diagonal of zeros."""
    return is_op(expr, "diag") and len(shape_of(expr)) == 2 and expr.parameters["k"] == 0


def _turned_broadcast(factor: Expr) -> Expr:
    """A factor of a product that is broadcast, for its transpose: a row becomes a column."""
    if len(shape_of(factor)) == 1:
        return call("expand_dims", {"axis": 1}, factor)
    if is_op(factor, "expand_dims") and len(shape_of(factor.args[0])) == 1:
        return factor.args[0]
    return swap(factor)


def _holds_transpose(expr: Expr) -> bool:
    if isinstance(expr, Apply) and expr.name == "matmul":
        return all(_holds_transpose(a) for a in expr.args)
    if isinstance(expr, Mul):
        return any(_holds_transpose(a) for a in expr.args)
    return isinstance(expr, Apply) and expr.name == "transpose" and is_matrix_transpose(expr.parameters["axes"])


def swap(expr: Expr) -> Expr:
    """The matrix transpose of an expression; a vector is its own."""
    shape = shape_of(expr)
    if len(shape) < 2:
        return expr
    rank = len(shape)
    return transpose(Formula(expr, shape), axes=(*range(rank - 2), rank - 1, rank - 2)).expr


def flip(x: Formula, *, axis: Any = None) -> Formula:
    """Reversed twice: only the axes stay that one of the two reverses   (D8); a constant is its own reversal."""
    factor, inner = split_scalar(x.expr)
    if not shape_of(x.expr):
        return x
    if not is_op(inner, "flip") or inner.shape != x.shape:
        return generic("flip", {"axis": axis}, (x,))
    once = {*axes_of(axis, len(x.shape))} ^ {*axes_of(inner.parameters["axis"], len(x.shape))}
    before = Formula(factor * inner.args[0], x.shape)
    return build("flip", {"axis": tuple(once)}, (before,)) if once else before


RULES["transpose"] = transpose
RULES["flip"] = flip
