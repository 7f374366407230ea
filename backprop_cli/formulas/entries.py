"""The meaning 'entries': values are numpy object arrays of sympy scalars, one expression an entry.

The same forward functions, rules and passes as in the other meanings.  An op says in `entry` what it is for sympy
where numpy's own functions cannot do it.  Numbers are exact, or carry 30 digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial, reduce
from typing import Any, SupportsFloat

import numpy as np
import sympy
from sympy import Expr, Float, Integer, Rational, S

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.interpret import interpret, textbook
from backprop_cli.engine.numbers import hook_scope, summed_to
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.base import Factor
from backprop_cli.engine.ops.words import WORDS
from backprop_cli.formulas.algebra.kinks import Absolute, Floor, Larger, Sign
from backprop_cli.language.model import Shape

DIGITS = 30


class NoEntriesError(Exception):
    """An op has no expression for a single entry: eigenvalues, singular values."""

    def __init__(self, op: str) -> None:
        super().__init__(f"{op} has no formula for a single entry")
        self.op = op


def _larger(a: Expr, b: Expr) -> Expr:
    return Larger(a, b)


class Real:
    """The namespace that `Op.entry` gets: sympy, but for functions with kinks, which are our own."""

    Abs, sign, floor = Absolute, Sign, Floor

    def __getattr__(self, name: str) -> object:
        return getattr(sympy, name)

    def ceiling(self, x: Expr) -> Expr:
        """The next whole number above."""
        return -Floor(-x)

    def Max(self, *xs: Expr) -> Expr:  # noqa: N802 (sympy's name)
        """The largest."""
        return reduce(_larger, xs)

    def Min(self, *xs: Expr) -> Expr:  # noqa: N802 (sympy's name)
        """The smallest."""
        return -reduce(_larger, [-exact(x) for x in xs])


REAL = Real()


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────


def exact(value: Expr | SupportsFloat) -> Expr:
    """A number for sympy: exact where it is a fraction or whole, else with 30 digits; expressions as they are."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    if isinstance(value, (bool, int, np.integer, np.bool_)):
        return Integer(int(value))
    return _real(float(value))


def _real(value: float) -> Expr:
    known = {math.pi: S.Pi, math.e: S.Exp1, math.inf: S.Infinity, -math.inf: S.NegativeInfinity}
    if math.isnan(value):
        return S.NaN
    if value in known:
        return known[value]
    return Integer(int(value)) if value.is_integer() and abs(value) < 2**53 else Float(value, DIGITS)


_EXACT = np.frompyfunc(exact, 1, 1)


def entries(value: Any) -> Any:
    """Numbers, or expressions, as an object array (of shape () for a scalar)."""
    return np.asarray(_EXACT(value), dtype=object)


def symbols(name: str, shape: Shape) -> Any:
    """An array of real symbols: x[0, 1] and so on."""
    made = np.empty(tuple(map(int, shape)), dtype=object)
    for index in np.ndindex(*made.shape):
        made[index] = sympy.Dummy(f"{name}{list(index) or ''}", real=True)
    return made


# ── the meaning ──────────────────────────────────────────────────────────────────────────────────


class Words:
    """The functions of the language on entries, for rules and for forwards."""

    pi = S.Pi
    dtype = np.dtype(object)

    def __getattr__(self, name: str) -> Callable[..., object]:
        return partial(_word, name)

    def size(self, n: int) -> Expr:
        """A number of entries."""
        return Integer(int(n))

    def number(self, value: Any) -> Expr:
        """A literal."""
        return exact(value)

    def mask(self, condition: object) -> object:
        """A comparison as 0/1."""
        return entries(condition)

    def array(self, values: Any) -> Any:
        """Plain numbers as a constant tensor."""
        return entries(values)


def _word(name: str, *operands: object, **parameters: object) -> Any:
    lifted = [None if x is None else entries(x) for x in operands]
    if name in WORDS:
        return textbook(name, lifted, parameters, Entries())
    return apply_op(OPS[name], lifted, {**OPS[name].signature.parameters, **parameters})


def apply_op(op: Op, operands: Any, parameters: Mapping[str, object]) -> object:
    """An op on object arrays.

    Raises:
        NoEntriesError: a single entry of its output has no formula.
    """
    if not op.has_entries or any(np.shape(x) and 0 in np.shape(x) for x in operands):
        raise NoEntriesError(op.name)
    statics = _statics(parameters)
    try:
        if op.entry is not None:
            return entries(op.entry(REAL, *operands, **statics))
        return entries(op.forward(Words(), *operands, **statics))
    except NotImplementedError:
        raise NoEntriesError(op.name) from None


def _statics(parameters: Mapping[str, object]) -> dict[str, object]:
    """Static parameters with exact numbers; whole ones count axes and stay what they are."""
    return {name: exact(value) if isinstance(value, (Fraction, float)) else value for name, value in parameters.items()}


class Entries:
    """The meaning of the passes; a graph is needed for its hooks only."""

    def __init__(self, graph: Graph | None = None) -> None:
        self.graph = graph
        self.words = Words()
        self.values: list[Any] = []

    def constant(self, value: object) -> Any:
        """A literal, exactly."""
        return None if value is None else entries(value)

    def shape(self, value: Any) -> Shape:
        """The shape of an array."""
        return np.shape(value)

    def apply(self, op: Op, operands: tuple[object, ...], parameters: Mapping[str, object]) -> Any:
        """An op on object arrays."""
        return apply_op(op, operands, parameters)

    def bind(self, op: Op, parameters: Mapping[str, object]) -> Callable[..., object]:
        """The op as a function of its operands."""
        return lambda *operands: apply_op(op, operands, parameters)

    def product(self, rule: Factor) -> None:
        """Every rule is called: what it gives is looked at."""

    def rule(self, op: Op, position: int, parameters: Mapping[str, object]) -> Callable[..., Any]:
        """The VJP for one operand."""
        vjp = op.vjps[0 if op.signature.variadic else position]
        assert vjp is not None
        bound = partial(vjp, self.words, position) if op.signature.variadic else partial(vjp, self.words)
        statics = _statics(parameters)
        return lambda *operands: entries(bound(*operands, **statics))

    def unbroadcast(self, gradient: object, shape: Shape) -> object:
        """Summed over the axes along which the operand was repeated."""
        full = entries(gradient)
        return full if full.shape == tuple(shape) else entries(summed_to(full, shape))

    def arrive(self, node: Node, gradient: object) -> Any:
        """An array again, after the sum over consumers; hooks act here."""
        gradient = np.asarray(gradient, dtype=object)
        hook = self.graph.hooks.get(node.index) if self.graph is not None else None
        if hook is None or self.graph is None:
            return gradient
        replaced = interpret(hook.expression, hook_scope(hook.scope, gradient, self.graph, self.values), self)
        return np.broadcast_to(replaced, gradient.shape)
