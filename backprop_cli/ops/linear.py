"""Linear algebra: products, transposes, traces, determinants, inverses."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_cli.ops.base import Sample, ShapeError, broadcast, named, op, show
from backprop_cli.spec.model import Shape


def swapped(shape: Shape) -> Shape:
    """The shape of a matrix transposed: the last two axes change places."""
    return (*shape[:-2], shape[-1], shape[-2])


def mT(xp: Any, x: Any) -> Any:
    """The transpose of a matrix, or of each matrix of a batch."""
    rank = len(x.shape)
    return xp.transpose(x, axes=(*range(rank - 2), rank - 1, rank - 2))


def matmul_shape(a: Shape, b: Shape) -> Shape:
    """numpy's matmul: a 1-D left operand is a row, a 1-D right one a column."""
    if not a or not b:
        raise ShapeError("@ needs operands of rank 1 or more, not a scalar", 0 if not a else 1, "use * with a scalar")
    inner = b[-2] if len(b) > 1 else b[-1]
    if a[-1] != inner:
        hint = None
        if len(a) > 1 and a[-2] == inner:
            hint = "the left operand transposed (.T) would fit"
        elif len(b) > 1 and b[-1] == a[-1]:
            hint = "the right operand transposed (.T) would fit"
        raise ShapeError(f"@ multiplies {show(a)} by {show(b)}: {a[-1]} columns do not meet {inner} rows", None, hint)
    batch = broadcast(a[:-2], b[:-2])
    return (*batch, *a[-2:-1], *b[-1:]) if len(b) > 1 else (*batch, *a[:-1][-1:])


def _left(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    ranks = len(a.shape), len(b.shape)
    if ranks == (1, 1):
        return g * b
    if ranks[1] == 1:  # matrix @ vector: each row of `a` met `b`
        return xp.outer(g, b) if ranks[0] == 2 else xp.expand_dims(g, axis=-1) * b
    if ranks[0] == 1:
        return b @ g if ranks[1] == 2 else xp.sum(b * xp.expand_dims(g, axis=-2), axis=-1)
    return g @ mT(xp, b)


def _right(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    ranks = len(a.shape), len(b.shape)
    if ranks == (1, 1):
        return g * a
    if ranks[0] == 1:  # row @ matrix
        return xp.outer(a, g) if ranks[1] == 2 else xp.expand_dims(a, axis=-1) * xp.expand_dims(g, axis=-2)
    if ranks[1] == 1:
        return mT(xp, a) @ g if ranks[0] == 2 else xp.sum(a * xp.expand_dims(g, axis=-1), axis=-2)
    return mT(xp, a) @ g


MATMUL_SAMPLES = tuple(
    Sample(shapes)
    for shapes in (
        ((2, 3), (3, 2)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 2, 3), (2, 3, 2)), ((2, 2, 3), (3, 2)),
        ((2, 3), (2, 3, 2)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)), ((2, 1, 2, 3), (3, 3, 2)),
    )
)  # fmt: skip

op("matmul(a, b)", "Matrix product `a @ b`; 1-D operands are a row on the left, a column on the right.",
   lambda xp, a, b: a @ b, shape=matmul_shape, vjps=(_left, _right), broadcasts=True, samples=MATMUL_SAMPLES,
   group="linear algebra", aliases="mm bmm mv", example="matmul(W, x)")


def dot_shape(a: Shape, b: Shape) -> Shape:
    """Two vectors of one length."""
    if len(a) != 1 or a != b:
        raise ShapeError(f"dot takes two vectors of one length, not {show(a)} and {show(b)}", None, "use @ for matrices")
    return ()


def outer_shape(a: Shape, b: Shape) -> Shape:
    """Every entry of one vector with every entry of the other."""
    for index, shape in enumerate((a, b)):
        if len(shape) != 1:
            raise ShapeError(f"outer takes vectors, not {show(shape)}", index, "use a[:, None] * b[None, :]")
    return (a[0], b[0])


op("outer(a, b)", "Outer product a bᵀ of two vectors.", lambda xp, a, b: np.multiply.outer(a, b), shape=outer_shape,
   vjps=(lambda xp, g, y, a, b: g @ b, lambda xp, g, y, a, b: mT(xp, g) @ a), samples=(Sample(((2,), (3,))),),
   group="linear algebra", aliases="ger", latex=r"{0} {1}^\top")


