"""Forty planted errors in ops, algebra, printers, grading and limits: each is caught by the test named beside it.

A test that lets a wrong program pass tests nothing.  Each row says what is planted and which test of the suite must
fail then; that test is called as it stands, without the error and with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build, memory
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops import costs as rows
from backprop_cli.formulas.algebra.formula import RULES, lift
from backprop_cli.formulas.algebra.laws import LAWS
from backprop_cli.formulas.notation import NOTATIONS
from backprop_cli.formulas.notation.piece import CALL, Piece
from backprop_cli.formulas.printed import ASKED
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.grading import agreement, case, comparison
from tests.algebra.test_laws import test_true as law_is_true
from tests.engine.test_memory import CASES as STEPS
from tests.engine.test_memory import test_a_formula_is_bounded_before_it_runs as formula_is_bounded
from tests.engine.test_memory import test_a_step_takes_what_is_declared as step_takes_what_is_declared
from tests.grade.test_grade import key_from, one
from tests.grade.test_grade import test_the_digits_that_were_written as digits_that_were_written
from tests.notation.test_read_back import check as every_notation_is_read_back
from tests.ops.test_rules import check_rule, check_shape

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Planted:
    """An error, and the test that must see it."""

    area: str
    what: str
    plant: Callable[[Patch], Any]
    caught_by: Callable[[], Any]


# ── ops ──────────────────────────────────────────────────────────────────────────────────────────


def rule(name: str, position: int, wrong: Callable[..., Any], what: str) -> Planted:
    """A derivative that is not the derivative."""

    def plant(patch: Patch) -> None:
        rules = list(OPS[name].vjps)
        rules[position] = wrong
        patch.setitem(OPS, name, replace(OPS[name], vjps=tuple(rules)))

    def caught() -> None:
        for sample in OPS[name].samples:
            check_rule(OPS[name], sample)

    return Planted("ops", what, plant, caught)


def shape_rule(name: str, wrong: Callable[..., Any], what: str) -> Planted:
    """A shape that is not the shape."""

    def caught() -> None:
        for sample in OPS[name].samples:
            check_shape(OPS[name], sample)

    return Planted("ops", what, lambda patch: patch.setitem(OPS, name, replace(OPS[name], shape=wrong)), caught)


OPERATIONS = [
    rule("tanh", 0, lambda xp, g, y, x: g * (1 - y), "1 - y for 1 - y²"),
    rule("sigmoid", 0, lambda xp, g, y, x: g * y * (1 - x), "x for y"),
    rule("cos", 0, lambda xp, g, y, x: g * xp.sin(x), "a sign"),
    rule("sqrt", 0, lambda xp, g, y, x: g / y, "a factor 1/2 left out"),
    rule("multiply", 1, lambda xp, g, y, a, b: g * b, "the wrong operand"),
    rule("divide", 1, lambda xp, g, y, a, b: g * y / b, "a sign in one of two rules"),
    rule("subtract", 1, lambda xp, g, y, a, b: g, "a sign that only one operand has"),
    rule("softmax", 0, lambda xp, g, y, x, axis: g * y * (1 - y), "the diagonal of a Jacobian only"),
    rule("logsumexp", 0, lambda xp, g, y, x, axis, keepdims: 0 * x + 1, "upstream forgotten"),
    rule("square", 0, lambda xp, g, y, x: g * x * 2001 / 1000, "0.05 % off"),
    shape_rule("cumsum", lambda *shapes, **given: (), "a shape of nothing"),
    shape_rule("outer", lambda a, b: (*b, *a), "a shape turned round"),
]  # fmt: skip


# ── algebra ──────────────────────────────────────────────────────────────────────────────────────


def law(ident: str, wrong: str) -> Planted:
    """A row of the table that says something else."""
    table = dict(LAWS)

    def plant(patch: Patch) -> None:
        patch.setitem(table, ident, replace(table[ident], right=wrong))

    return Planted("algebra", f"{ident}: {table[ident].left} = {wrong}", plant, lambda: law_is_true(table[ident]))


NET = """
inputs: {x: [[0.5, -1.0], [2.0, 0.3]], t: [[1.0, 0.0], [0.2, 0.4]], v: [0.7, 1.9]}
params: {a: [[1.0, 0.4], [-0.3, 0.8]], b: [[0.2, -0.5], [0.7, 0.9]], c: [0.3, -0.6]}
nodes:
  u: a @ x + c
  h: tanh(u)
  s: exp(h) / (h**2 + 1)
  y: b @ s.T
  k: (inv(a) @ v) * sqrt(v + 3) + sum(a, axis=0)
  q: (y - 2*t) * (y + h) + (y > 0) * log(v + 5)**2
  loss: mean(q**2) + sum(k**2)
"""


def read_back() -> Counter[str]:
    """Every printed formula of the net has the gradient's value, in every notation; how many there were in each."""
    return every_notation_is_read_back(build(read_spec(NET.encode(), "net.yaml", folder=None)), ("local",))


def meaning(name: str, wrong: Callable[..., Any], what: str) -> Planted:
    """A word that the algebra takes for something else."""
    return Planted("algebra", what, lambda patch: patch.setitem(RULES, name, wrong), read_back)


ALGEBRA = [
    law("M7a", "outer(A @ x, x)"), law("M9a", "inv(B)"), law("M12", "u * u"), law("C3b", "det(A)"),
    law("C2b", "x @ x"), law("I2a", "1/tanh(x)"), law("I4e", "x"),
    meaning("transpose", lambda x, axes=None: lift(x), "every matrix is symmetric"),
]  # fmt: skip


# ── printers ─────────────────────────────────────────────────────────────────────────────────────


