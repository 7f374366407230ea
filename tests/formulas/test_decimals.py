"""Decimals stay decimals: what a spec writes as 0.01 its formulas do not write as 1/100."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import pytest
from sympy import Rational

from backprop_cli.formulas.algebra.style import MAX_DIGITS, is_decimal
from backprop_cli.formulas.notation.arguments import decimal
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run
from tests.conftest import Backprop

LEAVES = "params: {x: [1, 2], y: [3, 5], z: [2, 4]}\n"
NET = """params: {W1: [[1, 2], [3, 5]], W2: [[1, 2]]}
inputs: {x: [0.5, 1], t: [2]}
"""
NET_NODES = "h: tanh(W1 @ x), r: W2 @ h - t, L: sum(r**2) + 0.01*(sum(W1**2) + sum(W2**2))"
GELU = "u: sqrt(2/pi)*(x + 0.044715*x**3), L: sum(0.5*x*(1 + tanh(u)))"
MOMENTUM = "v: 0.9*x + 0.1*y, w: z - 0.05*v, L: sum(w**2)/2"
ADAM = "m: 0.9*x + 0.1*y, v: 0.999*z + 0.001*y**2, L: sum(0.01*m/(sqrt(v) + 1e-8))"

FORMULAS = [
    (LEAVES, "L: 0.01*sum(x**2)", {"x": "0.02 x"}),
    (LEAVES, "L: sum((0.8*x - y)**2)", {"x": "1.28 x - 1.6 y", "y": "2 y - 1.6 x"}),
    (LEAVES, "L: 0.9*sum(x) + 0.1*sum(y*x)", {"x": "0.1 y + 0.9", "y": "0.1 x"}),
    (LEAVES, 'L: "sum((0.9*x + 0.1*x*y)/z)"', {"x": "(0.1 y + 0.9)/z", "z": "-(0.1 y + 0.9) ⊙ x / z²"}),
    (LEAVES, GELU, {"x": "(√2 · x ⊙ (0.134145 x² + 1) ⊙ (1 - tanh(u)²) / √π + tanh(u) + 1)/2"}),
    (LEAVES, 'L: "sum(leaky_relu(x, 0.2))"', {"x": "where([x > 0], 1, 0.2)"}),
    (LEAVES, "L: sum(0.3*x**1.4)", {"x": "0.42 x^0.4"}),
    (LEAVES, MOMENTUM, {"z": "w", "x": "-0.045 w", "y": "-0.005 w"}),
    (LEAVES, ADAM, {"m": "0.01/(√v + 1e-8)", "x": "0.009/(√v + 1e-8)"}),
    (NET, NET_NODES, {"W1": "2((W2ᵀ · r) ⊙ (1 - h²)) · xᵀ + 0.02 W1", "W2": "2 r · hᵀ + 0.02 W2"}),
    ("params: {a: 2}\n", "L: 0.8*a", {"a": "0.8"}),
    (LEAVES, "L: 0.02/3*sum(x**2)", {"x": "0.04 x / 3"}),
    (LEAVES, "L: 0.02*sum(x) + sum(y)/300", {"x": "0.02 ones((2,))", "y": "ones((2,))/300"}),
    ("params: {x: {shape: [300], init: ones}}\n", "L: 0.02*sum(x**2) + sum(x**3)/900 ", {"x": "x ⊙ (x/300 + 0.04)"}),
]  # fmt: skip
"""Written by hand, as a textbook has them."""

FRACTIONS = [
    (LEAVES, "L: 9/10*sum(x) + 1/10*sum(y*x) + sum(y**2)/5", {"x": "(y + 9)/10", "y": "x/10 + 2 y / 5"}),
    (LEAVES, "L: sum(y**2)/5 + sum(x)/(sum(z) + 1e-5)", {"y": "2 y / 5"}),
    (LEAVES, "L: 0.5*sum(x*y) + 0.25*sum(x**2)", {"y": "x/2"}),
]
"""No decimal is written, but a guard against dividing by zero or a half."""


def formulas(leaves: str, nodes: str) -> Mapping[str, Printed]:
    """Each gradient's whole formula; the run evaluates each of them back."""
    spec = read_spec(f"{leaves}nodes: {{{nodes}}}\noutput: L\n".encode(), "net.yaml", folder=None)
    found = {n.name: n.gradient.formula["nodes"] for n in run(spec, Settings(terms=("nodes",))).nodes if n.gradient}
    return {name: formula for name, formula in found.items() if isinstance(formula, Printed)}


@pytest.mark.parametrize(("leaves", "nodes", "expected"), FORMULAS + FRACTIONS)
def test_a_number_prints_as_the_spec_writes_numbers(leaves: str, nodes: str, expected: Mapping[str, str]) -> None:
    """In a spec with a decimal, what can be a short one is, and no sum is divided by it; else fractions stay."""
    found = formulas(leaves, nodes)
    assert {name: found[name].text for name in expected} == expected
    assert all((found[name].deviation or 0) < 1e-12 for name in expected)


@pytest.mark.parametrize(
    ("notation", "written"),
    [("text", "0.1 y + 0.9"),
     ("code", "0.1 * y + 0.9"), ("latex", "0.1 y + 0.9"), ("index", "∂L/∂x[i] = 0.1 · y[i] + 0.9")],
)  # fmt: skip
def test_every_notation_keeps_decimals(notation: str, written: str, backprop: Backprop) -> None:
    """The choice is made once, for all notations."""
    text = f"{LEAVES}nodes: {{L: 0.9*sum(x) + 0.1*sum(y*x)}}\noutput: L\n"
    done = backprop("run", "-", "--get", f"x.formula.{notation}", stdin=text)
    assert (done.code, done.out.strip()) == (0, written)


def test_a_short_decimal_is_read_back_exactly() -> None:
    """A rational is a decimal exactly where its expansion ends within the digits; what is printed is its value."""
    with localcontext() as context:
        context.prec = MAX_DIGITS
        for p in (1, 3, 7, 32, 134145, 99_999_999, 123_456_789):
            for q in (1, 2, 8, 5, 10, 25, 30, 50, 625, 7 * 5, 10**6, 2**20 * 5):
                value = Fraction(p, q)
                short = Fraction(Decimal(value.numerator) / Decimal(value.denominator)) == value
                wanted = short and math.gcd(value.denominator, 5) == 5
                assert is_decimal(Rational(p, q)) == wanted, value
                assert not wanted or Fraction(decimal(Rational(p, q))) == value


@pytest.mark.parametrize("answer", ["x/50", "0.02*x", "2*x*0.01"])
def test_an_answer_may_be_either(answer: str, backprop: Backprop, tmp_path: Path) -> None:
    """Grading compares values, not spellings."""
    key, answers = tmp_path / "key.yaml", tmp_path / "answers.yaml"
    key.write_text(f"{LEAVES}nodes: {{L: 0.01*sum(x**2)}}\noutput: L\n", encoding="utf-8")
    answers.write_text(f"x.formula: {answer}\n", encoding="utf-8")
    done = backprop("grade", key, answers)
    assert (done.code, "1 of 1 points" in done.out) == (0, True)


def test_derivation_and_second_derivatives_keep_decimals(backprop: Backprop) -> None:
    """What else is printed of a run follows it."""
    text = f"{LEAVES}nodes: {{L: 0.01*sum(x**2) + 0.9*sum(y*x)}}\noutput: L\n"
    derived = backprop("derive", "-", "x", stdin=text).out
    assert "0.02 x" in derived
    assert not re.search(r"/[15]0", derived)
    assert "0.02" in backprop("hessian", "-", "--format", "text", stdin=text).out
