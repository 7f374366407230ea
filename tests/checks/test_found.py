"""Errors that the random graphs found, and near misses, as small specs: they stay right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.words import SINGULAR
from backprop_cli.tasks.checks import check

FOUND = {
    "an index binds more tightly than a power: (p**2)[..., None]": """
params: {p: [0.7, 0.8, 0.1]}
nodes: {n: square(p), m: 'n[..., None]', q: 'prod(m, axis=-2, keepdims=true)', loss: sum(sin(q))}
""",
    "the gradient of what scatter broadcasts is summed back": """
params: {p: -0.6, v: [0.4]}
nodes: {n: "scatter(p, '1:3', (4,))", m: "scatter(v, '::2, -1', (3, 4))", loss: sum(n**2) + sum(sin(m))}
""",
    "a shared power with a symbol for its exponent is taken out once": """
params: {p: [0.7, 0.4], q: [1.0, 2.0]}
nodes: {n: p**q, m: p**q, loss: sum(sin(n)) + sum(sin(m + 1))}
""",
    "matrix products between elementwise ones keep their brackets": """
params: {a: [[0.3, -0.2], [0.5, 0.1]], x: [0.7, -0.4]}
nodes: {y: tanh(a @ x), z: 'outer(y, 1 - y)', loss: sum(z @ x - (x - y) * (x + y))}
""",
}


@pytest.mark.parametrize("text", FOUND.values(), ids=list(FOUND))
def test_found_error_stays_away(text: str, checked: Any) -> None:
    """Each of them comes out right under all answers."""
    report = checked(text)
    assert report.ok, [r for r in report.results if r.status != "ok"]


def test_gradient_of_another_shape_is_wrong(checked: Any, one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gradient that has not its node's shape is told as such; nothing is compared with it."""
    monkeypatch.setitem(OPS, "scatter", replace(OPS["scatter"], broadcasts=False))
    result = one(checked("params: {p: -0.6}\nnodes: {n: \"scatter(p, '1:3', (4,))\", loss: sum(n**2)}\n"), "p")
    assert result.status == "wrong"
    assert result.reason == "the gradient has shape (2,), the node ()"


def test_a_formula_of_zero_by_zero_is_told_not_passed(spec_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the printed formula is 0/0 and the rule has a value, the check says so: neither right nor wrong."""
    monkeypatch.setitem(SINGULAR, "sinc_slope", ("x == 7", "0"))
    report = check(spec_of("params:\n  v: [0.0, 0.5]\nnodes:\n  y: sum(sinc(v))\n"))
    result = next(r for r in report.results if r.node == "v")
    assert result.status == "inconclusive"
    assert "0/0" in result.reason


def test_a_clip_between_equal_bounds_is_a_convention(checked: Any, one: Any) -> None:
    """There the function is constant and the derivative 1, as in PyTorch; next to it a wrong one stays wrong."""
    found = checked("params: {x: [1.0, 0.0, -1.0]}\nnodes: {loss: 'sum(clip(x, 0, 0))'}\n")
    assert found.ok
    assert one(found, "x").status == "kink"
