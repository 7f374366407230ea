"""What rounding does to a formula, to sympy's derivative or to a difference is no error, nor does it hide one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.ops import COMPOSITES, OPS, Op
from backprop_cli.engine.ops.base import REQUIRED, Composite
from backprop_cli.engine.ops.words import WORDS
from backprop_cli.tasks.checks.differences import Probe, compare
from backprop_cli.tasks.checks.results import status_of

HARD = (1e-200, 1e-9, -1e-9, 1e-5, 1 + 1e-9, 1 - 1e-9, -1 + 1e-9, 0.5, 30.0, -40.0, 300.0, -800.0, 1e5, 1e8)
"""Where 1 + x, 1 - x, exp x and steps lose digits."""


def elementwise() -> list[str]:
    """The functions of one number that need nothing else."""
    every: list[Op | Composite] = [*OPS.values(), *COMPOSITES.values()]
    return [one.name for one in every if one.group == "elementwise" and one.signature.operands == ("x",)
            and REQUIRED not in one.signature.parameters.values()
            and not (isinstance(one, Op) and None in one.vjps)]  # fmt: skip


@pytest.mark.parametrize("function", elementwise())
def test_no_function_is_accused_where_digits_are_lost(function: str, checked: Any) -> None:
    """Rule: at each hard point, alone, so that no other entry's size counts, `check` calls no gradient wrong."""
    for x in HARD:
        report = checked(f"params: {{x: {x!r}}}\nnodes: {{y: {function}(x)}}\n")
        assert report.ok, (x, [one for one in report.results if one.status == "wrong"])


def test_what_cancels_is_told(checked: Any, one: Any) -> None:
    """Rule: the entries that the formula cannot show are named; the others are still compared."""
    found = one(checked("params: {x: [1.0e-9, 0.3]}\nnodes: {y: sum(sinc(x))}\n"), "x")
    assert found.status == "inconclusive"
    assert found.reason.startswith("the terms of the printed formula cancel, and rounding takes its digits at [0]")


@pytest.mark.parametrize(("x", "wrong"), [
    (0.3, "1.001 * (cos(pi * x) - y) / x"), (1e-9, "x - 1"), (1e-9, "1e-5 + (cos(pi * x) - y) / x"),
    (0.3, "floor(x) + 1"),
])  # fmt: skip
def test_rounding_excuses_no_wrong_formula(x: float, wrong: str, checked: Any, one: Any,
                                           monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Rule: a formula that is wrong by more than it could have lost is wrong, also where terms of it cancel."""
    monkeypatch.setitem(WORDS, "sinc_slope", (("y", "x"), wrong))
    assert one(checked(f"params: {{x: {x}}}\nnodes: {{y: sinc(x)}}\n"), "x").status == "wrong"


@pytest.mark.parametrize(("function", "slope"), [
    (np.sin, np.cos), (lambda x: np.floor(x + 0.5) + np.sin(x), np.cos), (lambda x: x * np.sin(x / 1e8), None),
])  # fmt: skip
def test_a_large_number_has_small_steps(function: Any, slope: Any) -> None:
    """Rule: at 1e8 a function may turn within 1: a right slope is no error there, one that is off by 1 % is."""
    x = np.array([1e8])
    right = np.sin(x / 1e8) + np.cos(x / 1e8) if slope is None else slope(x)
    for factor, status in ((1, "ok"), (1.01, "wrong")):
        tried = compare(Probe(lambda a: float(np.sum(function(a))), x, 1e8), factor * right, [(0,)])
        assert status_of([tried]) == status
