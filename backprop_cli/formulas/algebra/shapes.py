"""Ops that only move entries: a reshape of a reshape is one (R1), a constant has every shape, leading ones go (S6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

from sympy import Add, Expr, Integer, Mul, Pow, S

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import axes_of, reduced
from backprop_cli.engine.ops.shaping import broadcast_shape, expand_shape, reshape_shape, squeeze_shape
from backprop_cli.engine.ops.subscripts import Span, plainest
from backprop_cli.formulas.algebra.expr import Apply, is_one, is_op, shape_of, symbols_of, tree_size
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.formula import (
    RULES,
    Formula,
    build,
    call,
    generic,
    kept_axes,
    materialize,
    scaled,
    zero,
)
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
    if isinstance(expr, Apply) and expr.parameters.get("keepdims"):
        axis = expr.parameters["axis"]
        if reduced(shape_of(expr.args[0]), axis, False) == target:
            return Apply(expr.name, expr.args, {**expr.parameters, "keepdims": False}, target)
        if len(target) < len(shape_of(expr)) and drop_front(shape_of(expr)) == target:  # Σ(x, axis=(0, 2))[:, None]
            return _with_axes_behind(expr, target)
    ready = _before_reshape(expr, shape_of(expr), target) or _kept(expr, target) or _into_sum(expr, target)
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
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    kept = _kept(expr, shape)
    if kept is not None:
        return scaled(factor, Formula(kept, shape))
    if (is_op(expr, "reshape") or is_op(expr, "expand_dims")) and shape_of(expr.args[0]) == shape:
        return scaled(factor, Formula(expr.args[0], shape))
    return scaled(
        factor, Formula(Apply("expand_dims", (expr,), {"axis": axes[0] if len(axes) == 1 else axes}, shape), shape)
    )


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


def index(x: Formula, *, index: Any) -> Formula:
    """x[...] of a constant is the constant."""
    shape = OPS["index"].shape(x.shape, index=index)
    index = plainest(index, x.shape)
    if not shape_of(x.expr) or not index:
        return Formula(x.expr, shape)
    if only_new_axes(index):
        return expand_dims(x, axis=_new_axes(index, len(x.shape)))
    factor, rest = split_scalar(x.expr)
    if isinstance(index[0], int) and (one := _at_number(rest, x.shape, index[0])) is not None:
        return scaled(factor, build("index", {"index": index[1:]}, (Formula(one, x.shape[1:]),)))
    made = Apply("index", (materialize(Formula(rest, x.shape)),), {"index": index}, shape)
    return scaled(factor, Formula(made, shape))


def _at_number(expr: Expr, shape: Shape, number: int) -> Expr | None:
    """What stands first along an axis at a number: e[k][k] is 1, stack([a, b])[1] is b."""
    if len(shape_of(expr)) != len(shape):
        return None
    if is_unit_vector(expr):
        return Integer(expr.parameters["index"][0] % shape[0] == number % shape[0])
    return expr.args[number] if is_op(expr, "stack") and expr.parameters["axis"] % len(shape) == 0 else None


def scatter(x: Formula, *, index: Any, shape: Any) -> Formula:
    """A scalar scattered to one entry of a vector is that scalar times a unit vector."""
    target = tuple(shape)
    index = plainest(index, target)
    if x.expr == 0:
        return zero(target)
    if not index:
        return broadcast_to(x, shape=target)
    if turned := _turned(index, target):
        return build("flip", {"axis": turned}, (x,))
    if only_new_axes(index):
        return reshape(broadcast_to(x, shape=OPS["index"].shape(target, index=index)), shape=target)
    if len(index) == 1 == len(x.shape) == len(target) - 1 and isinstance(index[0], int):  # a row is e[k] vᵀ
        unit = Apply("scatter", (S.One,), {"index": index, "shape": target[:1]}, target[:1])
        return Formula(call("outer", {}, unit, materialize(x)), target)
    if not x.shape:
        made = Apply("scatter", (S.One,), {"index": index, "shape": target}, target)
        return Formula(Mul(x.expr, made), target)
    factor, rest = split_scalar(x.expr)
    made = Apply("scatter", (materialize(Formula(rest, x.shape)),), {"index": index, "shape": target}, target)
    return scaled(factor, Formula(made, target))


def one_hot(labels: Formula, *, n: int) -> Formula:
    """The row of a label that is a number is a unit vector; those of 0, 1, ..., n - 1 are I."""
    label = labels.expr
    if is_op(label, "arange") and labels.shape == (n,) and _from_0(label):
        return eye(n=n)
    if labels.shape or not label.is_Integer or not 0 <= int(label) < int(n):
        return generic("one_hot", {"n": n}, (labels,))
    return scatter(Formula(S.One, ()), index=(int(label),), shape=(n,))


def _from_0(counted: Apply) -> bool:
    """Whether arange counts 0, 1, 2, ...."""
    start, stop, step = (counted.parameters[name] for name in ("start", "stop", "step"))
    return step == 1 and (stop is None or start == 0)


def _new_axes(index: Any, rank: int) -> tuple[int, ...]:
    """Where the new axes of a subscript stand."""
    ahead = index.index(Ellipsis) if Ellipsis in index else len(index)
    behind = rank - sum(item == Span() for item in index)  # what the ellipsis, or leaving off, stands for
    return tuple(i if i < ahead else i - 1 + behind for i, item in enumerate(index) if item is None)


def along(x: Formula, indices: Formula, source: Formula, *, axis: int) -> Formula:
    """One entry a row added to zeros is one_hot(labels) times what is added   (S4); a vector has no rows."""
    if source.expr == 0:
        return x
    if len(x.shape) == 1 and indices.shape == source.shape:
        return added(x, indices, source, axis=0)
    last = axis % len(x.shape) == len(x.shape) - 1
    if x.expr != 0 or not last or not is_one(indices.shape[-1]) or indices.shape[:-1] != x.shape[:-1]:
        return generic("scatter_add", {"axis": axis}, (x, indices, source))
    labels = reshape(indices, shape=indices.shape[:-1])
    if from_the_end(labels.expr):
        return generic("scatter_add", {"axis": axis}, (x, indices, source))
    hot = Apply("one_hot", (materialize(labels),), {"n": x.shape[-1]}, x.shape)
    return Formula(Mul(hot, source.expr), x.shape)


def added(x: Formula, label: Formula, source: Formula, *, axis: int) -> Formula:
    """What is added to the one entry, row or column of zeros that a label names is one_hot(label) times it   (S4)."""
    rank, place = len(x.shape), axis % len(x.shape)
    if source.expr == 0:
        return x
    if label.expr.is_Integer and not label.shape:
        at = (*[Span()] * place, int(label.expr) % int(x.shape[place]))
        return Formula(Add(x.expr, scatter(source, index=at, shape=x.shape).expr), x.shape)
    if x.expr != 0 or label.shape or not (rank == 1 or rank == 2 == len(source.shape) + 1) or from_the_end(label.expr):
        return generic("index_add", {"axis": axis}, (x, label, source))
    hot = one_hot(label, n=x.shape[place])
    if rank == 1:
        return Formula(Mul(hot.expr, source.expr), x.shape)
    sides = (hot.expr, materialize(source)) if place == 0 else (materialize(source), hot.expr)
    return Formula(call("outer", {}, *sides), x.shape)


def from_the_end(labels: Expr) -> bool:
    """Whether a label counts from the end: one_hot knows no such label."""
    if not symbols_of(labels):
        return any(number < 0 for number in labels.atoms(Integer))
    known = facts_of(labels).labels(labels)
    return known is not None and bool((known < 0).any())


def picked(unit: Expr, p: Expr) -> Expr | None:
    """What e[k], or one_hot(labels), picks from p: p[k], or the entry of each row at its label   (S4)."""
    if is_unit(unit) and shape_of(p) == unit.shape:
        return Apply("index", (p,), {"index": unit.parameters["index"]}, ())
    if is_op(unit, "one_hot") and shape_of(p) == unit.shape:
        if len(unit.shape) == 1:
            return call("take", {"axis": 0}, p, unit.args[0])
        labels = call("expand_dims", {"axis": len(unit.shape) - 1}, unit.args[0])
        return call("take_along_axis", {"axis": len(unit.shape) - 1}, p, labels)
    return None


def only_new_axes(index: Any) -> bool:
    """Whether subscripts take everything and add axes: `x[None, :]`."""
    return None in index and all(item is None or item is Ellipsis or item == Span() for item in index)


def _turned(index: Any, shape: Shape) -> tuple[int, ...]:
    """The axes that subscripts turn round, x[::-1], where all is taken; none where anything else happens."""
    if not all(isinstance(item, Span) for item in index):
        return ()
    spans = [slice(item.first, item.stop, item.step).indices(int(n)) for item, n in zip(index, shape, strict=False)]
    taken = [range(*span) for span in spans]
    whole = all(len(found) == int(n) for found, n in zip(taken, shape, strict=False))
    return tuple(axis for axis, found in enumerate(taken) if found.step < 0) if whole else ()


def is_unit(expr: Expr) -> TypeGuard[Apply]:
    """Whether an expression is zeros with a 1 at one position."""
    return (
        is_op(expr, "scatter")
        and expr.args[0] == 1
        and len(expr.parameters["index"]) == len(expr.shape)
        and all(isinstance(i, int) for i in expr.parameters["index"])
    )


def is_unit_vector(expr: Expr) -> TypeGuard[Apply]:
    """Whether an expression is e[k]: 1 scattered to one position of a vector."""
    return is_unit(expr) and len(expr.shape) == 1


def unit_product(expr: Apply) -> Apply:
    """A matrix with a 1 at one position as e[j] · e[k]ᵀ; anything else as it is."""
    if not is_unit(expr) or len(expr.shape) != 2:
        return expr
    sides = zip(expr.parameters["index"], expr.shape, strict=True)
    units = tuple(Apply("scatter", (S.One,), {"index": (k,), "shape": (n,)}, (n,)) for k, n in sides)
    return Apply("outer", units, {}, expr.shape)


def eye(*, n: int, m: int | None = None) -> Formula:
    """The identity matrix."""
    return Formula(Apply("eye", (), {"n": n, "m": m}, (n, m or n)), (n, m or n))


def diag(x: Formula, *, k: int = 0) -> Formula:
    """A constant on the diagonal is that many identities; of a sum term by term, where that reads shorter (D3, D4b)."""
    if len(x.shape) == 1 and k == 0 and not shape_of(x.expr):
        return scaled(x.expr, eye(n=x.shape[0]))
    terms = [split_scalar(term) for term in Add.make_args(x.expr)]
    if len(x.shape) == 2 and len(terms) > 1 and k == 0 and all(shape_of(rest) == x.shape for _, rest in terms):
        apart = Add(*[factor * call("diag", {"k": 0}, rest) for factor, rest in terms])
        if tree_size(apart) <= 1 + tree_size(x.expr):
            return Formula(apart, x.shape[:1])
    if len(x.shape) == 2 and k == 0 and is_op(x.expr, "matmul") and len(x.expr.args) == 3:
        before, weights, after = x.expr.args
        if is_op(weights, "diag"):  # D4f
            rows = before * call("transpose", {"axes": None}, after)
            return Formula(call("matmul", {}, rows, weights.args[0]), x.shape[:1])
    return generic("diag", {"k": k}, (x,))


def filled(value: int) -> Callable[..., Formula]:
    """zeros and ones: a number with a shape."""
    return lambda *, shape: Formula(Integer(value), (shape,) if isinstance(shape, int) else tuple(shape))


RULES |= {
    "reshape": reshape, "expand_dims": expand_dims, "squeeze": squeeze, "broadcast_to": broadcast_to, "index": index,
    "scatter": scatter, "scatter_add": along, "index_add": added, "one_hot": one_hot, "eye": eye, "diag": diag,
    "zeros": filled(0), "ones": filled(1),
}  # fmt: skip
