"""The tensor algebra's atoms: symbols with shapes, and operators that mix positions.

sympy's own commutative Add, Mul and Pow are the elementwise, broadcasting algebra, because an identity of real
scalars holds at every position.  Everything else (matmul, sums over axes, inverses, but also pointwise functions
such as the sigmoid) is an `Apply`: a commutative atom of that algebra, built from an op of the registry.

An expression has a *physical* shape, the broadcast of its atoms' shapes.  It may be smaller than the true shape
of what it stands for (`x/x` is 1): `Formula` keeps the true one, and `materialize` restores it where an operator
needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from sympy import Add, Dummy, Expr, Float, Integer, Mul, Pow, Rational, S, Symbol, nan, oo
from sympy.core.basic import Basic

from backprop_cli.ops.base import broadcast
from backprop_cli.spec.model import Shape

MAX_EXPONENT = 10_000


class TensorSymbol(Dummy):  # type: ignore[misc]
    """The value of a node.  Two graphs never share one: a Dummy is equal to itself alone.

    `position` is the node's place in topological order; `leaf` whether it is an input or a param.
    """

    shape: Shape
    position: int
    leaf: bool
    index: int

    def __new__(cls, name: str, shape: Shape, position: int, leaf: bool = False) -> TensorSymbol:
        symbol = Dummy.__new__(cls, name, real=True)
        symbol.shape, symbol.position, symbol.leaf, symbol.index = shape, position, leaf, position
        return symbol  # type: ignore[no-any-return]


class GradSymbol(TensorSymbol):
    """∂output/∂node, as a symbol; `output` is what the output is called."""

    output: str


class SizeSymbol(Symbol):  # type: ignore[misc]
    """A named size of an axis, such as N."""

    shape: Shape = ()
    value: int

    def __new__(cls, name: str, value: int) -> SizeSymbol:
        symbol = Symbol.__xnew__(cls, name, positive=True, integer=True)
        symbol.value = value
        return symbol  # type: ignore[no-any-return]

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), str(self.value))


def size(n: int) -> Expr:
    """A number of entries: a letter where the axis is named."""
    name = getattr(n, "name", None)
    return SizeSymbol(name, int(n)) if name else Integer(int(n))


class Apply(Expr):  # type: ignore[misc]
    """An op of the registry applied to expressions; `parameters` are its static ones, as sorted pairs."""

    __slots__ = ("key", "name", "parameters", "shape")
    is_commutative = True
    is_real = True
    is_number = False  # sympy would take ones((3,)) or e[0] for one, since their arguments are
    name: str
    parameters: Mapping[str, Any]
    shape: Shape
    key: str

    def __new__(cls, name: str, args: tuple[Expr, ...], parameters: Mapping[str, Any], shape: Shape) -> Apply:
        made = Basic.__new__(cls, *args)
        made.name, made.parameters, made.shape = name, parameters, shape
        made.key = f"{name}|{sorted(parameters.items(), key=lambda p: p[0])!r}|{[getattr(s, 'name', None) or int(s) for s in shape]}"
        return made  # type: ignore[no-any-return]

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.key, *self.args)

    @property
    def func(self) -> Callable[..., Expr]:  # rebuilt by the rules, so that substitution simplifies
        return partial(_rebuild, self.name, self.parameters)

    def _eval_derivative(self, symbol: Any) -> Expr:
        raise TypeError("sympy cannot differentiate a tensor operator; the reverse pass does")

    def sort_key(self, order: Any = None) -> Any:
        return (5, 0, self.key), (len(self.args), tuple(a.sort_key() for a in self.args)), S.One.sort_key(), S.One

    def _sympystr(self, printer: Any) -> str:
        return f"{self.name}({', '.join(map(str, self.args))})"


NONE = Symbol("none")
"""Stands for an operand left out."""

REBUILD: dict[str, Callable[..., Expr]] = {}
"""Filled by the rules: how an operator is made again from changed arguments."""


def _rebuild(name: str, parameters: Mapping[str, Any], *args: Expr) -> Expr:
    return REBUILD["*"](name, parameters, args)


_SHAPES: dict[Expr, Shape] = {}


def shape_of(expr: Expr) -> Shape:
    """The physical shape of an expression."""
    if isinstance(expr, (Apply, TensorSymbol)):
        return expr.shape
    if not expr.args:
        return ()
    found = _SHAPES.get(expr)
    if found is None:
        if len(_SHAPES) > 200_000:
            _SHAPES.clear()
        found = _SHAPES[expr] = broadcast(*(shape_of(a) for a in expr.args))
    return found


_TREE_SIZES: dict[Expr, int] = {}


def tree_size(expr: Expr) -> int:
    """How many nodes the expression has, written out."""
    if not expr.args:
        return 1
    found = _TREE_SIZES.get(expr)
    if found is None:
        if len(_TREE_SIZES) > 200_000:
            _TREE_SIZES.clear()
        found = _TREE_SIZES[expr] = 1 + sum(tree_size(a) for a in expr.args)
    return found


def exact(value: Any) -> Expr:
    """A literal as an exact sympy number."""
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    if isinstance(value, int):
        return size(value)
    if value != value:
        return nan
    if value in (float("inf"), float("-inf")):
        return oo if value > 0 else -oo
    known = {3.141592653589793: S.Pi, 2.718281828459045: S.Exp1}
    return known.get(value) or Float(value, 17)


# ── formulas: an expression with the true shape of what it stands for ────────────────────────────


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """What a rule sees: an expression and its true shape.  It refuses to be a truth value."""

    expr: Expr
    shape: Shape

    def __bool__(self) -> bool:
        raise TypeError("a formula has no truth value: use where, maximum or a comparison word in the rule")

    def __add__(self, other: Any) -> Formula:
        return _pointwise(Add, self, other)

    def __radd__(self, other: Any) -> Formula:
        return _pointwise(Add, other, self)

    def __sub__(self, other: Any) -> Formula:
        return _pointwise(Add, self, -lift(other))

    def __rsub__(self, other: Any) -> Formula:
        return _pointwise(Add, other, -self)

    def __mul__(self, other: Any) -> Formula:
        return _pointwise(Mul, self, other)

    def __rmul__(self, other: Any) -> Formula:
        return _pointwise(Mul, other, self)

    def __truediv__(self, other: Any) -> Formula:
        return _pointwise(lambda a, b: Mul(a, Pow(b, -1)), self, other)

    def __rtruediv__(self, other: Any) -> Formula:
        return _pointwise(lambda a, b: Mul(a, Pow(b, -1)), other, self)

    def __pow__(self, other: Any) -> Formula:
        return _pointwise(power, self, other)

    def __rpow__(self, other: Any) -> Formula:
        return _pointwise(power, other, self)

    def __neg__(self) -> Formula:
        return Formula(-self.expr, self.shape)

    def __matmul__(self, other: Formula) -> Formula:
        from backprop_cli.algebra.rules import matmul

        return matmul(self, other)


def lift(value: Any) -> Formula:
    """A formula, or a number as one."""
    return value if isinstance(value, Formula) else Formula(exact(value), ())


def power(base: Expr, exponent: Expr) -> Expr:
    """A power; one whose exact value would be astronomically long stays unevaluated."""
    if base.is_Rational and exponent.is_Rational and abs(exponent) > MAX_EXPONENT:
        return Apply("power", (base, exponent), {}, ())
    return Pow(base, exponent)


def _pointwise(combine: Callable[..., Expr], a: Any, b: Any) -> Formula:
    left, right = lift(a), lift(b)
    shape = left.shape if left.shape == right.shape else broadcast(left.shape, right.shape)
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
        return Apply("reshape", (formula.expr,), {"shape": formula.shape}, formula.shape)
    if formula.expr == 0:
        return Apply("zeros", (), {"shape": formula.shape}, formula.shape)
    ones = Apply("ones", (), {"shape": formula.shape}, formula.shape)
    return Mul(formula.expr, ones)


_POSITIONS: dict[Expr, int] = {}


def position_of(expr: Expr) -> int:
    """How late in the graph the latest node of an expression stands; an upstream gradient is later than any node."""
    if isinstance(expr, GradSymbol):
        return 1_000_000 + expr.position
    if isinstance(expr, TensorSymbol):
        return -1_000_000 + expr.position if expr.leaf else expr.position
    found = _POSITIONS.get(expr)
    if found is None:
        if len(_POSITIONS) > 100_000:
            _POSITIONS.clear()
        found = _POSITIONS[expr] = max((position_of(a) for a in expr.args), default=-2_000_000)
    return found


def later_is_negative(expr: Expr) -> bool:
    """Whether the latest term of a sum has a minus: y - y_2, where y_2 - y reads better."""
    latest = max(expr.args, key=lambda t: (position_of(t), -tree_size(t), t.sort_key()))
    return bool(latest.as_coeff_Mul()[0].is_negative)
