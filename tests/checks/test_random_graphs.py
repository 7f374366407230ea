"""Random graphs over the whole registry: value, formulas in all terms and differences agree; PyTorch too where it is.

An op joins by itself: its samples say which parameters to give it, and from which domain its operands come.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.numbers import Words, plain
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.base import ParameterError, Sample, ShapeError
from backprop_cli.engine.ops.library import spell
from backprop_cli.engine.ops.subscripts import index_text
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.checks import CheckSettings, check
from tests.draws import searched, seeded, several, told

XP = Words()
SHAPES = [(), (1,), (2,), (3,), (2, 2), (3, 3), (2, 3), (3, 2), (1, 3), (2, 1), (2, 2, 3), (2, 3, 3), (1, 2, 2)]
LARGEST = 20.0  # of an entry: beyond, differences see rounding only
ENTRIES = 40
FUZZ = int(os.environ.get("BACKPROP_FUZZ", "1") or "1")

WRAPS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "real": ("{0}", lambda x: x), "wide": ("2*{0}", lambda x: 2 * x), "zeros": ("{0}", lambda x: x),
    "positive": ("({0}**2 + 0.5)", lambda x: x**2 + 0.5), "above one": ("({0}**2 + 1.2)", lambda x: x**2 + 1.2),
    "open": ("0.9*tanh({0})", lambda x: 0.9 * np.tanh(x)),
    "unit": ("(0.1 + 0.8*sigmoid({0}))", lambda x: 0.1 + 0.8 / (1 + np.exp(-x))),
    "mask": ("({0} > 0.1)", lambda x: (x > 0.1).astype(float)),
    "square": ("({0} + 3*eye({n}))", lambda x: x + 3 * np.eye(x.shape[-1])),
    "spd": ("({0} @ {0}.mT + 2*eye({n}))", lambda x: x @ np.swapaxes(x, -1, -2) + 2 * np.eye(x.shape[-1])),
}  # fmt: skip
"""How any tensor comes to lie in a domain, as text and in numpy."""

UNSTEADY = {"svd_u", "svd_vh", "polar", "eigvecsh", "svdvals", "eigvalsh", "pinv"}
"""Ill-conditioned where values nearly coincide; their rules have tests of their own."""

JUMPS = re.compile(r"\b(floor|ceil|round|trunc|sign|floor_divide|remainder)\b")
"""They jump at whole numbers or halves, on which one of them lands from another: `check` says so."""


def usable(op: Op, sample: Sample) -> bool:
    """Whether an op is smooth, and its operands can be made from any tensors."""
    domains = set(sample.domains) <= WRAPS.keys()
    return bool(any(op.vjps)) and not op.kink and op.name not in UNSTEADY and domains and None not in sample.shapes


CALLS = [(op, sample) for op in OPS.values() for sample in op.samples if usable(op, sample)]


@dataclass
class Made:
    """A spec in the making: its lines, and every node's value."""

    params: dict[str, Any]
    nodes: dict[str, str]
    values: dict[str, Any]

    def add(self, expression: str, value: Any) -> None:
        """A node."""
        name = f"n{len(self.nodes)}"
        self.nodes[name] = expression
        self.values[name] = value

    @property
    def text(self) -> str:
        """The spec."""
        used = {word for expression in self.nodes.values() for word in re.findall(r"\w+", expression)}
        ends = [name for name in self.nodes if name not in used]
        params = {name: np.asarray(value).tolist() for name, value in self.params.items()}
        loss = " + ".join(f"mean(sin({name} + {k}))" for k, name in enumerate(ends, 1))
        return json.dumps({"params": params, "nodes": {**self.nodes, "loss": loss}}, indent=1)


def domains_of(op: Op, sample: Sample, count: int) -> list[str]:
    """A domain for each operand."""
    given = list(sample.domains) or ["real"]
    return given + ["real"] * (count - len(given))


