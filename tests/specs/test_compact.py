"""Compact formulas: one line each, written with names that a reader has met, and true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.formulas.compact.parts import LONGEST
from backprop_cli.formulas.printed import Named, Omitted, Printed
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.result import Gradient, Result
from tests.shipped import SPECS, shipped
from tests.specs.golden import page

ROOT = Path(__file__).resolve().parents[2]
ALL = [path for path in sorted((ROOT / "specs").rglob("*.yaml")) if path.parent.name != "shapes"]
GOLDEN: dict[str, Any] = json.loads((ROOT / "tests" / "data" / "specs_compact.json").read_text(encoding="utf-8"))
A_LINE = LONGEST + 25  # a name may turn out longer than it was when the line was measured
COMPACT = Settings(terms=("local", "compact"))


def lstm(steps: int) -> str:
    """An LSTM, unrolled."""
    gates = {"i": "sigmoid", "f": "sigmoid", "o": "sigmoid", "g": "tanh"}
    params = "".join(f"  W_{g}: [[0.{k}, 0.2], [-0.3, 0.{k}]]\n  U_{g}: [[0.5, 0.1], [0.{k}, -0.4]]\n"
                     f"  b_{g}: [0.1, 0.{k}]\n" for k, g in enumerate(gates, 1))  # fmt: skip
    nodes = ""
    for t in range(1, steps + 1):
        for g, f in gates.items():
            nodes += f"  {g}_{t}: {f}(W_{g} @ x_{t} + U_{g} @ h_{t - 1} + b_{g})\n"
        nodes += f"  c_{t}: f_{t} * c_{t - 1} + i_{t} * g_{t}\n  h_{t}: o_{t} * tanh(c_{t})\n"
    inputs = "".join(f"  x_{t}: [0.1, {t / 10}]\n" for t in range(1, steps + 1))
    return (f"inputs:\n{inputs}  h_0: [0, 0]\n  c_0: [0, 0]\n  t: [0.5, 1]\nparams:\n{params}"
            f"nodes:\n{nodes}  loss: 1/2 * sum((h_{steps} - t)**2)\n")  # fmt: skip


def encoder(blocks: int) -> str:
    """Transformer encoder blocks, one on the other."""
    shapes = {"W_q": "D, D", "W_k": "D, D", "W_v": "D, D", "g": "D", "b": "D", "W": "D, H", "V": "H, D"}
    params = "".join(f"  {n}_{i}: {{shape: [{s}], init: normal, std: 0.4, seed: {i}}}\n"
                     for i in range(1, blocks + 1) for n, s in shapes.items())  # fmt: skip
    nodes = "".join(
        f"  s_{i}: (x_{i - 1} @ W_q_{i}) @ (x_{i - 1} @ W_k_{i}).T / sqrt(D)\n"
        f"  a_{i}: softmax(s_{i}, axis=1)\n  r_{i}: x_{i - 1} + a_{i} @ (x_{i - 1} @ W_v_{i})\n"
        f"  y_{i}: layer_norm(r_{i}, g_{i}, b_{i})\n  x_{i}: y_{i} + relu(y_{i} @ W_{i}) @ V_{i}\n"
        for i in range(1, blocks + 1)
    )
    return (f"dims: {{T: 3, D: 4, H: 5}}\ninputs:\n  x_0: {{shape: [T, D], init: normal, seed: 7}}\n"
            f"params:\n{params}nodes:\n{nodes}  loss: sum(x_{blocks}**2)\n")  # fmt: skip


ONE_LINE = (
    "inputs:\n  X: {shape: [4, 3], init: normal, seed: 1}\n  t: {shape: [4, 1], init: normal, seed: 2}\n"
    "params:\n  W: {shape: [3, 5], init: normal, seed: 3}\n  V: {shape: [5, 5], init: normal, seed: 4}\n"
    "  v: {shape: [5, 1], init: normal, seed: 5}\n  b: {shape: [5], init: normal, seed: 6}\nnodes:\n"
    "  loss: mean((sigmoid(tanh(tanh(X @ W + b) @ V) @ v) - t)**2) + 0.1 * sum(W**2) + 0.2 * sum(abs(V))\n"
)
NETS = {"an LSTM": lstm(12), "an encoder": encoder(3), "a network in one line": ONE_LINE}


def reading(result: Result) -> Iterator[tuple[Mapping[str, Gradient], tuple[Named, ...]]]:
    """The gradients of each pass, with its δ."""
    if not result.passes:
        yield {node.name: node.gradient for node in result.nodes if node.gradient}, result.where
    for one in result.passes:
        yield one.gradients, one.where


def check_page(result: Result) -> None:
    """No formula is missing, longer than a line, untrue, or uses a name before it is defined."""
    for gradients, where in reading(result):
        defined: set[str] = set()
        for named in where:
            assert set(named.formula.uses) <= defined, named.equation("text")
            assert len(named.formula.text) <= A_LINE, named.equation("text")
            defined.add(named.name["code"])
        used = {name for named in where for name in named.formula.uses}
        for name, gradient in gradients.items():
            formula = gradient.formula["compact"]
            assert isinstance(formula, Printed), name
            assert len(formula.text) <= A_LINE, formula.text
            assert set(formula.uses) <= defined, formula.text
            assert formula.deviation is not None
            assert formula.deviation < 1e-9, formula.text
            used.update(formula.uses)
        assert used == defined
        assert not defined & {node.name for node in result.nodes}


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_shipped_spec_reads_in_lines(path: Path) -> None:
    """Each gradient is one line of names that are known by then, and evaluates to its value."""
    check_page(shipped(path).result)


@pytest.mark.parametrize("text", NETS.values(), ids=NETS)
def test_any_network_reads_in_lines(text: str, spec_of: Any) -> None:
    """So does an unrolled LSTM, a stack of encoder blocks, and a network written as one expression."""
    check_page(run(spec_of(text), COMPACT))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_pages_are_the_golden_ones(path: Path) -> None:
    """What a reader meets does not change unnoticed (`make golden` accepts the new page, once it was read)."""
    assert page(path) == GOLDEN.get(path.stem)


def test_siblings_are_written_alike() -> None:
    """The four paths into an LSTM's h_1, and the two steps of U_g, each by the name of its δ."""
    result = shipped(ROOT / "specs" / "lstm.yaml").result
    text = {
        n.name: f.text for n in result.nodes if n.gradient and isinstance(f := n.gradient.formula["compact"], Printed)
    }
    assert text["h_1"] == "U_gᵀ · δ_g_2 + U_oᵀ · δ_o_2 + U_fᵀ · δ_f_2 + U_iᵀ · δ_i_2"
    assert text["U_g"] == "δ_g_2 · h_1ᵀ + δ_g_1 · h_0ᵀ"
    where = {named.name["code"]: named for named in result.where}
    assert where["delta_g_2"].equation("text") == "δ_g_2 = ∂loss/∂g_2 ⊙ (1 - g_2²)"
    assert where["delta_g_2"].formula.code == "grad(g_2) * (1 - g_2**2)"


