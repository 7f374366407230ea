"""Every printed formula, evaluated by something that shares nothing with the project, is the printed gradient."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.formulas.printed import Named, Printed
from backprop_cli.language.model import Spec
from backprop_cli.language.reader import load_spec, read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.result import Gradient, NodeResult, Result
from tests import independent, quick_yaml
from tests.pace import within

ROOT = Path(__file__).resolve().parent.parent.parent
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))
EXERCISES = quick_yaml.cases("notebooks.yaml")
SOUND = [e for e in EXERCISES if e["expect"] != [{"error": True}]]


def bound(result: Result, gradients: dict[str, Gradient], where: tuple[Named, ...]) -> tuple[Any, Any]:
    """Values by name, those of the δ found in their order from what they are said to be; and gradients."""
    names = {**result.dims, **{node.name: node.value for node in result.nodes}}
    values = {name: gradient.value for name, gradient in gradients.items()}
    for named in where:
        found = independent.evaluate(named.formula.code, names, values)
        np.testing.assert_allclose(found, named.value, rtol=1e-9, atol=1e-11, err_msg=named.formula.code)
        assert named.name["code"] not in names
        names[named.name["code"]] = found
    return names, values


def evaluated(formulas: dict[str, Printed], names: Any, values: Any) -> dict[str, Any]:
    """What each printed formula says, by its terms."""
    return {terms: independent.evaluate(one.code, names, values) for terms, one in formulas.items()}


def compare(gradient: Gradient, names: Any, values: Any) -> int:
    """All formulas of a gradient against its value; how many there were."""
    printed = {terms: one for terms, one in gradient.formula.items() if isinstance(one, Printed)}
    for terms, found in evaluated(printed, names, values).items():
        assert found.shape == np.shape(gradient.value), printed[terms].code
        np.testing.assert_allclose(found, gradient.value, rtol=1e-9, atol=1e-11, err_msg=printed[terms].code)
    return len(printed)


def check_spec(spec: Spec) -> int:
    """Every gradient of a spec, pass by pass, and the sums of the passes."""
    result = run(spec, Settings(notations=("code",), anonymous=True))
    last = {node.name: node.gradient for node in result.nodes if node.gradient is not None}
    sources = [(one.gradients, one.where) for one in result.passes] or [(last, result.where)]
    count = 0
    for source, where in sources:
        scope = bound(result, dict(source), where)
        count += sum(compare(gradient, *scope) for gradient in source.values())
    scope = bound(result, last, ())
    return count + sum(compare(node.gradient, *scope) for node in leaves(result) if result.passes)


def leaves(result: Result) -> list[NodeResult]:
    """The leaves that have a gradient."""
    return [node for node in result.nodes if node.kind != "node" and node.gradient is not None]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_formulas_of_a_shipped_spec(path: Path) -> None:
    """Python's parser and plain numpy read every printed formula of a shipped spec as the gradient beside it."""
    spec = load_spec(str(path))
    if any(leaf.load is None for leaf in spec.leaves):
        pytest.skip("shapes without numbers")
    assert check_spec(spec) > 0


@pytest.mark.parametrize("exercise", SOUND, ids=lambda exercise: exercise["id"])
def test_formulas_of_an_exercise(exercise: dict[str, Any]) -> None:
    """The same for the exercises of the notebooks."""
    assert check_spec(read_spec(json.dumps(exercise["spec"]).encode(), "net.yaml", folder=None)) > 0


@pytest.mark.parametrize(("code", "value"), [
    ("-a**2", [-1, -4]), ("1/2*a @ a", 2.5), ("(a > 1)*3", [0, 3]), ("grad(a).T - 1", [9, 19]),
    ("sum(a, axis=0, keepdims=true)", [3]),
    ("scatter(a, '1:3', (4,))", [0, 1, 2, 0]), ("a[::2]", [1]), ("outer(a, a)[1, :]", [2, 4]), ("N*pi", 3 * np.pi),
])  # fmt: skip
def test_evaluator(code: str, value: Any) -> None:
    """The evaluator itself reads the language as numpy would."""
    found = independent.evaluate(code, {"a": np.array([1.0, 2.0]), "N": 3}, {"a": np.array([10.0, 20.0])})
    np.testing.assert_allclose(found, value)


@pytest.mark.parametrize("expression", [
    "norm(inv(softmax(X.T@X, axis=0) + 7*eye(3)))**2", "sum(matrix_power(X, 60))",
    "sum(matrix_power(softmax(X[:2, :2]), 9))", "det(inv(X.T@X))",
])  # fmt: skip
def test_matrices_of_long_expressions_are_left_out(checked: Any, one: Any, expression: str) -> None:
    """What sympy would not finish is refused before it starts; the note says that entries were left out."""
    text = f"params:\n  X: [[1, 2, 0.5], [0.3, 1, 2], [0.1, 0.7, 1]]\nnodes:\n  l: {expression}\noutput: l\n"
    start = time.process_time()
    answers = one(checked(text), "X").answers
    assert within(time.process_time() - start, 3)
    assert [a.note for a in answers if a.name == "entries"] == ["too large to be written out in entries"]


@pytest.mark.parametrize("made", ["inv(K)", "solve(K, eye(3))", "matrix_power(K, -1)"])
def test_inverses_of_kernels_are_written_out(checked: Any, one: Any, made: str) -> None:
    """A Gaussian process has an inverse of exponentials: by cofactors, where elimination would take minutes."""
    text = ("inputs:\n  x: [0.0, 0.5, 1.2]\n  y: [0.1, 0.9, 0.3]\nparams:\n  ell: 0.7\n  noise: 0.1\nnodes:\n"
            "  K: exp(-(x[:, None] - x[None, :])**2 / (2 * ell**2)) + noise * eye(3)\n"
            f"  nll: y @ {made} @ y\noutput: nll\n")
    found = {a.name: a for a in one(checked(text), "ell").answers}
    assert (found["entries"].checked, found["entries"].wrong) == (1, False)
