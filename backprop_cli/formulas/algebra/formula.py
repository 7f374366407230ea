"""Formulas: an expression with the true shape of what it stands for, and how operators are made of them.

The rules register themselves in `RULES`; an op without one becomes a plain `Apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Expr, Mul, Pow, Rational, S

from backprop_cli.engine.normal import ALONG, REDUCING, normal
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import broadcast, reduced
from backprop_cli.formulas.algebra.expr import (
    NONE,
    REBUILD,
    Apply,
    TensorSymbol,
    exact,
    shape_of,
)
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.growing import plus, times
from backprop_cli.formulas.algebra.positive import is_positive
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.work import spend
from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass

MAX_EXPONENT = 10_000

RULES: dict[str, Callable[..., Formula]] = {}
"""How an op is made of formulas, already simplified; filled by the modules of rules."""


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """What a rule sees: an expression and its true shape.  It refuses to be a truth value."""

    expr: Expr
    shape: Shape

    def __bool__(self) -> bool:
        raise TypeError("a formula has no truth value: use where, maximum or a comparison word in the rule")

    def __add__(self, other: Formula | float) -> Formula:
        return _pointwise(plus, self, other)

    def __radd__(self, other: Formula | float) -> Formula:
        return _pointwise(plus, other, self)

    def __sub__(self, other: Formula | float) -> Formula:
        return _pointwise(plus, self, -lift(other))

    def __rsub__(self, other: Formula | float) -> Formula:
        return _pointwise(plus, other, -self)

    def __mul__(self, other: Formula | float) -> Formula:
        return _pointwise(times, self, other)

    def __rmul__(self, other: Formula | float) -> Formula:
        return _pointwise(times, other, self)

    def __truediv__(self, other: Formula | float) -> Formula:
        return _pointwise(_quotient, self, other)

    def __rtruediv__(self, other: Formula | float) -> Formula:
        return _pointwise(_quotient, other, self)

    def __pow__(self, other: Formula | float) -> Formula:
        return _pointwise(power, self, other)

    def __rpow__(self, other: Formula | float) -> Formula:
        return _pointwise(power, other, self)

    def __neg__(self) -> Formula:
        return Formula(-self.expr, self.shape)

    @property
    def mT(self) -> Formula:  # noqa: N802 (numpy's name)
        """The last two axes swapped."""
        rank = len(self.shape)
        return RULES["transpose"](self, axes=(*range(rank - 2), rank - 1, rank - 2))

    def __matmul__(self, other: Formula) -> Formula:
        return RULES["matmul"](self, other)


def lift(value: Formula | float) -> Formula:
    """A formula, or a number as one."""
    return value if isinstance(value, Formula) else Formula(exact(value), ())


def power(base: Expr, exponent: Expr) -> Expr:
    """A power; one that is no real number, or astronomically long, stays unevaluated; √(x²) is |x|."""
    if base.is_number and exponent.is_number and not _has_short_value(base, exponent):
        return Apply("power", (base, exponent), {}, ())
    found = Pow(base, exponent)
    if isinstance(exponent, Rational) and exponent.q == 2:
        found = Mul(*map(_absolute, Mul.make_args(_apart(found))))
    if not exponent.is_Integer and found.has(S.ImaginaryUnit):  # √(-N)
        return Apply("power", (base, exponent), {}, shape_of(base))
    return found


def _apart(root: Expr) -> Expr:
    """√(p q) of what is positive as √p √q, so that either meets what stands beside it; it is printed as one root."""
    if not isinstance(root, Pow) or not isinstance(root.base, Mul):
        return root
    facts = facts_of(root)
    bases = [(f, *f.as_base_exp()) for f in root.base.args]
    positive = {f: Pow(b, e * root.exp) for f, b, e in bases if isinstance(b, TensorSymbol) and is_positive(b, facts)}
    rest = Mul(*[f for f in root.base.args if f not in positive])
    return Mul(*positive.values(), Pow(rest, root.exp))


def _absolute(factor: Expr) -> Expr:
    """(x²)^(n/2) as |x|ⁿ."""
    if not isinstance(factor, Pow) or not isinstance(factor.base, Pow) or factor.base.exp != 2:
        return factor
    return Pow(call("abs", {}, factor.base.base), 2 * factor.exp)


def _has_short_value(base: Expr, exponent: Expr) -> bool:
    """Whether a power of numbers is a number that can be written: 2³, √(2π), but not 1/0, √-2 or 9^(9^9)."""
    root = base.is_Rational or base.is_Mul and base.has(S.Pi) or base is S.Pi  # √(2π) is √2 √π
    if not root or not exponent.is_Rational or base == 0 and exponent <= 0:
        return False
    return (exponent.is_Integer or bool(base >= 0)) and _is_short(base.as_coeff_Mul()[0], exponent)


def _is_short(base: Expr, exponent: Expr) -> bool:
    assert isinstance(base, Rational)
    return abs(exponent) * max(base.p.bit_length(), base.q.bit_length()) <= MAX_EXPONENT


def _quotient(a: Expr, b: Expr) -> Expr:
    return Mul(a, power(b, S.NegativeOne) if b == 0 else Pow(b, -1))


def _pointwise(combine: Callable[..., Expr], a: Formula | float, b: Formula | float) -> Formula:
    left, right = lift(a), lift(b)
    shape = left.shape if left.shape == right.shape else broadcast(left.shape, right.shape)
    spend(len(left.expr.args) + len(right.expr.args))
    return Formula(combine(left.expr, right.expr), shape)


def drop_leading_ones(shape: Shape) -> Shape:
    """Leading axes of size 1 say nothing: broadcasting puts them back."""
    start = 0
    while start < len(shape) and shape[start] == 1:
        start += 1
    return shape[start:]


def materialize(formula: Formula) -> Expr:
    """The expression with its true shape: a broadcast that was understood is written out as a factor of ones."""
    physical = shape_of(formula.expr)
    if physical == formula.shape:
        return formula.expr
    if physical and drop_leading_ones(physical) == drop_leading_ones(formula.shape):
        kept = kept_axes(formula.expr, formula.shape)
        return kept if kept is not None else Apply("reshape", (formula.expr,), {"shape": formula.shape}, formula.shape)
    if formula.expr == 0:
        return Apply("zeros", (), {"shape": formula.shape}, formula.shape)
    ones = Apply("ones", (), {"shape": formula.shape}, formula.shape)
    rest = [f for f in Mul.make_args(formula.expr) if not (isinstance(f, Apply) and f.name == "ones")]
    return Mul(*rest, ones)


def kept_axes(expr: Expr, shape: Shape) -> Expr | None:
    """Σ, a mean, a norm with the axes kept that it reduces, where that is the shape asked for."""
    if not isinstance(expr, Apply) or expr.parameters.get("keepdims") is not False:
        return None
    if reduced(shape_of(expr.args[0]), expr.parameters["axis"], True) != shape:
        return None
    return Apply(expr.name, expr.args, {**expr.parameters, "keepdims": True}, shape)


def scaled(factor: Expr, formula: Formula) -> Formula:
    """A formula times a scalar."""
    return formula if factor == 1 else Formula(Mul(factor, formula.expr), formula.shape)


def zero(shape: Shape) -> Formula:
    """Nothing, with a shape (M2)."""
    return Formula(S.Zero, shape)


# ── making operators ─────────────────────────────────────────────────────────────────────────────


def build(name: str, parameters: Mapping[str, object], operands: tuple[Any, ...]) -> Formula:
    """An op of the registry applied to formulas."""
    maker = RULES.get(name)
    if name in REDUCING or name in ALONG or OPS[name].alike is not None:
        parameters = normal(name, parameters, lift(operands[0]).shape)
    made = generic(name, parameters, operands) if maker is None else maker(*operands, **parameters)
    return _lawful(name, made)


def _lawful(name: str, formula: Formula) -> Formula:
    """An operator that was just made, by a law about its operands if there is one."""
    if name not in LAWFUL:
        return formula
    factors = Mul.make_args(formula.expr)
    operator = next((f for f in factors if isinstance(f, Apply) and f.name == name), None)
    found = None if operator is None else LAWFUL[name](operator)
    if found is None:
        return formula
    return Formula(Mul(*[f for f in factors if f is not operator], found), formula.shape)


LAWFUL: dict[str, Callable[[Expr], Expr | None]] = {}
"""Operators that laws are about, and what applies them; filled by the matcher."""


def call(name: str, parameters: Mapping[str, Any], *args: Expr) -> Expr:
    """An op on expressions of their true shape, simplified."""
    return build(name, parameters, tuple(Formula(a, shape_of(a)) for a in args)).expr


def generic(name: str, parameters: Mapping[str, object], operands: tuple[Any, ...]) -> Formula:
    """An operator without rules of its own; linear ones let scalars out."""
    op = OPS[name]
    formulas = [None if o is None else lift(o) for o in operands]
    shape = op.shape(*(None if f is None else f.shape for f in formulas), **parameters)
    if op.pointwise:
        args = tuple(NONE if f is None else f.expr for f in formulas)
        physical = broadcast(*(shape_of(a) for a in args))
        return Formula(Apply(name, args, parameters, physical), shape)
    factor: Expr = S.One
    args_list: list[Expr] = []
    given = zip(op.signature.operands, formulas, strict=False)
    affine = bool(parameters.get("constant_values")) or any(
        f is not None and name in op.signature.optional for name, f in given
    )
    for position, formula in enumerate(formulas):
        if formula is None:
            args_list.append(NONE)
            continue
        expr = formula.expr
        if op.is_linear_in(position) and not affine:
            if expr == 0:
                return zero(shape)
            pulled, expr = split_scalar(expr) if formula.shape else (S.One, expr)
            factor *= pulled
        args_list.append(materialize(Formula(expr, formula.shape)))
    return scaled(factor, Formula(Apply(name, tuple(args_list), parameters, shape), shape))


def _rebuilt(before: Apply, args: tuple[Expr, ...]) -> Expr:
    """An operator made again after a substitution below it; what is the same number everywhere keeps its axes."""
    name, parameters = before.name, before.parameters
    if name in {"ones", "zeros"} or name == "scatter" and args[0] == 1:
        return Apply(name, args, parameters, tuple(parameters["shape"]))
    if OPS[name].pointwise:
        return build(name, parameters, tuple(None if a == NONE else Formula(a, shape_of(a)) for a in args)).expr
    formulas = [_with_axes(a, had) for a, had in zip(args, before.args, strict=True)]
    if name == "matmul":
        return RULES["matmul"](*formulas).expr
    given = tuple(None if a == NONE else f for a, f in zip(args, formulas, strict=True))
    return materialize(build(name, parameters, given))


def _with_axes(expr: Expr, before: Expr) -> Formula:
    """An operand, with the axes of what it stands for: x/x is 1, of as many entries as x has."""
    shape, had = shape_of(expr), shape_of(before)
    return Formula(expr, shape if shape == had else broadcast(shape, had))


REBUILD["*"] = _rebuilt
