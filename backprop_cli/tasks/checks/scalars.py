"""The value of a scalar sympy expression at a point: one memoised walk in float64 that tells a kink."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy
from sympy import Basic, Expr
from sympy.core.relational import Relational

from backprop_cli.engine.ops.errorfunction import erf, erfc
from backprop_cli.engine.ops.special import erfinv, lgamma, polygamma
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.formulas.algebra.kinks import Absolute, Floor, Jump, Larger, Sign, Step
from backprop_cli.tasks.checks.rounding import EPS


class KinkError(Exception):
    """The expression has no value here: a slope is asked for at a corner, or a condition holds on its very edge."""


class UnknownFunctionError(Exception):
    """A function of sympy that the table does not have."""


class Scalars:
    """Evaluates expressions at one point, sharing what they have in common.

    With `edges`, a condition that only just holds is one like any other: a rule for a tie asks for it.
    """

    def __init__(self, point: Mapping[Expr, float], edges: bool = False) -> None:
        self.edges = edges
        self.memo: dict[Expr, Any] = {symbol: np.float64(value) for symbol, value in point.items()}

    def __call__(self, expr: Expr) -> float:
        """The value; NaN or infinite where float64 has none.

        Raises:
            KinkError: at a kink.
            UnknownFunctionError: a function without a row in the table.
        """
        with np.errstate(all="ignore"):
            return float(self.walk(expr))

    def walk(self, expr: Expr) -> Any:
        """The value of a part, remembered."""
        found = self.memo.get(expr)
        if found is None:
            found = self.memo[expr] = self.value(expr)
        return found

    def value(self, expr: Expr) -> Any:
        """The value of a part, computed."""
        if expr is sympy.I:  # the root of a negative number is none
            return np.float64(math.nan)
        if expr.is_Number or expr.is_NumberSymbol or not expr.args:
            return np.float64(float(expr))
        if isinstance(expr, sympy.Piecewise):
            return self.piecewise(expr)
        if isinstance(expr, sympy.Mul):
            return self.product(expr)
        function = TABLE.get(type(expr))
        if function is None:
            raise UnknownFunctionError(type(expr).__name__)
        return function(*map(self.walk, expr.args))

    def product(self, expr: Expr) -> object:
        """A product; a factor on a kink does not matter where another one is 0."""
        result, kink = np.float64(1), False
        for factor in expr.args:
            try:
                result = result * self.walk(factor)
            except KinkError:
                kink = True
        if kink and result != 0:
            raise KinkError
        return result

    def piecewise(self, expr: Expr) -> object:
        """The first piece whose condition holds."""
        for value, condition in (piece.args for piece in expr.args):
            if self.holds(condition):
                return self.walk(value)
        return np.float64(math.nan)

    def holds(self, condition: Basic) -> bool:
        """Whether a condition holds.

        Raises:
            KinkError: its two sides are equal, so that it holds on one side of this point only.
        """
        if condition in (True, False):
            return bool(condition)
        if isinstance(condition, Relational):
            left, right = self.walk(condition.lhs), self.walk(condition.rhs)
            if left == right and not self.edges:
                raise KinkError
            return bool(RELATIONS[condition.rel_op](left, right))
        combine = all if isinstance(condition, sympy.And) else any if isinstance(condition, sympy.Or) else None
        if combine is not None:
            return combine([self.holds(part) for part in condition.args])
        if isinstance(condition, sympy.Not):
            return not self.holds(condition.args[0])
        raise UnknownFunctionError(type(condition).__name__)


class Shaken(Scalars):
    """The same with every step a little off, up or down: what rounding may have done."""

    def __init__(self, point: Mapping[Expr, float], draw: int) -> None:
        super().__init__(point)
        self.random = np.random.default_rng(draw)

    def value(self, expr: Expr) -> Any:
        """The value of a part, with a rounding of its own; a number is exact."""
        found = super().value(expr)
        return found if expr.is_Rational else found * (1 + EPS * self.random.uniform(-1, 1))


def _off_zero(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that has a jump at 0."""

    def guarded(x: Array) -> Any:
        if x == 0:
            raise KinkError
        return function(x)

    return guarded


def added(*xs: Any) -> Any:
    """A sum, rounded once."""
    return np.float64(math.fsum(xs)) if all(map(math.isfinite, xs)) else sum(xs)


RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip

TABLE: Mapping[type, Callable[..., Any]] = {
    sympy.Add: added, sympy.Pow: np.power, sympy.exp: np.exp, sympy.log: np.log,
    sympy.sin: np.sin, sympy.cos: np.cos, sympy.tan: np.tan, sympy.asin: np.arcsin, sympy.acos: np.arccos,
    sympy.atan: np.arctan, sympy.atan2: np.arctan2, sympy.sinh: np.sinh, sympy.cosh: np.cosh, sympy.tanh: np.tanh,
    sympy.asinh: np.arcsinh, sympy.acosh: np.arccosh, sympy.atanh: np.arctanh, sympy.erf: erf, sympy.erfc: erfc,
    sympy.Abs: np.abs, sympy.sign: _off_zero(np.sign), sympy.Max: max, sympy.Min: min, sympy.floor: np.floor,
    sympy.ceiling: np.ceil, sympy.Heaviside: _off_zero(lambda x: np.heaviside(x, 0.5)),
    sympy.DiracDelta: _off_zero(lambda x: np.float64(0)),
    Absolute: np.abs, Sign: np.sign, Step: _off_zero(np.sign), Jump: _off_zero(lambda x: np.float64(0)),
    sympy.loggamma: lgamma, sympy.polygamma: lambda n, x: polygamma(int(n), x), sympy.erfinv: erfinv,
    sympy.digamma: lambda x: polygamma(0, x), Larger: np.maximum, Floor: np.floor,
}  # fmt: skip
