"""Products of matrices and their transposes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import (
    Factor,
    ParameterError,
    Sample,
    ShapeError,
    broadcast,
    composite,
    normalize_axis,
    op,
    show,
)
from backprop_cli.engine.ops.tensor import LETTERS, Array, Axes, Tensor, Words
from backprop_cli.language.model import Shape


def swapped(shape: Shape) -> Shape:
    """The shape of a matrix transposed: the last two axes change places."""
    return (*shape[:-2], shape[-1], shape[-2])


def mT(xp: Words, x: Tensor) -> Tensor:  # noqa: N802 (numpy's name)
    """The transpose of a matrix, or of each matrix of a batch."""
    return x.mT


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


def _left(xp: Words, g: Tensor, b: Tensor) -> Tensor:
    """The gradient by `a` of `a @ b`; what `a` was, the ranks of `g` and `b` say."""
    if 1 < len(b.shape) <= len(g.shape):  # the usual case first: a long network has thousands
        return xp.matmul(g, b.mT)
    ranks = len(g.shape), len(b.shape)
    if ranks == (0, 1):
        return g * b
    if ranks[1] == 1:  # matrix @ vector: each row of `a` met `b`
        return xp.outer(g, b) if ranks[0] == 1 else xp.expand_dims(g, axis=-1) * b
    return b @ g if ranks[1] == 2 else xp.sum(b * xp.expand_dims(g, axis=-2), axis=-1)


def _right(xp: Words, g: Tensor, a: Tensor) -> Tensor:
    """The gradient by `b`."""
    if 1 < len(a.shape) <= len(g.shape):
        return xp.matmul(a.mT, g)
    ranks = len(g.shape), len(a.shape)
    if ranks == (0, 1):
        return g * a
    if ranks[1] == 1:  # row @ matrix
        return xp.outer(a, g) if ranks[0] == 1 else xp.expand_dims(a, axis=-1) * xp.expand_dims(g, axis=-2)
    return a.mT @ g if ranks[1] == 2 else xp.sum(a * xp.expand_dims(g, axis=-1), axis=-2)


MATMUL_SAMPLES = tuple(
    Sample(shapes)
    for shapes in (
        ((2, 3), (3, 2)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 2, 3), (2, 3, 2)), ((2, 2, 3), (3, 2)),
        ((2, 3), (2, 3, 2)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)), ((2, 1, 2, 3), (3, 3, 2)),
    )
)  # fmt: skip

op("matmul(a, b)", "Matrix product `a @ b`; 1-D operands are a row on the left, a column on the right.",
   lambda xp, a, b: a @ b, work=costs.product,
   shape=matmul_shape, vjps=(Factor(2, _left), Factor(1, _right)), broadcasts=True, samples=MATMUL_SAMPLES,
   group="linear algebra", aliases="mm bmm mv", example="matmul(W, x)", linear="a b")


def _dot(shapes: Mapping[str, Shape]) -> str:
    """numpy's dot, for operands of rank 2 and less."""
    a, b = shapes["a"], shapes["b"]
    if not a or not b:
        return "a * b"
    if len(b) > 2:
        raise ShapeError(f"dot of {show(a)} and {show(b)}: the right operand has more than two axes", 1,
                         "use @ for batches of matrices, or einsum")
    return "a @ b"


composite("dot(a, b)", "numpy's dot: the inner product of vectors, the product of matrices.", _dot,
          samples=(Sample(((3,), (3,))), Sample(((2, 3), (3, 2))), Sample(((), (3,))), Sample(((2, 2, 3), (3,)))),
          group="linear algebra")


def _entries(shape: Shape) -> int:
    return shape[0] if len(shape) == 1 else math.prod(shape)


def outer_shape(a: Shape, b: Shape) -> Shape:
    """Every entry of one tensor with every entry of the other."""
    return (_entries(a), _entries(b))


def as_vector(xp: Words, x: Tensor) -> Tensor:
    """A tensor's entries in a row."""
    return x if len(x.shape) == 1 else xp.reshape(x, shape=(-1,))


def _outer_rule(xp: Words, product: Tensor, x: Tensor) -> Tensor:
    return product if len(x.shape) == 1 else xp.reshape(product, shape=x.shape)


