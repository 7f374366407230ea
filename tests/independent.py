"""An evaluator of printed `code` that shares nothing with the project: Python's own parser, and numpy.

The functions are written here a second time, as plainly as can be, from their textbook definitions.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def evaluate(code: str, names: Mapping[str, Any], gradients: Mapping[str, Any]) -> Any:
    """The value of a formula; `names` are arrays and sizes, `gradients` what grad(name) stands for."""
    tree = ast.fix_missing_locations(_Translate(gradients).visit(ast.parse(code, mode="eval")))
    words = {"true": True, "false": False, "none": None, "inf": math.inf, "nan": math.nan, "pi": math.pi, "e": math.e}
    scope = {**words, **names, **{f"f_{name}": function for name, function in FUNCTIONS.items()}}
    scope |= {f"g_{name}": value for name, value in gradients.items()}
    with np.errstate(all="ignore"):
        return np.asarray(eval(compile(tree, "<formula>", "eval"), {"__builtins__": {}}, scope), dtype=float)


class _Translate(ast.NodeTransformer):
    """Calls reach the table alone, comparisons are 0/1 numbers, `.mT` swaps the last two axes."""

    def __init__(self, gradients: Mapping[str, Any]) -> None:
        self.gradients = gradients

    def visit_Call(self, node: ast.Call) -> ast.AST:
        assert isinstance(node.func, ast.Name)
        if node.func.id == "grad":
            assert isinstance(node.args[0], ast.Name)
            return ast.Name(f"g_{node.args[0].id}", ast.Load())
        self.generic_visit(node)
        return ast.Call(ast.Name(f"f_{node.func.id.removeprefix('f_')}", ast.Load()), node.args, node.keywords)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("f_mask", ast.Load()), [node], [])

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("f_mT", ast.Load()), [node.value], []) if node.attr == "mT" else node


# ── functions ────────────────────────────────────────────────────────────────────────────────────


def _softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _var(x: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Any:
    return np.var(x, axis=axis, keepdims=keepdims, ddof=ddof)


def _standardize(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    return (x - np.mean(x, axis=axis, keepdims=True)) / np.sqrt(np.var(x, axis=axis, keepdims=True) + eps)


def _one_hot(labels: Any, n: int) -> Any:
    return np.eye(n)[np.asarray(labels, dtype=int)]


def _subscripts(text: str) -> Any:
    return eval(f"s[{text}]", {"s": np.s_})


def _scatter(x: Any, index: str, shape: tuple[int, ...]) -> Any:
    result = np.zeros(shape)
    np.add.at(result, _subscripts(index), x)
    return result


def _index_add(x: Any, indices: Any, values: Any, axis: int) -> Any:
    result = np.array(x, dtype=float)
    where = (slice(None),) * (axis % result.ndim) + (np.asarray(indices, dtype=int),)
    np.add.at(result, where, values)
    return result


def _take(x: Any, indices: Any, axis: int | None = None) -> Any:
    return np.take(x, np.asarray(indices, dtype=int), axis=axis)


def _windows(x: Any, height: int, width: int, stride: int) -> list[tuple[int, int, Any]]:
    """The windows of images, with the place of each in the result."""
    rows, columns = (x.shape[-2] - height) // stride + 1, (x.shape[-1] - width) // stride + 1
    return [(i, j, x[..., i * stride : i * stride + height, j * stride : j * stride + width])
            for i in range(rows) for j in range(columns)]  # fmt: skip


def _padded(x: Any, padding: int, value: float = 0.0) -> Any:
    width = [(0, 0)] * (x.ndim - 2) + [(padding, padding)] * 2
    return np.pad(x, width, constant_values=value)


def _conv2d(x: Any, w: Any, b: Any = None, stride: int = 1, padding: int = 0) -> Any:
    x = _padded(x, padding)
    tried = _windows(x, *w.shape[-2:], stride)
    result = np.zeros((x.shape[0], w.shape[0], tried[-1][0] + 1, tried[-1][1] + 1))
    for i, j, window in tried:
        result[:, :, i, j] = np.einsum("nchw,ochw->no", window, w)
    return result if b is None else result + np.reshape(b, (1, -1, 1, 1))


def _conv2d_weight(x: Any, g: Any, size: tuple[int, int], stride: int = 1, padding: int = 0) -> Any:
    """Every weight met the entries it was multiplied by."""
    x = _padded(x, padding)
    result = np.zeros((g.shape[1], x.shape[1], *size))
    for i in range(g.shape[2]):
        for j in range(g.shape[3]):
            window = x[:, :, i * stride : i * stride + size[0], j * stride : j * stride + size[1]]
            result += np.einsum("no,nchw->ochw", g[:, :, i, j], window)
    return result


def _max_pool2d(x: Any, size: int, stride: int | None = None) -> Any:
    tried = _windows(x, size, size, stride or size)
    result = np.zeros((*x.shape[:-2], tried[-1][0] + 1, tried[-1][1] + 1))
    for i, j, window in tried:
        result[..., i, j] = window.max(axis=(-2, -1))
    return result


def _max_pool2d_indices(x: Any, size: int, stride: int | None = None) -> Any:
    """Where in its image each maximum stands, counted row by row: PyTorch's return_indices."""
    places = np.broadcast_to(np.arange(x.shape[-2] * x.shape[-1]).reshape(x.shape[-2:]), x.shape)
    tried = _windows(x, size, size, stride or size)
    where = _windows(places, size, size, stride or size)
    result = np.zeros((*x.shape[:-2], tried[-1][0] + 1, tried[-1][1] + 1))
    for (i, j, window), (_, _, place) in zip(tried, where, strict=True):
        best = window.reshape((*x.shape[:-2], -1)).argmax(-1)
        result[..., i, j] = np.take_along_axis(place.reshape((*x.shape[:-2], -1)), best[..., None], -1)[..., 0]
    return result


