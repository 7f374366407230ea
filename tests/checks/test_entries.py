"""The third meaning: every rule, run on sympy scalars, against sympy.diff of the op's own definition."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.base import Sample
from backprop_cli.engine.ops.samples import draw
from backprop_cli.formulas.entries import REAL, Entries, NoEntriesError, apply_op, entries, exact, symbols
from backprop_cli.tasks.checks.scalars import KinkError, Scalars

SEED = 11
MOST = 12  # entries of all operands together: larger samples say nothing new about a rule and take seconds
SAMPLES = 3
DEAR = dict.fromkeys(("inv", "det", "logdet", "slogdet", "cholesky", "matrix_power"), 8)
"""Ops whose entries are long expressions."""


def size(sample: Sample) -> int:
    """All entries of a sample's operands."""
    return sum(math.prod(shape) for shape in sample.shapes if shape is not None)


def small(op: Op) -> list[Sample]:
    """The first few samples of an op that are small, or its smallest."""
    most = DEAR.get(op.name, MOST)
    return [s for s in op.samples if size(s) <= most][:SAMPLES] or [min(op.samples, key=size)]


CASES = [
    pytest.param(op, sample, position, id=f"{op.name}{sample.shapes}{dict(sample.parameters) or ''}-{position}")
    for op in OPS.values() if op.has_entries
    for sample in small(op)
    for position, shape in enumerate(sample.shapes)
    if shape is not None and op.vjps[0 if op.signature.variadic else position] is not None
]  # fmt: skip


def parameters_of(op: Op, sample: Sample) -> dict[str, Any]:
    """The sample's parameters, and the defaults of the others."""
    return {**op.signature.parameters, **sample.parameters}


@pytest.mark.parametrize(("op", "sample", "position"), CASES)
def test_rule_is_the_derivative_entry_by_entry(op: Op, sample: Sample, position: int) -> None:
    """The VJP in entries equals Σ g·sympy.diff of the entries of op(...), by every entry of the operand."""
    rng = np.random.default_rng(SEED)
    numbers = draw(sample, rng)
    made = symbols("x", np.shape(numbers[position]))
    operands = [made if i == position else None if x is None else entries(x) for i, x in enumerate(numbers)]
    parameters = parameters_of(op, sample)
    meaning = Entries()
    try:
        y = apply_op(op, operands, parameters)
        g = rng.normal(size=y.shape)
        found = meaning.unbroadcast(meaning.rule(op, position, parameters)(entries(g), y, *operands), made.shape)
    except NoEntriesError as reason:
        pytest.skip(str(reason))
    point = dict(zip(made.flat, np.ravel(numbers[position]), strict=True))
    value, gradient = Scalars(point), Scalars(point, edges=True)
    parts = [(weight, entry, entry.free_symbols) for weight, entry in zip(np.ravel(g), np.ravel(y), strict=True)]
    for index in np.ndindex(*made.shape):
        by = made[index]
        try:
            expected = math.fsum(weight * value(sympy.diff(entry, by)) for weight, entry, used in parts if by in used)
        except KinkError:  # the samples with zeros, or a mask: nothing to compare with
            continue
        np.testing.assert_allclose(gradient(entries(found)[index]), expected, rtol=1e-9, atol=1e-11)


def test_nearly_every_op_has_entries() -> None:
    """The cases above cover every op that has a derivative, but for eigen- and singular values, pooling and sorting."""
    covered = {case.values[0].name for case in CASES}
    missing = {name for name, op in OPS.items() if any(op.vjps)} - covered
    assert len(covered) >= 60
    assert missing <= {"eigvalsh", "eigvecsh", "lyapunov", "pinv", "polar", "svdvals", "svd_u", "svd_vh", "max_pool1d",
                       "max_pool2d", "max_pool3d", "sort"}  # fmt: skip


def test_numbers_are_exact() -> None:
    """Fractions and whole floats are exact, pi is pi, other floats keep 30 digits."""
    assert exact(Fraction(1, 3)) == sympy.Rational(1, 3)
    assert exact(2.0) is sympy.S(2)
    assert exact(math.pi) is sympy.pi
    assert exact(-math.inf) is -sympy.oo
    assert float(exact(0.1)) == 0.1


@pytest.mark.parametrize("function", ["Abs", "Max", "Min", "sign", "floor", "ceiling"])
def test_kinked_functions_are_sympys(function: str) -> None:
    """The classes with kinks have the values of sympy's functions, and its slopes away from kinks."""
    x = sympy.Dummy("x", real=True)
    ours, theirs = getattr(REAL, function), getattr(sympy, function)
    operands = (x, sympy.Rational(1, 2)) if function in {"Max", "Min"} else (x,)
    for at in (-1.3, 0.2, 0.7, 2.6):
        value = Scalars({x: at})
        assert value(ours(*operands)) == pytest.approx(float(theirs(*operands).subs(x, at)))
        slope = (theirs(*operands).subs(x, at + 1e-6) - theirs(*operands).subs(x, at - 1e-6)) / 2e-6
        assert value(sympy.diff(ours(*operands), x)) == pytest.approx(float(slope), abs=1e-6)


@pytest.mark.parametrize("function", ["Abs", "Max", "Min", "sign", "floor"])
def test_slope_on_a_kink_is_refused(function: str) -> None:
    """At a corner or a jump there is no slope to compare with, and none is made up."""
    x = sympy.Dummy("x", real=True)
    operands = (x, sympy.Integer(0)) if function in {"Max", "Min"} else (x,)
    with pytest.raises(KinkError):
        Scalars({x: 0.0})(sympy.diff(getattr(REAL, function)(*operands), x))


def test_condition_on_its_edge_is_a_kink() -> None:
    """A piecewise expression has no slope where a condition only just holds."""
    x = sympy.Dummy("x", real=True)
    piecewise = sympy.Piecewise((x, x > 0), (0, True))
    assert Scalars({x: 1.0})(piecewise) == 1.0
    with pytest.raises(KinkError):
        Scalars({x: 0.0})(piecewise)


def test_eigenvalues_have_no_entries() -> None:
    """An op without a formula for an entry says so."""
    with pytest.raises(NoEntriesError, match="eigvalsh"):
        apply_op(OPS["eigvalsh"], [entries(np.eye(2))], {})