def printer(notation: str, name: str, wrong: Any, what: str) -> Planted:
    """A row of a notation that prints something else."""

    def plant(patch: Patch) -> None:
        if callable(wrong):
            patch.setattr(type(NOTATIONS[notation]), name, wrong)
        else:
            patch.setitem(NOTATIONS, notation, replace(NOTATIONS[notation], **{name: wrong}))  # type: ignore[index]

    return Planted("printers", f"{notation}: {what}", plant, read_back)


PRINTERS = [
    printer("text", "minus", " + ", "a plus for a minus"),
    printer("text", "transpose", lambda self, base, order: base.text, "no transpose"),
    printer("code", "bracket", lambda self, text: text, "no brackets"),
    printer("code", "fraction", lambda self, above, below: (f"{below.text}/{above.text}", CALL), "upside down"),
    printer("latex", "bracket", lambda self, text: text, "no brackets"),
    printer("latex", "fraction", lambda self, a, b: (rf"\frac{{{b.text}}}{{{a.text}}}", CALL), "upside down"),
    printer("latex", "inverse", lambda self, base: base.text, "no inverse"),
    printer("latex", "row", lambda self, text: text, "a row that is a column"),
    printer("mathml", "minus", "<mo>+</mo>", "a plus for a minus"),
    printer("mathml", "root", lambda self, base: Piece(f"<mrow>{base.text}</mrow>", CALL), "no root"),
    printer("mathml", "superscript", lambda self, base, exponent, integer: base.text, "no power"),
]


# ── grading ──────────────────────────────────────────────────────────────────────────────────────


def digits(answer: str, status: str) -> Callable[[], None]:
    """A number, and whether it is right."""
    return lambda: digits_that_were_written(answer, status)


def masked() -> None:
    """A mask of -1e30 makes no wrong answer right."""
    spec = "inputs: {m: [0.0, -1e30]}\nparams: {x: [1.0, 2.0]}\nnodes: {p: softmax(x + m), l: sum(p * x**2)}"
    key = key_from(spec)
    assert one(key, "x.grad", "[2.0, 0.0]").status == "right"
    assert one(key, "x.grad", "[2.5, 0.0]").status == "wrong"
    assert one(key, "x.formula", "3*x*p").status == "wrong"


def patched(area: str, what: str, where: Any, name: str, wrong: Any, caught: Callable[[], Any]) -> Planted:
    """A function that does something else."""
    return Planted(area, what, lambda patch: patch.setattr(where, name, wrong), caught)


def agreeing(what: str, name: str, wrong: Callable[..., Any], caught: Callable[[], Any]) -> Planted:
    """Another idea of when two answers agree."""

    def plant(patch: Patch) -> None:
        for module in (comparison, case):
            patch.setattr(module, name, wrong)

    return Planted("grading", what, plant, caught)


GRADING = [
    patched("grading", "one digit is enough", agreement, "ENOUGH", 0.5, digits("0.0057", "wrong")),
    patched("grading", "a written zero is near anything", agreement, "ZERO", 2.0, digits("0.0", "wrong")),
    agreeing("tolerance as large as the number", "tolerated",
             lambda answer, right, closeness, floor: np.abs(right) + 1, digits("0.0057", "wrong")),
    agreeing("no entry is ever wrong", "wrong_entries",
             lambda answer, right, tolerance: np.zeros(np.shape(right), dtype=bool), digits("-0.0056", "wrong")),
    agreeing("tolerance by the largest number of the graph", "tolerated",
             lambda answer, right, closeness, floor: 1e-9 * 1e30, masked),
    agreeing("formulas are never compared", "exactly",
             lambda answer, right, closeness, floor: np.zeros(np.shape(right), dtype=bool), masked),
]  # fmt: skip


# ── limits ───────────────────────────────────────────────────────────────────────────────────────


def undeclared(name: str, what: str) -> Planted:
    """Memory that an op takes and does not say."""
    step = next(step for step in STEPS if step[0] == name)
    return Planted("limits", what, lambda patch: patch.setitem(OPS, name, replace(OPS[name], temporary=rows.nothing)),
                   lambda: step_takes_what_is_declared(*step))  # fmt: skip


LIMITS = [
    undeclared("max_pool2d_indices", "pooling without its windows"),
    undeclared("one_hot", "one_hot without its places"),
    patched("limits", "work is never too much", memory.Meter, "_check", lambda self, *a, **k: None,
            lambda: formula_is_bounded("svdvals(ones((1400, 1400)))", "operations, at svdvals")),
    patched("limits", "memory is never too much", memory.Meter, "_check", lambda self, *a, **k: None,
            lambda: formula_is_bounded("conv2d(ones((1, 1, 500, 500)), ones((1, 1, 200, 200)))", "numbers, at conv2d")),
]  # fmt: skip

ALL = [*OPERATIONS, *ALGEBRA, *PRINTERS, *GRADING, *LIMITS]


def test_there_are_forty() -> None:
    """In every area."""
    assert len(ALL) >= 40
    assert {one.area for one in ALL} == {"ops", "algebra", "printers", "grading", "limits"}


@pytest.mark.parametrize("planted", ALL, ids=[f"{one.area}: {one.what}" for one in ALL])
def test_a_planted_error_is_caught(planted: Planted, monkeypatch: Patch) -> None:
    """The named test holds as the program is, and fails once the error is in it."""
    if planted.caught_by is not read_back:
        planted.caught_by()
    planted.plant(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        planted.caught_by()


def test_the_sound_net_is_read_back() -> None:
    """What the printers' errors are planted in is right without them."""
    read = read_back()
    assert set(read) == set(ASKED)
    assert min(read.values()) > 3
