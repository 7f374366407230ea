"""Contexts that a program writes as generators: `@contextmanager`, with what stands before and after the `yield`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from backprop_cli.records import dataclass
from backprop_cli.tasks.importing.state.objects import Frame, Function

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


@dataclass(frozen=True, slots=True)
class Context:
    """A call of such a function: its frame, what it does first and last, and what it gives in between."""

    frame: Frame
    first: tuple[ast.stmt, ...]
    given: ast.expr | None
    last: tuple[ast.stmt, ...]


def context_of(machine: Machine, function: Function, frame: Frame, node: ast.AST) -> Context:
    """What a call of a `@contextmanager` is.

    Raises:
        Unread: its one `yield` is no statement of its own, there or in a `try`.
    """
    assert isinstance(function.node, ast.FunctionDef)
    parts = _parts(function.node.body)
    if parts is None:
        raise machine.record.unread(node, f"how {function.name} yields is not read", "yield in a statement of its own")
    return Context(frame, *parts)


def _parts(body: list[ast.stmt]) -> tuple[tuple[ast.stmt, ...], ast.expr | None, tuple[ast.stmt, ...]] | None:
    """What stands before the `yield`, what it gives, and what stands after it."""
    for place, statement in enumerate(body):
        before, after = tuple(body[:place]), tuple(body[place + 1 :])
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield):
            return before, statement.value.value, after
        if isinstance(statement, ast.Try) and (inner := _parts(statement.body)) is not None:
            return (*before, *inner[0]), inner[1], (*inner[2], *statement.finalbody, *after)
    return None


def entered(machine: Machine, context: Context, node: ast.AST) -> Any:
    """Read what stands before the `yield`; what it gives."""
    with machine.within(context.frame, node):
        machine.run(context.first)
        return None if context.given is None else machine.value(context.given)


def left(machine: Machine, context: Context, node: ast.AST) -> None:
    """Read what stands after it."""
    with machine.within(context.frame, node):
        machine.run(context.last)
