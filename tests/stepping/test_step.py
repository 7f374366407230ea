"""`backprop step`: the rules against PyTorch's numbers, a published page, and what is written back."""

from __future__ import annotations

import json
import math
import re
import tracemalloc
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.errors import SpecError
from backprop_cli.records import replace
from backprop_cli.report.stepped import json_
from backprop_cli.report.view import View
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.leaves import load_leaves
from backprop_cli.tasks.stepping.rules import RULES
from backprop_cli.tasks.stepping.step import StepSettings, step
from backprop_cli.tasks.stepping.training import Training, is_seeded
from backprop_cli.tasks.stepping.updates import mover_for
from tests.conftest import ROOT, Backprop

MAZUR = ROOT / "specs" / "mazur.yaml"
WEIGHTS = "w1,w2,w3,w4,w5,w6,w7,w8"
CASES: list[dict[str, Any]] = json.loads((ROOT / "tests" / "data" / "optimizers.json").read_text())

TANH_FIT = """\
params:
  w: [0.5, -0.3]   # two weights
  b: 0.2
inputs:
  A: [[1, 2], [3, -1], [0.5, 0.25]]
  y: [1, -2, 3]
nodes:
  loss: sum((tanh(A @ w) + b - y)**2)
"""


def stepped(backprop: Backprop, *args: str | Path, stdin: str = "") -> dict[str, Any]:
    """The JSON of a run of `step`."""
    done = backprop("step", *args, "--format", "json", stdin=stdin)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def options(parameters: dict[str, str]) -> list[str]:
    """The parameters as options."""
    return [word for name, value in parameters.items() for word in (f"--{name.replace('_', '-')}", value)]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['rule']} {' '.join(c['parameters'])}")
def test_rules_give_the_numbers_of_torch_optim(backprop: Backprop, case: dict[str, Any]) -> None:
    """Five steps of each rule, with each of its parameters, are those that torch.optim printed."""
    for steps in (1, 2, 5):
        found = stepped(backprop, "-", "--rule", case["rule"], *options(case["parameters"]), "--steps", str(steps),
                        "--every", "1", "--terms", "none", stdin=TANH_FIT)  # fmt: skip
        new = [*found["params"]["w"]["new"], found["params"]["b"]["new"]]
        np.testing.assert_allclose(new, case["params"][steps - 1], rtol=1e-12)
        np.testing.assert_allclose([h["loss"] for h in found["history"]], case["losses"][: steps + 1], rtol=1e-12)


def test_mazurs_page_after_one_step(backprop: Backprop) -> None:
    """Mazur, "A step by step backpropagation example": every updated weight, and the error, as he prints them."""
    found = stepped(backprop, MAZUR, "--lr", "0.5", "--wrt", WEIGHTS)
    printed = {"w1": 0.149780716, "w2": 0.19956143, "w3": 0.24975114, "w4": 0.29950229, "w5": 0.35891648,
               "w6": 0.408666186, "w7": 0.511301270, "w8": 0.561370121}  # fmt: skip
    assert set(found["params"]) == set(printed)
    for name, value in printed.items():
        digits = len(str(value).partition(".")[2])
        assert found["params"][name]["new"] == pytest.approx(value, abs=0.51 * 10**-digits), name
    assert [round(h["loss"], 9) for h in found["history"]] == [0.298371109, 0.291027774]
    assert found["params"]["w5"]["formula"]["text"] == "w5 - 0.5 · ∂E/∂w5"
    assert found["params"]["w5"]["formula"]["code"] == "w5 - 0.5 * grad(w5)"
    assert found["params"]["w5"]["substituted"] == "0.4 - 0.5 · 0.082167 = 0.358916"


def test_mazurs_page_after_ten_thousand_steps(backprop: Backprop) -> None:
    """His error after 10,000 steps is 0.0000351085 by its text and 0.000035102 to the digits that agree."""
    found = stepped(backprop, MAZUR, "--lr", "0.5", "--wrt", WEIGHTS, "--steps", "10000", "--every", "2500",
                    "--terms", "none")  # fmt: skip
    assert round(found["history"][-1]["loss"], 7) == 0.0000351
    assert [h["step"] for h in found["history"]] == [0, 2500, 5000, 7500, 10000]


