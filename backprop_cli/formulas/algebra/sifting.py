"""A sum that meets a unit vector, a one-hot or a diagonal matrix is an entry of what stands beside it   (S4, S15)."""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_one, is_op, shape_of
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.positions import is_unit, picked


def sift(expr: Expr, axes: tuple[int, ...]) -> Expr | None:
    """Σ(e[k] ⊙ x) = x[k] for the unit vector e[k]; Σ(one_hot(t) ⊙ p) is the p of each label   (S4)."""
    factors = Mul.make_args(expr)
    diagonal = next((a for a in factors if is_op(a, "diag") and len(a.shape) == 2), None)
    if diagonal is not None:
        return _diagonal(diagonal, expr / diagonal, axes)
    units = [a for a in factors if is_unit(a) or is_op(a, "one_hot")]
    if len(units) != 1:
        return None
    unit = units[0]
    rest = Mul(*[a for a in factors if a is not unit])
    whole = tuple(range(-len(unit.shape), 0))
    if is_op(unit, "one_hot"):
        return picked(unit, rest) if axes == (-1,) and isinstance(rest, (TensorSymbol, Apply)) else None
    if axes != whole or len(shape_of(rest)) > len(unit.shape):
        return None
    return S.One if not shape_of(rest) else element(rest, unit.parameters["index"], len(unit.shape))


def _diagonal(diagonal: Apply, rest: Expr, axes: tuple[int, ...]) -> Expr | None:
    """The row or column sums of P ⊙ diag(v) are diag(P) ⊙ v   (S15)."""
    if axes not in {(-1,), (-2,)} or not isinstance(rest, TensorSymbol) or rest.shape != diagonal.shape:
        return None
    entries = diagonal.args[0] * call("diag", {"k": 0}, rest)
    return entries if axes == (-2,) or not shape_of(entries) else call("expand_dims", {"axis": 1}, entries)


def element(expr: Expr, position: tuple[int, ...], rank: int) -> Expr:
    """x[k] of a pointwise expression: of each factor and term, where some may be broadcast."""
    if isinstance(expr, (Add, Mul, Pow)):
        return expr.func(*[element(a, position, rank) if shape_of(a) else a for a in expr.args])
    shape = shape_of(expr)
    own = zip(shape, position[rank - len(shape) :], strict=True)
    return call("index", {"index": tuple(0 if is_one(s) else i for s, i in own)}, expr)
