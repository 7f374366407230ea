"""What the values of rules are, for the type checker: a tensor under any meaning, and the words that a rule may use.

A rule sees `Tensor`s and `Words` and nothing else, whatever it is run on: arrays, formulas, entries, shapes, the nodes
of a graph.  A forward sees numpy's arrays (`Array`), or, for entries, arrays of sympy's expressions.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol, TypeAlias

from backprop_cli.language.model import Shape

if TYPE_CHECKING:
    from types import EllipsisType

    import numpy as np
    from sympy import Expr

Array: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"
"""Numbers in the run's dtype, float64 or float32; of shape () also a numpy scalar, as numpy itself gives it."""

Mask: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]"
"""A comparison of arrays."""

Whole: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.int64]]"
"""Positions, counts."""

Objects: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.object_]]"
"""sympy's expressions, one an entry."""

Scalar: TypeAlias = "Expr"
"""One entry as an expression of sympy's."""

Real = float
"""A number of the language, as a static parameter: 2, 1e-5; or a Fraction, which does what a float does."""

Axes = int | tuple[int, ...] | None
"""One axis, several, or all."""

Wholes = int | tuple[int, ...]
"""One whole number for each axis of a window, or for all."""

Key: TypeAlias = "tuple[slice | EllipsisType | int | None, ...]"
"""What stands in brackets after an array: slices and the like, but no list of positions."""

Padding = Wholes | str
"""For each axis of a window, or 'same' and the like."""


Order = float | str | None
"""Of a norm: a number, or a word."""

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""The axes of an einsum."""


class Symbolic(Protocol):
    """sympy's functions, as the `entry` of an op gets them: some are our own (`formulas.entries.Real`)."""

    pi: Expr

    def __getattr__(self, name: str, /) -> Callable[..., Expr]: ...


class Tensor(Protocol):
    """A value under any meaning, in a rule: it has a shape and arithmetic, and no truth value."""

    @property
    def shape(self) -> Shape:
        """Sizes of the axes."""
        ...

    @property
    def mT(self) -> Tensor:  # noqa: N802 (numpy's name)
        """The last two axes swapped."""
        ...

    def __add__(self, other: Operand, /) -> Tensor: ...
    def __radd__(self, other: Operand, /) -> Tensor: ...
    def __sub__(self, other: Operand, /) -> Tensor: ...
    def __rsub__(self, other: Operand, /) -> Tensor: ...
    def __mul__(self, other: Operand, /) -> Tensor: ...
    def __rmul__(self, other: Operand, /) -> Tensor: ...
    def __truediv__(self, other: Operand, /) -> Tensor: ...
    def __rtruediv__(self, other: Operand, /) -> Tensor: ...
    def __pow__(self, other: Operand, /) -> Tensor: ...
    def __rpow__(self, other: Operand, /) -> Tensor: ...
    def __matmul__(self, other: Tensor, /) -> Tensor: ...
    def __neg__(self) -> Tensor: ...


Operand = Tensor | float

Unary = Callable[[Operand], Tensor]
Binary = Callable[[Operand, Operand], Tensor]
Ternary = Callable[[Operand, Operand, Operand], Tensor]


def word(xp: object, name: str) -> Callable[..., Tensor]:
    """A word of a rule by a name that is put together: `conv{space}d`."""
    found: Callable[..., Tensor] = getattr(xp, name)
    return found


