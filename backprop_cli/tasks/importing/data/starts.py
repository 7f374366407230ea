"""What a new leaf starts from: its shape, with the names of its sizes, and a rule."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backprop_cli.tasks.importing.arrays import tensors
from backprop_cli.tasks.importing.state.codes import name_of
from backprop_cli.tasks.importing.state.values import Start, Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

Row = Callable[["Machine", list[object], dict[str, object], ast.AST], object]
"""A function of a library: its arguments, by position and by name, and where it is called."""


def sizes_of(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> tuple[object, ...]:
    """A shape: `randn(5, 3)`, `randn((5, 3))`, `zeros(size=[5])`; its sizes as they were given."""
    shape: Any = named.get("size", named.get("shape", given))
    if isinstance(shape, list | tuple) and len(shape) == 1 and isinstance(shape[0], list | tuple):
        shape = shape[0]
    if not isinstance(shape, list | tuple):
        shape = () if shape is None else (shape,)
    shape = tuple(tensors.as_number(one) for one in shape)
    if not all(isinstance(plain(one), int) and plain(one) >= 0 for one in shape):
        raise machine.record.unread(node, "a shape needs whole numbers that are known here",
                                    "give the sizes: --set N=5")  # fmt: skip
    if len(shape) > 8:
        raise machine.record.unread(node, "a tensor of more than eight axes")
    return tuple(shape)


def start_of(machine: Machine, shape: tuple[object, ...], rule: str, options: dict[str, float], **more: Any) -> Tensor:
    """A leaf by a rule; sizes that have a name keep it."""
    items = [machine.record.items.get(name_of(getattr(one, "code", None)) or "") for one in shape]
    for item in items:
        if item is not None and item.what == "number" and item.code is None:
            item.size = True
    start = Start(
        tuple(int(plain(one)) for one in shape),
        rule,
        options,
        sizes=[i if i and i.size else None for i in items],
        **more,
    )
    return Tensor(None, start=start)


def flags_of(tensor: Tensor, named: dict[str, object]) -> Tensor:
    """`requires_grad=True` where a leaf is made."""
    if named.get("requires_grad"):
        tensor.param, tensor.grad = True, True
    return tensor
