"""Programs that compute with a gradient: `create_graph=True`, `grad` of `grad`; never the first alone."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_cli
from tests.conftest import Backprop

JAX = "import jax\nimport jax.numpy as jnp\n"
TORCH = "import torch\nx = torch.tensor([0.5, -1.5], requires_grad=True)\n"
AT = np.array([0.5, -1.5])

SCALARS = {
    "jax.grad(f)": lambda x: 5 * x**4,
    "jax.grad(jax.grad(f))": lambda x: 20 * x**3,
    "jax.grad(jax.grad(jax.grad(f)))": lambda x: 60 * x**2,
    "jax.grad(lambda x: jax.grad(f)(x)**2 + f(x))": lambda x: 2 * 5 * x**4 * 20 * x**3 + 5 * x**4,
}

PENALTIES = {
    "y = (x**3).sum()\ng, = torch.autograd.grad(y, x, create_graph=True)\n(g**2).sum().backward()\n": 36 * AT**3,
    "y = x**3\ng = torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]\n"
    "loss = (g + y).sum()\nloss.backward()\n":
        6 * AT + 3 * AT**2,
    "y = (x**4).sum()\nd = torch.autograd.grad(y, x, create_graph=True)[0]\nloss = y + d @ torch.tensor([1., 0.])\n"
    "loss.backward()\n": 4 * AT**3 + 12 * AT**2 * np.array([1, 0]),
}  # fmt: skip


@pytest.mark.parametrize("code", SCALARS)
def test_derivatives_of_derivatives(code: str) -> None:
    """Rule: what is differentiated n times is the n-th derivative (f is x⁵)."""
    run = backprop_cli.run(f"{JAX}f = lambda x: x**5\nd = {code}(1.5)\n")
    assert run["x"].grad == pytest.approx(SCALARS[code](1.5), rel=1e-12)


@pytest.mark.parametrize("code", PENALTIES)
def test_losses_of_gradients(code: str) -> None:
    """Rule: a loss that holds a gradient is differentiated through it."""
    np.testing.assert_allclose(backprop_cli.run(TORCH + code)["x"].grad, PENALTIES[code], rtol=1e-12)
    assert backprop_cli.check(TORCH + code)


def test_a_gradient_that_nothing_is_computed_from() -> None:
    """Rule: with `create_graph=True` and no more the program asks for the gradient itself."""
    run = backprop_cli.run(f"{TORCH}y = (x**3).sum()\nprint(torch.autograd.grad(y, x, create_graph=True)[0])\n")
    np.testing.assert_allclose(run["x"].grad, 3 * AT**2)


def test_what_is_not_read_is_said(backprop: Backprop) -> None:
    """Rule: gradients of two outputs in formulas are refused; a pass that is left out is a comment."""
    two = ("y = (x**3).sum()\nz = (x**2).sum()\na = torch.autograd.grad(y, x, create_graph=True)[0]\n"
           "b = torch.autograd.grad(z, x, create_graph=True)[0]\n(a * b).sum().backward()\n")  # fmt: skip
    done = backprop("import", "-", stdin=TORCH + two)
    assert done.code == 2
    assert "gradients of 'y' are computed with already" in done.err
    late = "y = (x**3).sum()\ny.backward(create_graph=True)\nz = (x.grad**2).sum()\nz.backward()\n"
    assert "# Note: line 6: a backward pass is left out" in backprop("import", "-", stdin=TORCH + late).out
