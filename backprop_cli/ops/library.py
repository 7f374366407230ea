"""Functions that are compositions, written in the spec language itself: one line each."""

from __future__ import annotations

from typing import Any

from backprop_cli.ops.base import ParameterError, Sample, composite

PAIR = (Sample(((2, 3), (2, 3))), Sample(((), ())), Sample(((4,), (4,)), {"reduction": "sum"}),
        Sample(((2, 3), (2, 3)), {"reduction": "none"}))  # fmt: skip

REDUCTIONS = {"mean": "mean({})", "sum": "sum({})", "none": "{}"}


def reduced(terms: str, reduction: Any) -> str:
    """A loss from its terms.

    Raises:
        ParameterError: `reduction` is none of 'mean', 'sum', 'none'.
    """
    key = "none" if reduction is None else reduction
    if key not in REDUCTIONS:
        raise ParameterError("reduction", f"reduction is 'mean', 'sum' or 'none', not {reduction!r}")
    return REDUCTIONS[key].format(terms)


composite("mse_loss(input, target; reduction='mean')", "Mean squared error.",
          lambda shapes, reduction: reduced("(input - target)**2", reduction), samples=PAIR, group="losses")
