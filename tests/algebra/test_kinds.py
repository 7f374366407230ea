"""What formulas are made of: a closed set of kinds, so that every notation and the evaluator know each of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

from backprop_cli.engine.graph import build
from backprop_cli.formulas.algebra.expr import TensorSymbol, foreign
from backprop_cli.formulas.symbols import symbols
from backprop_cli.formulas.tensors import derive
from backprop_cli.language.reader import load_spec, read_spec
from backprop_cli.tasks.calculate import Settings, compute, run
from backprop_cli.tasks.leaves import load_leaves
from tests import quick_yaml

ROOT = Path(__file__).resolve().parents[2]
SINGULAR = (
    "sum(sqrt(x**2))", "sum((x**2)**p)", "sum(x/0)", "sum(sqrt(-x**2))", "sum(x**2/0.0**2)", "sum(x*sqrt(-2.0))",
    "sum(sqrt(-N)*x)", "sum(x/(x - x))", "sum((3*x**2)**1.5)", "1/sqrt(x[0]**2)", "sum((-x**2)**p)", "sum(log(-x**2))",
    "sum(abs(x)**1.5)", "sum((x**6)**(1/3))", "sum((x**2*p)**(1/2))", "sum(sqrt(x**2*p**2))", "sum(0**x)",
    "sum((-2)**x)", "sum(abs(x)/x**2)", "sum(inf*x)", "sum(x*exp(-inf*abs(x)))", "sum(x**(x - x))",
    "sum((1/x)**(-1/2))",
)  # fmt: skip
"""Powers at the edges of the real numbers, where sympy has functions and numbers of its own."""


def singular(expression: str) -> str:
    """A spec of one such expression, with entries on both sides of 0."""
    leaves = "dims: {N: 3}\nparams:\n  x: {value: [0.5, -1.5, 2], shape: [N]}\n  p: 1.3\n"
    return f"{leaves}nodes: {{f: '{expression}'}}\n"


def foreigners(spec: Any) -> set[Any]:
    """What the formulas of a spec hold that no notation knows."""
    graph = build(spec)
    made = symbols(graph, compute(graph, load_leaves(graph)).values)
    exprs = list(made.definitions.values())
    for one in graph.passes:
        derived = derive(made, one)
        exprs += [*derived.local.values(), *derived.nodes.values()]
    return set().union(*map(foreign, exprs))


def test_strangers_are_seen() -> None:
    """The check itself sees sympy's |x|, its i and its complex infinity, wherever they stand."""
    x = TensorSymbol("x", (3,), 0, leaf=True)
    for stranger in (sympy.Abs(x), sympy.I, sympy.zoo, sympy.exp(x), sympy.Symbol("y")):
        assert foreign(2 + x * stranger)
    assert not foreign(2 + x**3 * sympy.pi)


@pytest.mark.parametrize("expression", SINGULAR)
def test_edges_of_the_reals(expression: str, spec_of: Any) -> None:
    """Roots of squares and of negatives, divisions by 0, powers of 0: nothing of sympy's own reaches the reader."""
    assert not foreigners(spec_of(singular(expression)))


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_specs(path: Path) -> None:
    """Every formula of every shipped spec is made of known kinds."""
    assert not foreigners(load_spec(str(path)))


def test_found_formulas() -> None:
    """And so is every one of the inputs at which a formula was once untrue."""
    for case in quick_yaml.cases("found_formulas.yaml"):
        if "command" not in case:
            text = quick_yaml.dump(case["spec"])
            assert not foreigners(read_spec(text.encode(), "found.yaml", folder=None)), case["id"]


def formulas(spec: Any, name: str) -> Any:
    """The formulas of one node, in node names."""
    return run(spec, Settings(terms=("nodes",))).by_name[name].gradient.formula["nodes"]  # type: ignore[union-attr]


def test_a_law_that_is_false_at_zero_does_not_apply(spec_of: Any) -> None:
    """|x|¹·⁵ has the slope 0 at 0, and so has its formula: √|x| sign(x), not x/√|x|."""
    found = formulas(spec_of("params: {x: [0, 1, -2]}\nnodes: {f: sum(abs(x)**1.5)}"), "x")
    assert found.deviation == 0.0
    assert "/√" not in found.text