def written(op: Op, parameters: dict[str, Any], operands: list[str]) -> str:
    """The call of an op in the language."""
    if op.name == "index":
        return f"({operands[0]})[{index_text(parameters['index'])}]"
    if op.name == "scatter":
        return f"scatter({operands[0]}, '{index_text(parameters['index'])}', {spell(parameters['shape'])})"
    tensors = [f"[{', '.join(operands)}]"] if op.signature.variadic else operands
    if "subscripts" in parameters:
        return f"{op.name}('{parameters['subscripts']}', {', '.join(operands)})"
    return f"{op.name}({', '.join([*tensors, *(f'{name}={spell(value)}' for name, value in parameters.items())])})"


def applied(op: Op, sample: Sample, names: tuple[str, ...], made: Made) -> tuple[str, Any] | None:
    """An op on some nodes, as text and value; None where it does not fit or the values would run away."""
    values = [made.values[name] for name in names]
    wraps = [WRAPS[domain] for domain in domains_of(op, sample, len(names))]
    square = {"square", "spd"} & set(sample.domains)
    if square and any(np.ndim(v) < 2 or v.shape[-1] != v.shape[-2] for v in values[:1]):
        return None
    try:
        shape = op.shape(*(np.shape(v) for v in values), **sample.parameters)
    except (ShapeError, ParameterError, TypeError, IndexError, ValueError):
        return None
    if math.prod(map(int, shape)) > ENTRIES or len(shape) > 4:
        return None
    numbers = {name: plain(value) for name, value in {**op.signature.parameters, **sample.parameters}.items()}
    operands = [w[1](v) for w, v in zip(wraps, values, strict=True)]
    if op.name == "einsum" and any(1 in np.shape(v) for v in operands):
        return None  # numpy lets an axis of size 1 broadcast, but not in the diagonal of one operand
    with np.errstate(all="ignore"):
        value = np.asarray(op.forward(XP, *operands, **numbers))
    if not np.isfinite(value).all() or np.abs(value).max(initial=0) > LARGEST or not value.size:
        return None
    sizes = [np.shape(v)[-1] if np.ndim(v) else 1 for v in values]
    texts = [w[0].format(name, n=n) for w, name, n in zip(wraps, names, sizes, strict=True)]
    return written(op, dict(sample.parameters), texts), value[()]


def random_graph(draw: Random, calls: Any = CALLS, most: int = 5) -> str:
    """A spec: leaves of rank 0 to 3, ops of the registry wherever they fit, and a scalar loss over all ends."""
    rng = np.random.default_rng(draw.randrange(10_000))
    shapes = several(draw, lambda: draw.choice(SHAPES), 3, least=1)
    params = {f"p{i}": rng.uniform(-1.2, 1.2, size=shape).round(3)[()] for i, shape in enumerate(shapes)}
    made = Made(params, {}, dict(params))
    for _ in range(draw.randint(1, most)):
        op, sample = draw.choice(calls)
        count = len(sample.shapes)
        fitting = [names for names in itertools.product(list(made.values)[-4:], repeat=count)
                   if applied(op, sample, names, made)] if count <= 3 else []  # fmt: skip
        if fitting:
            node = applied(op, sample, draw.choice(fitting), made)
            assert node is not None
            made.add(*node)
        else:
            name = draw.choice(list(made.values))
            made.add(f"tanh({name})*{name}", np.tanh(made.values[name]) * made.values[name])
    return made.text


def check_agrees(text: str) -> None:
    """Every answer of `check`, but for the slow one, says what the reverse pass says."""
    with told(text):
        report = check(read_spec(text.encode(), "random.yaml", folder=None), CheckSettings(entries=False))
        fine = {"ok", "kink"} if JUMPS.search(text) else {"ok"}
        bad = [r for r in report.results if r.status not in fine]
        assert not bad, bad
        assert all(r.answer("formula").checked for r in report.results)


SAME_SLICE = """
params: {p: [[0.3, -0.5], [-1.1, -1.2]]}
nodes: {a: "p[1:3, :]", b: "p[1:3, :]", loss: mean(sin(a + 1)) + mean(sin(b + 2))}
"""  # two parts of one place: nothing to tile with, and no order between them


@seeded(25)
def test_random_graph(draw: Random) -> None:
    """On a random graph the formulas of every node, in all terms and read back, and the differences agree."""
    check_agrees(random_graph(draw))


