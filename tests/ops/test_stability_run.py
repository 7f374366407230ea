"""Stable numbers of a whole run: value and gradient of a spec against mpmath, far into the tails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backprop_cli.tasks.calculate import Settings, run

mpmath = pytest.importorskip("mpmath")

TAILS = [float(x) for x in [*np.linspace(-745, 745, 150), *np.linspace(-40, 40, 81), 1e-9, -1e-9, 36.8, -36.8]]
TOLERANCE, SMALLEST = 1e-13, 5e-324  # below 2e-308 a float has fewer digits: one unit is 5e-324


def sigma(x: Any) -> Any:
    """The sigmoid."""
    return 1 / (1 + mpmath.exp(-x))


def soft(x: Any) -> Any:
    """log(1 + eˣ)."""
    return mpmath.log1p(mpmath.exp(x))


CASES: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sigmoid": ("sigmoid(x)", sigma, lambda x: sigma(x) * sigma(-x)),
    "softplus": ("softplus(x)", soft, sigma),
    "logsigmoid": ("logsigmoid(x)", lambda x: -soft(-x), lambda x: sigma(-x)),
    "log_softmax": ("log_softmax(stack([x, 0 * x], -1))[:, 0]", lambda x: -soft(-x), lambda x: sigma(-x)),
    "logsumexp": ("logsumexp(stack([x, 0 * x], -1), axis=-1)", soft, sigma),
    "bce of 0": ("binary_cross_entropy_with_logits(x, 0 * x, reduction='none')", soft, sigma),
    "bce of 1": ("binary_cross_entropy_with_logits(x, 0 * x + 1, reduction='none')", lambda x: soft(-x),
                 lambda x: -sigma(-x)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_run_keeps_its_digits(name: str, spec_of: Any) -> None:
    """Rule: relative error under 1e-13 from -745 to 745, in the value and in the gradient."""
    expression, value, slope = CASES[name]
    result = run(spec_of(f"params: {{x: {TAILS}}}\nnodes:\n  y: {expression}\ngrad_output: ones\n"), Settings(terms=()))
    nodes = {node.name: node for node in result.nodes}
    assert nodes["x"].gradient is not None
    with mpmath.workdps(700):
        for x, y, g in zip(TAILS, nodes["y"].value, nodes["x"].gradient.value, strict=True):
            for found, exact in ((y, value(mpmath.mpf(x))), (g, slope(mpmath.mpf(x)))):
                assert abs(mpmath.mpf(float(found)) - exact) <= TOLERANCE * abs(exact) + SMALLEST, (x, found)
