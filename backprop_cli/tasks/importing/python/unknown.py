"""What is unknown after something that could not be read: the names that it binds, and the objects that it changes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from backprop_cli.errors import SpecError
from backprop_cli.tasks.importing.state.machine import Machine, Returned
from backprop_cli.tasks.importing.state.objects import Instance, Layer
from backprop_cli.tasks.importing.state.values import Part, Tensor, Unknown, Unread


def unknown_block(machine: Machine, body: list[ast.stmt], error: SpecError) -> None:
    """Statements of which nobody knows whether they run: what they would assign is unknown, if it is used."""
    for statement in body:
        for part in parts_run(statement):
            name = changed(part)
            if name is not None:
                machine.frame.put(name, Unknown(error))
            elif isinstance(part, ast.Call):
                unknown_object(machine, part, error)
            elif isinstance(part, ast.Return):
                raise Returned(Unknown(error))
            elif isinstance(part, ast.Break | ast.Continue):
                raise Unread(error)  # the loop around it is as unknown


def parts_run(statement: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement that run where it stands: not the bodies of functions and classes made in it."""
    stack = [statement]
    while stack:
        part = stack.pop()
        yield part
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            stack += ast.iter_child_nodes(part)


_CHANGING: Final = frozenset({
    "append", "extend", "insert", "update", "add", "pop", "sort", "reverse", "clear", "remove", "add_module",
    "register_module", "register_parameter", "register_buffer",
})  # fmt: skip


def changed(part: ast.AST) -> str | None:
    """The name that a part of a statement binds, or whose object it changes."""
    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
        return part.id
    if isinstance(part, ast.MatchAs | ast.MatchStar | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return part.name
    owner: ast.expr | None = None
    if isinstance(part, ast.Subscript | ast.Attribute) and isinstance(part.ctx, ast.Store):
        owner = part.value
    elif isinstance(part, ast.Call):
        owner = _owner(part)
    while isinstance(owner, ast.Subscript):
        owner = owner.value
    return owner.id if isinstance(owner, ast.Name) and owner.id != "self" else None


def _owner(part: ast.Call) -> ast.expr | None:
    """Whose object a call changes: `rows` of `rows[0].append(x)`, `self.layers` of `self.layers.append(x)`."""
    if not isinstance(part.func, ast.Attribute):
        return None
    owner = part.func.value if part.func.attr in _CHANGING or part.func.attr.endswith("_") else None
    while isinstance(owner, ast.Subscript):
        owner = owner.value
    return owner


def poison(machine: Machine, target: ast.expr, error: SpecError) -> None:
    """What a statement that cannot be read would have changed is unknown from now on."""
    if isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            poison(machine, one, error)
    elif isinstance(target, ast.Name):
        machine.frame.put(target.id, Unknown(error))
    elif isinstance(target, ast.Subscript | ast.Attribute):
        try:
            owner = machine.value(target.value)
        except Unread:
            return
        if isinstance(owner, Tensor):
            owner.broken = error
        elif isinstance(owner, Instance) and isinstance(target, ast.Attribute):
            owner.names[target.attr] = Unknown(error)


def unknown_object(machine: Machine, node: ast.Call, error: SpecError) -> None:
    """What a method that could not be read would have changed is unknown: `rows.remove(x)`, `self.layers.append(y)`."""
    owner = _owner(node)
    if owner is None:
        return
    try:
        found = machine.value(owner)
    except Unread:
        return
    if isinstance(found, Part):  # a model that would lack the layer that it was to get
        found.refused = error
    if isinstance(found, Tensor | list | dict | Layer):
        poison(machine, owner, error)
