"""Random graphs: value, gradient, and every formula in every term, against numpy and differences.

Shapes from () to rank 3, broadcasting, fan-out. A network is made by a seeded generator and its expressions are
evaluated by Python and numpy (`words.py`): neither values, nor differences, nor the formulas' values are the project's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine import passes
from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.printed import Omitted
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.result import Result
from tests.graphs.words import evaluate

SHAPES = ((), (3,), (2, 3), (3, 3), (1, 3), (2, 1), (2, 2, 3), (3, 2))
LARGEST = 12.0
STEP = 6e-6

POINTWISE = (
    "tanh({a})", "sigmoid({a})", "exp(-{a}**2)", "softplus({a})", "{a}**2", "1/(1 + {a}**2)", "sin({a})", "relu({a})",
    "log(1 + {a}**2)", "sqrt(1 + {a}**2)", "silu({a})", "-{a}", "2*{a} - 1", "{a}/3", "({a} > 0)*{a}", "cos({a})",
)  # fmt: skip
ALONG = (
    "sum({a}, axis={k})", "mean({a}, axis={k}, keepdims=true)", "softmax({a}, axis={k})", "log_softmax({a}, axis={k})",
    "logsumexp({a}, axis={k})", "max({a}, axis={k})", "cumsum({a}, axis={k})", "{a}[0]", "{a}[..., None]", "{a}.T",
    "reshape({a}, -1)", "{a} - mean({a}, axis={k}, keepdims=true)", "stack([{a}, 2*{a}], axis={k})", "{a}[..., ::-1]",
)  # fmt: skip
PAIRS = (
    "{a} + {b}", "{a} - {b}", "{a} * {b}", "{a}/(1 + {b}**2)", "maximum({a}, {b})", "where({a} > {b}, {a}, 2*{b})",
    "{a} @ {b}", "{a} @ {b}.T", "{a}.T @ {b}", "concat([{a}, {b}], axis=-1)", "outer({a}, {b})",
)  # fmt: skip


@dataclass(frozen=True)
class Net:
    """A spec in parts: arrays by name, expressions by name; the loss is the last."""

    seed: int
    leaves: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """As a file."""
        leaves = "".join(f"  {name}: {value.tolist()}\n" for name, value in self.leaves.items())
        return f"params:\n{leaves}nodes:\n" + "".join(f"  {name}: '{text}'\n" for name, text in self.nodes.items())

    def values(self, **changed: Any) -> dict[str, Any]:
        """Every node's value, by numpy alone."""
        known = {**self.leaves, **changed}
        for name, text in self.nodes.items():
            known[name] = evaluate(text, known)
        return known

    def differences(self, leaf: str) -> Any:
        """The gradient of the loss by central differences."""
        start = self.leaves[leaf]
        result = np.zeros_like(start)
        for entry in np.ndindex(start.shape):
            move = np.zeros_like(start)
            move[entry] = STEP
            up, down = self.values(**{leaf: start + move}), self.values(**{leaf: start - move})
            result[entry] = (up["loss"] - down["loss"]) / (2 * STEP)
        return result


def candidates(draw: random.Random, known: dict[str, Any]) -> Iterator[str]:
    """Expressions of the nodes so far; not all of them fit their shapes."""
    names = list(known)
    recent = names[-4:]
    while True:
        a, b = draw.choice(recent), draw.choice(names)
        rank = known[a].ndim
        template = draw.choice(draw.choice((POINTWISE, ALONG, PAIRS, PAIRS)))
        if rank or "{k}" not in template:
            yield template.format(a=a, b=b, k=draw.randrange(-rank, rank) if rank else None)


def is_tame(value: Any) -> bool:
    """Small enough in size and in numbers for differences to mean something."""
    return bool(value.size <= 40 and value.ndim <= 4 and np.all(np.isfinite(value)) and np.max(np.abs(value)) < LARGEST)


def random_net(seed: int, length: int = 7) -> Net:
    """A net of about so many nodes, of which every leaf and most nodes are used, some several times."""
    draw, numbers = random.Random(seed), np.random.default_rng(seed)
    net = Net(seed, {f"p{i}": np.asarray(numbers.normal(size=draw.choice(SHAPES))) for i in range(draw.randint(2, 4))})
    known = net.values()
    for text in candidates(draw, known):
        if len(net.nodes) == length:
            break
        try:
            value = evaluate(text, known)
        except (ValueError, IndexError, TypeError, np.exceptions.AxisError):
            continue
        if is_tame(value):
            net.nodes[name := f"h{len(net.nodes)}"] = text
            known[name] = value
    unused = [name for name in known if not any(name in text for text in net.nodes.values())]
    return replace(net, nodes={**net.nodes, "loss": " + ".join(f"sum({name})" for name in unused)})


# ── what must agree ──────────────────────────────────────────────────────────────────────────────


