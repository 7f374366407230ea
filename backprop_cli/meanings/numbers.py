"""The meaning 'numbers': values are numpy arrays (numpy scalars for shape ()), words are numpy functions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from backprop_cli.graph import Graph, Node
from backprop_cli.interpret import Scope, interpret
from backprop_cli.ops import OPS, Op
from backprop_cli.ops.elementwise import stable_sigmoid
from backprop_cli.spec.model import Shape

DIRECT: Mapping[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "power": operator.pow, "negative": operator.neg, "matmul": operator.matmul,
}  # fmt: skip
"""Ops that numpy's arrays do by themselves: no call in between (half the time of a scalar node)."""


def plain(value: Any) -> Any:
    """A static parameter as numpy takes it: exact fractions become floats."""
    if isinstance(value, Fraction):
        return float(value)
    return value


class Words:
    """The functions of the language on arrays, and the few words whose numbers need more care than their formulas."""

    pi = np.pi

    def __init__(self, dtype: str = "float64") -> None:
        self.dtype = np.dtype(dtype)
        for name, one in OPS.items():
            setattr(self, name, partial(one.forward, self))

    def mask(self, condition: Any) -> Any:
        """A comparison as 0/1 numbers."""
        return np.asarray(condition, dtype=self.dtype)[()]

    def size(self, n: int) -> int:
        """A number of entries."""
        return int(n)

    def filled(self, value: float, shape: Shape) -> Any:
        """A constant tensor."""
        return np.full(tuple(map(int, shape)), value, dtype=self.dtype)

    def identity_matrix(self, n: int, m: int) -> Any:
        """Ones on the diagonal."""
        return np.eye(n, m, dtype=self.dtype)

    def inverse(self, x: Any) -> Any:
        """The inverse; NaN where the matrix is singular, so that the run names the node instead of stopping."""
        try:
            return np.linalg.inv(x)
        except np.linalg.LinAlgError:
            return np.full_like(x, np.nan)

    def log_determinant(self, x: Any) -> Any:
        """log det; NaN for a negative determinant, as in PyTorch."""
        sign, value = np.linalg.slogdet(x)
        return np.where(sign > 0, value, np.where(sign == 0, -np.inf, np.nan))[()]

    def sigmoid_complement(self, y: Any, x: Any) -> Any:
        """1 - σ(x) with full relative accuracy where σ(x) rounds to 1."""
        return stable_sigmoid(-x)

    def sigmoid_minus(self, z: Any, t: Any) -> Any:
        """σ(z) - t; where t is 1 as -σ(-z), which does not cancel."""
        return (1 - t) * stable_sigmoid(z) - t * stable_sigmoid(-z)


class Numbers:
    """The numpy meaning of the passes; `hooks` may replace a gradient on its way."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.words = Words(graph.spec.dtype)
        self.scalar = self.words.dtype.type
        self.values: list[Any] = []

    def constant(self, value: Any) -> Any:
        """A literal as a number of the run's dtype."""
        return None if value is None else self.scalar(float(value))

    def shape(self, value: Any) -> Shape:
        """The shape of an array."""
        return np.shape(value)

    def bind(self, op: Op, parameters: Mapping[str, Any]) -> Callable[..., Any]:
        """The forward function of an op."""
        if op.name in DIRECT and op is OPS[op.name]:
            return DIRECT[op.name]
        return partial(op.forward, self.words, **{name: plain(v) for name, v in parameters.items()})

    def apply(self, op: Op, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Any:
        """An op, at once."""
        return self.bind(op, parameters)(*operands)

    def rule(self, op: Op, position: int, parameters: Mapping[str, Any]) -> Callable[..., Any]:
        """The VJP of an op for one operand."""
        statics = {name: plain(v) for name, v in parameters.items()}
        if op.signature.variadic:
            return partial(op.vjps[0] or _no_rule, self.words, position, **statics)
        return partial(op.vjps[position] or _no_rule, self.words, **statics)

    def unbroadcast(self, gradient: Any, shape: Shape) -> Any:
        """Sum over the axes along which the operand was repeated."""
        if np.shape(gradient) == shape:
            return gradient
        return summed_to(gradient, shape)

    def arrive(self, node: Node, gradient: Any) -> Any:
        """Hooks act here."""
        hook = self.graph.hooks.get(node.index)
        if hook is None:
            return gradient
        return np.broadcast_to(interpret(hook.expression, hook_scope(hook.scope, gradient, self.graph, self.values), self), np.shape(gradient))


def hook_scope(scope: Scope, gradient: Any, graph: Graph, values: Any) -> Scope:
    """The names a hook may use: `grad`, and every node's value."""
    from dataclasses import replace

    def lookup(name: str) -> Any:
        if name == "grad":
            return gradient
        index = graph.names.get(name)
        return None if index is None else values[index]

    return replace(scope, lookup=lookup, names=lambda: ["grad", *graph.names])


def _no_rule(*_: Any, **__: Any) -> Any:
    raise AssertionError("a rule was asked for that the graph says is not needed")


def summed_to(x: Any, shape: Shape) -> Any:
    """`x` summed to a shape that broadcasts to its own."""
    extra = np.ndim(x) - len(shape)
    axes = tuple(range(extra)) + tuple(extra + i for i, size in enumerate(shape) if size == 1 and np.shape(x)[extra + i] != 1)
    return np.reshape(np.sum(x, axis=axes), tuple(map(int, shape)))[()] if axes else x
