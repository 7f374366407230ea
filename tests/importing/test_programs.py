"""Programs as people write them, with the numbers that the libraries themselves give for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backprop_cli
from backprop_cli.tasks.importing.reading import import_python
from tests import quick_yaml
from tests.conftest import Backprop

FOLDER = Path(__file__).resolve().parents[1] / "data" / "programs"
CASES: list[dict[str, Any]] = quick_yaml.cases("programs/expect.yaml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["file"]))
def test_program(case: dict[str, Any]) -> None:
    """Rule: what a program's own library says of its loss and its gradients is what its import gives."""
    text = import_python((FOLDER / case["file"]).read_bytes(), case["file"])[0].text
    spec = quick_yaml.load(text)
    spec["params"].update(case.get("params", {}))  # what Keras drew
    run = backprop_cli.run(quick_yaml.dump(spec) if "params" in case else text)
    found = {name: float(np.sum(np.square(run[name].grad))) for name in case["gradients"]}
    np.testing.assert_allclose(list(found.values()), list(case["gradients"].values()), rtol=4e-3, atol=1e-7)
    if "loss" in case:
        np.testing.assert_allclose(np.sum(run[spec["output"]].value), case["loss"], rtol=2e-3)


TORCH = "import torch\nx = torch.tensor([0.5, -1.0], requires_grad=True)\n"
UNKNOWN = {
    "rows = [1., 2.]\nrows.remove(7.)\ny = x * rows[0]\n": "rows.remove(7.)",
    "y = x * 1\ny.frobnicate_()\n": "frobnicate",
    "y = x * 2\ny.detach().add_(1.)\n": "whose memory this one shares",
    "import itertools\ny = x * len(list(itertools.product([1], repeat=10**9)))\n": "at once are not read",
    "import random\ny = x * len(random.choices([1, 2], k=10**9))\n": "at once are not read",
}  # fmt: skip


@pytest.mark.parametrize("code", UNKNOWN)
def test_a_change_that_is_not_read(code: str, backprop: Backprop) -> None:
    """Rule: what a method that cannot be read may have changed is not known; the old value is never used."""
    done = backprop("import", "-", stdin=f"{TORCH}{code}y.sum().backward()\n")
    assert done.code == 2
    assert UNKNOWN[code] in done.err


KERAS = """import keras
import numpy as np
from keras import layers
{}m.compile(loss='mse')
m.fit(np.ones((4, 3)), np.ones((4, 3)))
"""
LISTED = "m = keras.Sequential([layers.Dense(3), layers.Dense(3, kernel_regularizer='l2')])\n"
ADDED = "m = keras.Sequential()\nm.add(layers.Dense(3))\nm.add(layers.Dense(3, kernel_regularizer='l2'))\n"
HELD = """import {0}
from torch import nn
class Net{1}:
    def __init__(self):
        self.parts = {2}
        self.parts.append({3})
        self.parts.append({4})
"""
TORCH_NET = HELD.format("torch", "(nn.Module)", "nn.ModuleList()", "nn.Linear(3, 3)", "nn.FractionalMaxPool2d(3)")
NUMPY_NET = HELD.format("numpy as np", "", "[]", "np.ones(3)", "np.load('w.npy')")
LACKING = {
    KERAS.format(ADDED): "Dense with a regularizer of Keras is not read",
    KERAS.format(LISTED): "Dense with a regularizer of Keras is not read",
    TORCH_NET + "x = torch.ones(2, 3)\nfor one in Net().parts:\n    x = one(x)\nx.sum().backward()\n":
        "nn.FractionalMaxPool2d is not read",
    NUMPY_NET + "y = np.ones(3)\nfor w in Net().parts:\n    y = y * w\nloss = np.sum(y)\n":
        "numbers from a file are not read",
}  # fmt: skip


@pytest.mark.parametrize("code", LACKING)
def test_what_could_not_be_added(code: str, backprop: Backprop) -> None:
    """Rule: a model, or a list in an object, never lacks a part that could not be read: that part is the error."""
    done = backprop("import", "-", stdin=code)
    assert done.code == 2
    assert LACKING[code] in done.err


