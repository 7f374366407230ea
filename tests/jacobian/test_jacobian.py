"""Jacobians and Hessians: published forms, differences on every op's samples, random graphs, and bad input."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.base import Sample
from backprop_cli.engine.ops.samples import draw
from backprop_cli.formulas.linear.indices import Indexing
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.checks.perturbed import Perturbed
from backprop_cli.tasks.jacobian import hessian
from backprop_cli.tasks.jacobian.checked import check_hessian, check_jacobian
from backprop_cli.tasks.jacobian.hessian import hessians
from backprop_cli.tasks.jacobian.jacobian import Wanted, jacobians
from backprop_cli.tasks.jacobian.numbers import Rows
from backprop_cli.tasks.leaves import load_leaves
from tests.checks.test_random_graphs import written
from tests.conftest import ROOT, Backprop

STEP = 1e-5


def spec_of(leaves: dict[str, Any], nodes: dict[str, str], output: str, **rest: Any) -> Any:
    """A spec of params and nodes."""
    params = {name: np.asarray(value).tolist() for name, value in leaves.items()}
    whole = {"params": params, "nodes": nodes, "output": output, "wrt": "all", "grad_output": "ones", **rest}
    return read_spec(json.dumps(whole).encode(), "test", folder=None)


def differences(spec: Any, wrt: str) -> Any:
    """∂output/∂wrt by central differences, from forward passes alone."""
    graph = build(spec)
    leaves = load_leaves(graph)
    index = graph.names[wrt]
    start = np.array(leaves[index], dtype=float)
    columns = np.empty((*map(int, graph.output.shape), *start.shape))
    for entry in np.ndindex(start.shape):
        ends = []
        for sign in (1, -1):
            moved = start.copy()
            moved[entry] += sign * STEP
            ends.append(Rows.of(graph, {**leaves, index: moved[()]}).values[graph.output.index])
        columns[(..., *entry)] = (ends[0] - ends[1]) / (2 * STEP)
    return columns


# ── published forms ──────────────────────────────────────────────────────────────────────────────

W = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
BATCH = [[1.0, 2.0], [3.0, 1.0]]
V, SQUARE = [1.0, 2.0, 4.0], [[1.0, 2.0], [3.0, 5.0]]
DATA = {"X": [[1.0, 0.5], [2.0, -1.0], [0.0, 1.0], [1.0, 1.0]], "w": [0.1, -0.2]}
SQUARE_ROWS = [[1.0, 2.0, 0.5], [3.0, -1.0, 2.0], [0.2, 0.1, 1.0]]
SPHERICAL = ("[cos(u[2]) · sin(u[1]), u[0] · cos(u[1]) · cos(u[2]), -u[0] · sin(u[1]) · sin(u[2])]",
             "[sin(u[1]) · sin(u[2]), u[0] · cos(u[1]) · sin(u[2]), u[0] · cos(u[2]) · sin(u[1])]",
             "[cos(u[1]), -u[0] · sin(u[1]), 0]")  # fmt: skip

PUBLISHED = [
    ("softmax", {"x": [1.0, 2.0, 3.0]}, {"p": "softmax(x)"}, "p", "x", "diag(p) - p · pᵀ", "p[i] (δ[i,j] - p[j])"),
    ("a layer", {"x": [1.0, 2.0], "W": W}, {"z": "W @ x", "h": "tanh(z)"}, "h", "x", "diag(1 - h²) · W",
     "(1 - h[i]²) · W[i,j]"),
    ("a linear map", {"x": [1.0, 2.0], "W": W}, {"z": "W @ x"}, "z", "x", "W", "W[i,j]"),
    ("a linear map by its matrix", {"x": [1.0, 2.0], "W": W}, {"z": "W @ x"}, "z", "W", "x", "x[k] · δ[i,j]"),
    ("a batch", {"x": BATCH, "W": [[1.0, 2.0, 5.0], [3.0, 4.0, 6.0]]}, {"z": "x @ W", "h": "tanh(z)"}, "h", "x",
     "diag(1 - h[i]²) · Wᵀ", "(1 - h[i,j]²) · W[l,j] · δ[i,k]"),
    ("softmax in rows", {"z": BATCH}, {"p": "softmax(z)"}, "p", "z", "diag(p[i]) - p[i] · p[i]ᵀ",
     "p[i,j] · δ[i,k] (δ[j,l] - p[i,l])"),
    ("a sigmoid's gradient", DATA, {"p": "sigmoid(X @ w)", "g": "X.T @ p"}, "g", "w",
     "Xᵀ · diag(p ⊙ (1 - p)) · X", "Σ_k p[k] · (1 - p[k]) · X[k,i] · X[k,j]"),
    ("centred", {"x": [1.0, 2.0, 4.0]}, {"h": "x - mean(x)"}, "h", "x", "I - ones((3, 3))/3", "δ[i,j] - 1/3"),
    ("a number", {"x": [1.0, 2.0]}, {"s": "sum(x**2)"}, "s", "x", "2 x", "2 x[i]"),
    ("a column", {"x": [[1.0], [2.0]], "W": W}, {"h": "sigmoid(W @ x)"}, "h", "x", "diag(h ⊙ (1 - h)) · W",
     "h[i,0] · (1 - h[i,0]) · W[i,j]"),
    ("log-softmax", {"x": V}, {"l": "log_softmax(x)"}, "l", "x", "I - softmax(x)", "δ[i,j] - softmax(x)[j]"),
    ("normalising", {"x": V}, {"u": "x / norm(x)"}, "u", "x", "(I - u · uᵀ)/norm(x)",
     "(δ[i,j] - u[i] · u[j])/norm(x)"),
    ("an RNN step", {"h": [0.1, 0.2], "x": [1.0, 2.0], "U": SQUARE, "R": SQUARE}, {"n": "tanh(U @ h + R @ x)"}, "n",
     "h", "diag(1 - n²) · U", "(1 - n[i]²) · U[i,j]"),
    ("an inverse", {"A": SQUARE}, {"B": "inv(A)"}, "B", "A", "-B[i,k] · B[l,j]", "-B[i,k] · B[l,j]"),
    ("a product by its left factor", {"A": SQUARE, "B": SQUARE}, {"C": "A @ B"}, "C", "A", "Bᵀ", "B[l,j] · δ[i,k]"),
    ("a trace", {"A": SQUARE, "B": SQUARE}, {"t": "trace(A @ B)"}, "t", "A", "Bᵀ", "B[j,i]"),
    ("a bilinear form", {"A": SQUARE, "x": [1.0, 2.0], "y": [3.0, 1.0]}, {"t": "x @ A @ y"}, "t", "A", "x · yᵀ",
     "y[j] · x[i]"),
    ("log det", {"A": SQUARE}, {"t": "log(abs(det(A)))"}, "t", "A", "A⁻ᵀ", "(A⁻¹)[j,i]"),
    ("a Frobenius norm", {"A": SQUARE}, {"t": "sum(A**2)"}, "t", "A", "2 A", "2 A[i,j]"),
    ("a matrix by a number", {"s": 2.0, "A": SQUARE}, {"Y": "exp(s*A)"}, "Y", "s", "Y ⊙ A", None),
    ("relu", {"x": [1.0, -2.0], "R": SQUARE}, {"a": "relu(R @ x)"}, "a", "x", "diag([a > 0]) · R",
     "[a[i] > 0] · R[i,j]"),
    ("polar coordinates", {"u": [2.0, 0.5]}, {"y": "stack([u[0]*cos(u[1]), u[0]*sin(u[1])])"}, "y", "u",
     "[[cos(u[1]), -u[0] · sin(u[1])], [sin(u[1]), u[0] · cos(u[1])]]", None),
    ("spherical coordinates", {"u": V},
     {"y": "stack([u[0]*sin(u[1])*cos(u[2]), u[0]*sin(u[1])*sin(u[2]), u[0]*cos(u[1])])"}, "y", "u",
     f"[{', '.join(SPHERICAL)}]", None),
    ("a robot's arm", {"t": [0.5, 0.3]},
     {"y": "stack([2*cos(t[0]) + cos(t[0] + t[1]), 2*sin(t[0]) + sin(t[0] + t[1])])"}, "y", "t",
     "[[-(2 sin(t[0]) + sin(t[0] + t[1])), -sin(t[0] + t[1])], [2 cos(t[0]) + cos(t[0] + t[1]), cos(t[0] + t[1])]]",
     None),
    ("Rosenbrock's residuals", {"x": [1.2, 0.7]}, {"r": "stack([10*(x[1] - x[0]**2), 1 - x[0]])"}, "r", "x",
     "[[-20 x[0], 10], [-1, 0]]", None),
    ("a slice", {"x": V}, {"y": "x[1:]"}, "y", "x", "eye(3)[1:]", "δ[i+1,j]"),
    ("differences", {"x": V}, {"y": "x[1:] - x[:-1]"}, "y", "x", "eye(3)[1:] - eye(3)[:-1]", "δ[i+1,j] - δ[i,j]"),
    ("a running sum", {"x": V}, {"y": "cumsum(x, axis=0)"}, "y", "x", "tril(ones((3, 3)))", None),
    ("a running sum from behind", {"x": V}, {"y": "flip(cumsum(flip(x), axis=0))"}, "y", "x", "triu(ones((3, 3)))",
     "[i ≤ j]"),
    ("sums from both ends", {"x": V}, {"y": "cumsum(x, axis=0) + flip(cumsum(x, axis=0))"}, "y", "x",
     "flip(eye(3), axis=0) · tril(ones((3, 3))) + tril(ones((3, 3)))", "[i+j ≤ 2] + [i ≥ j]"),
    ("reversed and back", {"x": V}, {"y": "flip(tanh(flip(x)))"}, "y", "x", "diag(flip(1 - tanh(flip(x))²))",
     "(1 - tanh(x[i])²) · δ[i,j]"),
    ("a reversal", {"x": V}, {"y": "flip(x)"}, "y", "x", "flip(eye(3), axis=0)", "δ[i,2-j]"),
    ("two joined", {"x": V}, {"y": "concat([x, x**2])"}, "y", "x", "eye(6)[:, :3] + 2 eye(6)[:, 3:] · diag(x)",
     "δ[i,j] + 2 x[j] · δ[i,j+3]"),
    ("a border", {"x": V}, {"y": "pad(x, 1)"}, "y", "x", "eye(5)[:, 1:4]", "δ[i,j+1]"),
    ("a rotation", {"x": V}, {"y": "roll(x, 1, axis=0)"}, "y", "x", "roll(eye(3), 1, axis=0)", None),
    ("a diagonal", {"x": V}, {"y": "diag(x)"}, "y", "x", "1", "δ[i,k] · δ[j,k]"),
    ("layer normalisation", {"x": V}, {"m": "mean(x)", "s": "sqrt(mean((x - m)**2))", "y": "(x - m)/s"}, "y", "x",
     "(3 I - y · yᵀ - ones((3, 3)))/(3 s)", "(δ[i,j] - y[i] · y[j] / 3 - 1/3)/s"),
    ("softmax with temperature", {"z": V, "T": 2.0}, {"p": "softmax(z/T)"}, "p", "z", "(diag(p) - p · pᵀ)/T",
     "p[i] · (δ[i,j] - p[j]) / T"),
    ("RMS normalisation", {"x": V, "g": [1.0, 3.0, 2.0]}, {"r": "sqrt(mean(x**2))", "y": "g*x/r"}, "y", "x",
     "(diag(g) - y · xᵀ / (3 r))/r", "g[i] · δ[i,j] / r - y[i] · x[j] / (3 r²)"),
    ("cylindrical coordinates", {"u": V}, {"y": "stack([u[0]*cos(u[1]), u[0]*sin(u[1]), u[2]])"}, "y", "u",
     "[[cos(u[1]), -u[0] · sin(u[1]), 0], [sin(u[1]), u[0] · cos(u[1]), 0], [0, 0, 1]]", None),
    ("Lotka and Volterra", {"u": [2.0, 0.5]}, {"y": "stack([1.5*u[0] - u[0]*u[1], u[0]*u[1] - 3*u[1]])"}, "y", "u",
     "[[3/2 - u[1], -u[0]], [u[1], u[0] - 3]]", None),
    ("Lorenz", {"u": V}, {"y": "stack([10*(u[1] - u[0]), u[0]*(28 - u[2]) - u[1], u[0]*u[1] - 8/3*u[2]])"}, "y", "u",
     "[[-10, 10, 0], [28 - u[2], -1, -u[0]], [u[1], u[0], -8/3]]", None),
    ("Kepler's equation", {"E": 1.2, "e": 0.3}, {"M": "E - e*sin(E)"}, "M", "E", "1 - e · cos(E)", None),
    ("two layers", {"x": [1.0, 2.0], "W": W, "U": [V, V]}, {"h": "relu(W @ x)", "y": "U @ h"}, "y", "x",
     "U · diag([h > 0]) · W", "Σ_k [h[k] > 0] · U[i,k] · W[k,j]"),
    ("a layer by its bias", {"x": [1.0, 2.0], "W": W, "b": V}, {"h": "sigmoid(W @ x + b)"}, "h", "b",
     "diag(h ⊙ (1 - h))", "h[i] · (1 - h[i]) · δ[i,j]"),
    ("a linear system", {"A": SQUARE, "b": [1.0, 2.0]}, {"x": "solve(A, b)"}, "x", "b", "A⁻¹", "(A⁻¹)[i,j]"),
    ("a gate", {"h": V, "z": [0.2, 0.3, 0.4], "U": SQUARE_ROWS}, {"n": "tanh(U @ h)", "o": "(1 - z)*n + z*h"}, "o", "h",
     "diag((1 - n²) ⊙ (1 - z)) · U + diag(z)", "(1 - n[i]²) · U[i,j] · (1 - z[i]) + z[i] · δ[i,j]"),
    ("a residual", {"x": V, "A": SQUARE_ROWS}, {"y": "x + relu(A @ x)"}, "y", "x", "diag([A · x > 0]) · A + I", None),
    ("a product of three", {"A": SQUARE, "X": SQUARE, "B": SQUARE}, {"Y": "A @ X @ B"}, "Y", "X", "B[l,j] · A[i,k]",
     "B[l,j] · A[i,k]"),
    ("a cross product", {"w": V, "v": [0.3, 0.1, -0.4]}, {"u": "cross(w, v)"}, "u", "v",
     "[[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]]", None),
    ("a cross product by the left", {"w": V, "v": [0.3, 0.1, -0.4]}, {"u": "cross(w, v)"}, "u", "w",
     "[[0, v[2], -v[1]], [-v[2], 0, v[0]], [v[1], -v[0], 0]]", None),
    ("the barrier of a ball", {"x": [0.1, 0.2]}, {"f": "-log(1 - x @ x)"}, "f", "x", "2 x / (1 - xᵀ · x)", None),
    ("a Gram matrix", {"X": SQUARE}, {"Y": "X.T @ X"}, "Y", "X", "X[k,j] · δ[i,l] + X[k,i] · δ[j,l]", None),
]  # fmt: skip


@pytest.mark.parametrize(("leaves", "nodes", "output", "wrt", "text", "index"), [row[1:] for row in PUBLISHED],
                         ids=[row[0] for row in PUBLISHED])  # fmt: skip
def test_published_jacobians(leaves: Any, nodes: Any, output: str, wrt: str, text: str, index: str | None) -> None:
    """One tensor as textbooks write it, the entries in index notation; the numbers are those of differences."""
    spec = spec_of(leaves, nodes, output)
    (found,) = jacobians(spec, Wanted((wrt,)))
    assert isinstance(found.formula, Printed)
    assert found.formula["text"] == text
    assert index is None or found.formula["index"] == index
    np.testing.assert_allclose(found.value, differences(spec, wrt), atol=1e-8)
    assert found.formula.deviation is not None
    assert found.formula.deviation < 1e-12


ROSENBROCK = "[[1200 x[0]² + 2 - 400 x[1], -400 x[0]], [-400 x[0], 200]]"
HESSIANS = [
    ("CS229 logistic regression", DATA | {"y": [1.0, 0.0, 1.0, 0.0]},
     {"p": "sigmoid(X @ w)", "loss": "-mean(y*log(p) + (1-y)*log(1-p))"}, "w", "Xᵀ · diag(p ⊙ (1 - p)) · X / 4"),
    ("least squares", DATA | {"y": [1.0, 0.0, 1.0, 0.0]}, {"loss": "sum((X @ w - y)**2)"}, "w", "2 Xᵀ · X"),
    ("Matrix Cookbook (98): xᵀ A x", {"A": [[1.0, 2.0], [0.0, 3.0]], "x": [1.0, 2.0]}, {"f": "x @ A @ x"}, "x",
     "A + Aᵀ"),
    ("the length of a residual", {"A": [[1.0, 2.0], [0.0, 3.0], [1.0, 1.0]], "x": [1.0, 2.0], "b": [3.0, 1.0, 2.0]},
     {"f": "norm(A @ x - b)"}, "x", "Aᵀ · (I/f - (b - A · x) · (b - A · x)ᵀ / f³) · A"),
    ("a sum of squares", {"x": [1.0, 2.0, 3.0]}, {"f": "sum(x**3)"}, "x", "6 diag(x)"),
    ("cross entropy by the logits", {"z": V}, {"f": "-log_softmax(z)[0]"}, "z",
     "diag(softmax(z)) - softmax(z) · softmax(z)ᵀ"),
    ("log-sum-exp", {"z": V}, {"f": "logsumexp(z)"}, "z", "diag(softmax(z)) - softmax(z) · softmax(z)ᵀ"),
    ("ridge", DATA | {"y": [1.0, 0.0, 1.0, 0.0]}, {"f": "sum((X @ w - y)**2) + 0.1*sum(w**2)"}, "w",
     "0.2 I + 2 Xᵀ · X"),
    ("Poisson regression", DATA | {"y": [1.0, 0.0, 1.0, 2.0]}, {"f": "sum(exp(X @ w) - y*(X @ w))"}, "w",
     "Xᵀ · diag(exp(X · w)) · X"),
    ("a norm", {"x": V}, {"f": "norm(x)"}, "x", "(I - x · xᵀ / f²)/f"),
    ("a bell", {"x": [0.5, 0.2, 0.4]}, {"f": "exp(-sum(x**2)/2)"}, "x", "f · (x · xᵀ - I)"),
    ("a barrier", {"x": V}, {"f": "-sum(log(x))"}, "x", "diag(1/x²)"),
    ("entropy", {"x": V}, {"f": "-sum(x*log(x))"}, "x", "-diag(1/x)"),
    ("a log-sum-exp of a map", {"A": W, "x": [1.0, 2.0]}, {"z": "A @ x", "p": "softmax(z)", "f": "logsumexp(z)"}, "x",
     "Aᵀ · (diag(p) - p · pᵀ) · A"),
    ("weighted least squares", {"X": W, "w": [0.1, 0.2], "y": V, "c": V}, {"f": "sum(c*(X @ w - y)**2)/2"}, "w",
     "Xᵀ · diag(c) · X"),
    ("a barrier of half-spaces", {"A": W, "x": [0.1, 0.1], "b": V}, {"f": "-sum(log(b - A @ x))"}, "x",
     "Aᵀ · diag(1/(b - A · x)²) · A"),
    ("the square of a square", {"x": V}, {"f": "sum(x**2)**2"}, "x", "4 Σ(x²) · I + 8 x · xᵀ"),
    ("pseudo-Huber", {"x": V}, {"f": "sum(sqrt(1 + x**2))"}, "x", "diag(1/(1 + x²)^(3/2))"),
    ("a Gaussian by its mean", {"P": [[2.0, 0.5], [0.5, 3.0]], "m": [1.0, 2.0], "x": [0.0, 1.0]},
     {"f": "(x - m) @ P @ (x - m)/2"}, "m", "P"),
    ("quadratic over linear", {"x": V, "y": 2.0}, {"f": "sum(x**2)/y"}, "x", "2 I / y"),
    ("Boyd 3.1.5: the geometric mean", {"x": V}, {"f": "prod(x)**(1/3)"}, "x",
     "f · ((1/x) · (1/x)ᵀ / 9 - diag(1/x²)/3)"),
    ("a product", {"x": V}, {"f": "prod(x)"}, "x", "f · ((1/x) · (1/x)ᵀ - diag(1/x²))"),
    ("a product with a 0", {"x": [2.0, 0.0]}, {"f": "prod(x)"}, "x",
     "prod_others(where(I, 1, x), axis=1) ⊙ (1 - I)"),
    ("Rosenbrock", {"x": [1.2, 0.7]}, {"f": "(1 - x[0])**2 + 100*(x[1] - x[0]**2)**2"}, "x", ROSENBROCK),
]  # fmt: skip


@pytest.mark.parametrize(("leaves", "nodes", "wrt", "text"), [row[1:] for row in HESSIANS],
                         ids=[row[0] for row in HESSIANS])  # fmt: skip
def test_published_hessians(leaves: Any, nodes: Any, wrt: str, text: str) -> None:
    """The Hessian as it is published; symmetric, and met by differences of the reverse pass."""
    output = list(nodes)[-1]
    (found,) = hessians(spec_of(leaves, nodes, output, grad_output=1), Wanted((wrt,)))
    assert isinstance(found.formula, Printed)
    assert found.formula["text"] in {text, " + ".join(reversed(text.split(" + ")))}
    np.testing.assert_allclose(found.value, found.value.T, atol=1e-12)
    check_second(leaves, nodes, output, wrt, found.value)


def check_second(leaves: Any, nodes: Any, output: str, wrt: str, value: Any, by: str | None = None) -> None:
    """A block of the Hessian against central differences of the gradient by `wrt`, the leaf `by` (or `wrt`) moved."""
    by = by or wrt
    start = np.array(leaves[by], dtype=float)
    largest = max(1.0, float(np.abs(value).max(initial=0)))
    for entry in np.ndindex(start.shape):
        ends = []
        for sign in (1, -1):
            moved = start.copy()
            moved[entry] += sign * STEP
            (one,) = jacobians(spec_of({**leaves, by: moved}, nodes, output), Wanted((wrt,), formulas=False))
            ends.append(one.value)
        found = (ends[0] - ends[1]) / (2 * STEP)
        np.testing.assert_allclose(value[(..., *entry)], found, rtol=1e-6, atol=1e-7 * largest)


def test_a_shape_without_numbers_is_in_letters(backprop: Any) -> None:
    """Sizes that nobody gave are not made up; with numbers they are numbers, as they are for a machine."""
    shapes = ("--shape", "W=m,n", "--shape", "x=n")
    assert "∂out/∂W  (m, m, n)\n" in backprop("jacobian", "-e", "W @ x", "--wrt", "W", *shapes).out
    assert "∂²out/∂x²  (n, n)\n" in backprop("hessian", "-e", "sum((W @ x)**2)", "--wrt", "x", *shapes).out
    assert "∂p/∂a  (3, 3)\n" in backprop("jacobian", "specs/softmax_row.yaml", "--output", "p", "--wrt", "a").out


COINCIDING = {
    "two singular values": [[1.0, 2.0], [2.0, -1.0]], "a multiple of I": [[3.0, 0.0], [0.0, 3.0]],
    "a tall one": [[1.0, 2.0], [2.0, -1.0], [0.0, 0.0]], "a wide one": [[0.0, 2.0, 0.0], [-2.0, 0.0, 0.0]],
    "nearly": [[1.0, 0.0], [0.0, 1.0 + 1e-9]], "two of three": [[1.0, 0.0, 0.0], [0.0, 0.6, 0.8], [0.0, -1.6, 1.2]],
}


@pytest.mark.parametrize("which", COINCIDING)
def test_a_nuclear_norm_is_smooth_where_singular_values_coincide(which: str) -> None:
    """Its gradient U Vᵀ does not turn with the vectors that such values share: the Hessian is that of differences."""
    leaves, nodes = {"A": COINCIDING[which]}, {"f": "norm(A, 'nuc')"}
    (found,) = hessians(spec_of(leaves, nodes, "f", grad_output=1), Wanted(("A",)))
    check_second(leaves, nodes, "f", "A", found.value)
    size = np.size(COINCIDING[which])
    np.testing.assert_allclose(found.value.reshape(size, size), found.value.reshape(size, size).T, atol=1e-12)
    assert isinstance(found.formula, Printed)
    assert found.formula.deviation is not None
    assert found.formula.deviation < 1e-12


def norm_hessian(x: Any, p: float) -> Any:
    """By hand: (p - 1) (diag(|x|ᵖ⁻²) - u uᵀ / fᵖ) / fᵖ⁻¹ with u = sign(x) |x|ᵖ⁻¹."""
    f, u = np.sum(np.abs(x) ** p) ** (1 / p), np.sign(x) * np.abs(x) ** (p - 1)
    return (p - 1) * (np.diag(np.abs(x) ** (p - 2)) - np.outer(u, u) / f**p) / f ** (p - 1)


@pytest.mark.parametrize(("loss", "right"), [
    ("norm(x, 1.5)", lambda x: norm_hessian(x, 1.5)), ("norm(x, 2.5)", lambda x: norm_hessian(x, 2.5)),
    ("norm(x, 7)", lambda x: norm_hessian(x, 7)), ("sum(abs(x)**1.5)", lambda x: 0.75 * np.diag(np.abs(x) ** -0.5)),
])  # fmt: skip
def test_only_the_entry_of_a_zero_has_no_second_derivative(loss: str, right: Any) -> None:
    """Where |x|ᵖ⁻² is infinite at one entry, every other entry of the Hessian is as finite as by hand."""
    x = np.array([1.0, 0.0, -2.0])
    (found,) = hessians(spec_of({"x": x}, {"f": loss}, "f", grad_output=1), Wanted(("x",)))
    with np.errstate(divide="ignore"):
        expected = right(x)
    kept = np.isfinite(expected)
    assert np.count_nonzero(kept) >= 8
    np.testing.assert_allclose(found.value[kept], expected[kept], rtol=1e-12, atol=1e-14)


def test_a_row_that_does_not_depend_on_an_entry_is_0_there() -> None:
    """√x at 0 has an infinite slope in its own row alone: 0 · ∞ in any other row is no derivative of it."""
    (found,) = jacobians(spec_of({"x": [1.0, 0.0, 4.0]}, {"y": "sqrt(x)"}, "y"), Wanted(("x",)))
    np.testing.assert_array_equal(found.value, np.diag([0.5, np.inf, 0.25]))
    assert isinstance(found.formula, Printed)
    assert found.formula.deviation == 0


def test_newtons_step_of_logistic_regression(backprop: Backprop, tmp_path: Path) -> None:
    """Newton's method with the program's own gradient and Hessian comes to the maximum likelihood in six steps."""
    x = np.array([[1, 0.5], [1, 2.3], [1, 2.9], [1, 3.4], [1, 1.1], [1, 2.0]])
    y = np.array([0, 1, 0, 1, 0, 1])
    w = np.zeros(2)
    path = tmp_path / "logistic.yaml"
    for _ in range(7):
        path.write_text(json.dumps({
            "inputs": {"X": x.tolist(), "y": y.tolist()}, "params": {"w": w.tolist()},
            "nodes": {"loss": "-sum(y*log(sigmoid(X @ w)) + (1 - y)*log(1 - sigmoid(X @ w)))"},
        }))  # fmt: skip
        gradient = json.loads(backprop("run", path, "--get", "w.grad").out)
        hessian = json.loads(backprop("hessian", path, "--get", "value").out)
        w = w - np.linalg.solve(hessian, gradient)
    p = 1 / (1 + np.exp(-(x @ w)))
    np.testing.assert_allclose(x.T @ (p - y), 0, atol=1e-10)


# ── every op, random graphs ──────────────────────────────────────────────────────────────────────

UNSTEADY = {"svd_u", "svd_vh", "eigvecsh", "svdvals", "eigvalsh", "pinv", "cholesky"}


def trials() -> list[tuple[Op, int, Sample]]:
    """The samples whose operands all have a shape."""
    return [(op, number, sample) for op in OPS.values() for number, sample in enumerate(op.samples)
            if None not in sample.shapes and any(op.vjps) and op.name not in UNSTEADY]  # fmt: skip


def check_last_row(spec: Any, wrt: str, value: Any) -> None:
    """One reverse pass from all seeds has the row that a pass from one seed has."""
    graph = build(spec)
    rows, shape = Rows.of(graph, load_leaves(graph)), tuple(map(int, graph.output.shape))
    last = tuple(n - 1 for n in shape)
    seed = np.zeros(shape)
    seed[last] = 1
    np.testing.assert_allclose(value[last], rows.back(seed[()], graph.names[wrt]), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", sorted({op.name for op, _, _ in trials()}))
def test_every_ops_jacobian(name: str) -> None:
    """For each sample and operand: the numbers are those of differences, and the formula evaluates to them."""
    for op, number, sample in trials():
        if op.name != name:
            continue
        rng = np.random.default_rng(number + 7)
        operands = {f"x{i}": value for i, value in enumerate(draw(sample, rng))}
        spec = spec_of(operands, {"y": written(op, dict(sample.parameters), list(operands))}, "y")
        graph = build(spec)
        for wrt in operands:
            if graph.names[wrt] not in graph.active:
                continue
            (found,) = jacobians(spec, Wanted((wrt,)))
            check_last_row(spec, wrt, found.value)
            if not op.kink and not {"labels", "mask"} & {d.partition(":")[0] for d in sample.domains}:
                np.testing.assert_allclose(found.value, differences(spec, wrt), atol=2e-6, rtol=1e-5)
            assert isinstance(found.formula, Printed), found.formula
            assert found.formula.deviation is not None
            assert found.formula.deviation < 1e-9, (op.name, number, wrt, found.formula["code"])


def test_a_formula_that_is_too_long_to_read_back_is_left_out(backprop: Backprop) -> None:
    """The numbers of a Hessian stay, with the reason that it has no formula."""
    done = backprop("hessian", "-e", "sum(matrix_power(A, 9))", "--set", "A=[[1,2],[0.5,0.3]]")
    assert done.code == 0, done.err
    assert "(it is longer than an expression may be; see --vector)" in done.out
    assert "3080.74" in done.out


# ── the command ──────────────────────────────────────────────────────────────────────────────────

SOFTMAX = "params: {x: [1, 2, 3]}\nnodes: {p: softmax(x)}\n"


def test_a_part_without_a_name_is_in_no_formula(backprop: Backprop) -> None:
    """Where the work ran out before a long product was put together, what stands for its parts is shown to nobody."""
    names = [f"w{i}" for i in range(200)]
    spec = "\n".join(["params:", *(f"  {name}: 1.0{i:03}" for i, name in enumerate(names)), "nodes:",
                      f"  L: {' * '.join(names)}", ""])  # fmt: skip
    shown = backprop("jacobian", "-", "--format", "json", stdin=spec)
    assert shown.code == 0, shown.err
    blocks = json.loads(shown.out)["results"]
    left_out = [block["formula"]["omitted"] for block in blocks if "omitted" in block["formula"]]
    assert 0 < len(left_out) < len(names)
    assert all("no name" in why for why in left_out)
    assert not re.search(r"\bL\.\d", shown.out)


def test_json_is_the_contract(backprop: Backprop) -> None:
    """`backprop.jacobian/1`: the documented keys, the output's shape followed by the leaf's."""
    found = json.loads(backprop("jacobian", "-", "--output", "p", "--wrt", "x", "--format", "json", stdin=SOFTMAX).out)
    assert found["schema"] == "backprop.jacobian/1"
    assert (found["output"], found["wrt"], found["shape"]) == ("p", "x", [3, 3])
    assert set(found["formula"]) == {"text", "code", "latex", "index"}
    p = np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum()
    np.testing.assert_allclose(found["value"], np.diag(p) - np.outer(p, p), atol=1e-15)


@pytest.mark.parametrize(("path", "shown"), [
    ("shape", "[3, 3]"), ("formula", "diag(p) - p · pᵀ"), ("formula.code", "diag(p) - outer(p, p)"),
    ("formula.index", "p[i] (δ[i,j] - p[j])"), ("p.jacobian[0,1]", "-0.02203"), ("value[0,1]", "-0.02203"),
])  # fmt: skip
def test_get(backprop: Backprop, path: str, shown: str) -> None:
    """One thing and nothing else."""
    assert backprop("jacobian", "-", "--get", path, stdin=SOFTMAX).out.startswith(shown)


def test_small_ones_have_a_formula_for_each_entry(backprop: Backprop) -> None:
    """Each entry's own formula stands with its number."""
    out = backprop("jacobian", "-", stdin=SOFTMAX).out
    assert "[0,0]  p[0] · (1 - p[0]) = 0.081925" in out
    assert "[0,1]  -p[0] · p[1] = -0.0220" in out


