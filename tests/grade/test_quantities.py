"""Quantities beyond values and gradients: params after a step, Jacobians, Hessians, tangents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.grading.key import key_of
from backprop_cli.tasks.grading.mark import Scheme, grade
from backprop_cli.tasks.grading.quantities import Settings
from backprop_cli.tasks.grading.sheets import sheet_of
from tests.conftest import Backprop

FURTHER = Settings({"lr": "0.5"}, {"b": np.array([1.0, 2.0])})
LAYER = """
inputs: {x: [0.5, -0.8], t: [0.2, -0.4]}
params: {W: [[0.3, -0.8], [0.9, 0.4]], b: [0.1, -0.2]}
nodes: {z: W @ x + b, y: tanh(z), loss: 1/2*sum((y - t)**2)}
"""


def layer(b: np.ndarray) -> np.ndarray:
    """The layer's output, in plain numpy."""
    return np.tanh(np.array([[0.3, -0.8], [0.9, 0.4]]) @ np.array([0.5, -0.8]) + b)


@pytest.mark.parametrize(("item", "word", "mistake"), [
    ("W.new: {new}", "right", None), ("W.new: W - lr*grad(W)", "right", None), ("W.new: W + lr*dW", "wrong", "sign"),
    ("W.new: W - dW", "wrong", "factor_missing"), ("W.new: W", "wrong", "step_missing"),
    ("y.jacobian(b)[0, 0]: {slope}", "right", None), ("y.jacobian(b)[0,1]: 0", "right", None),
    ("y.jacobian(b): diag(1 - y**2)", "right", None), ("y.jacobian(b)[0, 0]: 1 - y[1]**2", "wrong", None),
    ("loss.hessian(b)[1, 1]: {second}", "right", None),
    ("loss.hessian(b): diag((1-y**2)*(1-3*y**2+2*t*y))", "right", None),
    ("y.tangent: {moved}", "right", None), ("y.jacobian: 1", "not readable", None),
    ("y.jacobian(b)[0, 7]: 1", "not readable", None), ("W.hessian(b): 1", "not readable", None),
])  # fmt: skip
def test_further_quantities(item: str, word: str, mistake: str | None) -> None:
    """A param after a step, entries of Jacobians and Hessians, tangents: right as by differences of the plain layer."""
    key = key_of(read_spec(LAYER.encode(), "net.yaml", folder=None), settings=FURTHER)
    b, e, t = np.array([0.1, -0.2]), 1e-4, np.array([0.2, -0.4])
    loss = [0.5 * np.sum((layer(b + np.array([0.0, n * e])) - t) ** 2) for n in (1, 0, -1)]
    delta = (layer(b) - t) * (1 - layer(b) ** 2)
    first, both = e * np.array([1.0, 0.0]), e * np.array([1.0, 2.0])
    found = {
        "slope": (layer(b + first) - layer(b - first))[0] / (2 * e),
        "second": (loss[0] - 2 * loss[1] + loss[2]) / e**2,
        "moved": ((layer(b + both) - layer(b - both)) / (2 * e)).round(6).tolist(),
        "new": (np.array([[0.3, -0.8], [0.9, 0.4]]) - 0.5 * np.outer(delta, [0.5, -0.8])).round(6).tolist(),
    }  # fmt: skip
    text = item.format(**{name: f"{value:.5f}" if isinstance(value, float) else value for name, value in found.items()})
    sheet = sheet_of(f"answers:\n  {text}\n".encode(), "a.yaml", key.names)
    mark = grade(key, sheet, Scheme()).items[0]
    assert (mark.word, mark.mistake) == (word, mistake), mark.reason