NIELSEN = "inputs: {x: 1, y: 0}\nparams: {w: %s, b: %s}\nnodes:\n  a: sigmoid(w*x + b)\n  C: (y - a)**2/2\n"


@pytest.mark.parametrize(("w", "b", "before", "after"), [(0.6, 0.9, 0.82, 0.09), (2.0, 2.0, 0.98, 0.20)])
def test_nielsens_neuron(backprop: Backprop, tmp_path: Path, w: float, b: float, before: float, after: float) -> None:
    """Nielsen, chapter 3: one neuron that learns to give 0 for 1; its outputs before and after 300 steps of 0.15."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(NIELSEN % (w, b))
    assert backprop("step", old, "--lr", "0.15", "--steps", "300", "--terms", "none", "-o", new).code == 0
    outputs = [float(backprop("run", path, "--get", "a").out) for path in (old, new)]
    assert [round(a, 2) for a in outputs] == [before, after]


def test_nielsens_four_equations(backprop: Backprop) -> None:
    """Chapter 2, (BP1) to (BP4): δᴸ = (a - y) ⊙ σ'(z), δˡ = (wᵀ δ) ⊙ σ'(z), ∂C/∂b = δ, ∂C/∂w = δ aᵀ."""
    spec = ("inputs: {x: [1, 2], y: [0, 1]}\n"
            "params: {w2: [[1, 2], [3, 4]], b2: [1, 1], w3: [[1, 0], [2, 1]], b3: [0, 1]}\n"
            "nodes:\n  z2: w2 @ x + b2\n  a2: sigmoid(z2)\n  z3: w3 @ a2 + b3\n  a3: sigmoid(z3)\n"
            "  C: sum((y - a3)**2)/2\n")
    nodes = json.loads(backprop("run", "-", "--format", "json", stdin=spec).out)["nodes"]
    local = {name: node["gradient"]["formula"]["local"]["text"] for name, node in nodes.items() if node["gradient"]}
    nodewise = nodes["z3"]["gradient"]["formula"]["nodes"]["text"]
    assert nodewise == "(a3 - y) ⊙ a3 ⊙ (1 - a3)"  # BP1
    assert (local["z2"], local["a2"]) == ("∂C/∂a2 ⊙ a2 ⊙ (1 - a2)", "w3ᵀ · ∂C/∂z3")  # BP2
    assert (local["b3"], local["b2"]) == ("∂C/∂z3", "∂C/∂z2")  # BP3
    assert (local["w3"], local["w2"]) == ("∂C/∂z3 · a2ᵀ", "∂C/∂z2 · xᵀ")  # BP4


def test_a_page_of_adam_by_hand(backprop: Backprop) -> None:
    """Minimise x² from 1 with lr 0.1: Adam's first step is the learning rate; the state of two steps by hand."""
    spec = "params: {x: 1}\nnodes: {f: x**2}\n"
    table = stepped(backprop, "-", "--rule", "adam", "--lr", "0.1", "--steps", "2", "--every", "1", stdin=spec)
    first, second = table["params"]["x"]["table"]["x"]
    assert (first["g"], round(first["m"], 12), round(first["v"], 12)) == (2.0, 0.2, 0.004)
    assert round(first["m_hat"], 9) == 2.0
    assert round(first["v_hat"], 9) == 4.0
    assert first["w"] == pytest.approx(0.9, abs=1e-9)
    m, v = 0.9 * 0.2 + 0.1 * second["g"], 0.999 * 0.004 + 0.001 * second["g"] ** 2
    assert second["w"] == pytest.approx(first["w"] - 0.1 * (m / 0.19) / math.sqrt(v / 0.001999), abs=1e-8)
    text = backprop("step", "-", "--rule", "adam", "--lr", "0.1", stdin=spec).out
    assert "m ← 0.9 · m + 0.1 · ∂f/∂x" in text
    assert "0.9 · 0 + 0.1 · 2 = 0.2" in text
    assert "0.2 / (1 - 0.9¹) = 2" in text


def test_what_is_put_in_evaluates_to_what_is_printed(backprop: Backprop) -> None:
    """The substituted line, read as arithmetic, gives the printed result within the rounding of its numbers."""
    found = stepped(backprop, MAZUR, "--lr", "0.5")
    for name, update in found["params"].items():
        left, _, right = update["substituted"].partition(" = ")
        old, _, change = left.partition(" - ")
        rate, _, gradient = change.partition(" · ")
        assert float(old) - float(rate) * float(gradient.strip("()")) == pytest.approx(float(right), rel=1e-5), name
        assert update["new"] == pytest.approx(float(right), rel=1e-5)


