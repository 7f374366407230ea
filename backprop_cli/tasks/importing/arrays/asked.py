"""What Python asks of a value where it loops or branches: its items, and whether it is true."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from backprop_cli.tasks.importing.arrays.indexing import pick
from backprop_cli.tasks.importing.arrays.literals import MAX_ROWS
from backprop_cli.tasks.importing.state.machine import Machine
from backprop_cli.tasks.importing.state.objects import Class, Function, Instance, Layer, kind_of
from backprop_cli.tasks.importing.state.values import Builtin, Library, Opaque, Part, Tensor, Unknown, plain


def items_of(machine: Machine, value: object, node: ast.AST) -> Iterator[object]:
    """The items of what a loop goes over, or that is unpacked."""
    if isinstance(value, list | tuple | range | dict | str | set):
        yield from list(value) if isinstance(value, dict | set) else value
    elif isinstance(value, Tensor):
        yield from rows(machine, value, node)
    elif isinstance(value, Layer) and value.parts:
        for key, part in value.parts.items():
            if isinstance(part, Part):
                part.place(value, key)
            yield part
    elif isinstance(value, Iterator):
        yield from value
    elif isinstance(value, Instance) and value.kind.is_tuple:
        yield from (machine.attribute(value, name, node) for name in value.kind.fields())
    elif isinstance(value, Instance) and value.kind.find("__iter__") is not None:
        yield from items_of(machine, machine.called(machine.attribute(value, "__iter__", node), [], {}, node), node)
    else:
        hint = "loops run over what is constant: range(5), a list, the rows of a tensor"
        raise machine.record.unread(node, f"{kind_of(value)} cannot be gone through", hint)


def rows(machine: Machine, value: Tensor, node: ast.AST) -> Iterator[Any]:
    """The parts along the first axis."""
    shape = machine.record.shape(value, node)
    if not shape:
        raise machine.record.unread(node, "a scalar has no rows to go through")
    if shape[0] > MAX_ROWS:
        raise machine.record.unread(node, f"a loop over {shape[0]:,} rows is too long")
    if value.fresh:
        machine.record.leaf(value, "data", node)
    for row in range(shape[0]):
        yield pick(machine, value, (row,), node)


def truth(machine: Machine, value: object, node: ast.AST) -> bool:
    """Whether a value is true.

    Raises:
        Unread: it is a tensor, or something else whose truth is not known.
    """
    value = plain(value)
    if isinstance(value, Tensor):
        from backprop_cli.tasks.importing.arrays.known import value_of

        number = value_of(machine, value, node)
        if number is None:
            raise machine.record.unread(node, "a condition depends on a tensor's value, which is not known here",
                                        "keep the branch that is meant")  # fmt: skip
        return bool(number)
    if isinstance(value, Unknown | Opaque):
        raise machine.record.unread(node, f"the truth of {kind_of(value)} is not known")
    if isinstance(value, Function | Class | Instance | Layer | Library | Builtin):
        return True
    return bool(value)
