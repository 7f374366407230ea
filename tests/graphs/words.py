"""The spec language in plain numpy: an evaluator that shares nothing with the project.

An expression of the language is nearly Python; what differs is a handful of words, written here a second time and in
the most obvious way. The tests let Python itself evaluate their own specs and the formulas that the program prints.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np


def _reduction(function: Any) -> Any:
    return lambda x, axis=None, keepdims=False: function(x, axis=axis, keepdims=keepdims)


def _outer(a: Any, b: Any) -> Any:
    if a.ndim != 1 or b.ndim != 1:
        raise ValueError("numpy would flatten these")
    return np.outer(a, b)


def _softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _scatter(x: Any, index: Any, shape: Any) -> Any:
    out = np.zeros(shape)
    where = index if isinstance(index, tuple | int) else _index(index)
    np.add.at(out, where, x)
    return out


def _index(text: str) -> Any:
    return eval(f"np.s_[{text}]", {"np": np})


def _standardize(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + eps)


def _one_hot(labels: Any, n: int) -> Any:
    return np.eye(n)[np.asarray(labels, dtype=int)]


WORDS: Mapping[str, Any] = {
    "one_hot": _one_hot,
    "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "tanh": np.tanh, "sqrt": np.sqrt, "abs": np.abs,
    "sign": np.sign, "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "softplus": lambda x: np.log(1 + np.exp(x)),
    "relu": lambda x: np.maximum(x, 0), "silu": lambda x: x / (1 + np.exp(-x)), "square": np.square,
    "rsqrt": lambda x: x**-0.5,
    "maximum": np.maximum, "minimum": np.minimum, "where": np.where, "outer": _outer, "trace": np.trace,
    "sum": _reduction(np.sum), "mean": _reduction(np.mean), "max": _reduction(np.max), "min": _reduction(np.min),
    "var": _reduction(np.var), "cumsum": lambda x, axis=None: np.cumsum(x, axis=axis),
    "flip": lambda x, axis=None: np.flip(x, axis),
    "softmax": _softmax, "log_softmax": lambda x, axis=-1: np.log(_softmax(x, axis)), "logsumexp": _logsumexp,
    "standardize": _standardize, "reshape": np.reshape, "expand_dims": np.expand_dims, "squeeze": np.squeeze,
    "broadcast_to": np.broadcast_to, "transpose": lambda x, axes=None: np.transpose(x, axes), "matmul": np.matmul,
    "concat": lambda xs, axis=0: np.concatenate(xs, axis), "stack": lambda xs, axis=0: np.stack(xs, axis),
    "zeros": np.zeros, "ones": np.ones, "eye": np.eye, "scatter": _scatter, "einsum": np.einsum, "diag": np.diag,
    "inv": np.linalg.inv, "diagonal": np.diagonal, "true": True, "false": False, "none": None, "pi": np.pi,
}  # fmt: skip


class Array(np.ndarray):
    """An array whose comparisons are masks of zeros and ones, and whose `.mT` transposes matrices."""

    @property
    def mT(self) -> Any:  # noqa: N802 - numpy's own name
        """The last two axes exchanged."""
        return np.swapaxes(self, -1, -2)


def _mask(compare: Any) -> Any:
    return lambda self, other: np.asarray(compare(np.asarray(self), np.asarray(other)), dtype=float).view(Array)


for _name in ("__gt__", "__ge__", "__lt__", "__le__", "__eq__", "__ne__"):
    setattr(Array, _name, _mask(getattr(np.ndarray, _name)))


def evaluate(expression: str, names: Mapping[str, Any], gradients: Mapping[str, Any] | None = None) -> Any:
    """An expression, with node values and, for `grad(name)`, gradients given as plain arrays."""
    known = {**names, **{f"grad_of_{name}": value for name, value in (gradients or {}).items()}}
    scope = {name: np.asarray(value, dtype=float).view(Array) for name, value in known.items()}
    text = re.sub(r"\bgrad\((\w+)\)", r"grad_of_\1", expression)
    return np.asarray(eval(text, {"__builtins__": {}, **WORDS, **scope}))
