"""Published gradients: the value, each printed formula evaluated by numpy alone, and how long the formula is."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import Graph
from backprop_cli.formulas.printed import Omitted, Printed
from backprop_cli.tasks.computed import Computed
from tests.formulas.numpy_words import evaluate, nodes
from tests.formulas.published import OUTPUT, Case, cases, formulas_of, graph_of

PUBLISHED, MORE = cases("formulas.yaml"), cases("formulas_more.yaml")
each = pytest.mark.parametrize("case", [*PUBLISHED, *MORE], ids=lambda case: case.id)
NEAR = {"rtol": 1e-9, "atol": 1e-11}
LETTERS = {5: "N", 4: "D", 6: "T"}


@cache
def derived(case: Case) -> tuple[Graph, Computed, Mapping[str, Printed | Omitted]]:
    """The function as one node, run, and the formulas of its gradient."""
    graph, computed = graph_of(case, {OUTPUT: case.spelled})
    return graph, computed, formulas_of(graph, computed)[graph.names[case.wrt]]


def stages(case: Case) -> dict[str, str]:
    """The function with a node for each call in it."""
    found: dict[str, str] = {}

    class Name(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            made = ast.unparse(self.generic_visit(node))
            if len(made) > 60 or not node.args or not isinstance(node.func, ast.Name):
                return node
            name = next((n for n, text in found.items() if text == made), f"h_{len(found) + 1}")
            found[name] = made
            return ast.Name(name)

    tree = Name().visit(ast.parse(case.spelled.replace("none", "None"), mode="eval"))
    found[OUTPUT] = ast.unparse(tree)
    return {name: text.replace("None", "none") for name, text in found.items()}


@each
def test_value_and_formula(case: Case) -> None:
    """The gradient is the published one, and so is its formula in nodes and in leaves, evaluated by numpy alone."""
    graph, computed, formulas = derived(case)
    gradient = computed.passes[-1][graph.names[case.wrt]]
    np.testing.assert_allclose(evaluate(case.result, case.values), gradient, **NEAR)
    names = {**case.values, OUTPUT: computed.values[graph.names[OUTPUT]]}
    for terms, formula in formulas.items():
        assert isinstance(formula, Printed)
        if terms != "local":
            value = evaluate(formula.code, names if terms == "nodes" else case.values)
            assert value.shape == np.shape(gradient), formula.code
            np.testing.assert_allclose(value, gradient, **NEAR, err_msg=formula.code)


@pytest.mark.parametrize("case", MORE, ids=lambda case: case.id)
def test_published_form_is_right(case: Case) -> None:
    """What formulas_more.yaml says is the gradient: central differences of the function agree."""
    x = case.values[case.wrt]
    expected = evaluate(case.result, case.values)
    step = 1e-6
    if "stop_gradient" in case.function:
        pytest.skip("differences do not stop where the gradient does")
    for at in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[at] += sign * step
            ends.append(evaluate(case.function, {**case.values, case.wrt: moved}))
        difference = (ends[0] - ends[1]) / (2 * step)
        assert difference == pytest.approx(expected[at], rel=1e-5, abs=1e-6 * max(1.0, abs(ends[0])))


@each
def test_stages_and_names(case: Case) -> None:
    """With a node for each call and names for the sizes, each formula of each node is its value, in all terms."""
    used = {n for array in case.values.values() for n in array.shape}
    letters = {n: letter for n, letter in LETTERS.items() if n in used and letter not in case.values}
    graph, computed = graph_of(case, stages(case), letters)
    checked = 0
    for index, formulas in formulas_of(graph, computed).items():
        for terms, formula in formulas.items():
            if isinstance(formula, Printed):
                assert formula.deviation is not None
                assert formula.deviation < 1e-9, (graph.nodes[index].name, terms, formula.text)
                checked += 1
    assert checked >= 3


def ratios(chosen: list[Case], terms: str) -> list[Any]:
    """Sizes of our formulas against the published forms, sorted."""
    found = []
    for case in chosen:
        formula = derived(case)[2][terms]
        assert isinstance(formula, Printed)
        found.append((nodes(formula.code) / nodes(case.result), case.id))
    return sorted(found)


@pytest.mark.parametrize("terms", ["nodes", "leaves"])
@pytest.mark.parametrize("chosen", [PUBLISHED, MORE], ids=["published", "more"])
def test_as_short_as_a_textbook(chosen: list[Case], terms: str) -> None:
    """In expression nodes our formula is as short as the published one (median), within 1.25 for nine in ten."""
    found = ratios(chosen, terms)
    assert found[len(found) // 2][0] <= 1.0
    assert found[int(0.9 * len(found))][0] <= 1.25, found[int(0.9 * len(found)) :]