def test_what_shares_memory_changes_too() -> None:
    """Rule: a part that is written into is written into the whole, whatever its name."""
    code = ("import numpy as np\na = np.array([[1., 2.], [3., 4.]])\nw = np.array([0.5, -0.5])\n{}"
            "loss = np.sum((a @ w)**2)\n")  # fmt: skip
    for change in ("row = a[0]\nrow[1] = 10.\n", "for row in a[:1]:\n    row += np.array([0., 8.])\n"):
        assert backprop_cli.run(code.format(change))["loss"].value == 4.5**2 + 0.5**2


def test_a_gradient_of_several_arguments() -> None:
    """Rule: what an author's own gradient calls stands in the spec as it can be read back."""
    code = ("import torch\nclass Round(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n"
            "        return torch.sign(x)\n    @staticmethod\n    def backward(ctx, g):\n"
            "        return torch.clamp(g, -1, 1)\n")  # fmt: skip
    text = import_python(f"{code}{TORCH}(Round.apply(x) * 3).sum().backward()\n".encode(), "round.py")[0].text
    np.testing.assert_array_equal(backprop_cli.run(text)["x"].grad, [1.0, 1.0])


def test_a_loader_that_shuffles(backprop: Backprop) -> None:
    """Rule: rows whose order is the loader's own are read as they stand, and the spec says so."""
    code = (f"{TORCH}from torch.utils.data import DataLoader, TensorDataset\n"
            "for a, in DataLoader(TensorDataset(torch.eye(4, 2)), batch_size=2, shuffle=True):\n"
            "    (a @ x).sum().backward()\n    break\n")  # fmt: skip
    assert "the DataLoader shuffles" in backprop("import", "-", stdin=code).out


def test_a_generator_without_an_end() -> None:
    """Rule: of a generator that goes on, as much is read as the program takes."""
    code = (f"{TORCH}def rows():\n    k = 0\n    while True:\n        k += 1\n        yield k * x\n"
            "it = rows()\nnext(it)\ny = next(it)\ny.sum().backward()\n")  # fmt: skip
    np.testing.assert_array_equal(backprop_cli.run(code)["x"].grad, [2.0, 2.0])


def test_what_stands_after_a_raise() -> None:
    """Rule: a program ends where it raises; a function that may be made in a branch ends nothing."""
    maybe = "if open('x').read():\n    def f(v):\n        return v\n"
    text = f"{TORCH}{maybe}y = (x**2).sum()\ny.backward()\nraise SystemExit\nz = y * 2\nz.backward()\n"
    found = import_python(text.encode(), "raise.py")
    assert [one.output for one in found] == ["y"]


def test_an_exception_goes_to_its_handler() -> None:
    """Rule: the first handler of that kind of exception is read, the program's own kinds among them, and `finally`."""
    code = ("class Bad(ValueError):\n    pass\nk = 0.\ndef f(d):\n    try:\n        return d['k']\n"
            "    except KeyError:\n        raise Bad\ntry:\n    k = f({})\nexcept TypeError:\n    k = 1.\n"
            "except ValueError as e:\n    k = 2.\nelse:\n    k = 3.\nfinally:\n    k = k + 10.\n")  # fmt: skip
    run = backprop_cli.run(f"{TORCH}{code}y = (x * k).sum()\ny.backward()\n")
    np.testing.assert_array_equal(run["x"].grad, [12.0, 12.0])


def test_why_a_function_is_not_differentiated(backprop: Backprop) -> None:
    """Rule: where the function that is differentiated cannot be read, that is what is said."""
    code = "import jax\nfrom elsewhere import load\ndef f(x):\n    return load(x) ** 2\ng = jax.grad(f)(2.0)\n"
    done = backprop("import", "-", stdin=code)
    assert done.code == 2
    assert "what elsewhere.load gives is not known" in done.err


def test_trees_that_are_not_alike(backprop: Backprop) -> None:
    """Rule: a function of each pair of values needs pairs; what has none is refused where it is asked for."""
    code = ("import jax, jax.numpy as jnp\np = {'a': jnp.array(1.0)}\nq = {'b': 2.0}\n"
            "r = jax.tree.map(lambda x, y: x * y, p, q)\ny = r['a']**2\n")  # fmt: skip
    done = backprop("import", "-", stdin=code)
    assert done.code == 2
    assert "not alike" in done.err
