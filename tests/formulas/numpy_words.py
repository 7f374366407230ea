"""The functions of the language in numpy, as a reader would write them: nothing of the project is used here."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Array = Any


def reducing(function: Callable[..., Array]) -> Callable[..., Array]:
    """numpy's reduction with the language's order of parameters."""
    return lambda x, axis=None, keepdims=False: function(x, axis=axis, keepdims=keepdims)


def sigmoid(x: Array) -> Array:
    """1/(1 + e⁻ˣ)."""
    return 1 / (1 + np.exp(-np.asarray(x, dtype=float)))


def softmax(x: Array, axis: int = -1) -> Array:
    """eˣ/Σeˣ."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def norm(x: Array, ord: int | None = None, axis: Any = None, keepdims: bool = False) -> Array:  # noqa: A002
    """√Σx², or another order."""
    if ord is None:
        return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))
    return np.linalg.norm(x, ord, axis, keepdims)


def erf(x: Array) -> Array:
    """The error function, entry by entry."""
    return np.vectorize(math.erf)(x)


def scatter(x: Array, index: str, shape: tuple[int, ...]) -> Array:
    """Zeros of a shape with x at an index."""
    out = np.zeros(shape)
    out[eval(f"np.s_[{index}]", {"np": np})] += x
    return out


def windows(x: Array, size: tuple[int, ...]) -> Array:
    """Every window of the last axes."""
    return np.lib.stride_tricks.sliding_window_view(x, size, tuple(range(-len(size), 0)))


def conv1d(x: Array, w: Array, b: Array | None = None) -> Array:
    """Valid cross-correlation of (n, c, t) with (k, c, s)."""
    out = np.einsum("ncts,kcs->nkt", windows(x, w.shape[-1:]), w)
    return out if b is None else out + b[:, None]


def conv2d(x: Array, w: Array, b: Array | None = None) -> Array:
    """Valid cross-correlation of (n, c, h, w) with (k, c, r, s)."""
    out = np.einsum("nchwrs,kcrs->nkhw", windows(x, w.shape[-2:]), w)
    return out if b is None else out + b[:, None, None]


def conv_transpose1d(g: Array, w: Array) -> Array:
    """What undoes conv1d's shape: full convolution."""
    padded = np.pad(g, ((0, 0), (0, 0), (w.shape[-1] - 1,) * 2))
    return np.einsum("nkts,kcs->nct", windows(padded, w.shape[-1:]), w[..., ::-1])


def conv1d_weight(x: Array, g: Array, size: tuple[int, ...]) -> Array:
    """The gradient of conv1d by its filter: x correlated with g."""
    return np.einsum("ncst,nkt->kcs", windows(x, g.shape[-1:]), g)


def cosine_similarity(x: Array, y: Array) -> Array:
    """xᵀy/(‖x‖ ‖y‖)."""
    return x @ y / np.sqrt((x @ x) * (y @ y))


def cross_entropy(z: Array, t: Array) -> Array:
    """The mean over rows of -log softmax(z)[t]."""
    return -np.mean(np.log(softmax(z))[np.arange(len(z)), np.asarray(t, int)])


def huber(r: Array) -> Array:
    """r²/2 within 1 of 0, |r| - 1/2 outside."""
    return np.where(np.abs(r) < 1, r * r / 2, np.abs(r) - 0.5)


def elu(x: Array, alpha: float = 1) -> Array:
    """x, or alpha (eˣ - 1) below 0."""
    return np.where(x > 0, x, alpha * (np.exp(x) - 1))


def correlate(x: Array, w: Array) -> Array:
    """Valid correlation."""
    return np.correlate(x, w, "valid")


WORDS: Mapping[str, Any] = {
    "sigmoid": sigmoid, "softmax": softmax, "norm": norm, "erf": erf, "scatter": scatter, "conv1d": conv1d,
    "conv2d": conv2d, "conv_transpose1d": conv_transpose1d, "conv1d_weight": conv1d_weight, "huber": huber, "elu": elu,
    "cosine_similarity": cosine_similarity, "cross_entropy": cross_entropy, "np_correlate": correlate,
    "corr": correlate,
    "sum": reducing(np.sum), "mean": reducing(np.mean), "prod": reducing(np.prod),
    "logsumexp": lambda x, axis=None: np.log(np.sum(np.exp(x), axis=axis)),
    "log_softmax": lambda x, axis=-1: np.log(softmax(x, axis)), "std": reducing(np.std),
    "var": reducing(np.var), "erfc": lambda x: 1 - erf(x),
    "softplus": lambda x: np.logaddexp(0, x),
    "silu": lambda x: x * sigmoid(x), "gelu": lambda x: x * (1 + erf(x / math.sqrt(2))) / 2,
    "relu": lambda x: np.maximum(x, 0), "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "xlogy": lambda a, b: a * np.log(b), "mse_loss": lambda a, b: np.mean((a - b) ** 2),
    "logdet": lambda x: np.linalg.slogdet(x)[1], "trace": np.trace, "tr": np.trace, "inv": np.linalg.inv,
    "pinv": np.linalg.pinv, "det": np.linalg.det, "solve": np.linalg.solve, "cholesky": np.linalg.cholesky,
    "chol": np.linalg.cholesky, "matrix_power": np.linalg.matrix_power, "mpow": np.linalg.matrix_power,
    "one_hot": lambda t, n: np.eye(n)[np.asarray(t, int)], "prod_others": lambda x: np.prod(x) / x,
    "stop_gradient": lambda x: x, "pad": np.pad, "atan": np.arctan, "diagonal": np.diagonal,
    "arctan": np.arctan, "eye": np.eye, "true": True, "false": False, "none": None, "pi": math.pi, "e": math.e,
    **{name: getattr(np, name) for name in (
        "outer", "einsum", "transpose", "reshape", "ones", "zeros", "where", "clip", "abs", "sign", "exp", "log",
        "sqrt", "sin", "cos", "tan", "tanh", "cosh", "sinh", "log1p", "expm1", "maximum", "minimum", "diag", "tril",
        "triu", "flip", "expand_dims", "broadcast_to")},
}  # fmt: skip


def evaluate(code: str, names: Mapping[str, Any]) -> Array:
    """A formula as a number."""
    with np.errstate(all="ignore"):
        return np.asarray(eval(code, {"__builtins__": {}}, {**WORDS, **names}), dtype=float)


def nodes(code: str) -> int:
    """The size of an expression: names, numbers, operators, calls and transposes, by Python's own parser."""
    for constant in ("true", "false", "none"):
        code = code.replace(constant, constant.title())
    tree = ast.parse(code, mode="eval")
    return sum(1 for node in ast.walk(tree.body) if isinstance(node, ast.expr))
