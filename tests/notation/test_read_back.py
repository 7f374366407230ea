"""Every notation is read back: `text` and `code` by our own parser, LaTeX and MathML by readers of the tests' own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.ops import COMPOSITES, OPS
from backprop_cli.errors import BackpropError
from backprop_cli.formulas.formulate import PassFormulas, formulate
from backprop_cli.formulas.notation import NOTATIONS as NOTATED
from backprop_cli.formulas.notation import Layout
from backprop_cli.formulas.printed import ASKED, Named, Printed
from backprop_cli.formulas.symbols import symbols
from backprop_cli.language.expression import parse
from backprop_cli.language.reader import read_spec
from backprop_cli.language.source import inline
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.leaves import load_leaves
from tests.graphs.test_random_graphs import random_net
from tests.ops.test_rules import graph_of
from tests.readers import indexed, latex, mathml
from tests.readers.code import numbers_of
from tests.readers.mathematics import Reader, named
from tests.readers.trees import canonical, spelled_name
from tests.readers.values import UnclearError, Value, value
from tests.shipped import SPECS, TERMS, shipped

TREES = {"latex": latex.tree_of, "mathml": mathml.tree_of}


def read(graph: Graph, text: str, values: Any, gradients: Any, wanted: Any, deltas: Any = None) -> Any:
    """The value of a printed text by our own parser, at the values of a run; δ by name, as value and shape."""
    source, names = inline(text, "<text>"), graph.names
    deltas = deltas or {}
    scope = Scope(
        source,
        lambda n: values[names[n]] if n in names else deltas[n][0] if n in deltas else None,
        lambda n: gradients[names[n]] if n in names else None,
        names=lambda: [*names, *deltas],
        dims=graph.spec.dims,
        shapes=lambda n: graph.nodes[names[n]].shape if n in names else deltas[n][1] if n in deltas else None,
        output=graph.output_name,
    )
    with np.errstate(all="ignore"):
        return np.asarray(interpret(parse(source), scope, numbers_of(graph), wanted))


def assert_near(found: Any, right: Any, words: str) -> None:
    """The numbers are the same, but for rounding; numpy's own comparison takes longer than reading what is compared."""
    with np.errstate(invalid="ignore"):
        near = np.shape(found) == np.shape(right) and (np.abs(found - right) <= 1e-9 + 1e-7 * np.abs(right)).all()
    if not near:
        np.testing.assert_allclose(found, right, rtol=1e-7, atol=1e-9, err_msg=words)


def labels_of(shape: Any) -> list[str]:
    """What sums call the axes of a shape."""
    return [(getattr(size, "name", None) or "").lower() for size in shape]


