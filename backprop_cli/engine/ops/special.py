"""Special functions: the gamma function's logarithm and its derivatives, the inverse of erf, sinc."""

from __future__ import annotations

import math

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import ParameterError, Sample, composite
from backprop_cli.engine.ops.elementwise import POSITIVE, REAL, elementwise, within
from backprop_cli.engine.ops.errorfunction import erf, erfc, log_ndtr
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.ops.validate import whole
from backprop_cli.language.model import Shape

composite("exp2(x)", "2 to the power x.", "2**x", group="elementwise", samples=REAL)
elementwise("entr(x)", "The entropy of one probability, -x log x; 0 at 0, and -inf below.",
            lambda xp, x: np.where(x > 0, -x * np.log(np.where(x > 0, x, np.ones_like(x))),
                                   np.where(x == 0, np.zeros_like(x), np.full_like(x, -np.inf)))[()],
            lambda xp, y, x: -xp.log(x) - 1, lambda s, x: -x * s.log(x), POSITIVE, temporary=costs.times(2),
            domain="the entropy of a number that is not positive has no slope")

# ── the gamma function ───────────────────────────────────────────────────────────────────────────

BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
"""B₂, B₄, ...: Abramowitz and Stegun, Handbook of Mathematical Functions, table 23.2."""
FAR = 20
"""From here on the asymptotic series (Abramowitz and Stegun 6.3.18, 6.4.11) has all digits of a float64."""


def _asymptotic(n: int, x: Array) -> Array:
    """The n-th derivative of the digamma function, for large x."""
    k = np.arange(1, len(BERNOULLI) + 1)
    weights = [b * math.gamma(2 * j + n) / math.gamma(2 * j + 1) for j, b in zip(k, BERNOULLI, strict=True)]
    series = sum(w / x ** (2 * j + n) for j, w in zip(k.tolist(), weights, strict=True))
    if n == 0:
        return np.log(x) - 1 / (2 * x) - series
    sign: float = (-1.0) ** (n + 1)
    return sign * (math.gamma(n) / x**n + math.gamma(n + 1) / (2 * x ** (n + 1)) + series)


def _cotangent(n: int, x: Array) -> Array:
    """The n-th derivative of π cot(πx), a polynomial in the cotangent: c' = -π (1 + c²)."""
    c = 1 / np.tan(np.pi * x)
    poly = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(n):
        poly = -poly.deriv() * np.polynomial.Polynomial([1.0, 0.0, 1.0])
    return np.pi ** (n + 1) * poly(c)


def _right(n: int, x: Array) -> Array:
    """For x > 0, by the recurrence up to where the series holds."""
    steps = np.arange(FAR)[(...,) + (None,) * np.ndim(x)]
    sign = (-1) ** (n + 1) * math.gamma(n + 1)
    skipped: Array = np.sum(sign / (x + steps) ** (n + 1), axis=0)
    return _asymptotic(n, x + FAR) + skipped


def polygamma(n: int, x: Array) -> Array:
    """The n-th derivative of the digamma function; left of 1/2 by reflection, NaN at its poles."""
    given = np.asarray(x)
    wide = given.astype(np.float64)
    left = wide < 0.5
    found = _right(n, np.where(left, 1 - wide, wide))
    pole = (wide <= 0) & (wide == np.floor(wide))
    mirrored = (-1) ** n * found - _cotangent(n, np.where(pole, 0.25, wide))
    return np.where(pole, np.nan, np.where(left, mirrored, found)).astype(given.dtype)[()]


HUGE = 2.5e305
"""Beyond, the logarithm of the gamma function has left the range of a float."""


def lgamma(x: Array) -> Array:
    """log |Γ(x)|, infinite at its poles."""

    def one(v: float) -> float:
        if not math.isfinite(v):
            return math.inf if not math.isnan(v) else v
        return math.inf if v <= 0 and v == math.floor(v) or abs(v) > HUGE else math.lgamma(v)

    given = np.asarray(x)
    return np.asarray(np.vectorize(one, otypes=[np.float64])(given) if given.size else given).astype(given.dtype)[()]


