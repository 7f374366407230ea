"""The networks that are timed, as specs of ours and as the same job in PyTorch or plain numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.passes import backward, forward, plan
from backprop_cli.engine.sparing import spare
from backprop_cli.language.expression import parse
from backprop_cli.language.model import Leaf, NodeSpec, Spec
from backprop_cli.language.source import Source, inline
from backprop_cli.tasks.leaves import load_leaves
from backprop_cli.tasks.stepping.rules import RULES
from backprop_cli.tasks.stepping.training import Training

Job = Callable[[], Any]
Shapes = Mapping[str, tuple[int, ...]]


def spec(inputs: Mapping[str, Any], params: Mapping[str, Any], nodes: Mapping[str, str]) -> Spec:
    """A spec from arrays and expressions, without a detour over text in YAML."""
    leaves = [_leaf(name, "input", value) for name, value in inputs.items()]
    leaves += [_leaf(name, "param", value) for name, value in params.items()]
    texts = {name: inline(text) for name, text in nodes.items()}
    computed = tuple(NodeSpec(name, parse(text), text, inline(name)) for name, text in texts.items())
    return Spec(Source("<bench>", "", ("",)), leaves=tuple(leaves), nodes=computed)


def _leaf(name: str, kind: Any, value: Any) -> Leaf:
    array = np.asarray(value, dtype=float)
    return Leaf(name, kind, array.shape, lambda: array, inline(name))


def engine(graph: Graph) -> Job:
    """Forward and reverse pass of a graph whose rules are bound, as a training loop repeats them."""
    meaning = Numbers(graph)
    steps = plan(graph, meaning)
    spare(meaning, steps, {*graph.wrt, graph.passes[-1].output})
    leaves = load_leaves(graph)
    output = graph.passes[-1].output

    def job() -> list[Any]:
        with np.errstate(all="ignore"):
            values = forward(graph, steps, meaning, leaves)
            return backward(graph, steps, meaning, values, output, np.float64(1.0))

    return job


# ── the networks ─────────────────────────────────────────────────────────────────────────────────

MLP = (784, 512, 256, 10)
BATCH = 256


def mlp_leaves(seed: int = 0) -> tuple[Any, Any, dict[str, Any]]:
    """Data, one-hot targets, and the weights and biases of the MLP."""
    draw = np.random.default_rng(seed)
    params: dict[str, Any] = {}
    for i, (rows, columns) in enumerate(pairwise(MLP), 1):
        params[f"W_{i}"] = draw.normal(0, rows**-0.5, (rows, columns))
        params[f"b_{i}"] = np.zeros(columns)
    return draw.normal(size=(BATCH, MLP[0])), np.eye(MLP[-1])[draw.integers(0, MLP[-1], BATCH)], params


def mlp() -> Graph:
    """784-512-256-10 with relu and cross-entropy."""
    x, t, params = mlp_leaves()
    nodes = {"z_1": "x @ W_1 + b_1", "a_1": "relu(z_1)", "z_2": "a_1 @ W_2 + b_2", "a_2": "relu(z_2)",
             "z_3": "a_2 @ W_3 + b_3", "loss": f"-sum(t * log_softmax(z_3, axis=1))/{BATCH}"}  # fmt: skip
    return build(spec({"x": x, "t": t}, params, nodes))


def mlp_products() -> Job:
    """The matrix products alone that the MLP's forward and reverse pass cannot do without."""
    x, _, params = mlp_leaves()
    weights = [params[f"W_{i}"] for i in range(1, len(MLP))]
    draw = np.random.default_rng(0)
    inputs = [x, *(np.maximum(draw.normal(size=(BATCH, n)), 0) for n in MLP[1:-1])]
    deltas = [draw.normal(size=(BATCH, n)) for n in MLP[1:]]

    def job() -> None:
        for a, w in zip(inputs, weights, strict=True):
            a @ w
        for i, (a, w, delta) in enumerate(zip(inputs, weights, deltas, strict=True)):
            a.T @ delta
            if i:
                delta @ w.T

    return job


