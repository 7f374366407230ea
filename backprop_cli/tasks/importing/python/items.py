"""Subscripts, `x[i]`, of all that has items."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from backprop_cli.tasks.importing.arrays import functions, indexing, tensors
from backprop_cli.tasks.importing.arrays.asked import items_of
from backprop_cli.tasks.importing.networks.keras_graph import Later
from backprop_cli.tasks.importing.python import calls
from backprop_cli.tasks.importing.python.targets import hashable
from backprop_cli.tasks.importing.state.machine import Machine
from backprop_cli.tasks.importing.state.objects import Instance, Layer, kind_of
from backprop_cli.tasks.importing.state.values import (
    At,
    Builtin,
    Defaults,
    Dim,
    Library,
    Opaque,
    Pair,
    Tensor,
    Unknown,
    Unread,
    is_number,
    plain,
)


def subscript(machine: Machine, node: ast.Subscript) -> Any:
    """What stands at an index.

    Raises:
        Unread: nothing does, or what does is not known.
    """
    if machine.answers is not None and (found := machine.answers.keyed(node)) is not None:
        return found
    owner = machine.value(node.value)
    row = _ROWS.get(type(owner))
    return _item(machine, owner, node) if row is None else row(machine, owner, node)


def _later(machine: Machine, owner: Later, node: ast.Subscript) -> object:
    return Later(Builtin("item", lambda m, a, k, n: indexing.indexed(m, a[0], node.slice, n)), [owner], {})


def _joined(machine: Machine, owner: Library, node: ast.Subscript) -> object:
    """`np.r_[a, b]` and `np.c_[a, b]`: arrays one below the other, or side by side."""
    function = _JOINED.get(functions.home_of(owner.path))
    if function is None:
        return Opaque(f"{owner.path}[...]")
    values = [[one] if is_number(one) else one for one in indexing.subscripts(machine, node.slice)]
    if not all(isinstance(one, Tensor | list) for one in values):
        raise machine.record.unread(node, f"{owner.last} of what is no array is not read", f"write {function}([a, b])")
    return machine.called(Library(f"numpy.{function}"), [values], {}, node)


_JOINED = {("numpy", "r_"): "concatenate", ("numpy", "c_"): "column_stack"}
_ROWS: Mapping[type, Callable[[Machine, Any, ast.Subscript], object]] = {
    Tensor: lambda m, o, n: indexing.indexed(m, o, n.slice, n),
    At: lambda m, o, n: At(o.tensor, indexing.subscripts(m, n.slice)), Later: _later,
    Opaque: lambda m, o, n: o, Library: _joined,
    Layer: lambda m, o, n: calls.layer_part(m, o, m.value(n.slice), n),
}  # fmt: skip


def _item(machine: Machine, owner: Any, node: ast.Subscript) -> Any:
    """An item of a list, a dict, a text or an object of the program."""
    key = _slice(machine, node.slice) if isinstance(node.slice, ast.Slice) else machine.value(node.slice)
    if isinstance(owner, Instance) and owner.kind.find("__getitem__") is not None:
        return machine.called(machine.attribute(owner, "__getitem__", node), [key], {}, node)
    if isinstance(owner, Instance) and owner.kind.is_tuple:
        owner = list(items_of(machine, owner, node))
    key = hashable(machine, key, node) if isinstance(owner, dict) else plain(tensors.as_number(key))
    if isinstance(owner, Defaults) and key not in owner:
        owner[key] = machine.called(owner.factory, [], {}, node)
    try:
        found = owner[key]
    except (TypeError, KeyError, IndexError, ValueError) as caught:
        message = f"{kind_of(owner)} has no item {str(key)[:40]!r}"
        raise machine.stopped(node, type(caught).__name__, message) from None
    if isinstance(found, Unknown):
        raise Unread(found.error)
    return (
        Dim(found)
        if isinstance(found, int) and not isinstance(found, bool | Dim) and isinstance(owner, Pair)
        else found
    )


def _slice(machine: Machine, node: ast.Slice) -> slice:
    ends = [None if end is None else plain(machine.value(end)) for end in (node.lower, node.upper, node.step)]
    return slice(*ends)
