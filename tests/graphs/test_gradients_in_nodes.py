"""`grad(w)` in a spec's nodes: updates, penalties on gradients, second derivatives, and what is refused."""

from __future__ import annotations

import json
import math
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.engine.ops.samples import draw
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.leaves import load_leaves
from tests.checks.test_random_graphs import written
from tests.conftest import Backprop
from tests.graphs.test_random_graphs import random_net
from tests.jacobian.test_jacobian import spec_of, trials

UPDATE = """\
inputs: {eta: 0.1, X: [[1, 2], [3, 4], [0, 1]], y: [1, 0, 2]}
params: {w: [0.5, -0.2]}
nodes:
  loss: mean((X @ w - y)**2)
  w_new: w - eta * grad(w)
  new_loss: mean((X @ w_new - y)**2)
output: loss
"""

PENALTY = """\
inputs: {x: [0.3, -0.7]}
params: {W: [[1, 0.5], [0.2, -1], [0.4, 0.1]], v: [1, -1, 0.5]}
nodes:
  h: tanh(W @ x)
  D: v @ h
  penalty: (sqrt(sum(grad(x)**2)) - 1)**2
  loss: D + 10 * penalty
"""


def run(backprop: Backprop, spec: str, *args: str | Path) -> dict[str, Any]:
    """The JSON of a run."""
    done = backprop("run", "-", *args, "--format", "json", stdin=spec)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_an_update_is_a_node_like_any_other(backprop: Backprop) -> None:
    """w - η ∂loss/∂w by hand, and the loss that it leads to; the gradient of the loss stays what it was."""
    nodes = run(backprop, UPDATE)["nodes"]
    x, y, w = np.array([[1, 2], [3, 4], [0, 1]]), np.array([1, 0, 2]), np.array([0.5, -0.2])
    gradient = 2 / 3 * x.T @ (x @ w - y)
    np.testing.assert_allclose(nodes["w_new"]["value"], w - 0.1 * gradient, rtol=1e-12)
    np.testing.assert_allclose(nodes["w"]["gradient"]["value"], gradient, rtol=1e-12)
    np.testing.assert_allclose(nodes["new_loss"]["value"], np.mean((x @ (w - 0.1 * gradient) - y) ** 2), rtol=1e-12)


def test_the_gradient_of_a_penalty_on_a_gradient(backprop: Backprop) -> None:
    """Double backward: every command sees plain nodes; differences and sympy agree with the reverse pass."""
    nodes = run(backprop, PENALTY)["nodes"]
    assert nodes["W"]["gradient"]["formula"]["local"]["code"]
    w, v, x = np.array([[1, 0.5], [0.2, -1], [0.4, 0.1]]), np.array([1, -1, 0.5]), np.array([0.3, -0.7])
    inner = w.T @ (v * (1 - np.tanh(w @ x) ** 2))
    np.testing.assert_allclose(nodes["penalty"]["value"], (np.linalg.norm(inner) - 1) ** 2, rtol=1e-12)
    assert backprop("check", "-", stdin=PENALTY).code == 0
    assert "grad_x" in backprop("show", "-", stdin=PENALTY).out
    for target in ("numpy", "torch", "jax", "spec"):
        assert backprop("export", "-", "--to", target, stdin=PENALTY).code == 0


IN_FUNCTIONS = """\
params: {x: [1, 2], y: 3}
functions:
  size: {args: [z], body: sum(grad(z)**2)}
  both: {args: [a, b], body: size(a) + 2 * size(b)}
nodes:
  f: sum(x**3) * y
  penalty: "both(x, b=y)"
  total: f + penalty
output: total
"""


