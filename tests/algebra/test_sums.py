"""A sum over axes has the value that numpy's has, whatever comes out of it or was summed before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sympy import Expr, Integer

from backprop_cli.formulas.algebra.evaluate import Evaluator
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol
from backprop_cli.formulas.algebra.formula import Formula
from backprop_cli.formulas.algebra.sums import total

RNG = np.random.default_rng(3)
VALUES = {"s": RNG.normal(), "k": RNG.normal(size=(3, 1)), "w": RNG.normal(size=(2, 1, 1)), "v": RNG.normal(size=4),
          "B": RNG.normal(size=(2, 3, 4))}  # fmt: skip
EVALUATE = Evaluator([np.asarray(value) for value in VALUES.values()], [], "float64")
S, K, W, V, B = (TensorSymbol(n, np.shape(v), place, leaf=True) for place, (n, v) in enumerate(VALUES.items()))


def summed(axis: int, keepdims: bool) -> Expr:
    """Σ B over an axis, as it stands."""
    left = tuple(size for place, size in enumerate((2, 3, 4)) if place != axis or keepdims)
    shape = tuple(1 if keepdims and place == axis else size for place, size in enumerate((2, 3, 4)))
    return Apply("sum", (B,), {"axis": axis, "keepdims": keepdims}, shape if keepdims else left)


CASES = {
    "constant along two axes": (V, (2, 3, 4), (0, 1), False),
    "a number": (S, (2, 3), None, False),
    "two constant factors": (K * W * B, (2, 3, 4), 2, False),
    "two constant factors, of all kinds": (S * K * W * B, (2, 3, 4), 2, True),
    "a sum, and a factor": (5 * S * summed(2, False), (2, 3), 0, False),
    "a sum, and a number": (Integer(3) * summed(0, False), (3, 4), None, False),
    "a sum over a first axis": (summed(0, False), (3, 4), 1, False),
    "a sum that kept its axis": (summed(1, True), (2, 1, 4), 0, False),
    "a sum that kept its axis, twice": (summed(1, True), (2, 1, 4), 2, True),
    "a sum, whose next keeps its axis": (summed(2, False), (2, 3), 1, True),
}


@pytest.mark.parametrize("case", CASES)
def test_a_sum_is_numpys(case: str) -> None:
    """Rules S1, S2 and S16: constants count once an axis, factors come out whole, axes keep their places."""
    expr, shape, axis, keepdims = CASES[case]
    found = total(Formula(expr, shape), axis=axis, keepdims=keepdims)
    whole: Any = np.broadcast_to(EVALUATE(expr), shape)
    wanted = whole.sum(axis, keepdims=keepdims)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(np.broadcast_to(EVALUATE(found.expr), found.shape), wanted, rtol=1e-12)


def test_a_sum_of_a_multiple_of_a_sum_is_one() -> None:
    """Rule S16: 5 s comes out first, so that two sums are one over both axes."""
    found = total(Formula(5 * S * summed(2, False), (2, 3)), axis=0).expr
    assert found == 5 * S * total(Formula(B, (2, 3, 4)), axis=(0, 2)).expr