class Reduction(Protocol):
    """A function over axes."""

    def __call__(self, x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor: ...


class Along(Protocol):
    """A function along an axis that keeps it."""

    def __call__(self, x: Tensor, /, *, axis: Axes = -1) -> Tensor: ...


class Diagonal(Protocol):
    """A function that counts diagonals."""

    def __call__(self, x: Tensor, /, *, k: int = 0) -> Tensor: ...


class Picking(Protocol):
    """A function that takes entries at positions, or puts them there."""

    def __call__(self, x: Tensor, indices: Tensor, /, *source: Tensor, axis: int | None = None) -> Tensor: ...


class Words(Protocol):
    """What a rule may call, by what it takes: functions of the language, and the words of `ops.words`.

    Whatever a rule calls by a name put together (`conv{space}d`) is a function of the language too.
    """

    pi: Tensor
    number: Callable[[Real | Fraction], Tensor]
    size: Callable[[int], Tensor]
    array: Callable[[Array], Tensor]
    mask: Callable[[Tensor], Tensor]

    abs: Unary
    cos: Unary
    cosh: Unary
    digamma: Unary
    erfc: Unary
    exp: Unary
    inv: Unary
    log: Unary
    logit: Unary
    sigmoid: Unary
    polar: Unary
    polar_factor: Unary
    sign: Unary
    sin: Unary
    sinh: Unary
    softplus: Unary
    sqrt: Unary
    svd_u: Unary
    svd_vh: Unary
    svdvals: Unary
    tanh: Unary

    bce_slope: Binary
    circle_ratio: Binary
    cofactor_along: Binary
    det_slope: Binary
    equal: Binary
    floor_divide: Binary
    fmod: Binary
    gated: Binary
    gelu_share: Binary
    greater: Binary
    greater_equal: Binary
    is_positive: Binary
    largest_pair: Binary
    less: Binary
    less_equal: Binary
    log_ndtr_slope: Binary
    log_slope: Binary
    logit_slope: Binary
    lyapunov: Binary
    matmul: Binary
    maximum: Binary
    outer: Binary
    power_slope: Binary
    ratio: Binary
    reject: Binary
    select: Binary
    sigmoid_complement: Binary
    sigmoid_minus: Binary
    sinc_slope: Binary
    smallest_pair: Binary
    solve: Binary

    clip: Ternary
    cofactor_slope: Ternary
    exponent_slope: Ternary
    share_power: Ternary
    where: Ternary
    less_share: Callable[..., Tensor]
    einsum: Callable[..., Tensor]
    concat: Callable[..., Tensor]
    pad: Callable[..., Tensor]
    fold: Callable[..., Tensor]
    unfold: Callable[..., Tensor]

    mean: Reduction
    sum: Reduction
    var: Reduction
    cumsum: Along
    flip: Along
    prod_others: Along
    softmax: Along
    diag: Diagonal
    tril: Diagonal
    triu: Diagonal
    index_add: Picking
    scatter_add: Picking
    take: Picking
    take_along_axis: Picking

    def argsort(self, x: Tensor, /, *, axis: int, descending: bool) -> Tensor: ...
    def cross(self, a: Tensor, b: Tensor, /, *, axis: int) -> Tensor: ...
    def cumprod_others(self, x: Tensor, g: Tensor, /, *, axis: int) -> Tensor: ...
    def eigvalsh(self, x: Tensor, /, *, uplo: str) -> Tensor: ...
    def eigvecsh(self, x: Tensor, /, *, uplo: str) -> Tensor: ...
    def matrix_power(self, x: Tensor, /, *, n: int) -> Tensor: ...
    def polygamma(self, x: Tensor, /, *, n: int) -> Tensor: ...
    def roll(self, x: Tensor, /, *, shift: Wholes, axis: Axes) -> Tensor: ...

    def eye(self, *, n: int, m: int | None = None) -> Tensor: ...
    def ones(self, *, shape: Shape) -> Tensor: ...
    def zeros(self, *, shape: Shape) -> Tensor: ...

    def broadcast_to(self, x: Tensor, /, *, shape: Shape) -> Tensor: ...
    def expand_dims(self, x: Tensor, /, *, axis: Axes) -> Tensor: ...
    def index(self, x: Tensor, /, *, index: tuple[object, ...]) -> Tensor: ...
    def reshape(self, x: Tensor, /, *, shape: Shape) -> Tensor: ...
    def scatter(self, x: Tensor, /, *, index: tuple[object, ...], shape: Shape) -> Tensor: ...
    def transpose(self, x: Tensor, /, *, axes: tuple[int, ...] | None = None) -> Tensor: ...
