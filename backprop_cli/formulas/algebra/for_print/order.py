"""The order of factors and terms, and where signs go: as a textbook would write them.

A product is in the order of the chain rule: numbers, scalars, the upstream gradient, then nodes with the latest
first, then leaves.  A sum prints `1 - y`, not `y - 1`, and its later node first.
"""

from __future__ import annotations

from sympy import Add, Expr, Float, Mul, Pow, Rational, S

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.expr import (
    FIRST_GRADIENT,
    Apply,
    is_op,
    position_of,
    shape_of,
    sort_key,
    symbols_of,
    tree_size,
)
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.for_print.roots import joined, one_root
from backprop_cli.formulas.algebra.for_print.signs import has_minus, is_complement, negated, sign_into
from backprop_cli.formulas.algebra.scalars import split_sum
from backprop_cli.formulas.algebra.style import PLAIN_STYLE, Style
from backprop_cli.formulas.algebra.work import remembered
from backprop_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Factors:
    """A product taken apart: sign · number · above / (denominator · below)."""

    sign: int
    number: Expr
    denominator: Expr
    above: list[Expr]
    below: list[Expr]


@remembered
def factors_of(expr: Expr, style: Style = PLAIN_STYLE) -> Factors:
    """Take a product apart, in printing order; once for all notations.

    With a `style` numbers and quotients are as the spec writes them: 0.02, not 1/50.
    """
    coefficient: Expr = S.One
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in Mul.make_args(expr):
        if factor.is_Rational or isinstance(factor, Float):
            coefficient = coefficient * factor
        elif isinstance(factor, Pow) and factor.exp.could_extract_minus_sign():
            below.append(Pow(factor.base, -factor.exp))
        elif isinstance(factor, Add):
            inner, rest = split_sum(factor)
            numeric, symbolic = inner.as_coeff_Mul()
            coefficient = coefficient * numeric
            for part in Mul.make_args(symbolic):
                if part != 1:
                    (below if isinstance(part, Pow) and part.exp.could_extract_minus_sign() else above).append(
                        Pow(part.base, -part.exp)
                        if isinstance(part, Pow) and part.exp.could_extract_minus_sign()
                        else part
                    )
            if isinstance(rest, Add) and all(t.as_coeff_Mul()[0].is_negative for t in rest.args):
                coefficient, rest = -coefficient, -rest
            above.append(rest)
        elif isinstance(factor, Pow) and factor.exp.is_even and _is_late_one(factor.base):
            above.append(Pow(-factor.base, factor.exp))
        else:
            above.append(factor)
    coefficient, above = _turned_slopes(coefficient, above)
    coefficient, above, below = one_root(coefficient, *joined(*style.with_quotients(above, below)))
    sign = -1 if coefficient.is_negative else 1
    coefficient = abs(coefficient)
    sign, below = _complements(sign, below)
    turned = sign_into(above, readily=not any(is_op(a, "matmul") for a in above)) if sign < 0 else None
    sign, above = (sign, above) if turned is None else (1, turned)
    number, denominator = _fraction(coefficient, not (above or below), style)
    if number == denominator == 1 and not above and len(below) == 1:
        above, below = _upended(below[0])
    return Factors(sign, number, denominator, sorted(above, key=factor_order), sorted(below, key=factor_order))


def _fraction(value: Expr, alone: bool, style: Style) -> tuple[Expr, Expr]:
    """What of a number stands above and below the fraction bar: a decimal stays whole."""
    if not isinstance(value, Rational) or small_decimal(value) or tenths(value, alone):
        return value, S.One
    return style.fraction(value)


def _upended(expr: Expr) -> tuple[list[Expr], list[Expr]]:
    """1/wᵍ as w⁻ᵍ and 1/eᵘ as e⁻ᵘ, where nothing else is divided; 1/w² stays."""
    if isinstance(expr, Pow) and not expr.exp.is_number:
        return [Pow(expr.base, -expr.exp)], []
    if is_op(expr, "exp"):
        minus = negated(expr.args[0])
        return [Apply("exp", (-expr.args[0] if minus is None else minus,), {}, expr.shape)], []
    return [], [expr]


def _is_late_one(expr: Expr) -> bool:
    """y - 1, where 1 - y reads better; of a size, 1 - N, where N - 1 does."""
    return isinstance(expr, Add) and expr.as_coeff_Add()[0] == (-1 if symbols_of(expr) else 1)


