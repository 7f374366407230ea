"""Convolutions of arrays, as products of their windows with the filters: the numbers of `convolution`."""

from __future__ import annotations

import numpy as np

from backprop_cli.engine.ops.tensor import Array, Key
from backprop_cli.engine.ops.windows import Geometry, padded, windows_of


def _split(x: Array, groups: int, axis: int) -> list[Array]:
    """The channels of each group."""
    return np.split(x, groups, axis) if groups > 1 else [x]


def _joined(parts: list[Array], axis: int) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis)


def convolve(x: Array, w: Array, where: Geometry, groups: int) -> Array:
    """y[n, o, p] = Σ x[n, c, p·stride + k·dilation] w[o, c, k]."""
    space = len(where.kernel)
    full = padded(x, where.padding, extra=where.after)
    counts = where.outputs(x.shape[2:])
    axes = (1, *range(2 + space, 2 + 2 * space)), (1, *range(2, 2 + space))
    parts = [np.tensordot(windows_of(np.ascontiguousarray(part), where, counts), filters, axes)
             for part, filters in zip(_split(full, groups, 1), _split(w, groups, 0), strict=True)]
    return np.moveaxis(_joined(parts, -1), -1, 1)


def convolve_transposed(x: Array, w: Array, where: Geometry, groups: int, size: tuple[int, ...]) -> Array:
    """The adjoint of `convolve` in x: every entry of x spreads w over its window of a tensor of `size`."""
    counts = x.shape[2:]
    parts = []
    for part, filters in zip(_split(x, groups, 1), _split(w, groups, 0), strict=True):
        wide = np.zeros((x.shape[0], w.shape[1], *(s + sum(ends) for s, ends in zip(size, where.ends, strict=True))),
                        dtype=np.result_type(x, w))  # fmt: skip
        for window in np.ndindex(*where.kernel):
            spread = np.tensordot(part, filters[(..., *window)], (1, 0))
            reached: Key = (..., *where.source(window, counts))
            wide[reached] += np.moveaxis(spread, -1, 1)
        parts.append(wide)
    inside: Key = (..., *(slice(p, p + s) for p, s in zip(where.padding, size, strict=True)))
    return _joined(parts, 1)[inside]


def convolve_weight(x: Array, g: Array, where: Geometry, groups: int) -> Array:
    """The adjoint of `convolve` in w."""
    space, counts = len(where.kernel), g.shape[2:]
    full = padded(x, where.padding, extra=where.after)
    outer = (0, *range(2, 2 + space))
    parts = [np.tensordot(gradient, windows_of(np.ascontiguousarray(part), where, counts), (outer, outer))
             for part, gradient in zip(_split(full, groups, 1), _split(g, groups, 1), strict=True)]
    return _joined(parts, 0)
