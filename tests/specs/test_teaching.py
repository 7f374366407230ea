"""A derivation that teaches: reasons, shapes, one entry, numbers put in, letters for the parts of one expression."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.language.reader import load_spec
from backprop_cli.language.steps import lettered
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.leaves import load_leaves
from tests.notation.test_read_back import read

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
GOLDEN: Any = json.loads((ROOT / "tests" / "data" / "specs_derive.json").read_text(encoding="utf-8"))
NUMBERS = re.compile(r"^  in numbers +(?:\[[\d, -]+\]: )?(.*) = (\S+)$", re.MULTILINE)
SAID = re.compile(r"[\d.e+\-·/() ²√]+")

ONE_LINE = ("dims: {N: 4, D: 3}\ninputs:\n  X: {shape: [N, D], init: normal, seed: 1}\n"
            "  y: {shape: [N], init: normal, seed: 2}\nparams:\n  w: {shape: [D], init: normal, seed: 3}\n"
            "nodes:\n  loss: mean((X @ w - y)**2)\n")  # fmt: skip


ALGEBRA = re.compile(r"^  algebra {11}(.*\n(?: {22}.*\n)*)", re.MULTILINE)


def check_algebra(path: Path, out: str) -> int:
    """Both sides of each algebraic step, read by our own parser, have one value at the numbers of the spec."""
    steps = [" ".join(step.split()) for step in ALGEBRA.findall(out)]
    spec = load_spec(str(path))
    if not steps or any(leaf.load is None for leaf in spec.leaves):
        return 0
    graph = build(lettered(spec))
    values = compute(graph, load_leaves(graph)).values
    for step in steps:
        left, right = (read(graph, side, values, (), None) for side in step.split(" = ", 1))
        np.testing.assert_allclose(*np.broadcast_arrays(np.squeeze(left), np.squeeze(right)), rtol=1e-9, atol=1e-12,
                                   err_msg=step)  # fmt: skip
    return len(steps)


def test_softmax_and_batch_norm_have_no_unexplained_jump(backprop: Any) -> None:
    """Each part that the algebra changes is a line with its law, and so is the last step."""
    out = backprop("derive", ROOT / "specs" / "softmax_regression.yaml", "z").out
    steps = re.findall(r"^  (?:algebra|simplified|by) +(.*)$", out, re.MULTILINE)
    assert steps == [
        "(-t/(N · p)) ⊙ p = -t/N", "p · (t / p) = t",
        "Σ_k(-t/N) = -1/N", "Σ t = 1 over axis 1 (checked on the data)",
        "∂loss/∂z = (p - t)/N", "x · y + x · y · z = x · y · (1 + z)",
    ]  # fmt: skip
    out = backprop("derive", ROOT / "specs" / "batch_norm.yaml").out
    assert "by                Σ xhat = 0, by the definition of xhat" in out
    assert "by                xhat = c/√(v + 1e-5)" in out
    assert check_algebra(ROOT / "specs" / "batch_norm.yaml", out) > 1


def arithmetic(text: str) -> float:
    """The value of numbers with + - · / and brackets, by Python's own parser."""
    rooted = re.sub(r"√([\d.]+)", r"\1**0.5", text)
    tree = ast.parse(rooted.replace("·", "*").replace("²", "**2"), mode="eval")
    allowed = (
        ast.Expression,
        ast.BinOp,
        ast.UnaryOp,
        ast.Constant,
        ast.Add,
        ast.Sub,
        ast.Mult,
        ast.Div,
        ast.Pow,
        ast.USub,
    )
    assert all(isinstance(node, allowed) for node in ast.walk(tree)), text
    return float(eval(compile(tree, "<numbers>", "eval"), {"__builtins__": {}}))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_derivations_are_the_golden_ones(path: Path, backprop: Any) -> None:
    """What a student reads does not change unnoticed (`make golden` accepts it, once it was read).

    The numbers put in, rounded as they are, evaluate to the printed result within their rounding.
    """
    out = backprop("derive", path, "--width", 100).out
    assert out.splitlines() == GOLDEN[path.stem]
    assert max(map(len, out.splitlines())) <= 100
    check_algebra(path, out)
    found = [(text, result) for text, result in NUMBERS.findall(out) if SAID.fullmatch(text) and "√(" not in text]
    for text, result in found:
        terms = [abs(float(n)) for n in re.findall(r"\d[\d.]*(?:e-?\d+)?", text)]
        assert arithmetic(text) == pytest.approx(float(result), rel=1e-3, abs=1e-5 * max(terms)), text


