"""`--get PATH`: one thing and nothing else."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from backprop_cli.cli.get import find, parse
from backprop_cli.errors import UsageError
from backprop_cli.formulas.printed import Omitted, Printed
from backprop_cli.report.view import View
from backprop_cli.tasks.result import Gradient, NodeResult, Result
from tests.conftest import ROOT, Backprop

GRADIENT = Gradient(np.array([[0.1, -2.0], [math.inf, math.nan]]), {
    "local": Printed({"text": "∂L/∂z · xᵀ", "code": "grad(z) @ x.T", "latex": r"\delta x^\top"}, 0.0),
    "nodes": Printed({"text": "p · xᵀ", "code": "p @ x.T", "latex": r"p x^\top"}, 0.0),
    "leaves": Omitted("too long"),
})  # fmt: skip


def node(name: str, kind: str, value: object, gradient: Gradient | None = None) -> NodeResult:
    """A node of the result."""
    return NodeResult(name, kind, None, (), None, np.shape(value), value, gradient is not None, gradient)


SHORT = Gradient(np.float64(1.0), {"nodes": Omitted("long"), "local": GRADIENT.formula["local"]})
RESULT = Result("net.yaml", None, None, "float64", "L", np.float64(1.0), {}, (
    node("x", "input", np.arange(6.0).reshape(2, 3)), node("w", "param", np.eye(2), GRADIENT),
    node("b", "param", np.float64(0.5), SHORT),
    node("L", "node", np.float64(1 / 3), Gradient(np.float64(1.0))),
))  # fmt: skip


@pytest.mark.parametrize(("path", "shown"), [
    ("L", "0.3333333333333333"), ("L.grad", "1.0"), ("L.value", "0.3333333333333333"),
    ("x", "[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]"), ("x[1]", "[3.0, 4.0, 5.0]"), ("x[-1, -1]", "5.0"),
    ("x[:, 0]", "[0.0, 3.0]"), ("x[0, ::2]", "[0.0, 2.0]"), ("x.shape", "[2, 3]"), ("L.shape", "[]"),
    ("w.grad", '[[0.1, -2.0], ["inf", "nan"]]'), ("w.grad[0,0]", "0.1"), ("w.grad[1,1]", "nan"), ("w.grad[1,0]", "inf"),
    ("w.formula", "p · xᵀ"), ("w.formula.text", "p · xᵀ"), ("w.formula.code", "p @ x.T"),
    ("w.formula.latex", r"p x^\top"), ("w.formula.local", "∂L/∂z · xᵀ"), ("w.formula.local.code", "grad(z) @ x.T"),
    ("w.formula.code.local", "grad(z) @ x.T"), ("b.formula", "∂L/∂z · xᵀ"), (" L ", "0.3333333333333333"),
])  # fmt: skip
def test_what_a_path_gives(path: str, shown: str) -> None:
    """Scalars round-trip, arrays are nested lists, formulas text; the chained one unless it is too long."""
    assert find(RESULT, path, View()) == shown


def test_precision() -> None:
    """`--precision N` gives N significant digits."""
    assert find(RESULT, "L", View(precision=3)) == "0.333"
    assert json.loads(find(RESULT, "w.grad[0]", View(precision=1))) == [0.1, -2.0]


@pytest.mark.parametrize(("path", "message", "hint"), [
    ("l", "no node is called 'l'", "did you mean 'L'?"),
    ("w.gard", "'w' has no part 'gard'", "did you mean 'grad'?"),
    ("w.gradient", "'w' has no part 'gradient'", "did you mean 'grad'?"),
    ("x.grad", "'x' has no gradient", "--wrt x asks for it"),
    ("x[2]", "'x[2]': the index does not fit the shape (2, 3)", None),
    ("L[0]", "'L[0]': the index does not fit the shape ()", None),
    ("x[0,0,0]", "'x[0,0,0]': the index does not fit the shape (2, 3)", None),
    ("x[a]", "cannot read the index of 'x[a]'", "an index looks like [0], [0,1], [1:3]"),
    ("x[0", "cannot read the path 'x[0'", "paths look like loss"),
    ("", "cannot read the path ''", "paths look like loss"),
    ("w.formula.mathmlx", "cannot read the path 'w.formula.mathmlx'", "terms: local, nodes, compact, leaves"),
    ("w.formula.text.code", "cannot read the path 'w.formula.text.code'", "terms: "),
    ("w.formula[0]", "cannot read the path 'w.formula[0]'", "terms: "),
    ("w.grad.x", "'w.grad.x' goes on after '.grad'", "paths look like"),
    ("w.formula.leaves", "'w.formula.leaves' is left out: too long", None),
    ("L.formula", "'L' has no formula", None),
])  # fmt: skip
def test_bad_paths(path: str, message: str, hint: str | None) -> None:
    """E023 with what was probably meant."""
    with pytest.raises(UsageError) as caught:
        find(RESULT, path, View())
    assert caught.value.code == "E023"
    assert caught.value.message == message
    assert (caught.value.hint or "").startswith(hint or "")
    assert (caught.value.hint is None) == (hint is None)


@pytest.mark.parametrize(("path", "terms"), [
    ("w.grad", ()), ("w", ()), ("w.shape", ()), ("w.formula", ("local", "nodes")),
    ("w.formula.latex", ("local", "nodes")),
    ("w.formula.leaves", ("leaves",)),
])  # fmt: skip
def test_only_what_is_needed_is_derived(path: str, terms: tuple[str, ...]) -> None:
    """A number needs no formula, a formula only its own terms."""
    assert parse(path).terms == terms


def test_by_command(in_process) -> None:
    """One line, also for each of several specs; a wrong path is an error with nothing on stdout."""
    assert in_process("run", "small.yaml", "--get", "a.grad") == (0, "3.0\n", "")
    assert in_process("run", "small.yaml", "small.yaml", "--get", "b.grad") == (0, "2.0\n2.0\n", "")
    code, out, err = in_process("run", "small.yaml", "--get", "d")
    assert (code, out) == (2, "")
    assert err.startswith("error[E023]: no node is called 'd'\n")


def test_a_delta_is_asked_for(backprop: Backprop) -> None:
    """The δ of compact formulas, by either spelling: its value, an entry, its definition; an unknown one says which."""
    spec = ROOT / "specs" / "rnn.yaml"
    values = json.loads(backprop("run", spec, "--format", "json").out)["where"]["delta_h_3"]["value"]
    assert json.loads(backprop("run", spec, "--get", "delta_h_3").out) == values
    assert float(backprop("run", spec, "--get", "δ_h_3[1]").out) == values[1]
    assert backprop("run", spec, "--get", "δ_h_3.formula.code").out == "grad(h_3) * (1 - h_3**2)\n"
    refused = backprop("run", spec, "--get", "delta_h_9")
    assert refused.code == 2
    assert "delta_h_3, delta_h_2, delta_h_1" in refused.err
