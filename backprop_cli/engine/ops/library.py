"""What functions written in the spec language itself share; they are in `layers` and `losses`."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from backprop_cli.engine.ops.validate import choice, number
from backprop_cli.language.model import Shape, Size

REDUCTIONS = {"mean": "mean({})", "sum": "sum({})", "none": "{}"}


PREFIX = "size_"
"""A body calls the size N of its operands size_N: no operand has such a name."""


def sizes_of(shapes: Iterable[Shape]) -> dict[str, Size]:
    """The named sizes of some shapes, by the names that a body calls them."""
    return {f"{PREFIX}{size.name}": size for shape in shapes for size in shape if isinstance(size, Size) and size.name}


def spell(value: object) -> str:
    """A static parameter as an expression; fractions stay exact, and a named size keeps its name."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, tuple):
        return "(" + "".join(f"{spell(item)}, " for item in value) + ")"
    if isinstance(value, Size) and value.name:
        return f"{PREFIX}{value.name}"
    if isinstance(value, Fraction):
        return f"({value.numerator}/{value.denominator})"
    if isinstance(value, float):
        return {"nan": "nan", "inf": "inf", "-inf": "(-inf)"}.get(str(value)) or f"({value!r})"
    if isinstance(value, int):
        return str(int(value)) if value >= 0 else f"({int(value)})"
    return f"'{value}'"


def scalar(name: str, value: object, least: float | None = None) -> str:
    """A number as an expression.

    Raises:
        ParameterError: it is none, or too small.
    """
    return spell(number(name, value, least))


def reduced(terms: str, reduction: str | None) -> str:
    """A loss from its terms.

    Raises:
        ParameterError: `reduction` is none of 'mean', 'sum', 'none'.
    """
    key = choice("reduction", "none" if reduction is None else reduction, REDUCTIONS)
    return REDUCTIONS[key].format(terms)


def product(*factors: str | None) -> str:
    """The factors that there are, multiplied."""
    return " * ".join(factor for factor in factors if factor)