def test_parts_of_one_expression_have_letters(backprop: Any, tmp_path: Path) -> None:
    """A loss in one line is derived part by part, and ends in the names of the spec."""
    (tmp_path / "one.yaml").write_text(ONE_LINE)
    out = backprop("derive", tmp_path / "one.yaml").out
    assert "loss = mean(v**2), with the letters v = u - y, u = X @ w" in out
    assert "definition        u = X · w" in out
    assert "shapes            (D,) = (D, N) · (N,)" in out
    assert "one entry         ∂loss/∂w[d] = Σ_n X[n,d] · ∂loss/∂u[n]" in out
    assert "in all            ∂loss/∂w = 2 Xᵀ · (X · w - y) / N" in out


def test_brief_is_the_key_alone(backprop: Any) -> None:
    """`--steps brief` has neither reasons nor numbers nor letters."""
    out = backprop("derive", ROOT / "specs" / "mazur.yaml", "w5", "--steps", "brief").out
    assert out.splitlines()[2:] == [
        "∂E/∂w5",
        "  w5 is used by net_o1:",
        "  definition        net_o1 = w5 · out_h1 + w6 · out_h2 + b2",
        "  local derivative  ∂net_o1/∂w5 = out_h1",
        "  chain rule        ∂E/∂w5 = ∂E/∂net_o1 · out_h1",
        "  substituted              = (out_o1 - t1) · out_o1 · (1 - out_o1) · out_h1",
        "  value             ∂E/∂w5 = 0.082167",
    ]


def test_one_way_of_scalars_is_one_product(backprop: Any) -> None:
    """Where one way leads to the output, all its slopes stand in one line, and the whole formula has its numbers."""
    out = backprop("derive", ROOT / "specs" / "mazur.yaml", "w5", "w1").out
    assert "whole chain       ∂E/∂w5 = ∂E/∂E_o1 · ∂E_o1/∂out_o1 · ∂out_o1/∂net_o1 · ∂net_o1/∂w5" in out
    assert "in numbers        (0.751365 - 0.01) · 0.751365 · (1 - 0.751365) · 0.59327 = 0.082167" in out
    assert out.count("whole chain") == 1  # two ways lead from w1


@pytest.mark.parametrize("expression", ["-sum(2 * A @ B @ C @ D)", "sum(v @ A @ B) - 3 * sum(tanh(A @ B @ C)**2)",
                                        "sum(einsum('ij,jk->ik', 2*A, B @ C)) + trace(A @ B @ C @ D) / 2"])  # fmt: skip
def test_long_products_are_put_together_too(expression: str, backprop: Any) -> None:
    """The algebra between two lines takes chains of any length."""
    shapes = [part for shape in ("A=2,3", "B=3,4", "C=4,5", "D=5,2", "v=2") for part in ("--shape", shape)
              if shape[0] in re.sub(r"[a-z]{2,}", "", expression)]  # fmt: skip
    done = backprop("derive", "-e", f"u = {expression}", "-e", "loss = 2 * u", *shapes, "--wrt", "all")
    assert (done.code, done.err) == (0, "")
    assert "  chain rule " in done.out


def test_an_entry_is_chosen(backprop: Any) -> None:
    """`--entry` puts the numbers of that entry in; one outside every array is refused with the arrays' shapes."""
    spec = ROOT / "specs" / "two_layer.yaml"
    assert (
        "in numbers        [1, 0]: 0.00013098 · 0.731059 = 9.57538e-05"
        in backprop("derive", spec, "w2", "--entry", "1,0").out
    )
    refused = backprop("derive", spec, "w2", "--entry", "2,0")
    assert refused.code == 2
    assert "no gradient has an entry [2,0]" in refused.err
    assert "w2 (2, 2)" in refused.err
    assert backprop("derive", spec, "w2", "--entry", "first").code == 2


def test_each_explanation_stands_once(backprop: Any) -> None:
    """A reason and the meaning of a sign are given where they are first needed, and not again."""
    out = backprop("derive", ROOT / "specs" / "two_layer.yaml").out
    assert out.count("σ' = σ (1 - σ)") == 1
    assert out.count("⊙ multiplies entry by entry") == 1
    assert out.index("⊙ multiplies entry by entry") > out.index("⊙")


def test_a_definition_is_what_the_user_wrote(backprop: Any, tmp_path: Path) -> None:
    """A loss function keeps its name, terms keep their order."""
    (tmp_path / "s.yaml").write_text("inputs: {x: [[1.0, 2.0]], t: [1]}\nparams: {W: [[0.1, 0.2], [0.3, 0.4]]}\n"
                                     "nodes: {s: x @ W, loss: 'cross_entropy(s, t) + 0.01 * sum(W**2)'}\n")  # fmt: skip
    out = backprop("derive", tmp_path / "s.yaml").out
    assert "loss = cross_entropy(s, t) + 0.01 Σ(W²)" in out
