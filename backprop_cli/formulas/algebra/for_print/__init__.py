"""The last stage of the algebra: what is printed is ordered and signed here, once for all notations   (Y2, Y3).

Constructors normalise, `tidy` chooses among equal forms, `for_print` orders terms and factors and places signs.  It
takes apart one node of an expression, since a walk may print a symbol as its definition; the walks of
`formulas.notation` print the parts that it gives, and do no algebra.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from sympy import Add, Expr, Mul, Pow, Rational

from backprop_cli.formulas.algebra.expr import TURNED, Apply, is_op
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.for_print.order import Factors, echoed, factors_of, is_negative, term_order
from backprop_cli.formulas.algebra.for_print.signs import has_minus, negated, sign_into
from backprop_cli.formulas.algebra.scalars import split_scalar, split_sum
from backprop_cli.formulas.algebra.style import PLAIN_STYLE, Style
from backprop_cli.formulas.algebra.transposes import swap
from backprop_cli.formulas.algebra.work import remembered
from backprop_cli.records import dataclass, replace


class Term(NamedTuple):
    """A term of a sum, without its sign."""

    minus: bool
    expr: Expr


@dataclass(frozen=True, slots=True)
class Terms:
    """A sum in printing order; the first term has no minus."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Negative:
    """A sum behind a minus."""

    of: Expr


@dataclass(frozen=True, slots=True)
class Transposed:
    """A matrix under one transpose, in place of one in each of its parts."""

    of: Expr


Arranged: TypeAlias = Terms | Factors | Negative | Transposed | Expr
"""What a node prints as; an expression is printed by its own kind."""


def for_print(expr: Expr, style: Style = PLAIN_STYLE) -> Arranged:
    """A node of an expression in printing order; numbers and quotients as the spec writes them."""
    if isinstance(expr, Apply):
        return OPERATORS.get(expr.name, _as_it_is)(expr)
    if isinstance(expr, Add):
        return _sum(expr, style)
    if isinstance(expr, (Mul, Rational)) or isinstance(expr, Pow) and has_minus(expr.exp) and expr.exp.is_number:
        return _product(expr, style)
    return expr


@remembered
def _sum(expr: Add, style: Style) -> Arranged:
    """Terms in order, a common factor in front, a minus for each negative one; once for all notations."""
    turned_back = untransposed(expr)
    if turned_back is not None:
        return Transposed(turned_back)
    opposite = _opposite(expr)
    if opposite is not None:
        return opposite
    factor, rest = split_sum(expr)
    if factor != 1:
        return _product(Mul(factor, rest, evaluate=False), style)
    terms = _as_written(expr, style) or echoed(expr, sorted(expr.args, key=term_order))
    if not all(map(is_negative, terms)):
        return Terms(tuple(Term(True, -t) if is_negative(t) else Term(False, t) for t in terms))
    first = next((t for t in map(negated, (-t for t in terms)) if t is not None), None)
    if first is None:
        return Negative(-expr)
    others = (Term(True, -t) for t in terms if negated(-t) != first)
    return Terms((Term(False, first), *others))


def _as_written(expr: Add, style: Style) -> list[Expr]:
    """The terms of a sum that the spec writes, as it does, unless that begins with a minus; else none."""
    terms = style.sums.get(expr, ())
    return [] if not terms or is_negative(terms[0]) else list(terms)


def _product(expr: Expr, style: Style) -> Factors:
    """Factors in order; a minus goes into one of them where there is a sum that takes it."""
    parts = factors_of(expr, style)
    turned = sign_into(parts.above) if parts.sign < 0 else None
    return parts if turned is None else replace(parts, sign=1, above=turned)


def untransposed(expr: Add) -> Expr | None:
    """XB + BX for BᵀXᵀ + XᵀBᵀ: a sum of products of transposes alone, as what one transpose is taken of   (T5)."""
    terms = [split_scalar(term) for term in expr.args]
    if not all(is_op(rest, "matmul") and all(map(_is_swapped, rest.args)) for _, rest in terms):
        return None
    return Add(*[factor * swap(rest) for factor, rest in terms])


def _opposite(expr: Add) -> Arranged | None:
    """[x ≤ 0] for 1 - [x > 0], of what is a number; in print only, since [x > 0] meets itself elsewhere   (Y4)."""
    one, mask = expr.args[0], -expr.args[-1]
    if len(expr.args) != 2 or one != 1 or not isinstance(mask, Apply) or mask.name not in OPPOSITE:
        return None
    if any(facts_of(mask).has_nan(side) for side in mask.args):
        return None
    return for_print(Apply(OPPOSITE[mask.name], mask.args, mask.parameters, mask.shape))


OPPOSITE = {"greater": "less_equal", "less": "greater_equal", "greater_equal": "less", "less_equal": "greater"}


def _is_swapped(expr: Expr) -> bool:
    return isinstance(expr, Apply) and expr.name == "transpose" and len(expr.shape) == 2


# ── operators ────────────────────────────────────────────────────────────────────────────────────


def _as_it_is(expr: Apply) -> Arranged:
    return expr


def _chain(expr: Apply) -> Arranged:
    """(CBA)ᵀ for AᵀBᵀCᵀ."""
    if len(expr.args) < 3 or not all(map(_is_swapped, expr.args)):
        return expr
    return Transposed(Apply("matmul", tuple(a.args[0] for a in reversed(expr.args)), {}, expr.shape[::-1]))


def _comparison(expr: Apply) -> Arranged:
    """[x > 0], however it was asked; [a > b] for [a - b > 0], [x < 0] for [-x > 0]."""
    left, right = _sides(*expr.args)
    if left.is_number and not right.is_number:
        return Apply(TURNED[expr.name], (right, left), expr.parameters, expr.shape)
    if right == 0 and has_minus(left):
        return Apply(TURNED[expr.name], (-left, right), expr.parameters, expr.shape)
    return expr if left is expr.args[0] else Apply(expr.name, (left, right), expr.parameters, expr.shape)


def _sides(left: Expr, right: Expr) -> tuple[Expr, Expr]:
    """A difference of two that is compared with 0, as the two: a - b > 0 is a > b, also of floating-point numbers."""
    if right != 0 or not isinstance(left, Add) or len(left.args) != 2:
        return left, right
    plus, minus = sorted(left.args, key=has_minus)
    return (plus, -minus) if has_minus(minus) and not has_minus(plus) else (left, right)


OPERATORS: Mapping[str, Callable[[Apply], Arranged]] = {"matmul": _chain, **dict.fromkeys(TURNED, _comparison)}

__all__ = ["Arranged", "Factors", "Negative", "Term", "Terms", "Transposed", "for_print"]
