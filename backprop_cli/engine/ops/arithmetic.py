"""The operators: `+ - * / ** @`, unary minus, comparisons."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import BY_FIRST, BY_SECOND, PASSED, Op, Sample, broadcast, op
from backprop_cli.engine.ops.tensor import Scalar, Symbolic
from backprop_cli.language.model import Shape

OPERATORS: dict[str, str] = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "**": "power", "@": "matmul",
    ">": "greater", ">=": "greater_equal", "<": "less", "<=": "less_equal", "==": "equal", "!=": "not_equal",
}  # fmt: skip
"""Which op an infix operator is."""

BROADCASTS = (Sample(((2, 3), (2, 3))), Sample(((), ())), Sample(((2, 3), (3,))), Sample(((2, 1), (1, 3))))
POSITIVE_BASE = tuple(Sample(s.shapes, {}, ("positive", "real")) for s in BROADCASTS)


def pointwise_shape(*shapes: Shape, **_: object) -> Shape:
    """The shape of an op that works entry by entry."""
    return broadcast(*shapes)


def _binary(name: str, doc: str, forward: Callable[[Any, Any], Any], vjps: Any, samples: Any = BROADCASTS,
            **rest: Any) -> Op:
    return op(f"{name}(a, b)", doc, lambda xp, a, b: forward(a, b), shape=pointwise_shape, vjps=vjps, samples=samples,
              broadcasts=True, pointwise=True, temporary=costs.nothing, group="operators", **rest)


_binary("add", "Sum, `a + b`.", operator.add, (PASSED, PASSED))
_binary("subtract", "Difference, `a - b`.", operator.sub,
        (PASSED, lambda xp, g, y, a, b: -g), aliases="sub")
_binary("multiply", "Elementwise product, `a * b`.", operator.mul,
        (BY_SECOND, BY_FIRST), aliases="mul")
_binary("divide", "Elementwise quotient, `a / b`.", operator.truediv,
        (lambda xp, g, y, a, b: g / b, lambda xp, g, y, a, b: -g * y / b), aliases="true_divide",
        samples=tuple(Sample(s.shapes, {}, ("real", "positive")) for s in BROADCASTS),
        domain="division by zero")
_binary("power", "Elementwise power, `a ** b`.", operator.pow,
        (lambda xp, g, y, a, b: g * xp.power_slope(a, b), lambda xp, g, y, a, b: g * xp.exponent_slope(y, a, b)),
        aliases="pow", samples=POSITIVE_BASE, kink=lambda a, b: np.equal(a, 0) & np.equal(b, 0),
        convention="0**0 has the slope 0 by base and exponent",
        domain="a negative base with a fractional exponent, or 0 to a negative power")

op("negative(x)", "Unary minus, `-x`.", lambda xp, x: -x, shape=pointwise_shape, vjps=lambda xp, g, y, x: -g,
   temporary=costs.nothing, pointwise=True, samples=(Sample(((2, 3),)),), aliases="neg", group="operators")


def _comparison(name: str, sign: str, latex: str, entry: str) -> None:
    compare = {"greater": operator.gt, "greater_equal": operator.ge, "less": operator.lt, "less_equal": operator.le,
               "equal": operator.eq, "not_equal": operator.ne}[name]  # fmt: skip
    op(f"{name}(a, b)", f"The 0/1 mask of `a {sign} b`; not differentiable.",
       lambda xp, a, b: xp.mask(compare(a, b)), shape=pointwise_shape, vjps=(None, None), pointwise=True,
       samples=BROADCASTS, group="operators", entry=lambda s, a, b: _indicator(s, entry, a, b),
       text="[{0} " + sign.replace(">=", "≥").replace("<=", "≤").replace("==", "=").replace("!=", "≠") + " {1}]",
       latex=r"\left[{0} " + latex + r" {1}\right]")


def _indicator(s: Symbolic, relation: str, a: Scalar, b: Scalar) -> Scalar:
    """Iverson bracket of a sympy relation, entry by entry."""
    import numpy as np

    def holds(p: Any, q: Any) -> Any:
        if s.nan in (p, q):  # as floats compare: sympy refuses to
            return relation == "Ne"
        return getattr(s, relation)(p, q)

    one = np.frompyfunc(lambda p, q: s.Piecewise((1, holds(p, q)), (0, True)), 2, 1)
    found: Scalar = one(a, b)
    return found


for _row in (("greater", ">", ">", "Gt"), ("greater_equal", ">=", r"\ge", "Ge"), ("less", "<", "<", "Lt"),
             ("less_equal", "<=", r"\le", "Le"), ("equal", "==", "=", "Eq"), ("not_equal", "!=", r"\ne", "Ne")):
    _comparison(*_row)
