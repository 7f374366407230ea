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


def test_gradients_of_several_outputs(backprop: Backprop) -> None:
    """Rule: gradients of two outputs may stand in one loss; a pass that is left out is a comment."""
    two = ("y = (x**3).sum()\nz = (x**2).sum()\na = torch.autograd.grad(y, x, create_graph=True)[0]\n"
           "b = torch.autograd.grad(z, x, create_graph=True)[0]\n(a * b).sum().backward()\n")  # fmt: skip
    np.testing.assert_allclose(backprop_cli.run(TORCH + two)["x"].grad, 18 * AT**2, rtol=1e-12)
    late = "y = (x**3).sum()\ny.backward(create_graph=True)\nz = (x.grad**2).sum()\nz.backward()\n"
    assert "# Note: line 6: a backward pass is left out" in backprop("import", "-", stdin=TORCH + late).out


def test_a_physics_informed_network() -> None:
    """Rule: derivatives of a network by time, of first and second order, at several places, are one loss."""
    code = ("import torch\nw = torch.tensor(0.7, requires_grad=True)\n"
            "def d(y, t):\n    return torch.autograd.grad(y, t, torch.ones_like(y), create_graph=True)[0]\n"
            "t0 = torch.tensor([0.], requires_grad=True)\nt = torch.tensor([0.5, 1.5], requires_grad=True)\n"
            "loss = d(torch.sin(w * t0), t0).sum()\nu = torch.sin(w * t)\nux = d(u, t)\nuxx = d(ux, t)\n"
            "loss = loss + (uxx + ux).sum()\nloss.backward()\n")  # fmt: skip
    w, t = 0.7, np.array([0.5, 1.5])
    wanted = 1 + np.sum(-2 * w * np.sin(w * t) - w**2 * t * np.cos(w * t) + np.cos(w * t) - w * t * np.sin(w * t))
    assert backprop_cli.run(code)["w"].grad == pytest.approx(wanted, rel=1e-12)


def test_gradients_of_each_example() -> None:
    """Rule: `vmap(grad(f))` gives each example's gradient, of what all share and of what is its own."""
    code = (f"{JAX}f = lambda w, x: jnp.sum((w * x)**3)\nw = jnp.array([0.5, -1.])\n"
            "xs = jnp.array([[1., 2.], [3., -1.], [0.5, 4.]])\n"
            "g, h = jax.vmap(jax.grad(f, (0, 1)), in_axes=(None, 0))(w, xs)\n")  # fmt: skip
    run = backprop_cli.run(code)
    w, xs = np.array([0.5, -1.0]), np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 4.0]])
    np.testing.assert_allclose(run["w_each"].grad, 3 * (w * xs) ** 2 * xs, rtol=1e-12)
    np.testing.assert_allclose(run["xs"].grad, 3 * (w * xs) ** 2 * w, rtol=1e-12)
