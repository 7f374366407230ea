"""What the user wrote, typeset: a product of matrices and vectors reads as what it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

LEAVES = ("x=[1, 2]", "y=[3, 5]", "A=[[1, 2], [4, 7]]", "B=[[2, 3], [1, 0]]")


@pytest.mark.parametrize(("written", "shown"), [
    ("x @ A @ y", "xᵀ · A · y"), ("x @ A @ B @ y", "xᵀ · A · B · y"), ("A @ x @ y", "(A · x)ᵀ · y"),
    ("(x + y) @ A @ y", "(x + y)ᵀ · A · y"), ("x**2 @ y", "(x²)ᵀ · y"), ("x @ (A @ y)", "xᵀ · (A · y)"),
    ("A @ B @ y @ x", "(A · B · y)ᵀ · x"),
])  # fmt: skip
def test_a_row_is_transposed_once(backprop: Any, written: str, shown: str) -> None:
    """A row times a matrix is a row already, a matrix times a column is transposed whole: read back, it is the same."""
    names = [part for leaf in LEAVES if leaf[0] in written for part in ("--set", leaf)]
    told = backprop("derive", "-e", f"q = {written}", "-e", "q**2", *names, "y", "--steps", "brief").out
    definition = next(line for line in told.splitlines() if line.strip().startswith("definition"))
    assert definition.partition(" = ")[2] == shown
    values = [json.loads(backprop("run", "-e", one, *names, "--get", "out").out) for one in (written, shown)]
    assert values[0] == values[1]