def test_a_function_may_ask_for_its_arguments_gradient(backprop: Backprop) -> None:
    """Its body is written out with the names that it is called with, also through another function."""
    nodes = json.loads(backprop("run", "-", "--format", "json", stdin=IN_FUNCTIONS).out)["nodes"]
    by_x, by_y = np.array([9.0, 36.0]), 9.0
    expected = by_x + 2 * by_x * np.array([18, 36]) + 4 * by_y * np.array([3, 12])
    assert nodes["penalty"]["value"] == np.sum(by_x**2) + 2 * by_y**2
    np.testing.assert_allclose(nodes["x"]["gradient"]["value"], expected)
    assert backprop("check", "-", stdin=IN_FUNCTIONS).code == 0


def test_what_the_gradient_is_of(backprop: Backprop) -> None:
    """The output; where that depends on the gradient, the last node before; a vector at the end is no output."""
    spec = "params: {x: 3}\nnodes: {a: x**2, b: a**2, c: grad(x) + 0}\n"
    assert run(backprop, spec)["nodes"]["c"]["value"] == 4 * 27
    assert run(backprop, spec, "--output", "a")["nodes"]["c"]["value"] == 6
    assert run(backprop, spec)["nodes"]["x"]["gradient"]["value"] == 12 * 9
    vector = "params: {x: [3, 4]}\nnodes: {b: sum(x**2), c: x - grad(x)}\n"
    assert run(backprop, vector)["output"] == "b"
    first = "params: {x: 3}\nnodes: {c: grad(x) * 1, b: x**2}\n"
    assert run(backprop, first)["output"] == "b"


MEASURED = UPDATE.replace("output: loss", "  size: sum(w**2)\noutput: loss")


@pytest.mark.parametrize("asked", ["loss", "w_new", "new_loss", "size"])
def test_what_is_asked_for_changes_no_node(backprop: Backprop, asked: str) -> None:
    """`grad(w)` is of the output that the spec names, whatever `--output` goes back from: each value stays."""
    nodes = run(backprop, MEASURED)["nodes"]
    found = run(backprop, MEASURED, "--output", asked, "--grad-output", "ones")["nodes"]
    values = {name: nodes[name]["value"] for name in ("w_new", "new_loss", "size")}
    assert {name: found[name]["value"] for name in values} == values


def test_the_jacobian_of_an_update(backprop: Backprop) -> None:
    """∂(w - η ∂loss/∂w)/∂w is I - η times the Hessian of the spec's own output, 2 Xᵀ X / 3."""
    found = backprop("jacobian", "-", "--output", "w_new", "--wrt", "w", "--get", "value", stdin=MEASURED)
    x = np.array([[1, 2], [3, 4], [0, 1]])
    np.testing.assert_allclose(json.loads(found.out), np.eye(2) - 0.1 * 2 / 3 * x.T @ x, rtol=1e-12)


@pytest.mark.parametrize("name", sorted({op.name for op, _, _ in trials()}))
def test_every_op(name: str) -> None:
    """For each sample and operand, `grad(x)` as a node has the value that the reverse pass has."""
    for op, number, sample in trials():
        if op.name != name:
            continue
        operands = {f"x{i}": v for i, v in enumerate(draw(sample, np.random.default_rng(number + 3)))}
        nodes = {"y": written(op, dict(sample.parameters), list(operands)), "loss": "sum(sin(y + 1))"}
        graph = build(spec_of(operands, nodes, "loss", grad_output=1))
        for wrt in (name for name in operands if graph.names[name] in graph.active):
            spec = spec_of(operands, {**nodes, "g": f"grad({wrt}) * 1"}, "loss", grad_output=1)
            traced = build(spec)
            computed = compute(traced, load_leaves(traced))
            found, expected = computed.values[traced.names["g"]], computed.gradient(traced.names[wrt])
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_random_graphs_twice(seed: int, backprop: Backprop) -> None:
    """The gradient of Σ sin(grad) by the program, against differences (`check`)."""
    net = random_net(seed, length=3)
    nodes = {**net.nodes, "penalty": f"sum(sin(grad({next(iter(net.leaves))}))) + 0.5 * loss"}
    spec = json.dumps({"params": {n: np.asarray(v).tolist() for n, v in net.leaves.items()}, "nodes": nodes})
    done = backprop("check", "-", "--terms", "local", stdin=spec)
    assert done.code == 0, (done.out, done.err, spec)


