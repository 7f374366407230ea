"""What an op says of itself in words that no calculation tests: which numbers pick, what a layer may end with."""

from __future__ import annotations

import numpy as np
import pytest

import backprop_cli
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.base import op as define
from backprop_cli.language.layers.plain import ACTIVATIONS


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.integer_operands], ids=lambda op: op.name)
def test_whole_numbers_that_are_allowed(op: Op) -> None:
    """They end where those end that the samples draw, whatever the shapes, the axis and the size."""
    assert op.allowed is not None
    (name,) = op.integer_operands
    for sample in op.samples:
        given = {**op.signature.parameters, **sample.parameters}
        drawn = sample.domains[op.signature.operands.index(name)] if len(sample.domains) > 1 else sample.domains[0]
        assert f"labels:{op.allowed(*sample.shapes, **given).stop}" == drawn


def test_whole_numbers_have_bounds() -> None:
    """An op that takes them and does not say which is refused where it is defined."""
    with pytest.raises(ValueError, match="which they may be"):
        define("picks(x, k)", "An op.", lambda xp, x, k: x, shape=lambda x, k: x, vjps=(None, None),
               integer_operands=frozenset({"k"}), samples=OPS["take"].samples)  # fmt: skip


def test_activations_are_those_of_layers() -> None:
    """The functions that a layer may end with, without those that are as often no activation."""
    assert {op.name for op in OPS.values() if op.activation} == (
        set(ACTIVATIONS) & OPS.keys()) - {"identity", "exp", "sin", "square", "erf"}  # fmt: skip


@pytest.mark.parametrize("name", [op.name for op in OPS.values() if op.flat_below])
def test_what_is_flat_below_hands_nothing_on(name: str) -> None:
    """An entry that is -∞ gets no gradient, whatever stands beside it and whatever comes back."""
    spec = {"inputs": {"v": [0.5, -1.0, 2.0], "m": [1, 0, 1]}, "params": {"x": [0.3, 0.7, 1.2]},
            "nodes": {"s": "where(m, x, -inf)", "y": f"{name}(s)", "loss": "sum(v * y) + sum(v * y)**2"}}  # fmt: skip
    gradient = np.asarray(backprop_cli.run(spec)["s"].grad)
    assert gradient[1] == 0
    assert gradient[[0, 2]].all()
