"""Forward mode: published trace tables, every op's samples, and what is told of bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.engine.ops import Op
from backprop_cli.engine.ops.base import Sample
from backprop_cli.engine.ops.samples import draw
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.forward import directions, with_forward_mode
from backprop_cli.tasks.jacobian.jacobian import Wanted, jacobians
from tests.checks.test_random_graphs import written
from tests.conftest import ROOT, Backprop
from tests.graphs.test_random_graphs import random_net
from tests.jacobian.test_jacobian import spec_of, trials

BAYDIN, GRIEWANK = ROOT / "specs" / "baydin.yaml", ROOT / "specs" / "griewank_walther.yaml"


def traced(backprop: Backprop, spec: Path, *tangents: str) -> dict[str, Any]:
    """The nodes of a run in forward mode."""
    done = backprop("run", spec, "--format", "json", *(word for t in tangents for word in ("--tangent", t)))
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)["nodes"]
    return found


def rounded(nodes: dict[str, Any], *names: str) -> list[float]:
    """Tangents to three digits."""
    return [round(nodes[name]["tangent"]["value"], 3) for name in names]


def test_baydins_tables(backprop: Backprop) -> None:
    """Baydin et al. (2018), tables 2 and 3: ln x1 + x1 x2 - sin x2 at (2, 5), forward and reverse."""
    nodes = traced(backprop, BAYDIN, "x1=1")
    assert [round(nodes[n]["value"], 3) for n in ("v1", "v2", "v3", "v4", "v5")] == [0.693, 10, -0.959, 10.693, 11.652]
    assert rounded(nodes, "x1", "x2", "v1", "v2", "v3", "v4", "v5") == [1, 0, 0.5, 5, 0, 5.5, 5.5]
    assert [round(nodes[n]["gradient"]["value"], 3) for n in ("v5", "v4", "v3", "v2", "v1", "x2", "x1")] == \
        [1, 1, -1, 1, 1, 1.716, 5.5]  # fmt: skip
    formulas = {name: node["tangent"]["formula"]["text"] for name, node in nodes.items() if node["tangent"]["formula"]}
    assert formulas["v1"] == "ẋ1/x1"
    assert formulas["v2"] == "ẋ1 · x2"
    assert set(formulas["v4"].split(" + ")) == {"v̇1", "v̇2"}
    assert nodes["v1"]["tangent"]["formula"]["latex"] == r"\frac{\dot{x_{1}}}{x_{1}}"
    both = traced(backprop, BAYDIN, "x1=1", "x2=1")
    assert rounded(both, "v2", "v3", "v5") == [7, 0.284, 7.216]


def test_griewank_and_walthers_table(backprop: Backprop) -> None:
    """Evaluating Derivatives, tables 1.2 to 1.4: [sin(x1/x2) + x1/x2 - exp x2] (x1/x2 - exp x2) at (1.5, 0.5)."""
    nodes = traced(backprop, GRIEWANK, "x1=1")
    values = [nodes[n]["value"] for n in ("v1", "v2", "v3", "v4", "v5", "y")]
    np.testing.assert_allclose(values, [3.0, 0.1411, 1.6487, 1.3513, 1.4924, 2.0167], atol=6e-5)  # products of rounded
    assert [round(nodes[n]["tangent"]["value"], 4) for n in ("v1", "v2", "v3", "v4", "v5", "y")] == \
        [2.0, -1.98, 0.0, 2.0, 0.02, 3.0118]  # fmt: skip
    gradients = [nodes[n]["gradient"]["value"] for n in ("v4", "v3", "v2", "v1", "x2", "x1")]
    np.testing.assert_allclose(gradients, [2.8437, -2.8437, 1.3513, 1.5059, -13.7239, 3.0118], atol=2e-4)


TABLES = {
    "CppAD's exp_2: 1 + x + x²/2 at 0.5": (
        {"x": 0.5}, {"v1": "x", "v2": "1 + v1", "v3": "v1*v1", "v4": "v3/2", "v5": "v2 + v4"}, "x",
        {"v1": (0.5, 1), "v2": (1.5, 1), "v3": (0.25, 1), "v4": (0.125, 0.5), "v5": (1.625, 1.5)}),
    "CppAD's exp_2, along 2": (
        {"x": 0.5}, {"v1": "x", "v2": "1 + v1", "v3": "v1*v1", "v4": "v3/2", "v5": "v2 + v4"}, "x=2",
        {"v1": (0.5, 2), "v2": (1.5, 2), "v3": (0.25, 2), "v4": (0.125, 1), "v5": (1.625, 3)}),
    "Kochenderfer and Wheeler, 2.5: ln(ab + max(a, 2)) at (3, 2)": (
        {"a": 3, "b": 2}, {"c1": "a*b", "c2": "maximum(a, 2)", "c3": "c1 + c2", "c4": "log(c3)"}, "a",
        {"c1": (6, 2), "c2": (3, 1), "c3": (9, 3), "c4": (2.1972, 0.3333)}),
    "Wikipedia: x1 x2 + sin x1": (
        {"x1": 2, "x2": 3}, {"w3": "x1*x2", "w4": "sin(x1)", "w5": "w3 + w4"}, "x1",
        {"w3": (6, 3), "w4": (0.9093, -0.4161), "w5": (6.9093, 2.5839)}),
    "a course: (2 x1² + sin x1 + 4)(3 x2 + 6) at (1, 2)": (
        {"x1": 1, "x2": 2}, {"u": "2*x1**2 + sin(x1) + 4", "v": "3*x2 + 6", "f": "u*v"}, "x1",
        {"u": (6.8415, 4.5403), "v": (12, 0), "f": (82.0977, 54.4836)}),
    "a forum: 2 cos 2x - sin 4x at π/2": (
        {"x": np.pi / 2}, {"c": "2*cos(2*x)", "s": "sin(4*x)", "y": "c - s"}, "x",
        {"c": (-2, 0), "s": (0, 4), "y": (-2, -4)}),
}  # fmt: skip
"""Published traces: leaves, nodes, the leaf that moves, and each node's value and tangent as printed."""


