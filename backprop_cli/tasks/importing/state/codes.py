"""Parts of the language's expressions, put together while a program is read.

Everything that a program computes is an `Expression` of the language; the program's own tree is Python's `ast`.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final

from backprop_cli.language.expression import (
    Argument,
    Binary,
    Call,
    Ellipsis_,
    Expression,
    Indexed,
    Name,
    Number,
    Sequence,
    Slice,
    String,
    Transposed,
    Unary,
    names,
)

ELLIPSIS: Final = Ellipsis_(0, 0)
NONE: Final = Name(0, 0, "none")
FULL: Final = Slice(0, 0, None, None, None)


def named(name: str) -> Name:
    """A name."""
    return Name(0, 0, name)


def number(value: Any) -> Expression:
    """A number as a literal; a negative one with its sign in front."""
    if isinstance(value, bool):
        return named(str(value).lower())
    if math.isinf(value) or math.isnan(value):
        name = named("nan" if math.isnan(value) else "inf")
        return negative(name) if value == -math.inf else name
    if value < 0 or math.copysign(1, value) < 0:
        return negative(number(-value))
    whole_ = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    text = f"{value:.1f}" if whole_ else repr(value)
    return Number(0, 0, Fraction(value), text)


def literal(value: object) -> Expression:
    """None, true, false or a text."""
    if isinstance(value, str):
        return String(0, 0, value)
    return NONE if value is None else number(value)


def call(function: str, *given: Expression, **named_: Expression) -> Call:
    """A call of a function of the language."""
    arguments = [Argument(None, one, 0, 0) for one in given]
    arguments += [Argument(key, one, 0, 0) for key, one in named_.items()]
    return Call(0, 0, function, tuple(arguments), 0)


def binary(left: Expression, operator: str, right: Expression) -> Binary:
    """An infix operator."""
    return Binary(0, 0, operator, left, right)


def negative(operand: Expression) -> Unary:
    """A minus sign."""
    return Unary(0, 0, operand)


def transposed(operand: Expression, *, matrix: bool = False) -> Transposed:
    """`x.T`, or `x.mT`."""
    return Transposed(0, 0, operand, matrix)


def indexed(operand: Expression, *subscripts: Expression) -> Indexed:
    """`x[...]`."""
    return Indexed(0, 0, operand, subscripts)


def cut(first: int | None, stop: int | None, step: int | None = None) -> Slice:
    """`first:stop:step`."""
    return Slice(0, 0, *(None if end is None else number(end) for end in (first, stop, step)))


def listed(*items: Expression) -> Sequence:
    """A list: what a function takes several of."""
    return Sequence(0, 0, items, "[")


def together(*items: Expression) -> Sequence:
    """A tuple."""
    return Sequence(0, 0, items, "(")


def whole(*values: int) -> Sequence:
    """A tuple of whole numbers: axes, a shape."""
    return together(*(number(int(value)) for value in values))


def names_in(code: Expression) -> list[str]:
    """The names that an expression uses, left to right; names of functions are none."""
    return [name.name for name in names(code)]


def name_of(code: Expression | None) -> str | None:
    """The name that an expression is; None where it is none."""
    return code.name if isinstance(code, Name) else None
