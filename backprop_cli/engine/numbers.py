"""The meaning 'numbers': values are numpy arrays (numpy scalars for shape ()), words are numpy functions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from types import MethodType
from typing import Any, SupportsFloat

import numpy as np

from backprop_cli.engine.graph import Graph, Node, held
from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.base import Factor, Slope, times
from backprop_cli.engine.ops.careful import Careful, gated, stable_sigmoid
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.language.model import Shape


def sigmoid(x: Any) -> Any:
    """The stable sigmoid; a scalar takes a tenth of the time of an array of one entry."""
    if not isinstance(x, float):  # a numpy float64 is one
        return stable_sigmoid(x)
    e = math.exp(-abs(x))
    return np.float64((1.0 if x >= 0 else e) / (1.0 + e))


SMALL = 128
"""Rows of a matrix from which on `@` is the faster product: `dot` writes zeros into its result first."""


def product(a: Any, b: Any) -> Any:
    """Of two matrices by `dot`, which takes a third less of the time of small ones than `@`, the general product."""
    return a.dot(b) if a.ndim == 2 == b.ndim and len(a) < SMALL else a @ b


def by_math(name: str) -> Callable[[Any], Any]:
    """A function of one number, of a scalar by the standard library, where that has a value: half of numpy's time."""
    of_array, of_number, kind = getattr(np, name), getattr(math, name), np.float64

    def function(x: Any) -> Any:
        if type(x) is kind:
            try:
                return kind(of_number(x))
            except (ValueError, OverflowError):  # inf, nan: numpy has those
                pass
        return of_array(x)

    return function


DIRECT: Mapping[str, Callable[..., Array]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "power": operator.pow, "negative": operator.neg, "matmul": product,
    "abs": np.abs, "sign": np.sign, "sigmoid": sigmoid, "transpose": lambda x, axes=None: x.transpose(axes),
    **{name: by_math(name) for name in ("exp", "log", "sqrt", "sin", "cos", "tanh")},
}  # fmt: skip
"""Ops that numpy does by itself: no call of ours in between (half the time of a scalar node)."""

def _power(base: Array, exponent: Array, out: Array) -> Any:
    """numpy's ufunc takes ten times as long for a square as a product does."""
    return np.multiply(base, base, out=out) if exponent == 2 else np.power(base, exponent, out=out)


def _relu(x: Array, out: Array) -> Any:
    return np.maximum(x, 0, out=out)


INTO: Mapping[str, Callable[..., Any]] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "sqrt": np.sqrt,
    "power": _power, "maximum": np.maximum, "relu": _relu,
}  # fmt: skip
"""Ops that can write into an array that is there already (`out=`): half the time of a step of a large param.

A power's exponent is one number."""

LARGEST_KEPT = 31 << 20
"""glibc takes a lesson from blocks of up to 32 MiB."""


def plain(value: object) -> Any:
    """A static parameter as numpy takes it: exact fractions become floats."""
    if isinstance(value, Fraction):
        return float(value)
    return value


def _plain(parameters: Mapping[str, object]) -> dict[str, object]:
    return {name: plain(value) for name, value in parameters.items()}


def keep_freed_memory(size: int) -> None:
    """Have malloc keep the memory of a run for the next one.

    glibc gives large freed blocks back to the kernel until it has seen one of that size come and go; fetching
    them again, page by page, costs a training loop a third of its time.  The block is never touched.
    """
    np.empty(min(size, LARGEST_KEPT), dtype=np.uint8)


class Words(Careful):
    """The functions of the language on arrays, and the few words whose numbers need more care than their formulas."""

    def __init__(self, dtype: str = "float64") -> None:
        self.dtype = np.dtype(dtype)
        self.pi = self.dtype.type(np.pi)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """An op, found when it is first asked for: a small run needs three of two hundred."""
        if name not in OPS:
            raise AttributeError(name)
        found = DIRECT.get(name) or MethodType(OPS[name].forward, self)
        setattr(self, name, found)
        return found

    def sigmoid_complement(self, y: Array, x: Array) -> Array:
        """1 - σ(x) = σ(-x), with full relative accuracy where σ(x) rounds to 1."""
        found: Array = sigmoid(-x)
        return found

    def inverse(self, x: Array) -> Array:
        """The inverse; NaN where the matrix is singular, so that the run names the node instead of stopping."""
        try:
            return np.linalg.inv(x).astype(x.dtype, copy=False)
        except np.linalg.LinAlgError:
            return np.full_like(x, np.nan)


