"""Assignments into a tensor: a literal's entries change, anything else is put together again from its parts."""

from __future__ import annotations

import ast
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from backprop_cli.language.expression import Expression
from backprop_cli.tasks.importing.arrays import indexing, tensors
from backprop_cli.tasks.importing.arrays.literals import data_of
from backprop_cli.tasks.importing.state.codes import FULL, call, cut, indexed, listed, names_in, number, whole
from backprop_cli.tasks.importing.state.values import Sizes, Start, Tensor, Unknown, Unread, is_number, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def replace_whole(machine: Machine, old: Tensor, new: Tensor, base: str, node: ast.AST) -> None:
    """Give an object a new value, for all its names: `x += y`, `x[...] = y`; what it is a part of changes, too."""
    if _keeps_its_place(machine, old) and old.begins is not None:
        _renumbered(machine, old.begins, old, new, node)
        return
    made = Tensor(new.code, new.item, new.start, new.kind, old.param if new.fresh else None, new.grad, None, new.known)
    machine.named(made, base, node)
    _become(old, made)
    if not new.fresh:
        old.start = None
    if old.of is not None:
        _written_through(machine, old, *old.of, node)


def _written_through(machine: Machine, part: Tensor, whole_: Tensor, index: tuple[Any, ...] | None,
                     node: ast.AST) -> None:  # fmt: skip
    """What shares the memory of a tensor that was written into: put together again, or unknown from now on."""
    try:
        if index is None:
            raise machine.record.unread(node, "this writes into another tensor, too, whose memory this one shares",
                                        "write into a copy of it: x.clone(), x.copy()")  # fmt: skip
        base = whole_.item.base if whole_.item is not None else "x"
        _assign(machine, whole_, index, part, base, node)
    except Unread as caught:
        whole_.broken = caught.error


def _keeps_its_place(machine: Machine, old: Tensor) -> bool:
    """Whether a leaf stays one that gets other numbers: `w.data *= 0.1`, or `w *= 0.1` under `no_grad`."""
    return old.code is not None and old.item is None or bool(machine.off and old.param)


def _renumbered(machine: Machine, start: Start, old: Tensor, new: Tensor, node: ast.AST) -> None:
    """Give a leaf the numbers that are worked out for it; after it was used, that is an update.

    Raises:
        Unread: they are not known here.
    """
    from backprop_cli.tasks.importing.arrays.known import numbers_of

    name = next((item.name for item in machine.record.items.values() if item.start is start), "")
    if any(item.code is not None and name in names_in(item.code) for item in machine.record.items.values()):
        machine.record.note(node, f"left out, an update: {machine.record.program.text(node)[:60]}")
        return
    numbers = numbers_of(machine, new, node)
    if numbers is None:
        raise machine.record.unread(node, "what a param starts from is computed from numbers that are not known here")
    start.data, start.rule, start.options = numbers.tolist(), None, {}
    machine.known = None  # what was worked out rests on the old numbers


def overwritten(machine: Machine, old: Tensor, new: Tensor, node: ast.AST, *, named: bool) -> Tensor:
    """The object that a function wrote its result into: `np.maximum(z, 0, out=h)`, `F.relu(z, inplace=True)`."""
    if named or old.of is not None:
        replace_whole(machine, old, new, old.item.base if old.item is not None else "out", node)
    else:
        _become(old, new)
    return old


def _become(old: Tensor, new: Tensor) -> None:
    for slot in ("code", "item", "start", "kind", "grad", "known", "broken"):
        setattr(old, slot, getattr(new, slot))


def write_into(machine: Machine, target: ast.Subscript, value: object, node: ast.AST) -> None:
    """`x[index] = value`, also `x[1][2] = value`."""
    if isinstance(value, Unknown):
        broken = machine.value(target.value)
        if isinstance(broken, Tensor):
            broken.broken = value.error
        return
    owner: Any = None
    path: list[ast.expr] = []
    part: ast.expr = target
    while isinstance(part, ast.Subscript) and isinstance(inner := machine.value(part.value), Tensor):
        path.insert(0, part.slice)
        part, owner = part.value, inner
    indices = [indexing.subscripts(machine, one) for one in path]
    if len(indices) > 1 and all(len(i) == 1 and isinstance(plain(i[0]), int) for i in indices[:-1]):
        indices = [tuple(one for index in indices for one in index)]
    if owner is None or len(indices) != 1:
        raise machine.record.unread(target, "an assignment into this index is not read")
    base = getattr(part, "id", None) or getattr(part, "attr", None) or (owner.item.base if owner.item else "x")
    _assign(machine, owner, indices[0], value, base, node)


