"""How far rounding alone may take a formula: it is evaluated again with every step a little off, by a draw.

What cancels shows by itself: (cos x - y)/x near 0 has no digit left, and moves by as much as it is.  A step whose
result jumps where its operands hardly moved (a comparison at a tie, a floor) stays as it was: it is no cancellation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops import Op
from backprop_cli.language.model import Shape

DRAWS = 4
EPS = 2.0**-52
LEAST = 2.0**-1074
"""What the smallest of numbers are rounded to."""
MARGIN = 4
"""Of the largest move of some draws: what rounding may do."""
JUMP = 1e-6
"""A step that moves by more than this, of its operands and its result, jumps, ..."""
HARDLY = 1e-8
"""... where these moved by no more than this."""


WALSH = np.kron([[1], [-1]], [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
"""Up or down, by draw: of two roundings, one soon after the other, some draws take both one way, some apart."""


class Moved(NamedTuple):
    """A number as it is, and as rounding might have made it."""

    exact: Any
    off: Any


class Rounding:
    """The meaning of an expression under which each step is rounded otherwise, or `times` as far."""

    def __init__(self, meaning: Numbers, name: str, draw: int, times: float = 1) -> None:
        self.meaning = meaning
        self.size, self.draw = times * EPS, draw
        self.taken = 0  # roundings so far
        self.random = np.random.default_rng([crc32(name.encode()), draw])

    def constant(self, value: Any) -> Moved:
        """A literal, which is exact."""
        found = self.meaning.constant(value)
        return Moved(found, found)

    def shape(self, value: Moved) -> Shape:
        """The shape of the array."""
        return self.meaning.shape(value.exact)

    def apply(self, op: Op, operands: tuple[Moved, ...], parameters: Mapping[str, object]) -> Moved:
        """An op on both; a user's function is taken step by step."""
        if op.steps is not None:
            found: Moved = op.steps(self, *operands)
            return found
        if op.linear and not (op.pointwise or op.view):  # a sum of terms loses as much as each of them
            operands = tuple(one if one.exact is None else self.rounded(*one) for one in operands)
        exact, off = (self.meaning.apply(op, side, parameters) for side in zip(*operands, strict=True)) \
            if operands else (self.meaning.apply(op, (), parameters),) * 2  # fmt: skip
        given = [one for one in operands if one.exact is not None and np.size(one.exact)]
        if all(np.all(np.abs(x - y) <= HARDLY * np.abs(x)) for x, y in given):
            if op.flat or not any(op.vjps):  # a comparison, a label, a whole number
                return Moved(exact, exact)
            if op.pointwise and op.kink is not None:
                off = np.where(op.kink(*(one.exact for one in operands), **parameters), exact, off)
            largest = max((float(np.max(np.abs(x))) for x, _ in given), default=0.0)
            off = np.where(np.abs(off - exact) > JUMP * (np.abs(exact) + largest), exact, off)
        return Moved(exact, off) if op.view else self.rounded(exact, off)

    def rounded(self, exact: Any, off: Any) -> Moved:
        """A result with a rounding of its own."""
        which = self.taken + np.arange(np.size(off)).reshape(np.shape(off))
        self.taken += np.size(off)
        turn = WALSH[which % len(WALSH), self.draw % DRAWS] * self.random.uniform(0.6, 1.4, np.shape(off))
        return Moved(exact, off * (1 + self.size * turn) + np.where(np.equal(off, 0), 0, LEAST * turn))