class Numbers:
    """The numpy meaning of the passes; `hooks` may replace a gradient on its way."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.words = Words(graph.spec.dtype)
        self.scalar = self.words.dtype.type
        self.values: Sequence[Array] = []
        self._made: dict[tuple[int, int], Callable[..., Array]] = {}
        keep_freed_memory(held(graph))

    def constant(self, value: SupportsFloat | None) -> Any:
        """A literal as a number of the run's dtype."""
        return None if value is None else self.scalar(float(value))

    def shape(self, value: Array) -> Shape:
        """The shape of an array."""
        return np.shape(value)

    def bind(self, op: Op, parameters: Mapping[str, object]) -> Callable[..., Array]:
        """The forward function of an op."""
        function = self._once(op, -1, lambda: self._function(op))
        return partial(function, **_plain(parameters)) if parameters else function

    def apply(self, op: Op, operands: tuple[Array, ...], parameters: Mapping[str, object]) -> Array:
        """An op, at once."""
        return self.bind(op, parameters)(*operands)

    def rule(self, op: Op, position: int, parameters: Mapping[str, Any]) -> Callable[..., Array]:
        """The VJP of an op for one operand."""
        function = self._once(op, position, lambda: self._vjp(op, position))
        return partial(function, **_plain(parameters)) if parameters else function

    def _once(self, op: Op | Factor, position: int, make: Callable[[], Callable[..., Array]]) -> Callable[..., Array]:
        """One callable for all nodes of an op: a long graph then stays in the processor's cache."""
        key = id(op), position
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _function(self, op: Op) -> Callable[..., Array]:
        direct = DIRECT.get(op.name)
        return direct if direct and op is OPS[op.name] else MethodType(op.forward, self.words)

    def _vjp(self, op: Op, position: int) -> Callable[..., Array]:
        if op.signature.variadic:
            return partial(op.vjps[0] or _no_rule, self.words, position)
        rule, words = op.vjps[position] or _no_rule, self.words
        if isinstance(rule, Slope):  # one call less
            derivative: Callable[..., Any] = rule.derivative
            if rule.gate:
                return lambda g, y, x: gated(g, derivative(words, y, x))
            return lambda g, y, x: g * derivative(words, y, x)
        return MethodType(rule, words)

    def unbroadcast(self, gradient: Array, shape: Shape) -> Array:
        """Sum over the axes along which the operand was repeated."""
        wide = gradient.shape
        if wide == shape:
            return gradient
        if shape and wide[1:] == shape:  # a row of many, as of a bias
            summed: Array = np.add.reduce(gradient, axis=0)
            return summed
        return summed_to(gradient, shape)

    def product(self, rule: Factor) -> Callable[[Array, Array], Array]:
        """What a `Factor` makes of a gradient and one value: where it is no more than that, numpy's own product."""
        if rule.product is times:
            return operator.mul
        return self._once(rule, 0, lambda: MethodType(rule.product, self.words))

    @property
    def arrive(self) -> Callable[[Node, Array], Array] | None:
        """Hooks act on a gradient's way; without hooks nothing does."""
        return self._hooked if self.graph.hooks else None

    def _hooked(self, node: Node, gradient: Array) -> Array:
        hook = self.graph.hooks.get(node.index)
        if hook is None:
            return gradient
        replaced = interpret(hook.expression, hook_scope(hook.scope, gradient, self.graph, self.values), self)
        return np.broadcast_to(replaced, np.shape(gradient))


def hook_scope(scope: Scope, gradient: object, graph: Graph, values: Sequence[object]) -> Scope:
    """The names a hook may use: `grad`, and every node's value."""
    from backprop_cli.records import replace

    def lookup(name: str) -> object:
        if name == "grad":
            return gradient
        index = graph.names.get(name)
        return None if index is None else values[index]

    return replace(scope, lookup=lookup, names=lambda: ["grad", *graph.names])


def _no_rule(*_: object, **__: object) -> Array:
    raise AssertionError("a rule was asked for that the graph says is not needed")


def summed_to(x: Array, shape: Shape) -> Array:
    """`x` summed to a shape that broadcasts to its own."""
    wide = np.shape(x)
    extra = len(wide) - len(shape)
    repeated = (extra + i for i, size in enumerate(shape) if size == 1 and wide[extra + i] != 1)
    axes = (*range(extra), *repeated)
    # axes kept: a sum of sympy's numbers over all axes is else no array
    return np.add.reduce(x, axis=axes, keepdims=True).reshape(shape)[()] if axes else x