def test_the_new_spec_keeps_comments_and_order(backprop: Backprop, tmp_path: Path) -> None:
    """`-o NEW.yaml` changes numbers alone: every other character is the old spec's, and running it starts there."""
    old = tmp_path / "old.yaml"
    old.write_text(
        "# a comment\nparams:\n  w:      # rows\n    - [1, 2]   # first\n    - [3, 4]\n"
        "  b: {value: [0.5, 1], shape: [2]}\n  c: {shape: [2], init: normal, seed: 1}\n"
        "nodes:\n  loss: sum((w @ b + c)**2)\n"
    )
    new = tmp_path / "new.yaml"
    found = stepped(backprop, old, "--lr", "0.01", "--set", "b=[1, 1]", "-o", new)
    text = new.read_text()
    assert "# a comment\nparams:\n  w:      # rows\n    - [" in text
    assert "]   # first\n" in text
    bare = re.sub(r"\{[^}]*\}|[-\d.e]+", "0", text), re.sub(r"\{[^}]*\}|[-\d.e]+", "0", old.read_text())
    assert bare[0] == bare[1]
    again = json.loads(backprop("run", new, "--format", "json", "--terms", "none").out)
    for name in ("w", "b", "c"):
        assert again["nodes"][name]["value"] == found["params"][name]["new"]
    assert again["nodes"]["loss"]["value"] == found["history"][-1]["loss"]


CLAIMED = """\
params:
  A: {value: [[1, 2], [2, 5]], symmetric: true}   # as drawn
  p:
    value: [0.2, 0.8]
    sums_to_one: -1  # a distribution
    positive: true
nodes: {f: 'sum(A[0]**3) + sum(p**2)'}
"""


def test_what_a_step_makes_untrue_is_not_stated_of_the_new_spec(backprop: Backprop, tmp_path: Path) -> None:
    """A gradient need not keep a matrix symmetric, nor a sum 1: that is told, and the new spec runs."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(CLAIMED)
    done = backprop("step", old, "--lr", "0.01", "-o", new)
    assert done.code == 0, done.err
    assert "warning: A: it is declared symmetric, which a step does not keep: A[0, 1] is" in done.out
    assert "warning: p: it is declared sums_to_one" in done.out
    assert "declared positive" not in done.out
    text = new.read_text()
    assert "symmetric: false}   # as drawn\n" in text
    assert "    sums_to_one: false  # a distribution\n    positive: true\n" in text
    assert backprop("run", new, "--get", "f").code == 0
    assert backprop("step", old, "--lr", "0", "-o", new).code == 0
    assert new.read_text() == CLAIMED


def test_the_new_spec_of_layers_is_expanded(backprop: Backprop, tmp_path: Path) -> None:
    """Params that `layers` made stand nowhere in the text: the new spec is the expanded one, with their new values."""
    spec = "inputs: {x: [[1.0, 2.0]]}\nlayers:\n  - linear: 2\n  - tanh\nnodes: {loss: sum(a_1**2)}\noutput: loss\n"
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(spec)
    done = backprop("step", old, "--lr", "0.1", "-o", new)
    if "layers" in done.err:
        pytest.skip("the layers' grammar is another")
    assert done.code == 0, done.err
    assert "W_1" in new.read_text()
    assert backprop("run", new, "--get", "loss").code == 0


def test_history_as_csv_plot_and_sparkline(backprop: Backprop, tmp_path: Path) -> None:
    """The loss of every recorded step in CSV; the SVG has one point a step and falls as the loss does."""
    plot = tmp_path / "loss.svg"
    done = backprop("step", "-", "--lr", "0.05", "--steps", "20", "--every", "5", "--plot", plot, "--format", "csv",
                    stdin=TANH_FIT)  # fmt: skip
    lines = done.out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "0", "5", "10", "15", "20"]
    points = re.search(r'points="([^"]*)"', plot.read_text())
    assert points
    heights = [float(point.split(",")[1]) for point in points[1].split()]
    assert len(heights) >= 21
    assert heights[-1] > heights[0]
    assert "█" in backprop("step", "-", "--lr", "0.05", "--steps", "20", stdin=TANH_FIT).out


@pytest.mark.parametrize(("rate", "code"), [("10", "grew"), ("1e200", "diverged")])
def test_divergence_is_told(backprop: Backprop, rate: str, code: str) -> None:
    """A loss that grows, or is no number any more, is a warning; no step is taken from NaN."""
    found = stepped(backprop, "-", "--lr", rate, "--steps", "3", stdin="params: {x: 1}\nnodes: {f: x**2 + x**4}\n")
    assert [w["code"] for w in found["warnings"]] in ([code], ["diverged"])
    assert found["history"][-1]["loss"] in ("nan", "inf") or code == "grew"


@pytest.mark.parametrize(("args", "words"), [
    (["--momentum", "0.9"], "the rule sgd has no parameter 'momentum'"),
    (["--lr", "fast"], "--lr needs a number, found 'fast'"), (["--lr", "nan"], "--lr needs a number"),
    (["--lr", "-1"], "0 or more"), (["--rule", "adam", "--beta1", "1"], "not including, 1"),
    (["--rule", "adam", "--amsgrad", "2"], "--amsgrad is 0 or 1"),
    (["--rule", "newton"], "newton"), (["--steps", "0"], "0"), (["-o", "new.docx"], "has the suffix '.docx'"),
    (["--plot", "loss.png"], "the plot is an SVG"), (["--wrt", "A", "--output", "b"], "does not depend"),
])  # fmt: skip
def test_bad_input_is_told_plainly(backprop: Backprop, args: list[str], words: str) -> None:
    """Exit code 2, one message with the user's words, nothing on stdout."""
    done = backprop("step", "-", *args, stdin=TANH_FIT)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert "Traceback" not in done.err


