"""What an op says of itself in words that no calculation tests: which numbers pick, what a layer may end with."""

from __future__ import annotations

import pytest

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
