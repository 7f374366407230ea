"""Programs as people publish them: read as they stand, they give their own loss and their own gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import backprop_cli
from backprop_cli.tasks.importing.reading import import_python
from tests import quick_yaml
from tests.conftest import Backprop

FOLDER = Path(__file__).resolve().parents[1] / "data" / "published"
CASES: list[dict[str, Any]] = quick_yaml.cases("published/expect.yaml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["file"]))
def test_published(case: dict[str, Any]) -> None:
    """Rule: the params are the program's, and loss and gradients are what it works out itself."""
    text = import_python((FOLDER / case["file"]).read_bytes(), case["file"])[0].text
    spec = yaml.safe_load(text)
    run = backprop_cli.run(text)
    found = {name: float(np.sum(np.square(run[name].grad))) for name in case["gradients"]}
    assert sorted(spec["params"]) == sorted(case["gradients"])
    np.testing.assert_allclose(list(found.values()), list(case["gradients"].values()), rtol=4e-3, atol=1e-7)
    if "loss" in case:
        np.testing.assert_allclose(np.sum(run[spec["output"]].value), case["loss"], rtol=2e-3)


NO_LOSS = {
    "W = np.random.rand(3, 1)\nout = X @ W\nd_W = X.T @ (2 * (y - out))\nW += d_W\n": "of a loss",
    "w = 0.5\nfor x, t in zip([1., 2.], [0., 1.]):\n    p = w * x\n    d_L_d_p = -2 * (t - p)\n    d_p_d_w = x\n"
    "    w -= lr * d_L_d_p * d_p_d_w\n": "of 'L'",
}  # fmt: skip


@pytest.mark.parametrize("code", NO_LOSS)
def test_gradients_of_what_is_not_computed(code: str, backprop: Backprop) -> None:
    """Rule: a program that trains without a loss is refused; what it computes last is none."""
    head = "import numpy as np\nlr = 0.1\nX = np.random.rand(4, 3)\ny = np.ones((4, 1))\n"
    done = backprop("import", "-", stdin=head + code)
    assert done.code == 2
    assert f"works out gradients {NO_LOSS[code]}, which it does not compute" in done.err


def test_an_error_is_half_squared() -> None:
    """Rule: where the deltas start from `y - out`, the loss is half the sum of its squares."""
    text = ("import numpy as np\nnp.random.seed(1)\nX = np.array([[0., 1.], [1., 1.], [1., 0.]])\n"
            "y = np.array([[1.], [0.], [1.]])\nw = np.random.random((2, 1))\nfor i in range(100):\n"
            "    out = 1 / (1 + np.exp(-X.dot(w)))\n    out_error = y - out\n"
            "    out_delta = out_error * out * (1 - out)\n    w += X.T.dot(out_delta)\n")  # fmt: skip
    run = backprop_cli.run(text)
    x, y, p = run["X"].value, run["y"].value, run["out"].value
    np.testing.assert_allclose(run["w"].grad, -x.T @ ((y - p) * p * (1 - p)), rtol=1e-9)


def test_a_backward_hook_that_gives_a_gradient(backprop: Backprop) -> None:
    """Rule: a module's hook that changes gradients is refused at its line; one that only looks changes nothing."""
    text = ("import torch\nm = torch.nn.Linear(2, 1)\nm.register_full_backward_hook({})\n"
            "m(torch.ones(3, 2)).sum().backward()\n")  # fmt: skip
    done = backprop("import", "-", stdin=text.format("lambda m, gi, go: (2 * gi[0],)"))
    assert done.code == 2
    assert "a module's backward hook that gives a gradient is not read" in done.err
    assert "<stdin>:3:" in done.err
    look = "def look(m, gi, go):\n    print(go)\n"
    assert backprop("import", "-", stdin=look + text.format("look")).code == 0
