"""The work that decompositions say they take: what their figures are to one another, whatever the machine."""

from __future__ import annotations

import pytest

from backprop_cli.engine.ops import OPS, costs

SIZE = 40
CUBIC = costs.cubic(1).__qualname__
FACTORED = [name for name, op in OPS.items() if getattr(op.work, "__qualname__", "") == CUBIC]


def work(name: str, *batch: int) -> int:
    """What a function takes of square matrices."""
    op, shape = OPS[name], (*batch, SIZE, SIZE)
    operands = [shape] * len(op.signature.operands)
    given = dict(op.signature.parameters)
    return op.work(op.shape(*operands, **given), *operands)


@pytest.mark.parametrize("name", FACTORED)
def test_a_decomposition_is_counted_matrix_by_matrix(name: str) -> None:
    """Each takes more than a product does, and a batch as many times one: twelve matrices, twelve times."""
    assert work(name) > work("matmul")
    assert work(name, 3, 4) == 12 * work(name)


def test_vectors_that_numpy_makes_are_counted() -> None:
    """Singular values come with the vectors on both sides: they were counted at a half of these."""
    assert work("svd_u") > work("svdvals") - SIZE**2 > 0.99 * work("svd_u") - SIZE**2
    assert work("eigvecsh") > 2 * work("eigvalsh")
    assert work("pinv") > work("svd_u") > work("inv") > work("det")


def test_small_matrices_take_a_call_of_lapack_each() -> None:
    """A thousand matrices of 2 by 2 are no thousand times eight operations."""
    op, shape = OPS["svdvals"], (1000, 2, 2)
    assert op.work((1000, 2), shape) > 1000 * OPS["svdvals"].work((10,), (10, 10)) / 2