def transpose_shape(x: Shape, *, axes: Any = None) -> Shape:
    """The axes in the order of `axes` (default: reversed)."""
    if axes is None:
        return tuple(reversed(x))
    order = tuple(a % len(x) if -len(x) <= a < len(x) else a for a in axes)
    if sorted(order) != list(range(len(x))):
        raise ShapeError(f"axes {tuple(axes)} are no permutation of the {len(x)} axes of {show(x)}")
    return tuple(x[a] for a in order)


def _inverse_permutation(axes: Any, rank: int) -> tuple[int, ...] | None:
    if axes is None:
        return None
    return tuple(int(a) for a in np.argsort([a % rank for a in axes]))


op("transpose(x; axes=none)", "Axes in another order; by default reversed, `x.T`.",
   lambda xp, x, axes=None: np.transpose(x, axes), shape=transpose_shape,
   vjps=lambda xp, g, y, x, axes: xp.transpose(g, axes=_inverse_permutation(axes, len(x.shape))),
   samples=(Sample(((2, 3),)), Sample(((3,),)), Sample(((2, 3, 2),), {"axes": (2, 0, 1)}), Sample(((2, 3, 4),))),
   group="linear algebra", aliases="permute")


def square(name: str) -> Any:
    """The shape rule of a scalar function of a square matrix."""

    def shape(x: Shape) -> Shape:
        matrix_shape(name, x)
        return x[:-2]

    return shape


def matrix_shape(name: str, x: Shape, *_: Any, **__: Any) -> Shape:
    """The shape of a square matrix, or of a batch of them.

    Raises:
        ShapeError: it is not square.
    """
    if len(x) < 2 or x[-1] != x[-2]:
        raise ShapeError(f"{name} takes a square matrix, not {show(x)}", 0)
    return (*x[:-2], named(x[-2], x[-1]), named(x[-2], x[-1]))


def _scalar(g: Any, xp: Any) -> Any:
    """A gradient of shape (batch) against matrices of shape (batch, n, n)."""
    return g if not g.shape else xp.expand_dims(g, axis=(-2, -1))


SQUARE = (Sample(((3, 3),)), Sample(((2, 2, 2),)))
SPD = (Sample(((3, 3),), {}, ("spd",)), Sample(((2, 2, 2),), {}, ("spd",)))

op("trace(x)", "Sum of the diagonal of a matrix.", lambda xp, x: np.trace(x, axis1=-2, axis2=-1), shape=square("trace"),
   vjps=lambda xp, g, y, x: _scalar(g, xp) * xp.eye(n=x.shape[-1]), samples=SQUARE, group="linear algebra",
   text="tr({0})", latex=r"\operatorname{{tr}}({0})")
op("inv(x)", "Inverse of a matrix.", lambda xp, x: xp.inverse(x), shape=lambda x: matrix_shape("inv", x),
   vjps=lambda xp, g, y, x: -(mT(xp, y) @ g @ mT(xp, y)), samples=SPD, group="linear algebra", aliases="inverse",
   domain="the matrix is singular", entry=lambda s, x: _each_matrix(s, x, lambda m: m.inv()))
op("det(x)", "Determinant of a matrix.", lambda xp, x: np.linalg.det(x), shape=square("det"),
   vjps=lambda xp, g, y, x: _scalar(g * y, xp) * mT(xp, xp.inv(x)), samples=SPD, group="linear algebra",
   entry=lambda s, x: _each_matrix(s, x, lambda m: m.det()), latex=r"\det({0})")
op("logdet(x)", "log |det x|... of a matrix with a positive determinant.", lambda xp, x: xp.log_determinant(x),
   shape=square("logdet"), vjps=lambda xp, g, y, x: _scalar(g, xp) * mT(xp, xp.inv(x)), samples=SPD,
   group="linear algebra", domain="logdet needs a positive determinant",
   entry=lambda s, x: _each_matrix(s, x, lambda m: s.log(m.det())), text="log det({0})", latex=r"\log\det({0})")


def _each_matrix(s: Any, x: Any, function: Any) -> Any:
    """Apply a function of a sympy matrix to each matrix of an object array."""
    result = np.empty(x.shape[:-2], dtype=object)
    for index in np.ndindex(*result.shape):
        result[index] = function(s.Matrix(x[index]))
    if result.size and hasattr(result.flat[0], "shape"):
        return np.array([np.array(m.tolist(), dtype=object) for m in result.flat], dtype=object).reshape(x.shape)
    return result