@pytest.mark.parametrize(("spec", "words"), [
    ("params: {x: 1}\nnodes: {a: x**2, b: grad(q)}\n", "grad(q) has no meaning here"),
    ("params: {x: 1}\nnodes: {a: x**2, b: grad(x + 1)}\n", "the name of one node"),
    ("params: {x: 1}\nnodes: {a: grad(x)}\n", "needs a node to be the gradient of"),
    ("params: {x: 1, z: 2}\nnodes: {y: z * 1, a: x**2, b: grad(z)}\n", "does not depend on 'z'"),
    ("params: {x: [1, 2]}\nnodes: {a: x**2, b: sum(grad(x))}\n", "has shape (2,)"),
    ("params: {x: 1}\nnodes: {a: x**2, b: grad(x)}\nhooks: {a: grad}\n", "does not go with 'hooks'"),
])  # fmt: skip
def test_what_is_refused(backprop: Backprop, spec: str, words: str) -> None:
    """Exit code 2, with the user's words, at their place."""
    done = backprop("run", "-", stdin=spec)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


WRITTEN = [
    ("p", "E: 1/2 * (p - t)**2", "p - t"),
    ("p", "E: -(p - t)**2 / 2", "t - p"),
    ("p", "E: (p - t)**2 / 3", "2/3 * (p - t)"),
    ("p", "E: -(t * log(p) + (1 - t) * log(1 - p))", "(1 - t) / (1 - p) - t / p"),
    ("q", "E: mean((q - 1)**2)", "2/3 * (q - 1)"),
    ("q", "E: cross_entropy(q, h)", "a * sum(h, axis=0, keepdims=true) - h"),
    ("p", "E: -mean(h * log(p))", "-(1/3 * sum(h) / p)"),
    ("q", "E: sum(t * q**3 / 3 - log(q))", "t * q ** 2 - 1 / q"),
    ("t", "E: sum(q * t)", "sum(q)"),
]


@pytest.mark.parametrize(("by", "loss", "expected"), WRITTEN, ids=[row[1] for row in WRITTEN])
def test_a_gradient_reads_as_written_by_hand(by: str, loss: str, expected: str) -> None:
    """Numbers are multiplied together, signs and reciprocals drawn out, what has a name is called by it."""
    name, expression = loss.split(": ")
    nodes = {"p": "sigmoid(t)", "q": "2 * u", "a": "softmax(q)", name: expression, "g": f"grad({by})"}
    graph = build(spec_of({"t": 0.3, "u": [1, 2, 4], "h": [0, 1, 0]}, nodes, name))
    written_down = {node.name: node.text.text for node in graph.spec.nodes}
    assert written_down[f"grad_{by}"] == expected


SINGULAR = {
    "norm(x)": "[0.0, 0.0]", "norm(x, 3)": "[0.0, 0.0]", "norm(x, 1.5)": "[0.0, 0.0]", "std(x)": "[2.0, 2.0]",
    "std(x, ddof=1)": "[2.0, 2.0]", "sum(hypot(x, 2*x))": "[0.0, 1.0]", "sum(arctan2(x, 2*x))": "[0.0, 1.0]",
    "sum(normalize(x, axis=0))": "[0.0, 0.0]", "norm(x[:, None] - x, 'fro')": "[1.0, 1.0]",
}  # fmt: skip
"""Functions at points where their textbook's derivative is 0/0 and PyTorch's is a number."""


@pytest.mark.parametrize("function", SINGULAR)
def test_a_gradient_as_a_node_is_the_gradient_where_the_textbook_has_none(function: str, backprop: Backprop) -> None:
    """Rule: there, too, grad(x) in a node is what the reverse pass gives, and its own gradient is finite."""
    spec = f"params: {{x: {SINGULAR[function]}}}\nnodes:\n  f: \"{function}\"\n  d: grad(x)\n  s: sum(d**2)\n"
    gradient = backprop("run", "-", "--output", "f", "--get", "x.grad", stdin=spec).out
    assert backprop("run", "-", "--get", "d", stdin=spec).out == gradient
    assert "NaN" not in gradient
    assert "nan" not in backprop("run", "-", "--output", "s", "--get", "x.grad", stdin=spec).out.lower()