SMALL = (784, 256, 10)
STEPS = 20
"""Timed at once, of the thousand; a step costs what any other one does."""


def training() -> Job:
    """Steps of gradient descent on a 784-256-10 network, as `backprop step` takes them."""
    rule = RULES["sgd"]
    x, t, _ = mlp_leaves()
    draw = np.random.default_rng(0)
    params = {f"W_{i}": draw.normal(0, m**-0.5, (m, n)) for i, (m, n) in enumerate(pairwise(SMALL), 1)}
    params |= {f"b_{i}": np.zeros(n) for i, n in enumerate(SMALL[1:], 1)}
    nodes = {"z_1": "x @ W_1 + b_1", "a_1": "relu(z_1)", "z_2": "a_1 @ W_2 + b_2",
             "loss": f"-sum(t * log_softmax(z_2, axis=1))/{BATCH}"}  # fmt: skip
    graph = build(spec({"x": x, "t": t}, params, nodes))
    work = Training(graph, load_leaves(graph), rule, {**rule.defaults, "lr": Fraction("1e-6")})  # no number wanders off
    return lambda: work.run(STEPS - 1, STEPS)  # as many passes as steps


def training_products() -> Job:
    """The matrix products alone of as many steps: the same layouts, kind of numbers and thread, each result let go."""
    x, _, _ = mlp_leaves()
    draw = np.random.default_rng(0)
    w_1, w_2 = (draw.normal(0, m**-0.5, (m, n)) for m, n in pairwise(SMALL))
    a = np.maximum(x @ w_1, 0)
    d_1, d_2 = draw.normal(size=(BATCH, 256)), draw.normal(size=(BATCH, 10))

    def job() -> None:
        for _ in range(STEPS):
            x @ w_1
            a @ w_2
            a.T @ d_2
            d_2 @ w_2.T
            x.T @ d_1

    return job


def layers(depth: int = 1000, width: int = 16) -> Graph:
    """Many narrow layers: tanh of a product, each with a weight matrix of its own."""
    draw = np.random.default_rng(0)
    params = {f"W_{i}": draw.normal(0, width**-0.5, (width, width)) for i in range(depth)}
    nodes = {f"h_{i}": f"tanh(W_{i} @ {f'h_{i - 1}' if i else 'x'})" for i in range(depth)}
    nodes["loss"] = f"sum(h_{depth - 1})"
    return build(spec({"x": draw.normal(size=(width, width))}, params, nodes))


def deep(nodes: int, width: int = 4) -> Graph:
    """A sigmoid network with shapes and no numbers, of so many named nodes, each layer with weights of its own."""
    depth = nodes // 2
    shapes = {f"W_{i}": (width, width) for i in range(depth)}
    text = {"x": (width, width), **shapes}
    leaves = tuple(Leaf(name, "input" if name == "x" else "param", s, None, inline(name)) for name, s in text.items())
    computed: dict[str, str] = {}
    for i in range(depth):
        computed[f"z_{i}"] = f"W_{i} @ {f'a_{i - 1}' if i else 'x'}"
        computed[f"a_{i}"] = f"sigmoid(z_{i})"
    computed["loss"] = f"sum(a_{depth - 1})"
    return build(replace(spec({}, {}, computed), leaves=leaves))


def chain(length: int = 10_000) -> Graph:
    """A chain of scalar nodes: products and sums with one parameter, sines in between."""
    nodes = {f"h_{i}": scalar_step(i, f"h_{i - 1}" if i else "x") for i in range(length)}
    return build(spec({}, {"x": 0.5, "w": 0.9}, nodes))


def scalar_step(i: int, previous: str) -> str:
    """The i-th node of the chain."""
    return (f"{previous} * w", f"{previous} + w", f"sin({previous})")[i % 3]


# ── the same in PyTorch ──────────────────────────────────────────────────────────────────────────


