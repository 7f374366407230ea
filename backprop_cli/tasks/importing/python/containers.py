"""Lists, dicts, comprehensions, texts, and functions without a name."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final

from backprop_cli.tasks.importing.arrays.asked import items_of, truth
from backprop_cli.tasks.importing.library.texts import shown
from backprop_cli.tasks.importing.python.operators import MAX_LENGTH, small
from backprop_cli.tasks.importing.python.statements import defaults_of
from backprop_cli.tasks.importing.python.targets import hashable
from backprop_cli.tasks.importing.state.machine import Machine
from backprop_cli.tasks.importing.state.objects import Frame, Function
from backprop_cli.tasks.importing.state.values import Tensor, Unknown, Unread

EXACT: Final = (int, float, str, bytes, bool, type(None))

def items_in(machine: Machine, nodes: list[ast.expr]) -> list[object]:
    """The items of a list, a tuple or a call's arguments, `*more` among them."""
    found: list[object] = []
    for one in nodes:
        if isinstance(one, ast.Starred):
            found += items_of(machine, machine.value(one.value), one)
        else:
            found.append(lenient(machine, one))
        if len(found) > MAX_LENGTH:
            raise machine.record.unread(one, "a list becomes too long here")
    return found


def lenient(machine: Machine, node: ast.expr) -> object:
    """A value that may be unknown as long as nothing is computed from it."""
    try:
        return machine.value(node)
    except Unread as caught:
        return Unknown(caught.error)


def dict_(machine: Machine, node: ast.Dict) -> object:
    """`{key: value}`; a leaf without a name is called as its key."""
    found: dict[object, object] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            inner = machine.value(value)
            if not isinstance(inner, dict):
                raise machine.record.unread(value, "`**` needs a dict")
            found.update(inner)
            continue
        name = hashable(machine, machine.value(key), key)
        try:
            made = machine.value(value)
            if isinstance(name, str) and name.isidentifier() and (isinstance(made, Tensor) and made.fresh):
                made = machine.named(made, name, value)
        except Unread as caught:
            made = Unknown(caught.error)
        found[name] = made
    return found


def _rounds(machine: Machine, generators: list[ast.comprehension], take: Callable[[], None]) -> None:
    if not generators:
        take()
        return
    first, *rest = generators
    for count, item in enumerate(items_of(machine, machine.value(first.iter), first.iter)):
        machine.step(first.iter)
        if count > MAX_LENGTH:
            raise machine.record.unread(first.iter, "this goes on too long")
        machine.bind(first.target, item, first.target)
        if all(truth(machine, machine.value(test), test) for test in first.ifs):
            _rounds(machine, rest, take)


def comprehension(machine: Machine, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> object:
    """`[x for x in ...]`, and the generators and sets that are read as lists."""
    found: list[object] = []
    outer = machine.frame
    machine.frame = Frame(outer, inside=True)
    try:
        _rounds(machine, node.generators, lambda: found.append(machine.value(node.elt)))
    finally:
        machine.frame = outer
    return small(machine, found, node)


def dict_comprehension(machine: Machine, node: ast.DictComp) -> object:
    """`{key: value for ...}`."""
    found: dict[object, object] = {}
    outer = machine.frame
    machine.frame = Frame(outer, inside=True)

    def take() -> None:
        key = hashable(machine, machine.value(node.key), node.key)
        value = machine.value(node.value)
        named = isinstance(key, str) and key.isidentifier() and isinstance(value, Tensor) and value.fresh
        found[key] = machine.named(value, key, node) if named else value

    try:
        _rounds(machine, node.generators, take)
    finally:
        machine.frame = outer
    return found


def lambda_(machine: Machine, node: ast.Lambda) -> object:
    """A function without a name."""
    return Function("<lambda>", node, machine.frame, defaults_of(machine, node))


def text_(machine: Machine, node: ast.JoinedStr) -> str:
    """An f-string, its values as text."""
    parts = []
    for one in node.values:
        if isinstance(one, ast.Constant):
            parts.append(str(one.value))
            continue
        assert isinstance(one, ast.FormattedValue)
        spec = text_(machine, one.format_spec) if isinstance(one.format_spec, ast.JoinedStr) else ""
        parts.append(shown(machine.value(one.value), spec))
    return "".join(parts)


def walrus(machine: Machine, node: ast.NamedExpr) -> object:
    """`(y := x)`."""
    value = machine.value(node.value)
    machine.bind(node.target, value, node)
    return machine.value(ast.copy_location(ast.Name(node.target.id, ast.Load()), node))
