"""Values in lists, tuples and dicts, which JAX calls trees and everybody uses for params."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def each(leaf: Callable[..., object], *values: Any, name: str = "") -> Any:
    """The same lists, tuples and dicts with `leaf(name, value)` for each value in them; of several alike, at once.

    None holds nothing. A value is called by its key, or by its place: `params_0`.

    Raises:
        KeyError, TypeError, ValueError: several are not alike.
    """
    first = values[0]
    if first is None:
        return None
    if isinstance(first, list | tuple):
        return type(first)(each(leaf, *some, name=f"{name}_{k}") for k, some in enumerate(zip(*values, strict=True)))
    if isinstance(first, dict):
        return {key: each(leaf, *(one[key] for one in values), name=str(key)) for key in first}
    return leaf(name, *values)
