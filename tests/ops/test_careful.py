"""Words of the numbers meaning where plain arithmetic has no value or few digits, each by an explicit formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.numbers import Words
from backprop_cli.engine.ops import OPS, costs
from backprop_cli.engine.ops.careful import cofactors_along
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run

V = np.array([[0.3, -1.2, 0.7], [1.5, 0.2, -0.4], [0.6, 0.9, -0.8]])


def minors(x: Any) -> Any:
    """The matrix of cofactors, entry by entry."""
    return np.array([[(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(x, i, 0), j, 1)) for j in range(3)]
                     for i in range(3)])  # fmt: skip


@pytest.mark.parametrize("diagonal", [(1.0, 2.0, 3.0), (0.0, 2.0, 3.0), (0.0, 0.0, 3.0), (0.0, 0.0, 0.0)])
def test_cofactors_move_at_any_rank(diagonal: tuple[float, ...]) -> None:
    """They are quadratic in a matrix of three rows, so what they move by along v is C(x + v) - C(x) - C(v)."""
    x = np.diag(diagonal)
    np.testing.assert_allclose(cofactors_along(x, V), minors(x + V) - minors(x) - minors(V), atol=1e-12)


@pytest.mark.parametrize("x", [1e-7, 1e-4, 1e-3])
def test_the_slope_of_sinc_has_its_digits_near_zero(x: float) -> None:
    """It is -π² x/3 + π⁴ x³/30 - π⁶ x⁵/840 there."""
    series = -(np.pi**2) * x / 3 + np.pi**4 * x**3 / 30 - np.pi**6 * x**5 / 840
    np.testing.assert_allclose(Words().sinc_slope(np.sinc(x), np.array(x)), series, rtol=1e-13)


def test_a_number_on_its_bound_has_the_gradient_alone() -> None:
    """clip's bound counts as inside: what arrives goes to x, and nothing to a bound that x meets."""
    data = b"params: {x: [1.0, 3.0], low: 1.0, high: 3.0}\nnodes: {y: 'sum(clip(x, low, high))'}\n"
    nodes = run(read_spec(data, "clip", folder=None), Settings(terms=())).by_name
    found = {name: nodes[name].gradient.value for name in ("x", "low", "high")}  # type: ignore[union-attr]
    assert {name: np.sum(value) for name, value in found.items()} == {"x": 2, "low": 0, "high": 0}


def test_a_logit_has_no_slope_where_it_has_no_value() -> None:
    """As in PyTorch: NaN outside [0, 1], infinite at its ends, and 0 outside where it is kept within."""
    x = np.array([-0.5, 0, 0.5, 1, 1.5])
    op = OPS["logit"]
    for eps, wanted in ((None, [np.nan, np.inf, 4, np.inf, np.nan]), (0.1, [0, 0, 4, 0, 0])):
        with np.errstate(all="ignore"):
            slope = op.vjps[0](Words(), np.ones(5), op.forward(Words(), x, eps=eps), x, eps=eps)  # type: ignore[misc]
        np.testing.assert_array_equal(slope, wanted)


def test_a_decomposition_counts_what_it_reads_and_writes() -> None:
    """Besides one matrix for LAPACK's work: 2 by 3 by 3 read, as much written, twice 3 by 3."""
    assert costs.copies(2)((2, 3, 3), (2, 3, 3)) == 18 + 18 + 2 * 9
