"""Jacobians, Hessians and tangents from a student's own earlier answers earn credit; the numbers are made here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Backprop

NET = """\
inputs: {x: [[1.0, 2.0], [0.5, -1.0]], y: [1.0, -1.0]}
params: {W: [[0.5, -0.3], [0.2, 0.7]], v: [1.0, -0.5], b: 0.1}
nodes: {h: tanh(x @ W), p: h @ v + b, r: p - y, loss: mean(r**2)}
"""
SCHEME = """\
spec: net.yaml
tangents: {v: [1, 0]}
points: {h: 1, "p.jacobian(v)[0, 1]": 1, "p.jacobian(v)": 1, "loss.hessian(v)": 1, "loss.hessian(v)[0, 1]": 1,
         p.tangent: 1, r.tangent: 1, loss.tangent: 1}
"""
x, y = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([1.0, -1.0])
W, v, b = np.array([[0.5, -0.3], [0.2, 0.7]]), np.array([1.0, -0.5]), 0.1


def answers(h: Any = None, moved: Any = None) -> dict[str, Any]:
    """What follows, by hand, from the hidden values and from the predictions' tangent."""
    h = np.tanh(x @ W) if h is None else h
    moved = h[:, 0] if moved is None else moved
    return {"h": h, "p.jacobian(v)": h, "p.jacobian(v)[0, 1]": h[0, 1], "loss.hessian(v)": h.T @ h,
            "loss.hessian(v)[0, 1]": (h.T @ h)[0, 1], "p.tangent": moved, "r.tangent": moved,
            "loss.tangent": (h @ v + b - y) @ moved}  # fmt: skip


Graded = Callable[[dict[str, Any]], dict[str, str]]


@pytest.fixture
def graded(backprop: Backprop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Graded:
    """The status of each answer."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(NET, encoding="utf-8")
    (tmp_path / "key.yaml").write_text(SCHEME, encoding="utf-8")

    def run(given: dict[str, Any]) -> dict[str, str]:
        sheet = {"answers": {name: np.asarray(one).tolist() for name, one in given.items()}}
        (tmp_path / "ann.json").write_text(json.dumps(sheet), encoding="utf-8")
        found = json.loads(backprop("grade", "key.yaml", "ann.json", "--format", "json").out)
        return {one["item"]: "carried" if one["carried_forward"] else one["status"] for one in found["items"]}

    return run


def marks(graded: dict[str, str], status: str) -> set[str]:
    """The items of a status."""
    return {item for item, one in graded.items() if one == status}


def test_all_right(graded: Graded) -> None:
    """The numbers of these tests are the key's."""
    assert set(graded(answers()).values()) == {"right"}


def test_a_slip_in_a_value_costs_once(graded: Graded) -> None:
    """Rule: what follows from it is credited, a Hessian and a tangent, too."""
    found = graded(answers(h=x @ W))
    assert marks(found, "wrong") == {"h"}
    assert marks(found, "carried") == answers().keys() - {"h"}


def test_a_slip_in_a_tangent_costs_once(graded: Graded) -> None:
    """Rule: later tangents follow from it; also from two slips, one after the other."""
    found = graded(answers(moved=np.array([1.0, 2.0])))
    assert marks(found, "wrong") == {"p.tangent"}
    assert marks(found, "carried") == {"r.tangent", "loss.tangent"}
    twice = answers(moved=np.array([1.0, 2.0]))
    twice["r.tangent"] = np.array([3.0, -1.0])
    twice["loss.tangent"] = (np.tanh(x @ W) @ v + b - y) @ twice["r.tangent"]
    found = graded(twice)
    assert marks(found, "wrong") == {"p.tangent", "r.tangent"}
    assert marks(found, "carried") == {"loss.tangent"}


@pytest.mark.parametrize("whole", ["p.jacobian(v)", "loss.hessian(v)"])
def test_an_entry_and_its_matrix_are_one_slip(whole: str, graded: Graded) -> None:
    """Rule: whichever was asked for first is wrong, and the other one follows from it."""
    given, entry = answers(), f"{whole}[0, 1]"
    given[whole] = given[whole] + np.array([[0.0, 1.0], [0.0, 0.0]])
    given[entry] = given[whole][0, 1]
    found = graded(given)
    assert len(marks(found, "wrong")) == len(marks(found, "carried")) == 1
    assert marks(found, "wrong") | marks(found, "carried") == {whole, entry}


@pytest.mark.parametrize("item", ["loss.tangent", "loss.hessian(v)", "p.jacobian(v)[0, 1]"])
def test_what_follows_from_nothing_is_wrong(item: str, graded: Graded) -> None:
    """Rule: no slip before it excuses a number that it does not lead to."""
    for given in (answers(), answers(h=x @ W), answers(moved=np.array([1.0, 2.0]))):
        given[item] = given[item] + 0.25
        assert item in marks(graded(given), "wrong")
