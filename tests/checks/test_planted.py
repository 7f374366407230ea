"""The checks are checked: a planted error must be found, by the name of its node, and nothing be found without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import backprop_cli.formulas.tensors
import backprop_cli.tasks.calculate
import backprop_cli.tasks.checks.perturbed
import backprop_cli.tasks.checks.report
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.passes import backward
from backprop_cli.formulas.algebra.formula import RULES, lift
from backprop_cli.formulas.notation import NOTATIONS

NET = """
inputs: {x: [[0.5, -1.0], [2.0, 0.3]], t: [[1.0, 0.0], [0.2, 0.4]]}
params: {a: [[1.0, 0.4], [-0.3, 0.8]], b: [[0.2, -0.5], [0.7, 0.9]], c: [0.3, -0.6]}
nodes:
  u: a @ x + c
  h: tanh(u)
  s: exp(h) * h
  y: b @ s.T
  q: (y - 2*t) * (y + h)
  loss: mean(q**2)
"""
"""Matrix products, a broadcast bias, fan-out (h is used three times), sums that need brackets and signs."""

Plant = Callable[[pytest.MonkeyPatch], None]


def slightly_wrong(patch: pytest.MonkeyPatch) -> None:
    """tanh's slope is 0.1 % too large."""
    right = OPS["tanh"].vjps[0]
    assert right is not None

    def rule(xp: Any, g: Any, y: Any, x: Any) -> Any:
        return right(xp, g, y, x) * (1 + 1 / xp.size(1000))

    patch.setitem(OPS, "tanh", replace(OPS["tanh"], vjps=(rule,)))


def missing_transpose(patch: pytest.MonkeyPatch) -> None:
    """The left operand of a matrix product gets g @ b instead of g @ b.T."""
    right = OPS["matmul"].vjps[1]
    patch.setitem(OPS, "matmul", replace(OPS["matmul"], vjps=(lambda xp, g, y, a, b: g @ b, right)))


def dropped_path(patch: pytest.MonkeyPatch) -> None:
    """Of several consumers only the last one hands its gradient back."""

    def forgetful(graph: Any, steps: Any, *rest: Any) -> Any:
        known: set[int] = set()
        kept = []
        for step in reversed(steps):
            fresh = tuple(edge for edge in step.edges if edge[0] not in known)
            known.update(operand for operand, *_ in step.edges)
            kept.append(replace(step, edges=fresh))
        return backward(graph, kept[::-1], *rest)

    patch.setattr(backprop_cli.tasks.calculate, "backward", forgetful)
    patch.setattr(backprop_cli.formulas.tensors, "backward", forgetful)


def dropped_bracket(patch: pytest.MonkeyPatch) -> None:
    """The printer forgets brackets."""
    patch.setattr(type(NOTATIONS["code"]), "bracket", lambda self, text: text)


def dropped_sign(patch: pytest.MonkeyPatch) -> None:
    """The printer writes + for -."""
    patch.setitem(NOTATIONS, "code", replace(NOTATIONS["code"], minus=" + "))


def wrong_rewrite(patch: pytest.MonkeyPatch) -> None:
    """The algebra takes every matrix for symmetric."""
    patch.setitem(RULES, "transpose", lambda x, axes=None: lift(x))


def no_unbroadcast(patch: pytest.MonkeyPatch) -> None:
    """The gradient of a broadcast operand is averaged where it should be summed, whichever way it is summed."""
    right = Numbers.unbroadcast
    patch.setattr(Numbers, "unbroadcast", lambda self, gradient, shape: right(self, gradient, shape) / 2)


PLANTS: list[tuple[Plant, str, str, set[str]]] = [
    (slightly_wrong, "u", "differences", {"loss", "q", "y", "s", "h"}),
    (missing_transpose, "b", "differences", {"loss", "q", "y", "s", "h", "u", "c"}),
    (dropped_path, "h", "differences", {"loss", "q"}),
    (dropped_bracket, "q", "formula", set()),
    (dropped_sign, "y", "formula", {"loss"}),
    (wrong_rewrite, "s", "formula", {"loss"}),
    (no_unbroadcast, "c", "differences", {"loss", "q", "y", "s", "h", "u", "b", "a"}),
]
"""The error, the node that must be named, the answer that sees it, and nodes that must stay right."""


