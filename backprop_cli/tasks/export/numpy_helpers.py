"""Functions that numpy does not have, in numpy: exported scripts carry the source of those that they call.

Each stands by itself, or calls others of this file.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backprop_cli.engine.ops.tensor import Array, Axes, Mask, Whole
from backprop_cli.language.model import Shape


def mask(condition: Mask) -> Array:
    """True and false as 1 and 0."""
    return np.asarray(condition, dtype=float)


def sigmoid(x: Array) -> Array:
    """1/(1 + exp(-x)) without overflow."""
    e: Array = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def softplus(x: Array, beta: float = 1) -> Array:
    """log(1 + exp(beta x))/beta."""
    return np.logaddexp(0, beta * x) / beta


def leaky_relu(x: Array, negative_slope: float = 0.01) -> Array:
    """x where positive, negative_slope·x elsewhere."""
    return np.where(x > 0, x, negative_slope * x)


def elu(x: Array, alpha: float = 1) -> Array:
    """x where positive, alpha·(exp(x) - 1) elsewhere."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def silu(x: Array) -> Array:
    """x·σ(x)."""
    return x * sigmoid(x)


def mish(x: Array) -> Array:
    """x·tanh(softplus(x))."""
    return x * np.tanh(softplus(x))


def erf(x: Array) -> Array:
    """The error function."""
    return np.asarray(np.vectorize(math.erf, otypes=[float])(x))


def erfc(x: Array) -> Array:
    """1 - erf(x)."""
    return np.asarray(np.vectorize(math.erfc, otypes=[float])(x))


def gelu(x: Array, approximate: str = "none") -> Array:
    """x·Φ(x), or its approximation by tanh."""
    if approximate == "tanh":
        bent: Array = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
        return x * (1 + bent) / 2
    return x * erfc(-x / np.sqrt(2)) / 2


def huber(x: Array, delta: float = 1) -> Array:
    """x²/2 where |x| <= delta, delta·(|x| - delta/2) elsewhere."""
    return np.where(np.abs(x) <= delta, x * x / 2, delta * (np.abs(x) - delta / 2))


def xlogy(a: Array, b: Array) -> Array:
    """a·log(b), and 0 where a is 0."""
    return np.where(np.equal(a, 0), 0, a * np.log(np.where(np.equal(a, 0), 1, b)))


def softmax(x: Array, axis: Axes = -1) -> Array:
    """exp x / Σ exp x."""
    e: Array = np.exp(x - np.max(x, axis=axis, keepdims=True))
    total: Array = np.sum(e, axis=axis, keepdims=True)
    return e / total


