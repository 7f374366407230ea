"""Symmetric matrices, of which numpy and PyTorch read one triangle."""

from __future__ import annotations

import numpy as np

from backprop_cli.engine.ops.tensor import Array, Mask

ONE_TRIANGLE = "of a matrix that is not symmetric one triangle is read, and the gradient is symmetric"


def symmetric(x: Array) -> Array:
    """(x + xᵀ)/2."""
    return (x + np.swapaxes(x, -1, -2)) / 2


def mirrored(x: Array, upper: bool = False) -> Array:
    """The symmetric matrix that one triangle of x, the lower one, says."""
    low = np.swapaxes(x, -1, -2) if upper else x
    return np.tril(low) + np.swapaxes(np.tril(low, -1), -1, -2)


def lopsided(x: Array, **_: object) -> Mask:
    """Where a matrix is not symmetric: the entries that are not read."""
    scale: Array = np.max(np.abs(x), axis=(-2, -1), keepdims=True, initial=0)
    return np.abs(x - np.swapaxes(x, -1, -2)) > 1e-12 * scale
