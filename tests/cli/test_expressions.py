"""`-e`: expressions in place of a file."""

from __future__ import annotations

import json
from pathlib import Path

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


@pytest.mark.parametrize("command", ["run", "derive"])
def test_errors_repeat_what_was_typed(command: str, backprop: Backprop) -> None:
    """The place is one of the expression itself, not of a spec that was made of it, nor of a part that got a letter."""
    done = backprop(command, "-e", "a = X @ w", "-e", "sum((a - y@v)**2)", "--shape", "X=n,m", "--shape", "w=m")
    assert done.code == 2
    assert "-e:1:10" in done.err
    assert " 1 | sum((a - y@v)**2)" in done.err
    assert "a name without --shape is a number: --shape y=n,m" in done.err


def test_parts_of_a_file_are_told_by_their_place(tmp_path: Path, backprop: Backprop) -> None:
    """`derive` gives letters to parts of a long expression; what does not fit in one stands where it was written."""
    spec = tmp_path / "net.yaml"
    spec.write_text('params: {w: 1.0}\nnodes: {y: "sum((w@w-1)**2)"}\n')
    assert f"{spec}:2:18" in backprop("derive", str(spec)).err


@pytest.mark.parametrize("residual", ["X @ w - y", "y - X @ w"])
def test_a_product_of_matrices_takes_its_minus_in(residual: str, backprop: Backprop) -> None:
    """Ridge regression reads Xᵀ·(X·w - y) + lam·w, not lam·w - Xᵀ·(y - X·w), however the residual is written."""
    shapes = ("--shape", "X=n,d", "--shape", "w=d", "--shape", "y=n")
    done = backprop("derive", "-e", f"0.5*sum(({residual})**2) + lam/2*sum(w**2)", *shapes, "w", "--steps", "brief")
    assert done.out.rstrip().endswith("= Xᵀ · (X · w - y) + lam · w")


@pytest.mark.parametrize(("words", "place", "shown"), [
    (("x₁*2",), "-e:1:2", "x₁*2"),
    (("2*T",), "-e:1:3", "2*T"),
    (("y = 2*x", "-e", "W @ y", "--shape", "W=2,2", "--shape", "x=2"), "-e:1:1", "W @ y"),
    (("grad = 2*x", "-e", "3*y"), "-e:1:1", "grad = 2*x"),
    (("2 > 1",), "-e:1:1", "2 > 1"),
    (("x", "--set", "x=[[1,2],[3]]"), "--set:1:10", "x=[[1,2],[3]]"),
    (("W*x", "--shape", "W=2,3", "--set", "W = 1"), "--set:1:5", "W = 1"),
    (("x", "--set", "x=[1, 2"), "--set:1:7", "x=[1, 2"),
    (("x", "--set", "x=1\nparams: {x: 2}"), "--set:1:11", "x=1 params: {x: 2}"),
    (("x", "--set", "x.y=1"), "--set:1:2", "x.y=1"),
    (("sum(x)", "--shape", "x=2,a/b"), "--shape:1:6", "x=2,a/b"),
])  # fmt: skip
def test_an_error_stands_in_what_was_typed(backprop: Backprop, words: tuple[str, ...], place: str, shown: str) -> None:
    """Whoever finds it: the reader of values, of shapes and names, the graph; no line is shown of a spec in between."""
    done = backprop("run", "-e", *words)
    assert done.code == 2
    assert f"--> {place}\n" in done.err
    assert f" 1 | {shown}\n" in done.err


@pytest.mark.parametrize(("typed", "hint"), [
    ("w^T * x", "the transpose is written x.T or xᵀ"),
    ("min(w, 1)", "of two operands it is minimum(a, b)"),
    ("log(w, 2)", "log(x); of another base log2(x), log10(x), log(x)/log(b)"),
    ("sech(w)", "write 1/cosh(x)"),
    ("log₂(w)", "did you mean 'log2'?"),
])  # fmt: skip
def test_other_notations_are_told_how_it_is_written_here(backprop: Backprop, typed: str, hint: str) -> None:
    """What people type who know mathematics, Python or LaTeX; of single signs: tests/spec/test_expression.py."""
    done = backprop("run", "-e", typed, "--set", "w=2", "--set", "x=3")
    assert done.code == 2
    assert f"^ {hint}\n" in done.err


def test_double_bars_are_a_norm(backprop: Backprop) -> None:
    """||x|| was read as the absolute value of an absolute value, entry by entry."""
    assert backprop("run", "-e", "||x||", "--set", "x=[3, -4]", "--get", "out").out.strip() == "5.0"