def _assign(machine: Machine, owner: Tensor, index: tuple[Any, ...], value: Any, base: str, node: ast.AST) -> None:
    if owner.broken is not None:
        raise Unread(owner.broken)
    if _literal(machine, owner, index, value, node):
        return
    shape = machine.record.shape(owner, node)
    mask = _mask(machine, index, node) or _one_each(machine, index, shape, node)
    if mask is not None and len(index) == 2 and isinstance(value, Tensor) and machine.record.shape(value, node):
        value = indexing.pick(machine, value, (slice(None), None), node)
    if mask is None and (placed := _positions(machine, index, shape, node)) is not None:
        replace_whole(machine, owner, _put(machine, owner, shape, placed, value, node, added=False), base, node)
        return
    if mask is not None:
        if len(index) == 1 and isinstance(value, Tensor) and machine.record.shape(value, node) not in {(), shape}:
            raise machine.record.unread(
                node, "what is assigned under a mask has no fixed shape", "write where(mask, a, b)"
            )
        code: Expression = call(
            "where", mask, tensors.code_of(machine, value, node), tensors.tensor_code(machine, owner, node)
        )
        made = tensors.tensor_from(code, owner, value)
    else:
        code = tensors.tensor_code(machine, owner, node)
        built = _built(machine, code, shape, _whole_index(machine, index, shape, node), value, node)
        made = tensors.tensor_from(built, owner, value)
    replace_whole(machine, owner, made, base, node)


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


def _literal(machine: Machine, owner: Tensor, index: tuple[object, ...], value: object, node: ast.AST) -> bool:
    """Change the numbers of a literal that nothing was computed from yet; whether that could be done."""
    start = owner.begins
    number = (
        plain(value)
        if is_number(value)
        else data_of(value)
        if isinstance(value, Tensor) and value.fresh
        else None
    )
    data = data_of(owner)
    if start is None or data is None or number is None or is_used(machine, owner):
        return False
    places = _places(machine, index, data, node)
    if places is None:
        return False
    fresh = deepcopy(data)
    values = _spread(number, len(places))
    if values is None:
        return False
    for place, one in zip(places, values, strict=True):
        row = fresh
        for position in place[:-1]:
            row = row[position]
        row[place[-1]] = one
    start.data, start.rule, start.options = fresh, None, {}
    if isinstance(number, float):
        owner.kind = "float"
    return True


def is_used(machine: Machine, owner: Tensor) -> bool:
    """Whether something was computed from a named leaf: its numbers are then a version of their own."""
    if owner.item is None:
        return False
    return any(
        item.code is not None and owner.item.name in names_in(item.code) for item in machine.record.items.values()
    )


def _spread(number: object, count: int) -> list[object] | None:
    if not isinstance(number, list):
        return [number] * count
    flat = list(tensors.flat_of(number))
    return flat if len(flat) == count else None


def _places(machine: Machine, index: tuple[object, ...], data: object, node: ast.AST) -> list[tuple[int, ...]] | None:
    """The entries that an index names, as positions; None where it is not known beforehand."""
    shape = []
    part = data
    while isinstance(part, list):
        shape.append(len(part))
        part = part[0]
    lists = [data_of(one) if isinstance(one, Tensor | list | range) else None for one in index]
    rows, columns = lists if len(lists) == len(shape) == 2 else (None, None)
    if rows is not None and columns is not None:  # x[rows, columns]
        return [(int(r), int(c)) for r, c in zip(rows, columns, strict=False)] if len(rows) == len(columns) else None
    axes: list[list[int]] = []
    for axis, size in enumerate(shape):
        one = index[axis] if axis < len(index) else slice(None)
        if isinstance(one, slice):
            axes.append(list(range(size))[one])
        elif isinstance(plain(one), int):
            if not -size <= plain(one) < size:
                raise machine.record.unread(node, f"the index {plain(one)} is out of range for an axis of size {size}")
            axes.append([plain(one) % size])
        else:
            return None
    found: list[tuple[int, ...]] = [()]
    for positions in axes:
        found = [(*place, position) for place in found for position in positions]
        if len(found) > 100_000:
            return None
    return found


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