def test_the_spec_itself_is_not_overwritten(backprop: Backprop, tmp_path: Path) -> None:
    """Nothing that is read is written to."""
    spec = tmp_path / "net.yaml"
    spec.write_text(TANH_FIT)
    assert backprop("step", spec, "-o", spec).code == 2
    assert spec.read_text() == TANH_FIT


def test_steps_do_not_plan_the_passes_again(monkeypatch: pytest.MonkeyPatch, backprop: Backprop) -> None:
    """The rules are bound once, however many steps are taken."""
    from backprop_cli.tasks import calculate

    calls: list[int] = []
    real = calculate.plan
    monkeypatch.setattr(calculate, "plan", lambda *args: calls.append(1) or real(*args))
    stepped(backprop, "-", "--steps", "50", "--terms", "none", stdin=TANH_FIT)
    assert len(calls) == 1


SHARED = """
params: {A: {shape: [3, 3], init: normal}, B: {shape: [3, 3], init: normal}, C: {shape: [3, 3], init: normal}}
nodes: {m: A @ B, l: sum(m) + sum(B + C) + sum(C * A) + sum(m * m)}
"""


@pytest.mark.parametrize("rule", RULES)
def test_many_steps_are_single_steps_one_after_the_other(rule: str, spec_of: Any) -> None:
    """Steps that write over gradients and values end where steps that keep all of them do: the rule by itself."""
    graph = build(spec_of(SHARED))
    parameters = {**RULES[rule].defaults, "weight_decay": Fraction(1, 10)}
    many = Training(graph, load_leaves(graph), RULES[rule], parameters)
    many.run(6, 6)
    leaves = load_leaves(graph)
    movers = {i: mover_for(graph.spec, RULES[rule], parameters, graph.nodes[i].shape) for i in graph.wrt}
    for _ in range(6):
        computed = compute(graph, leaves)
        leaves |= {i: mover.move(leaves[i].copy(), computed.gradient(i).copy())["w"] for i, mover in movers.items()}
    for index in graph.wrt:
        np.testing.assert_array_equal(many.leaves[index], leaves[index])


