"""What an array looks like, and hardly by chance: a mask, labels, a distribution, a symmetric matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array

TOLERANCE = 1e-12
LEAST_MASK = 6  # entries: fewer may be 0 and 1 by chance


def is_mask(array: Array) -> bool:
    """Whether a matrix, or what has more axes, has some zeros, some ones, and nothing else."""
    if array.ndim < 2 or array.size < LEAST_MASK or not (array == array**2).all():
        return False
    return bool(array.any()) and not array.all()


def is_one_hot(array: Array) -> bool:
    """Whether a vector, or each row of a matrix, has one 1 and else 0."""
    if array.ndim not in {1, 2} or array.shape[-1] < 2:
        return False
    return bool(((array != 0).sum(axis=-1) == 1).all() and (array.sum(axis=-1) == 1).all())


def is_sign(array: Array) -> bool:
    """Whether the entries are 1 or -1, and not all 1."""
    return bool((abs(array) == 1).all()) and not (array == 1).all()


def is_distribution(array: Array, axes: tuple[int, ...]) -> bool:
    """Whether the entries are at least 0 and sum to one over negative axes, as only a distribution does on purpose."""
    if not array.shape or any(-a > array.ndim for a in axes):
        return False
    return not (array < 0).any() and bool(abs(array.sum(axis=axes) - 1).max(initial=0) <= TOLERANCE)


def is_symmetric(array: Array) -> bool:
    """Whether a matrix, larger than 1×1, equals its transpose."""
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.shape[0] < 2:
        return False
    return bool(abs(array - array.T).max() <= TOLERANCE * max(1.0, abs(array).max()))


def is_covariance(array: Array) -> bool:
    """Whether a matrix is symmetric on purpose: positive definite, larger than 2×2, and not diagonal."""
    if array.ndim != 2 or not 2 < array.shape[0] == array.shape[1]:
        return False
    is_near = abs(array - array.T).max() <= TOLERANCE * abs(array).max()  # of NaN it is not
    if not is_near or not is_off_diagonal(array):
        return False
    import numpy as np

    return bool(min(np.linalg.eigvalsh(array)) > 0)


def is_off_diagonal(array: Array) -> bool:
    """Whether a symmetric matrix has an entry beside its diagonal."""
    return any(array[i, j] != 0 for i in range(len(array)) for j in range(i))
