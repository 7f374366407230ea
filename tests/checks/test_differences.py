"""Differences: what they agree with, what they refuse to judge, and what they never let pass."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from backprop_cli.tasks.checks.differences import MOST_ENTRIES, Probe, compare, sample
from backprop_cli.tasks.checks.results import Answer, Tolerance, status_of

AGREES = Tolerance(relative=1e-5, absolute=1e-7)


def tried(function: Any, x: Any, gradient: Any) -> Answer:
    """Differences of a function of an array, by every entry."""
    point = np.asarray(x, dtype=float)
    probe = Probe(lambda a: float(function(a)), point, scale=abs(float(function(point))))
    return compare(probe, np.asarray(gradient, dtype=float), list(np.ndindex(*point.shape)))


@pytest.mark.parametrize(("a", "b", "agree"), [
    (1.0, 1.0 + 9e-6, True), (1.0, 1.0 + 1.2e-5, False), (0.0, 9e-8, True), (0.0, 2e-7, False), (1e6, 1e6 + 9, True),
    (math.nan, 1.0, False), (1.0, math.nan, False), (math.nan, math.nan, False), (math.inf, math.inf, True),
    (math.inf, 1e300, False), (math.inf, -math.inf, False),
])  # fmt: skip
def test_tolerance(a: float, b: float, agree: bool) -> None:
    """1e-7 + 1e-5·max(|a|, |b|); NaN agrees with nothing, an infinity with itself alone."""
    assert bool(AGREES.refuses(AGREES.distance(a, b))) is not agree


def test_smooth_function_agrees_to_many_digits() -> None:
    """On a smooth function the differences are good to some ten digits."""
    x = np.linspace(-2, 2, 9)
    answer = tried(lambda a: np.sum(np.tanh(a) * a), x, np.tanh(x) + x * (1 - np.tanh(x) ** 2))
    assert status_of([answer]) == "ok"
    assert answer.worst is not None
    assert answer.worst < 1e-9
    assert answer.checked == answer.total == 9


@pytest.mark.parametrize("factor", [1.001, 0.999, -1.0, 0.0, 2.0, math.nan, math.inf])
def test_wrong_entry_is_named(factor: float) -> None:
    """A gradient that is wrong in one entry, by 0.1 % or by NaN, is wrong, at that entry."""
    x = np.array([0.3, 0.7, 1.1])
    gradient = np.exp(x)
    gradient[1] *= factor
    answer = tried(lambda a: np.sum(np.exp(a)), x, gradient)
    assert answer.wrong
    assert answer.index == (1,)
    assert answer.found["differences"][1] == pytest.approx(math.exp(0.7))


@pytest.mark.parametrize(("function", "gradient"), [
    (lambda a: np.sum(np.abs(a)), 0.0), (lambda a: np.sum(np.maximum(a, 0)), 0.0), (lambda a: np.sum(a > 0), 0.0),
    (lambda a: np.sum(np.floor(a)), 0.0), (lambda a: np.sum(np.maximum(a, 2 * a)), 1.5),
    (lambda a: np.sqrt(np.sum(a * a)), 0.0),
])  # fmt: skip
def test_kink_is_inconclusive(function: Any, gradient: float) -> None:
    """Where one-sided slopes disagree there is nothing to be wrong about, whatever the convention."""
    for convention in (gradient, gradient + 1):
        answer = tried(function, [0.0], [convention])
        assert answer.kinks == ((0,),)
        assert status_of([answer]) == "kink"


def test_entry_near_a_kink_is_no_kink() -> None:
    """A kink closer than the step is stepped around, not reported."""
    answer = tried(lambda a: np.sum(np.maximum(a, 0)), [1e-6, -1e-6], [1.0, 0.0])
    assert status_of([answer]) == "ok"


def test_two_kinks_side_by_side() -> None:
    """Beside the kink that a point is on, another one, nearer than the step, hides nothing and accuses nobody."""
    near = lambda a: np.sum(np.maximum(a, 0)) + np.sum(np.abs(a + 1e-6))  # noqa: E731
    assert status_of([tried(near, [0.0], [1.0])]) == "kink"
    assert status_of([tried(near, [1e-3], [2.0])]) == "ok"
    assert tried(near, [1e-3], [2.5]).wrong


def test_curvature_is_no_kink() -> None:
    """A strongly curved function has one slope, and is judged by it."""
    x = np.array([0.3, -0.2])
    assert status_of([tried(lambda a: np.sum(np.cos(300 * a)), x, -300 * np.sin(300 * x))]) == "ok"
    assert tried(lambda a: np.sum(np.cos(300 * a)), x, -301 * np.sin(300 * x)).wrong


def test_rounding_is_no_error() -> None:
    """A small slope on top of a large value drowns in rounding: that speaks neither for nor against it."""
    answer = tried(lambda a: 1e12 + np.sum(np.sin(a)), [0.4], [math.cos(0.4)])
    assert status_of([answer]) == "inconclusive"
    assert status_of([tried(lambda a: 1e4 + np.sum(np.sin(a)), [0.4], [math.cos(0.4)])]) == "ok"
    assert tried(lambda a: 1e4 + np.sum(np.sin(a)), [0.4], [1.001 * math.cos(0.4)]).wrong


def test_not_finite_is_inconclusive() -> None:
    """Where the function is not finite nearby, differences say nothing."""
    with np.errstate(all="ignore"):
        answer = tried(lambda a: np.sum(np.sqrt(a)), [0.0, 1.0], [math.inf, 0.5])
    assert answer.unknown == ((0,),)
    assert status_of([answer]) == "inconclusive"


def test_large_tensor_is_sampled_and_says_so() -> None:
    """Above the budget a sample is taken, the same one every time, and the answer tells."""
    assert sample((3, 4), 12, "w") == list(np.ndindex(3, 4))
    chosen = sample((1000, 1000), MOST_ENTRIES, "w")
    assert len(set(chosen)) == MOST_ENTRIES
    assert chosen == sample((1000, 1000), MOST_ENTRIES, "w")
    x = np.ones(50)
    answer = compare(Probe(lambda a: float(np.sum(a)), x, 50.0), x, sample((50,), 7, "x"))
    assert (answer.checked, answer.total) == (7, 50)
    assert answer.note == "a sample of 7 of 50 entries"