def test_a_param_that_the_output_does_not_use_stays(backprop: Backprop) -> None:
    """It is told, and keeps its value."""
    found = stepped(backprop, "-", "--lr", "1", stdin="params: {x: 1, z: 7}\nnodes: {f: x**2, g: z * f}\noutput: f\n")
    assert found["params"]["z"]["new"] == 7
    assert found["params"]["x"]["new"] == -1


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_what_a_rule_holds_counts(rule: str, spec_of: Any) -> None:
    """Rule: --max-bytes counts what moving the params takes, too: the peak is at most twice the limit that would do."""
    spec = spec_of("params: {W: {shape: [300, 300], init: normal}}\nnodes: {y: sum(W*W)}\n")
    with pytest.raises(SpecError, match="would take") as refused:
        step(spec, StepSettings(rule=rule, max_bytes=1000))
    found = re.search(r"take ([\d,]+) bytes", str(refused.value))
    assert found is not None
    counted = int(found[1].replace(",", ""))
    step(spec, StepSettings(rule=rule, steps=2, formulas=False))  # what is imported once
    tracemalloc.start()
    step(spec, StepSettings(rule=rule, steps=3, formulas=False))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counted / 3 < peak < 2 * counted


@pytest.mark.parametrize("rule", ["sgd", "adam"])
@pytest.mark.parametrize(("settings", "params"), [({"steps": 20_000}, 1), ({"steps": 600, "every": 1}, 20)])
def test_what_is_recorded_counts(rule: str, settings: dict[str, int], params: int, spec_of: Any) -> None:
    """Rule: --max-bytes counts the losses of many steps, and the rows of many small params, as much as they take."""
    leaves = ", ".join(f"w{i}: 1.5" for i in range(params))
    spec = spec_of(f"params: {{{leaves}}}\nnodes: {{y: {' + '.join(f'w{i}*w{i}' for i in range(params))}}}\n")
    chosen = StepSettings(rule=rule, given={"lr": "1e-9"}, formulas=False, **settings)
    with pytest.raises(SpecError, match=r"take ([\d,]+) bytes.*--max-bytes") as refused:
        step(spec, replace(chosen, max_bytes=1000))
    assert "the loss of each step" in (refused.value.hint or "")
    counted = int(re.search(r"take ([\d,]+) bytes", str(refused.value))[1].replace(",", ""))
    step(spec, replace(chosen, steps=2))  # what is imported once
    tracemalloc.start()
    found = step(spec, chosen)
    text = json_.render(found, View())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert text
    assert counted / 6 < peak < counted


LARGE = """
inputs: {x: {shape: [4, 60], init: normal}, t: [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]}
params: {U: {shape: [60, 180], init: normal, std: 0.1}, V: {shape: [180, 3], init: normal}, b: [0, 0, 0]}
nodes:
  h: relu(x @ U)
  l: cross_entropy(h @ V + b, t)
"""


def test_large_params_move_by_a_reverse_pass_that_begins_with_lr(spec_of: Any) -> None:
    """To the last digits the steps are those of w - lr g, and a small param's table shows the gradient itself."""
    graph, parameters = build(spec_of(LARGE)), {**RULES["sgd"].defaults, "lr": Fraction(3, 7)}
    many = Training(graph, load_leaves(graph), RULES["sgd"], parameters)
    many.run(5, 1)
    leaves = load_leaves(graph)
    for now in range(1, 6):
        computed = compute(graph, leaves)
        table = [[row for row in trace.rows if row.step == now] for trace in many.traces(graph.names["b"])]
        found = [row.values["g"] for rows in table for row in rows]
        np.testing.assert_allclose(found, computed.gradient(graph.names["b"]), rtol=1e-10, atol=1e-15)
        leaves |= {i: leaves[i] - 3 / 7 * computed.gradient(i) for i in graph.wrt}
    for index in graph.wrt:
        np.testing.assert_allclose(many.leaves[index], leaves[index], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("text", "why"), [
    (LARGE + "hooks: {h: tanh(grad)}\n", "a hook"),
    (LARGE.replace("relu(x @ U)", "f(x @ U)")
     + "functions: {f: {args: [z], body: tanh(z), grads: {z: tanh(grad(out))}}}\n", "a user's rule"),
])  # fmt: skip
def test_what_is_not_linear_in_the_seed_keeps_it(spec_of: Any, text: str, why: str) -> None:
    """A hook and a user's own rule see the gradients themselves."""
    rule, parameters = RULES["sgd"], RULES["sgd"].defaults
    assert is_seeded(build(spec_of(LARGE)), rule, parameters)
    assert not is_seeded(build(spec_of(text)), rule, parameters), why
