"""Checks of static parameters: each returns the value in its plain form, or says what would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from backprop_cli.ops.base import ParameterError


def whole(name: str, value: Any, least: int | None = None) -> int:
    """An integer, at least `least`.

    Raises:
        ParameterError: it is none, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ParameterError(name, f"{name} is a whole number, not {shown(value)}")
    if least is not None and value < least:
        raise ParameterError(name, f"{name} must be at least {least}, not {value}")
    return value


def wholes(name: str, value: Any, length: int, least: int | None = None) -> tuple[int, ...]:
    """`length` integers: a tuple of them, or one for all."""
    listed = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    if len(listed) not in (1, length):
        raise ParameterError(name, f"{name} is one whole number or {length} of them, not {shown(value)}")
    checked = tuple(whole(name, item, least) for item in listed)
    return checked if len(checked) == length else checked * length


def number(name: str, value: Any, least: float | None = None) -> Any:
    """A real number, at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Fraction)):
        raise ParameterError(name, f"{name} is a number, not {shown(value)}")
    if least is not None and value < least:
        raise ParameterError(name, f"{name} must be at least {least}, not {shown(value)}")
    return value


def choice(name: str, value: Any, options: Mapping[Any, Any] | Sequence[Any]) -> Any:
    """One of several words."""
    if value not in options:
        listed = ", ".join(repr(option) for option in options)
        raise ParameterError(name, f"{name} is one of {listed}, not {shown(value)}")
    return value


def flag(name: str, value: Any) -> bool:
    """true or false; a number in its place is most likely meant for another parameter."""
    if not isinstance(value, bool):
        raise ParameterError(name, f"{name} is true or false, not {shown(value)}")
    return value


def shown(value: Any) -> str:
    """A value as the language writes it."""
    words = {None: "none", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    if isinstance(value, Fraction):
        return str(float(value))
    if isinstance(value, tuple):
        return "(" + ", ".join(map(shown, value)) + ("," if len(value) == 1 else "") + ")"
    return repr(int(value)) if isinstance(value, int) else repr(value)
