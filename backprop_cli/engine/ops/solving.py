"""Systems of linear equations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import Sample, ShapeError, broadcast, composite, op, show
from backprop_cli.engine.ops.linear import mT
from backprop_cli.engine.ops.matrices import GROUP, each_matrix, guarded, inverse, matrix_shape
from backprop_cli.engine.ops.tensor import Array, Objects, Symbolic, Tensor, Words
from backprop_cli.engine.ops.validate import flag
from backprop_cli.language.model import Shape


def solve_shape(a: Shape, b: Shape) -> Shape:
    """numpy's solve: `b` is one vector, or one matrix (or a batch of them) whose columns are solved for."""
    matrix_shape("solve", a)
    if not b:
        raise ShapeError("solve takes a vector or matrix on the right, not a scalar", 1)
    rows = b[0] if len(b) == 1 else b[-2]
    if rows != a[-1]:
        raise ShapeError(f"solve: {show(a)} has {a[-1]} rows, the right-hand side {show(b)} has {rows}", 1)
    if len(b) == 1:
        return a[:-1]
    return (*broadcast(a[:-2], b[:-2]), a[-1], b[-1])


def solve(a: Array, b: Array) -> Array:
    """a⁻¹ b."""
    if np.ndim(b) == 1:  # numpy 1 took a 1-D b with a batch for matrices
        return solve(a, b[:, None])[..., 0]
    return guarded(np.linalg.solve, solve_shape(np.shape(a), np.shape(b)), a, b)


def _columns(xp: Words, x: Tensor, b: Tensor) -> Tensor:
    """`x`, a solution or its gradient, as a column where `b` was a vector."""
    return xp.expand_dims(x, axis=-1) if len(b.shape) == 1 else x


def _solve_left(xp: Words, g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    if len(b.shape) == 1 and len(a.shape) == 2:
        return -xp.outer(xp.solve(mT(xp, a), g), y)
    return -(xp.solve(mT(xp, a), _columns(xp, g, b)) @ mT(xp, _columns_of(xp, y, b)))


def _columns_of(xp: Words, y: Tensor, b: Tensor) -> Tensor:
    return xp.reshape(y, shape=(*y.shape, 1)) if len(b.shape) == 1 else y


def _solve_right(xp: Words, g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    if len(b.shape) == 1 and len(a.shape) > 2:
        return xp.sum(xp.solve(mT(xp, a), _columns(xp, g, b)), axis=-1)
    return xp.solve(mT(xp, a), g)


def _solve_entry(s: Symbolic, a: Objects, b: Objects) -> Objects:
    found: Objects = each_matrix(s, a, inverse) @ b
    return found


op("solve(a, b)", "The solution x of a @ x = b.", lambda xp, a, b: solve(a, b), shape=solve_shape,
   work=costs.cubic(8), temporary=costs.copies(1),
   vjps=(_solve_left, _solve_right), broadcasts=True, group=GROUP, entry=_solve_entry,
   domain="the matrix is singular", samples=tuple(Sample(shapes, {}, ("square",)) for shapes in (
       ((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (2, 3, 1)), ((2, 3, 3), (3,)), ((2, 2), (3, 2, 2)),
       ((2, 1, 2, 2), (3, 2, 2)))), linear="b")


def _solve_rows(shapes: Mapping[str, Shape], left: bool) -> str:
    a, b = shapes["a"], shapes["b"]
    matrix_shape("solve", a)
    if not flag("left", left):
        return "solve(a.mT, b.mT).mT"
    vectors = len(b) > 1 and b == a[:-1]
    return "squeeze(solve(a, expand_dims(b, axis=-1)), axis=-1)" if vectors else "solve(a, b)"


composite("solve_rows(a, b; left=true)",
          "PyTorch's solve: like solve, but a `b` with an axis less than a batch `a` holds a vector for each matrix; "
          "with left=false the x of x @ a = b.", _solve_rows, group=GROUP,
          samples=(Sample(((2, 3, 3), (2, 3)), {}, ("square",)), Sample(((3, 3), (3,)), {}, ("square",)),
                   Sample(((3, 3), (2, 3)), {"left": False}, ("square",))))
