"""The shipped specs: each runs, agrees with PyTorch, and prints the formulas that were read and found good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.formulas.printed import Omitted
from backprop_cli.language.reader import load_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.result import Result
from tests.shipped import SPECS, shipped
from tests.specs.golden import EVERYWHERE, key, printed, written

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
ALL = sorted((ROOT / "specs").rglob("*.yaml"))
PYTORCH: dict[str, Any] = json.loads((DATA / "specs_pytorch.json").read_text(encoding="utf-8"))["specs"]
GOLDEN: dict[str, Any] = {name: json.loads((DATA / f"{name}.json").read_text(encoding="utf-8")) for name in EVERYWHERE}

NOT_IN_PYTORCH = {"accumulate_two", "accumulate_three", "vector_dot_twice", "gradient_clipping", "own_function"}
"""Their gradients are published with the exercises, or follow from the spec in one line (below)."""

_ids = {"argvalues": SPECS, "ids": lambda path: path.stem}


def result_of(path: Path) -> Result:
    """A spec, run, in numbers."""
    return run(load_spec(str(path)), Settings(terms=()))


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_spec_says_what_to_look_at(path: Path) -> None:
    """Each spec has a title and one sentence."""
    spec = load_spec(str(path))
    assert spec.title
    assert not spec.title.endswith(".")
    assert spec.description
    assert spec.description.endswith(".")


@pytest.mark.parametrize("path", **_ids)
def test_every_formula_is_its_value(path: Path) -> None:
    """Each gradient has a formula of one step, and every formula printed evaluates to the gradient's value."""
    for node in shipped(path).result.nodes:
        for terms, formula in node.gradient.formula.items() if node.gradient else ():
            if isinstance(formula, Omitted):
                assert terms != "local" or "passes" in formula.why, node.name
            else:
                assert formula.deviation is not None
                assert formula.deviation < 1e-9, (node.name, terms, formula.text)


def test_pytorch_covers_the_specs() -> None:
    """Only specs with something that PyTorch's expressions lack are left out of the comparison."""
    assert {path.stem for path in SPECS} - PYTORCH.keys() == NOT_IN_PYTORCH


@pytest.mark.parametrize("name", PYTORCH)
def test_numbers_are_pytorchs(name: str) -> None:
    """Every value and every gradient, leaf or not, is what PyTorch computes in float64."""
    nodes = result_of(ROOT / "specs" / f"{name}.yaml").by_name
    for node, value in PYTORCH[name]["values"].items():
        np.testing.assert_allclose(nodes[node].value, value, rtol=1e-9, atol=1e-12, err_msg=node)
    for node, value in PYTORCH[name]["gradients"].items():
        gradient = nodes[node].gradient
        assert gradient is not None, node
        np.testing.assert_allclose(gradient.value, value, rtol=1e-9, atol=1e-12, err_msg=f"{node}.grad")


def test_a_hook_changes_what_flows_on() -> None:
    """gradient_clipping: 2z = (6, -8) is clipped to (1, -1), so w gets x times that."""
    nodes = result_of(ROOT / "specs" / "gradient_clipping.yaml").by_name
    np.testing.assert_allclose(nodes["z"].gradient.value, [1, -1])  # type: ignore[union-attr]
    np.testing.assert_allclose(nodes["w"].gradient.value, [3, 2])  # type: ignore[union-attr]


def test_an_own_function_uses_its_hand_written_gradient() -> None:
    """own_function: swish' = σ + x σ (1 - σ)."""
    nodes = result_of(ROOT / "specs" / "own_function.yaml").by_name
    w = np.array([0.5, -1.0, 2.0])
    s = 1 / (1 + np.exp(-w))
    np.testing.assert_allclose(nodes["w"].gradient.value, s + w * s * (1 - s), rtol=1e-12)  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ALL, ids=key)
def test_formulas_are_the_golden_ones(path: Path) -> None:
    """The printed formulas, in text and in LaTeX, do not change unnoticed (`make golden` accepts the new ones)."""
    found = printed(path)
    for file, notation in (("specs_formulas", "text"), ("specs_latex", "latex")):
        assert written(found, notation) == GOLDEN[file].get(key(path))


def test_the_command_runs_them_all(backprop: Any) -> None:
    """One call of `backprop run` takes every spec."""
    done = backprop("run", *SPECS, "--terms", "none", "--format", "ndjson")
    assert (done.code, done.err) == (0, "")
    assert [json.loads(line)["schema"] for line in done.out.splitlines()] == ["backprop.run/1"] * len(SPECS)
