"""`grad(...)` of what holds a gradient: second and higher derivatives, Hessians times vectors, and what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tests.conftest import Backprop

POINT = 0.7


@pytest.mark.parametrize(("text", "expected"), [
    ("grad(grad(x))", -math.sin(POINT)), ("grad(grad(grad(x)))", -math.cos(POINT)),
    ("grad(grad(grad(grad(x)))) + 1", math.sin(POINT) + 1), ("grad(grad(x)**2)", -math.sin(2 * POINT)),
    ("x - grad(x) / grad(grad(x))", POINT + math.cos(POINT) / math.sin(POINT)),
])  # fmt: skip
def test_derivatives_of_the_sine(backprop: Backprop, text: str, expected: float) -> None:
    """To any depth, also within Newton's step; the values are those of the derivatives by hand."""
    spec = f"params: {{x: {POINT}}}\nnodes:\n  f: sin(x)\n  d: {text}\n"
    assert math.isclose(float(backprop("run", "-", "--get", "d", stdin=spec).out), expected, rel_tol=1e-12)


HESSIAN_VECTOR = """\
inputs: {X: [[1, 0.5], [2, -1], [0, 1]], v: [1, -2]}
params: {w: [0.1, -0.2]}
nodes:
  f: sum(log(1 + exp(X @ w)))
  hv: grad(sum(grad(w) * v))
  q: sum(hv * v)
output: q
"""


def test_the_hessian_times_a_vector(backprop: Backprop) -> None:
    """It is Xᵀ diag(p (1 - p)) X v; a node of it is differentiated, checked and exported as any other."""
    x, w, v = np.array([[1, 0.5], [2, -1], [0, 1]]), np.array([0.1, -0.2]), np.array([1, -2])
    p = 1 / (1 + np.exp(-x @ w))
    found = json.loads(backprop("run", "-", "--get", "hv", stdin=HESSIAN_VECTOR).out)
    np.testing.assert_allclose(found, x.T @ (p * (1 - p) * (x @ v)), rtol=1e-12)
    gradient = json.loads(backprop("run", "-", "--get", "w.grad", stdin=HESSIAN_VECTOR).out)
    np.testing.assert_allclose(gradient, x.T @ (p * (1 - p) * (1 - 2 * p) * (x @ v) ** 2), rtol=1e-10)
    assert backprop("check", "-", stdin=HESSIAN_VECTOR).code == 0
    for target in ("numpy", "torch", "jax", "spec"):
        assert backprop("export", "-", "--to", target, stdin=HESSIAN_VECTOR).code == 0


PHYSICS = """\
inputs: {t: [0.1, 0.5, 0.9], c: 2}
params: {w: [0.3, -0.4, 0.7]}
nodes:
  u: sin(w[0] * t) * w[1]
  u_t: grad(sum(u), t)
  u_tt: grad(sum(u_t), t)
  v: exp(c * w[2])
  v_c: grad(v, c)
  f: sum(w**2)
  both: sum(grad(f, w) * grad(v, w)) + grad(f, c)
output: sum(u_tt * u_t) + v_c * both
"""


def test_gradients_of_any_number(backprop: Backprop) -> None:
    """`grad(e, x)` is of what it says, however many there are, and by what it says; 0 where there is no way."""
    w, t, c = np.array([0.3, -0.4, 0.7]), np.array([0.1, 0.5, 0.9]), 2.0
    wanted = {"u_t": w[0] * np.cos(w[0] * t) * w[1], "u_tt": -w[0] ** 2 * np.sin(w[0] * t) * w[1],
              "v_c": w[2] * np.exp(c * w[2]), "both": 2 * w[2] * c * np.exp(c * w[2])}  # fmt: skip
    for name, value in wanted.items():
        found = json.loads(backprop("run", "-", "--get", name, stdin=PHYSICS).out)
        np.testing.assert_allclose(found, value, rtol=1e-12)
    assert backprop("check", "-", stdin=PHYSICS).code == 0


def test_one_base_beside_others(backprop: Backprop) -> None:
    """What `grad(z, x)` is of is none of what `grad(x)` is of: that is the last node without a gradient."""
    spec = "params: {x: 3}\nnodes:\n  z: x**2\n  y: x**3\n  d: grad(x) * grad(z, x)\n"
    assert backprop("run", "-", "--get", "d", stdin=spec).out == "162.0\n"


def test_a_constant_has_the_derivative_0(backprop: Backprop) -> None:
    """The third derivative of x² is 0."""
    spec = "params: {x: 3}\nnodes:\n  f: x**2\n  d: grad(grad(grad(x)))\n"
    assert backprop("run", "-", "--get", "d", stdin=spec).out == "0.0\n"


@pytest.mark.parametrize(("nodes", "words"), [
    ("f: sum(x**2)\n  d: grad(grad(x))", "only a number has a gradient"),
    ("f: sum(x**2) * y\n  d: grad(sum(grad(x)) + grad(y))", "grad(x) and grad(y)"),
    ("f: sum(x**2)\n  d: grad(x + 1)", "the name of one node"),
    ("f: sum(x**2)\n  d: grad(x**2, x)", "sum it"), ("f: sum(x**2)\n  d: grad(f, z)", "'z'"),
    ("f: sum(x**2)\n  d: grad(f, x + 1)", "the name of one node"), ("f: sum(x**2)\n  d: grad(f, d)", "'d'"),
])  # fmt: skip
def test_what_has_no_gradient_is_told(backprop: Backprop, nodes: str, words: str) -> None:
    """A gradient of a vector, by one of two names, of an expression without one."""
    done = backprop("run", "-", stdin=f"params: {{x: [1, 2], y: 1}}\nnodes:\n  {nodes}\n")
    assert (done.code, done.out) == (2, "")
    assert words in done.err