def test_what_has_a_name_is_not_repeated() -> None:
    """Attention: the gradient of the weights stands twice in that of the scores, by its name."""
    result = shipped(ROOT / "specs" / "attention.yaml").result
    formula = result.by_name["s"].gradient.formula["compact"]  # type: ignore[union-attr]
    assert not isinstance(formula, Omitted)
    assert formula.text == "(∂loss/∂a - Σ(∂loss/∂a ⊙ a, axis=1)) ⊙ a"


def test_a_name_of_the_spec_is_left_to_it(spec_of: Any) -> None:
    """Where a node is called delta_h_3 or δ_h_2 already, the δ of that step gets another name, in text and in code."""
    text = (ROOT / "specs" / "rnn.yaml").read_text(encoding="utf-8")
    text = text.replace("params:\n", "params:\n  delta_h_3: 1.0\n  δ_h_2: 2.0\n")
    text = text.replace("sum((h_3 - t)**2)", "sum((h_3 - t)**2) * delta_h_3 * δ_h_2")
    result = run(spec_of(text), COMPACT)
    check_page(result)
    assert [named.name["code"] for named in result.where] == ["delta_h_3_", "delta_h_2_", "delta_h_1"]


def test_json_defines_what_compact_uses(backprop: Any) -> None:
    """`where` holds each δ by its name in code, as an equation, as code and as a value."""
    done = backprop("run", ROOT / "specs" / "rnn.yaml", "--format", "json")
    found = json.loads(done.out)
    assert list(found["where"]) == ["delta_h_3", "delta_h_2", "delta_h_1"]
    assert {"text", "code", "latex", "value"} == set(found["where"]["delta_h_3"])
    assert found["where"]["delta_h_3"]["text"] == "δ_h_3 = ∂loss/∂h_3 ⊙ (1 - h_3²)"
    np.testing.assert_allclose(found["where"]["delta_h_1"]["value"], found["nodes"]["b"]["gradient"]["value"]
                               - np.sum([found["where"][f"delta_h_{i}"]["value"] for i in (2, 3)], axis=0))  # fmt: skip
    terms = found["nodes"]["U"]["gradient"]["formula"]
    assert list(terms) == ["local", "nodes", "compact", "leaves"]
    assert (
        terms["compact"]["latex"]
        == r"\delta_{h_{3}} h_{2}^\top + \delta_{h_{2}} h_{1}^\top + \delta_{h_{1}} h_{0}^\top"
    )


def test_people_are_shown_compact(backprop: Any) -> None:
    """A δ is defined above its first use, once; the line without names is left away where names say it shorter."""
    done = backprop("run", ROOT / "specs" / "rnn.yaml")
    found = re.findall(r"^  let (δ_h_\d)", done.out, re.MULTILINE)
    assert found == ["δ_h_3", "δ_h_2", "δ_h_1"]
    assert done.out.index("let δ_h_3") < done.out.index("= δ_h_3 · h_2ᵀ")
    assert done.out.count("∂loss/∂U") == 1
