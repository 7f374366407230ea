"""`check` by sympy where the output is too large to be written out: up to the nodes whose derivatives are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.engine.ops import OPS
from backprop_cli.language.reader import read_spec
from backprop_cli.records import replace
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.checks.dependents import Dependents
from backprop_cli.tasks.checks.oracle import Allowance, Effort, Oracle
from backprop_cli.tasks.checks.printed import PrintedBack
from backprop_cli.tasks.checks.results import Answer
from backprop_cli.tasks.leaves import load_leaves

DIAMOND = """
params: {w: [0.5, -1.2], v: 0.3}
nodes:
  a: tanh(w) * v
  b: a * a + w
  m: b > 0.2
  c: where(m, sin(b) * a, b * w)
  loss: sum(c * exp(a) + b) * v
"""
"""Several ways from each node to the output, one through a mask."""


def answers(text: str, whole: float = 0.0, parts: float = 1e6) -> Iterator[tuple[str, Answer]]:
    """What the oracle says of each named node, the output first."""
    graph = build(read_spec(text.encode(), "net.yaml", folder=None))
    computed = compute(graph, load_leaves(graph))
    run, gradients = graph.passes[-1], computed.passes[-1]
    effort = Effort(Allowance(whole), Allowance(parts))
    oracle = Oracle(graph, computed.values, Dependents(graph), run.output, computed.seeds[-1], effort)
    for node in reversed(list(graph.named())):
        if gradients[node.index] is not None and node.index in graph.active:
            yield node.name, oracle.answer(node.index, gradients[node.index])


def test_in_parts_each_way_counts_once() -> None:
    """Rule: a derivative by way of known ones is the gradient, however the ways to the output meet."""
    found = dict(answers(DIAMOND))
    assert {name: one.worst is not None and one.worst < 1e-12 for name, one in found.items()} \
        == dict.fromkeys(("loss", "c", "b", "a", "w", "v"), True)  # fmt: skip
    assert found["c"].note == ""
    assert found["b"].note == "by the derivatives by c, loss"
    assert found["w"].note == "by the derivatives by a, b, c"


def test_in_parts_and_as_a_whole_say_the_same() -> None:
    """Rule: the chain rule in numbers and the output written out at once agree, and the whole needs no way."""
    whole = dict(answers(DIAMOND, whole=1e6))
    assert {one.note for one in whole.values()} == {""}
    for name, one in answers(DIAMOND):
        np.testing.assert_allclose(one.found["entries"], whole[name].found["entries"], rtol=1e-13)


def test_a_long_chain_is_checked_to_its_end() -> None:
    """Rule: the work is linear, so that every node of a chain is compared, where the whole output is far too large."""
    rows = "".join(f"  n{i}: sin({f'n{i - 1}' if i else 'w'})\n" for i in range(300))
    found = list(answers(f"params: {{w: 0.5}}\nnodes:\n{rows}", whole=1e5))
    assert len(found) == 301
    assert all(one.checked == 1 and not one.wrong for _, one in found)


def test_a_kink_is_written_out_and_not_gone_by() -> None:
    """Rule: what has no derivative is no way: |x|² has one at 0 though |x| has none."""
    found = dict(answers("params: {x: 0.0}\nnodes: {a: abs(x), y: a**2, loss: 3*y}\n"))
    assert found["x"].kinks == ()
    found = dict(answers("params: {x: 0.0}\nnodes: {a: abs(x), y: a*2, loss: 3*y}\n"))
    assert found["x"].kinks == ((),)


def test_what_is_spent_is_said() -> None:
    """Rule: past the allowance nothing is written out, and the note says so."""
    assert {one.note for _, one in answers(DIAMOND, parts=0.0)} == {"too large to be written out in entries"}


def test_a_wrong_rule_is_seen_by_way_of_right_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: what is known are the oracle's own derivatives, never the gradients that it checks."""
    right: Any = OPS["exp"].vjps[0]
    wrong = replace(OPS["exp"], vjps=(lambda xp, g, y, x: right(xp, g, y, x) * 2,))
    monkeypatch.setitem(OPS, "exp", wrong)
    found = {name: one.wrong for name, one in answers(DIAMOND)}
    assert found == {"loss": False, "c": False, "b": False, "a": True, "w": True, "v": True}


def test_a_call_read_back_again_means_the_same() -> None:
    """Rule: a call that repeats is evaluated once, but not inside a function, where its names are others."""
    text = "functions: {f: {args: [x], body: exp(x)*x}}\nparams: {x: 0.3, y: 0.7}\nnodes: {z: exp(x)*f(y)}\n"
    graph = build(read_spec(text.encode(), "net.yaml", folder=None))
    computed = compute(graph, load_leaves(graph))
    back = PrintedBack(graph, computed.values, computed.passes[-1])
    assert back.reading.value("exp(x)*f(y)*exp(x)*exp(y)") == pytest.approx(np.exp(2 * 0.3 + 2 * 0.7) * 0.7, rel=1e-14)


@pytest.mark.parametrize(("code", "within"), [
    ("(tanh(x) * y + 1) * x", "tanh(x) * y + 1"), ("tanh(x) * y * x", "tanh(x) * y"),
    ("tanh(x) * y + x", "tanh(x) * y"),
    ("tanh(x) + y * x - y", "tanh(x) + y * x"), ("tanh(x) + y * x * x", "tanh(x) + y * x"),
    ("tanh(x) * y**2 * x", "tanh(x) * y"), ("exp(tanh(x) - y * x)", "tanh(x) - y * x"),
    ("x - (tanh(x) - y)", "tanh(x) - y"), ("-tanh(x) * y * 2", "tanh(x) * y"), ("tanh(x) * y @ x", "tanh(x) * y"),
])  # fmt: skip
def test_a_text_in_another_means_what_it_means_there(code: str, within: str) -> None:
    """Rule: a formula that holds one that was read already is read as if it stood there alone, with its brackets."""
    graph = build(read_spec(b"params: {x: [0.3, -1.2], y: [0.7, 2.0]}\nnodes: {z: x @ y}\n", "net.yaml", folder=None))
    computed = compute(graph, load_leaves(graph))
    back, alone = (PrintedBack(graph, computed.values, computed.passes[-1]).reading for _ in range(2))
    back.value(within)
    np.testing.assert_array_equal(back.value(code, [within]), alone.value(code))
