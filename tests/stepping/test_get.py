"""`step --get`: one thing of a step, for a script."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT, Backprop

MAZUR = ROOT / "specs" / "mazur.yaml"


@pytest.mark.parametrize(("path", "shown"), [
    ("w5.new", "0.358916479"), ("w5", "0.358916479"), ("w5.old", "0.4\n"), ("w5.grad", "0.0821670405"),
    ("w5.formula", "w5 - 0.5 · ∂E/∂w5"), ("w5.substituted", "0.4 - 0.5 · 0.082167 = 0.358916"),
    ("E", "0.291538"), ("E.old", "0.298371108"),
])  # fmt: skip
def test_one_thing_and_nothing_else(backprop: Backprop, path: str, shown: str) -> None:
    """Mazur's w5⁺ is 0.35891648; the loss by the output's name."""
    done = backprop("step", MAZUR, "--lr", "0.5", "--wrt", "w5,w6", "--get", path)
    assert done.code == 0, done.err
    assert done.out.startswith(shown)
    assert done.out.count("\n") == 1


def test_entries(backprop: Backprop) -> None:
    """A part of a tensor, and all of it."""
    spec = "params: {w: [1, 2]}\nnodes: {f: sum(w**2)}\n"
    assert backprop("step", "-", "--lr", "0.1", "--get", "w.new[1]", stdin=spec).out == "1.6\n"
    assert backprop("step", "-", "--lr", "0.1", "--get", "w.new", stdin=spec).out == "[0.8, 1.6]\n"


PASSES = "params: {x: [1, 2]}\nnodes: {h: x**2, y: sum(h)}\nbackward: [{output: y}, {output: h, grad_output: [1, 2]}]\n"


@pytest.mark.parametrize(("more", "path", "shown"), [
    ((), "y + h", "2.6399"), ((), "h.old", "14.0"), ((), "x.formula", "x - 0.1 · ∂(y + h)/∂x"),
    (("--output", "h[1]"), "h[1]", "2.56"), (("--output", "y + h[0]"), "y + h[0]", "3.2"),
    (("--output", "y + h[0]"), "x.formula", "x - 0.1 · ∂(y + h[0])/∂x"),
])  # fmt: skip
def test_what_is_moved_against_has_its_name(backprop: Backprop, more: tuple[str, ...], path: str, shown: str) -> None:
    """Several passes add up to a loss of all their outputs, 5 + 1·1 + 2·4; an expression is called as it is written."""
    done = backprop("step", "-", "--lr", "0.1", *more, "--get", path, stdin=PASSES)
    assert done.code == 0, done.err
    assert done.out.startswith(shown)


def test_several_passes_are_told_as_one_sum(backprop: Backprop) -> None:
    """∂h/∂x alone would be another number than the one that is put in."""
    out = backprop("step", "-", "--lr", "0.1", stdin=PASSES).out
    assert "∂(y + h)/∂x = 2(∂h/∂h + 1) ⊙ x\n" in out
    assert "y + h: 14 → 2.64" in out


@pytest.mark.parametrize(("path", "words"), [
    ("q.new", "no param that moves is called 'q'"), ("w5.new[3]", "does not fit the shape"), ("w5.foo", "cannot read"),
    ("w5.formula.foo", "cannot read"), ("[", "cannot read"),
])  # fmt: skip
def test_what_is_not_there(backprop: Backprop, path: str, words: str) -> None:
    """Exit code 2 and nothing on stdout."""
    done = backprop("step", MAZUR, "--wrt", "w5", "--get", path)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