def close(found: Any, expected: Any, message: str, tolerance: float) -> None:
    """Equal shapes and entries, within a tolerance of the largest entry (or of 1)."""
    assert np.shape(found) == np.shape(expected), message
    scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale, err_msg=message)


def check_numbers(net: Net, result: Result) -> None:
    """Values are numpy's, and leaf gradients are what differences give."""
    nodes = result.by_name
    for name, value in net.values().items():
        close(nodes[name].value, value, f"seed {net.seed}: value of {name}\n{net.text}", 1e-11)
    for name, value in net.leaves.items():
        gradient = nodes[name].gradient
        found = np.zeros_like(value) if gradient is None else gradient.value
        close(found, net.differences(name), f"seed {net.seed}: gradient of {name}\n{net.text}", 2e-6)


def check_formulas(net: Net, result: Result) -> None:
    """Each formula in `code`, evaluated by Python and numpy, is the gradient's value, and so it says itself."""
    values = net.values()
    gradients = {node.name: node.gradient.value for node in result.nodes if node.gradient}
    for node in result.nodes:
        for terms, formula in node.gradient.formula.items() if node.gradient else ():
            if isinstance(formula, Omitted):
                continue
            message = f"seed {net.seed}: ∂loss/∂{node.name} in {terms}: {formula.code}\n{net.text}"
            close(evaluate(formula.code, values, gradients), gradients[node.name], message, 1e-9)
            assert formula.deviation is not None, message
            assert formula.deviation < 1e-9, message


def check_net(net: Net, spec_of: Callable[[str], Any]) -> None:
    """All that must agree about one net."""
    result = run(spec_of(net.text), Settings(terms=("local", "nodes", "leaves")))
    check_numbers(net, result)
    check_formulas(net, result)


@pytest.mark.parametrize("seed", range(40))
def test_random_graph(seed: int, spec_of: Callable[[str], Any]) -> None:
    """Value, differences and formulas of a random graph agree."""
    check_net(random_net(seed), spec_of)


@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(40))
def test_many_random_graphs(block: int, spec_of: Callable[[str], Any]) -> None:
    """The same for many more and longer graphs (`make fuzz`)."""
    for seed in range(1000 + 50 * block, 1050 + 50 * block):
        check_net(random_net(seed, length=4 + seed % 12), spec_of)


# ── the checks are checked ───────────────────────────────────────────────────────────────────────


def check_fails(message: str, net: Net, spec_of: Callable[[str], Any]) -> None:
    """The checks notice that something is wrong with a net, at the named gradient."""
    with pytest.raises(AssertionError, match=message):
        check_net(net, spec_of)


SQUARE = Net(0, {"p0": np.array([[0.3, -0.5], [0.7, 0.2]]), "p1": np.array([[0.1, 0.4], [-0.6, 0.9]])},
             {"h0": "p0 @ p1", "h1": "tanh(h0)", "loss": "sum(h1 * h0)"})  # fmt: skip


def with_rule(monkeypatch: pytest.MonkeyPatch, name: str, position: int, rule: Callable[..., Any]) -> None:
    """Replace one derivative rule of the registry."""
    rules = list(OPS[name].vjps)
    rules[position] = rule
    monkeypatch.setitem(OPS, name, replace(OPS[name], vjps=tuple(rules)))


def test_the_sound_net_passes(spec_of: Callable[[str], Any]) -> None:
    """Without a planted error the net below is found right."""
    check_net(SQUARE, spec_of)


def test_a_rule_wrong_by_a_thousandth_is_caught(monkeypatch: pytest.MonkeyPatch, spec_of: Callable[[str], Any]) -> None:
    """tanh' = 1.001 (1 - y²) is wrong in value and formula alike; differences notice."""
    with_rule(monkeypatch, "tanh", 0, lambda xp, g, y, x: g * (1 - y**2) * 1001 / 1000)
    check_fails("gradient of p0", SQUARE, spec_of)


def test_a_missing_transpose_is_caught(monkeypatch: pytest.MonkeyPatch, spec_of: Callable[[str], Any]) -> None:
    """∂(a @ b)/∂a without the transpose of b has the right shape for square matrices, and the wrong numbers."""
    with_rule(monkeypatch, "matmul", 0, lambda xp, g, y, a, b: g @ b)
    check_fails("gradient of p0", SQUARE, spec_of)


def test_a_dropped_path_is_caught(monkeypatch: pytest.MonkeyPatch, spec_of: Callable[[str], Any]) -> None:
    """An engine that forgets one consumer of a node is noticed."""

    def forgetful(graph: Any, meaning: Any) -> Any:
        *others, product, last = plan(graph, meaning)
        return [*others, replace(product, edges=product.edges[:1]), last]  # the product loses its second operand

    plan = passes.plan
    monkeypatch.setattr("backprop_cli.tasks.calculate.plan", forgetful)
    check_fails("gradient of p0", SQUARE, spec_of)
