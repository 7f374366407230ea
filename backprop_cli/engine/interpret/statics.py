"""Parameters known before anything runs: axes, shapes, names of reductions, subscripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from backprop_cli.engine.interpret.inspection import inspected, is_inspection
from backprop_cli.engine.interpret.scope import CONSTANTS, FLOATS, Scope, Shaper, failure
from backprop_cli.engine.ops.base import Signature
from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.errors import SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.source import inline
from backprop_cli.language.spelling import unprefixed
from backprop_cli.records import replace


def static(part: ast.Expression, scope: Scope, shaper: Shaper) -> Any:
    """A parameter known before anything runs: int, Fraction, float, str, bool, None, Size, or a tuple of these."""
    part = _bare(part)
    match part:
        case ast.Number():
            return int(part.value) if part.is_integer else part.value
        case ast.String():
            return part.value
        case ast.Sequence():
            return tuple(value for item in part.items for value in _items(item, scope, shaper))
        case ast.Unary():
            return -_numeric(part.operand, scope, shaper)
        case ast.Binary() if all(one.operator in _ARITHMETIC for one in ast.in_a_row(part)[1]):
            return _row(part, scope, shaper)
        case ast.Call() if is_inspection(part, scope):
            return inspected(part, scope, shaper)
        case ast.Call() if (spelled := _spelled(part, scope)) is not None:
            return static(spelled, scope, shaper)
        case ast.Indexed() if is_inspection(part.operand, scope):
            return _picked(part, scope, shaper)
        case ast.Name() if part.name in CONSTANTS:
            return CONSTANTS[part.name]
        case ast.Name() if part.name in scope.dims:
            return scope.dims[part.name]
        case ast.Name() if part.name in FLOATS:
            return FLOATS[part.name]
    raise failure(
        "E015", f"{scope.spell(part)!r} is computed, but this parameter has to be known beforehand", scope.place(part)
    )


def _bare(part: ast.Expression) -> ast.Expression:
    """`ones(*x.shape)`: one parameter takes them together."""
    return part.operand if isinstance(part, ast.Starred) else part


def _items(item: ast.Expression, scope: Scope, shaper: Shaper) -> tuple[object, ...]:
    """An item of a tuple; of `*sizes` each."""
    if not isinstance(item, ast.Starred):
        return (static(item, scope, shaper),)
    found = static(item.operand, scope, shaper)
    if not isinstance(found, tuple):
        raise failure("E015", f"{scope.spell(item.operand)!r} holds no sizes", scope.place(item))
    return found


def _spelled(part: ast.Call, scope: Scope) -> ast.Expression | None:
    """`float('inf')`, `len(x)`."""
    return None if part.library or ast.calls(part, scope.functions) else unprefixed(part, is_ours=True)


def _picked(part: ast.Indexed, scope: Scope, shaper: Shaper) -> Any:
    """`x.shape[0]`, `x.shape[:2]`."""
    sizes, (item, *others) = static(part.operand, scope, shaper), part.subscripts
    at = subscript(item, scope, shaper)
    try:
        if not others and isinstance(at, Span):
            return sizes[at.first : at.stop : at.step]
        if not others and isinstance(at, int):
            return sizes[at]
    except (IndexError, TypeError):
        pass
    message = f"{scope.spell(part)!r} is out of range: the shape has {len(sizes)} sizes"
    raise failure("E015", message, scope.place(part))


def _row(part: ast.Binary, scope: Scope, shaper: Shaper) -> object:
    first, row = ast.in_a_row(part)
    value = _numeric(first, scope, shaper)
    for one in row:
        right = _numeric(one.right, scope, shaper)
        if one.operator in {"/", "//", "%"} and not right:
            raise failure("E015", "division by zero", scope.place(one))
        value = _computed(one, value, right, scope)
    return value


def _numeric(part: ast.Expression, scope: Scope, shaper: Shaper) -> Any:
    """A number to compute with: a tuple times a billion would be computed too."""
    value = static(part, scope, shaper)
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        raise failure("E015", f"{scope.spell(part)!r} is no number", scope.place(part))
    return value


def _computed(part: ast.Binary, left: Any, right: Any, scope: Scope) -> object:
    try:
        value = _ARITHMETIC[part.operator](left, right)
        float(value)
    except (OverflowError, ValueError):  # a fraction of inf or nan
        raise failure("E015", f"{scope.spell(part)!r} is out of range", scope.place(part)) from None
    return value


def _divide(a: Any, b: Any) -> object:
    value = Fraction(a) / Fraction(b)
    return int(value) if value.denominator == 1 else value


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": _divide,
    "//": lambda a, b: a // b, "%": lambda a, b: a % b,
}  # fmt: skip


def subscript(item: ast.Expression, scope: Scope, shaper: Shaper) -> Any:
    """One subscript of an index."""
    if isinstance(item, ast.Slice):
        span = Span(*(None if p is None else _position(p, scope, shaper) for p in (item.first, item.stop, item.step)))
        if span.step == 0:
            raise failure("E015", "a slice has a step of 0", scope.place(item))
        return span
    if isinstance(item, ast.Ellipsis_):
        return Ellipsis
    if isinstance(item, ast.Sequence):
        return tuple(_position(p, scope, shaper) for p in item.items)
    if isinstance(item, ast.Name) and item.name in {"None", "none"}:
        return None
    return _position(item, scope, shaper)


def _position(item: ast.Expression, scope: Scope, shaper: Shaper) -> int:
    hint = "an index is a whole number, a slice or a list of whole numbers; use take(x, indices) to index by a tensor"
    try:
        value = static(item, scope, shaper)
    except SpecError:
        value = None
    if not isinstance(value, int) or isinstance(value, bool):
        raise failure("E015", f"{scope.spell(item)!r} is no index", scope.place(item), hint)
    return value


def _written_index(part: ast.Expression, scope: Scope, shaper: Shaper) -> object:
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
    inner = replace(scope, text=text, origin=scope.place(part))
    return tuple(subscript(item, inner, shaper) for item in parsed.subscripts)


_READERS: Mapping[str, Callable[[ast.Expression, Scope, Shaper], Any]] = {"index": _written_index}
"""Parameters that are not plain values."""


def statics(signature: Signature, given: Mapping[str, ast.Argument], scope: Scope, shaper: Shaper) -> dict[str, object]:
    """The static parameters of a call, defaults included."""
    return {name: _READERS.get(name, static)(given[name].value, scope, shaper) if name in given else default
            for name, default in signature.parameters.items()}  # fmt: skip
