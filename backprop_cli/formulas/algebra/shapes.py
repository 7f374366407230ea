"""Ops that only move entries: a reshape of a reshape is one (R1), a constant has every shape, leading ones go (S6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Add, Expr, Integer, Mul, Pow

from backprop_cli.engine.ops.base import axes_of, reduced
from backprop_cli.engine.ops.shaping import broadcast_shape, expand_shape, reshape_shape, squeeze_shape
from backprop_cli.formulas.algebra.expr import Apply, is_one, is_op, shape_of
from backprop_cli.formulas.algebra.formula import RULES, Formula, call, kept_axes, materialize, scaled
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.language.model import Shape


def reshape(x: Formula, *, shape: Any) -> Formula:
    """A reshape of a reshape is one; a constant has every shape."""
    target = reshape_shape(x.shape, shape=shape)
    if not shape_of(x.expr):
        return Formula(x.expr, target)
    if drop_front(x.shape) == target:
        return Formula(_without_front(x.expr, len(target)), target)
    factor, rest = split_scalar(x.expr)
    expr = materialize(Formula(rest, x.shape))
    return scaled(factor, Formula(reshaped(expr, target), target))


def _without_front(expr: Expr, rank: int) -> Expr:
    """Leading axes of size 1 dropped, term by term and factor by factor."""
    shape = shape_of(expr)
    if len(shape) <= rank:
        return expr
    if isinstance(expr, Add | Mul):
        return expr.func(*[_without_front(a, rank) for a in expr.args])
    return reshaped(expr, shape[len(shape) - rank :])


def reshaped(expr: Expr, target: Shape) -> Expr:
    """A materialized expression in another shape."""
    if shape_of(expr) == target:
        return expr
    if is_op(expr, "reshape") or is_op(expr, "expand_dims"):
        return reshaped(expr.args[0], target)
    if is_op(expr, "index") and expr.shape == (1,) and target == ():  # x[2:3] as a number is x[2]
        return call("index", {"index": (0,)}, expr)
    if isinstance(expr, Apply) and expr.parameters.get("keepdims"):
        axis = expr.parameters["axis"]
        if reduced(shape_of(expr.args[0]), axis, False) == target:
            return Apply(expr.name, expr.args, {**expr.parameters, "keepdims": False}, target)
        if len(target) < len(shape_of(expr)) and drop_front(shape_of(expr)) == target:  # Σ(x, axis=(0, 2))[:, None]
            return _with_axes_behind(expr, target)
    ready = _before_reshape(expr, shape_of(expr), target) or _kept(expr, target) or _into_sum(expr, target)
    if ready is None and target == (*shape_of(expr), 1):  # a column, as people write it
        return call("expand_dims", {"axis": len(target) - 1}, expr)
    return ready or Apply("reshape", (expr,), {"shape": target}, target)


def _with_axes_behind(expr: Apply, target: Shape) -> Expr:
    """A reduction with the axes kept that stand behind the others: leading ones are a matter of shape."""
    shape = shape_of(expr.args[0])
    axes, leading = axes_of(expr.parameters["axis"], len(shape)), len(shape) - len(target)
    plain = Apply(expr.name, expr.args, {**expr.parameters, "keepdims": False}, reduced(shape, axes, False))
    return call("expand_dims", {"axis": tuple(a - leading for a in axes if a >= leading)}, plain)


def _into_sum(expr: Expr, target: Shape) -> Expr | None:
    """A column of row sums, over a column, as a vector: (Σ A / n)[:, 0] is Σ(A/n), over the rows   (R1b)."""
    sums = [f for f in Mul.make_args(expr) if is_op(f, "sum") and f.parameters["keepdims"]]
    if not isinstance(expr, Mul) or len(sums) != 1 or any(shape_of(f) != sums[0].shape for f in expr.args):
        return None
    if reduced(shape_of(sums[0].args[0]), sums[0].parameters["axis"], False) != target:
        return None
    return Apply("sum", (sums[0].args[0] * expr / sums[0],), {**sums[0].parameters, "keepdims": False}, target)


def _before_reshape(expr: Expr, shape: Shape, target: Shape) -> Expr | None:
    """A pointwise expression of nothing but tensors that had the wanted shape: 1/reshape(x) back as 1/x   (R1)."""
    if not shape_of(expr):
        return expr
    if shape_of(expr) != shape:
        return None
    if is_op(expr, "reshape") or is_op(expr, "expand_dims"):
        return expr.args[0] if shape_of(expr.args[0]) == target else None
    if not isinstance(expr, Add | Mul | Pow):
        return None
    parts = [_before_reshape(a, shape, target) for a in expr.args]
    return None if None in parts else expr.func(*parts)


def expand_dims(x: Formula, *, axis: Any) -> Formula:
    """New axes; a leading one is only a matter of shape."""
    shape = expand_shape(x.shape, axis=axis)
    if not shape_of(x.expr) or drop_front(shape) == drop_front(x.shape):
        return Formula(x.expr, shape)
    factor, rest = split_scalar(x.expr)
    expr = materialize(Formula(rest, x.shape))
    if isinstance(expr, Pow) and expr.exp.free_symbols and not shape_of(expr.exp):  # (fᵍ)[:, None] meets f[:, None]
        return scaled(factor, Formula(Pow(expand_dims(Formula(expr.base, x.shape), axis=axis).expr, expr.exp), shape))
    if (below := _divisor(expr)) is not None:  # (1/p)[:, None] meets what stands above the fraction bar
        return scaled(factor, Formula(1 / expand_dims(Formula(below, x.shape), axis=axis).expr, shape))
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    kept = _kept(expr, shape)
    if kept is not None:
        return scaled(factor, Formula(kept, shape))
    if (is_op(expr, "reshape") or is_op(expr, "expand_dims")) and shape_of(expr.args[0]) == shape:
        return scaled(factor, Formula(expr.args[0], shape))
    return scaled(
        factor, Formula(Apply("expand_dims", (expr,), {"axis": axes[0] if len(axes) == 1 else axes}, shape), shape)
    )


def _divisor(expr: Expr) -> Expr | None:
    """What 1 is divided by; None where something else is, or a root."""
    parts = [f for f in Mul.make_args(expr) if isinstance(f, Pow) and f.exp.is_Integer and f.exp < 0]
    return 1 / expr if len(parts) == len(Mul.make_args(expr)) else None


def _kept(expr: Expr, shape: Shape) -> Expr | None:
    """Sums, and what is made of nothing but sums, with the axes kept that are asked for: (1/Σ x)[:, None]."""
    if not shape_of(expr):
        return expr
    if not isinstance(expr, Add | Mul | Pow):
        return kept_axes(expr, shape)
    parts = [_kept(a, shape) for a in expr.args]
    if isinstance(expr, Mul) and None in parts:
        return _beside_reshaped(expr, shape)
    return None if None in parts else expr.func(*parts)


def _beside_reshaped(expr: Mul, shape: Shape) -> Expr | None:
    """(x/reshape(y))[:, None] as x[:, None]/y, where y had that shape; None where no factor had   (R1)."""
    before = {a: _before_reshape(a, shape_of(expr), shape) for a in expr.args if shape_of(a)}
    if all(b is None for b in before.values()) or any(shape_of(a) != shape_of(expr) for a in before):
        return None
    rest = Mul(*[a for a, b in before.items() if b is None])
    scalars = Mul(*[a for a in expr.args if a not in before])
    column = shape == (*shape_of(rest), 1)
    moved = call("expand_dims", {"axis": len(shape) - 1}, rest) if column else reshaped(rest, shape)
    return scalars * Mul(*[b for b in before.values() if b is not None]) * moved


def drop_front(shape: Shape) -> Shape:
    """A shape without its leading, unnamed ones."""
    start = 0
    while start < len(shape) and is_one(shape[start]):
        start += 1
    return shape[start:]


def squeeze(x: Formula, *, axis: Any = None) -> Formula:
    """Axes of size 1 go."""
    return reshape(x, shape=squeeze_shape(x.shape, axis=axis))


def broadcast_to(x: Formula, *, shape: Any) -> Formula:
    """Only the true shape changes."""
    return Formula(x.expr, broadcast_shape(x.shape, shape=shape))


def filled(value: int) -> Callable[..., Formula]:
    """zeros and ones: a number with a shape."""
    return lambda *, shape: Formula(Integer(value), (shape,) if isinstance(shape, int) else tuple(shape))


RULES.update(reshape=reshape, expand_dims=expand_dims, squeeze=squeeze, broadcast_to=broadcast_to, zeros=filled(0),
             ones=filled(1))  # fmt: skip
