"""Calls as numpy's users write them, imported from a script, beside numpy itself."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_cli
from tests.conftest import Backprop

HEAD = """import numpy as np
X = np.array([[1., 2., 4.], [3., 5., 9.]])
Y = np.arange(24.).reshape(2, 3, 4)**2
w = np.array(2.)
np.random.seed(3)
"""
CALLS = """
X.std(0)
X.var(0)
X.std(1, keepdims=True)
X.std(ddof=1)
Y.var((0, 1))
Y.var(-1, ddof=1)
X.repeat(2)
X.repeat(2, 0)
X.repeat(2, axis=1)
X.transpose(0, 1)
X.transpose(1, 0)
Y.transpose(0, 2, 1)
Y.transpose([1, 0, 2])
np.atleast_2d(X[0]).T
np.array([1., 2.], ndmin=2).T
np.array(X[1], ndmin=3)
np.eye(3, k=1)
np.eye(2, 3, -1)
np.linspace(0, 1, 5, endpoint=False)
np.linspace(0, 1, 5, False)
np.linspace(0, 1, num=4)
np.arange(0, 1, step=0.25)
np.arange(start=1, stop=4)
np.arange(5, 0, -2)
np.random.randint(1, high=4, size=3)
np.ones_like(X, shape=(3, 2))
np.full_like(X, fill_value=2.5, shape=4)
np.zeros_like(X) + 1
np.average(X[:, :2], 0, [1., 2.])
np.average(X[:, :2], axis=-1, weights=X[1, 1:])
np.average(X, axis=1, weights=X + 1)
np.average(Y, 0, [3., 4.])
np.append(X, X[0])
np.append(X, X[:1], axis=0)
np.append(X, X, -1)
np.meshgrid(X[0], X[1, :2])[0]
np.meshgrid(X[0], X[1, :2], indexing='ij')[1]
np.r_[X[0], 1., [2., 3.]]
np.r_[X, X]
np.c_[X[0], X[1]]
np.c_[np.ones(2), X]
np.random.default_rng(4).integers(5, endpoint=True, size=4)
"""


@pytest.mark.parametrize("call", CALLS.strip().splitlines())
def test_numpy_call(call: str) -> None:
    """Rule: a call means what numpy means by it, in each entry and in shape."""
    names: dict[str, np.ndarray] = {}
    exec(f"{HEAD}v = {call}", names)
    doubled = backprop_cli.run(f"{HEAD}v = {call}\nu = v * w\nloss = np.sum(u)\n", terms=())["u"].value
    assert np.shape(doubled) == names["v"].shape
    np.testing.assert_allclose(doubled, 2 * names["v"], rtol=1e-12)


@pytest.mark.parametrize(("call", "told"), [
    ("np.random.choice(5, 3, p=[0.1, 0.2, 0.3, 0.2, 0.2])", "choice with p is not read"),
    ("np.r_[0:3]", "r_ of what is no array is not read"),
    ("np.array([1., 2.], weights=3)", "array with weights is not read"),
])  # fmt: skip
def test_what_is_said_by_name(call: str, told: str, backprop: Backprop) -> None:
    """Rule: an argument that changes numbers is read or refused by its name, never passed over."""
    done = backprop("import", "-", stdin=f"import numpy as np\nw = np.array([1., 2., 3.])\nloss = np.sum({call} * w)\n")
    assert done.code == 2
    assert told in done.err
    assert "<stdin>:3:" in done.err