@pytest.mark.parametrize("name", TABLES)
def test_published_traces(name: str) -> None:
    """Every line of a table of forward mode, to its digits; each formula evaluates to its number."""
    leaves, nodes, along, printed = TABLES[name]
    spec = spec_of(leaves, nodes, list(nodes)[-1], grad_output=1)
    given = directions(spec, [along if "=" in along else f"{along}=1"])
    found = with_forward_mode(run(spec, Settings(terms=())), spec, given, formulas=True).by_name
    for node, (value, tangent) in printed.items():
        assert found[node].value == pytest.approx(value, abs=6e-5)
        assert found[node].tangent.value == pytest.approx(tangent, abs=6e-5)
        assert found[node].tangent.formula is None or found[node].tangent.formula.deviation < 1e-12


OPS_TRIED = sorted({op.name for op, _, _ in trials()})


@pytest.mark.parametrize("name", OPS_TRIED)
def test_an_ops_tangent(name: str) -> None:
    """For each operand of its first and last sample (`make fuzz`: of all) what `check_tangents` says."""
    samples = [trial for trial in trials() if trial[0].name == name]
    for trial in dict.fromkeys([0, len(samples) - 1]):
        check_tangents(*samples[trial])


@pytest.mark.fuzz
@pytest.mark.parametrize("name", OPS_TRIED)
def test_every_ops_tangent(name: str) -> None:
    """The same for each sample."""
    for trial in trials():
        if trial[0].name == name:
            check_tangents(*trial)


def check_tangents(op: Op, number: int, sample: Sample) -> None:
    """For each operand the tangent is the Jacobian times the direction, and its formula says so."""
    rng = np.random.default_rng(number + 3)
    operands = {f"x{i}": v for i, v in enumerate(draw(sample, rng))}
    spec = spec_of(operands, {"y": written(op, dict(sample.parameters), list(operands))}, "y")
    graph, result = build(spec), run(spec, Settings(terms=()))
    for wrt in (n for n in operands if graph.names[n] in graph.active):
        direction = rng.normal(size=np.shape(operands[wrt]))
        given = directions(spec, [f"{wrt}={json.dumps(direction.tolist())}"])
        tangent = with_forward_mode(result, spec, given, formulas=True).by_name["y"].tangent
        (jacobian,) = jacobians(spec, Wanted((wrt,), formulas=False))
        assert tangent is not None
        np.testing.assert_allclose(tangent.value, np.tensordot(jacobian.value, direction, direction.ndim),
                                   rtol=1e-9, atol=1e-9)  # fmt: skip
        assert tangent.formula is not None
        assert tangent.formula.deviation is not None
        assert tangent.formula.deviation < 1e-9, tangent.formula["code"]


SINGULAR = {
    "norm(x)": "x: [0, 0]", "hypot(x, y)": "x: 0, y: 0", "x**0": "x: [0, 1]", "x**y": "x: [0, 1], y: [0, 2]",
    "arctan2(x, y)": "x: [0, 1], y: [0, 2]", "sinc(x)": "x: [0, 1]", "std(x)": "x: [1, 1]",
    "det(A @ A)": "A: [[1, 2], [2, 4]]", "norm(A, 2)": "A: [[2, 0], [0, 2]]", "norm(x, 0.5)": "x: [1, 0, 2]",
}  # fmt: skip


@pytest.mark.parametrize("call", SINGULAR)
def test_tangents_on_singular_points(call: str) -> None:
    """Where a derivative is one by convention, both modes have the same; and its formula has that value."""
    text = f"params: {{{SINGULAR[call]}}}\nnodes: {{y_: '{call}', loss: sum(y_)}}\n"
    spec = read_spec(text.encode(), "spec", folder=None)
    result = run(spec, Settings(terms=()))
    ones = directions(spec, [f"{leaf.name}=1" for leaf in spec.leaves])
    nodes = with_forward_mode(result, spec, ones, formulas=True).by_name
    backwards = sum(node.gradient.value.sum() for node in result.nodes if node.kind == "param" and node.gradient)
    np.testing.assert_allclose(nodes["loss"].tangent.value, backwards, rtol=1e-12, atol=1e-12)
    assert nodes["y_"].tangent.formula.deviation < 1e-12