def torch_mlp(torch: Any) -> Job:
    """The MLP, forward and backward."""
    x, t, params = mlp_leaves()
    data, target = torch.tensor(x), torch.tensor(t)
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}

    def job() -> None:
        a = torch.relu(data @ leaves["W_1"] + leaves["b_1"])
        a = torch.relu(a @ leaves["W_2"] + leaves["b_2"])
        z = a @ leaves["W_3"] + leaves["b_3"]
        loss = -(target * torch.log_softmax(z, dim=1)).sum() / BATCH
        torch.autograd.grad(loss, list(leaves.values()))

    return job


def torch_layers(torch: Any, depth: int = 1000, width: int = 16) -> Job:
    """The narrow layers."""
    draw = np.random.default_rng(0)
    weights = [torch.tensor(draw.normal(0, width**-0.5, (width, width)), requires_grad=True) for _ in range(depth)]
    x = torch.tensor(draw.normal(size=(width, width)))

    def job() -> None:
        h = x
        for w in weights:
            h = torch.tanh(w @ h)
        torch.autograd.grad(h.sum(), weights)

    return job


def torch_chain(torch: Any, length: int = 10_000) -> Job:
    """The scalar chain."""
    x, w = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.5, 0.9))

    def job() -> None:
        h = x
        for i in range(length):
            h = h * w if i % 3 == 0 else h + w if i % 3 == 1 else torch.sin(h)
        torch.autograd.grad(h, [x, w])

    return job


# ── functions by themselves ──────────────────────────────────────────────────────────────────────

DRAW = np.random.default_rng(0)
WIDE = (256, 1024)


@dataclass(frozen=True)
class Function:
    """A function of the language on arrays, and the same in PyTorch; names that begin with `t` are data."""

    call: str
    theirs: Callable[..., Any]
    leaves: Mapping[str, Any]

    def ours(self) -> Job:
        """Its value and gradient under Σ y²."""
        data = {name: value for name, value in self.leaves.items() if name.startswith("t")}
        params = {name: value for name, value in self.leaves.items() if name not in data}
        return engine(build(spec(data, params, {"y": self.call, "loss": "sum(y * y)"})))

    def torch(self, torch: Any) -> Job:
        """The same, by PyTorch."""
        params = [name for name in self.leaves if not name.startswith("t")]
        made = {name: torch.tensor(value, requires_grad=name in params) for name, value in self.leaves.items()}
        wrt = [made[name] for name in params]

        def job() -> None:
            y = self.theirs(torch, **made)
            torch.autograd.grad((y * y).sum(), wrt)

        return job


_X, _P = DRAW.normal(size=WIDE), DRAW.uniform(0.01, 0.99, WIDE)
_T = (_P > 0.5).astype(float)

FUNCTIONS: Mapping[str, Function] = {
    "cumprod": Function("cumprod(x, axis=1)", lambda torch, x: torch.cumprod(x, 1), {"x": 0.99 + _P / 50}),
    "silu": Function("silu(x)", lambda torch, x: torch.nn.functional.silu(x), {"x": _X}),
    "gelu": Function("gelu(x)", lambda torch, x: torch.nn.functional.gelu(x), {"x": _X}),
    "gelu by tanh": Function("gelu(x, approximate='tanh')",
                             lambda torch, x: torch.nn.functional.gelu(x, approximate="tanh"), {"x": _X}),
    "erf": Function("erf(x)", lambda torch, x: torch.erf(x), {"x": _X}),
    "binary_cross_entropy": Function(
        "binary_cross_entropy(p, t)", lambda torch, p, t: torch.nn.functional.binary_cross_entropy(p, t),
        {"p": _P, "t": _T}),
    "the same of logits": Function(
        "binary_cross_entropy_with_logits(x, t)",
        lambda torch, x, t: torch.nn.functional.binary_cross_entropy_with_logits(x, t), {"x": _X, "t": _T}),
    "max_pool2d": Function("max_pool2d(x, 2)", lambda torch, x: torch.nn.functional.max_pool2d(x, 2),
                           {"x": DRAW.normal(size=(16, 8, 32, 32))}),
    "take_along_axis": Function("take_along_axis(x, t, axis=1)", lambda torch, x, t: torch.gather(x, 1, t),
                                {"x": _X, "t": DRAW.integers(0, WIDE[1], (WIDE[0], 64))}),
}  # fmt: skip