def logsumexp(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """log Σ exp x."""
    m: Array = np.max(x, axis=axis, keepdims=True)
    y: Array = m + np.log(np.sum(np.exp(x - m), axis=axis, keepdims=True))
    return y if keepdims else np.squeeze(y, axis=axis)


def log_softmax(x: Array, axis: Axes = -1) -> Array:
    """log of the softmax."""
    return x - logsumexp(x, axis=axis, keepdims=True)


def bce_logits(z: Array, t: Array) -> Array:
    """Binary cross-entropy of a logit."""
    return softplus(z) - t * z


def bce_probabilities(p: Array, t: Array) -> Array:
    """Binary cross-entropy of a probability, its logarithms at least -100 as in PyTorch."""
    return -(t * np.maximum(np.log(p), -100) + (1 - t) * np.maximum(np.log1p(-p), -100))


def gaussian_nll(mean: Array, target: Array, var: Array, eps: float = 1e-6) -> Array:
    """(log var + (mean - target)²/var)/2."""
    v = np.maximum(var, eps)
    return (np.log(v) + (mean - target) ** 2 / v) / 2


def standardize(x: Array, axis: Axes = -1, eps: float = 1e-5) -> Array:
    """(x - mean)/√(var + eps)."""
    mean: Array = np.mean(x, axis=axis, keepdims=True)
    deviation: Array = np.sqrt(np.var(x, axis=axis, keepdims=True) + eps)
    return (x - mean) / deviation


def one_hot(labels: Whole, n: int) -> Array:
    """Rows of zeros with a 1 at the label."""
    return np.take(np.eye(n), np.asarray(labels).astype(int), axis=0)


def take(x: Array, indices: Whole, axis: int | None = None) -> Array:
    """The slices of x at whole numbers."""
    return np.take(x, np.asarray(indices).astype(int), axis=axis)


def index_add(x: Array, indices: Whole, source: Array, axis: int) -> Array:
    """x with slices added at indices; repeated ones add up."""
    y: Array = np.array(x)
    place: Any = (*[slice(None)] * (axis % y.ndim), np.asarray(indices).astype(int))
    np.add.at(y, place, source)
    return y


def take_along_axis(x: Array, indices: Whole, axis: int | None = -1) -> Array:
    """Entry by entry, the one at a position along an axis."""
    return np.take_along_axis(x, np.asarray(indices).astype(int), axis)


def scatter(x: Array, index: Any, shape: Shape) -> Array:
    """Zeros with x added at an index."""
    y: Array = np.zeros(shape)
    if any(isinstance(part, list) for part in index):
        np.add.at(y, index, x)
    else:
        y[index] += x
    return y


def windows(x: Any, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, outside: float = 0.0) -> Array:
    """A view of (batch, channels, *windows, *kernel)."""
    n = len(kernel)
    x = np.pad(x, [(0, 0)] * (x.ndim - n) + [(p, p) for p in padding], constant_values=outside)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    view: Any = np.lib.stride_tricks.sliding_window_view(x, reach, tuple(range(x.ndim - n, x.ndim)))
    found: Array = view[(..., *(slice(None, None, s) for s in stride), *(slice(None, None, d) for d in dilation))]
    return found


def conv(x: Array, w: Array, b: Array | None, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Array:
    """The cross-correlation of x with the filters w."""
    n = len(stride)
    if x.ndim == n + 1:
        return np.squeeze(conv(x[None], w, b, stride, padding, dilation, groups), 0)
    view = windows(x, w.shape[2:], stride, padding, dilation)
    axes = (1, *range(2 + n, 2 + 2 * n)), (1, *range(2, 2 + n))
    parts = zip(np.split(view, groups, 1), np.split(w, groups, 0), strict=True)
    y: Array = np.moveaxis(np.concatenate([np.tensordot(v, f, axes) for v, f in parts], -1), -1, 1)
    return y if b is None else y + np.reshape(b, (-1, *[1] * n))


def conv_transpose(x: Array, w: Array, b: Array | None, stride: Shape, padding: Shape, dilation: Shape, groups: int,
                   size: Shape) -> Array:
    """The adjoint of conv: every entry of x spreads the filters over its window of a tensor of `size`."""
    n = len(stride)
    if x.ndim == n + 1:
        return np.squeeze(conv_transpose(x[None], w, b, stride, padding, dilation, groups, size), 0)
    made = []
    for part, f in zip(np.split(x, groups, 1), np.split(w, groups, 0), strict=True):
        spread: Any = np.zeros((x.shape[0], w.shape[1], *(s + 2 * p for s, p in zip(size, padding, strict=True))))
        for at in np.ndindex(*w.shape[2:]):
            spots = zip(at, dilation, stride, x.shape[2:], strict=True)
            place = tuple(slice(k * d, k * d + s * (m - 1) + 1, s) for k, d, s, m in spots)
            spread[(..., *place)] += np.moveaxis(np.tensordot(part, f[(..., *at)], (1, 0)), -1, 1)
        made.append(spread[(..., *(slice(p, p + s) for p, s in zip(padding, size, strict=True)))])
    y: Array = np.concatenate(made, 1)
    return y if b is None else y + np.reshape(b, (-1, *[1] * n))


def conv_weight(x: Array, g: Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape,
                groups: int) -> Array:
    """The gradient of conv by its filters."""
    n = len(stride)
    if x.ndim == n + 1:
        return conv_weight(x[None], g[None], kernel, stride, padding, dilation, groups)
    view = windows(x, kernel, stride, padding, dilation)
    axes = (0, *range(2, 2 + n))
    parts = zip(np.split(g, groups, 1), np.split(view, groups, 1), strict=True)
    return np.concatenate([np.tensordot(h, v, (axes, axes)) for h, v in parts], 0)


def max_pool(x: Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Array:
    """The largest entry of every window."""
    y: Array = np.max(windows(x, kernel, stride, padding, dilation, -np.inf), axis=tuple(range(-len(kernel), 0)))
    return y


def max_pool_indices(x: Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Array:
    """Where the largest entry of every window lies in its channel, counted row by row."""
    n = len(kernel)
    view = windows(x, kernel, stride, padding, dilation, -np.inf)
    first = np.argmax(view.reshape((*view.shape[:-n], -1)), axis=-1)
    numbers = np.arange(np.prod(x.shape[-n:])).reshape(x.shape[-n:])
    places = windows(numbers, kernel, stride, padding, dilation, -1)
    places = np.broadcast_to(places.reshape((*places.shape[:-n], -1)), (*first.shape, int(np.prod(kernel))))
    return np.take_along_axis(places, first[..., None], -1)[..., 0]


def max_unpool(x: Array, indices: Whole, size: Shape) -> Array:
    """Zeros of `size` with the entries of x added where `indices` say."""
    lead = x.shape[: x.ndim - len(size)]
    y: Array = np.zeros((int(np.prod(lead)), int(np.prod(size))))
    rows = np.arange(y.shape[0])[:, None]
    places = np.reshape(indices, (y.shape[0], -1)).astype(int)
    np.add.at(y, (rows, places), np.reshape(x, places.shape))
    return y.reshape((*lead, *size))


def avg_pool(x: Array, kernel: Shape, stride: Shape, padding: Shape) -> Array:
    """The mean of every window, its padding counted."""
    n = len(kernel)
    y: Array = np.mean(windows(x, kernel, stride, padding, (1,) * n), axis=tuple(range(-n, 0)))
    return y


def avg_unpool(x: Array, size: Shape, kernel: Shape, stride: Shape, padding: Shape) -> Array:
    """Every entry of x spread evenly over its window of a tensor of `size`."""
    y: Any = np.zeros((*x.shape[: -len(size)], *(s + 2 * p for s, p in zip(size, padding, strict=True))))
    for at in np.ndindex(*kernel):
        spots = zip(at, stride, x.shape[-len(size) :], strict=True)
        y[(..., *(slice(k, k + s * (m - 1) + 1, s) for k, s, m in spots))] += x / np.prod(kernel)
    found: Array = y[(..., *(slice(p, p + s) for p, s in zip(padding, size, strict=True)))]
    return found


def draw(seed: int, name: str) -> np.random.Generator:
    """The random numbers of a leaf: one generator a name, so that a new leaf changes no other."""
    import zlib

    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))
