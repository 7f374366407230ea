"""Assignments into a tensor: a literal's entries change, anything else becomes another value, for all its names."""

from __future__ import annotations

import ast
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from backprop_cli.tasks.importing.arrays import entries, indexing, tensors
from backprop_cli.tasks.importing.arrays.literals import data_of
from backprop_cli.tasks.importing.state.codes import names_in
from backprop_cli.tasks.importing.state.values import Start, Tensor, Unknown, Unread, is_number, plain

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
    replace_whole(machine, owner, entries.assigned(machine, owner, index, value, node), base, node)


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
