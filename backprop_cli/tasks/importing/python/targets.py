"""What is assigned to: names, attributes, items, several of them at once."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from backprop_cli.language.expression import Name
from backprop_cli.tasks.importing.arrays.asked import items_of
from backprop_cli.tasks.importing.arrays.writing import write_into
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.python.classes import is_value_class, value_in
from backprop_cli.tasks.importing.state.machine import Machine
from backprop_cli.tasks.importing.state.objects import Class, Function, Instance, Layer, kind_of
from backprop_cli.tasks.importing.state.values import Library, Opaque, Part, Tensor, Unknown, Unread, plain


def bind(machine: Machine, target: ast.expr, value: Any, node: ast.AST) -> None:
    """Assign a value.

    Raises:
        Unread: it cannot be assigned to that.
    """
    row: Any = _TARGETS.get(type(target), _no_target)
    row(machine, target, value, node)


def _bind_name(machine: Machine, target: ast.Name, value: object, node: ast.AST) -> None:
    known = machine.given.get(target.id)
    if machine.answers is not None and machine.frame.inside and machine.answers.is_other(target.id, value):
        machine.frame.hidden |= {target.id}
    pinned = machine.answers is not None and target.id not in machine.frame.hidden and not _is_computed(value)
    if known is not None and (pinned or not machine.frame.inside):
        machine.used.add(target.id)
        value = known
    if isinstance(value, Instance):
        data = value_in(value)
        if data is not None:
            machine.named(data, target.id, node)
        machine.frame.put(target.id, value)
        return
    machine.frame.put(target.id, _safely(machine, value, machine.frame.called(target.id), node))


def _is_computed(value: object) -> bool:
    """Whether the program itself works a tensor out here, rather than being given it."""
    return isinstance(value, Tensor) and not value.fresh and not isinstance(value.code, Name)


def _safely(machine: Machine, value: object, base: str, node: ast.AST) -> Any:
    try:
        return machine.named(value, base, node)
    except Unread as caught:
        if isinstance(value, Tensor):
            value.broken = caught.error
        return Unknown(caught.error)


def _bind_attribute(machine: Machine, target: ast.Attribute, value: object, node: ast.AST) -> None:
    owner = machine.value(target.value)
    found = owner.kind.find(target.attr) if isinstance(owner, Instance) else None
    if isinstance(found, Function) and found.setter is not None:
        machine.called(found.setter, [owner, value], {}, node)
    elif isinstance(owner, Instance):
        owner.names[target.attr] = _owned(machine, owner, target.attr, value, node)
    elif isinstance(owner, Class):
        owner.names[target.attr] = value
    elif isinstance(owner, Tensor):
        training.set_attribute(machine, owner, target.attr, value, node)
    elif isinstance(owner, Layer):
        if target.attr in {"weight", "bias"} and isinstance(value, Tensor):
            owner.params[target.attr] = value
    elif not isinstance(owner, Opaque | Library | Function):
        raise machine.record.unread(target, f"an attribute of {kind_of(owner)} is assigned")


def _owned(machine: Machine, owner: Instance, name: str, value: object, node: ast.AST) -> object:
    """A value as an attribute: parts of a module are called after it."""
    if isinstance(value, Part):
        value.place(owner, name)
        return value
    if isinstance(value, list) and value and all(isinstance(one, Part) for one in value):
        for position, one in enumerate(value):
            one.place(owner, f"{name}.{position}")
        return value
    if isinstance(value, Tensor) and is_value_class(owner.kind):  # it gets the name of its object
        return value
    if isinstance(value, Tensor) and value.fresh and value.param:  # it gets its name when the module has its place
        value.home = value.home or (owner, name, node)
        return value
    return _safely(machine, value, f"{owner.path}_{name}".lstrip("_") if owner.path else name, node)


def _bind_item(machine: Machine, target: ast.Subscript, value: object, node: ast.AST) -> None:
    owner = machine.value(target.value)
    if isinstance(owner, Tensor):
        write_into(machine, target, value, node)
        return
    key = machine.value(target.slice)
    if isinstance(owner, dict):
        owner[hashable(machine, key, target)] = _safely(machine, value, _item_name(target, key), node)
    elif isinstance(owner, list) and isinstance(plain(key), int):
        if not -len(owner) <= plain(key) < len(owner):
            raise machine.record.unread(target, f"the list has no item {plain(key)}")
        owner[plain(key)] = _safely(machine, value, _item_name(target, key), node)
    elif not isinstance(owner, Opaque):
        raise machine.record.unread(target, f"an item of {kind_of(owner)} is assigned")


def _item_name(target: ast.Subscript, key: object) -> str:
    raw = plain(key)
    holder = target.value.id if isinstance(target.value, ast.Name) else getattr(target.value, "attr", "x")
    return raw if isinstance(raw, str) and raw.isidentifier() else f"{holder}_{raw}".replace("-", "m")


def hashable(machine: Machine, key: object, node: ast.AST) -> Any:
    """A key of a dict."""
    raw = tuple(map(plain, key)) if isinstance(key, tuple) else plain(key)
    try:
        hash(raw)
    except TypeError:
        raise machine.record.unread(node, f"{kind_of(key)} is no key of a dict") from None
    return raw


def _bind_several(machine: Machine, target: ast.Tuple | ast.List, value: object, node: ast.AST) -> None:
    count = len(target.elts)
    if isinstance(value, Unknown | Opaque):
        parts: list[object] = [value] * count
    else:
        try:
            parts = list(items_of(machine, value, node))
        except Unread as caught:
            parts = [Unknown(caught.error)] * count
    starred = next((i for i, one in enumerate(target.elts) if isinstance(one, ast.Starred)), None)
    if starred is not None and len(parts) >= count - 1:
        after = count - starred - 1
        stop = len(parts) - after
        parts = [*parts[:starred], list(parts[starred:stop]), *parts[stop:]]
    if len(parts) != count:
        error = machine.record.unread(node, f"{len(parts)} values for {count} names").error
        parts = [Unknown(error)] * count
    for one, part in zip(target.elts, parts, strict=True):
        machine.bind(one.value if isinstance(one, ast.Starred) else one, part, node)


def _no_target(machine: Machine, target: ast.expr, value: object, node: ast.AST) -> None:
    raise machine.record.unread(target, "this cannot be assigned to")


_TARGETS: Mapping[type[ast.expr], Callable[[Machine, Any, Any, ast.AST], None]] = {
    ast.Name: _bind_name, ast.Attribute: _bind_attribute, ast.Subscript: _bind_item, ast.Tuple: _bind_several,
    ast.List: _bind_several,
}  # fmt: skip