@pytest.mark.parametrize("seed", range(12))
def test_random_graphs(seed: int) -> None:
    """All leaves move at once: the output's tangent is Σ gradient · direction, from the reverse pass."""
    net = random_net(seed)
    spec = spec_of(net.leaves, dict(net.nodes), "loss", grad_output=1)
    rng = np.random.default_rng(seed)
    moves = {name: rng.normal(size=np.shape(value)) for name, value in net.leaves.items()}
    result = run(spec, Settings(terms=()))
    given = directions(spec, [f"{name}={json.dumps(move.tolist())}" for name, move in moves.items()])
    found = with_forward_mode(result, spec, given, formulas=True)
    gradients = {name: result.by_name[name].gradient for name in moves}
    expected = sum(np.sum(g.value * moves[name]) for name, g in gradients.items() if g is not None)
    loss = found.by_name["loss"].tangent
    assert loss is not None
    np.testing.assert_allclose(loss.value, expected, rtol=1e-9, atol=1e-9)


def test_the_table_of_the_terminal(backprop: Backprop) -> None:
    """A scalar's value stands beside its tangent; in ASCII the dot is spelled."""
    out = backprop("run", BAYDIN, "--tangent", "x1=1").out
    assert "Forward mode, along ẋ1 = 1" in out
    assert "v2 = 10         v̇2 = ẋ1 · x2" in out
    assert "v2_dot = x1_dot * x2" in backprop("run", BAYDIN, "--tangent", "x1=1", "--ascii").out
    assert backprop("run", BAYDIN, "--tangent", "x1=1", "--get", "v5.tangent").out == "5.5\n"


@pytest.mark.parametrize(("path", "shown"), [
    ("v2.tangent.formula", "ẋ1 · x2"), ("v2.tangent.formula.code", "x1_dot * x2"),
    ("v1.tangent.formula.latex", r"\frac{\dot{x_{1}}}{x_{1}}"),
])  # fmt: skip
def test_a_tangents_formula_is_to_be_had(backprop: Backprop, path: str, shown: str) -> None:
    """As a gradient's is: in each of the notations, for a script."""
    assert backprop("run", BAYDIN, "--tangent", "x1=1", "--get", path).out == f"{shown}\n"


@pytest.mark.parametrize(("path", "words"), [
    ("x1.tangent.formula", "has no formula"), ("v2.tangent.formula.local", "goes on after"),
    ("v2.tangent.formula.index", "goes on after"), ("v2.tangent.value", "goes on after"),
])  # fmt: skip
def test_what_a_tangent_has_not(backprop: Backprop, path: str, words: str) -> None:
    """A leaf's tangent is what is given; there is one formula, and no notation of entries."""
    done = backprop("run", BAYDIN, "--tangent", "x1=1", "--get", path)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


@pytest.mark.parametrize(("tangent", "words"), [
    ("q=1", "the spec has no leaf 'q'"), ("v1=1", "is a node, not a leaf"), ("x1=[1, 2]", "needs a number"),
    ("x1", "--tangent needs NAME=VALUE"),
    ("x1=1 and x1=2", "--tangent x1 is given 2 times"),
])  # fmt: skip
def test_bad_input_is_told_plainly(backprop: Backprop, tangent: str, words: str) -> None:
    """Exit code 2, with the user's words."""
    done = backprop("run", BAYDIN, *(word for one in tangent.split(" and ") for word in ("--tangent", one)))
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_the_only_entry_of_a_vector_is_an_entry(backprop: Backprop) -> None:
    """A network with one output unit: Ė is ẏ[0] (y[0] - t[0]), no reshape."""
    spec = "inputs: {x: [1, 2], t: [0.5]}\nparams: {W: [[1, 2]]}\nnodes:\n  y: W @ x\n  E: sum((y - t)**2)/2\n"
    assert "Ė = ẏ[0] · (y[0] - t[0])" in backprop("run", "-", "--tangent", "x=[1, 0]", stdin=spec).out


@pytest.mark.parametrize(("node", "right"), [
    ("x / norm(x)", [0.128, -0.096]), ("cumsum(x, 0)", [1.0, 1.0]), ("outer(x, x)", [[6.0, 4.0], [4.0, 0.0]])])
def test_an_output_of_any_shape_has_a_tangent(node: str, right: Any, backprop: Backprop) -> None:
    """Without a seed: J · ẋ by hand, at x = [3, 4] along [1, 0]; without a tangent a seed is asked for as before."""
    asked = ["-e", f"y = {node}", "--set", "x=[3, 4]", "--get"]
    found = json.loads(backprop("run", *asked, "y.tangent", "--tangent", "x=[1, 0]").out)
    np.testing.assert_allclose(found, right, atol=1e-15)
    assert "E018" in backprop("run", *asked, "x.grad").err