op("outer(a, b)", "Outer product a bᵀ of two vectors; other tensors are flattened, as in numpy.",
   lambda xp, a, b: np.multiply.outer(np.ravel(a), np.ravel(b)), shape=outer_shape,
   vjps=(lambda xp, g, y, a, b: _outer_rule(xp, g @ as_vector(xp, b), a),
         lambda xp, g, y, a, b: _outer_rule(xp, mT(xp, g) @ as_vector(xp, a), b)),
   samples=(Sample(((2,), (3,))), Sample(((2, 1), (1, 3)))),
   group="linear algebra", aliases="ger", latex=r"{0} {1}^\top", linear="a b")


def transpose_shape(x: Shape, *, axes: Axes = None) -> Shape:
    """The axes in the order of `axes` (default: reversed)."""
    if axes is None:
        return tuple(reversed(x))
    if isinstance(axes, int):
        raise ParameterError("axes", "axes is a tuple that names every axis; swapaxes(x, 0, 1) exchanges two")
    order = tuple(a % len(x) if -len(x) <= a < len(x) else a for a in axes)
    if sorted(order) != list(range(len(x))):
        raise ShapeError(f"axes {tuple(axes)} are no permutation of the {len(x)} axes of {show(x)}")
    return tuple(x[a] for a in order)


def _inverse_permutation(axes: tuple[int, ...] | None, rank: int) -> tuple[int, ...] | None:
    if axes is None:
        return None
    return tuple(int(a) for a in np.argsort([a % rank for a in axes]))


op("transpose(x; axes=none)", "Axes in another order; by default reversed, `x.T`.",
   lambda xp, x, axes=None: np.transpose(x, axes), view=True, shape=transpose_shape,
   vjps=lambda xp, g, y, x, axes: xp.transpose(g, axes=_inverse_permutation(axes, len(x.shape))),
   samples=(Sample(((2, 3),)), Sample(((3,),)), Sample(((2, 3, 2),), {"axes": (2, 0, 1)}), Sample(((2, 3, 4),))),
   group="linear algebra", aliases="permute", linear="x")


def _swapaxes(shapes: Mapping[str, Shape], axis1: int, axis2: int) -> str:
    rank = len(shapes["x"]) or 1  # PyTorch takes axis 0 of a scalar
    order = list(range(rank))
    a, b = normalize_axis(axis1, rank, "axis1"), normalize_axis(axis2, rank, "axis2")
    order[a], order[b] = order[b], order[a]
    return f"transpose(x, axes={tuple(order)})" if rank > 1 else "x"


composite("swapaxes(x; axis1, axis2)", "Two axes change places; PyTorch's transpose(x, dim0, dim1).", _swapaxes,
          aliases="swapdims", samples=(Sample(((2, 3),), {"axis1": 0, "axis2": 1}),
                                       Sample(((2, 3, 4),), {"axis1": -1, "axis2": 0})), group="linear algebra")


def _kron_shape(a: Shape, b: Shape) -> Shape:
    rank = max(len(a), len(b))
    left, right = ((*[1] * (rank - len(s)), *s) for s in (a, b))
    return tuple(n * m for n, m in zip(left, right, strict=True))


def _kron_rule(xp: Words, g: Tensor, first: Tensor, second: Tensor, wanted: int) -> Tensor:
    """Blocks of g, met by the other operand: einsum('ikjl,kl->ij', g in blocks, b)."""
    operands = (first, second)
    rank = max(len(x.shape) for x in operands)
    names = [LETTERS[:26][i * rank : (i + 1) * rank][rank - len(x.shape) :] for i, x in enumerate(operands)]
    axes = [(letter, size) for i in range(rank) for x, letters in zip(operands, names, strict=True)
            if (at := i - rank + len(x.shape)) >= 0
            for letter, size in ((letters[at], x.shape[at]),)]  # fmt: skip
    blocks = xp.reshape(g, shape=tuple(size for _, size in axes))
    subscripts = f"{''.join(letter for letter, _ in axes)},{names[1 - wanted]}->{names[wanted]}"
    return xp.einsum(blocks, operands[1 - wanted], subscripts=subscripts)


def _kron(xp: object, a: Array, b: Array) -> Array:
    return np.kron(a, b)  # type: ignore[return-value]  # numpy says that it gives masks


op("kron(a, b)", "Kronecker product: blocks a[i, j]·b.",
   _kron, shape=_kron_shape,
   vjps=(lambda xp, g, y, a, b: _kron_rule(xp, g, a, b, 0), lambda xp, g, y, a, b: _kron_rule(xp, g, a, b, 1)),
   samples=(Sample(((2, 3), (3, 2))), Sample(((2,), (3,))), Sample(((2, 2), (3,)))),
   group="linear algebra", linear="a b")
