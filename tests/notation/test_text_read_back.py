"""`text` is read back: our own parser, given what is printed, finds the printed value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops import COMPOSITES, OPS
from backprop_cli.errors import BackpropError
from backprop_cli.formulas.formulate import formulate
from backprop_cli.formulas.notation import NOTATIONS, Layout
from backprop_cli.formulas.printed import Printed
from backprop_cli.formulas.tensors import symbols
from backprop_cli.language.expression import parse
from backprop_cli.language.reader import read_spec
from backprop_cli.language.source import inline
from backprop_cli.tasks.calculate import compute, load_leaves
from tests.ops.test_rules import graph_of


def read(graph: Graph, text: str, values: Any, gradients: Any, wanted: Any) -> Any:
    """The value of a printed text, at the values of a run."""
    source, names = inline(text, "<text>"), graph.names
    scope = Scope(
        source,
        lambda n: values[names[n]] if n in names else None,
        lambda n: gradients[names[n]] if n in names else None,
        names=lambda: names,
        dims=graph.spec.dims,
        shapes=lambda n: graph.nodes[names[n]].shape if n in names else None,
        output=graph.output_name,
    )
    with np.errstate(all="ignore"):
        return np.asarray(interpret(parse(source), scope, Numbers(graph), wanted))


def check(graph: Graph) -> int:
    """Every text of a graph's gradients has their value; how many there were."""
    computed = compute(graph, load_leaves(graph))
    gradients = computed.passes[-1]
    printed = formulate(graph, computed.values, computed.passes, ("local", "nodes"))[1]
    texts = 0
    for index, terms in printed.items():
        for one in terms.values():
            if isinstance(one, Printed):
                right = np.asarray(computed.gradient(index))
                found = read(graph, one.text, computed.values, gradients, right.shape)
                assert found.size == right.size, one.text
                np.testing.assert_allclose(found.reshape(right.shape), right, rtol=1e-7, atol=1e-9, err_msg=one.text)
                texts += 1
    return texts


FUNCTIONS = [*OPS.values(), *COMPOSITES.values()]


@pytest.mark.parametrize("function", FUNCTIONS, ids=[function.name for function in FUNCTIONS])
def test_the_text_of_every_functions_gradient_is_read_back(function: Any) -> None:
    """For each sample of each function."""
    for sample in function.samples:
        try:
            graph, _ = graph_of(function, sample)
        except BackpropError:  # nothing that can be differentiated
            continue
        assert check(graph) >= 0


NAMED = [
    ("softmax and its sum", "p = exp(z) / sum(exp(z), axis=1, keepdims=true)", "sum(p * c)"),
    ("standardized", "p = (z - mean(z, axis=1, keepdims=true)) / std(z, axis=1, keepdims=true)", "sum(p * c * v)"),
    ("a sum without its axis", "p = sum(z, axis=1)", "sum(p * u)"),
    ("a sum beside a square", "p = sum(A, axis=1)", "sum(A * p) + sum(A * sum(A, axis=1, keepdims=true))"),
    ("outer and inner", "p = u @ z", "sum(p * v) * (v @ v) + u @ (z @ v)"),
    ("identity", "p = inv(A + 2*eye(3))", "trace(p) + sum(A @ A) + det(A)"),
    ("unit vectors", "p = v[1]*v", "p[0]**2 + sum(A[0] * u)"),
    ("pseudo-inverse", "p = pinv(z)", "sum(p * c.T)"),
]


@pytest.mark.parametrize(("node", "loss"), [(node, loss) for _, node, loss in NAMED], ids=[one for one, _, _ in NAMED])
def test_named_sizes_are_read_back(node: str, loss: str) -> None:
    """Sums over letters keep their axes or lose them as printed; products, I and unit vectors have the right shape."""
    name, _, expression = node.partition(" = ")
    leaves = {"z": "[N, D]", "c": "[N, D]", "v": "[D]", "u": "[N]", "A": "[N, N]"}
    lines = [f"  {leaf}: {{shape: {shape}, init: normal, seed: {i}}}" for i, (leaf, shape) in enumerate(leaves.items())]
    text = "\n".join(["dims: {N: 3, D: 4}", "params:", *lines, "nodes:", f"  {name}: {expression}", f"  loss: {loss}"])
    graph = build(read_spec(text.encode(), "spec", folder=None))
    assert check(graph) > 3