def test_different_sums_print_apart(spec_of: Any) -> None:
    """Σ over rows and over columns of an n×n matrix: the letter n would say neither."""
    spec = ("dims: {n: 2}\nparams: {A: {value: [[1, 2], [3, 4]], shape: [n, n]}, u: {value: [1, 2], shape: [n]}, "
            "v: {value: [[1], [2]], shape: [n, 1]}}\nnodes: {f: sum(u*A) + sum(v*A)}")  # fmt: skip
    assert formulas(spec_of(spec), "u").text == "Σ(A, axis=0)"
    assert "axis=1" in formulas(spec_of(spec), "v").text


@pytest.mark.parametrize(("nodes", "letter"), [
    ("{p: softmax(z), f: 'p[1]'}", "e[1]"), ("{e: softmax(z), f: 'e[1]'}", "u[1]"),
    ("{p: softmax(z)*e, f: 'p[1]'}", "u[1]"), ("{e: softmax(z), u: 'e[1]', f: u*1}", "unit[1]"),
])  # fmt: skip
def test_the_unit_vector_has_a_free_name(nodes: str, letter: str, spec_of: Any) -> None:
    """e[k] is the unit vector only where neither a node nor Euler's number is called e."""
    assert letter in formulas(spec_of(f"params: {{z: [1, 2, 3]}}\nnodes: {nodes}"), "z").text


@pytest.mark.parametrize("expression", [
    "sum(c*(softmax(x, axis=-1) - softmax(x, axis=0)))", "sum(c*(softmax(x, axis=none) - softmax(x)))",
    "sum(c*(maximum(x, x) - x))", "sum(c*(minimum(x, x) - x))", "c[0]*(sum(x, axis=0) - sum(x))",
    "c[0]*(std(x, axis=-1) - std(x, axis=0))", "c[0]*(mean(x, axis=(0,)) - mean(x))",
])  # fmt: skip
def test_equal_things_are_equal(expression: str, spec_of: Any) -> None:
    """Axis none, 0 and -1 of a vector are one; the larger of two equal things is that thing: the gradient is 0."""
    spec = spec_of(f"inputs: {{c: [1, 2, 4]}}\nparams: {{x: [1, -2, 0.5]}}\nnodes: {{f: '{expression}'}}")
    found = run(spec, Settings(terms=("nodes",))).by_name["x"].gradient
    assert np.abs(found.value).max() < 1e-15  # type: ignore[union-attr]
    assert found.formula["nodes"].code == "zeros((3,))"  # type: ignore[union-attr]


@pytest.mark.parametrize("call", ["cumsum(w, axis=0)", "cumprod(w, axis=-1)", "softmax(w, axis=0)", "flip(w, axis=0)"])
def test_the_axis_of_a_scalar_has_a_normal_form(call: str) -> None:
    """A scalar may be given axis 0 or -1, also in a formula, and the formula is the gradient's value."""
    from backprop_cli.language.reader import read_spec
    from backprop_cli.tasks.calculate import Settings, run

    text = f"params: {{w: 0.3}}\nnodes: {{y: 'sin({call} + 1)'}}\n"
    result = run(read_spec(text.encode(), "net.yaml", folder=None), Settings())
    assert [name for name, printed in result.by_name["w"].gradient.formula.items() if printed.deviation > 1e-12] == []


SLOPES = {"v": "-2 y² · (1 - y)", "-v": "2 y² · (1 - y)", "2*v": "-4 y² · (1 - y)"}


@pytest.mark.parametrize(("u", "found"), SLOPES.items())
def test_a_sigmoid_written_out_has_its_slope_by_its_output(u: str, found: str, spec_of: Any) -> None:
    """y = 1/(1 + eᵘ) has the slope -y (1 - y) uʹ, whichever sign u has, as a book says it."""
    printed = formulas(spec_of(f"params: {{v: 0.3}}\nnodes: {{y: '1/(1 + exp({u}))', loss: y**2}}"), "v")
    assert printed.text == found
    assert printed.deviation < 1e-15


def test_one_label_of_one_row_has_a_formula(spec_of: Any) -> None:
    """What is picked from a row of one entry: the axes of size 1 that a formula does not write are no error."""
    spec = spec_of("params: {x: [[0.5, 2.0]]}\n"
                   "nodes: {p: 'prod(x, axis=(-1, 0), keepdims=true)', y: 'cummax(p, axis=1)', f: sum(sin(y))}")
    found = run(spec, Settings()).by_name["x"].gradient
    np.testing.assert_allclose(found.value, np.cos(1) * np.array([[2.0, 0.5]]))  # type: ignore[union-attr]
    assert "cos(" in found.formula["leaves"].code  # type: ignore[union-attr]
