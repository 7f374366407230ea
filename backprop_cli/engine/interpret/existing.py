"""Which names and functions of an expression exist, and what a name of a gradient stands for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from backprop_cli.engine.interpret import windows
from backprop_cli.engine.interpret.inspection import INSPECTIONS
from backprop_cli.engine.interpret.printed import is_lettered
from backprop_cli.engine.interpret.refusals import unknown_function, unknown_name
from backprop_cli.engine.interpret.scope import CONSTANTS, FLOATS, Scope, failure
from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS
from backprop_cli.errors import SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.expression.lettered import index_letters
from backprop_cli.language.names import UNIT_LETTERS
from backprop_cli.language.spelling import is_spelling

SPECIAL = frozenset((*INSPECTIONS, "array", "logical_not", windows.TO_MAX, windows.SPREAD))
"""Calls that are no functions of tensors."""


FIXED = frozenset((*CONSTANTS, *FLOATS, "I", *UNIT_LETTERS))
"""Names that mean something in every spec."""


def unknown(parts: Sequence[ast.Expression], scope: Scope, known: Collection[str]) -> Iterator[SpecError]:
    """An error for each name and each function of an expression that does not exist.

    `parts` are the expression and all that is in it, `known` the names of the nodes.
    """
    for part in parts:
        if isinstance(part, ast.Name):
            is_known = part.name in known or part.name in FIXED or part.name in scope.dims
            if not is_known and part.name not in index_letters(parts[0]):
                yield unknown_name(part, scope)
        elif isinstance(part, ast.Call) and not _is_function(part, scope):
            yield unknown_function(part, scope)


def _is_function(part: ast.Call, scope: Scope) -> bool:
    name = ALIASES.get(part.function, part.function)
    if name in OPS or name in COMPOSITES or is_lettered(name):
        return True
    special = part.function == "grad" or part.function in SPECIAL or ast.calls(part, scope.functions)
    return special or part.library != "own" and is_spelling(part.function)


def gradient_of(part: ast.Call, scope: Scope) -> Any:
    """What `grad(name)` stands for.

    Raises:
        SpecError: E011 where it means nothing, E015 for anything but a name.
    """
    if len(part.arguments) != 1 or not isinstance(part.arguments[0].value, ast.Name):
        raise failure("E015", "grad takes the name of one node", scope.place(part), "write grad(y)")
    name = part.arguments[0].value.name
    if isinstance(part, ast.Partial) and part.output != scope.output and scope.output and part.output in scope.names():
        message = f"∂{part.output}/∂{name}: the gradients here are those of {scope.output!r}"
        raise failure("E015", message, scope.place(part), f"write ∂{scope.output}/∂{name}, or grad({name})")
    value = scope.gradient(name)
    if value is None:
        hint = (
            "grad(...) stands in hand-written gradients, hooks and answers; a node cannot use its own output's gradient"
        )
        raise failure("E011", f"grad({name}) has no meaning here", scope.place(part), hint)
    return value