def _complements(sign: int, factors: list[Expr]) -> tuple[int, list[Expr]]:
    """`1 - y` rather than `y - 1` below a fraction bar, unless the spec writes that and no minus is in front."""
    turned = [-f if _is_late_one(f) and (sign < 0 or f not in facts_of(f).style.sums) else f for f in factors]
    changes = sum(1 for before, after in zip(factors, turned, strict=True) if before is not after)
    return sign * (-1) ** changes, turned


def _turned_slopes(coefficient: Expr, factors: list[Expr]) -> tuple[Expr, list[Expr]]:
    """-f (f - 1) as f (1 - f), and f (f - 1)(m - x) as f (1 - f)(x - m): where a minus goes with it."""
    late = [f for f in factors if isinstance(f, Add) and _is_late_one(f) and is_complement(-f, factors)]
    turned = [-f if f in late else f for f in factors]
    if len(late) % 2 == 0 or not coefficient.is_negative and sign_into(turned) is None:
        return coefficient, turned if len(late) % 2 == 0 else factors
    return -coefficient, turned


def tenths(value: Rational, alone: bool) -> bool:
    """0.9 y rather than 9 y/10, and 0.02 as a term; but y/10, which divides by a number of entries."""
    return value.q % 10 == 0 and 1000 % value.q == 0 and (alone or value.p != 1)


LARGE = 10**6
"""A denominator that nobody reads: 2⁻⁵² is 2.220446049250313e-16."""


def small_decimal(value: Rational) -> bool:
    """Whether a rational prints better as a decimal: 1e-5 rather than 1/100000."""
    q = value.q
    while q % 10 == 0:
        q //= 10
    return value.q >= LARGE or value.q >= 100 and q in (1, 2, 4, 5, 8, 20, 25, 125)


LONG = 200
"""Above so many nodes nobody sees an echo."""


def is_negative(expr: Expr) -> bool:
    """Whether a term prints with a minus."""
    return has_minus(expr) if expr.is_number or not isinstance(expr, Mul) else factors_sign(expr) < 0


def factors_sign(expr: Expr) -> int:
    """The sign a term prints with."""
    return factors_of(expr).sign if isinstance(expr, Mul) else 1


@remembered
def factor_order(expr: Expr) -> tuple[object, ...]:
    """π first, then scalars, names before functions, then later before earlier; at equal positions the longer sum."""
    position = position_of(expr)
    symbols = len(symbols_of(expr))
    return (
        not expr.is_number,
        max([bool(shape_of(expr)), *(symbol.place for symbol in symbols_of(expr))]),
        isinstance(expr, Apply) and expr.name == "ones",
        _is_call(expr) and position < FIRST_GRADIENT,
        -position,
        -min(symbols, 2),
        _weight(expr),
        sort_key(expr),
    )


SIGNS = {"abs", "floor", "ceil", "sqrt", "rsqrt", "square", "reciprocal"}
CALLS = {op.name for op in OPS.values() if op.group == "elementwise" and len(op.signature.operands) == 1} - SIGNS
"""Functions of one number that print as a name and brackets."""


def _is_call(expr: Expr) -> bool:
    """e cos(E), not cos(E) e, which may be taken for cos(E e); 1 - σ(z) stays beside σ(z)."""
    if isinstance(expr, Add) and len(expr.args) == 2 and expr.args[0].is_number:
        return _is_call(expr.args[1].as_coeff_Mul()[1])
    base = expr.base if isinstance(expr, Pow) else expr
    return isinstance(base, Apply) and base.name in CALLS


def _weight(expr: Expr) -> int:
    return 1 if isinstance(expr, Add) else 0


def echoed(expr: Add, terms: list[Expr]) -> list[Expr]:
    """y - t - mean(y - t), not y - mean(y - t) - t: terms that stand together inside another stay together here."""
    if len(terms) < 3 or tree_size(expr) > LONG:
        return terms
    own = set(terms)
    inner = (a for t in terms for a in t.atoms(Add) if 1 < len(a.args) < len(terms) and own.issuperset(a.args))
    found = min(inner, key=lambda a: (-len(a.args), sort_key(a)), default=None)
    if found is None or is_negative(first := next(t for t in terms if t in found.args)):
        return terms
    together = [t for t in terms if t in found.args]
    return [first, *(t for t in together if t is not first), *(t for t in terms if t not in found.args)]


def term_order(expr: Expr) -> tuple[object, ...]:
    """Positive before negative, later nodes first, then leaves as they are listed, products first; numbers last."""
    position = position_of(expr)
    if position >= 0:
        return (is_negative(expr), 0, -position, sort_key(expr))
    alone = len(symbols_of(expr)) < 2
    return (is_negative(expr), 1, expr.is_number, alone, position, isinstance(expr, Apply), sort_key(expr))