def test_exported_specs_run_to_the_same_numbers(backprop: Backprop, tmp_path: Path) -> None:
    """`--to spec`: the derivative is a node, whose value is the matrix."""
    logistic = ROOT / "specs" / "logistic_regression.yaml"
    for command, source in (("jacobian", SOFTMAX), ("hessian", logistic.read_text())):
        path = tmp_path / "exported.yaml"
        done = backprop(command, "-", "--to", "spec", "-o", path, stdin=source)
        assert done.code == 0, done.err
        node = path.read_text().split("output: ")[1].split()[0]
        results = json.loads(backprop(command, "-", "--format", "json", stdin=source).out)
        last = results["results"][-1] if "results" in results else results
        found = json.loads(backprop("run", path, "--get", node).out)
        np.testing.assert_allclose(found, last["value"], atol=1e-12)


@pytest.mark.parametrize(("args", "words"), [
    (["jacobian", "--wrt", "q"], "no node is called 'q'"), (["jacobian", "--output", "q"], "unknown name 'q'"),
    (["hessian"], "a Hessian is of a number"), (["jacobian", "--max-bytes", "60"], "more than --max-bytes"),
    (["jacobian", "--get", "value[7,7]"], "does not fit the shape"), (["jacobian", "--get", "x.y"], "cannot read"),
    (["hessian", "--output", "p[0]", "--vector", "[1, 2]"], "(2,)"),
    (["hessian", "--output", "p[0]", "--vector", "abc"], "the vector is a number, an array"),
])  # fmt: skip
def test_bad_input_is_told_plainly(backprop: Backprop, args: list[str], words: str) -> None:
    """Exit code 2, one message with the user's words, nothing on stdout."""
    done = backprop(args[0], "-", *args[1:], stdin=SOFTMAX)
    assert (done.code, done.out) == (2, ""), done.out
    assert words in done.err


