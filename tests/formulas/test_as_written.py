"""What a spec writes as a quotient stays one; what a definition makes the same number everywhere keeps its entries."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from backprop_cli.formulas.printed import Printed
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run

LEAVES = """dims: {n: 3}
inputs: {x: {value: [1, 2, 4], shape: [n]}, t: [3, 1, 2]}
params: {r: [0.5, -1, 2], c: 2, p: 0.7}
"""

FORMULAS = [
    ("L: sum(exp(-(r/c)**2))", {"r": "-2 r ⊙ exp(-(r/c)²) / c²"}),
    ("L: sum(exp(-r**2/c**2))", {"r": "-2 r ⊙ exp(-r²/c²) / c²"}),
    ("L: sum(((r - p)/c)**4)", {"r": "4(r - p)³ / c⁴"}),
    ("L: sum(x**(-p)*r)", {"r": "x^(-p)"}),
    ("L: sum(r/exp(x))", {"r": "exp(-x)"}),
    ("L: sum(relu(-r*x))", {"r": "-[r ⊙ x < 0] ⊙ x"}),
    ("L: sum((x/c)**p)", {"p": "Σ((x/c)^p ⊙ log(x/c))"}),
    ("L: sum(r**p)", {"p": "Σ(xlogy(r^p, r))"}),
    ("{y: c*x, L: c**2/2*sum(x/y)}", {"c": "n/2"}),
    ("{h: r*x, a: relu(h), L: sum(a**3)}", {"h": "3 a²", "r": "3 a² ⊙ x"}),
    ("{h: r*x, a: 'maximum(0, h - 1)', L: sum(a**2)/2}", {"h": "a"}),
    ("{v: stop_gradient(softmax(t*x)), u: softmax(r), L: -sum(v*log(u))}", {"r": "u - v"}),
    ("{S: 'exp(-(x[:, None] - x)**2)', V: S + eye(n), L: r @ V @ r}", {"r": "2 V · r"}),
    ("{o: 'outer(r, t)', L: 't @ (o*x[:, None]) @ x'}", {"o": "(t ⊙ x) · xᵀ"}),
]
"""Written by hand: a quotient under a power; a lone reciprocal; a base above 0, and one below; x/y that is 1/c; what is
0 where its mask is; weights that are held; pairs that may change places; a product of vectors by rows."""


def formulas(nodes: str) -> Mapping[str, Printed]:
    """Each gradient's whole formula, evaluated back by the run."""
    nodes = nodes if nodes.startswith("{") else f"{{{nodes}}}"
    spec = read_spec(f"{LEAVES}nodes: {nodes}\noutput: L\n".encode(), "net.yaml", folder=None)
    found = {n.name: n.gradient.formula["nodes"] for n in run(spec, Settings(terms=("nodes",))).nodes if n.gradient}
    return {name: formula for name, formula in found.items() if isinstance(formula, Printed)}


@pytest.mark.parametrize(("nodes", "expected"), FORMULAS)
def test_a_formula_is_written_as_a_person_would(nodes: str, expected: Mapping[str, str]) -> None:
    """The text is the one expected, and it is the gradient."""
    found = formulas(nodes)
    assert {name: found[name].text for name in expected} == expected
    assert all((found[name].deviation or 0) < 1e-12 or "xlogy" in found[name].text for name in expected)


LISTS = [
    ("{L: 'sum([0.5, 2, 3] * r**2)'}", {"r": "2 r ⊙ [1/2, 2, 3]"}),
    ("{L: 'sum([[1, 2, 3], [4, 5, 6]] @ r)'}", {"r": "Σ([[1, 2, 3], [4, 5, 6]], axis=0)"}),
    ("{S: 'reshape(c*x @ x, (1, 1))', L: 'sum(inv(S) * c)'}", {"S": "-c · S⁻¹ · S⁻¹"}),
]
"""Numbers in their places; of a matrix of one entry the inverse alone."""


@pytest.mark.parametrize(("nodes", "expected"), LISTS)
def test_numbers_stand_in_their_places(nodes: str, expected: Mapping[str, str]) -> None:
    """A list of numbers is a tensor, and is written as one; S⁻ᵀ of one entry is S⁻¹."""
    test_a_formula_is_written_as_a_person_would(nodes, expected)


BY_DEFINITION = [
    ({"f": "c - p*sin(c) - 1.2", "d": "1 - p*cos(c)", "L": "c - f/d"}, {"c": "f · p · sin(c) / d²"}),
    ({"d": "1 - p*cos(c)", "L": "d*c + c*p*cos(c)"}, {"p": "0"}),
    ({"d": "sum(x*r) + p*c**2 - 3*c", "L": "sin(d)*(d + 3*c - p*c**2)"}, {"d": "rᵀ · x · cos(d) + sin(d)"}),
]
"""Newton's step on Kepler's equation, whose slope d is 1 - p cos c; a product that is c; a sum that is rᵀx."""


@pytest.mark.parametrize(("nodes", "expected"), BY_DEFINITION)
def test_terms_that_a_definition_brings_together_leave(nodes: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """d + p cos c - 1 is 0 where d is 1 - p cos c, also in brackets, or with a factor in front."""
    found = formulas(json.dumps(nodes))
    assert {name: found[name].text for name in expected} == expected
    assert all((found[name].deviation or 0) < 1e-12 for name in expected)


COLUMNS = [
    ({"w": "x[:, None] * r", "q": "sum(w * r, axis=1)", "L": "sum(log(q))"}, {"w": "r/q[:, None]"}),
    ({"w": "x[:, None] * r", "q": "w[arange(3), arange(3)]", "L": "sum(q**2)"},
     {"w": "2 q[:, None] ⊙ one_hot(arange(3), 3)"}),
    ({"w": "x[:, None] * r", "q": "sum(w, axis=1)", "L": "sum(log(sum(w / q[:, None], axis=1)))"}, {}),
]
"""What a column divides; what stands in a column; two columns that cancel, whose quotient has no axes of its own."""


@pytest.mark.parametrize(("nodes", "expected"), COLUMNS)
def test_a_column_is_written_as_one(nodes: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """It stands below a fraction bar as it would alone, and is no reshape."""
    found = formulas(json.dumps(nodes))
    assert {name: found[name].text for name in expected} == expected
    assert all((found[name].deviation or 0) < 1e-12 for name in found)
    assert not any("reshape" in formula.text for formula in found.values())


EXPONENTIALS = [
    ({"d": "(log(c/p) + c**2/2)/c", "b": "d - c", "L": "c*erf(d/sqrt(2)) - p*erf(b/sqrt(2))"}, "0"),
    ({"d": "(log(c/p) + c**2/2)/c", "b": "d - p", "L": "c*erf(d/sqrt(2)) - p*erf(b/sqrt(2))"},
     "√2 · (c · exp(-d²/2) - p · exp(-b²/2)) / √π"),
    ({"d": "log(c)/p", "L": "exp(d*p) - c*exp(d)"}, "(p - exp(d)) · c"),
]
"""The identity of Black and Scholes for a price c and a strike p; with another spread there is none; c by its log."""


@pytest.mark.parametrize(("nodes", "expected"), EXPONENTIALS)
def test_exponentials_are_one_where_their_definitions_say_so(nodes: Mapping[str, str], expected: str) -> None:
    """Terms whose exponents differ by logarithms of what stands in front are one; any others stay two."""
    found = formulas(json.dumps(nodes))
    assert found["d"].text == expected
    assert all((formula.deviation or 0) < 1e-12 for formula in found.values())
