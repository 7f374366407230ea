"""Subscripts of tensors: a basic index as it is, an index by tensors as the language takes it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from backprop_cli.engine.interpret.masked import is_mask
from backprop_cli.language.expression import Expression
from backprop_cli.tasks.importing.arrays.literals import data_of, literal_or_stack
from backprop_cli.tasks.importing.arrays.tensors import as_number, code_of, tensor_code, tensor_from
from backprop_cli.tasks.importing.state.codes import ELLIPSIS, NONE, binary, call, cut, number
from backprop_cli.tasks.importing.state.codes import indexed as subscripted
from backprop_cli.tasks.importing.state.values import Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def subscripts(machine: Machine, node: ast.expr) -> tuple[object, ...]:
    """The subscripts of an index as values: ints, slices, None, Ellipsis, tensors, lists."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    found: list[object] = []
    for part in parts:
        if isinstance(part, ast.Slice):
            ends = [None if end is None else plain(as_number(machine.value(end)))
                    for end in (part.lower, part.upper, part.step)]  # fmt: skip
            found.append(slice(*ends))
        elif isinstance(part, ast.Constant) and part.value is Ellipsis:
            found.append(Ellipsis)
        else:
            value = as_number(machine.value(part))
            found += value if isinstance(value, tuple) and len(parts) == 1 else [value]
    return tuple(None if getattr(one, "path", "").endswith(".newaxis") else one for one in found)


def indexed(machine: Machine, value: Tensor, index: ast.expr, node: ast.AST) -> Any:
    """`x[...]`: a basic index as it is, an index by tensors as the function that says it."""
    return pick(machine, value, subscripts(machine, index), node)


def pick(machine: Machine, value: Tensor, given: tuple[Any, ...], node: ast.AST) -> Any:
    """The part of a tensor that an index names."""
    given = tuple(as_number(one) for one in given)
    literal = _literal_part(value, given)
    if literal is not None:
        return literal
    if all(_is_basic(one) for one in given):
        if given and all(one == slice(None) for one in given):
            return value
        code = subscripted(tensor_code(machine, value, node), *map(_subscript, given))
        part = tensor_from(code, value, kind=value.kind)
        part.of = (value, given)
        return part
    return _by_tensors(machine, value, given, node)


def _literal_part(value: Tensor, given: tuple[Any, ...]) -> Any:
    """An entry of a literal of whole numbers: labels and positions are plain numbers."""
    data = data_of(value) if value.kind == "int" and not value.grad else None
    if data is None or not all(isinstance(one, int) for one in given):
        return None
    for one in given:
        if not isinstance(data, list) or not -len(data) <= one < len(data):
            return None
        data = data[one]
    return None if isinstance(data, list) else int(data)


def _is_basic(one: object) -> bool:
    if isinstance(one, slice):
        return all(end is None or isinstance(end, int) for end in (one.start, one.stop, one.step))
    return one is None or one is Ellipsis or isinstance(plain(one), int) and not isinstance(one, bool)


def _subscript(one: object) -> Expression:
    if isinstance(one, slice):
        return cut(*(None if end is None else int(end) for end in (one.start, one.stop, one.step)))
    if one is Ellipsis:
        return ELLIPSIS
    return NONE if one is None else number(int(plain(one)))


def _by_tensors(machine: Machine, value: Tensor, given: tuple[object, ...], node: ast.AST) -> Tensor:
    """`x[idx]`, `x[:, idx]`, `x[rows, y]`: as the language takes it."""
    index = [literal_or_stack(machine, one, node) if isinstance(one, list | tuple) else one for one in given]
    places = _places(index[0]) if len(index) == 1 else None
    if places:
        return _by_tensors(machine, value, (places,), node)
    if len(index) == 1 and isinstance(index[0], Tensor) and index[0].kind == "bool":
        return tensor_from(subscripted(tensor_code(machine, value, node), mask_code(machine, index[0], node)), value,
                    kind=value.kind)  # fmt: skip
    if any(isinstance(one, Tensor) and one.kind == "bool" for one in index):
        raise machine.record.unread(node, "an index by a mask has no fixed shape", "write where(mask, x, 0)")
    shape = machine.record.shape(value, node)
    if len(index) > len(shape) or any(one is None or one is Ellipsis for one in given):
        raise machine.record.unread(node, "this index is not read", "index in two steps, or use take(x, indices, axis)")
    subscripts_ = [_by_tensor(machine, one, size, node) for one, size in zip(index, shape, strict=False)]
    return tensor_from(subscripted(tensor_code(machine, value, node), *subscripts_), value, kind=value.kind)


def _places(mask: object) -> list[int] | None:
    """The positions that a mask picks which the program writes out: `train_mask = torch.tensor([True, False])`."""
    data = data_of(mask) if isinstance(mask, Tensor) and mask.kind == "bool" else None
    if not isinstance(data, list) or any(isinstance(one, list) for one in data):
        return None
    return [place for place, one in enumerate(data) if one]


def mask_code(machine: Machine, mask: Tensor, node: ast.AST) -> Expression:
    """A mask so that it is seen to be one: by its comparison, or as `m != 0`."""
    code = tensor_code(machine, mask, node)
    return code if is_mask(code) else binary(code, "!=", number(0))


def _by_tensor(machine: Machine, one: object, size: int, node: ast.AST) -> Expression:
    if isinstance(one, Tensor | range) and counts(one, size):
        return call("range", number(size))  # every row: the language picks one entry of each
    return _subscript(one) if _is_basic(one) else code_of(machine, one, node)


def counts(value: object, size: int) -> bool:
    """Whether an index is 0, 1, ..., size - 1."""
    data = list(value) if isinstance(value, range) else data_of(value)
    return data == list(range(size))


