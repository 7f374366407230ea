"""`try` and `raise`: what the program itself stops at goes to the handler that is meant for it."""

from __future__ import annotations

import ast
from typing import Final

from backprop_cli.tasks.importing.state.machine import Machine, Raised, Returned, kinds_of
from backprop_cli.tasks.importing.state.objects import Class
from backprop_cli.tasks.importing.state.values import Library, Opaque, Unknown

_ALL: Final = kinds_of("Exception")


def try_(machine: Machine, node: ast.Try) -> None:
    """A `try`: its body, or the handler of what the body stops at."""
    machine.trying += 1
    try:
        machine.run(node.body)
    except Raised as caught:
        machine.trying -= 1
        try:
            _handled(machine, node, caught)
        finally:
            machine.trying += 1
    else:
        machine.run(node.orelse)
    finally:
        machine.trying -= 1
        machine.run(node.finalbody)


def _handled(machine: Machine, node: ast.Try, caught: Raised) -> None:
    for handler in node.handlers:
        if handler.type is None or _kinds_named(handler.type) & caught.kinds:
            if handler.name is not None:
                machine.frame.put(handler.name, Opaque("an error"))
            machine.handling.append(caught)
            try:
                machine.run(handler.body)
            finally:
                machine.handling.pop()
            return
    _stop(machine, caught)


def raise_(machine: Machine, node: ast.Raise) -> None:
    """`raise`: to the `try` around it; without one, what the function gives is not known."""
    if node.exc is None and machine.handling:
        _stop(machine, machine.handling[-1])
    error = machine.record.unread(node, "the program raises an error here").error
    made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    names = [] if made is None else sorted(_kinds_named(made))
    _stop(machine, Raised(_ancestors(machine, names[0]) if names else _ALL, error))


def _stop(machine: Machine, raised: Raised) -> None:
    if machine.trying:
        raise raised
    raise Returned(Unknown(raised.error))


def _kinds_named(node: ast.expr) -> frozenset[str]:
    """The names of the exceptions that a handler is for."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return frozenset(part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in parts)


def _ancestors(machine: Machine, name: str) -> frozenset[str]:
    """An exception with all that it is a kind of, Python's own or the program's."""
    try:
        found = machine.frame.find(name)
    except KeyError:
        found = None
    if not isinstance(found, Class):
        return kinds_of(name)
    above = [base.name if isinstance(base, Class) else getattr(base, "last", getattr(base, "name", ""))
             for base in found.bases if isinstance(base, Class | Library) or hasattr(base, "name")]  # fmt: skip
    return frozenset({name}).union(*(_ancestors(machine, one) for one in above if one != name)) | _ALL
