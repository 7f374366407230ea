"""Functions of one number, applied to every entry.

A row is a whole op: the stable forward, and the derivative in terms of the output `y` where that is shorter.
`entry` is the textbook definition for sympy; a test differentiates it and compares with the stored derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from backprop_cli.ops.arithmetic import pointwise_shape
from backprop_cli.ops.base import Op, Sample, op

REAL = (Sample(((2, 3),)), Sample(((),)), Sample(((4,),)))
POSITIVE = tuple(Sample(s.shapes, {}, ("positive",)) for s in REAL)
UNIT = tuple(Sample(s.shapes, {}, ("unit",)) for s in REAL)

LOG_HINT = "the logarithm of 0 is -inf and of a negative number undefined; for probabilities use log_softmax or logsigmoid"


def elementwise(spec: str, doc: str, forward: Callable[..., Any], derivative: Callable[..., Any] | None,
                entry: Callable[..., Any], samples: Any = REAL, **rest: Any) -> Op:
    """Define a pointwise op of one operand from its derivative `(xp, y, x, **parameters)`.

    `entry` is a function `(sympy, x, **parameters)` of one sympy scalar.
    """
    rule = None if derivative is None else (lambda xp, g, y, x, **p: g * derivative(xp, y, x, **p))

    def entries(s: Any, x: Any, **p: Any) -> Any:
        return np.frompyfunc(lambda v: entry(s, v, **p), 1, 1)(x)

    return op(spec, doc, forward, shape=pointwise_shape, vjps=(rule,), pointwise=True, samples=samples, entry=entries,
              group="elementwise", **rest)


def stable_sigmoid(x: Any) -> Any:
    """1/(1 + exp(-x)) without overflow and with full relative accuracy on both sides."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def stable_softplus(x: Any) -> Any:
    """log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


elementwise("exp(x)", "Exponential.", lambda xp, x: np.exp(x), lambda xp, y, x: y, lambda s, x: s.exp(x),
            latex=r"e^{{{0}}}", domain="exp overflows above 709")
elementwise("log(x)", "Natural logarithm.", lambda xp, x: np.log(x), lambda xp, y, x: 1 / x, lambda s, x: s.log(x),
            POSITIVE, aliases="ln", latex=r"\log {0}", domain=LOG_HINT)
elementwise("sqrt(x)", "Square root.", lambda xp, x: np.sqrt(x), lambda xp, y, x: 1 / (2 * y), lambda s, x: s.sqrt(x),
            POSITIVE, domain="the square root of a negative number, or its infinite slope at 0: add a small eps")
elementwise("square(x)", "x².", lambda xp, x: x * x, lambda xp, y, x: 2 * x, lambda s, x: x**2)
elementwise("reciprocal(x)", "1/x.", lambda xp, x: 1 / x, lambda xp, y, x: -(y**2), lambda s, x: 1 / x, POSITIVE,
            domain="division by zero")
elementwise("rsqrt(x)", "1/√x.", lambda xp, x: 1 / np.sqrt(x), lambda xp, y, x: -y / (2 * x),
            lambda s, x: 1 / s.sqrt(x), POSITIVE, domain="the square root of a number that is not positive")
elementwise("sin(x)", "Sine, in radians.", lambda xp, x: np.sin(x), lambda xp, y, x: xp.cos(x), lambda s, x: s.sin(x),
            latex=r"\sin {0}")
elementwise("cos(x)", "Cosine, in radians.", lambda xp, x: np.cos(x), lambda xp, y, x: -xp.sin(x),
            lambda s, x: s.cos(x), latex=r"\cos {0}")
elementwise("tanh(x)", "Hyperbolic tangent.", lambda xp, x: np.tanh(x), lambda xp, y, x: 1 - y**2,
            lambda s, x: s.tanh(x), latex=r"\tanh {0}")
elementwise("abs(x)", "Absolute value.", lambda xp, x: np.abs(x), lambda xp, y, x: xp.sign(x), lambda s, x: s.Abs(x),
            aliases="absolute", kink=lambda x: x == 0, convention="the derivative at 0 is 0", text="|{0}|",
            latex=r"\left|{0}\right|")
elementwise("sign(x)", "-1, 0 or 1; its derivative is 0.", lambda xp, x: np.sign(x), None, lambda s, x: s.sign(x),
            latex=r"\operatorname{{sgn}} {0}", aliases="sgn")
elementwise("sigmoid(x)", "Logistic function 1/(1 + exp(-x)).", lambda xp, x: stable_sigmoid(x),
            lambda xp, y, x: y * xp.sigmoid_complement(y, x), lambda s, x: 1 / (1 + s.exp(-x)), aliases="expit",
            text="σ({0})", latex=r"\sigma({0})")
elementwise("softplus(x; beta=1)", "Smooth relu, log(1 + exp(beta x))/beta.",
            lambda xp, x, beta=1.0: stable_softplus(beta * x) / beta, lambda xp, y, x, beta: xp.sigmoid(beta * x),
            lambda s, x, beta: s.log(1 + s.exp(beta * x)) / beta)
elementwise("logsigmoid(x)", "log σ(x), without overflow.", lambda xp, x: -stable_softplus(-x),
            lambda xp, y, x: xp.sigmoid(-x), lambda s, x: -s.log(1 + s.exp(-x)), aliases="log_sigmoid",
            text="log σ({0})", latex=r"\log\sigma({0})")
elementwise("relu(x)", "max(x, 0).", lambda xp, x: np.maximum(x, 0.0), lambda xp, y, x: xp.greater(x, 0),
            lambda s, x: s.Max(x, 0), kink=lambda x: x == 0, convention="the derivative at 0 is 0")
elementwise("leaky_relu(x; negative_slope=0.01)", "x where positive, negative_slope·x elsewhere.",
            lambda xp, x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
            lambda xp, y, x, negative_slope: xp.where(xp.greater(x, 0), 1, negative_slope),
            lambda s, x, negative_slope: s.Piecewise((x, x > 0), (negative_slope * x, True)),
            kink=lambda x, negative_slope: x == 0, convention="the derivative at 0 is negative_slope")
elementwise("erf(x)", "Error function, 2/√π ∫₀ˣ exp(-t²) dt.", lambda xp, x: np.frompyfunc(math.erf, 1, 1)(x).astype(float),
            lambda xp, y, x: 2 * xp.exp(-(x**2)) / xp.sqrt(xp.pi), lambda s, x: s.erf(x))
elementwise("stop_gradient(x)", "x, through which no gradient flows.", lambda xp, x: x, None, lambda s, x: x,
            aliases="detach")
elementwise("identity(x)", "x itself.", lambda xp, x: x, lambda xp, y, x: 1, lambda s, x: x)
