"""Sums over axes.

What is constant counts and comes out (S1, S2), facts end a sum (S3), unit vectors sift (S4), and a sum distributes
only where a term then simplifies (S5).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Add, Expr, Mul, S

from backprop_cli.engine.ops.base import axes_of, reduced
from backprop_cli.formulas.algebra.brackets import freed
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_one, is_op, shape_of, size, tree_size
from backprop_cli.formulas.algebra.factoring import with_powers
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.formula import RULES, Formula, call, generic
from backprop_cli.formulas.algebra.labels import labelled
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.shapes import reshaped
from backprop_cli.formulas.algebra.sifting import sift
from backprop_cli.language.model import Shape

MAX_TERMS = 6  # of a sum that is multiplied out


def is_scalar(expr: Expr) -> bool:
    """Whether an expression is one number at every position."""
    return all(is_one(s) for s in shape_of(expr))


def total(x: Formula, *, axis: Any = None, keepdims: bool = False) -> Formula:
    """Σ over axes: constant axes count, constant factors come out, facts are used."""
    rank = len(x.shape)
    axes = axes_of(axis, rank)
    shape = reduced(x.shape, axes, keepdims)
    if x.expr == 0 or not axes:
        return Formula(x.expr, shape)
    inner = _nested(x, axes, keepdims)
    if inner is not None:
        return inner
    kept = sum_kept(freed(with_powers(x.expr)), x.shape, tuple(a - rank for a in axes))
    leading = axes == tuple(range(len(axes)))  # S6: broadcasting puts leading ones back
    return Formula(kept if keepdims and not leading else _without_axes(kept, x.shape, axes), shape)


def _nested(x: Formula, axes: tuple[int, ...], keepdims: bool) -> Formula | None:
    """Σ over axes that a Σ left is one Σ over all of them   (S16)."""
    factor, inner = split_scalar(x.expr)
    if not is_op(inner, "sum") or inner.shape != x.shape:
        return None
    summed = Formula(inner.args[0], shape_of(inner.args[0]))
    if len(axes) == len(x.shape):
        whole = total(summed)
    elif keepdims or inner.parameters["keepdims"]:
        return None
    else:
        gone = axes_of(inner.parameters["axis"], len(summed.shape))
        left = [a for a in range(len(summed.shape)) if a not in gone]
        whole = total(summed, axis=tuple(sorted((*gone, *(left[a] for a in axes)))))
    return Formula(factor * whole.expr, reduced(x.shape, axes, keepdims))


def _without_axes(kept: Expr, shape: Shape, axes: tuple[int, ...]) -> Expr:
    """Drop the summed axes from a sum that kept them; leading ones need no trace (S6)."""
    full = (1,) * (len(shape) - len(shape_of(kept))) + tuple(shape_of(kept))
    if is_scalar(kept) and len(shape_of(kept)) == 0:
        return kept
    target = tuple(s for i, s in enumerate(full) if i not in axes)
    if isinstance(kept, Mul):
        return Mul(*[_without_axes(a, shape, axes) for a in kept.args])
    if isinstance(kept, Add):
        return Add(*[_without_axes(a, shape, axes) for a in kept.args])
    return reshaped(kept, target)


def absent(physical: Shape, axis: int) -> bool:
    """Whether an expression is constant along a (negative) axis."""
    return len(physical) < -axis or is_one(physical[axis])


def sum_kept(expr: Expr, shape: Shape, axes: tuple[int, ...]) -> Expr:
    """Σ over negative axes of an expression of true shape `shape`; the summed axes stay, with size 1."""
    expr = _without_ones(expr)
    physical = shape_of(expr)
    constant = tuple(a for a in axes if absent(physical, a))
    factor = Mul(*[size(shape[a]) for a in constant])  # S1
    live = tuple(a for a in axes if a not in constant)
    if not live:
        return _means_out(factor, expr)
    alone = tuple(a for a in constant if len(physical) >= -a and is_one(shape[a]))  # S6: of size 1 all along
    return Mul(factor, _sum_live(expr, tuple(sorted((*live, *alone)))))


def _means_out(factor: Expr, expr: Expr) -> Expr:
    """n times a mean over n entries is the sum."""
    for mean in Mul.make_args(expr):
        if is_op(mean, "mean"):
            inner = shape_of(mean.args[0])
            axes = axes_of(mean.parameters["axis"], len(inner))
            if Mul(*[size(inner[a]) for a in axes]) == factor:
                total = _sum_apply(mean.args[0], tuple(a - len(inner) for a in axes), len(inner))
                return Mul(*[a for a in Mul.make_args(expr) if a is not mean], total)
    return Mul(factor, expr)


def _without_ones(expr: Expr) -> Expr:
    """A broadcast that was written out is understood again."""
    if isinstance(expr, Mul):
        return Mul(*[a for a in expr.args if not is_op(a, "ones")])
    return S.One if is_op(expr, "ones") else expr


def _sum_live(expr: Expr, axes: tuple[int, ...]) -> Expr:
    """Σ over axes that the expression really has; a leading one of size 1 may have gone with what came out of it."""
    axes = _own(axes, expr)
    if isinstance(expr, Add):
        return _sum_of_sum(expr, axes)
    constant, rest = _split_constant(expr, axes)
    if rest == 1:
        return constant
    axes = _own(axes, rest)
    known = facts_of(rest).sum(rest, axes)
    if known is None and len(axes) > 1:
        known = _sum_by_axis(rest, axes)
    if known is not None:  # S3
        return Mul(constant, known)
    sifted = sift(rest, axes)
    if sifted is not None:  # S4
        return Mul(constant, sifted)
    through = _sum_of_chain(rest, axes)
    through = _sum_of_outer(rest, axes) if through is None else through
    if through is not None:  # S8, S20
        return Mul(constant, through)
    if constant != 1:
        return Mul(constant, _sum_live(rest, axes))
    if isinstance(rest, Add):
        return _sum_of_sum(rest, axes)
    rank = len(shape_of(rest))
    whole = _sum_apply(rest, tuple(sorted(a for a in axes)), rank)
    apart = _sum_of_product(rest, axes) if isinstance(rest, Mul) else None
    return whole if apart is None or tree_size(apart) > tree_size(whole) + 1 else apart  # + 1: the sum it now is


def _own(axes: tuple[int, ...], expr: Expr) -> tuple[int, ...]:
    """Those of negative axes that an expression has."""
    return tuple(a for a in axes if -a <= len(shape_of(expr)))


def _sum_by_axis(expr: Expr, axes: tuple[int, ...]) -> Expr | None:
    """Σ over several axes where that over one of them is a number: all of n rows that sum to 1 is n   (S3c)."""
    shape, facts = shape_of(expr), facts_of(expr)
    for axis in axes:
        known = facts.sum(expr, (axis,))
        if known is not None and known.is_number:
            return Mul(known, *[size(shape[a]) for a in axes if a != axis])
    return None


def _sum_of_chain(expr: Expr, axes: tuple[int, ...]) -> Expr | None:
    """The rows of A·B sum to what those of A sum to, times B: to 0 where those do   (S8)."""
    if not is_op(expr, "matmul") or len(axes) != 1 or len(expr.shape) > 2:
        return None
    rows = axes[0] == -len(expr.shape)
    end, along = (expr.args[0], -2) if rows else (expr.args[-1], -1)
    known = facts_of(end).sum(end, (along,)) if len(shape_of(end)) == 2 else None
    return known if known == 0 else None


def _sum_of_outer(expr: Expr, axes: tuple[int, ...]) -> Expr | None:
    """The row sums of A ⊙ x yᵀ are x ⊙ (A y), its column sums (Aᵀ x) ⊙ y   (S20)."""
    outer = next((f for f in Mul.make_args(expr) if is_op(f, "outer")), None)
    if outer is None or axes not in {(-1,), (-2,)} or not isinstance(a := expr / outer, TensorSymbol):
        return None
    if a.shape != outer.shape:
        return None
    x, y = outer.args
    if axes == (-2,):
        return call("matmul", {}, call("transpose", {"axes": None}, a), x) * y
    return call("expand_dims", {"axis": 1}, x * call("matmul", {}, a, y))


def _sum_of_product(expr: Mul, axes: tuple[int, ...]) -> Expr | None:
    """Σ p (log p + 1) = Σ p log p + 1: multiplied out where a term is then known   (S5)."""
    sums = [a for a in expr.args if isinstance(a, Add)]
    if len(sums) != 1 or len(sums[0].args) > MAX_TERMS:
        return None
    rest = Mul(*[a for a in expr.args if a is not sums[0]])
    terms = [(term, *_split_constant(_picked(rest * term), axes)) for term in sums[0].args]
    known = [constant * _sum_live(inner, axes) for _, constant, inner in terms if _is_known(inner, axes)]
    if not known:
        return None
    left = Add(*[term for term, _, inner in terms if not _is_known(inner, axes)])
    return Add(*known, _sum_live(rest * left, axes) if left != 0 else left)


def _picked(expr: Expr) -> Expr:
    """p ⊙ y / pᵀy as y, for a label y   (I11c)."""
    return labelled(expr) or expr


def _is_known(expr: Expr, axes: tuple[int, ...]) -> bool:
    """Whether a sum is a number or an entry, for any data."""
    return expr != 1 and (facts_of(expr).sum(expr, axes, data=False) is not None or sift(expr, axes) is not None)


def _sum_apply(rest: Expr, axes: tuple[int, ...], rank: int) -> Expr:
    if is_op(rest, "eye") and len(axes) == 1 and rest.shape[0] == rest.shape[1]:
        return S.One
    positive = tuple(a + rank for a in axes)
    parameters = {
        "axis": None if len(axes) == rank else positive[0] if len(positive) == 1 else positive,
        "keepdims": True,
    }
    return Apply("sum", (rest,), parameters, reduced(shape_of(rest), positive, True))


def _split_constant(expr: Expr, axes: tuple[int, ...]) -> tuple[Expr, Expr]:
    """(c, rest): the factors that are constant along the axes come out (S2)."""
    if not isinstance(expr, Mul):
        return split_scalar(expr)
    constant = [a for a in expr.args if all(absent(shape_of(a), axis) for axis in axes)]
    rest = [a for a in expr.args if a not in constant]
    factor, inner = split_scalar(Mul(*rest))
    return Mul(*constant, factor), inner


def _sum_of_sum(expr: Add, axes: tuple[int, ...]) -> Expr:
    """Σ(a + b): apart only where a term then simplifies (S5)."""
    known = facts_of(expr).sum(expr, axes)
    if known is not None:
        return known
    used = facts_of(expr).used
    before = dict(used)
    done, rest = _split_terms(expr, axes, data=True)
    if rest:  # what is only seen in the data may end a sum, but not take one apart: it is not relied on
        used.clear()
        used.update(before)
        done, rest = _split_terms(expr, axes, data=False)
    if done and rest and not any(d.is_number for d in done):
        apart = Add(*done, _sum_live(Add(*rest), axes))
        counted = [t for t in expr.args if t not in rest and any(absent(shape_of(t), a) for a in axes)]
        if len(Add.make_args(apart)) > len(expr.args) - bool(counted):  # Σ(x - m) is plainer than Σ x - n m
            done = []
    if not done:
        factor, inner = split_scalar(expr)
        rank = len(shape_of(inner))
        return Mul(factor, _sum_apply(inner, tuple(sorted(axes)), rank))
    return Add(*done, _sum_live(Add(*rest), axes)) if rest else Add(*done)


def _split_terms(expr: Add, axes: tuple[int, ...], data: bool) -> tuple[list[Expr], list[Expr]]:
    """The sums of the terms that simplify, and the terms that do not."""
    done: list[Expr] = []
    rest: list[Expr] = []
    for term in expr.args:
        simplified = _sum_term(term, axes, expr, data)
        (rest if simplified is None else done).append(term if simplified is None else simplified)
    return done, rest


def _sum_term(term: Expr, axes: tuple[int, ...], whole: Add, data: bool) -> Expr | None:
    """Σ of one term of a sum where that is simpler than leaving it in: it is constant, a fact, or sifts."""
    full = shape_of(whole)
    physical = shape_of(term)
    if any(absent(physical, a) for a in axes):
        return sum_kept(term, full, axes)
    constant, rest = _split_constant(term, axes)
    known = facts_of(rest).sum(rest, axes, data)
    if known is None:
        known = sift(rest, axes)
    if known is None and isinstance(rest, Add):  # M ⊙ (x - mean x) with M constant along the axes
        inner = _sum_of_sum(rest, axes)
        known = inner if inner.is_number else None
    return None if known is None else Mul(constant, known)


def _plain(name: str) -> Callable[..., Formula]:
    """A reduction over all axes names none; size-1 axes kept in front only to broadcast are dropped."""

    def rule(x: Formula, *, axis: Any = None, keepdims: bool = False, **parameters: object) -> Formula:
        rank = len(x.shape)
        axes = axes_of(axis, rank)
        whole, leading = len(axes) == rank, axes == tuple(range(len(axes)))
        settings = {**parameters, "axis": None if whole else axis, "keepdims": keepdims and not leading}
        made = generic(name, settings, (x,))
        return Formula(made.expr, reduced(x.shape, axes, keepdims))

    return rule


RULES |= {"sum": total, **{name: _plain(name) for name in ("mean", "norm", "var", "std", "logsumexp")}}
