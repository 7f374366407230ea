"""What an op says of its linearity is so: for each sample and operand, by numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.numbers import Words
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.base import Sample
from backprop_cli.engine.ops.samples import draw

DECLARED = [op for op in OPS.values() if op.linear]
WORDS = Words("float64")


def operands(op: Op, sample: Sample, seed: int) -> list[Any]:
    """Random operands without the optional ones, with which a linear op is affine."""
    drawn = draw(sample, np.random.default_rng(seed))
    names = op.signature.operands if not op.signature.variadic else op.signature.operands * len(drawn)
    return [None if name in op.signature.optional else o for name, o in zip(names, drawn, strict=True)]


def alone(op: Op, given: Sequence[Any], position: int, sample: Sample) -> Callable[[Any], Any]:
    """The op as a function of one operand."""
    return lambda x: op.forward(WORDS, *(x if i == position else o for i, o in enumerate(given)), **sample.parameters)


def deviation(op: Op) -> float:
    """How far f(2a - 3b) is from 2 f(a) - 3 f(b), over the operands that the op says it is linear in."""
    worst = 0.0
    for sample in (s for s in op.samples if not s.parameters.get("constant_values")):
        given, other = operands(op, sample, 1), operands(op, sample, 2)
        for position, (a, b) in enumerate(zip(given, other, strict=True)):
            if op.is_linear_in(position):
                f = alone(op, given, position, sample)
                worst = max(worst, float(np.max(np.abs(f(2 * a - 3 * b) - 2 * f(a) + 3 * f(b)), initial=0)))
    return worst


@pytest.mark.parametrize("op", DECLARED, ids=lambda op: op.name)
def test_a_linear_op_is_linear(op: Op) -> None:
    """f(2a - 3b) = 2 f(a) - 3 f(b) in each operand named, which is one of its operands."""
    assert set(op.linear.split()) <= set(op.signature.operands)
    assert deviation(op) < 1e-10


def test_sums_of_products() -> None:
    """An op is multilinear where it is linear in all that it has to be given: so are no choice, and no solution."""
    found = {op.name for op in OPS.values() if op.is_multilinear}
    assert found >= {"matmul", "outer", "einsum", "sum", "mean", "avg_pool1d", "conv3d", "conv_transpose1d"}
    assert not found & {"solve", "take", "cumprod_others", "max_unpool1d", "exp", "multiply"}


@pytest.mark.parametrize("name", ["exp", "inv", "max", "softmax"])
def test_what_is_not_linear_is_noticed(name: str) -> None:
    """An op that said so falsely would be caught."""
    assert deviation(replace(OPS[name], linear=OPS[name].signature.operands[0])) > 1e-3
