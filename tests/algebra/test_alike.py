"""Equal parameters have one form, so that equal things cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from backprop_cli.formulas.printed import Printed
from backprop_cli.tasks.calculate import run

if TYPE_CHECKING:
    from backprop_cli.language.model import Spec

CUBE = "[[[1.0, -2.0], [0.5, 3.0]], [[4.0, -1.0], [2.0, 0.3]]]"
VECTOR, MATRIX = "[1.0, -2.0, 3.0]", "[[1.0, -2.0, 3.0], [2.0, 0.5, 4.0]]"
EQUAL = [
    (VECTOR, "flip(x)", "flip(x, 0)"), (MATRIX, "flip(x)", "flip(x, axis=(-1, 0))"),
    (VECTOR, "prod(x)", "prod(x, axis=(0,))"), (VECTOR, "roll(x, 1)", "roll(x, (1,), axis=(-1,))"),
    (MATRIX, "roll(x, 1, axis=1)", "roll(x, 1, axis=-1)"), (MATRIX, "norm(x)", "norm(x, 'fro')"),
    (VECTOR, "norm(x)", "norm(x, 2)"), (VECTOR, "std(x, ddof=1)", "std(x, unbiased=true)"),
    (MATRIX, "var(x, axis=1, keepdims=true)", "var(x, axis=-1, keepdims=true, correction=0)"),
    (MATRIX, "x[:, 0:3]", "x[:, :]"), (MATRIX, "x[:1, :]", "x[:1]"), (MATRIX, "x[0:]", "x"),
    (CUBE, "flip(flip(x, axis=1), axis=1)", "x"), (CUBE, "flip(flip(x, axis=(0, 2)), axis=(0, 1))", "flip(x, (1, 2))"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "one", "two"), EQUAL)
def test_equal_things_cancel(value: str, one: str, two: str, spec_of: Callable[[str], Spec]) -> None:
    """The gradient of x times the difference of two spellings of one thing is the constant 0, in every term."""
    node = run(spec_of(f'params: {{x: {value}}}\nnodes: {{y: "sum(x * ({one} - {two}))"}}\n')).by_name["x"]
    assert node.gradient is not None
    assert not np.any(node.gradient.value)
    for terms, formula in node.gradient.formula.items():
        assert isinstance(formula, Printed), terms
        assert formula.code.startswith("zeros("), (terms, formula)
