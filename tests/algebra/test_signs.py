"""Where a minus goes: functions that are said to be odd are, and no other takes a sign into its argument."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.numbers import Words
from backprop_cli.formulas.algebra.expr import TensorSymbol
from backprop_cli.formulas.algebra.for_print.signs import EVEN, ODD, negated
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.tasks.calculate import Settings, run

X = np.array([-0.9, -0.3, 0.2, 0.7])


@pytest.mark.parametrize(("name", "sign"), [*((one, -1) for one in sorted(ODD)), *((one, 1) for one in sorted(EVEN))])
def test_a_function_is_odd_or_even(name: str, sign: int) -> None:
    """f(-x) is -f(x), or f(x), by numbers."""
    function = getattr(Words(), name)
    np.testing.assert_allclose(function(-X), sign * function(X), rtol=1e-14)


@pytest.mark.parametrize(("expression", "wanted"), [
    ("sum(sin(x - m))", lambda d: -np.cos(d)), ("sum(x - tanh(x - m))", lambda d: 1 - np.tanh(d) ** 2),
    ("sum(sqrt(1 + (x - m)**2))", lambda d: -d / np.sqrt(1 + d**2)), ("sum(abs(x - m))", lambda d: -np.sign(d)),
    ("sum((x - m)**4)", lambda d: -4 * d**3), ("sum(1/(x - m)**2)", lambda d: 2 / d**3),
    ("sum((x - m)**3)", lambda d: -3 * d**2), ("sum(1/(m - x))", lambda d: -1 / d**2),
    ("sum(sin(m - x)**2 - x*m)", lambda d: -2 * np.sin(d) * np.cos(d) - X - 2),
    ("-sum(cumprod(x - m, axis=0))", lambda d: np.array([1 + d[1] * (1 + d[2] * (1 + d[3])), d[0] * (
        1 + d[2] * (1 + d[3])), d[0] * d[1] * (1 + d[3]), d[0] * d[1] * d[2]])),
])  # fmt: skip
def test_a_minus_before_a_difference_says_the_same(expression: str, wanted: Any, spec_of: Any) -> None:
    """The printed gradient by m, read back, is the derivative, wherever its sign was put."""
    leaves = f"params: {{x: {(X + 2).tolist()}, m: [0.5, 0.4, 0.3, 0.2]}}\n"
    spec = spec_of(f"{leaves}nodes: {{y: '{expression}'}}")
    code = run(spec, Settings()).by_name["m"].gradient.formula["leaves"].code  # type: ignore[union-attr]
    value = run(spec_of(f"{leaves}nodes: {{y: '{code}', z: sum(y)}}"), Settings(terms=())).by_name["y"].value
    np.testing.assert_allclose(value, wanted(X + 2 - np.array([0.5, 0.4, 0.3, 0.2])), rtol=1e-12)


def test_an_operator_takes_a_sign_only_into_what_it_is_linear_in() -> None:
    """cumprod_others(x, g), products of the entries of x times those of g, turns with g, and not with x."""
    x, m, g = (TensorSymbol(name, (4,), place, leaf=True) for place, name in enumerate("xmg"))
    assert negated(call("cumprod_others", {"axis": 0}, x - m, g)) is None
    turned = negated(-call("cumprod_others", {"axis": 0}, x, m - g))
    assert turned is not None
    assert turned.args == (x, m - g)