EMPTY = "params: {e: {shape: [0, 3], init: zeros}, s: 2}\nnodes: {y: e * s, loss: sum(e**2) + s**2}\n"


@pytest.mark.parametrize(("asked", "shape"), [
    (("jacobian", "--output", "y", "--wrt", "e"), [0, 3, 0, 3]), (("jacobian", "--output", "y", "--wrt", "s"), [0, 3]),
    (("jacobian", "--output", "loss", "--wrt", "e"), [0, 3]), (("hessian", "--wrt", "e"), [0, 3, 0, 3]),
])  # fmt: skip
def test_what_has_no_entries_has_a_derivative_without_entries(backprop: Backprop, asked: Any, shape: Any) -> None:
    """An output or a leaf of shape (0, 3): nothing to compare, in every format."""
    found = json.loads(backprop(*asked, "-", "--format", "json", stdin=EMPTY).out)
    assert (found["shape"], np.size(found["value"])) == (shape, 0)
    assert [backprop(*asked, "-", "--format", form, stdin=EMPTY).code for form in ("text", "latex", "html")] == [0] * 3
    assert backprop("step", "-", "--output", "loss", "--format", "html", stdin=EMPTY).code == 0


def test_an_output_that_does_not_depend_on_it_is_told(backprop: Backprop) -> None:
    """Also for a leaf that is there."""
    done = backprop("jacobian", "-", "--output", "a", "--wrt", "y",
                    stdin="params: {x: 1, y: 2}\nnodes: {a: x**2, b: y * a}\n")  # fmt: skip
    assert done.code == 2
    assert "does not depend on 'y'" in done.err