@dataclass
class Proof:
    """The printed formulas of a graph, each read back in every notation."""

    graph: Graph
    terms: tuple[str, ...] = ("local", "nodes")
    read: Counter[str] = field(default_factory=Counter)

    def prove(self) -> Counter[str]:
        """Every notation of every formula has the gradient's value; how many there were of each."""
        computed = compute(self.graph, load_leaves(self.graph))
        total = formulate(self.graph, computed.values, computed.passes, self.terms, ASKED)[1]
        return self.prove_of(computed, total)

    def prove_of(self, computed: Computed, total: PassFormulas) -> Counter[str]:
        """The same of a run that there is."""
        self.computed, self.gradients = computed, computed.passes[-1]
        self.deltas = {one.name["text"]: (one.value, self.shape_of(one)) for one in total.where}
        self.arrays = {
            **{str(name): int(size) for name, size in self.graph.spec.dims.items()},
            **{name: self.computed.values[index] for name, index in self.graph.names.items()},
            **{name: one for name, (one, _) in self.deltas.items()},
        }
        self.partials = {name: self.gradients[index] for name, index in self.graph.names.items()}
        self.reader = self.reader_of(total)
        for delta in total.where:
            self.formula(delta.formula, delta.value, delta.name["text"])
        for index, terms in total.items():
            written: set[tuple[str, ...]] = set()
            for term, one in terms.items():
                if not isinstance(one, Printed):
                    continue
                if (texts := tuple(one[notation] for notation in ASKED)) in written:  # the same in other terms
                    self.read.update(ASKED)
                    continue
                written.add(texts)
                self.formula(one, np.asarray(computed.gradient(index)), f"{self.graph.nodes[index].name}, {term}")
        return self.read

    def reader_of(self, total: Any) -> dict[str, Reader]:
        """A reader for each typeset notation, who knows the names."""
        sizes = {str(size.name): int(size) for node in self.graph.nodes for size in node.shape
                 if getattr(size, "name", None)}  # fmt: skip
        arrays = {name: self.value(index, self.computed.values) for name, index in self.graph.names.items()}
        names = named({**{name: value(size) for name, size in sizes.items()}, **arrays})
        partials = {f"∂{canonical(name)}": self.value(index, self.gradients)
                    for name, index in self.graph.names.items() if self.gradients[index] is not None}  # fmt: skip
        made = {}
        for notation, tree_of in TREES.items():
            frame = "<m>{}</m>" if notation == "mathml" else "{}"
            deltas = {spelled_name(tree_of(frame.format(one.name[notation]))[0]):
                      value(one.value, labels_of(self.shape_of(one))) for one in total.where}  # fmt: skip
            made[notation] = Reader(names, {**partials, **deltas})
        return made

    def shape_of(self, delta: Named) -> Any:
        """The shape of a δ: that of its node, with the names of its axes, where it is as large."""
        shape = self.graph.nodes[self.graph.names[delta.node]].shape
        return shape if tuple(map(int, shape)) == np.shape(delta.value) else np.shape(delta.value)

    def value(self, index: int, arrays: Any) -> Value:
        """An array with the names of its axes."""
        return value(arrays[index], labels_of(self.graph.nodes[index].shape))

    def formula(self, one: Printed, right: Any, message: str) -> None:
        """One formula."""
        texts = {"text": one.text, "code": one.code, "latex": one["latex"], "mathml": one["mathml"]}
        for notation, text in texts.items():
            try:
                if notation in TREES:
                    found = self.reader[notation].whole(TREES[notation](text), right.shape)
                else:
                    deltas = self.deltas | {n.replace("δ", "delta", 1): v for n, v in self.deltas.items()}
                    found = read(self.graph, text, self.computed.values, self.gradients, right.shape, deltas)
            except (UnclearError, BackpropError, ValueError, AssertionError, IndexError) as error:
                raise AssertionError(f"{message}: {notation} is not read: {text}: {error}") from error
            words = f"{message}: {notation}: {text}"
            assert found.size == right.size, words
            assert_near(found.reshape(right.shape), right, words)
            self.read[notation] += 1
        found = indexed.evaluated(one["index"], right.shape, self.arrays, self.partials, self.whole)
        assert_near(found, right, f"{message}: {one['index']}")
        self.read["index"] += 1

    def whole(self, text: str, axes: int = 0) -> Any:
        """What index notation writes whole; of `argmax` the numbers of entries, and the shape that they count in."""
        if not text.startswith("argmax("):
            return read(self.graph, text, self.computed.values, self.gradients, None, self.deltas)
        inner = text.removeprefix("argmax(").removesuffix(")")
        return self.whole(f"max_pool{axes}d_indices({inner})"), self.whole(first_of(inner)).shape[-axes:]


def first_of(arguments: str) -> str:
    """The first argument of a call."""
    ends = (at for at, sign in enumerate(arguments) if sign == "," and
            all(arguments[:at].count(one) == arguments[:at].count(other) for one, other in ("()", "[]")))  # fmt: skip
    return arguments[: next(ends)]


def check(graph: Graph, terms: tuple[str, ...] = ("local", "nodes")) -> Counter[str]:
    """Every notation of a graph's gradients has their value."""
    return Proof(graph, terms).prove()


FUNCTIONS = [*OPS.values(), *COMPOSITES.values()]


