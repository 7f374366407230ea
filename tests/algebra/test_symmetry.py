"""Symmetric matrices and rows that are broadcast: what may be turned without a transpose, and what may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from weakref import ref

import numpy as np
import pytest

from backprop_cli.formulas.algebra.expr import TensorSymbol
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.formula import Formula, call
from backprop_cli.formulas.algebra.symmetry import is_symmetric, mirrored
from backprop_cli.formulas.algebra.transposes import swap
from backprop_cli.tasks.calculate import Settings, run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data() -> dict[Any, Any]:
    """Arrays by symbol."""
    return {}


@pytest.fixture
def facts(data: dict[Any, Any]) -> Facts:
    """What is seen in them."""
    return Facts(data.get)


def matrix(facts: Facts, name: str, *shape: int) -> TensorSymbol:
    """A leaf."""
    symbol = TensorSymbol(name, shape, 0, leaf=True)
    symbol.graph = ref(facts)
    return symbol


def test_form_alone_makes_a_matrix_symmetric(facts: Facts) -> None:
    """XᵀX and X + Xᵀ are symmetric whatever X is; X and XᵀAX are not."""
    x, a = matrix(facts, "X", 3, 3), matrix(facts, "A", 3, 3)
    gram = (Formula(swap(x), (3, 3)) @ Formula(x, (3, 3))).expr
    assert is_symmetric(gram)
    assert is_symmetric(x + swap(x))
    assert not is_symmetric(x)
    assert not is_symmetric((Formula(swap(x), (3, 3)) @ Formula(a, (3, 3)) @ Formula(x, (3, 3))).expr)


def test_a_broadcast_row_is_not_symmetric(facts: Facts) -> None:
    """XᵀX ⊙ v repeats v along rows: its transpose repeats it along columns."""
    x, v = matrix(facts, "X", 3, 3), matrix(facts, "v", 3)
    product = (Formula(swap(x), (3, 3)) @ Formula(x, (3, 3))).expr * v
    assert not is_symmetric(product)
    assert mirrored(swap(product), facts) == swap(product)


def test_what_is_made_of_pairs_is_symmetric(facts: Facts) -> None:
    """(x_i - x_j)², cos(x_i - x_j), s_i A_ij s_j of a symmetric A are; x_i - x_j, (x_i - y_j)² and s_i A_ij are not."""
    x, y, a = matrix(facts, "x", 3), matrix(facts, "y", 3), matrix(facts, "A", 3, 3)
    column = call("expand_dims", {"axis": 1}, x)
    gram = (Formula(swap(a), (3, 3)) @ Formula(a, (3, 3))).expr
    assert is_symmetric((column - x) ** 2)
    assert is_symmetric(call("cos", {}, column - x) + gram)
    assert is_symmetric(column * gram * x)
    assert is_symmetric(column + x - 2 * gram)
    assert is_symmetric(call("sin", {}, column - x) * (column - x))
    assert not is_symmetric(column - x)
    assert not is_symmetric((column - y) ** 2)
    assert not is_symmetric(column * gram)
    assert not is_symmetric((column - x) ** 2 * a)


def test_data_makes_a_matrix_symmetric_and_says_so(data: dict[Any, Any], facts: Facts) -> None:
    """A symmetric input needs no transpose where it is hardly so by chance, and that is announced."""
    w, small = matrix(facts, "W", 3, 3), matrix(facts, "S", 2, 2)
    data[w] = np.array([[1.0, 2, 3], [2, 4, 5], [3, 5, 6]])
    data[small] = np.array([[1.0, 2], [2, 1]])
    assert mirrored(swap(w), facts) == w
    assert mirrored(swap(small), facts) == swap(small)
    assert list(facts.used.values()) == ["W = Wᵀ (checked on the data)"]


def test_symmetry_is_seen_at_the_end_of_a_long_chain(data: dict[Any, Any], facts: Facts) -> None:
    """Rule: a node is symmetric by what thousands of nodes before it are made of, and the first matrix is announced."""
    first = matrix(facts, "S", 3, 3)
    data[first] = np.array([[1.0, 2.0, 0.5], [2.0, 5.0, 1.0], [0.5, 1.0, 3.0]])
    node = first
    for place in range(1, 3000):
        made = TensorSymbol(f"h{place}", (3, 3), place)
        made.graph = ref(facts)
        facts.definitions[made] = call("tanh", {}, node) + node * (place % 2)
        node = made
    assert is_symmetric(node)
    assert facts.used == {"symmetric S": "S = Sᵀ (checked on the data)"}


@pytest.mark.parametrize("n", [3, 4])
def test_gradients_beside_a_broadcast_row(n: int, spec_of: Any) -> None:
    """sum(((XᵀX) ⊙ v)ᵀ · A) has its right formula, also where all axes have one size."""
    rng = np.random.default_rng(0)
    square = rng.normal(size=(n, n)).tolist()
    spec = spec_of(f"inputs:\n  v: {rng.normal(size=n).tolist()}\n  A: {square}\nparams:\n  X: {square}\n"
                   "nodes:\n  loss: sum(((X.T @ X) * v).T @ A)\n")  # fmt: skip
    for formula in run(spec, Settings()).by_name["X"].gradient.formula.values():  # type: ignore[union-attr]
        assert formula.deviation < 1e-12


def test_numbers_that_are_none_prove_nothing(spec_of: Any) -> None:
    """Rule: a matrix and a vector with NaN in them are run, and no fact is seen in them: they equal nothing."""
    spec = spec_of("inputs: {p: [0.5, .nan, 0.5]}\nparams:\n  A: [[1, .nan, 2], [.nan, 3, 1], [2, 1, 5]]\n"
                   "  z: [1, 2, 3]\nnodes: {loss: z @ A @ z - sum(p * log_softmax(z))}\n")  # fmt: skip
    result = run(spec, Settings(("nodes",), ("text",)))
    assert result.facts == ()
    assert result.by_name["A"].gradient.formula["nodes"].text == "z · zᵀ"  # type: ignore[union-attr]
    assert "(A + Aᵀ) · z" in result.by_name["z"].gradient.formula["nodes"].text  # type: ignore[union-attr]
    assert "Σ(p)" in result.by_name["z"].gradient.formula["nodes"].text  # type: ignore[union-attr]
