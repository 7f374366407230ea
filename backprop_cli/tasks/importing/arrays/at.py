"""JAX's `x.at[i].set(v)` and its kind: a copy of x, with the entries at an index replaced."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.arrays import entries, functions, indexing
from backprop_cli.tasks.importing.state.values import At, Builtin, Tensor

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

_OPERATORS: Final[Mapping[str, ast.operator]] = {
    "subtract": ast.Sub(), "multiply": ast.Mult(), "mul": ast.Mult(), "divide": ast.Div(), "power": ast.Pow(),
}  # fmt: skip
_FUNCTIONS: Final[Mapping[str, str]] = {"min": "minimum", "max": "maximum"}


def method(machine: Machine, owner: At, name: str, node: ast.AST) -> object:
    """`x.at[i].set`, as a function.

    Raises:
        Unread: there is no such method, or no index.
    """
    if owner.index is None or name not in {"set", "add", "get", "apply", *_OPERATORS, *_FUNCTIONS}:
        raise machine.record.unread(node, f"the method at[...].{name[:20]} is not read")
    return Builtin(name, lambda m, a, k, n: _changed(m, owner.tensor, owner.index or (), name, a, n))


def _changed(machine: Machine, x: Tensor, index: tuple[Any, ...], name: str, given: list[Any], node: ast.AST) -> object:
    if name == "add" and any(isinstance(one, Tensor | list) for one in index):  # what stands twice is added twice
        return entries.put(machine, x, index, given[0], node, added=True)
    old = None if name == "set" else indexing.pick(machine, x, index, node)
    if name == "get":
        return old
    value = given[0]
    if name == "apply":
        value = machine.called(value, [old], {}, node)
    elif name == "add":
        value = machine.operate(ast.Add(), old, value, node)
    elif name in _OPERATORS:
        value = machine.operate(_OPERATORS[name], old, value, node)
    elif name in _FUNCTIONS:
        value = functions.emit(machine, _FUNCTIONS[name], [old, value], {}, node)
    return entries.assigned(machine, x, index, value, node)
