"""What `check` says about whole specs: seeds, passes, hooks, kinks, what is held fixed, what is not finite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backprop_cli.language.reader import load_spec
from backprop_cli.tasks.checks import CheckSettings, check

ROOT = Path(__file__).resolve().parent.parent.parent
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))
TWO_LAYER = ROOT / "specs" / "two_layer.yaml"


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_shipped_spec_is_right(path: Path) -> None:
    """Every gradient of every shipped spec is right, or on a kink; each has formulas that read back."""
    if any(leaf.load is None for leaf in load_spec(str(path)).leaves):
        pytest.skip("shapes without numbers")
    report = check(load_spec(str(path)), CheckSettings(entries=False))
    assert report.ok, [r for r in report.results if r.status == "wrong"]
    assert report.results
    assert all(r.answer("formula") is not None for r in report.results)
    assert report.nonfinite is None


def test_four_answers_on_a_small_net() -> None:
    """On the two-layer net each gradient has three formulas, every difference and every entry by sympy."""
    report = check(load_spec(str(TWO_LAYER)))
    for result in report.results:
        formula, differences, entries = result.answers
        assert formula.checked == 4
        assert differences.checked == differences.total == entries.checked
        assert result.status == "ok"
        assert result.numbers is None


def test_order_is_that_of_the_reverse_pass() -> None:
    """The output comes first, so the first wrong one is where an error begins."""
    report = check(load_spec(str(TWO_LAYER)))
    assert [r.node for r in report.results] == ["loss", "y_2", "z_2", "y_1", "z_1", "w2", "w1"]


def test_seed_and_several_passes(checked: Any) -> None:
    """Each pass is compared with differences of its own seeded output; sums by their formulas."""
    report = checked("""
params: {x: [0.5, -1.0], y: [2.0, 0.3]}
nodes: {a: x * y, b: exp(x) + a}
backward:
  - {output: a, grad_output: ones}
  - {output: a, grad_output: [1.0, -2.0]}
  - {output: 'b[0]'}
""")
    assert report.ok
    assert {r.number for r in report.results} == {1, 2, 3}
    assert [r.status for r in report.results] == ["ok"] * len(report.results)


def test_sum_of_passes_has_formulas(checked: Any) -> None:
    """What leaves accumulate is compared with its own formula, where it has one."""
    report = checked("""
params: {x: [0.5, -1.0], y: [2.0, 0.3]}
nodes: {a: x * y, b: exp(x) + a}
backward: [{output: a, grad_output: ones}, {output: b, grad_output: ones}]
""")
    assert report.ok
    assert [(r.node, r.output) for r in report.results if r.number is None] == [
        ("y", "sum of the passes"), ("x", "sum of the passes")]  # fmt: skip


def test_hook_is_said_not_judged(checked: Any, one: Any) -> None:
    """Above a hook a gradient is no derivative any more: its formula is checked, and the line says why no more is."""
    report = checked("""
inputs: {x: [3.0, -2.0]}
params: {w: [1.0, 2.0], v: [1.0, 1.0]}
nodes: {z: w * x, loss: sum(z**2 * v)}
hooks: {z: 'clip(grad, -1, 1)'}
""")
    for name in ("z", "w"):
        result = one(report, name)
        assert result.status == "ok"
        assert "changed by a hook" in result.answer("differences").note
        assert result.answer("formula").checked == 4
    assert one(report, "v").answer("differences").checked == 2


def test_stop_gradient_is_held(checked: Any, one: Any) -> None:
    """A difference would see through stop_gradient; what it hides is held as it is."""
    report = checked("params: {x: 2.0}\nnodes: {h: stop_gradient(x) * x**2, loss: h * stop_gradient(h)}\n")
    assert report.ok
    assert {r.status for r in report.results} == {"ok"}
    assert one(report, "x").answer("entries").checked == 1


def test_steps_are_differenced_through(checked: Any, one: Any) -> None:
    """What has derivative 0 is not held: differences confirm the 0, and a jump is a kink."""
    report = checked("params: {x: [0.3, 2.0]}\nnodes: {loss: sum(floor(x) * x + (x > 1) * x)}\n")
    assert one(report, "x").status == "kink"
    assert one(report, "x").answer("differences").kinks == ((1,),)
    assert one(report, "x").answer("entries").kinks == ((1,),)


def test_tie_is_a_kink(checked: Any, one: Any) -> None:
    """A tie of max is inconclusive at the tied entries, by differences and by entries; the others are checked."""
    result = one(checked("params: {x: [1.0, 3.0, 3.0]}\nnodes: {loss: max(x)**2}\n"), "x")
    assert result.status == "kink"
    assert result.answer("differences").kinks == ((1,), (2,))
    assert result.answer("entries").kinks == ((1,), (2,))
    assert "[1], [2]" in result.reason


def test_not_finite_names_the_first_node(checked: Any) -> None:
    """Where the forward pass is not finite nothing is confirmed, and the node is named."""
    report = checked("params: {x: [0.0, 1.0]}\nnodes: {p: log(x), loss: sum(p)**2}\n")
    assert report.nonfinite.startswith("p: log is -inf at [0] of x[0] = 0; ")
    assert all(r.status != "ok" for r in report.results if r.node != "x")


def test_nan_gradient_of_a_finite_output_is_wrong(checked: Any, one: Any) -> None:
    """A NaN does not slip through a comparison: where the output has a derivative it is wrong, with the reason."""
    text = "params: {z: [800.0, 1.0]}\nnodes: {p: exp(z)/(1 + exp(z)), loss: 'sum(where(z > 100, z, p))'}\n"
    result = one(checked(text), "z")
    assert result.status == "wrong"
    assert "unstable" in result.reason
    assert result.index == (0,)


def test_own_function_with_a_wrong_gradient_is_named(checked: Any, one: Any) -> None:
    """`check` names the operand whose hand-written gradient is wrong, and by how much."""
    pytest.importorskip("backprop_cli.engine.custom")
    report = checked("""
