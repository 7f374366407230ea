"""Functions of one number, applied to every entry; the nonlinearities of networks are in `activations`.

A row is a whole op: the stable forward, and the derivative in terms of the output `y` where that is shorter.
`entry` is the textbook definition for sympy; a test differentiates it and compares with the stored derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.arithmetic import pointwise_shape
from backprop_cli.engine.ops.base import Forward, Op, Rule, Sample, Slope, op, signature
from backprop_cli.engine.ops.errorfunction import erf, erfc
from backprop_cli.engine.ops.tensor import Array, Objects, Scalar, Symbolic, Tensor, Words

REAL = (Sample(((2, 3),)), Sample(((),)), Sample(((4,),)))


def within(domain: str) -> tuple[Sample, ...]:
    """The usual samples, drawn from a domain."""
    return tuple(Sample(s.shapes, {}, (domain,)) for s in REAL)


POSITIVE = within("positive")
LOG_HINT = ("the logarithm of 0 is -inf and of a negative number undefined; "
            "for probabilities use log_softmax or logsigmoid")


def elementwise(spec: str, doc: str, forward: Forward, derivative: Callable[..., Tensor | float] | None,
                entry: Callable[..., Scalar], samples: Sequence[Sample] = REAL, gate: bool = False, **rest: Any) -> Op:
    """Define a pointwise op of one operand from its derivative `(xp, y, x, **parameters)`; `gate`: see `Slope`.

    `entry` is a function `(sympy, x, **parameters)` of one sympy scalar.  A derivative of None lets no gradient
    through; a function of steps has `flat`, 0 wherever it has a slope at all.
    """
    rule = None if derivative is None else _chained(derivative, bool(signature(spec)[1].parameters), gate)

    def entries(s: Symbolic, x: Objects, **p: object) -> Objects:
        found: Objects = np.frompyfunc(lambda v: entry(s, v, **p), 1, 1)(x)
        return found

    rest = {"shape": pointwise_shape, "group": "elementwise", "flat": derivative is flat, **rest}
    return op(spec, doc, forward, vjps=(rule,), pointwise=True, samples=samples, entry=entries, **rest)


def _rounded(xp: object, x: Array) -> Array:
    return np.round(x)


def flat(xp: Words, y: Tensor, x: Tensor) -> Tensor:
    """The derivative of a function of steps: 0, as in PyTorch."""
    return xp.zeros(shape=x.shape)


def _chained(derivative: Callable[..., Tensor | float], parameters: bool, gate: bool) -> Rule:
    """The chain rule."""
    if parameters and gate:
        return lambda xp, g, y, x, **p: xp.gated(g, derivative(xp, y, x, **p))
    if parameters:
        return lambda xp, g, y, x, **p: g * derivative(xp, y, x, **p)
    return Slope(derivative, gate)


# ── powers and logarithms ────────────────────────────────────────────────────────────────────────

elementwise("abs(x)", "Absolute value.", lambda xp, x: np.abs(x), lambda xp, y, x: xp.sign(x), lambda s, x: s.Abs(x),
            aliases="absolute fabs", kink=lambda x: x == 0, convention="the derivative at 0 is 0", text="|{0}|",
            latex=r"\left|{0}\right|")
elementwise("sign(x)", "-1, 0 or 1; its derivative is 0.", lambda xp, x: np.sign(x), flat, lambda s, x: s.sign(x),
            latex=r"\operatorname{{sgn}}({0})", aliases="sgn")
elementwise("exp(x)", "Exponential.", lambda xp, x: np.exp(x), lambda xp, y, x: y, lambda s, x: s.exp(x),
            latex=r"e^{{{0}}}", domain="exp overflows above 709", flat_below=True)
elementwise("expm1(x)", "exp(x) - 1, accurate for small x.", lambda xp, x: np.expm1(x), lambda xp, y, x: xp.exp(x),
            lambda s, x: s.exp(x) - 1, domain="exp overflows above 709", flat_below=True)
elementwise("log(x)", "Natural logarithm.", lambda xp, x: np.log(x), lambda xp, y, x: 1 / x, lambda s, x: s.log(x),
            POSITIVE, aliases="ln", latex=r"\log {0}", domain=LOG_HINT)
elementwise("log1p(x)", "log(1 + x), accurate for small x.", lambda xp, x: np.log1p(x), lambda xp, y, x: 1 / (1 + x),
            lambda s, x: s.log(1 + x), within("open"), domain="log1p needs x > -1")
elementwise("log2(x)", "Logarithm to base 2.", lambda xp, x: np.log2(x),
            lambda xp, y, x: 1 / (x * xp.log(xp.number(2))),
            lambda s, x: s.log(x) / s.log(2), POSITIVE, latex=r"\log_2 {0}", domain=LOG_HINT)
elementwise("log10(x)", "Logarithm to base 10.", lambda xp, x: np.log10(x),
            lambda xp, y, x: 1 / (x * xp.log(xp.number(10))), lambda s, x: s.log(x) / s.log(10), POSITIVE,
            latex=r"\log_{{10}} {0}", domain=LOG_HINT)
elementwise("sqrt(x)", "Square root.", lambda xp, x: np.sqrt(x), lambda xp, y, x: 1 / (2 * y), lambda s, x: s.sqrt(x),
            POSITIVE, latex=r"\sqrt{{{0}}}",
            domain="the square root of a negative number, or its infinite slope at 0: add a small eps")
elementwise("rsqrt(x)", "1/√x.", lambda xp, x: 1 / np.sqrt(x), lambda xp, y, x: -y / (2 * x),
            lambda s, x: 1 / s.sqrt(x), POSITIVE, domain="the square root of a number that is not positive")
elementwise("square(x)", "x².", lambda xp, x: x * x, lambda xp, y, x: 2 * x, lambda s, x: x**2)
elementwise("reciprocal(x)", "1/x.", lambda xp, x: 1 / x, lambda xp, y, x: -(y**2), lambda s, x: 1 / x, POSITIVE,
            domain="division by zero")

# ── circular and hyperbolic functions ────────────────────────────────────────────────────────────

elementwise("sin(x)", "Sine, in radians.", lambda xp, x: np.sin(x), lambda xp, y, x: xp.cos(x), lambda s, x: s.sin(x),
            latex=r"\sin({0})")
elementwise("cos(x)", "Cosine, in radians.", lambda xp, x: np.cos(x), lambda xp, y, x: -xp.sin(x),
            lambda s, x: s.cos(x), latex=r"\cos({0})")
elementwise("tan(x)", "Tangent, in radians.", lambda xp, x: np.tan(x), lambda xp, y, x: 1 + y**2,
            lambda s, x: s.tan(x), within("open"), latex=r"\tan({0})")
elementwise("arcsin(x)", "The angle whose sine is x.", lambda xp, x: np.arcsin(x),
            lambda xp, y, x: 1 / xp.sqrt(1 - x**2), lambda s, x: s.asin(x), within("open"), aliases="asin",
            latex=r"\arcsin({0})", domain="arcsin needs -1 <= x <= 1, and has an infinite slope at the ends")
elementwise("arccos(x)", "The angle whose cosine is x.", lambda xp, x: np.arccos(x),
            lambda xp, y, x: -1 / xp.sqrt(1 - x**2), lambda s, x: s.acos(x), within("open"), aliases="acos",
            latex=r"\arccos({0})", domain="arccos needs -1 <= x <= 1, and has an infinite slope at the ends")
elementwise("arctan(x)", "The angle whose tangent is x.", lambda xp, x: np.arctan(x), lambda xp, y, x: 1 / (1 + x**2),
            lambda s, x: s.atan(x), aliases="atan", latex=r"\arctan({0})")
elementwise("sinh(x)", "Hyperbolic sine.", lambda xp, x: np.sinh(x), lambda xp, y, x: xp.cosh(x),
            lambda s, x: s.sinh(x),
            latex=r"\sinh({0})", domain="sinh overflows above 710")
elementwise("cosh(x)", "Hyperbolic cosine.", lambda xp, x: np.cosh(x), lambda xp, y, x: xp.sinh(x),
            lambda s, x: s.cosh(x), latex=r"\cosh({0})", domain="cosh overflows above 710")
elementwise("tanh(x)", "Hyperbolic tangent.", lambda xp, x: np.tanh(x), lambda xp, y, x: 1 - y * y,
            lambda s, x: s.tanh(x), latex=r"\tanh({0})", activation=True)
elementwise("arcsinh(x)", "Inverse of sinh.", lambda xp, x: np.arcsinh(x), lambda xp, y, x: 1 / xp.sqrt(x**2 + 1),
            lambda s, x: s.asinh(x), aliases="asinh", latex=r"\operatorname{{arsinh}}({0})")
elementwise("arccosh(x)", "Inverse of cosh.", lambda xp, x: np.arccosh(x), lambda xp, y, x: 1 / xp.sqrt(x**2 - 1),
            lambda s, x: s.acosh(x), within("above one"), aliases="acosh", latex=r"\operatorname{{arcosh}}({0})",
            domain="arccosh needs x >= 1, and has an infinite slope at 1")
elementwise("arctanh(x)", "Inverse of tanh.", lambda xp, x: np.arctanh(x), lambda xp, y, x: 1 / (1 - x**2),
            lambda s, x: s.atanh(x), within("open"), aliases="atanh", latex=r"\operatorname{{artanh}}({0})",
            domain="arctanh needs -1 < x < 1")
elementwise("erf(x)", "Error function, 2/√π ∫₀ˣ exp(-t²) dt.", lambda xp, x: erf(x),
            lambda xp, y, x: 2 * xp.exp(-(x**2)) / xp.sqrt(xp.pi), lambda s, x: s.erf(x),
            latex=r"\operatorname{{erf}}({0})")
elementwise("erfc(x)", "1 - erf(x), accurate where that is small.", lambda xp, x: erfc(x),
            lambda xp, y, x: -2 * xp.exp(-(x**2)) / xp.sqrt(xp.pi), lambda s, x: s.erfc(x),
            latex=r"\operatorname{{erfc}}({0})")

# ── steps: their derivative is 0 ─────────────────────────────────────────────────────────────────

elementwise("floor(x)", "The next whole number below; its derivative is 0.", lambda xp, x: np.floor(x), flat,
            lambda s, x: s.floor(x), latex=r"\lfloor {0} \rfloor", text="⌊{0}⌋")
elementwise("ceil(x)", "The next whole number above; its derivative is 0.", lambda xp, x: np.ceil(x), flat,
            lambda s, x: s.ceiling(x), latex=r"\lceil {0} \rceil", text="⌈{0}⌉")
elementwise("trunc(x)", "x without its fraction; its derivative is 0.", lambda xp, x: np.trunc(x), flat,
            lambda s, x: s.sign(x) * s.floor(s.Abs(x)), aliases="fix")
elementwise("round(x)", "The nearest whole number, a half to the even one; its derivative is 0.",
            _rounded, flat, lambda s, x: s.floor(x + s.Rational(1, 2)), aliases="rint")

elementwise("stop_gradient(x)", "x, through which no gradient flows.", lambda xp, x: x, None, lambda s, x: x,
            aliases="detach", group="control")
elementwise("identity(x)", "x itself.", lambda xp, x: x, lambda xp, y, x: 1, lambda s, x: x, view=True,
            temporary=costs.nothing, group="control")
