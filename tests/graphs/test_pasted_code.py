"""`code` pasted into numpy as it stands: comparisons are booleans there, which numpy does not subtract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backprop_cli.formulas.printed import Printed
from backprop_cli.tasks.calculate import Settings, run

LEAVES = {
    "x": [1.0, -2.0, 2.5], "y": [0.5, 3.0, -1.0], "z": [1.0, 2.0, 3.0],
    "A": [[1.0, 2.0, -3.0], [0.5, -1.0, 4.0], [3.0, 1.5, 2.0]],
}  # fmt: skip
LOSSES = (
    "sum(((x > 0) - (y > 0)) * z)", "sum(-(x > 0) * z)", "sum(((x > 0) + (y > 0)) * z)", "sum((1 - (x > 0)) * z)",
    "sum(2*((x > 0) - (y > 0)) * z)", "sum((max(x > 0) - (y > 0)) * z)", "sum(((x > 0) + (y > 0) + (x > y)) * z)",
    "sum(((A > 0) @ (A > 1)) * A)", "sum(((A > 0) @ (A.T > 1)).T * A)", "sum(mean(x > 0) * z)",
    "sum((x > 0) / (1 + (y > 0)) * z)", "sum((x > 0)**2 * z)", "sum(((x > 0) == (y > 0)) * z)", "sum(relu(x) * z)",
    "sum(abs(x) * z)", "sum(maximum(x, y) * z)", "sum(where(x > y, x, y) * z)", "sum(clip(x, -1, 2) * z)",
    "sum(((x > 0) * (y > 0) - (x > y)) * z)", "sum((x[::-1] > 0) * z - (y > 0) * z)",
)  # fmt: skip
NUMPYS = ("sum", "mean", "max", "ones", "where", "outer", "sign", "maximum", "abs", "clip")
WORDS = {name: getattr(np, name) for name in NUMPYS}
WORDS["relu"] = lambda x: np.maximum(x, 0)


@pytest.mark.parametrize("loss", LOSSES)
def test_masks_are_numbers_where_they_must_be(loss: str, spec_of: Callable[[str], Any]) -> None:
    """Each formula, given to Python and numpy with the arrays of the same result, is the gradient."""
    text = f"params: {LEAVES}\nnodes: {{loss: '{loss}'}}"
    result = run(spec_of(text), Settings(terms=("nodes", "leaves")))
    names = {node.name: np.asarray(node.value) for node in result.nodes}
    compared = 0
    for node in result.nodes:
        for formula in node.gradient.formula.values() if node.gradient else ():
            assert isinstance(formula, Printed)
            found = eval(formula.code, {"__builtins__": {}}, {**WORDS, **names})
            assert node.gradient is not None
            np.testing.assert_allclose(np.asarray(found, dtype=float), node.gradient.value, err_msg=formula.code)
            compared += 1
    assert compared