WINDOWS = {
    "x ⋆ g": "conv2d_weight(x, g, (2, 3))", "g ∗ w": "conv_transpose2d(g, w)",
    "to_max(m, x, 2)": "max_unpool2d(m, max_pool2d_indices(x, 2), (4, 5))",
    "to_max(m1, x, 3, stride=1)": "max_unpool2d(m1, max_pool2d_indices(x, 3, stride=1), (4, 5))",
}  # fmt: skip


@pytest.mark.parametrize("text", WINDOWS)
def test_words_for_windows(text: str) -> None:
    """Each is the call that it stands for, its sizes seen from the shapes; and printed so again."""
    leaves = {"x": "[2, 2, 4, 5]", "g": "[2, 3, 3, 3]", "w": "[3, 2, 2, 3]", "m": "[2, 2, 2, 2]", "m1": "[2, 2, 2, 3]"}
    lines = [f"  {name}: {{shape: {shape}, init: normal, seed: {i}}}" for i, (name, shape) in enumerate(leaves.items())]
    nodes = f"nodes:\n  p: {text}\n  q: {WINDOWS[text]}\n  loss: sum(p) + sum(q)"
    graph = build(read_spec("\n".join(["params:", *lines, nodes]).encode(), "spec", folder=None))
    values = compute(graph, load_leaves(graph)).values
    np.testing.assert_array_equal(values[graph.names["p"]], values[graph.names["q"]])
    made = symbols(graph, None)
    layout = Layout(NOTATIONS["text"])
    assert layout(made.definitions[graph.names["q"]]) == text
    assert Layout(NOTATIONS["code"])(made.definitions[graph.names["p"]]) == WINDOWS[text]


@pytest.mark.parametrize("text", ["v ⋆ v", "v ∗ v", "to_max(v, v, 2)", "to_max(x, x)", "x ⋆ v"])
def test_words_for_windows_are_about_batches(text: str) -> None:
    """Anything else is an error that says so."""
    leaves = "params: {v: [1, 2], x: [[[1, 2, 3]]]}"
    with pytest.raises(BackpropError, match=r"batch|takes"):
        build(read_spec(f"{leaves}\nnodes: {{loss: 'sum({text})'}}".encode(), "spec", folder=None))


def test_an_unclear_sum_is_written_exactly() -> None:
    """Where a reader would take a sum to keep its axis and it does not, the call says so."""
    leaf = "params: {A: {shape: [N, N], init: normal, seed: 1}}"
    text = f"dims: {{N: 3}}\n{leaf}\nnodes:\n  loss: sum(A * sum(A, axis=1)**2)"
    graph = build(read_spec(text.encode(), "spec", folder=None))
    computed = compute(graph, load_leaves(graph))
    printed = formulate(graph, computed.values, computed.passes, ("nodes",))[1][graph.names["A"]]["nodes"]
    assert isinstance(printed, Printed)
    assert "axis=1" in printed.text


def test_a_planted_wrong_text_is_seen() -> None:
    """The check can fail: `v · uᵀ` is not `u · vᵀ`."""
    text = "params: {u: [1, 2], v: [3, 5]}\nnodes: {W: 'u · vᵀ', loss: sum(W ** 2)}"
    graph = build(read_spec(text.encode(), "spec", folder=None))
    computed = compute(graph, load_leaves(graph))
    index = graph.names["W"]
    found = read(graph, "v · uᵀ", computed.values, computed.passes[-1], (2, 2))
    np.testing.assert_allclose(found, computed.values[index].T)
    assert not np.allclose(found, computed.values[index])
