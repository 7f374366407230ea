"""Arrays of numbers that stand in the program itself: as leaves, as nested lists, row by row."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.arrays.tensors import code_of, flat_of, tensor_from, what
from backprop_cli.tasks.importing.state.codes import call, listed
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.values import Sizes, Start, Tensor, is_number, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

MAX_ROWS: Final = 2_000


def literal_or_stack(machine: Machine, value: object, node: ast.AST) -> Tensor:
    """`np.array([...])`: numbers are a leaf, tensors are stacked."""
    machine.weigh(value, node)
    numbers = as_data(value)
    if numbers is not None:
        shape = _data_shape(machine, numbers, node)
        whole_ = all(isinstance(x, int) for x in flat_of(numbers))
        mask = all(isinstance(x, bool) for x in flat_of(value)) if isinstance(value, list | tuple) else False
        return leaf_of(shape, data=numbers, whole=whole_, kind="bool" if mask else "int" if whole_ else "float")
    if isinstance(value, Tensor):
        return value
    if isinstance(value, list | tuple):
        parts = [literal_or_stack(machine, one, node) if isinstance(one, list | tuple) else one for one in value]
        codes = [code_of(machine, one, node) for one in parts]
        if not codes:
            raise machine.record.unread(node, "an empty array")
        tensors = [one for one in parts if isinstance(one, Tensor)]
        return tensor_from(call("stack", listed(*codes)), *tensors)
    raise machine.record.unread(node, f"{what(value)} is no array")


def as_data(value: object) -> Any:
    """Nested lists of numbers; None where something else is in them."""
    if isinstance(value, bool):
        return int(value)
    if is_number(value):
        raw = plain(value)
        return int(raw) if isinstance(raw, int) else float(raw)
    if isinstance(value, range):
        return list(value) if len(value) <= MAX_ROWS else None
    if isinstance(value, Tensor):
        start = value.start if value.fresh else None
        if start is None or value.param:
            return None
        return start.data if start.data is not None else filled(start)
    if isinstance(value, list | tuple) and value:
        parts = [as_data(one) for one in value]
        return None if any(part is None for part in parts) else parts
    return None


def filled(start: Start) -> Any:
    """The nested lists of a leaf that is all one number; None where it is not, or they would be long."""
    constant = start.constant()
    size = 1
    for axis in start.shape:
        size *= axis
    if constant is None or size > 10_000:
        return None

    def level(shape: Sizes) -> Any:
        return constant if not shape else [level(shape[1:]) for _ in range(shape[0])]

    return level(start.shape)


def data_of(value: object) -> Any:
    """The numbers of a literal leaf, named or not; None where they are not known."""
    if isinstance(value, Tensor):
        start = value.begins
        if start is None or value.broken is not None:
            return None
        return start.data if start.data is not None else filled(start)
    return as_data(value)


def _data_shape(machine: Machine, data: object, node: ast.AST) -> Sizes:
    if not isinstance(data, list):
        return ()
    shapes = {_data_shape(machine, one, node) for one in data}
    if len(shapes) != 1:
        raise machine.record.unread(node, "the rows of this array have different lengths")
    return (len(data), *shapes.pop())
