"""Sums over pairs: of a tensor that changes its sign where its first two axes change places, Σ_i is -Σ_j   (S12)."""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import axes_of
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_op, shape_of, tree_size
from backprop_cli.formulas.algebra.facts import Facts, facts_of
from backprop_cli.formulas.algebra.for_print.signs import ODD
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.symmetry import is_symmetric

EVEN = frozenset(("abs", "cos", "cosh", "square"))
"""Functions with f(-x) = f(x)."""

MAX_NODES = 60  # of what is looked into
MAX_DEPTH = 30  # of it, and of the definitions of its names
MAX_STEPS = 300

Known = dict[Expr, "Expr | None"]
"""What was found of the parts, those of definitions too."""


def one_axis(one: Expr, other: Expr) -> Expr | None:
    """Σ over axis 1 for Σ over axis 0, with its sign, where `other` is the first and `one` the second of one tensor."""
    if not (is_op(one, "sum") and is_op(other, "sum")) or one.args != other.args or one.shape != other.shape:
        return None
    inner = one.args[0]
    shape = shape_of(inner)
    if (one.parameters["axis"], other.parameters["axis"]) != (1, 0) or one.parameters["keepdims"]:
        return None
    if len(shape) < 2 or shape[0] != shape[1] or tree_size(inner) > MAX_NODES:
        return None
    sign = exchanged(inner, len(shape), facts_of(inner), {})
    return None if sign is None else sign * one


def exchanged(expr: Expr, rank: int, facts: Facts, known: Known, depth: int = 0) -> Expr | None:
    """1 or -1 where a tensor of some rank is itself, or its negative, with its first two axes exchanged; else None."""
    if len(shape_of(expr)) <= rank - 2:
        return S.One
    if len(shape_of(expr)) < rank:  # the same part may stand for a row, or for columns
        return _exchanged(expr, rank, facts, known, depth)
    if expr not in known:
        known[expr] = None
        if depth <= MAX_DEPTH and len(known) <= MAX_STEPS:
            known[expr] = _exchanged(expr, rank, facts, known, depth)
    return known[expr]


def _exchanged(expr: Expr, rank: int, facts: Facts, known: Known, depth: int) -> Expr | None:
    if isinstance(expr, TensorSymbol):
        return _of_symbol(expr, rank, facts, known, depth)
    if isinstance(expr, Add):
        signs = {exchanged(a, rank, facts, known, depth + 1) for a in expr.args}
        return signs.pop() if len(signs) == 1 and None not in signs else _of_difference(expr, rank)
    if isinstance(expr, Mul):
        signs_of = [exchanged(a, rank, facts, known, depth + 1) for a in expr.args]
        return None if None in signs_of else Mul(*[s for s in signs_of if s is not None])
    if isinstance(expr, Pow):
        sign = exchanged(expr.base, rank, facts, known, depth + 1)
        return sign if sign == 1 else S.NegativeOne**expr.exp if sign is not None and expr.exp.is_Integer else None
    return _of_operator(expr, rank, facts, known, depth) if isinstance(expr, Apply) else None


def _of_symbol(symbol: TensorSymbol, rank: int, facts: Facts, known: Known, depth: int) -> Expr | None:
    if len(symbol.shape) == rank == 2 and is_symmetric(symbol):
        return S.One
    made = facts.definitions.get(symbol)
    if made is None or len(symbol.shape) != rank or tree_size(made) > MAX_NODES:
        return None
    return exchanged(made, rank, facts, known, depth + 1)


def _of_operator(expr: Apply, rank: int, facts: Facts, known: Known, depth: int) -> Expr | None:
    if OPS[expr.name].pointwise:
        signs = [exchanged(a, rank, facts, known, depth + 1) for a in expr.args]
        if all(s == 1 for s in signs):
            return S.One
        if len(signs) > 1 or signs[0] is None:
            return None
        return S.NegativeOne if expr.name in ODD else S.One if expr.name in EVEN else None
    inner = shape_of(expr.args[0]) if expr.args else ()
    if is_op(expr, "expand_dims") and len(expr.shape) == rank:
        axis = expr.parameters["axis"]
        inside = isinstance(axis, int) and axis > 1
        return exchanged(expr.args[0], rank - 1, facts, known, depth + 1) if inside else None
    if is_op(expr, "sum") and len(expr.shape) == rank and min(axes_of(expr.parameters["axis"], len(inner))) > 1:
        return exchanged(expr.args[0], len(inner), facts, known, depth + 1)
    return S.One if rank == 2 == len(expr.shape) and is_symmetric(expr) else None


def _of_difference(expr: Add, rank: int) -> Expr | None:
    """x[:, None] - x is its own negative: the vector as a column and as a row, or the rows of a matrix."""
    turned = [_turned(a, rank) for a in expr.args]
    if None in turned:
        return None
    whole = Add(*[t for t in turned if t is not None])
    return S.One if whole == expr else S.NegativeOne if whole == -expr else None


def _turned(term: Expr, rank: int) -> Expr | None:
    """A term with its first two axes exchanged, where it is made of columns or of rows."""
    number, rest = term.as_coeff_Mul()
    if is_op(rest, "expand_dims") and len(rest.shape) == rank and rest.parameters["axis"] == 1:
        return number * rest.args[0]
    if len(shape_of(rest)) == rank - 1:
        return number * call("expand_dims", {"axis": 1}, rest)
    return None