@pytest.mark.parametrize("function", ["norm(x)", "norm(x, 3)", "std(x)"])
def test_second_derivatives_at_zero_are_pytorchs(function: str, backprop: Backprop) -> None:
    """Rule: what the first derivative holds at 0 is constant there; with other numbers the textbook's form stands."""
    found = json.loads(backprop("hessian", "-e", function, "--set", "x=[0.0, 0.0]", "--get", "value").out)
    assert found == [[0.0, 0.0], [0.0, 0.0]]
    spec = f"params: {{x: [3.0, 4.0]}}\nnodes:\n  f: {function}\n  d: grad(x)\n"
    assert "where" not in backprop("show", "-", stdin=spec).out


def leibniz(matrix: Any) -> float:
    """The determinant by its definition, a sum over permutations."""
    signs = {p: (-1) ** sum(a > b for a, b in combinations(p, 2)) for p in permutations(range(len(matrix)))}
    return float(sum(sign * math.prod(matrix[i][j] for i, j in enumerate(p)) for p, sign in signs.items()))


SLOPE = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}
"""The derivative at 0 of a polynomial of degree 4 or less, by its values at whole numbers."""


def mixed(matrix: Any, *directions: Any) -> float:
    """The derivative of the determinant along directions, one after the other."""
    if not directions:
        return leibniz(matrix)
    first, *others = directions
    return sum(weight * mixed(matrix + t * first, *others) for t, weight in SLOPE.items())


SINGULAR_MATRICES = {
    "of rank 1": [[1.0, 2.0], [2.0, 4.0]], "of zeros": [[0.0, 0.0], [0.0, 0.0]],
    "of rank 2": [[1.0, 2, 3], [2, 4, 6], [1, 0, 1]],
    "of 3 x 3 and rank 1": [[1.0, 2, 3], [2, 4, 6], [3, 6, 9]], "in progression": [[1.0, 2, 3], [4, 5, 6], [7, 8, 9]],
    "of 4 x 4": [[1.0, 2, 3, 4], [2, 4, 6, 8], [0, 1, 0, 1], [1, 1, 1, 1]],
    "regular": [[1.0, 2, 0], [0, 1, 1], [1, 0, 1]],
}  # fmt: skip


@pytest.mark.parametrize("which", SINGULAR_MATRICES)
def test_second_and_third_derivatives_of_a_determinant(which: str, backprop: Backprop) -> None:
    """Rule: they are polynomials of the entries, and numbers where there is no inverse; the formulas say them."""
    matrix = np.array(SINGULAR_MATRICES[which])
    v = np.arange(matrix.size).reshape(matrix.shape) % 3 - 1.0
    spec = (f"inputs: {{v: {v.tolist()}}}\nparams: {{A: {matrix.tolist()}}}\nnodes:\n  f: det(A)\n"
            "  hv: grad(sum(grad(A) * v))\n  q: sum(hv * v)\n")  # fmt: skip
    units = [np.eye(matrix.size)[i].reshape(matrix.shape) for i in range(matrix.size)]
    second = [mixed(matrix, v, one) for one in units]
    np.testing.assert_allclose(json.loads(backprop("run", "-", "--get", "hv", stdin=spec).out),
                               np.reshape(second, matrix.shape), atol=1e-10)  # fmt: skip
    third = [mixed(matrix, v, v, one) for one in units]
    np.testing.assert_allclose(json.loads(backprop("run", "-", "--get", "A.grad", stdin=spec).out),
                               np.reshape(third, matrix.shape), atol=1e-9)  # fmt: skip
    assert " inconclusive" not in backprop("check", "-", stdin=spec).out
