"""A long part that a step writes several times is taken out of its node: it has a letter, and a step of its own."""

from __future__ import annotations

import re
from typing import Any

import pytest

ATTENTION = """
params: {q: {shape: [3, 4], init: normal}, k: {shape: [3, 4], init: normal}, v: {shape: [3, 4], init: normal}}
nodes:
  y: scaled_dot_product_attention(q, k, v, is_causal=true)
  loss: sum(y**2)
"""
NORM = """
params: {x_1: {shape: [3, 4], init: normal}, u: {shape: [4], init: normal}}
nodes:
  y: gelu(rms_norm(x_1, u))
  loss: sum(y**3)
"""


@pytest.mark.parametrize(("spec", "opening"), [
    (ATTENTION, "y = scaled_dot_product_attention(q, k, v, is_causal=true), that is y = u · v, with the letter u = "),
    (NORM, "y = gelu(rms_norm(x_1, u)), that is y = gelu(r), with the letters r = u ⊙ x_1 / √v, v = mean("),
])  # fmt: skip
def test_a_part_has_a_letter_and_a_step(spec: str, opening: str, backprop: Any, tmp_path: Any) -> None:
    """It is said what the letter stands for; steps are in letters, and no step writes the part out again."""
    (path := tmp_path / "spec.yaml").write_text(spec)
    out = backprop("derive", path, "--width", "1000").out
    assert opening in out
    letter = re.split("the letters? ", opening)[1][0]
    assert f"\n∂loss/∂{letter}  " in out
    steps = [line for line in out.split("\n") if re.match(r"  (chain rule|local derivative) ", line)]
    assert len(steps) > 6
    assert max(map(len, steps)) < 120


def test_gradients_stay_what_they_are(backprop: Any, tmp_path: Any) -> None:
    """The values are those of a run, whichever letters the steps use."""
    (path := tmp_path / "spec.yaml").write_text(NORM)
    run = [float(one) for one in re.findall(r"-?\d[\d.e-]*", backprop("run", path, "--get", "x_1.grad").out)]
    value = re.split(r"^  value +∂loss/∂x_1 = ", backprop("derive", path, "x_1").out, flags=re.MULTILINE)[1]
    numbers = [float(one) for one in re.findall(r"-?\d[\d.e-]*", value.split("]]")[0])]
    assert len(numbers) == 12
    assert numbers == pytest.approx(run, rel=1e-5)


def test_the_steps_on_the_way_back_are_derived_too(backprop: Any, tmp_path: Any) -> None:
    """Of a node that is asked for by name: what its step is in terms of is a letter that nobody else explains."""
    (path := tmp_path / "spec.yaml").write_text(ATTENTION)
    out = backprop("derive", path, "q").out
    assert re.findall(r"^∂loss/∂(\w+)", out, re.MULTILINE) == ["u", "q"]


def test_a_short_step_is_left_alone(backprop: Any) -> None:
    """What is one line stays as its writer wrote it."""
    out = backprop("derive", "-e", "p = 1 / (1 + exp(-x))", "-e", "sum(p**2)", "--shape", "x=3").out
    assert "definition        p = 1/(1 + exp(-x))" in out
    assert "letter" not in out
