"""Truth as 0/1 masks, and division with a remainder."""

from __future__ import annotations

import numpy as np

from backprop_cli.engine.ops.arithmetic import BROADCASTS
from backprop_cli.engine.ops.base import Sample, composite
from backprop_cli.engine.ops.pairs import pair
from backprop_cli.engine.ops.tensor import Array, Tensor, Words
from backprop_cli.engine.ops.validate import choice

MASKS = tuple(Sample(s.shapes, {}, ("mask", "mask")) for s in BROADCASTS)
QUOTIENTS = tuple(Sample(s.shapes, {}, ("wide", "positive")) for s in BROADCASTS)
BOTH = frozenset({"a", "b"})

composite("logical_and(a, b)", "The 0/1 mask of where both numbers are not 0; not differentiable.",
          "(a != 0) * (b != 0)", group="operators", samples=MASKS, flat=True, integer_operands=BOTH)
composite("logical_or(a, b)", "The 0/1 mask of where one number or both are not 0; not differentiable.",
          "maximum(a != 0, b != 0)", group="operators", samples=MASKS, flat=True, integer_operands=BOTH)
composite("logical_xor(a, b)", "The 0/1 mask of where just one of two numbers is not 0; not differentiable.",
          "(a != 0) != (b != 0)", group="operators", samples=MASKS, flat=True, integer_operands=BOTH)
composite("logical_not(a)", "The 0/1 mask of where a number is 0; not differentiable.", "a == 0", group="operators",
          samples=tuple(Sample(s.shapes[:1], {}, ("mask",)) for s in BROADCASTS), flat=True,
          integer_operands=frozenset({"a"}))

# ── division with a remainder ────────────────────────────────────────────────────────────────────


def _flat(xp: Words, g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return g * xp.zeros(shape=y.shape)


def _at_jump(a: Array, b: Array) -> Array:
    return np.equal(np.remainder(a, b), 0)


pair("floor_divide(a, b)", "The quotient, rounded down; its derivative is 0.", lambda xp, a, b: np.floor_divide(a, b),
     (_flat, _flat), lambda s, a, b: s.floor(a / b), QUOTIENTS, flat=True, domain="division by zero")
pair("remainder(a, b)", "What division leaves, with the sign of the divisor: a - b·⌊a/b⌋.",
     lambda xp, a, b: np.remainder(a, b),
     (lambda xp, g, y, a, b: g, lambda xp, g, y, a, b: -g * xp.floor_divide(a, b)),
     lambda s, a, b: a - b * s.floor(a / b), QUOTIENTS, aliases="mod", kink=_at_jump,
     convention="where it jumps the derivative is that of the piece above", domain="division by zero")
pair("fmod(a, b)", "What division leaves, with the sign of the dividend: a - b·trunc(a/b).",
     lambda xp, a, b: np.fmod(a, b),
     (lambda xp, g, y, a, b: g, lambda xp, g, y, a, b: -g * xp.trunc(a / b)),
     lambda s, a, b: a - b * s.sign(a / b) * s.floor(s.Abs(a / b)), QUOTIENTS,
     kink=lambda a, b: np.equal(np.fmod(a, b), 0) & np.not_equal(a, 0),
     convention="where it jumps the derivative is that of the piece further from 0", domain="division by zero")

ROUNDINGS = {None: "a / b", "floor": "floor_divide(a, b)", "trunc": "trunc(a / b)"}


def _rounded(shapes: object, rounding_mode: object) -> str:
    return ROUNDINGS[choice("rounding_mode", rounding_mode, ROUNDINGS)]


composite("div(a, b; rounding_mode=none)", "The quotient; with rounding_mode 'floor' or 'trunc' it is rounded so.",
          _rounded, group="elementwise", samples=QUOTIENTS)