# ── long ones ────────────────────────────────────────────────────────────────────────────────────


def sines(length: int) -> str:
    """A chain of sines of a scalar, as a spec's text."""
    nodes = "".join(f"  n{i}: sin({f'n{i - 1}' if i else 'w'})\n" for i in range(length))
    return f"params: {{w: 0.5}}\nnodes:\n{nodes}"


def recurrent(steps: int, width: int = 4) -> Graph:
    """An LSTM unrolled: one set of weights, a hidden and a cell state handed on, with shapes and no numbers."""
    gates = [f"{gate}_{{i}}: {f}(x @ U_{gate} + h_{{j}} @ V_{gate} + b_{gate})"
             for gate, f in (("f", "sigmoid"), ("i", "sigmoid"), ("o", "sigmoid"), ("g", "tanh"))]  # fmt: skip
    lines = [*gates, "c_{i}: f_{i} * c_{j} + i_{i} * g_{i}", "h_{i}: o_{i} * tanh(c_{i})"]
    nodes: dict[str, str] = {}
    for i in range(1, steps + 1):
        nodes |= dict(line.format(i=i, j=i - 1).split(": ", 1) for line in lines)
    nodes["loss"] = f"sum(h_{steps}**2)"
    params = {f"{kind}_{gate}": (width,) if kind == "b" else (width, width) for gate in "fiog" for kind in "UVb"}
    return shaped({"x": (width,), "h_0": (width,), "c_0": (width,)}, params, nodes)


def shaped(inputs: Shapes, params: Shapes, nodes: Mapping[str, str]) -> Graph:
    """A graph of leaves with shapes and no numbers."""
    leaves = [Leaf(name, "input", shape, None, inline(name)) for name, shape in inputs.items()]
    leaves += [Leaf(name, "param", shape, None, inline(name)) for name, shape in params.items()]
    return build(replace(spec({}, {}, nodes), leaves=tuple(leaves)))


def elman(steps: int, width: int = 4) -> Graph:
    """A plain recurrent network, unrolled."""
    nodes = {f"h_{i}": f"tanh(x @ U + h_{i - 1} @ V + b)" for i in range(1, steps + 1)}
    nodes["loss"] = f"sum(h_{steps}**2)"
    return shaped({"x": (width,), "h_0": (width,)}, {"U": (width, width), "V": (width, width), "b": (width,)}, nodes)


ENCODER = {
    "s_{i}": "softmax((h_{j} @ Q_{i}) @ (h_{j} @ K_{i}).T / sqrt(4), axis=1)",
    "a_{i}": "h_{j} + s_{i} @ (h_{j} @ V_{i})",
    "n_{i}": "layer_norm(a_{i})",
    "f_{i}": "relu(n_{i} @ F_{i} + c_{i}) @ G_{i}",
    "h_{i}": "layer_norm(n_{i} + f_{i})",
}
"""One block: attention and a two-layer network, each with a residual connection and a norm behind it."""


def encoder(blocks: int) -> Graph:
    """Transformer encoder blocks, one on the other, each with weights of its own."""
    nodes = {name.format(i=i): text.format(i=i, j=i - 1)
             for i in range(1, blocks + 1) for name, text in ENCODER.items()}  # fmt: skip
    nodes["loss"] = f"sum(h_{blocks}**2)"
    shapes = {"Q": (4, 4), "K": (4, 4), "V": (4, 4), "F": (4, 8), "c": (8,), "G": (8, 4)}
    params = {f"{name}_{i}": shape for i in range(1, blocks + 1) for name, shape in shapes.items()}
    return shaped({"h_0": (3, 4)}, params, nodes)


def literals(rows: int = 1000, columns: int = 100) -> str:
    """A spec whose numbers stand in it."""
    drawn = DRAW.normal(size=(rows, columns))
    text = ",\n    ".join(f"[{', '.join(f'{v:.6g}' for v in row)}]" for row in drawn)
    return f"params:\n  w: [{text}]\nnodes: {{y: sum(w)}}\n"
