"""The nonlinearities of networks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import ParameterError, Sample, composite
from backprop_cli.engine.ops.careful import stable_sigmoid, stable_softplus
from backprop_cli.engine.ops.elementwise import REAL, elementwise, within
from backprop_cli.engine.ops.errorfunction import erfc
from backprop_cli.engine.ops.tensor import Array, Mask, Real, Scalar, Symbolic, Tensor, Words
from backprop_cli.engine.ops.validate import choice, number
from backprop_cli.language.model import Shape

WIDE = within("wide")
TANH_CUBIC = Fraction(44715, 1_000_000)
"""The coefficient of x³ in the tanh approximation of gelu (Hendrycks and Gimpel, arXiv:1606.08415)."""


def choose(condition: Mask, a: Array, b: Array) -> Array:
    """np.where, a scalar for scalars."""
    return np.where(condition, a, b)[()]


def piecewise(s: Symbolic, x: Scalar, *rows: tuple[Scalar, float], above: Scalar) -> Scalar:
    """A function in pieces: (value, up to which x)."""
    return s.Piecewise(*((value, x <= bound) for value, bound in rows), (above, True))


def _with(samples: tuple[Sample, ...], **parameters: object) -> tuple[Sample, ...]:
    return (*samples, Sample(((2, 3),), parameters, samples[0].domains))


# ── sigmoid and its integral ─────────────────────────────────────────────────────────────────────

elementwise("sigmoid(x)", "Logistic function 1/(1 + exp(-x)).", lambda xp, x: stable_sigmoid(x),
            lambda xp, y, x: y * xp.sigmoid_complement(y, x), lambda s, x: 1 / (1 + s.exp(-x)), aliases="expit",
            text="σ({0})", latex=r"\sigma({0})", activation=True, flat_below=True)
elementwise("logsigmoid(x)", "log σ(x), without overflow.", lambda xp, x: -stable_softplus(-x),
            lambda xp, y, x: xp.sigmoid(-x), lambda s, x: -s.log(1 + s.exp(-x)), aliases="log_sigmoid",
            text="log σ({0})", latex=r"\log\sigma({0})", activation=True, temporary=costs.times(2))


def _logit(x: Array, eps: Real | None) -> Array:
    inside = x if eps is None else np.clip(x, eps, 1 - eps)
    return np.log(inside) - np.log1p(-inside)


def _logit_entry(s: Symbolic, x: Scalar, eps: Real | None) -> Scalar:
    inside = x if eps is None else s.Min(s.Max(x, eps), 1 - eps)
    return s.log(inside / (1 - inside))


def _logit_slope(xp: Words, y: Tensor, x: Tensor, eps: Real | None) -> Tensor:
    slope = xp.logit_slope(y, x)
    if eps is None:
        return slope
    return xp.where(xp.greater_equal(x, eps) * xp.less_equal(x, 1 - eps), slope, 0)


elementwise("logit(x; eps=none)", "log(x/(1 - x)), the inverse of the sigmoid; x kept within [eps, 1 - eps].",
            lambda xp, x, eps=None: _logit(x, eps), _logit_slope,
            _logit_entry, _with(within("unit"), eps=0.2), temporary=costs.times(2),
            domain="logit needs 0 < x < 1")


def _softplus(x: Array, beta: Real, threshold: Real | None) -> Array:
    smooth = stable_softplus(beta * x) / beta
    return smooth if threshold is None else choose(beta * x > threshold, x, smooth)


def _softplus_slope(xp: Words, y: Tensor, x: Tensor, beta: Real, threshold: Real | None) -> Tensor:
    smooth = xp.sigmoid(beta * x)
    return smooth if threshold is None else xp.where(xp.greater(beta * x, threshold), 1, smooth)


def softplus_shape(x: Shape, *, beta: Real = 1, threshold: Real | None = None) -> Shape:
    """The operand's; beta is not 0."""
    if number("beta", beta) == 0:
        raise ParameterError("beta", "beta must not be 0")
    if threshold is not None:
        number("threshold", threshold)
    return x