@pytest.mark.parametrize(("item", "word"), [
    ("y.jacobian(x)[1, 0]: {slope}", "right"), ("y.jacobian(x): diag(1 - y**2) @ W", "right"),
    ("y.jacobian(z): diag(1 - y**2)", "right"), ("y.jacobian(x)[1, 0]: 1 - y[1]**2", "wrong"),
    ("side.jacobian(x): 2 * diag(x)", "right"), ("loss.hessian(x)[0, 0]: {second}", "right"),
    ("loss.hessian(t): eye(2)", "right"), ("loss.hessian(c): 0", "right"), ("x.new: x - lr * W.T @ dz", "right"),
    ("t.new: {moved}", "right"), ("y.jacobian(t): 0", "not readable"), ("side.jacobian(W): 0", "not readable"),
    ("z.new: z", "not readable"), ("y.jacobian(q): 0", "not readable"),
])  # fmt: skip
def test_by_what_is_no_param(item: str, word: str) -> None:
    """By inputs and nodes, and of nodes on which the loss does not depend, as `jacobian` and `step` have it."""
    text = LAYER.replace("b: [0.1, -0.2]}", "b: [0.1, -0.2], c: 2}").replace("t)**2)}", "t)**2) + 3*c, side: x**2}")
    key = key_of(read_spec((text + "output: loss").encode(), "net.yaml", folder=None), settings=FURTHER)
    w, x, b, t, e = np.array([[0.3, -0.8], [0.9, 0.4]]), np.array([0.5, -0.8]), np.array([0.1, -0.2]), [0.2, -0.4], 1e-4
    outputs = [np.tanh(w @ (x + np.array([n * e, 0])) + b) for n in (1, 0, -1)]
    losses = [0.5 * np.sum((y - t) ** 2) for y in outputs]
    found = {"slope": f"{(outputs[0] - outputs[2])[1] / (2 * e):.5f}", "moved": (t + 0.5 * (outputs[1] - t)).tolist(),
             "second": f"{(losses[0] - 2 * losses[1] + losses[2]) / e**2:.5f}"}  # fmt: skip
    sheet = sheet_of(f"answers:\n  {item.format(**found)}\n".encode(), "a.yaml", key.names)
    mark = grade(key, sheet, Scheme()).items[0]
    assert mark.word == word, mark.reason


def test_a_step_from_an_own_gradient() -> None:
    """A param after a step taken along a wrong gradient of one's own is carried."""
    key = key_of(read_spec(LAYER.encode(), "net.yaml", folder=None), settings=FURTHER)
    text = "answers:\n  W.grad: [[1, 2], [3, 4]]\n  W.new: [[-0.2, -1.8], [-0.6, -1.6]]\n"
    marks = grade(key, sheet_of(text.encode(), "a.yaml", key.names), Scheme()).items
    assert [m.word for m in marks] == ["wrong", "carried"]


@pytest.mark.parametrize("item", ["loss.hessian", "y.jacobian"])
def test_a_missing_leaf_is_asked_for(item: str) -> None:
    """Where several leaves are differentiated, the question names the student's own node and kind."""
    key = key_of(read_spec(LAYER.encode(), "net.yaml", folder=None), settings=FURTHER)
    sheet = sheet_of(f"answers:\n  {item}: 1\n".encode(), "a.yaml", key.names)
    reason = grade(key, sheet, Scheme()).items[0].reason
    assert reason == f"by which leaf? write {item}(W)"


def test_a_sheet_writes_the_tangents_as_people_do(backprop: Backprop, tmp_path: Path) -> None:
    """Whole numbers have no decimal point."""
    (tmp_path / "net.yaml").write_text(LAYER)
    (tmp_path / "scheme.yaml").write_text("spec: net.yaml\ntangents: {b: [1, 0.5]}\npoints: {y.tangent: 1}\n")
    assert "b along [1, 0.5]." in backprop("worksheet", tmp_path / "scheme.yaml").out


def test_a_hessian_through_numbers_and_sizes_alone() -> None:
    """The gradient's network has parts that no leaf leads to, 1/N among them: they have values all the same."""
    text = """
dims: {N: 2}
inputs: {x: {value: [0.5, -0.8], shape: [N]}, y: {value: [1, 0], shape: [N]}}
params: {w: 0.3}
nodes: {p: sigmoid(w * x), loss: -mean(y*log(p) + (1-y)*log(1-p))}
"""
    key = key_of(read_spec(text.encode(), "net.yaml", folder=None), settings=FURTHER)
    x = np.array([0.5, -0.8])
    p = 1 / (1 + np.exp(-0.3 * x))
    sheet = sheet_of(f"answers:\n  loss.hessian: {np.mean(p * (1 - p) * x**2):.6f}\n".encode(), "a.yaml", key.names)
    assert grade(key, sheet, Scheme()).items[0].word == "right"


@pytest.mark.parametrize(("step", "words", "column"), [
    ("{lr: abc}", "lr needs a number, found 'abc'", 12), ("{lr: 0.5, momentum: 0.9}", "no parameter 'momentum'", 27),
    ("{rule: adam, beta1: 2}", "beta1 needs a number from 0", 27),
])  # fmt: skip
def test_a_wrong_parameter_is_told_at_its_place(backprop: Backprop, tmp_path: Path, step: str, words: str,
                                                column: int) -> None:  # fmt: skip
    """In the scheme's own words, not those of an option of `backprop step`."""
    (tmp_path / "net.yaml").write_text(LAYER)
    (tmp_path / "key.yaml").write_text(f"spec: net.yaml\nstep: {step}\npoints: {{W.new: 1}}\n")
    done = backprop("worksheet", tmp_path / "key.yaml")
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert f"key.yaml:2:{column}" in done.err
    assert "--lr" not in done.err