@pytest.mark.parametrize("samples", [slice(-1, None), pytest.param(slice(None), marks=pytest.mark.fuzz)],
                         ids=["last", "all"])  # fmt: skip
@pytest.mark.parametrize("function", FUNCTIONS, ids=[function.name for function in FUNCTIONS])
def test_every_functions_gradient_is_read_back(function: Any, samples: slice) -> None:
    """Under a gradient of ones, in every notation; tests/algebra/test_formulas.py has each sample under any other."""
    for sample in function.samples[samples]:
        try:
            graph, _ = graph_of(function, sample)
        except BackpropError:  # nothing that can be differentiated
            continue
        read = check(graph)
        assert len(set(read.values())) <= 1, read


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
    assert check(graph)["latex"] > 3


WINDOWS = {
    "x ⋆ g": "conv2d_weight(x, g, (2, 3))", "g ∗ w": "conv_transpose2d(g, w)",
    "to_max(m, x, 2)": "max_unpool2d(m, max_pool2d_indices(x, 2), (4, 5))",
    "to_max(m1, x, 3, stride=1)": "max_unpool2d(m1, max_pool2d_indices(x, 3, stride=1), (4, 5))",
    "x ⋆[s=2,p=1] g2": "conv2d_weight(x, g2, (4, 3), stride=2, padding=1)",
    "x ⋆[k=(3,2),s=2,p=1] g2": "conv2d_weight(x, g2, (3, 2), stride=2, padding=1)",
    "x ⋆[d=(1,2),g=2] g4": "conv2d_weight(x, g4, 2, dilation=(1, 2), groups=2)",
    "g ∗[s=2,o=1] w": "conv_transpose2d(g, w, stride=2, output_padding=1)",
    "i ⋆[k=(2,3)] j": "conv2d_weight(i, j, (2, 3))", "j ∗ w": "conv_transpose2d(j, w)",
    "spread(m, 2)": "avg_unpool2d(m, (4, 4), 2)",
    "spread(m, 3, stride=2, padding=1, size=(4, 4))": "avg_unpool2d(m, (4, 4), 3, stride=2, padding=1)",
    "spread(i1, (2, 2))": "avg_unpool2d(i1, (4, 4), 2)", "to_max(i1, i, (2, 2))":
    "max_unpool2d(i1, max_pool2d_indices(i, 2), (4, 5))",
}  # fmt: skip


@pytest.mark.parametrize("text", WINDOWS)
def test_words_for_windows(text: str) -> None:
    """Each is the call that it stands for, its sizes seen from the shapes; and printed so again."""
    leaves = {"x": "[2, 2, 4, 5]", "g": "[2, 3, 3, 3]", "w": "[3, 2, 2, 3]", "m": "[2, 2, 2, 2]", "m1": "[2, 2, 2, 3]",
              "g2": "[2, 3, 2, 3]", "g4": "[2, 4, 3, 3]", "i": "[2, 4, 5]", "j": "[3, 3, 3]", "i1": "[2, 2, 2]"}
    lines = [f"  {name}: {{shape: {shape}, init: normal, seed: {i}}}" for i, (name, shape) in enumerate(leaves.items())]
    nodes = f"nodes:\n  p: {text}\n  q: {WINDOWS[text]}\n  loss: sum(p) + sum(q)"
    graph = build(read_spec("\n".join(["params:", *lines, nodes]).encode(), "spec", folder=None))
    values = compute(graph, load_leaves(graph)).values
    np.testing.assert_array_equal(values[graph.names["p"]], values[graph.names["q"]])
    made = symbols(graph, None)
    layout = Layout(NOTATED["text"])
    assert layout(made.definitions[graph.names["q"]]) == text
    code = Layout(NOTATED["code"])(made.definitions[graph.names["p"]])
    assert code.startswith(WINDOWS[text].partition("(")[0])
    found = values[graph.names["p"]]
    np.testing.assert_array_equal(read(graph, code, values, {}, found.shape), found)