elementwise("softplus(x; beta=1, threshold=none)",
            "Smooth relu, log(1 + exp(beta x))/beta; above a threshold (PyTorch's is 20) of beta x, x itself.",
            lambda xp, x, beta=1, threshold=None: _softplus(x, beta, threshold), _softplus_slope,
            lambda s, x, beta, threshold: s.log(1 + s.exp(beta * x)) / beta if threshold is None
            else s.Piecewise((x, beta * x > threshold), (s.log(1 + s.exp(beta * x)) / beta, True)),
            _with(_with(WIDE, beta=3), beta=2, threshold=1), shape=softplus_shape, activation=True,
            temporary=costs.times(2))

# ── relu and its relatives ───────────────────────────────────────────────────────────────────────

elementwise("relu(x)", "max(x, 0).", lambda xp, x: np.maximum(x, 0), lambda xp, y, x: xp.is_positive(x, y),
            lambda s, x: s.Max(x, 0), gate=True, kink=lambda x: x == 0,
            convention="the derivative at 0 is 0", latex=r"\operatorname{{ReLU}}({0})", activation=True)
elementwise("relu6(x)", "min(max(x, 0), 6).", lambda xp, x: np.clip(x, 0, 6),
            lambda xp, y, x: xp.greater(x, 0) * xp.less(x, 6), lambda s, x: s.Min(s.Max(x, 0), 6), WIDE,
            gate=True, kink=lambda x: (x == 0) | (x == 6), convention="the derivative at 0 and at 6 is 0",
            activation=True)
elementwise("leaky_relu(x; negative_slope=0.01)", "x where positive, negative_slope·x elsewhere.",
            lambda xp, x, negative_slope=0.01: choose(x > 0, x, negative_slope * x),
            lambda xp, y, x, negative_slope: xp.where(xp.greater(x, 0), 1, negative_slope),
            lambda s, x, negative_slope: piecewise(s, x, (negative_slope * x, 0), above=x),
            _with(REAL, negative_slope=0.2),
            kink=lambda x, negative_slope: x == 0, convention="the derivative at 0 is negative_slope", activation=True)
