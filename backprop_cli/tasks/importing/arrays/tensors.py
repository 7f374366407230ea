"""Tensors as parts of expressions: their codes, sizes and other shapes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from backprop_cli.language.expression import Expression
from backprop_cli.records import replace
from backprop_cli.tasks.importing.state.codes import call, listed, literal, named, number, together, whole
from backprop_cli.tasks.importing.state.codes import transposed as turned
from backprop_cli.tasks.importing.state.objects import kind_of
from backprop_cli.tasks.importing.state.values import (
    Dim,
    Entries,
    Number,
    Sizes,
    Tensor,
    Unknown,
    Unread,
    is_number,
    plain,
)

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


# ── codes ────────────────────────────────────────────────────────────────────────────────────────


def code_of(machine: Machine, value: object, node: ast.AST, *, exact: bool = False) -> Expression:
    """A value as a part of an expression.

    Raises:
        Unread: it has no place in one.
    """
    if isinstance(value, Tensor):
        return tensor_code(machine, value, node)
    if isinstance(value, Number):
        return number(value.value) if exact else value.code
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return literal(value)
    if isinstance(value, int | float):
        return number(int(value) if isinstance(value, int) else value)
    if isinstance(value, list | tuple | range):
        parts = [code_of(machine, one, node, exact=exact) for one in value]
        return together(*parts) if isinstance(value, tuple) else listed(*parts)
    raise machine.record.unread(node, f"{what(value)} stands where a tensor or a number is needed")


def what(value: object) -> str:
    """A value in words."""
    if isinstance(value, Unknown):
        raise Unread(value.error)
    return kind_of(value)


def tensor_code(machine: Machine, value: Tensor, node: ast.AST) -> Expression:
    """A tensor as a part of an expression; a leaf that has no name is written out, or gets one."""
    if value.broken is not None:
        raise Unread(value.broken)
    if value.answer is not None and machine.answers is not None and value.answer != machine.answers.current:
        return call("grad", named(value.answer))
    if value.code is not None:
        return value.code
    start = value.start
    if start is None:
        raise machine.record.unread(node, "a tensor without a value")
    constant = start.constant()
    if value.param is None and constant in {0.0, 1.0} and start.shape:
        return call("ones" if constant else "zeros", whole(*start.shape))
    if value.param is None and start.rule == "eye":
        return call("eye", *map(number, dict.fromkeys(start.shape)))
    if value.param is None and start.shape == () and is_number(start.data):
        return number(start.data)
    machine.record.leaf(value, "constant", node)
    return named(value.item.name) if value.item is not None else number(0)


def tensor_from(code: Expression, *parts: object, kind: str = "float") -> Tensor:
    """A tensor computed from others."""
    return Tensor(code, kind=kind, grad=any(isinstance(p, Tensor) and p.grad for p in parts))


def known_number(value: Tensor) -> Any:
    """The number that a literal scalar is; None where it is not known."""
    start = value.begins
    if start is None or value.broken is not None:
        return None
    size = 1
    for axis in start.shape:
        size *= axis
    if size != 1:
        return None
    data = start.data if start.data is not None else start.constant()
    while isinstance(data, list):
        data = data[0]
    return data


def as_number(value: object) -> Any:
    """A literal whole scalar as a plain number; anything else as it is."""
    if isinstance(value, Tensor) and value.kind == "int" and (value.start or value.item):
        found = known_number(value)
        return value if found is None else int(found)
    return value


# ── sizes and shapes ─────────────────────────────────────────────────────────────────────────────


def flat_of(data: object) -> Iterator[Any]:
    """The numbers of nested lists in turn."""
    if isinstance(data, list | tuple):
        for one in data:
            yield from flat_of(one)
    else:
        yield data


def dims(machine: Machine, value: Tensor, node: ast.AST) -> tuple[Dim, ...]:
    """The sizes of a tensor, each with the leaf that it was asked of."""
    if value.fresh and value.param and value.home is None:
        machine.record.leaf(value, "x", node)
    found = []
    for axis, size in enumerate(machine.record.shape(value, node)):
        one = Dim(size)
        item = value.item
        if item is not None and item.what == "leaf":
            one.of = (item, axis)
        found.append(one)
    return tuple(found)


def entries_of(machine: Machine, value: Tensor, node: ast.AST) -> Entries:
    """`x.size`: numpy's number of entries; PyTorch calls it."""
    count = 1
    for size in machine.record.shape(value, node):
        count *= size
    found = Entries(count)
    found.tensor = value
    return found


def transposed(machine: Machine, value: Tensor, node: ast.AST) -> Tensor:
    """`x.T`."""
    made_ = tensor_from(turned(tensor_code(machine, value, node)), value, kind=value.kind)
    made_.of = (value, None)
    return made_


def reshaped(machine: Machine, value: Tensor, shape: Any, node: ast.AST) -> Tensor:
    """A tensor in another shape."""
    sizes = tuple(int(plain(s)) for s in (shape if isinstance(shape, list | tuple) else (shape,)))
    if value.fresh and value.start is not None and not value.param:
        found = _reshaped_leaf(value, sizes)
        if found is not None:
            return found
    return tensor_from(call("reshape", tensor_code(machine, value, node), whole(*sizes)), value, kind=value.kind)


def _reshaped_leaf(value: Tensor, sizes: Sizes) -> Tensor | None:
    """A literal or drawn leaf in another shape is still a leaf."""
    start = value.start
    assert start is not None
    total = 1
    for axis in start.shape:
        total *= axis
    known = 1
    for size in sizes:
        known *= size if size > 0 else 1
    if known == 0 or total % known or sizes.count(-1) > 1 or (-1 not in sizes and known != total):
        return None
    shape = tuple(size if size > 0 else total // known for size in sizes)
    flat = list(flat_of(start.data)) if start.data is not None else None

    def level(rest: Sizes, at: int) -> Any:
        assert flat is not None
        if not rest:
            return flat[at]
        step = 1
        for size in rest[1:]:
            step *= size
        return [level(rest[1:], at + i * step) for i in range(rest[0])]

    data = None if flat is None else level(shape, 0)
    return Tensor(None, start=replace(start, shape=shape, data=data, sizes=[None] * len(shape)), kind=value.kind)