def _max_unpool2d(g: Any, indices: Any, size: tuple[int, int]) -> Any:
    result = np.zeros((*g.shape[:-2], size[0] * size[1]))
    for at in np.ndindex(*g.shape):
        result[(*at[:-2], int(indices[at]))] += g[at]
    return result.reshape((*g.shape[:-2], *size))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "mask": lambda x: np.asarray(x, dtype=float), "mT": lambda x: np.swapaxes(x, -1, -2),
    "abs": np.abs, "sign": np.sign, "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos,
    "tanh": np.tanh, "arctan": np.arctan, "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "softplus": lambda x: np.log(1 + np.exp(x)), "square": lambda x: x * x,
    "maximum": np.maximum, "minimum": np.minimum, "clip": np.clip, "where": np.where,
    "softmax": _softmax, "log_softmax": lambda x, axis=-1: np.log(_softmax(x, axis)),
    "logsumexp": lambda x, axis=None, keepdims=False: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)),
    "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod, "var": _var,
    "standardize": _standardize,
    "outer": np.outer, "matmul": np.matmul, "trace": lambda x: np.trace(x, axis1=-2, axis2=-1), "det": np.linalg.det,
    "inv": np.linalg.inv, "solve": np.linalg.solve, "cholesky": np.linalg.cholesky, "tril": np.tril, "triu": np.triu,
    "diagonal": lambda x: np.diagonal(x, axis1=-2, axis2=-1), "diag": np.diag, "eye": lambda n, m=None: np.eye(n, m),
    "zeros": np.zeros, "ones": np.ones, "reshape": np.reshape, "expand_dims": np.expand_dims, "squeeze": np.squeeze,
    "transpose": np.transpose, "broadcast_to": np.broadcast_to, "concat": np.concatenate, "stack": np.stack,
    "one_hot": _one_hot, "scatter": _scatter, "index_add": _index_add, "take": _take, "cumsum": np.cumsum,
    "flip": np.flip, "einsum": np.einsum,
    "conv2d": _conv2d, "conv2d_weight": _conv2d_weight, "max_pool2d": _max_pool2d,
    "max_pool2d_indices": _max_pool2d_indices, "max_unpool2d": _max_unpool2d,
}  # fmt: skip