def test_two_parts_of_one_slice() -> None:
    """The same of a graph that a long search found."""
    check_agrees(SAME_SLICE)


@pytest.mark.fuzz
@searched(2000 * FUZZ)
def test_many_random_graphs(draw: Random) -> None:
    """The same for longer graphs, with new ones in every run; BACKPROP_FUZZ multiplies their number."""
    check_agrees(random_graph(draw, most=9))


def test_the_registry_is_drawn_from() -> None:
    """Nearly every smooth op can stand in a random graph."""
    assert len({op.name for op, _ in CALLS}) >= 70


# ── PyTorch ──────────────────────────────────────────────────────────────────────────────────────

SAME = {
    "exp", "sin", "cos", "tanh", "sigmoid", "arctan", "erf", "square", "sinh", "arcsinh", "expm1", "log", "log1p",
    "sqrt", "rsqrt", "reciprocal", "outer", "matmul", "trace", "det", "logdet", "softmax", "sum", "mean", "logsumexp",
    "inv", "tril", "triu", "add", "subtract", "multiply", "divide", "power", "silu", "softplus", "gelu", "mish",
}  # fmt: skip
TORCH_CALLS = [(op, sample) for op, sample in CALLS if op.name in SAME]


def torch_function(torch: Any, name: str) -> Any:
    """PyTorch's function of the same name; numpy's names of parameters are accepted."""
    here = torch.nn.functional
    other = {
        "power": torch.pow, "inv": torch.linalg.inv, "mish": here.mish, "gelu": here.gelu, "silu": here.silu,
        "softmax": lambda x, axis=-1: torch.softmax(x, axis),
        "softplus": lambda x, beta=1, threshold=None: here.softplus(x, beta, threshold or 1000),
        "outer": lambda a, b: torch.outer(a.reshape(-1), b.reshape(-1)),  # numpy's: of any tensors, row by row
        "trace": lambda x: torch.diagonal(x, dim1=-2, dim2=-1).sum(-1),
        "eye": lambda n: torch.eye(n, dtype=torch.float64),
        "tril": lambda x, k=0: torch.tril(x, k), "triu": lambda x, k=0: torch.triu(x, k),
        "sum": lambda x, axis=None, keepdims=False: torch.sum(x, axis, keepdims),
        "mean": lambda x, axis=None, keepdims=False: torch.mean(x, axis, keepdims),
        "logsumexp": lambda x, axis=None, keepdims=False: torch.logsumexp(
            x, tuple(range(x.ndim)) if axis is None else axis, keepdims),
    }  # fmt: skip
    return other.get(name) or getattr(torch, name)


def pytorch_gradients(torch: Any, spec: dict[str, Any]) -> dict[str, Any]:
    """PyTorch's gradients of the leaves: the expressions run by Python itself."""
    kind = {"dtype": torch.float64, "requires_grad": True}
    leaves = {name: torch.tensor(value, **kind) for name, value in spec["params"].items()}
    scope = {**leaves, "true": True, "false": False, "none": None}
    scope |= {name: torch_function(torch, name) for name in {*SAME, "eye"}}
    for name, expression in spec["nodes"].items():
        scope[name] = eval(expression, {"__builtins__": {}}, scope)
    scope["loss"].backward()
    return {name: np.zeros(np.shape(value)) if leaves[name].grad is None else leaves[name].grad.numpy()
            for name, value in spec["params"].items()}  # fmt: skip


@pytest.mark.peers
@seeded(40)
def test_random_graph_against_pytorch(draw: Random) -> None:
    """PyTorch finds the same gradients, where it is installed."""
    torch = pytest.importorskip("torch")
    from backprop_cli.tasks.calculate import Settings, run

    text = random_graph(draw, calls=TORCH_CALLS)
    with told(text):
        result = run(read_spec(text.encode(), "random.yaml", folder=None), Settings(terms=()))
        for name, expected in pytorch_gradients(torch, json.loads(text)).items():
            gradient = result.by_name[name].gradient
            found = np.zeros(np.shape(expected)) if gradient is None else gradient.value
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
