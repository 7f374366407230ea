"""The exercises of the tutorials that this project grew out of, through the Python API and through the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.errors import BackpropError
from backprop_cli.tasks.calculate import Settings, run
from tests import quick_yaml

EXERCISES: list[dict[str, Any]] = quick_yaml.cases("notebooks.yaml")
FAILING = [e for e in EXERCISES if e["expect"] == [{"error": True}]]
SOUND = [e for e in EXERCISES if e not in FAILING]
GETS = [(e, want) for e in SOUND for want in e["expect"] if "get" in want]
EQUALS = [(e, want["equal"]) for e in SOUND for want in e["expect"] if "equal" in want]


def text_of(exercise: dict[str, Any]) -> str:
    """The exercise's spec as the text of a file (JSON is YAML)."""
    return json.dumps(exercise["spec"], indent=1)


def named(pairs: list[Any], label: Callable[[Any], str]) -> list[Any]:
    """Pytest parameters with readable ids."""
    return [pytest.param(*pair, id=f"{pair[0]['id']}-{label(pair[1])}") for pair in pairs]


def lookup(result: Any, path: str) -> Any:
    """`loss`, `w1.grad` of a result."""
    name, _, part = path.partition(".")
    node = result.by_name[name]
    return node.gradient.value if part == "grad" else node.value


def reference(expression: str, result: Any) -> Any:
    """An expression evaluated by numpy, which knows nothing of this project."""
    words: dict[str, Any] = {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "outer": np.outer}
    return eval(expression, {**words, **{node.name: node.value for node in result.nodes}})


def check_agrees(found: Any, want: dict[str, Any]) -> None:
    """Compare with the printed numbers; some print a matrix of one row as its row."""
    expected = np.asarray(want["printed"], dtype=float)
    np.testing.assert_allclose(np.reshape(found, expected.shape), expected, rtol=0, atol=want["within"])


def test_every_exercise_is_here() -> None:
    """All nineteen exercises are run, and each asks for something."""
    assert len(EXERCISES) == 19
    assert len(FAILING) == 2
    assert {e["id"] for e, _ in [*GETS, *EQUALS]} == {e["id"] for e in SOUND}


@pytest.mark.parametrize(("exercise", "want"), named(GETS, lambda want: want["get"]))
def test_number_by_api(exercise: dict[str, Any], want: dict[str, Any], spec_of: Any) -> None:
    """Every number that a notebook printed comes out of the library."""
    check_agrees(lookup(run(spec_of(text_of(exercise)), Settings(terms=())), want["get"]), want)


@pytest.mark.parametrize(("exercise", "pair"), named(EQUALS, lambda pair: pair[0]))
def test_gradient_equals_hand_derivation(exercise: dict[str, Any], pair: list[str], spec_of: Any) -> None:
    """A gradient equals the notebook's own derivation of it, evaluated by numpy."""
    result = run(spec_of(text_of(exercise)), Settings(terms=()))
    np.testing.assert_allclose(lookup(result, pair[0]), reference(pair[1], result), rtol=1e-12)


@pytest.mark.parametrize("exercise", FAILING, ids=lambda e: e["id"])
def test_error_by_api(exercise: dict[str, Any], spec_of: Any) -> None:
    """What PyTorch refuses, the library refuses too, with what to do about it."""
    with pytest.raises(BackpropError) as caught:
        run(spec_of(text_of(exercise)), Settings(terms=()))
    assert caught.value.exit_code == 2
    assert caught.value.hint


@pytest.mark.parametrize(("exercise", "want"), named(GETS, lambda want: want["get"]))
def test_number_by_command(exercise: dict[str, Any], want: dict[str, Any], backprop: Any, tmp_path: Path) -> None:
    """`--get PATH` prints that number and nothing else."""
    spec = tmp_path / "net.yaml"
    spec.write_text(text_of(exercise), encoding="utf-8")
    done = backprop("run", spec, "--get", want["get"])
    assert (done.code, done.err) == (0, "")
    check_agrees(json.loads(done.out), want)


@pytest.mark.parametrize("exercise", FAILING, ids=lambda e: e["id"])
def test_error_by_command(exercise: dict[str, Any], backprop: Any) -> None:
    """A bad spec gives exit code 2, one clear error on stderr, nothing on stdout and no traceback."""
    done = backprop("run", "-", stdin=text_of(exercise))
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("error[E0")
    assert "Traceback" not in done.err
