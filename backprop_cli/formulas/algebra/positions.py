"""Entries by their positions: what x[...] takes and what puts it back, e[k] and one_hot (S4), the diagonal (D3, D4)."""

from __future__ import annotations

from typing import Any, TypeGuard

from sympy import Add, Expr, Integer, Mul, S

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.subscripts import Span, plainest
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_one, is_op, shape_of, symbols_of, tree_size
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.formula import RULES, Formula, build, call, generic, materialize, scaled, zero
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.shapes import broadcast_to, expand_dims, reshape
from backprop_cli.language.model import Shape


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
    if len(x.shape) == 1 and (apart := _term_by_term(rest, index)) is not None:
        return scaled(factor, Formula(apart, shape))
    made = Apply("index", (materialize(Formula(rest, x.shape)),), {"index": index}, shape)
    return scaled(factor, Formula(made, shape))


def _at_number(expr: Expr, shape: Shape, number: int) -> Expr | None:
    """What stands first along an axis at a number: e[k][k] is 1, stack([a, b])[1] is b, x[2:][0] is x[2]."""
    if len(shape_of(expr)) != len(shape):
        return None
    if is_op(expr, "index") and len(expr.parameters["index"]) == 1 and isinstance(expr.parameters["index"][0], Span):
        taken = _taken(expr.parameters["index"][0], shape_of(expr.args[0])[0])
        return call("index", {"index": (taken[number],)}, expr.args[0])
    if is_unit_vector(expr):
        return Integer(expr.parameters["index"][0] % shape[0] == number % shape[0])
    return expr.args[number] if is_op(expr, "stack") and expr.parameters["axis"] % len(shape) == 0 else None


def _term_by_term(expr: Expr, index: Any) -> Expr | None:
    """(p - e[0])[0] as p[0] - 1, (p - e[0])[1:] as p[1:]: of a sum with unit vectors whose entries there are known."""
    terms = [split_scalar(term) for term in expr.args] if isinstance(expr, Add) else []
    known = [_is_known(rest, index[0]) for _, rest in terms]
    if not any(known):
        return None
    entries = [S.Zero if zero and isinstance(index[0], Span) else call("index", {"index": index}, rest)
               for zero, (_, rest) in zip(known, terms, strict=True)]  # fmt: skip
    return Add(*[factor * entry for (factor, _), entry in zip(terms, entries, strict=True)])


def _is_known(expr: Expr, at: Any) -> bool:
    """Whether what is taken from it is a number: any entry of e[k], or several without the one that is 1."""
    if not is_unit_vector(expr):
        return False
    n, k = expr.shape[0], expr.parameters["index"][0]
    return isinstance(at, int) or isinstance(at, Span) and k % n not in _taken(at, n)


def _taken(span: Span, n: int) -> range:
    """The positions that a stretch of an axis holds."""
    return range(*slice(span.first, span.stop, span.step).indices(int(n)))


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
    if x.shape and (alone := _ones_taken(index, target)):
        kept = tuple(Span() if axis in alone else item for axis, item in enumerate(index))
        return scatter(expand_dims(x, axis=alone[0]), index=kept, shape=target)
    *whole, last = index
    if len(x.shape) == 1 == len(target) - 1 and isinstance(last, int) and all(one == Span() for one in whole):
        axis = len(whole)  # a row is e[k] vᵀ, a column v e[k]ᵀ
        unit = Apply("scatter", (S.One,), {"index": index[-1:], "shape": (target[axis],)}, (target[axis],))
        return Formula(call("outer", {}, *((materialize(x), unit) if axis else (unit, materialize(x)))), target)
    if not x.shape:
        made = Apply("scatter", (S.One,), {"index": index, "shape": target}, target)
        return Formula(Mul(x.expr, made), target)
    factor, rest = split_scalar(x.expr)
    made = Apply("scatter", (materialize(Formula(rest, x.shape)),), {"index": index, "shape": target}, target)
    return scaled(factor, Formula(made, target))


def _ones_taken(index: Any, target: Shape) -> tuple[int, ...]:
    """The first axis of size 1 of which the only entry was taken, where all axes before it stayed."""
    taken = [axis for axis, item in enumerate(index) if isinstance(item, int)]
    plain = None not in index and Ellipsis not in index
    return tuple(taken[:1]) if plain and taken and is_one(target[taken[0]]) else ()


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
        if len(shape_of(labels)) < len(unit.shape):  # of one label alone: an axis of size 1 is not written
            return None
        return call("take_along_axis", {"axis": len(unit.shape) - 1}, p, labels)
    return None


def only_new_axes(index: Any) -> bool:
    """Whether subscripts take everything and add axes: `x[None, :]`."""
    return None in index and all(item is None or item is Ellipsis or item == Span() for item in index)


def _turned(index: Any, shape: Shape) -> tuple[int, ...]:
    """The axes that subscripts turn round, x[::-1], where all is taken; none where anything else happens."""
    if not all(isinstance(item, Span) for item in index):
        return ()
    taken = [_taken(item, n) for item, n in zip(index, shape, strict=False)]
    whole = all(len(found) == int(n) for found, n in zip(taken, shape, strict=False))
    return tuple(axis for axis, found in enumerate(taken) if found.step < 0) if whole else ()


def is_named(expr: Expr) -> bool:
    """Whether an expression is a node, or a row of one."""
    return isinstance(expr, TensorSymbol) or is_op(expr, "index") and isinstance(expr.args[0], TensorSymbol)


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


RULES |= {
    "index": index, "scatter": scatter, "scatter_add": along, "index_add": added, "one_hot": one_hot, "eye": eye,
    "diag": diag,
}  # fmt: skip
