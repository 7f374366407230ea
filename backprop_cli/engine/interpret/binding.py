"""The arguments of a call, matched to a function's signature."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from backprop_cli.engine.interpret.refusals import signature
from backprop_cli.engine.interpret.scope import Scope, Shaper, failure
from backprop_cli.engine.interpret.statics import static, statics
from backprop_cli.engine.ops.base import REQUIRED, Signature
from backprop_cli.engine.ops.keywords import ORDERS, parameter
from backprop_cli.errors import SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.suggest import suggest
from backprop_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Bound:
    """The arguments of a call, matched to a signature: expressions of the operands (None: left out), statics."""

    operands: tuple[ast.Expression | None, ...]
    parameters: Mapping[str, Any]


def bind(signature: Signature, part: ast.Call, scope: Scope, shaper: Shaper) -> Bound:
    """Match a call's arguments to a signature.

    Raises:
        SpecError: E015 for too many or too few arguments, an unknown parameter, or one given twice.
    """
    arguments = list(part.arguments)
    if signature.variadic:
        return _bind_variadic(signature, part, arguments, scope, shaper)
    is_plain = not signature.parameters and len(arguments) == len(signature.operands)
    if is_plain and all(argument.keyword is None for argument in arguments):  # as most calls are
        return Bound(tuple(map(_operand, arguments)), {})
    given = _place_arguments(_slots(signature, part, scope, shaper), part, arguments, scope)
    missing = [name for name in signature.operands if name not in given and name not in signature.optional]
    _check_given(signature, part, given, scope, missing)
    operands = tuple(_operand(given.get(name)) for name in signature.operands)
    try:
        return Bound(operands, statics(signature, given, scope, shaper))
    except SpecError as caught:
        if part.function not in _MEANT or caught.hint:
            raise
        raise SpecError(caught.code, caught.message, at=caught.at, hint=_MEANT[part.function]) from None


_MEANT = {
    "max": "maximum(a, b) is the larger of two, entry by entry; max(x, axis) the largest along an axis",
    "min": "minimum(a, b) is the smaller of two, entry by entry; min(x, axis) the smallest along an axis",
}
"""What is meant where an axis is computed."""


def _slots(signature: Signature, part: ast.Call, scope: Scope, shaper: Shaper) -> list[str]:
    """The names that positional arguments take in turn."""
    slots = [*signature.operands, *signature.parameters]
    order = ORDERS.get(part.function, ())
    placed = zip(order, (a.value for a in part.arguments if a.keyword is None), strict=False)
    given = ((name, value) for name, value in placed if name in signature.parameters)
    if not order or not all(_is_static(value, scope, shaper, name) for name, value in given):
        return slots
    return [*order, *(name for name in slots if name not in order)]


def _is_static(value: ast.Expression, scope: Scope, shaper: Shaper, name: str) -> bool:
    """Whether it may be a parameter's: a list of positions is no axis."""
    try:
        found = static(value, scope, shaper)
    except SpecError:
        return False
    return isinstance(found, int) if name == "axis" else found is not None


def _operand(argument: ast.Argument | None) -> ast.Expression | None:
    """An operand left out, by omission or as `none`, is None."""
    if argument is None or isinstance(argument.value, ast.Name) and argument.value.name in {"none", "None"}:
        return None
    return argument.value


def _place_arguments(
    slots: list[str], part: ast.Call, arguments: list[ast.Argument], scope: Scope
) -> dict[str, ast.Argument]:
    given: dict[str, ast.Argument] = {}
    for position, argument in enumerate(arguments):
        if argument.keyword is None:
            if position >= len(slots):
                raise failure(
                    "E015",
                    f"{part.function} takes at most {len(slots)} arguments",
                    scope.place(argument),
                    signature(part.function, slots),
                )
            name = slots[position]
        else:
            name = parameter(argument.keyword, slots)
            if name not in slots:
                near = suggest(argument.keyword, slots)
                hint = f"did you mean {near!r}?" if near else signature(part.function, slots)
                raise failure(
                    "E015", f"{part.function} has no parameter {argument.keyword!r}", scope.place(argument), hint
                )
        if name in given:
            raise failure("E015", f"{part.function} got {name!r} twice", scope.place(argument))
        given[name] = argument
    return given


def _bind_variadic(
    signature: Signature, part: ast.Call, arguments: list[ast.Argument], scope: Scope, shaper: Shaper
) -> Bound:
    """`concat([a, b], axis)`, or `einsum('ij,jk->ik', a, b)`: the text first, then the tensors."""
    positional = [a for a in arguments if a.keyword is None]
    if positional and isinstance(positional[0].value, ast.String):
        text, *tensors = positional
        given = _place_arguments(list(signature.parameters), part, [text, *(a for a in arguments if a.keyword)], scope)
        items: tuple[ast.Expression, ...] = tuple(a.value for a in tensors)
        if len(items) == 1 and isinstance(items[0], ast.Sequence):
            items = items[0].items
    else:
        if not positional or not isinstance(positional[0].value, ast.Sequence):
            raise failure(
                "E015", f"{part.function} takes a list of tensors", scope.place(part), f"write {part.function}([a, b])"
            )
        items = positional[0].value.items
        given = _place_arguments(list(signature.parameters), part, arguments[1:], scope)
    if not items:
        raise failure("E015", f"{part.function} needs at least one tensor", scope.place(part))
    _check_given(signature, part, given, scope)
    return Bound(items, statics(signature, given, scope, shaper))


def _check_given(
    signature: Signature,
    part: ast.Call,
    given: Mapping[str, ast.Argument],
    scope: Scope,
    operands: Sequence[str] = (),
) -> None:
    """That no parameter that has to be given is missing, nor any of these operands."""
    parameters = [n for n, default in signature.parameters.items() if default is REQUIRED and n not in given]
    missing = " and ".join(map(repr, [*operands, *parameters]))
    if missing:
        at = scope.place(part)
        raise failure("E015", f"{part.function} needs {missing}", at, usage(part.function, signature))


def usage(name: str, signature: Signature) -> str:
    """The call as the documentation writes it."""
    operands = [f"{n}=none" if n in signature.optional else n for n in signature.operands]
    if signature.variadic:
        operands = [f"[{operands[0]}, ...]"]
    for name_, default in signature.parameters.items():
        operands.append(name_ if default is REQUIRED else f"{name_}={_default(default)}")
    return f"{name}({', '.join(operands)})"


def _default(value: object) -> str:
    """A default as the language writes it; by its type, since true equals 1."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Fraction):
        return str(re.sub(r"e([+-])0*", r"e\1", str(float(value)).removesuffix(".0")))
    return repr(value)
