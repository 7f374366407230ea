"""A tensor with some entries replaced or added to: put together from its parts, by a mask, or at positions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from backprop_cli.language.expression import Expression
from backprop_cli.tasks.importing.arrays import indexing, tensors
from backprop_cli.tasks.importing.arrays.literals import data_of
from backprop_cli.tasks.importing.state.codes import FULL, call, cut, indexed, listed, number, whole
from backprop_cli.tasks.importing.state.values import Sizes, Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def assigned(machine: Machine, owner: Tensor, index: tuple[Any, ...], value: Any, node: ast.AST) -> Tensor:
    """What `x[index] = value` makes of x.

    Raises:
        Unread: the index is of another kind, or its positions are not known.
    """
    shape = machine.record.shape(owner, node)
    mask = _mask(machine, index, node) or _one_each(machine, index, shape, node)
    if mask is None and (placed := _positions(machine, index, shape, node)) is not None:
        return _put(machine, owner, shape, placed, value, node, added=False)
    if mask is None:
        code = tensors.tensor_code(machine, owner, node)
        built = _built(machine, code, shape, _whole_index(machine, index, shape, node), value, node)
        return tensors.tensor_from(built, owner, value)
    given = machine.record.shape(value, node) if isinstance(value, Tensor) else ()
    if len(index) == 2 and given:
        value = indexing.pick(machine, value, (slice(None), None), node)
    elif given not in {(), shape}:
        raise machine.record.unread(node, "what is assigned under a mask has no fixed shape", "write where(mask, a, b)")
    code = call("where", mask, tensors.code_of(machine, value, node), tensors.tensor_code(machine, owner, node))
    return tensors.tensor_from(code, owner, value)


def put(machine: Machine, owner: Tensor, index: tuple[Any, ...], value: Any, node: ast.AST, *, added: bool) -> Tensor:
    """A tensor with the entries at some positions replaced, or added to.

    Raises:
        Unread: the positions are not known, or one is replaced twice.
    """
    shape = machine.record.shape(owner, node)
    if len(index) == 1 and isinstance(index[0], Tensor) and index[0].kind == "bool":
        code = call("where", tensors.tensor_code(machine, index[0], node), tensors.code_of(machine, value, node),
                    tensors.tensor_code(machine, owner, node))  # fmt: skip
        return tensors.tensor_from(code, owner, value)
    placed = _positions(machine, index, shape, node, twice=added)
    if placed is None:
        raise machine.record.unread(node, "the positions that are written to are not known here")
    return _put(machine, owner, shape, placed, value, node, added=added)


def _positions(machine: Machine, index: tuple[Any, ...], shape: Sizes, node: ast.AST, *,
               twice: bool = False) -> tuple[int, list[int]] | None:  # fmt: skip
    """How many axes lists of positions are along, and the positions in these, one after another; None for no lists.

    Raises:
        Unread: one stands twice, where the last of them counts.
    """
    found = [data_of(one) if isinstance(one, Tensor) and one.kind == "int" or isinstance(one, list) else None
             for one in index]  # fmt: skip
    lists: list[list[Any]] = [one for one in found if isinstance(one, list) and not isinstance(one[0], list)]
    if not 0 < len(index) == len(lists) <= len(shape) or len({len(one) for one in lists}) != 1:
        return None
    flat = [0] * len(lists[0])
    for one, size in zip(lists, shape, strict=False):
        if not all(-size <= int(position) < size for position in one):
            raise machine.record.unread(node, f"a position is out of range for an axis of size {size}")
        flat = [at * size + int(position) % size for at, position in zip(flat, one, strict=True)]
    if len(set(flat)) != len(flat) and not twice:
        raise machine.record.unread(node, "an entry is written to twice here", "add up what belongs to it")
    return len(lists), flat


def _put(machine: Machine, owner: Tensor, shape: Sizes, placed: tuple[int, list[int]], value: Any, node: ast.AST, *,
         added: bool) -> Tensor:  # fmt: skip
    axes, flat = placed
    code, rest = tensors.tensor_code(machine, owner, node), shape[axes:]
    source = tensors.code_of(machine, value, node)
    if not isinstance(value, Tensor) or machine.record.shape(value, node) != (len(flat), *rest):
        source = call("broadcast_to", source, whole(len(flat), *rest))
    if axes > 1:
        code = call("reshape", code, whole(-1, *rest))
    positions = call("array", listed(*(number(one) for one in flat)))
    found = call("index_add" if added else "index_copy", code, positions, source, axis=number(0))
    return tensors.tensor_from(call("reshape", found, whole(*shape)) if axes > 1 else found, owner, value)


def _mask(machine: Machine, index: tuple[object, ...], node: ast.AST) -> Expression | None:
    if len(index) == 1 and isinstance(index[0], Tensor) and index[0].kind == "bool":
        return tensors.tensor_code(machine, index[0], node)
    return None


def _one_each(machine: Machine, index: tuple[object, ...], shape: tuple[int, ...], node: ast.AST) -> Expression | None:
    """The mask of `x[range(N), y]`: one entry of each row."""
    if len(index) != 2 or len(shape) != 2 or not isinstance(index[1], Tensor) or index[1].kind != "int":
        return None
    if not indexing.counts(index[0], shape[0]):
        return None
    return call("one_hot", tensors.tensor_code(machine, index[1], node), number(shape[1]))


def _whole_index(machine: Machine, index: tuple[object, ...], shape: tuple[int, ...], node: ast.AST) -> list[object]:
    """An index with one subscript an axis."""
    if Ellipsis in index:
        at = index.index(Ellipsis)
        index = (*index[:at], *[slice(None)] * (len(shape) - len(index) + 1), *index[at + 1 :])
    if len(index) > len(shape) or not all(isinstance(one, slice) or isinstance(plain(one), int) for one in index):
        raise machine.record.unread(
            node, "an assignment into this index is not read", "write where(mask, a, b), or stack"
        )
    return [*index, *[slice(None)] * (len(shape) - len(index))]


def _built(
    machine: Machine, code: Expression, shape: tuple[int, ...], index: list[object], value: object, node: ast.AST
) -> Expression:
    """The tensor with the part at an index replaced: pieces before, the part, pieces after, axis by axis."""
    axis = next((i for i, one in enumerate(index) if one != slice(None)), None)
    if axis is None:
        return call("broadcast_to", tensors.code_of(machine, value, node), whole(*shape))
    one, size = index[axis], shape[axis]
    first, stop, step = one.indices(size) if isinstance(one, slice) else (plain(one) % size, plain(one) % size + 1, 1)
    if step != 1:
        places = range(first, stop, step)
        every = call("array", listed(*map(number, places)))
        inner = _built(machine, call("take", code, every, axis=number(axis)),
                       (*shape[:axis], len(places), *shape[axis + 1 :]),
                       [slice(None) if i == axis else other for i, other in enumerate(index)], value, node)  # fmt: skip
        return call("index_copy", code, every, inner, axis=number(axis))
    whole_ = [slice(None)] * axis
    inner_shape = (*shape[:axis], stop - first, *shape[axis + 1 :])
    cut = _cut(code, whole_, slice(first, stop))
    inner_index = [slice(None) if i == axis else one for i, one in enumerate(index)]
    if not isinstance(one, slice) and isinstance(value, Tensor):
        value = _with_axis(machine, value, axis, index, node)
    middle = _built(machine, cut, inner_shape, inner_index, value, node)
    pieces = [_cut(code, whole_, slice(None, first))] if first else []
    pieces.append(middle)
    pieces += [_cut(code, whole_, slice(stop, None))] if stop < size else []
    return middle if len(pieces) == 1 else call("concat", listed(*pieces), axis=number(axis))


def _with_axis(machine: Machine, value: Tensor, axis: int, index: list[object], node: ast.AST) -> Tensor:
    """The assigned part with an axis of size 1 where the index is a number."""
    rank = len(machine.record.shape(value, node))
    kept = sum(isinstance(one, slice) for one in index)
    if rank <= 0 or kept == 0 or rank < kept - sum(isinstance(one, slice) for one in index[:axis]):
        return value
    place = axis - sum(not isinstance(one, slice) for one in index[:axis]) - (kept - rank)
    return tensors.tensor_from(
        call("expand_dims", tensors.tensor_code(machine, value, node), number(max(place, 0))), value
    )


def _cut(code: Expression, before: list[Any], part: slice) -> Expression:
    if part.start in {None, 0} and part.stop is None:
        return code
    return indexed(code, *[FULL] * len(before), cut(part.start, part.stop))
