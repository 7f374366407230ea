"""Scalar functions with kinks, for sympy to differentiate: each slope is a function that knows where it has no value.

sympy's Abs asks whether its argument is real, and its Max compares all arguments with each other; both are slow on
large expressions, and neither knows a kink when it meets one.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr, Function, Integer, S


def _numeric(x: Expr) -> Any:
    """A number to compare by, or None for an expression that holds symbols."""
    return x if x.is_number and x.is_comparable else None


class Flat(Function):
    """A function of one argument that is constant but for its jumps."""

    def fdiff(self, argindex: int = 1) -> Expr:
        """Flat on both sides of a jump."""
        return S.Zero


class Step(Flat):
    """1 above 0, -1 below.  At 0 it is the kink of whatever it is the slope of."""

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """The sign of a number other than 0."""
        number = _numeric(x)
        return None if number is None or number == 0 else Integer(1 if number > 0 else -1)


class Jump(Flat):
    """0, but for a jump where its argument is 0."""

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """0 for any number but 0."""
        number = _numeric(x)
        return None if number is None or number == 0 else S.Zero


class Absolute(Function):
    """|x|, whose slope is a `Step`."""

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """The size of a number."""
        number = _numeric(x)
        return None if number is None else number if number >= 0 else -number

    def fdiff(self, argindex: int = 1) -> Expr:
        """Its slope."""
        return Step(self.args[0])


class Sign(Function):
    """-1, 0 or 1: a jump, but no kink of its own, since no slope is taken of it."""

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """The sign of a number."""
        number = _numeric(x)
        return None if number is None else Integer((number > 0) - (number < 0))

    def fdiff(self, argindex: int = 1) -> Expr:
        """Flat but for the jump, where `Jump` has no value."""
        return Jump(self.args[0])


class Larger(Function):
    """The larger of two."""

    @classmethod
    def eval(cls, a: Expr, b: Expr) -> Expr | None:
        """The larger of two numbers, or of two equal expressions."""
        x, y = _numeric(a), _numeric(b)
        return a if a == b else None if x is None or y is None else max(x, y)

    def fdiff(self, argindex: int = 1) -> Expr:
        """1 where the argument is the larger, 0 where it is the smaller one."""
        a, b = self.args if argindex == 1 else reversed(self.args)
        return (1 + Step(a - b)) / 2


class Floor(Function):
    """The next whole number below."""

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """Of a number."""
        number = _numeric(x)
        return None if number is None else sympy.floor(number)

    def fdiff(self, argindex: int = 1) -> Expr:
        """Flat between whole numbers, a jump at them."""
        return Jump(self - self.args[0])
