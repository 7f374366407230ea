"""Symmetric matrices and rows that are broadcast: what may be turned without a transpose, and what may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.formulas.algebra.expr import TensorSymbol
from backprop_cli.formulas.algebra.facts import Facts, reset_facts, use_facts
from backprop_cli.formulas.algebra.formula import Formula
from backprop_cli.formulas.algebra.symmetry import is_symmetric, settled
from backprop_cli.formulas.algebra.transposes import swap
from backprop_cli.tasks.calculate import Settings, run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data() -> Any:
    """Facts seen in arrays by symbol."""
    arrays: dict[Any, Any] = {}
    token = use_facts(Facts(arrays.get))
    yield arrays
    reset_facts(token)


def matrix(name: str, *shape: int) -> TensorSymbol:
    """A leaf."""
    return TensorSymbol(name, shape, 0, leaf=True)


def test_form_alone_makes_a_matrix_symmetric(data: Any) -> None:
    """XᵀX and X + Xᵀ are symmetric whatever X is; X and XᵀAX are not."""
    x, a = matrix("X", 3, 3), matrix("A", 3, 3)
    gram = (Formula(swap(x), (3, 3)) @ Formula(x, (3, 3))).expr
    assert is_symmetric(gram)
    assert is_symmetric(x + swap(x))
    assert not is_symmetric(x)
    assert not is_symmetric((Formula(swap(x), (3, 3)) @ Formula(a, (3, 3)) @ Formula(x, (3, 3))).expr)


def test_a_broadcast_row_is_not_symmetric(data: Any) -> None:
    """XᵀX ⊙ v repeats v along rows: its transpose repeats it along columns."""
    x, v = matrix("X", 3, 3), matrix("v", 3)
    product = (Formula(swap(x), (3, 3)) @ Formula(x, (3, 3))).expr * v
    assert not is_symmetric(product)
    assert settled(swap(product)) == swap(product)


def test_data_makes_a_matrix_symmetric_and_says_so(data: Any) -> None:
    """A symmetric input needs no transpose where it is hardly so by chance, and that is announced."""
    w, small = matrix("W", 3, 3), matrix("S", 2, 2)
    data[w] = np.array([[1.0, 2, 3], [2, 4, 5], [3, 5, 6]])
    data[small] = np.array([[1.0, 2], [2, 1]])
    assert settled(swap(w)) == w
    assert settled(swap(small)) == swap(small)
    from backprop_cli.formulas.algebra.facts import current_facts

    assert list(current_facts().used.values()) == ["W = Wᵀ (checked on the data)"]


@pytest.mark.parametrize("n", [3, 4])
def test_gradients_beside_a_broadcast_row(n: int, spec_of: Any) -> None:
    """sum(((XᵀX) ⊙ v)ᵀ · A) has its right formula, also where all axes have one size."""
    rng = np.random.default_rng(0)
    square = rng.normal(size=(n, n)).tolist()
    spec = spec_of(f"inputs:\n  v: {rng.normal(size=n).tolist()}\n  A: {square}\nparams:\n  X: {square}\n"
                   "nodes:\n  loss: sum(((X.T @ X) * v).T @ A)\n")  # fmt: skip
    for formula in run(spec, Settings()).by_name["X"].gradient.formula.values():  # type: ignore[union-attr]
        assert formula.deviation < 1e-12