@pytest.mark.parametrize("text", ["v ⋆ v", "v ∗ v", "to_max(v, v, 2)", "to_max(x, x)", "x ⋆ v", "x ⋆[q=2] x",
                                  "spread(x)", "spread(x, 2, 2)", "x ⋆[s=0] x", "x ⋆[2] x"])
def test_words_for_windows_are_about_batches(text: str) -> None:
    """Anything else is an error that says so."""
    leaves = "params: {v: [1, 2], x: [[[1, 2, 3]]]}"
    with pytest.raises(BackpropError, match=r"batch|takes|behind|at least"):
        build(read_spec(f"{leaves}\nnodes: {{loss: 'sum({text})'}}".encode(), "spec", folder=None))


PICKS = {
    "p[i, y[i]]": "reshape(take_along_axis(p, y[:, None], 1), (2,))",
    "p[i, y[i]][:, None]": "take_along_axis(p, y[:, None], 1)", "p[i, z[i,j]]": "take_along_axis(p, z, 1)",
    "p[i, z_2[i,j]]": "take_along_axis(p, z_2, 1)", "p[x[i], i]": "squeeze(take_along_axis(p, x[None, :], 0), 0)",
    "p[z[i,j], j]": "take_along_axis(p, z, 0)", "(p + q)[i, y[i]]": "squeeze(take_along_axis(p + q, y[:, None], 1), 1)",
    "p[:, y]": "take(p, y, axis=1)", "p[z]": "take(p, z, axis=0)", "p[:, z]": "take(p, z, axis=1)",
    "s[n, k, t[n,k]]": "squeeze(take_along_axis(s, t[..., None], 2), 2)",
    "s[n, t[n,k], k]": "squeeze(take_along_axis(s, t[:, None], 1), 1)",
}  # fmt: skip
"""What picks by labels, and the call that it stands for."""


@pytest.mark.parametrize("text", PICKS)
def test_entries_picked_by_labels(text: str) -> None:
    """Each is the call that it stands for, and the call is printed so, in every notation that is read back."""
    leaves = """
dims: {N: 2, K: 3}
inputs:
  y: [1, -1]
  x: [1, 0, 1]
  z: [[1, 0, 1], [0, 0, 1]]
  z_2: [[1, 0], [2, 1]]
  t: {shape: [N, K], value: [[0, 1, 0], [1, 0, 1]]}
params: {p: [[0.5, 1.5, 2], [1, 3, 0.25]], q: [[1, 2, 3], [4, 5, 6]], s: {shape: [N, K, 2], init: normal}}
"""
    if text == "s[n, t[n,k], k]":
        leaves = leaves.replace("[N, K, 2]", "[N, 2, K]")
    nodes = f"nodes: {{a: '{text}', b: '{PICKS[text]}', loss: sum(a**2) + sum(b**2)}}"
    graph = build(read_spec((leaves + nodes).encode(), "spec", folder=None))
    values = compute(graph, load_leaves(graph)).values
    np.testing.assert_array_equal(values[graph.names["a"]], values[graph.names["b"]])
    made = symbols(graph, None)
    if text.startswith("s"):  # of 3 axes, one without a name: other letters
        assert "[n, " in Layout(NOTATED["text"])(made.definitions[graph.names["b"]])
    else:
        assert Layout(NOTATED["text"])(made.definitions[graph.names["b"]]) == text
    assert check(graph)["latex"]


def test_letters_of_places_are_no_names() -> None:
    """A letter that the spec uses for a node is not taken; one that stands for no place is unknown as ever."""
    leaves = "inputs: {y: [1, 0]}\nparams: {p: [[0.5, 1.5], [1, 3]], i: 2}\n"
    graph = build(read_spec(f"{leaves}nodes: {{loss: 'i*sum(p[k, y[k]]**2)'}}".encode(), "spec", folder=None))
    text = check(graph)
    assert text["text"]
    for loss in ("sum(p[k, y[k]])*k", "sum(p[k, y[j]])", "sum(p[k, k])"):
        with pytest.raises(BackpropError, match="unknown name"):
            build(read_spec(f"{leaves}nodes: {{loss: '{loss}'}}".encode(), "spec", folder=None))
    with pytest.raises(BackpropError, match="a label for every place"):
        build(read_spec(f"{leaves}nodes: {{loss: 'sum(p[k, y[:1][k]])'}}".encode(), "spec", folder=None))


