"""Reading cost: how much there is to read; a sign is free, a division by a sum dear."""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow, Rational

from backprop_cli.formulas.algebra.expr import Apply, SizeSymbol, TensorSymbol, shape_of, tree_size
from backprop_cli.formulas.algebra.skeleton import has_common_factors
from backprop_cli.formulas.algebra.work import remembered

LONG_NUMBER = 4000  # bits
LONG_OPERATOR = 8  # nodes
REPEATED = 4  # an operator costs 1, whatever it is of; but not for each time that it is repeated


def length(expr: Expr) -> tuple[int, int]:
    """Reading cost; among equals the shorter tree."""
    return reading_cost(expr), tree_size(expr)


@remembered
def reading_cost(expr: Expr) -> int:
    """How much there is to read: a sign is free, a division by a sum dear."""
    if expr.is_number or isinstance(expr, SizeSymbol):
        return 0 if expr in (1, -1) else 1 + _length(expr) // 3
    if isinstance(expr, Add):
        return sum(max(1, reading_cost(a)) for a in expr.args) + len(expr.args) - 1 + _repetition(expr) + _common(expr)
    if isinstance(expr, (Mul, Pow)):
        above, below = _fraction(expr)
        divided = _product_cost(below) + _division_cost(below) - _shared(above, below) if below else 0
        return _product_cost(above) + divided
    return 1


def _common(expr: Add) -> int:
    """What it costs that a name stands in each term: y - y², where y (1 - y) says it once."""
    names = ({f.as_base_exp()[0] for f in Mul.make_args(a)} for a in expr.args)
    return 2 if any(isinstance(one, TensorSymbol) for one in set.intersection(*names)) else 0


def _repetition(expr: Add) -> int:
    """What it costs to read a long operator in one term after another: Σ(...)/n + Σ(...)."""
    long = [f for a in expr.args for f in Mul.make_args(a) if isinstance(f, Apply) and tree_size(f) >= LONG_OPERATOR]
    return REPEATED * (len(long) - len(set(long)))


def _length(number: Expr) -> int:
    """How many characters a number has; Python refuses to write out thousands of digits."""
    bits = int(number.p).bit_length() + int(number.q).bit_length() if isinstance(number, Rational) else 0
    return len(str(number)) if bits < LONG_NUMBER else bits // 3


def _fraction(expr: Expr) -> tuple[list[Expr], list[Expr]]:
    """The factors above and below the fraction bar."""
    above, below = [], []
    for factor in Mul.make_args(expr):
        if isinstance(factor, Pow) and factor.exp.could_extract_minus_sign():
            below.append(Pow(factor.base, -factor.exp))
        else:
            above.append(factor)
    return above, below


def _shared(above: list[Expr], below: list[Expr]) -> int:
    """What is read once where it stands above and below: xᵖ/yᵖ is (x/y)ᵖ, for a symbol p."""
    over, under = ({f.exp for f in side if isinstance(f, Pow) and not f.exp.is_number} for side in (above, below))
    return sum(map(_exponent_cost, over & under))


def _exponent_cost(exponent: Expr) -> int:
    return 1 + (reading_cost(exponent) + 1) // 2


def _product_cost(factors: list[Expr]) -> int:
    return sum(map(_factor_cost, factors)) + max(0, sum(1 for f in factors if f != -1) - 1)


def _factor_cost(factor: Expr) -> int:
    """A root is dearer than a power, and x^(3/2) more."""
    if not isinstance(factor, Pow):
        return reading_cost(factor)
    exponent = factor.exp
    if not isinstance(exponent, Rational):
        return reading_cost(factor.base) + _exponent_cost(exponent)
    return reading_cost(factor.base) + (1 if exponent.is_Integer else 2 if exponent.p == 1 else 3)


def _division_cost(below: list[Expr]) -> int:
    """By a scalar, by a tensor, by a sum, by a sum that was not factored: the dearest factor counts, once."""
    bases = [b for f in below for b in Mul.make_args(f.base if isinstance(f, Pow) else f)]
    return max(9 if has_common_factors(b) else 6 if isinstance(b, Add) else 1 if not shape_of(b) else 3 for b in bases)