def test_a_large_one_is_a_summary_with_get_for_parts(backprop: Backprop) -> None:
    """400 rows are not printed; a row is."""
    spec = "params: {x: {shape: [400], init: normal}}\nnodes: {y: tanh(x)}\n"
    out = backprop("jacobian", "-", stdin=spec).out
    assert len(out) < 4000
    assert "diag(1 - y²)" in out
    assert "--get" in out
    assert len(json.loads(backprop("jacobian", "-", "--get", "value[3]", stdin=spec).out)) == 400


def test_check_compares_rows_and_formula(backprop: Backprop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right: code 0. A rule that is wrong by a thousandth is caught in the rows."""
    assert backprop("check", "--jacobian", "-", stdin=SOFTMAX).code == 0
    assert backprop("check", "--hessian", ROOT / "specs" / "two_layer.yaml").code == 0
    rule = OPS["tanh"].vjps[0]
    assert rule is not None
    wrong = type(OPS["tanh"])(**{f: getattr(OPS["tanh"], f) for f in OPS["tanh"].__dataclass_fields__}
                              | {"vjps": (lambda xp, g, y, x: 1.001 * rule(xp, g, y, x),)})  # fmt: skip
    monkeypatch.setitem(OPS, "tanh", wrong)
    assert backprop("check", "--jacobian", "-", stdin="params: {x: [1, 2]}\nnodes: {y: tanh(x)}\n").code == 1


POLAR = "params: {u: [1.0, 2.0]}\nnodes: {p: 'stack([sqrt(u[0]**2 + u[1]**2), atan2(u[1], u[0])])'}\n"
ATTENTION = """\
inputs: {k: [[1, 0], [0.5, -1], [0.2, 0.3]], v: [[1, 2], [0, 1], [-1, 0.5]]}
params: {q: [0.3, -0.7]}
nodes: {o: softmax(k @ q / sqrt(2)) @ v}
"""


@pytest.mark.parametrize(("spec", "formula", "where"), [
    (POLAR, "[[u[0]/√s, u[1]/√s], [-u[1]/s, u[0]/s]]", "where s = u[0]² + u[1]²"),
    (ATTENTION, "vᵀ · (diag(s) - s · sᵀ) · k / √2", "where s = softmax(k · q / √2)"),
])  # fmt: skip
def test_what_is_repeated_has_a_letter(backprop: Backprop, spec: str, formula: str, where: str) -> None:
    """People are shown what a formula says several times once; scripts get the formula whole."""
    shown = backprop("jacobian", "-", stdin=spec).out
    assert f"= {formula}\n" in shown
    assert f"  {where}\n" in shown
    whole = json.loads(backprop("jacobian", "-", "--format", "json", stdin=spec).out)["formula"]
    for notation in ("text", "code"):
        assert "s" not in re.findall(r"[a-z_]+", whole[notation])
    named_s = spec.replace("nodes: {", "nodes: {s: 1.0, ")
    assert where.replace("where s", "where r") in backprop("jacobian", "-", stdin=named_s).out


def test_an_entry_of_slices_is_one_of_what_they_are_of(backprop: Backprop) -> None:
    """p[t] at n and k is p[t[n],k]; in LaTeX the label is an index of the index."""
    spec = "inputs: {t: [0, 1, 1]}\nparams: {p: [[1, 2], [3, 4]], w: [0.5, -0.3]}\nnodes: {s: 'tanh(p[t] @ w)'}\n"
    index = backprop("jacobian", "-", "--wrt", "w", "--get", "formula.index", stdin=spec).out.strip()
    assert index == "(1 - s[i]²) · p[t[i],j]"
    assert "p_{t_{i},j}" in backprop("jacobian", "-", "--wrt", "w", "--format", "latex", stdin=spec).out


def test_a_place_that_is_a_formula_stands_beside_a_sign_of_equality(backprop: Backprop) -> None:
    """As an index of δ it could not be broken: a page of a Hessian was wider than a small screen."""
    spec = "params: {a: {shape: [2, 1, 4, 4], init: normal}}\nnodes: {p: 'max_pool2d(a, 2)'}\n"
    index = backprop("jacobian", "-", "--get", "formula.index", stdin=spec).out.strip()
    assert index == "[max_pool2d_indices(a, 2)[i,0,j,k] = 4m+n] · δ[i,l]"


MAML = """params: {p: [0.5, -0.3, 0.1]}
inputs: {x: [1, -2, 3], t: 0.4}
nodes: {y: tanh(p @ x), L: (y - t)**2, q: p - 0.1*grad(p), z: tanh(q @ x)}
"""


@pytest.mark.parametrize("args", [("jacobian", "--output", "q"), ("jacobian",), ("hessian",)])
def test_a_gradient_that_the_program_named_is_defined(backprop: Backprop, args: Sequence[str]) -> None:
    """Where ∂L/∂y stands in a formula by a name that no spec has, it is said what that is; so for scripts."""
    shown = backprop(*args, "-", "--wrt", "p", stdin=MAML).out
    assert "grad_y" in shown
    assert shown.count("\n  where grad_y = 2(y - t)\n") == 1
    assert "grad_p =" not in shown
    told = json.loads(backprop(*args, "-", "--wrt", "p", "--format", "json", stdin=MAML).out)
    assert told["where"]["grad_y"]["code"] == "2 * (y - t)"
    assert r"\mathrm{grad}_{y} &= 2" in backprop(*args, "-", "--wrt", "p", "--format", "latex", stdin=MAML).out


def test_a_root_stands_before_a_sum_of_entries(backprop: Backprop) -> None:
    """A root that every term has, and its number, are divided by once."""
    spec = ATTENTION.replace("{o: softmax(k @ q / sqrt(2)) @ v}", "{a: softmax(k @ q / sqrt(2)), o: a @ v}")
    index = backprop("jacobian", "-", "--get", "formula.index", stdin=spec).out
    assert index.strip() == "-Σ_l (o[i] - v[l,i]) · a[l] · k[l,j] / √2"


def test_a_check_says_what_was_checked(backprop: Backprop) -> None:
    """Jacobians, Hessians and rows of them are counted as what they are, not as gradients."""
    done = backprop("check", "--jacobian", "-", stdin=SOFTMAX)
    assert "1 Jacobian, 3 rows: 4 ok; compared with" in done.out
    assert "every Hessian is 0" in backprop("check", "--hessian", "-", stdin="params: {x: 1}\nnodes: {y: 2 * x}\n").out
    page = backprop("check", "--jacobian", "-", "--format", "html", stdin=SOFTMAX).out
    assert "Jacobians, row by row" in page
    assert "gradient of" not in page


def test_check_compares_mixed_blocks(backprop: Backprop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pair of leaves is checked; what is wrong between two of them alone is found there."""
    spec = "params: {a: 2.0, b: [1.0, 3.0]}\nnodes: {f: a**2 + sum(b**2) + a*sum(b)}\n"
    assert "∂²f/∂a∂b" in backprop("check", "--hessian", "-", stdin=spec).out
    real = Rows.jacobian
    monkeypatch.setattr(Rows, "jacobian", lambda self, index, *rest, **more: real(self, index, *rest, **more) * (
        1.001 if self.graph.nodes[index].name == "b" and np.ndim(self.values[self.graph.output.index]) == 0 else 1))
    done = backprop("check", "--hessian", "-", "--format", "json", stdin=spec)
    assert done.code == 1
    wrong = {one["node"] for one in json.loads(done.out)["gradients"] if one["status"] == "wrong"}
    assert wrong == {"∂²f/∂a∂b"}


# ── many rows at once, and facts that do not last ────────────────────────────────────────────────

DEEP = {"X": BATCH, "W": [[1.0, 2.0, 5.0], [3.0, 4.0, 6.0]]}
DEEP_NODES = {"z": "X @ W", "h": "tanh(z)", "p": "softmax(h)", "q": "cumsum(p, axis=1)[:, 1:]"}


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows with each reverse pass."""
    from backprop_cli.tasks.jacobian import numbers

    passes: list[int] = []
    real = numbers.backward
    monkeypatch.setattr(numbers, "backward", lambda *args: passes.append(1) or real(*args))
    return passes


def test_all_rows_are_one_reverse_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Jacobian of four rows is one reverse pass; where memory is short, several, and never more than rows."""
    from backprop_cli.tasks.jacobian import numbers

    passes = counted(monkeypatch)
    spec = spec_of(DEEP, DEEP_NODES, "q")
    (whole,) = jacobians(spec, Wanted(("W",), formulas=False))
    assert len(passes) == 1
    np.testing.assert_allclose(whole.value, differences(spec, "W"), atol=1e-8)
    monkeypatch.setattr(numbers, "AT_ONCE", 1)
    (again,) = jacobians(spec, Wanted(("W",), formulas=False))
    assert len(passes) == 1 + 4
    np.testing.assert_allclose(again.value, whole.value, rtol=1e-12)


WIDE = np.random.default_rng(2).normal(size=(2, 2, 6)).tolist()
TOGETHER = {
    "convolution": "conv1d(x, w)", "transpose": "conv_transpose1d(x, w)",
    "contraction": "einsum('bci,ocj->bo', x, w)", "pool": "avg_pool1d(x, 2)", "product": "x @ ones((6, 2))",
}  # fmt: skip


@pytest.mark.parametrize("text", TOGETHER.values(), ids=TOGETHER)
def test_rows_go_through_a_function_together(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The derivative of a convolution, a contraction, a pool, a product takes all rows in one call."""
    from backprop_cli.engine import rows

    spec = spec_of({"x": WIDE, "w": np.ones((2, 2, 2)).tolist()}, {"y": text}, "y")
    expected = differences(spec, "x")
    one_by_one: list[Any] = []
    real = rows._each
    monkeypatch.setattr(rows, "_each", lambda *args: one_by_one.append(args[0]) or real(*args))
    (found,) = jacobians(spec, Wanted(("x",), formulas=False))
    assert one_by_one == []
    np.testing.assert_allclose(found.value, expected, atol=1e-8)


POINT = [[3.0, 1.0, 0.5], [1.0, 4.0, 0.2], [0.5, 0.2, 5.0]]


@pytest.mark.parametrize("claim", [{}, {"symmetric": True}], ids=["seen", "stated"])
def test_a_symmetric_point_is_no_symmetric_matrix(claim: dict[str, Any]) -> None:
    """At a symmetric X, ∂²logdet/∂X[i,j]∂X[k,l] is -X⁻¹[j,k] X⁻¹[l,i]: entries move one at a time."""
    params: Any = {"X": {"value": POINT, **claim}}
    spec = read_spec(json.dumps({"params": params, "nodes": {"f": "logdet(X)"}}).encode(), "test", folder=None)
    (found,) = hessians(spec, Wanted(("X",)))
    inverse = np.linalg.inv(POINT)
    np.testing.assert_allclose(found.value, -np.einsum("jk,li->ijkl", inverse, inverse), atol=1e-12)
    if isinstance(found.formula, Printed):
        assert found.formula.deviation is not None
        assert found.formula.deviation < 1e-12


def test_a_derivative_of_a_number_by_a_number_has_its_formula(backprop: Backprop) -> None:
    """Text and index notation are the same there, and it is printed, once."""
    spec = "inputs: {x: 2, y: 3}\nparams: {a: 1.5}\nnodes: {v: a**2 * exp(x/y)}\n"
    assert "∂v/∂a  scalar\n  = 2 a · exp(x/y)\n  = " in backprop("jacobian", "-", stdin=spec).out
    assert "∂²v/∂a²  scalar\n  = 2 exp(x/y)\n  = " in backprop("hessian", "-", stdin=spec).out


@pytest.mark.parametrize("loss", ["sum(h**2) + sum(sin(k))", "sum(h**2 * 3) + sum(k**3)", "mean(h**2) + sum(exp(k))"])
def test_a_sum_counts_what_is_the_same_along_it(loss: str) -> None:
    """Of Σ (2 g - sin h) the first term counts as often as it is summed, though it has none of the letters."""
    leaves, nodes = {"x": [0.97, 0.06]}, {"h": "repeat(x, 2)", "k": "repeat(x, 2)", "l": loss}
    (found,) = hessians(spec_of(leaves, nodes, "l", grad_output=1), Wanted(("x",), True))
    check_second(leaves, nodes, "l", "x", found.value)
    assert isinstance(found.formula, Printed)
    assert (found.formula.deviation or 0) < 1e-9


def test_a_range_of_places_is_written_on_a_page(backprop: Backprop) -> None:
    """The sign < of [0 ≤ j-2l < 2] is an entity there."""
    spec = "params: {x: [[1, 2]]}\nnodes: {h: 'repeat(x, 2, axis=1)'}\n"
    done = backprop("jacobian", "-", "--format", "html", stdin=spec)
    assert done.code == 0, done.err
    assert "<mo>&lt;</mo>" in done.out


NAMES = "v: [1, 2], u: 1, v_0: 2, v_1: 1, e: 3"


def test_letters_are_free_in_the_spec(backprop: Backprop) -> None:
    """Neither a unit vector nor the vector that a Hessian is multiplied by is called as a node is."""
    spec = f"params: {{{NAMES}}}\nnodes: {{l: 'sum(v**2) * u * v_0 * v_1 + e * v[0] * v[1]'}}\n"
    assert "v[0] · unit[1]" in backprop("jacobian", "-", "--wrt", "v", stdin=spec).out
    done = backprop("hessian", "-", "--wrt", "v", "--vector", "[1, 2]", stdin=spec)
    assert "∂²l/∂v² · v  (2,)" in done.out
    assert "v_2" in done.out


@pytest.mark.parametrize("output", ["cholesky(A @ A.T)", "cholesky(A, upper=true)", "tril(A @ A) @ tril(A)"])
def test_a_triangle_at_one_place_is_a_number(output: str) -> None:
    """[i ≥ i] of the ones of a triangle is 1, not a comparison without letters; the formula has the numbers."""
    spec = read_spec(f"params: {{A: [[2, 0.5], [0.5, 3]]}}\nnodes: {{y: '{output}'}}\n".encode(), "s", folder=None)
    (found,) = jacobians(spec, Wanted())
    assert isinstance(found.formula, Printed)
    assert found.formula.deviation is not None
    assert found.formula.deviation < 1e-12


def test_a_condition_may_be_any_number() -> None:
    """numpy takes any number but 0 for true, in second derivatives as well: their numbers and their formula."""
    leaves = {"m": [0.7, 0.0], "x": [0.7, 2.0], "z": [0.1, 0.2]}
    spec = spec_of(leaves, {"y": "where(m, x**3, z)", "l": "sum(sin(y))"}, "l", grad_output=1)
    (found,) = hessians(spec, Wanted(("x",), True))
    check_second(leaves, {"y": "where(m, x**3, z)", "l": "sum(sin(y))"}, "l", "x", found.value)
    assert isinstance(found.formula, Printed)
    assert (found.formula.deviation or 0) < 1e-9


def test_rows_at_once_leave_room_for_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reverse pass takes no more than it may, the windows of a transposed convolution included."""
    from backprop_cli.tasks.jacobian import numbers

    allowed = 1 << 20
    monkeypatch.setattr(numbers, "AT_ONCE", allowed)
    image, kernel = np.ones((1, 2, 8, 8)), np.ones((2, 2, 5, 5))
    graph = build(spec_of({"x": image, "w": kernel}, {"y": "conv_transpose2d(x, w)"}, "y"))
    rows = Rows.of(graph, load_leaves(graph))
    tracemalloc.start()
    try:
        found = rows.jacobian(graph.names["x"], 1 << 30)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < found.nbytes + 2 * allowed


def test_only_what_lies_between_is_gone_through(backprop: Backprop, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an input, the reverse pass asks no rule on the way to another leaf; by a node, none below it."""
    calls: list[str] = []
    for name in ("exp", "sin"):
        real = OPS[name].vjps[0]
        assert real is not None
        heard = (lambda xp, g, y, x, name=name, real=real: calls.append(name) or real(xp, g, y, x),)
        given = {f: getattr(OPS[name], f) for f in OPS[name].__dataclass_fields__} | {"vjps": heard}
        monkeypatch.setitem(OPS, name, type(OPS[name])(**given))
    spec = "inputs: {x: [1, 2]}\nparams: {w: [1, 3]}\nnodes: {h: sin(x), y: h * exp(w)}\n"
    for wrt, expected in (("x", {"sin"}), ("w", {"exp"}), ("h", set())):
        calls.clear()
        assert backprop("jacobian", "-", "--wrt", wrt, "--terms", "none", stdin=spec).code == 0
        assert set(calls) == expected, wrt


def test_a_large_hessian_is_refused_and_its_product_is_not(backprop: Backprop, tmp_path: Path) -> None:
    """Rule: nothing of its size is made before that was looked at, nor at all for a product or a formula."""
    (tmp_path / "net.yaml").write_text("params: {x: {shape: [5000000], init: ones}}\nnodes: {y: sum(x*x)}\n")
    (tmp_path / "shapes.yaml").write_text("params: {x: {shape: [5000000]}}\nnodes: {y: sum(x*x)}\n")
    refused = backprop("hessian", tmp_path / "net.yaml")
    assert refused.code == 2
    assert "error[E021]: of shape (5000000, 5000000) it would take 200,000,000,000,000 bytes" in refused.err
    assert backprop("hessian", tmp_path / "net.yaml", "--vector", "ones", "--get", "value[4999999]").out == "2.0\n"
    assert "(no numbers)" in backprop("hessian", tmp_path / "shapes.yaml").out


def test_one_reverse_pass_finds_every_leafs_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: formulas go back once from an output, and in a Hessian once from each gradient, for whatever leaves."""
    from backprop_cli.formulas import jacobian

    found: list[str] = []
    real = jacobian.derive
    monkeypatch.setattr(jacobian, "derive", lambda *given: (found.append(given[1].name), real(*given))[1])
    leaves = {"a": [1.0, 2.0], "b": [0.5, 3.0], "c": [1.5, 0.25]}
    assert len(list(jacobians(spec_of(leaves, {"y": "a*b*c"}, "y"), Wanted(("a", "b", "c"))))) == 3
    assert len(found) == 1
    found.clear()
    assert len(list(hessians(spec_of(leaves, {"y": "sum((a*b*c)**2)"}, "y"), Wanted(("a", "b", "c"))))) == 6
    assert len(found) == 3


def test_rows_share_what_differences_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hessian of six weights: each is moved twice, and back once, however many rows are compared with that."""
    calls: list[int] = []
    real = Perturbed.whole

    def counting(self: Perturbed, *given: Any) -> Any:
        found = real(self, *given)
        return lambda value: calls.append(1) or found(value)

    monkeypatch.setattr(Perturbed, "whole", counting)
    rng = np.random.default_rng(3)
    spec = spec_of({"W": rng.normal(size=(2, 3)), "x": rng.normal(size=3)}, {"f": "sum(sin(W @ x))"}, "f")
    report = check_hessian(spec, Wanted(("W",), formulas=False))
    assert [result.status for result in report.results] == ["ok"] * 6
    assert len(calls) <= 3 * 6


def test_a_wrong_row_is_found_among_right_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Jacobian of which one entry is wrong: that row is refused, at that entry, and no other."""
    real = Rows.jacobian

    def wrong(self: Rows, *given: Any) -> Any:
        found = np.array(real(self, *given))
        found[1, 2] += 1e-3
        return found

    monkeypatch.setattr(Rows, "jacobian", wrong)
    spec = spec_of({"x": [0.1, 0.2, 0.3], "W": SQUARE_ROWS}, {"h": "tanh(W @ x)"}, "h")
    results = check_jacobian(spec, Wanted(("x",), formulas=False)).results
    assert [result.status for result in results] == ["ok", "wrong", "ok"]
    assert results[1].index == (2,)


def test_only_the_signs_that_are_shown_are_explained(backprop: Any) -> None:
    """A matrix that is written out, entry by entry, needs no word on δ and [·]; its index notation is not shown."""
    asked = ("-e", "sum((x[1:] - x[:-1]**2)**2)", "--shape", "x=4", "--wrt", "x")
    assert "notation:" not in backprop("hessian", *asked).out
    assert "notation: δ[i,j]" in backprop("jacobian", "-e", "y = softmax(z)", "--shape", "z=3").out


GRAPH = """\
inputs: {A: {shape: [3, 3], symmetric: true}, M: {shape: [3, 3]}, k: {shape: [3]}, lam: {shape: []}}
params: {x: {shape: [3]}, U: {shape: [3, 2]}, p: {shape: [4]}}
nodes:
  y: A @ x
  z: M @ A @ x
  E: 1/2 * sum(k * (p[1:] - p[:-1])**2) + lam * sum(U**2)
"""


@pytest.mark.parametrize(("output", "wrt", "index"), [
    ("y", "x", "A[i,j]"),
    ("z", "x", "Σ_l M[i,l] · A[l,j]"),
    ("E", "U", "2 lam · U[i,j]"),
    ("E", "p", "(p[i] - p[i-1]) · k[i-1] · [i ≥ 1] - (p[i+1] - p[i]) · k[i] · [i < 3]"),
])  # fmt: skip
def test_entries_are_written_as_a_book_does(backprop: Backprop, output: str, wrt: str, index: str) -> None:
    """A symmetric matrix has its letters in order; scalars come first; zeros around entries are a range."""
    done = backprop("jacobian", "-", "--output", output, "--wrt", wrt, "--get", "formula.index", stdin=GRAPH)
    assert done.out.strip() == index


def test_a_label_in_a_delta_is_an_element_of_the_page(backprop: Backprop) -> None:
    """δ[t[i],j] in MathML is an index in an index, and no letter stands outside of an element."""
    spec = "params: {W: {shape: [4, 2]}, p: {shape: [4]}}\ninputs: {t: [0, 2, 2]}\nnodes: {y: 'W[t]', d: 'p[1:]**2'}\n"
    for output, wrt in (("y", "W"), ("sum(d)", "p")):
        page = backprop("hessian" if wrt == "p" else "jacobian", "-", "--output", output, "--wrt", wrt,
                        "--format", "html", stdin=spec).out  # fmt: skip
        assert "&lt;m" not in page
        for math in re.findall(r"<math.*?</math>", page):
            assert not re.findall(r"</?m(?:row|sub|sup|frac)>[^<\\s]+", math)


@pytest.mark.parametrize("command", ["jacobian", "hessian"])
@pytest.mark.parametrize("form", ["text", "json", "markdown", "latex", "html"])
def test_where_there_is_no_derivative_a_word_says_so(backprop: Backprop, command: str, form: str) -> None:
    """A kink at these numbers is announced as a run announces it, once, in every format that people read."""
    asked = ("-e", "y = sum(relu(x)) * sum(abs(x))", "--format", form)
    said = "relu has no derivative at"
    assert backprop(command, *asked, "--set", "x=[1.0, 0.0]").out.count(said) == 1
    assert said not in backprop(command, *asked, "--set", "x=[1.0, 2.0]").out


def test_singular_values_that_coincide_but_for_rounding_are_announced(backprop: Backprop) -> None:
    """√5 twice: decompositions find them a rounding apart, and second derivatives divide by what is between them."""
    done = backprop("hessian", "-e", "sum(svdvals(A))", "--set", "A=[[1.0, 2], [2, -1]]")
    assert "warning: out: svdvals has no derivative" in done.out
    assert "warning" not in backprop("hessian", "-e", "sum(svdvals(A))", "--set", "A=[[1.0, 2], [2, 1]]").out


def product_of(names: str) -> tuple[str, ...]:
    """A command line: the sum of a product of 2×2 matrices."""
    return ("-e", f"sum({' @ '.join(names)})", *(word for name in names for word in ("--shape", f"{name}=2,2")))


def test_a_sum_that_hangs_on_an_entry_is_taken_to_its_end(backprop: Backprop) -> None:
    """Eight matrices before a letter are one vector, in whichever order they are met: two in a row were, by chance."""
    done = backprop("hessian", *product_of("ABCDEFGHIJ"), "--wrt", "I,J")
    assert "[:, j, j, :] = (Hᵀ · Gᵀ · Fᵀ · Eᵀ · Dᵀ · Cᵀ · Bᵀ · Σ(A, axis=0))" in done.out


def test_entries_that_are_long_are_not_written_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that does not fit a line says that none is shown: the others are not made."""
    made: list[tuple[int, ...]] = []
    at = Indexing.at
    monkeypatch.setattr(Indexing, "at", lambda self, place: (made.append(place), at(self, place))[1])
    leaves: dict[str, Any] = {name: np.eye(2) for name in "ABCDEFGHIJKLM"}
    spec = spec_of(leaves, {"y": f"sum(({' @ '.join(leaves)})**2)"}, "y")
    one = next(iter(hessians(spec, Wanted(("A",)))))
    assert isinstance(one.formula, Printed)
    assert not one.entries
    assert len(made) == 1


@pytest.mark.parametrize("vector", [(), ("--vector", "[1.0, 2.0]")])
def test_formulas_of_many_blocks_end_with_a_word(
    backprop: Backprop, monkeypatch: pytest.MonkeyPatch, vector: tuple[str, ...]
) -> None:
    """Past the work of a command the rest have numbers alone, and stderr says at once what was left out."""
    monkeypatch.setattr(hessian, "ALTOGETHER", 0)
    sets = ("--set", "a=[1.0, 2.0]", "--set", "b=[3.0, 4.0]", "--set", "c=[1.0, 1.0]")
    done = backprop("hessian", "-e", "sum(a**2*b**2*c**2)", *sets, *vector)
    assert done.err.count(hessian.REST_LEFT_OUT) == 1
    blocks = re.findall(r"^∂²out/.*\n +(.*)", done.out, re.MULTILINE)
    assert blocks[0].startswith("= ")
    assert len(blocks) == (3 if vector else 6)
    assert all("took long; --wrt" in block for block in blocks[1:])
    assert "(no numbers)" not in done.out