@pytest.mark.parametrize("loss", [
    "-log(softmax(v)[k])", "v[k] * v[0]", "sum(A[k]**3)", "sum(A[:, k]**2)", "A[k, m]**2", "sum(A[i]**2)",
    "sum(A[arange(2), i]**2)", "sum(A[[1, 0, 1], 0]**2)", "sum(A[i, 1]**2)", "sum(A[0, i]**2)", "sum(A[..., i]**2)",
    "sum(B[i, m]**2)", "sum(B[0, arange(2), i]**2)",
])  # fmt: skip
def test_labels_that_count_from_the_end(loss: str) -> None:
    """No notation takes one for an entry that is not there: [k mod 3 = i], and no one_hot."""
    spec = f"""
inputs: {{k: -1, m: 1, i: [1, -2]}}
params: {{v: [0.3, -1.2, 0.7], A: [[0.5, 2.0, 1.5], [1.0, -0.3, 0.4]], B: [[[1.0, 2], [3, 4]], [[5, 6], [7, 8]]]}}
nodes: {{l: "{loss}"}}
"""
    assert check(build(read_spec(spec.encode(), "labels.yaml", folder=None)), TERMS)["index"]


@pytest.mark.parametrize("nodes", [
    "a: exp(x) + 1, z: 'conv1d(a, w, padding=1)'", "z: 'conv1d(conv_transpose1d(x, w, padding=1), w, padding=1)'",
    "a: cos(x), z: 'avg_pool1d(a, 3, padding=1) * avg_pool1d(x, 3, padding=1)'",
    "a: exp(x), z: 'pad(a, ((0, 0), (0, 0), (1, 2)))'",
])  # fmt: skip
@pytest.mark.parametrize("size", [1, 4])
def test_outside_is_0_whatever_stands_inside(nodes: str, size: int) -> None:
    """A node that is put in for its name is 0 outside its axes, as by its name; an axis of one entry has one, too."""
    leaves = "x: {shape: [1, 2, SIZE], init: normal}, w: {shape: [2, 2, 3], init: normal, seed: 2}"
    leaves = leaves.replace("SIZE", str(size))
    spec = f"params: {{{leaves}}}\nnodes: {{{nodes}, l: sum(z**2)}}\noutput: l\n"
    assert check(build(read_spec(spec.encode(), "padded.yaml", folder=None)), ("nodes", "leaves"))["index"]


