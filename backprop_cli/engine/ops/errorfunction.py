"""erf and erfc on arrays, to about an ulp, by their Taylor series around the nearest of many points.

With c the nearest multiple of 1/512, d = x - c, u = c·d and v = d²:

    erf(x) = erf(c) + 2/√π exp(-c²) · d · P(u, v),
    P(u, v) = Σ (-2u)ⁿ/n! · (-v)ᵐ/m! / (n + 2m + 1),

the integral of exp(-(c + t)²) from 0 to d term by term.  |d| <= 1/1024 and |c| <= 6, so that n <= 5 and m <= 2 are
enough.  The values at the points are those of the C library.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from backprop_cli.engine.ops.tensor import Array

STEPS = 512
"""Points to a unit; their squares are exact."""
END = 6
"""Beyond it erf is ±1; the tail of erfc is left to the C library."""
FEW = 64
"""Up to so many numbers are worth no table."""
AT_ONCE = 8192
"""So many numbers stay in the processor's cache through all the steps."""


class Points(NamedTuple):
    """At the multiples of 1/512 from -6 to 6: erf, erfc, and the slope of erf."""

    erf: Array
    erfc: Array
    slope: Array


@cache
def _points() -> Points:
    at = [k / STEPS for k in range(-END * STEPS, END * STEPS + 1)]
    scale = 2 / math.sqrt(math.pi)
    columns = [(math.erf(c) or -0.0 for c in at), map(math.erfc, at), (scale * math.exp(-c * c) for c in at)]
    return Points(*(np.fromiter(column, np.float64, len(at)) for column in columns))


class _Block:
    """Room for the steps of one block of numbers."""

    def __init__(self, size: int) -> None:
        self.index = np.empty(size, np.int64)
        self.c, self.d, self.u, self.v, self.p, self.some = np.empty((6, size))

    def near(self, x: Array) -> None:
        """The nearest points of finite numbers, and how far the numbers are from them."""
        np.clip(x, -END, END, out=self.d)
        np.multiply(self.d, STEPS, out=self.c)
        np.rint(self.c, out=self.c)
        self.c += END * STEPS
        np.copyto(self.index, self.c, casting="unsafe")
        self.c -= END * STEPS  # never -0, so that d keeps the sign of -0
        self.c *= 1 / STEPS
        self.d -= self.c
        np.multiply(self.c, self.d, out=self.u)
        np.multiply(self.d, self.d, out=self.v)

    def beyond(self, slope: Array) -> Array:
        """erf(x) - erf(c)."""
        p, u, v, some = self.p, self.u, self.v, self.some
        np.multiply(u, -2 / 45, out=p)
        p += 2 / 15
        p *= u
        for a, b in ((2 / 9, -1 / 3), (-2 / 5, 2 / 3), (1 / 2, -1)):
            np.multiply(v, a, out=some)
            some += b
            p += some
            p *= u
        np.multiply(v, 1 / 10, out=some)
        some -= 1 / 3
        some *= v
        p += some
        p += 1
        p *= self.d
        p *= np.take(slope, self.index, mode="clip", out=some)  # a NaN has any index, and is in d
        return p


def _erf(x: Array, block: _Block, points: Points, out: Array) -> None:
    block.near(x)
    beyond = block.beyond(points.slope)
    np.take(points.erf, block.index, mode="clip", out=out)
    out += beyond


def _erfc(x: Array, block: _Block, points: Points, out: Array) -> None:
    block.near(x)
    beyond = block.beyond(points.slope)
    np.take(points.erfc, block.index, mode="clip", out=out)
    out -= beyond
    tail = x > END
    if tail.any():
        out[tail] = [math.erfc(v) for v in x[tail].tolist()]


def _by_blocks(x: Array, one: Callable[[float], float], many: Callable[..., None]) -> Array:
    """A function of arrays of any shape and dtype, worked out in float64."""
    given = np.asarray(x)
    flat = given.astype(np.float64, copy=False).ravel()
    if flat.size <= FEW:
        result = np.array([one(v) for v in flat.tolist()], dtype=given.dtype)
        return result.reshape(given.shape)[()]
    result, points, block = np.empty_like(flat), _points(), _Block(AT_ONCE)
    with np.errstate(invalid="ignore"):  # NaN as an index
        for start in range(0, flat.size, AT_ONCE):
            some = flat[start : start + AT_ONCE]
            if some.size < AT_ONCE:
                block = _Block(some.size)
            many(some, block, points, result[start : start + AT_ONCE])
    return result.reshape(given.shape).astype(given.dtype, copy=False)


def erf(x: Array) -> Array:
    """The error function, 2/√π ∫₀ˣ exp(-t²) dt."""
    return _by_blocks(x, math.erf, _erf)


def erfc(x: Array) -> Array:
    """1 - erf(x), accurate where that is small."""
    return _by_blocks(x, math.erfc, _erfc)


FRACTION = 40
"""Levels of the continued fraction of `erfcx` from 3 on: all digits of a float64."""


def erfcx(x: Array) -> Array:
    """exp(x²) erfc(x) of x >= 0, which does not underflow: from 3 on Laplace's continued fraction."""
    far = x > 3
    z = np.where(far, x, 3)
    tail = z
    for k in range(FRACTION, 0, -1):
        tail = z + k / 2 / tail
    near = np.where(far, 0, x)
    found: Array = np.where(far, 1 / (np.sqrt(np.pi).item() * tail), np.exp(near * near) * erfc(near))
    return found.astype(x.dtype)[()]


def log_ndtr(x: Array) -> Array:
    """log Φ(x), the logarithm of how likely a normal number is below x, without underflow."""
    half = np.sqrt(0.5).item()
    below = x < 0
    low = np.log(erfcx(np.where(below, -x, 0) * half) / 2) - x * x / 2
    return np.where(below, low, np.log1p(-erfc(np.where(below, 0, x) * half) / 2)).astype(x.dtype)[()]
