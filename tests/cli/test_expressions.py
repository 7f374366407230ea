"""`-e`: expressions in place of a file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.conftest import Backprop


def test_expressions_are_nodes_and_their_names_params(backprop: Backprop) -> None:
    """Each -e is a node, `NAME = EXPR` a named one; values come by --set, and the last is the output."""
    values = ("--set", "W=[[1, 2], [3, 4]]", "--set", "x=[1, 1]")
    done = backprop("run", "-e", "z = W @ x", "-e", "sum(z**2)", *values, "--format", "json")
    result = json.loads(done.out)
    w, x = np.array([[1.0, 2], [3, 4]]), np.ones(2)
    np.testing.assert_allclose(result["nodes"]["W"]["gradient"]["value"], 2 * np.outer(w @ x, x))
    assert result["output"] == "out"


@pytest.mark.parametrize("nodes", [("x",), ()])
def test_sizes_may_be_letters(nodes: tuple[str, ...], backprop: Backprop) -> None:
    """A letter is a size of its own, so shapes alone are enough to derive from."""
    done = backprop("derive", "-e", "x.T @ A @ x", "--shape", "x=n", "--shape", "A=n,n", *nodes)
    assert done.code == 0
    assert "∂out/∂x = (A + Aᵀ) · x" in done.out


@pytest.mark.parametrize(
    "arguments",
    [("run",), ("run", "specs/mazur.yaml", "-e", "a*b"), ("run", "-e", "sum(q", "--shape", "q=n"),
     ("derive", "-e", "a*b", "--shape", "a"), ("run", "-e", "a @ b", "--shape", "a=2", "--shape", "b=3")],
)  # fmt: skip
def test_what_is_wrong_is_a_usage_error(arguments: tuple[str, ...], backprop: Backprop) -> None:
    """No spec at all, a file beside -e, an expression or a shape that is none: exit code 2, without a traceback."""
    done = backprop(*arguments)
    assert done.code == 2
    assert "error[E0" in done.err