FOUND = {
    "I beside I alone": ("A: [[1, 2], [3, 5]]", "n: 'matrix_power(A, 0)', m: 'mean(n, axis=1)', z: 'n @ n @ m'"),
    "I in a function": ("A: [[1, 2], [3, 5]]", "z: 'where(eye(2), A, 1)', u: 'where(eye(2), 1, z * A)'"),
    "a sum put before another factor": ("x: [1, 2, 4]", "b: 'exp(x)[:2]', c: sum(b**2), z: c * sum(b)"),
    "a trace of a longer axis": ("A: [[1, 2], [3, 5], [0.5, 0.1]]", "z: 'trace(logcumsumexp(A, axis=1))**2'"),
    "a trace of a shorter axis": ("A: [[1, 2, 0.5], [3, 5, 0.1]]", "z: 'trace(cumsum(A, axis=0))**2'"),
    "an axis of a number": ("x: 0.7", "a: 'cumsum(x**2, axis=0)', z: 'logcumsumexp(a, axis=-1) + flip(a, axis=0)**2'"),
    "no axis of a number": ("x: 0.7", "z: 'roll(x, 1, axis=())**2'"),
    "an inverse of one entry": ("a: [[2.0]], x: [1, 2]", "z: 'sum(x) * det(a + eye(1)) + sum(solve(a, a) * x)'"),
    "an entry times a vector": ("a: [[2.0]], x: [1, 2]", "z: 'sum(solve(a, a) * x)'"),
    "a mask of any numbers": ("m: [0.7, 0, 1], x: [1, 2, 3]", "z: 'where(m, x**2, exp(x))'"),
    "a number before a bar": ("x: [0.5, -1, 3]", "h: abs(x), z: h**2 + h + abs(x - 2*abs(x))"),
    "a power of a size": ("x: {value: [1, 2, 3], shape: [N]}, p: 2", "z: 'N**p * x / mean(exp(x))'"),
    "a row of a matrix, and an entry of it": (
        "w: [1, 2, 3], B: {shape: [3, 3], init: normal}",
        "z: 'w[0] * w @ w', v: 'B @ w + B[0]', y: 'v[1] * B[0, 2] * sum(B[2]) + sum(B[1]**2)', x: 'v * y * z'",
    ),
    "a list beside slices": ("x: {shape: [2, 3, 2, 3], init: normal}", "z: 'x[:, [0, 0], :, 1:]'"),
    "two lists": ("x: {shape: [2, 3, 2, 3], init: normal}", "z: 'x[[1, 0, 1], [0, 2, 1]]'"),
    "the least divisor": ("x: [1, -2, 3], g: [1, 2, 0.5]", "z: 'rms_norm(x, g)'"),
    "lists of numbers": ("x: [1, -2, 3], w: [2, 0.5]",
                         "z: 'sum(x * [0.3, 0.7, -0.1]) + [[1, 2, 3], [4, 5, 6]] @ x * w'"),
    "a long list": ("x: {shape: [12], init: normal}",
                    "z: 'x**2 * [0.3, 0.7, -0.1, 1, 2, 3, 4, 5, 6, 7, 8, 9]'"),
    "a list after all axes": ("x: {shape: [2, 2, 3], init: normal}", "z: 'x[..., [0, 2, 2]]'"),
    "a list under a product": ("X: {shape: [2, 3], init: normal}, w: {shape: [3, 2], init: normal}",
                               "z: 'sin(X[[1, 1, 0]] @ w)'"),
    "orders of norms": ("A: [[1, -2], [3, 5]], x: [1, 2, -3]",
                        "z: 'norm(A, -inf) * norm(A, inf) + norm(x, -inf) * norm(x, -1)'"),
    "bounds without an end": ("x: [1, 2, -3]", "z: 'clip(nan_to_num(x, neginf=-5), -inf, 2)'"),
    "a unit vector beside a column": (
        "a: [1, 2, 4], B: {shape: [3, 3], init: normal}",
        "c: 'logsumexp(a[:, None] + B, axis=0)', d: 'logsumexp(c[:, None] + B)', z: 'd - a[0] - B[0, 1] - B[1, 2]'",
    ),
    "an entry that may lie outside of a sum of axes of size 1": (
        "p: {shape: [3, 2], init: normal}", "a: 'diag(p, k=-2)', z: 'sin(flip(a)) + huber(a) * sum(cos(a * p))'"),
    "a list of what is computed": ("x: [0.5, -1, 3], u: 0.7",
                                   "z: \"sin(x + 1)[[1, 1, 0]] * scatter(u, '[1, 1, 0]', (3,))\""),
    "a letter that is a node": ("n: [1, 2], x: {shape: [N, 2], init: normal}",
                                "z: 'sin(n) * x / sum(x**2, axis=0) + mean(x, axis=0)'"),
    "slices and lists put back": (
        "x: [1, 2, -3, 0.5], B: {shape: [3, 4], init: normal}",
        "z: 'sum(sin(x[1:-1])) * sin(x[[2, 0, 0, -1]]) + sin(x[::2])[0] + sin(B[:, 1])[2] + sin(B[1:, :3])[0, 1]'"),
    "the only row of a column": ("x: [[1], [2]], A: {shape: [2, 3], init: normal}",
                                 "z: 'sin(x[:, 0]) @ A + sin(x[0])'"),
    "a product below a sum": (
        "x: {shape: [2, 2], init: normal}", "z: 'sin(cumprod(prod_others(x), axis=1)) * cumprod(x, axis=0)'"),
    "no letter left for unit vectors": (
        "x: [1, 2], e: 1, u: 2, unit: 3, basis: 4, unit_vector: 5",
        "z: 'e * x[0] * x[1] + u * unit * basis * unit_vector'",
    ),
}


