"""Formulas back to numbers: one memoised walk over the expression, with the same forward functions as the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from sympy import Add, Expr, Mul, Pow, Rational, zoo

from backprop_cli.engine.numbers import Words, plain
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.formulas.algebra.expr import (
    NONE,
    Apply,
    Delta,
    GradSymbol,
    SizeSymbol,
    TensorSymbol,
    shape_of,
    symbols_of,
)

MEMO_BYTES = 1 << 26


class Evaluator:
    """Evaluates formulas of one run; intermediate results are shared until they take too much memory."""

    def __init__(self, values: Sequence[Array], gradients: Sequence[Array], dtype: str) -> None:
        self.values = values
        self.gradients = gradients
        self.words = Words(dtype)
        self.scalar = self.words.dtype.type
        self.memo: dict[Expr, Array] = {}
        self.bytes = 0

    def __call__(self, expr: Expr) -> Array:
        """The value of a formula."""
        if self.bytes > MEMO_BYTES:
            self.memo.clear()
            self.bytes = 0
        known = self.memo.get(expr)
        if known is not None:
            return known
        if not expr.args and not isinstance(expr, Delta):  # nothing to warn of
            return self.walk(expr)
        with np.errstate(all="ignore"):
            self.define(expr)
            return self.walk(expr)

    def define(self, expr: Expr) -> None:
        """The values of the δ that a formula uses, innermost first: their chain may be longer than a recursion."""
        stack = self.unknown(expr)
        while stack:
            inner = self.unknown(stack[-1].definition)
            if inner:
                stack += inner
            else:
                self.walk(stack.pop())

    def unknown(self, expr: Expr) -> list[Delta]:
        """The δ of a formula that have no value yet."""
        return [s for s in symbols_of(expr) if isinstance(s, Delta) and s not in self.memo]

    def walk(self, expr: Expr) -> Array:
        """The value of a part, remembered."""
        found = self.memo.get(expr)
        if found is None:
            found = self.memo[expr] = self.value(expr)
            self.bytes += getattr(found, "nbytes", 8)
        return found

    def value(self, expr: Expr) -> Any:
        """The value of a part, computed."""
        if isinstance(expr, GradSymbol):
            return self.gradients[expr.index]
        if isinstance(expr, Delta):
            return self.walk(expr.definition)
        if isinstance(expr, TensorSymbol):
            return self.values[expr.index]
        if isinstance(expr, Apply):
            return self.apply(expr)
        if isinstance(expr, SizeSymbol):
            return self.scalar(expr.value)
        for kind, combine in _POINTWISE:
            if isinstance(expr, kind):
                return combine(self, expr)
        return self.scalar(real(expr))

    def apply(self, expr: Apply) -> Any:
        """An operator of the registry, or a chain of matrix products."""
        operands = [None if a == NONE else self.walk(a) for a in expr.args]
        if expr.name == "matmul":
            return product(operands)
        return OPS[expr.name].forward(self.words, *operands, **{name: plain(v) for name, v in expr.parameters.items()})


def real(number: Expr) -> float:
    """A number of sympy's as a float: past the range it is infinite, as 1/0 is; a complex one is NaN."""
    if number is zoo:
        return math.inf
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
    except TypeError:
        return math.nan


def product(factors: list[Any]) -> Any:
    """A chain of matrices; from the right where it ends in a vector, which is far less work."""
    if np.ndim(factors[-1]) == 1:
        return reduce(lambda done, factor: factor @ done, reversed(factors))
    return reduce(lambda done, factor: done @ factor, factors)


def _sum(self: Evaluator, expr: Expr) -> Array:
    return reduce(lambda a, b: a + b, map(self.walk, expr.args))


def _product(self: Evaluator, expr: Expr) -> Array:
    """Scalars first, then the tensors: one pass over memory less."""
    args = sorted(expr.args, key=lambda a: math.prod(map(int, shape_of(a))))
    return reduce(lambda a, b: a * b, map(self.walk, args))


def _power(self: Evaluator, expr: Pow) -> Any:
    base = self.walk(expr.base)
    if expr.exp == -1:
        return 1 / base
    if isinstance(expr.exp, Rational) and expr.exp.q == 2:
        root = np.sqrt(base)
        return root if expr.exp.p == 1 else root ** self.scalar(int(expr.exp.p))
    return base ** self.walk(expr.exp)


_POINTWISE: tuple[tuple[type, Callable[..., object]], ...] = ((Add, _sum), (Mul, _product), (Pow, _power))
