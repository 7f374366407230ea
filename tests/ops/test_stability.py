"""Stable numbers: against mpmath at 50 digits, far into the tails; and no function ever raises or warns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.numbers import Words
from backprop_cli.engine.ops import OPS
from tests.draws import told

mpmath = pytest.importorskip("mpmath")
XP = Words()
TAILS = np.concatenate([np.linspace(-745, 745, 299), np.linspace(-40, 40, 161),
                        [0.0, 1e-9, -1e-9, 1e-300, 36.8, -36.8]])
TOLERANCE = 1e-13
SMALLEST = 745 * 5e-324
"""Below about 2e-308 a float has fewer digits: one unit in the last place is 5e-324, times x in silu."""


def check_agrees(found: Any, exact: Callable[[Any], Any], xs: Any) -> None:
    """Every number within 1e-13 of the exact one."""
    with mpmath.workdps(50):
        for value, x in zip(np.ravel(found), xs, strict=True):
            want = exact(x)
            error = abs(mpmath.mpf(float(value)) - want)
            assert error <= TOLERANCE * abs(want) + SMALLEST, (x, value, mpmath.nstr(want, 20))


def sigma(x: Any) -> Any:
    """The sigmoid, exactly."""
    return 1 / (1 + mpmath.exp(-mpmath.mpf(float(x))))


def soft(x: Any) -> Any:
    """softplus, exactly: 1 + eˣ needs 700 digits."""
    with mpmath.workdps(700):
        return mpmath.log(1 + mpmath.exp(mpmath.mpf(float(x))))


def complement(x: Any) -> Any:
    """1 - σ(x)."""
    return sigma(-x)


SCALARS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sigmoid": (sigma, lambda x: sigma(x) * complement(x)),
    "softplus": (soft, sigma),
    "logsigmoid": (lambda x: -soft(-x), complement),
    "silu": (lambda x: mpmath.mpf(float(x)) * sigma(x), lambda x: sigma(x) + x * sigma(x) * complement(x)),
}


def call(name: str, g: Any, *xs: Any, position: int = 0, **parameters: Any) -> tuple[Any, Any]:
    """(value, gradient) of an op."""
    op = OPS[name]
    statics = {**op.signature.parameters, **parameters}
    rule = op.vjps[position]
    assert rule is not None
    with np.errstate(all="ignore"):
        y = op.forward(XP, *xs, **statics)
        return y, rule(XP, g, y, *xs, **statics)


@pytest.mark.parametrize("name", SCALARS)
def test_value_and_slope_keep_their_digits(name: str) -> None:
    """Relative error under 1e-13 from -745 to 745."""
    value, slope = SCALARS[name]
    found, gradient = call(name, np.ones_like(TAILS), TAILS)
    check_agrees(found, value, TAILS)
    if name != "silu":  # its slope crosses 0, where no relative accuracy is to be had
        check_agrees(gradient, slope, TAILS)


def test_log_ndtr_keeps_its_digits_where_ndtr_underflows() -> None:
    """log Φ and its slope φ/Φ, from far below 0, where Φ is 0 to a float, to where Φ is 1."""
    xs = np.concatenate([np.linspace(-60, 10, 281), [-1e10, -1e3, -3 * 2**0.5, -1e-9]])
    found, slope = call("log_ndtr", np.ones_like(xs), xs)
    with mpmath.workdps(400):
        chances = [mpmath.erfc(-mpmath.mpf(float(x)) / mpmath.sqrt(2)) / 2 for x in xs]
        logs = {x: mpmath.log(p) for x, p in zip(xs, chances, strict=True)}
        slopes = {x: mpmath.npdf(mpmath.mpf(float(x))) / p for x, p in zip(xs, chances, strict=True)}
    check_agrees(found, logs.__getitem__, xs)
    check_agrees(slope, slopes.__getitem__, xs)


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_bce_with_logits_keeps_its_digits(target: float) -> None:
    """softplus(z) - t z and σ(z) - t, for both labels, far into the tails."""
    found, gradient = call("bce_logits", np.ones_like(TAILS), TAILS, np.full_like(TAILS, target))
    check_agrees(found, lambda z: soft(z) if target == 0 else soft(-z), TAILS)
    check_agrees(gradient, lambda z: sigma(z) if target == 0 else -complement(z), TAILS)


def logits(gap: float) -> Any:
    """Three logits, the first ahead by the gap."""
    return np.array([gap, 0.0, -0.25 * gap])


GAPS = np.concatenate([np.linspace(-590, 590, 119), np.linspace(-45, 45, 91)])


def exact_log_softmax(x: Any, which: int) -> Any:
    """log softmax as minus log of a sum that holds a 1."""
    others = [mpmath.exp(mpmath.mpf(float(v)) - mpmath.mpf(float(x[which]))) for i, v in enumerate(x) if i != which]
    with mpmath.workdps(700):
        return -mpmath.log(1 + sum(others))


@pytest.mark.parametrize("which", [0, 1, 2])
def test_log_softmax_keeps_its_digits(which: int) -> None:
    """Its value, and its gradient for a one-hot cotangent: the softmax minus the label."""
    g = -np.eye(3)[which]
    for gap in GAPS:
        x = logits(gap)
        found, gradient = call("log_softmax", g, x, axis=-1)
        with mpmath.workdps(50):
            check_agrees(found, lambda i, x=x: exact_log_softmax(x, i), range(3))
            e = [mpmath.exp(mpmath.mpf(float(v))) for v in x]
            rest = [sum(e[j] for j in range(3) if j != i) for i in range(3)]
            want = [-rest[i] / sum(e) if i == which else e[i] / sum(e) for i in range(3)]
            check_agrees(gradient, want.__getitem__, range(3))


def test_logsumexp_keeps_its_digits() -> None:
    """Its value where one entry stands alone, and the softmax as its gradient."""
    for gap in GAPS:
        x = logits(gap)
        found, gradient = call("logsumexp", np.float64(1), x)
        with mpmath.workdps(700):
            e = [mpmath.exp(mpmath.mpf(float(v))) for v in x]
            check_agrees(found, lambda _, e=e: mpmath.log(sum(e)), [0])
            check_agrees(gradient, lambda i, e=e: e[i] / sum(e), range(3))


def test_infinite_logits_are_impossible_classes() -> None:
    """-inf hides a class: no NaN in softmax, log_softmax or logsumexp."""
    x = np.array([0.0, -np.inf, 1.0])
    for name in ("softmax", "log_softmax", "logsumexp"):
        value, _ = call(name, np.float64(1), x)
        assert not np.isnan(value).any(), name
    assert not np.isnan(call("softmax", np.ones(3), x)[1]).any()


EDGES = (0.0, -0.0, -1.0, 2.0, 1e308, -1e308, np.inf, -np.inf, np.nan, 5e-324)


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.pointwise and len(op.signature.operands) == 1])
def test_nothing_raises_outside_the_domain(name: str) -> None:
    """Out of its domain a function is NaN or infinite; a run then names the node."""
    op = OPS[name]
    statics = {k: float(v) if hasattr(v, "denominator") else v for k, v in op.signature.parameters.items()}
    for x in map(np.float64, EDGES):
        with np.errstate(all="ignore"), told(x):
            value = op.forward(XP, x, **statics)
            assert np.shape(value) == ()
            if op.vjps[0] is not None:
                assert np.shape(op.vjps[0](XP, np.float64(1), value, x, **statics)) == ()


@pytest.mark.parametrize("name", ["inv", "det", "logdet", "slogdet", "cholesky", "pinv", "eigvalsh", "svdvals",
                                  "matrix_power"])
@pytest.mark.parametrize("entry", [0.0, np.nan, np.inf])
def test_no_matrix_stops_a_run(name: str, entry: float) -> None:
    """A singular matrix, or one with NaN, gives NaN or an infinity, not an exception."""
    op = OPS[name]
    x = np.full((2, 2), entry)
    statics = {**op.signature.parameters, **({"n": -1} if name == "matrix_power" else {})}
    with np.errstate(all="ignore"):
        y = op.forward(XP, x, **statics)
        rule = op.vjps[0]
        assert rule is not None
        assert np.shape(rule(XP, np.ones_like(y), y, x, **statics)) == (2, 2)


def test_det_has_a_gradient_at_a_singular_matrix() -> None:
    """The matrix of cofactors exists where the inverse does not."""
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    _, gradient = call("det", np.float64(1), x)
    np.testing.assert_allclose(gradient, [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]], atol=1e-12)


@pytest.mark.parametrize("x", [
    [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]], [[1.0, 2.0], [2.0, 4.0]], [[0.0] * 3] * 3, [[5.0]],
    [[2.0, -1.0, 0.5], [1.0, 3.0, 0.0], [0.0, 1.0, 4.0]]], ids=["rank 2", "rank 1", "zero", "one", "regular"])
def test_cofactors_have_a_gradient_at_a_singular_matrix(x: list[list[float]]) -> None:
    """They are polynomials of the entries, so that differences of minors are exact to rounding at any matrix."""
    matrix = np.array(x)
    g = np.random.default_rng(2).normal(size=matrix.shape)

    def product(moved: Any) -> float:
        n = len(moved)
        minors = [[np.linalg.det(np.delete(np.delete(moved, i, 0), j, 1)) * (-1) ** (i + j) for j in range(n)]
                  for i in range(n)]  # fmt: skip
        return float(np.sum(g * minors))

    value, gradient = call("cofactor", g, matrix)
    np.testing.assert_allclose(np.sum(g * value), product(matrix), atol=1e-12)
    for place in np.ndindex(matrix.shape):
        step = np.zeros_like(matrix)
        step[place] = 1e-3
        slope = (product(matrix + step) - product(matrix - step)) / 2e-3
        np.testing.assert_allclose(gradient[place], slope, atol=1e-9)


def test_erf_is_accurate_to_a_few_units() -> None:
    """Arrays of few and of many numbers, at the points of the table, half way between them, in the tail, in float32."""
    table = np.linspace(-6, 6, 481)
    many = np.concatenate([table, table[1:] - 1 / 1024, np.geomspace(1e-310, 29, 200), -np.geomspace(1e-310, 29, 50)])
    with mpmath.workdps(50):
        for name, exact in (("erf", mpmath.erf), ("erfc", mpmath.erfc)):
            found = OPS[name].forward(XP, many)
            for value, x in zip(found, many, strict=True):
                want = exact(mpmath.mpf(float(x)))
                assert abs(mpmath.mpf(float(value)) - want) <= 5e-16 * abs(want) + SMALLEST, (name, x)
            few = OPS[name].forward(XP, many[::17][:64])
            np.testing.assert_array_max_ulp(few, found[::17][:64], 3)
    assert OPS["erf"].forward(XP, np.float32(0.5)).dtype == OPS["erf"].forward(XP, np.ones(99, "f4")).dtype == "f4"


@pytest.mark.parametrize("size", [5, 500, 20_000])
def test_erf_at_its_ends(size: int) -> None:
    """NaN, the infinities and the sign of 0, among few numbers and many."""
    x = np.concatenate([[np.nan, np.inf, -np.inf, 0.0, -0.0], np.full(size - 5, 0.5)])
    for name, wanted in (("erf", [np.nan, 1, -1, 0.0, -0.0]), ("erfc", [np.nan, 0, 2, 1, 1])):
        with np.errstate(invalid="raise"):
            found = OPS[name].forward(XP, x)
        np.testing.assert_array_equal(found[:5], wanted)
        assert np.signbit(found[4]) == np.signbit(wanted[4])
