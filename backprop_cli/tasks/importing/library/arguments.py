"""The arguments of a call, by the names that a function of the program has for them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from backprop_cli.language.expression import Name
from backprop_cli.tasks.importing.state.objects import Frame, Function
from backprop_cli.tasks.importing.state.values import Tensor

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def bound(
    machine: Machine, function: Function, given: list[object], named: dict[str, object], node: ast.AST
) -> dict[str, Any]:
    """The arguments of a call by name.

    Raises:
        Unread: there are too many, or one is missing.
    """
    arguments = function.node.args
    slots = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    values: dict[str, Any] = dict(function.defaults)
    values.update(zip(slots, given, strict=False))
    if arguments.vararg is not None:
        values[arguments.vararg.arg] = tuple(given[len(slots) :])
    elif len(given) > len(slots):
        raise machine.record.unread(node, f"{function.name} takes {len(slots)} arguments; {len(given)} are given")
    known = {*slots, *(a.arg for a in arguments.kwonlyargs)}
    values.update({key: value for key, value in named.items() if key in known})
    more = {key: value for key, value in named.items() if key not in known}
    if arguments.kwarg is not None:
        values[arguments.kwarg.arg] = more
    elif more:
        raise machine.record.unread(node, f"{function.name} takes no argument {' or '.join(sorted(more))}")
    missing = [slot for slot in known if slot not in values]
    if missing:
        raise machine.record.unread(node, f"{function.name} needs {' and '.join(sorted(missing))}")
    called = Frame(function.frame, values).called
    return {slot: _argument(machine, function, slot, called(slot), value, node) for slot, value in values.items()}


def _argument(machine: Machine, function: Function, slot: str, base: str, value: object, node: ast.AST) -> object:
    """An argument; an expression that the body uses more than once is a node of its own."""
    if isinstance(value, Tensor) and not isinstance(value.code, Name):
        uses = sum(isinstance(p, ast.Name) and p.id == slot for p in ast.walk(function.node))
        if value.fresh or uses > 1:
            return machine.named(value, base, node)
    return value