@pytest.mark.parametrize(("leaves", "nodes"), FOUND.values(), ids=FOUND)
def test_what_long_searches_found(leaves: str, nodes: str) -> None:
    """Each was misread, not read at all, or wrong."""
    spec = f"dims: {{N: 3}}\nparams: {{{leaves}}}\nnodes: {{{nodes}, l: sum(z**2)}}\noutput: l\n"
    assert check(build(read_spec(spec.encode(), "found.yaml", folder=None)), TERMS)["index"]


UNITS = {
    "v = W[1]; s = sum(v**2)": "e[1] · (∂s/∂v)ᵀ",
    "s = trace(W) - W[0, 1]": "I - e[0] · e[1]ᵀ",
    "s = sum(W[1]) + W[0, 0] * W[2, 1]": "one_hot(1, 3)[:, None]",
}


@pytest.mark.parametrize(("nodes", "part"), UNITS.items(), ids=UNITS)
def test_a_unit_vector_is_as_long_as_what_it_meets(nodes: str, part: str, backprop: Any) -> None:
    """Its size is said where nothing else shows it, in the language's own words."""
    asked = [word for node in nodes.split("; ") for word in ("-e", node)]
    out = backprop("derive", *asked, "--shape", "W=3,3", "W").out
    assert part in out
    assert "scatter" not in out


@pytest.mark.parametrize(("q", "p"), [(-1, -3), (2, 3), (-1, 3), (0, 3), (2, 0)])
def test_roots_are_one_root_where_they_are_numbers(q: int, p: int) -> None:
    """√q √p of two negative numbers is none, though √(q p) is one."""
    spec = f"params: {{q: {q}.0, p: {p}.0}}\nnodes: {{r: sqrt(q), s: sqrt(p), l: r * s + 3*r}}\noutput: l\n"
    assert check(build(read_spec(spec.encode(), "roots.yaml", folder=None)), TERMS)["text"]


def test_an_unclear_sum_is_written_exactly() -> None:
    """Where a reader would take a sum to keep its axis and it does not, the call says so."""
    leaf = "params: {A: {shape: [N, N], init: normal, seed: 1}}"
    text = f"dims: {{N: 3}}\n{leaf}\nnodes:\n  loss: sum(A * sum(A, axis=1)**2)"
    graph = build(read_spec(text.encode(), "spec", folder=None))
    computed = compute(graph, load_leaves(graph))
    printed = formulate(graph, computed.values, computed.passes, ("nodes",))[1][graph.names["A"]]["nodes"]
    assert isinstance(printed, Printed)
    assert "axis=1" in printed.text




@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_formula_of_a_spec_is_read_back(path: Path) -> None:
    """In all terms, with the δ of `compact`, in every notation."""
    found = shipped(path)
    read = Proof(found.graph).prove_of(found.computed, found.total)
    assert min(read.values()) >= 4
    assert len(set(read.values())) == 1


@pytest.mark.parametrize("seed", range(12))
def test_the_formulas_of_a_random_graph_are_read_back(seed: int) -> None:
    """In all terms and every notation."""
    assert check(build(read_spec(random_net(seed).text.encode(), "spec", folder=None)), TERMS)


@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(40))
def test_the_formulas_of_many_random_graphs_are_read_back(block: int) -> None:
    """The same for more and longer graphs (`make fuzz`)."""
    for seed in range(2000 + 25 * block, 2025 + 25 * block):
        net = random_net(seed, length=4 + seed % 10)
        assert check(build(read_spec(net.text.encode(), "spec", folder=None)), TERMS)


