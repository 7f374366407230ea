"""Entries that are no numbers: left out, or replaced."""

from __future__ import annotations

from collections.abc import Mapping

from backprop_cli.engine.ops.base import Sample, composite
from backprop_cli.engine.ops.library import scalar, spell
from backprop_cli.engine.ops.tensor import Axes, Real
from backprop_cli.engine.ops.validate import flag
from backprop_cli.language.model import Shape

SAMPLES = (Sample(((2, 3),)), Sample(((2, 3),), {"axis": 1}), Sample(((2, 3),), {"axis": 0, "keepdims": True}))
LARGEST = repr(1.7976931348623157e308)
"""What PyTorch and numpy put for an infinite number of double precision."""


def _along(axis: Axes, keepdims: bool) -> str:
    return f"axis={spell(axis)}, keepdims={spell(flag('keepdims', keepdims))}"


composite("nansum(x; axis=none, keepdims=false)", "Sum of the entries that are numbers.",
          lambda shapes, axis, keepdims: f"sum(where(x == x, x, 0), {_along(axis, keepdims)})", group="reductions",
          samples=SAMPLES)
composite("nanmean(x; axis=none, keepdims=false)", "Mean of the entries that are numbers.",
          lambda shapes, axis, keepdims: f"sum(where(x == x, x, 0), {_along(axis, keepdims)})"
          f" / sum(x == x, {_along(axis, keepdims)})", group="reductions", samples=SAMPLES)


def _nan_to_num(shapes: Mapping[str, Shape], nan: Real, posinf: Real | None, neginf: Real | None) -> str:
    high = LARGEST if posinf is None else scalar("posinf", posinf)
    low = f"-{LARGEST}" if neginf is None else scalar("neginf", neginf)
    ends = high if high == low else f"where(x > 0, {high}, {low})"
    return f"where(x == x, where(abs(x) == inf, {ends}, x), {scalar('nan', nan)})"


composite("nan_to_num(x; nan=0, posinf=none, neginf=none)",
          "x, with numbers in place of NaN and the infinities: 0, and the largest ones there are.", _nan_to_num,
          group="elementwise", samples=(Sample(((2, 3),)), Sample(((3,),), {"nan": 2, "posinf": 5, "neginf": -5})))
