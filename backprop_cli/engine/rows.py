"""The meaning 'many seeds at once': gradients have a leading axis, a row for each seed; values are plain arrays.

The same rules run on them.  What a function does to many rows at once stands in a table; any other is run row by row,
so every function works, and those in the table take one call of numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from string import ascii_letters
from types import MethodType
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.numbers import Numbers, Words, plain
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import Factor
from backprop_cli.engine.ops.contraction import explicit
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.language.model import Shape

Function = Callable[..., Array]


class Rows:
    """Arrays of one shape, one below the other; `shape` is that of a single one."""

    __slots__ = ("array",)
    __array_ufunc__ = None  # an array beside it leaves the operation to it

    def __init__(self, array: Array) -> None:
        self.array = array

    @property
    def shape(self) -> Shape:
        """The shape of a row."""
        return self.array.shape[1:]

    def aligned(self, rank: int) -> Array:
        """The rows with axes of size 1 in front, as an operand of `rank` axes broadcasts."""
        rows, *shape = self.array.shape
        return self.array.reshape((rows, *[1] * (rank - len(shape)), *shape))

    def __add__(self, other: Rows | Array | float) -> Rows:
        return _pointwise(np.add, (self, other), {})

    def __radd__(self, other: Rows | Array | float) -> Rows:
        return _pointwise(np.add, (other, self), {})

    def __sub__(self, other: Rows | Array | float) -> Rows:
        return _pointwise(np.subtract, (self, other), {})

    def __rsub__(self, other: Rows | Array | float) -> Rows:
        return _pointwise(np.subtract, (other, self), {})

    def __mul__(self, other: Rows | Array | float) -> Rows:
        return _pointwise(np.multiply, (self, other), {})

    def __rmul__(self, other: Rows | Array | float) -> Rows:
        return _pointwise(np.multiply, (other, self), {})

    def __truediv__(self, other: Rows | Array | float) -> Rows:
        return _pointwise(np.divide, (self, other), {})

    def __matmul__(self, other: Rows | Array | float) -> Rows:
        return _matmul(np.matmul, (self, other), {})

    def __rmatmul__(self, other: Rows | Array | float) -> Rows:
        return _matmul(np.matmul, (other, self), {})

    def __neg__(self) -> Rows:
        return Rows(-self.array)

    @property
    def mT(self) -> Rows:  # noqa: N802 (numpy's name)
        """The last two axes swapped."""
        return Rows(np.swapaxes(self.array, -1, -2)) if len(self.shape) > 1 else self


# ── what functions do to rows ────────────────────────────────────────────────────────────────────


def _pointwise(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, object]) -> Rows:
    rank = max(len(np.shape(o)) for o in operands)
    return Rows(function(*(o.aligned(rank) if isinstance(o, Rows) else o for o in operands), **parameters))


def _matmul(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    """A vector is a matrix of one row on the left, of one column on the right; stacks of matrices broadcast."""
    a, b = operands
    row, column = len(np.shape(a)) == 1, len(np.shape(b)) == 1
    a, b = (_widened(a, -2) if row else a), (_widened(b, -1) if column else b)
    found = _pointwise(function, (a, b), parameters).array
    found = found[..., 0] if column else found
    return Rows(np.squeeze(found, -1 if column else -2) if row else found)


def _widened(operand: Rows | Array, axis: int) -> Rows | Array:
    if isinstance(operand, Rows):
        return Rows(np.expand_dims(operand.array, axis))
    return np.expand_dims(operand, axis)


def _along(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    """A function along axes, which are counted from the end: there a row's are those of all rows."""
    (x,) = operands
    rank, axis = len(x.shape), parameters["axis"]
    listed = tuple(range(rank)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    ends = tuple(a if a < 0 else a - rank for a in listed)
    given = ends[0] if isinstance(axis, int) else ends
    return Rows(function(x.array, **{**parameters, "axis": given}) if ends else x.array)


def _stacked(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    """What numpy does to each matrix of a stack."""
    return Rows(function(operands[0].array, **parameters))


def _expanded(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    (x,) = operands
    axes = parameters["axis"] if isinstance(parameters["axis"], tuple) else (parameters["axis"],)
    rank = len(x.shape) + len(axes)
    return Rows(np.expand_dims(x.array, tuple(a if a < 0 else a - rank for a in axes)))


def _squeezed(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    (x,) = operands
    rank, axis = len(x.shape), parameters["axis"]
    ones = tuple(i for i, n in enumerate(x.shape) if n == 1)
    axes = ones if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return Rows(np.squeeze(x.array, tuple(a if a < 0 else a - rank for a in axes)))


def _transposed(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    (x,) = operands
    rank = len(x.shape)
    axes = parameters["axes"]
    order = tuple(reversed(range(rank))) if axes is None else tuple(a % rank for a in axes)
    return Rows(x.array.transpose((0, *(a + 1 for a in order))))


def _reshaped(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    (x,) = operands
    return Rows(x.array.reshape((len(x.array), *map(int, parameters["shape"]))))


def _spread(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    (x,) = operands
    shape = tuple(map(int, parameters["shape"]))
    return Rows(np.broadcast_to(x.aligned(len(shape)), (len(x.array), *shape)))


def _outer(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    a, b = (Rows(o.array.reshape((len(o.array), -1))) if isinstance(o, Rows) else np.ravel(o) for o in operands)
    return _pointwise(np.multiply, (_widened(a, -1), _widened(b, -2)), {})


def _einsum(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    """One letter more for the rows."""
    inputs, output = explicit(parameters["subscripts"], tuple(len(np.shape(o)) for o in operands))
    spare = next(c for c in ascii_letters if c not in "".join(inputs))
    letters = [spare + own if isinstance(o, Rows) else own for own, o in zip(inputs, operands, strict=True)]
    arrays = [o.array if isinstance(o, Rows) else o for o in operands]
    return Rows(function(*arrays, subscripts=f"{','.join(letters)}->{spare}{output}"))


def _images(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    """A convolution of every row with the same filters: the rows are further images of the batch."""
    x, w, b = operands
    if not isinstance(x, Rows) or isinstance(w, Rows) or isinstance(b, Rows):
        return _each(function, operands, parameters)
    single = x.array.ndim == np.ndim(w)  # rows of one image each
    found = function(x.array if single else x.array.reshape((-1, *x.array.shape[2:])), w, b, **parameters)
    return Rows(found if single else found.reshape((*x.array.shape[:2], *found.shape[1:])))


def _filters(space: int, function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    """The gradient by the filters where one operand has rows, which are further channels of it."""
    x, g = operands
    if isinstance(x, Rows) and isinstance(g, Rows) or parameters["groups"] != 1:
        return _each(function, operands, parameters)
    if isinstance(x, Rows):
        found = function(_as_channels(x, space), g, **parameters)
        split = found.reshape((len(found), len(x.array), -1, *found.shape[2:]))
        return Rows(np.moveaxis(split, 1, 0))
    found = function(x, _as_channels(g, space), **parameters)
    return Rows(found.reshape((len(g.array), -1, *found.shape[1:])))


def _as_channels(x: Rows, space: int) -> Any:
    """(batch, rows · channels, *space)."""
    batch, places = x.shape[: -space - 1], x.shape[-space:]
    return np.moveaxis(x.array, 0, len(batch)).reshape((*batch, -1, *places))


def _each(function: Function, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Rows:
    """Row by row."""
    count = next(len(o.array) for o in operands if isinstance(o, Rows))
    rows = [function(*(o.array[i] if isinstance(o, Rows) else o for o in operands), **parameters) for i in range(count)]
    return Rows(np.stack(rows))


BATCHED: Mapping[str, Callable[[Function, tuple[object, ...], Mapping[str, object]], Rows]] = {
    "matmul": _matmul, "sum": _along, "mean": _along, "flip": _along, "expand_dims": _expanded, "squeeze": _squeezed,
    "transpose": _transposed, "reshape": _reshaped, "broadcast_to": _spread, "outer": _outer, "cumsum": _along,
    "tril": _stacked, "triu": _stacked, "less_share": _pointwise, "select": _pointwise, "reject": _pointwise,
    "gated": _pointwise, "ratio": _pointwise, "share_power": _pointwise, "einsum": _einsum,
    **{name.format(space): manner for space in (1, 2) for name, manner in (
        ("conv{}d", _images), ("conv_transpose{}d", _images), ("avg_pool{}d", _stacked), ("avg_unpool{}d", _stacked),
        ("conv{}d_weight", partial(_filters, space)))},
}  # fmt: skip
"""Beside the pointwise functions: how a function is applied to many rows in one call."""


class RowWords:
    """The functions of the language on rows of arrays."""

    def __init__(self, words: Words) -> None:
        self.plain = words
        self.pi = words.pi
        self.dtype = words.dtype

    def __getattr__(self, name: str) -> Function:
        return partial(self.word, name)

    def word(self, name: str, *operands: object, **parameters: object) -> Any:
        """A function; of plain arrays alone it is numpy's."""
        function = getattr(self.plain, name)
        if not any(isinstance(o, Rows) for o in operands):
            return function(*operands, **parameters)
        op = OPS.get(name)
        manner = BATCHED.get(name) or (_pointwise if op is not None and op.pointwise else _each)
        given = {**op.signature.parameters, **parameters} if op is not None else parameters
        return manner(function, operands, {key: plain(value) for key, value in given.items()})


class NumbersInRows(Numbers):
    """The reverse pass from many seeds at once; the forward pass is that of `Numbers`."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.rows = RowWords(self.words)

    def product(self, rule: Factor) -> Function:
        """A factor is multiplied into every row."""
        return MethodType(rule.product, self.rows)

    def _vjp(self, op: Any, position: int) -> Function:
        if op.signature.variadic:
            return partial(op.vjps[0], self.rows, position)
        return MethodType(op.vjps[position], self.rows)

    def unbroadcast(self, gradient: Any, shape: Shape) -> Any:
        """Sum over the axes along which the operand was repeated."""
        if gradient.shape == shape:
            return gradient
        extra = len(gradient.shape) - len(shape)
        repeated = (extra + i for i, size in enumerate(shape) if size == 1 and gradient.shape[extra + i] != 1)
        axes = tuple(a + 1 for a in (*range(extra), *repeated))
        summed = np.sum(gradient.array, axis=axes) if axes else gradient.array
        return Rows(summed.reshape((len(summed), *map(int, shape))))