def test_nothing_is_found_where_nothing_is_wrong(checked: Any) -> None:
    """Without a planted error every node comes out right, under all answers."""
    report = checked(NET)
    assert report.ok
    assert [r.status for r in report.results] == ["ok"] * 9
    assert all(a.worst is not None and a.worst < 1e-8 for r in report.results for a in r.answers if a.name != "entries")
    assert sum(a.checked for r in report.results for a in r.answers if a.name == "entries") > 0


@pytest.mark.parametrize(("plant", "node", "answer", "sound"), PLANTS, ids=[p[0].__name__ for p in PLANTS])
def test_planted_error_is_named(plant: Plant, node: str, answer: str, sound: set[str], checked: Any, one: Any,
                                monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """A planted error makes the node wrong that it first shows at, in the answer that can see it, with its numbers."""
    plant(monkeypatch)
    report = checked(NET, entries=False)
    assert not report.ok
    result = one(report, node)
    assert result.status == "wrong"
    assert result.answer(answer).wrong
    assert result.reason
    assert len(set(result.numbers.values())) > 1 or "read back" in result.reason
    assert {r.node for r in report.results if r.status == "wrong"} & sound == set()


@pytest.mark.parametrize("plant", [plant for plant, _, answer, _ in PLANTS if answer == "differences"])
def test_by_way_of_confirmed_gradients_the_same_nodes_are_wrong(plant: Plant, checked: Any,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Differences that end at gradients confirmed before, as on a long way, find what those of the output find.

    What a wrong gradient leads to is wrong as well, so that none is taken for known.
    """
    plant(monkeypatch)

    def wrong() -> set[str]:
        return {r.node for r in checked(NET, terms=(), entries=False).results if r.status == "wrong"}

    whole = wrong()
    monkeypatch.setattr(backprop_cli.tasks.checks.perturbed, "LONG_WAY", 0)
    assert wrong() == whole != set()


def test_a_long_way_ends_at_confirmed_gradients(checked: Any, one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the output is far, differences say by which gradients they went, each way once, and agree as well."""
    monkeypatch.setattr(backprop_cli.tasks.checks.perturbed, "LONG_WAY", 0)
    report = checked(NET, terms=(), entries=False)
    notes = {r.node: r.answer("differences").note for r in report.results}
    assert notes == {"loss": "", "q": "", "y": "by the derivatives by q", "s": "by the derivatives by y",
                     "b": "by the derivatives by y", "h": "by the derivatives by s, q", "u": "by the derivatives by h",
                     "c": "by the derivatives by u", "a": "by the derivatives by u"}  # fmt: skip
    assert report.ok
    assert max(r.answer("differences").worst for r in report.results) < 1e-8


def test_a_long_way_within_one_node_ends_at_a_confirmed_part(checked: Any) -> None:
    """A sum of 200 terms is confirmed part by part, so that no term is followed through all the others."""
    terms = " + ".join(f"w{i} * w{i}" for i in range(200))
    report = checked(f"params: {{{', '.join(f'w{i}: 1.5' for i in range(200))}}}\nnodes: {{s: {terms}, y: s**2}}\n",
                     terms=(), entries=False)  # fmt: skip
    notes = [r.answer("differences").note for r in report.results]
    assert report.ok
    assert notes.count("by the derivatives by a part of s") > 100
    assert set(notes) == {"", "by the derivatives by a part of s"}


@pytest.mark.parametrize("expression", ["svdvals(x)", "pinv(x)"])
def test_differences_know_what_an_op_takes(expression: str, checked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Differences of an op that works long are a sample, where all entries of one that does not are tried."""
    monkeypatch.setattr(backprop_cli.tasks.checks.report, "BUDGET", 1e8)

    def tried(text: str) -> int:
        report = checked(f"params: {{x: {{shape: [40, 40], init: normal}}}}\nnodes: {{y: 'sum({text})'}}\n",
                         terms=(), entries=False)  # fmt: skip
        return sum(a.checked for r in report.results if r.node == "x" for a in r.answers)

    assert tried(expression) * 2 < tried("x * x")


def test_formulas_do_not_prove_rules(checked: Any, one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong rule makes the formula as wrong as the value, so only the answers that use no rule can see it."""
    slightly_wrong(monkeypatch)
    result = one(checked(NET), "u")
    assert not result.answer("formula").wrong
    assert result.answer("differences").wrong
    assert result.answer("entries").wrong
    assert "tanh" in result.reason