functions:
  scaled: {args: [x, k], body: x * exp(k), grads: {x: grad(out) * exp(k), k: grad(out) * out * 1.01}}
params: {w: [0.5, -1.0], k: 0.3}
nodes: {y: 'scaled(w, k)', loss: sum(y**2)}
""")
    assert not report.ok
    assert {(f.function, f.operand, f.node): f.status for f in report.functions} == {
        ("scaled", "x", "y"): "ok", ("scaled", "k", "y"): "wrong"}  # fmt: skip
    wrong = next(f for f in report.functions if f.status == "wrong")
    assert wrong.written / wrong.true == pytest.approx(1.01)
    assert one(report, "w").status == "ok"
    assert one(report, "k").status == "wrong"


def test_float32_is_checked_in_float64(checked: Any) -> None:
    """The rules are the same; in float32 differences would only see rounding."""
    report = checked("dtype: float32\nparams: {x: [0.1, 0.2]}\nnodes: {loss: sum(sin(x)*x)}\n")
    assert report.ok
    assert max(a.worst for r in report.results for a in r.answers) < 1e-8


# ── the command ──────────────────────────────────────────────────────────────────────────────────


def test_text_is_one_line_a_node(backprop: Any) -> None:
    """A line a node with each answer's worst relative difference, and a line that sums up."""
    done = backprop("check", TWO_LAYER)
    assert done.code == 0
    lines = [line for line in done.out.splitlines() if line.startswith("  ")]
    assert len(lines) == 7
    assert all(" ok " in line and "formula" in line and "differences" in line and "entries" in line for line in lines)
    assert done.out.splitlines()[-1] == \
        "7 gradients: 7 ok; compared with 28 formulas, 15 differences, 15 derivatives by sympy"  # fmt: skip


def test_exit_code_1_where_they_disagree(backprop: Any, tmp_path: Path) -> None:
    """A wrong gradient gives exit code 1, and its worst entry with the numbers of each answer."""
    pytest.importorskip("backprop_cli.engine.custom")
    spec = tmp_path / "own.yaml"
    spec.write_text("functions: {f: {args: [x], body: x**3, grads: {x: grad(out)*3*x}}}\n"
                    "params: {w: [1.0, 2.0]}\nnodes: {loss: sum(f(w))}\n")  # fmt: skip
    done = backprop("check", spec, TWO_LAYER)
    assert done.code == 1
    assert "[1]: reverse pass 6, formula (local) 6" in done.out
    assert "differences 12" in done.out
    assert "off by 50.00%" in done.out
    assert "hand-written and wrong: the gradient of x in f" in done.out
    assert "7 gradients: 7 ok" in done.out


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_json_is_the_report(form: str, backprop: Any) -> None:
    """The contract `backprop.check/1`: every node with its status and answers."""
    done = backprop("check", TWO_LAYER, "--format", form)
    found = json.loads(done.out)
    assert found["schema"] == "backprop.check/1"
    assert found["ok"] is True
    assert [g["node"] for g in found["gradients"]][-1] == "w1"
    answers = found["gradients"][-1]["answers"]
    assert set(answers) == {"formula", "differences", "entries"}
    assert answers["differences"]["checked"] == answers["differences"]["total"] == 2
    assert form == "json" or done.out.count("\n") == 1


def test_common_options_reach_the_spec(backprop: Any) -> None:
    """`--set`, `--wrt` and `--terms` work as they do for run."""
    done = backprop("check", TWO_LAYER, "--set", "x=[[2.0]]", "--wrt", "x", "--terms", "local", "--format", "json")
    gradients = {g["node"]: g for g in json.loads(done.out)["gradients"]}
    assert "x" in gradients
    assert "w1" not in gradients
    assert gradients["x"]["answers"]["formula"]["checked"] == 1


def test_no_formula_is_evaluated_where_none_is_asked_for(backprop: Any) -> None:
    """`--terms none` leaves differences and entries."""
    done = backprop("check", TWO_LAYER, "--terms", "none", "--format", "json")
    assert all(set(g["answers"]) == {"differences", "entries"} for g in json.loads(done.out)["gradients"])


@pytest.mark.parametrize(("leaf", "status"), [("[1.0, 2.0]", "wrong"), ("{value: [1.0, 2.0], positive: true}", "ok")])
def test_a_gradient_right_for_one_sign_is_not_right(leaf: str, status: str, checked: Any) -> None:
    """A hand-written gradient is tried at leaves of the other sign as well, unless the spec says they are positive."""
    report = checked(f"params: {{x: {leaf}}}\nfunctions: {{f: {{args: [x], body: abs(x), grads: {{x: grad(out)}}}}}}\n"
                     "nodes: {h: f(x), loss: sum(h**2)}\n")
    assert [one.status for one in report.functions] == [status]


def test_what_was_computed_keeps_its_sign(checked: Any) -> None:
    """A gradient that is right for what its function is given, behind a relu, is right."""
    report = checked("params: {x: [1.0, 2.0]}\nfunctions: {f: {args: [x], body: abs(x), grads: {x: grad(out)}}}\n"
                     "nodes: {r: relu(x), h: f(r), loss: sum(h**2)}\n")
    assert [one.status for one in report.functions] == ["ok"]