MOST = 20
"""Higher derivatives lose their digits in the polynomial of the cotangent."""


def _order_shape(x: Shape, *, n: int) -> Shape:
    if whole("n", n, 0) > MOST:
        raise ParameterError("n", f"n must be at most {MOST}, not {n}")
    return x


SERIES = costs.times(22)
"""The recurrence and the series hold every term."""

elementwise("lgamma(x)", "log |Γ(x)|, the logarithm of the gamma function.", lambda xp, x: lgamma(x),
            lambda xp, y, x: xp.digamma(x), lambda s, x: s.loggamma(x), POSITIVE, aliases="gammaln", temporary=SERIES,
            latex=r"\log\Gamma({0})", domain="the gamma function has poles at 0, -1, -2, ...")
elementwise("digamma(x)", "The derivative of lgamma.", lambda xp, x: polygamma(0, x),
            lambda xp, y, x: xp.polygamma(x, n=1), lambda s, x: s.digamma(x), POSITIVE, aliases="psi",
            temporary=SERIES, latex=r"\psi({0})", domain="digamma has poles at 0, -1, -2, ...")
elementwise("polygamma(x; n=1)", "The n-th derivative of digamma.", lambda xp, x, n=1: polygamma(int(n), x),
            lambda xp, y, x, n: xp.polygamma(x, n=n + 1), lambda s, x, n: s.polygamma(n, x),
            tuple(Sample(one.shapes, {"n": n}, one.domains) for one, n in zip(POSITIVE, (1, 2, 0), strict=True)),
            temporary=SERIES, shape=_order_shape, domain="polygamma has poles at 0, -1, -2, ...")

# ── the normal distribution ──────────────────────────────────────────────────────────────────────

elementwise("log_ndtr(x)", "log Φ(x), of how likely a normal number is below x; without underflow.",
            lambda xp, x: log_ndtr(x), lambda xp, y, x: xp.log_ndtr_slope(y, x),
            lambda s, x: s.log(s.erfc(-x / s.sqrt(2)) / 2), temporary=costs.times(8),
            latex=r"\log\Phi({0})")

# ── the inverse of erf ───────────────────────────────────────────────────────────────────────────


def erfinv(x: Array) -> Array:
    """Where erf has a value: S. Winitzki's approximation, made exact by Newton's steps on log erfc in the tail."""
    given = np.asarray(x)
    size = np.minimum(np.abs(given.astype(np.float64)), 1)
    logs = np.log1p(-size) + np.log1p(size)
    a = 0.147
    inner = 2 / (np.pi * a) + logs / 2
    found = np.sqrt(np.maximum(np.sqrt(inner**2 - logs / a) - inner, 0))
    for _ in range(4):
        found = np.where(size < 1, _newton(found, size), np.inf)
    outside = np.abs(given) > 1
    return np.where(outside, np.nan, np.copysign(found, given)).astype(given.dtype)[()]


def _newton(z: Array, size: Array) -> Array:
    """One step of Halley's method for erf(z) = size; above 1/2 by what is missing to 1, which has the digits."""
    error = np.where(size > 0.5, (1 - size) - erfc(z), erf(z) - size)
    slope = 2 / np.sqrt(np.pi) * np.exp(-z * z)
    step = error / slope
    return np.where(slope > 0, z - step / (1 + z * step), z)


elementwise("erfinv(x)", "The inverse of erf.", lambda xp, x: erfinv(x),
            lambda xp, y, x: xp.sqrt(xp.pi) / 2 * xp.exp(y**2), lambda s, x: s.erfinv(x), within("open"),
            temporary=costs.times(8), latex=r"\operatorname{{erf}}^{{-1}}({0})", domain="erfinv needs -1 < x < 1")

# ── sinc ─────────────────────────────────────────────────────────────────────────────────────────

elementwise("sinc(x)", "sin(πx)/(πx), and 1 at 0.", lambda xp, x: np.sinc(x),
            lambda xp, y, x: xp.sinc_slope(y, x), lambda s, x: s.sin(s.pi * x) / (s.pi * x))