elementwise("elu(x; alpha=1)", "x where positive, alpha·(exp(x) - 1) elsewhere.",
            lambda xp, x, alpha=1: choose(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
            lambda xp, y, x, alpha: xp.where(xp.greater(x, 0), 1, alpha * xp.exp(x)),
            lambda s, x, alpha: piecewise(s, x, (alpha * (s.exp(x) - 1), 0), above=x), _with(REAL, alpha=0.5),
            kink=lambda x, alpha: (x == 0) & (alpha != 1), convention="the derivative at 0 is alpha", activation=True)
composite("selu(x)", "elu scaled so that activations keep mean 0 and variance 1 (Klambauer et al., arXiv:1706.02515).",
          "1.0507009873554804934193349852946 * elu(x, alpha=1.6732632423543772848170429916717)", samples=REAL,
          group="elementwise")
elementwise("hardtanh(x; min_val=-1, max_val=1)", "x clipped to [min_val, max_val].",
            lambda xp, x, min_val=-1, max_val=1: np.clip(x, min_val, max_val),
            lambda xp, y, x, min_val, max_val: xp.greater(x, min_val) * xp.less(x, max_val),
            lambda s, x, min_val, max_val: s.Min(s.Max(x, min_val), max_val), _with(REAL, min_val=-0.5, max_val=2),
            gate=True, kink=lambda x, min_val, max_val: (x == min_val) | (x == max_val),
            convention="the derivative at the bounds is 0", activation=True)
elementwise("hardsigmoid(x)", "min(max(x + 3, 0), 6)/6.", lambda xp, x: np.clip(x + 3, 0, 6) / 6,
            lambda xp, y, x: xp.greater(x, -3) * xp.less(x, 3) / 6, lambda s, x: s.Min(s.Max(x + 3, 0), 6) / 6, WIDE,
            gate=True, kink=lambda x: np.abs(x) == 3, convention="the derivative at -3 and at 3 is 0", activation=True)
elementwise("hardswish(x)", "x·hardsigmoid(x).", lambda xp, x: x * (np.clip(x + 3, 0, 6) / 6),
            lambda xp, y, x: xp.where(xp.less(x, 3), xp.greater(x, -3) * (x / 3 + 1 / xp.number(2)), 1),
            lambda s, x: x * s.Min(s.Max(x + 3, 0), 6) / 6, WIDE, gate=True,
            kink=lambda x: np.abs(x) == 3, convention="the derivative at -3 is 0 and at 3 it is 1", activation=True)

# ── smooth relatives of relu ─────────────────────────────────────────────────────────────────────

def _swish_slope(s: Tensor, y: Tensor) -> Tensor:
    """Of x·s; 1 - s need not be exact where it is small, since s is added to it."""
    return s + y * (1 - s)


elementwise("silu(x)", "x·σ(x).", lambda xp, x: x * stable_sigmoid(x),
            lambda xp, y, x: _swish_slope(xp.sigmoid(x), y),
            lambda s, x: x / (1 + s.exp(-x)), WIDE, activation=True)


def _mish_slope(xp: Words, y: Tensor, x: Tensor) -> Tensor:
    smooth = xp.softplus(x)
    t = xp.tanh(smooth)
    return t + x * xp.sigmoid(x) * (1 - t**2)


elementwise("mish(x)", "x·tanh(softplus(x)).", lambda xp, x: x * np.tanh(stable_softplus(x)), _mish_slope,
            lambda s, x: x * s.tanh(s.log(1 + s.exp(x))), WIDE, activation=True)
elementwise("softsign(x)", "x/(1 + |x|).", lambda xp, x: x / (1 + np.abs(x)), lambda xp, y, x: 1 / (1 + xp.abs(x)) ** 2,
            lambda s, x: x / (1 + s.Abs(x)), activation=True)

APPROXIMATIONS = ("none", "tanh")


def _gelu(x: Array, approximate: str) -> Array:
    if approximate == "tanh":
        return x * stable_sigmoid(2 * np.sqrt(2 / np.pi).item() * (x * (1 + float(TANH_CUBIC) * (x * x))))
    return x * erfc(-x * np.sqrt(0.5).item()) / 2


def _gelu_slope(xp: Words, y: Tensor, x: Tensor, approximate: str) -> Tensor:
    if approximate == "tanh":
        scale = xp.sqrt(8 / xp.pi)  # x·(1 + tanh u)/2 is x·σ(2u)
        s = xp.sigmoid(scale * (x + xp.number(TANH_CUBIC) * (x * x * x)))  # numpy's cube costs as much as an exp
        return s + y * (1 - s) * (scale * (1 + xp.number(3 * TANH_CUBIC) * x**2))
    return xp.gelu_share(y, x) + x * xp.exp(-(x**2) / 2) / xp.sqrt(2 * xp.pi)


def _gelu_entry(s: Symbolic, x: Scalar, approximate: str) -> Scalar:
    if approximate == "tanh":
        return x / 2 * (1 + s.tanh(s.sqrt(2 / s.pi) * (x + s.Rational(44715, 1_000_000) * x**3)))
    return x * (1 + s.erf(x / s.sqrt(2))) / 2


def gelu_shape(x: Shape, *, approximate: str | None = "none") -> Shape:
    """The operand's; `approximate` is 'none' or 'tanh'."""
    choice("approximate", "none" if approximate is None else approximate, APPROXIMATIONS)
    return x


elementwise("gelu(x; approximate='none')", "x·Φ(x), Φ the normal distribution function; or its approximation by tanh.",
            lambda xp, x, approximate="none": _gelu(x, approximate), _gelu_slope, _gelu_entry,
            _with(WIDE, approximate="tanh"), shape=gelu_shape, activation=True)


def _huber(x: Array, delta: Real) -> Array:
    size = np.abs(x)
    return choose(size <= delta, x * x / 2, delta * (size - delta / 2))


def huber_shape(x: Shape, *, delta: Real = 1) -> Shape:
    """The operand's; delta is positive."""
    if number("delta", delta) <= 0:
        raise ParameterError("delta", "delta must be positive")
    return x


elementwise("huber(x; delta=1)", "x²/2 where |x| <= delta, delta·(|x| - delta/2) elsewhere.",
            lambda xp, x, delta=1: _huber(x, delta), lambda xp, y, x, delta: xp.clip(x, -delta, delta),
            lambda s, x, delta: s.Piecewise((x**2 / 2, s.Abs(x) <= delta),
                                            (delta * (s.Abs(x) - delta / s.Integer(2)), True)),
            _with(REAL, delta=0.5), shape=huber_shape, temporary=costs.times(2))
