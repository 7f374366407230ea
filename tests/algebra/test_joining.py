"""A factor with which no rule brings a product together joins it without a look at all of the others."""

from __future__ import annotations

from random import Random

import pytest

from backprop_cli.engine.graph import build
from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.formulate import formulate
from backprop_cli.formulas.printed import Printed
from backprop_cli.formulas.tensors import Formulas
from backprop_cli.language.reader import read_spec

FUNCTIONS = [name for name, op in OPS.items() if op.pointwise and op.vjps and op.vjps[0]
             and len(op.signature.operands) == 1 and not op.signature.parameters]  # fmt: skip


def written(text: str) -> list[list[str]]:
    """The formulas of a spec, in the order of its nodes."""
    graph = build(read_spec(text.encode(), "x", folder=None))
    passes, _, _ = formulate(graph, None, None, ("local", "nodes"), ("code",))
    return [[one.code if isinstance(one, Printed) else repr(one) for one in formulas.values()]
            for found in passes for formulas in found.values()]  # fmt: skip


def network(draw: Random) -> str:
    """Functions of functions, now and then beside what was there before."""
    names = ["w", "v"]
    lines = []
    for i in range(draw.randint(4, 8)):
        f, a, b = draw.choice(FUNCTIONS), names[-1], draw.choice(names)
        forms = [f"{f}({a})"] * 5 + [f"{f}({a}) * {f}({b})", f"{a} * {b}", f"2 * {f}({a}) - {b}", f"{f}({a}) / {b}"]
        lines.append(f"  n{i}: {draw.choice(forms)}")
        names.append(f"n{i}")
    start = draw.choice(["0.5", "[0.3, 0.4]", "[[0.1, 0.2], [0.3, 0.6]]"])
    end = draw.choice([f"sum({names[-1]})", f"mean({names[-1]}**2)"])
    return "\n".join([f"params: {{w: {start}, v: {start}}}", "nodes:", *lines, f"  loss: {end}", ""])


@pytest.mark.parametrize("seed", range(2))
def test_what_joins_freely_changes_no_form(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: a formula is the one that all rules would choose if each looked at all of its factors at every step."""
    draw, joined = Random(seed), Formulas.stands
    texts = [network(draw) for _ in range(3)] + [chain(draw) for _ in range(6)]
    hits = []

    def counted(self: Formulas, expr: object) -> bool:
        hits.append(joined(self, expr))  # type: ignore[arg-type]
        return hits[-1]

    monkeypatch.setattr(Formulas, "stands", counted)
    short = [written(text) for text in texts]
    monkeypatch.setattr(Formulas, "stands", lambda self, expr: False)
    assert [written(text) for text in texts] == short
    assert sum(hits) > 10  # it was no comparison of a thing with itself


def chain(draw: Random) -> str:
    """Functions of functions alone: those whose slope is a function of the operand, for the most part."""
    chosen = [draw.choice(["sin", "sinh", "cos", draw.choice(FUNCTIONS)]) for _ in range(8)]
    lines = [f"  n{i}: {f}({f'n{i - 1}' if i else 'w'})" for i, f in enumerate(chosen)]
    return "\n".join(["params: {w: [0.5, 0.25]}", "nodes:", *lines, "  loss: sum(n7)", ""])


def test_a_step_of_a_chain_is_looked_at_by_no_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: an upstream gradient and the one factor that joins it are chosen as they are, without a search."""
    searched = []
    search = Formulas._tidied
    monkeypatch.setattr(Formulas, "_tidied", lambda self, expr: (searched.append(expr), search(self, expr))[1])
    lines = "".join(f"  n{i}: sin({f'n{i - 1}' if i else 'w'})\n" for i in range(9))
    texts = written(f"params: {{w: 0.5}}\nnodes:\n{lines}")
    assert [local for local, _ in texts[1:-2]] == [f"grad(n{i + 1}) * cos(n{i})" for i in range(7)]
    assert len(searched) == 1  # cos(n7), which no gradient stands before