ALIKE = [
    ("log(x)**2 is not log(x**2)", "sum(log(x)**3)", "log"),
    ("a sum that another factor follows", "sum(x**2) * sum(x**3) * (sum(x) + 1)**2", "sum"),
    ("a product of three sums", "sum(x**2) * sum(x**3) * sum(x)", "sum"),
    ("a node that is called e", "sum(exp(e) * x)", "e"),
    ("a node that is called σ", "sum(sigmoid(sigma) * x)", "sigma"),
    ("a minus below a logarithm", "sum(log(x - -2) * log(x))", "minus"),
]


@pytest.mark.parametrize("loss", [loss for _, loss, _ in ALIKE], ids=[words for words, _, _ in ALIKE])
def test_what_looks_alike_is_told_apart(loss: str) -> None:
    """What once printed like something else."""
    leaves = "params: {x: [0.4, 1.5, 0.7], e: [0.3, -0.2, 1.1], sigma: [0.5, 0.1, -0.3]}"
    assert check(build(read_spec(f"{leaves}\nnodes: {{loss: '{loss}'}}".encode(), "spec", folder=None)), TERMS)


X, Y = np.array([2.0, 3.0]), np.array([5.0, 7.0])
MATRIX = np.array([[1.0, 2.0], [3.0, 5.0]])
READ_AS = [
    (r"x y^\top", np.outer(X, Y)),
    (r"x^\top y", np.float64(31)),
    (r"A x \odot y", MATRIX @ X * Y),
    (r"A^\top x", MATRIX.T @ X),
    (r"{A}^{-1} x", np.linalg.solve(MATRIX, X)),
    (r"\frac{x}{\sum x} - y", X / 5 - Y),
    (r"2 \log x", 2 * np.log(X)),
    (r"\left[x > 2\right]", np.array([0.0, 1.0])),
    (r"I A", MATRIX),
    (r"x_{[::-1]}", X[::-1]),
    (r"\mathbf{e}_{1} x^\top", np.outer([0, 1], X)),
    (r"A + 2 x \mathbf{e}_{0}^\top", MATRIX + 2 * np.outer(X, [1, 0])),
    (r"A - \mathbf{e}_{1} \mathbf{e}_{0}^\top", MATRIX - [[0, 0], [1, 0]]),
    (r"\mathbf{e}_{1}^\top A", MATRIX[1]),
]


@pytest.mark.parametrize(("formula", "right"), READ_AS, ids=[formula for formula, _ in READ_AS])
def test_the_reader_reads_as_people_do(formula: str, right: Any) -> None:
    """Its own rules, by hand."""
    reader = Reader({"x": value(X), "y": value(Y), "A": value(MATRIX)}, {})
    np.testing.assert_allclose(reader.whole(latex.tree_of(formula), np.shape(right)), right)


@pytest.mark.parametrize("formula", [r"\log x \odot y", r"\sum x \, y", "x y", "x A", "x + - y", "z"])
def test_the_reader_refuses_what_is_unclear(formula: str) -> None:
    """Two readings are none."""
    reader = Reader({"x": value(X), "y": value(Y), "A": value(MATRIX)}, {})
    with pytest.raises(UnclearError):
        reader.whole(latex.tree_of(formula), (2,))


def test_a_planted_wrong_text_is_seen() -> None:
    """The check can fail: `v · uᵀ` is not `u · vᵀ`."""
    text = "params: {u: [1, 2], v: [3, 5]}\nnodes: {W: 'u · vᵀ', loss: sum(W ** 2)}"
    graph = build(read_spec(text.encode(), "spec", folder=None))
    computed = compute(graph, load_leaves(graph))
    index = graph.names["W"]
    found = read(graph, "v · uᵀ", computed.values, computed.passes[-1], (2, 2))
    np.testing.assert_allclose(found, computed.values[index].T)
    assert not np.allclose(found, computed.values[index])
