"""Parameters known before anything runs: axes, shapes, names of reductions, subscripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from backprop_cli.engine.interpret.scope import FLOATS, WORDS, Scope, failure
from backprop_cli.engine.ops.base import Signature
from backprop_cli.engine.ops.shaping import Span
from backprop_cli.errors import SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.source import inline


def static(part: ast.Expression, scope: Scope) -> Any:
    """A parameter known before anything runs: int, Fraction, float, str, bool, None, Size, or a tuple of these."""
    match part:
        case ast.Number():
            return int(part.value) if part.is_integer else part.value
        case ast.String():
            return part.value
        case ast.Sequence():
            return tuple(static(item, scope) for item in part.items)
        case ast.Unary():
            return -_numeric(part.operand, scope)
        case ast.Binary() if all(one.operator in _ARITHMETIC for one in ast.in_a_row(part)[1]):
            return _row(part, scope)
        case ast.Name() if part.name in WORDS:
            return WORDS[part.name]
        case ast.Name() if part.name in scope.dims:
            return scope.dims[part.name]
        case ast.Name() if part.name in FLOATS:
            return FLOATS[part.name]
    raise failure(
        "E015", f"{scope.spell(part)!r} is computed, but this parameter has to be known beforehand", scope.place(part)
    )


def _row(part: ast.Binary, scope: Scope) -> Any:
    first, row = ast.in_a_row(part)
    value = _numeric(first, scope)
    for one in row:
        right = _numeric(one.right, scope)
        if one.operator == "/" and not right:
            raise failure("E015", "division by zero", scope.place(one))
        value = _computed(one, value, right, scope)
    return value


def _numeric(part: ast.Expression, scope: Scope) -> Any:
    """A number to compute with: a tuple times a billion would be computed too."""
    value = static(part, scope)
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        raise failure("E015", f"{scope.spell(part)!r} is no number", scope.place(part))
    return value


def _computed(part: ast.Binary, left: Any, right: Any, scope: Scope) -> Any:
    try:
        value = _ARITHMETIC[part.operator](left, right)
        float(value)
    except (OverflowError, ValueError):  # a fraction of inf or nan
        raise failure("E015", f"{scope.spell(part)!r} is out of range", scope.place(part)) from None
    return value


def _divide(a: Any, b: Any) -> Any:
    value = Fraction(a) / Fraction(b)
    return int(value) if value.denominator == 1 else value


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": _divide,
}  # fmt: skip


def subscript(item: ast.Expression, scope: Scope) -> Any:
    """One subscript of an index."""
    if isinstance(item, ast.Slice):
        span = Span(*(None if p is None else _position(p, scope) for p in (item.first, item.stop, item.step)))
        if span.step == 0:
            raise failure("E015", "a slice has a step of 0", scope.place(item))
        return span
    if isinstance(item, ast.Ellipsis_):
        return Ellipsis
    if isinstance(item, ast.Sequence):
        return tuple(_position(p, scope) for p in item.items)
    if isinstance(item, ast.Name) and item.name in {"None", "none"}:
        return None
    return _position(item, scope)


def _position(item: ast.Expression, scope: Scope) -> int:
    hint = "an index is a whole number, a slice or a list of whole numbers; use take(x, indices) to index by a tensor"
    try:
        value = static(item, scope)
    except SpecError:
        value = None
    if not isinstance(value, int) or isinstance(value, bool):
        raise failure("E015", f"{scope.spell(item)!r} is no index", scope.place(item), hint)
    return value


def _written_index(part: ast.Expression, scope: Scope) -> Any:
    """Subscripts given as text, as in scatter(x, '0:2, 1', (3, 3))."""
    if not isinstance(part, ast.String):
        raise failure(
            "E015", f"{scope.spell(part)!r} is no index", scope.place(part), "write the subscripts as text: '0:2, 1'"
        )
    text = inline(f"x[{part.value}]")
    try:
        parsed = ast.parse(text)
    except SpecError as error:
        raise failure("E015", f"{part.value!r} is no index: {error.message}", scope.place(part)) from None
    if not isinstance(parsed, ast.Indexed) or not isinstance(parsed.operand, ast.Name):
        raise failure("E015", f"{part.value!r} is no index", scope.place(part))
    return tuple(subscript(item, replace(scope, text=text, origin=scope.place(part))) for item in parsed.subscripts)


_READERS: Mapping[str, Callable[[ast.Expression, Scope], Any]] = {"index": _written_index}
"""Parameters that are not plain values."""


def statics(signature: Signature, given: Mapping[str, ast.Argument], scope: Scope) -> dict[str, Any]:
    """The static parameters of a call, defaults included."""
    return {name: _READERS.get(name, static)(given[name].value, scope) if name in given else default
            for name, default in signature.parameters.items()}  # fmt: skip
