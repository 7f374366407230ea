"""Conversions of a tensor: `x.long()`, `x.to(torch.float16)`, `x.astype(int)`.

Where the numbers change the spec says so; where only their storage does, nothing is written.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from backprop_cli.language.expression import Call, Expression, Indexed, Name, Transposed
from backprop_cli.tasks.importing.arrays import functions, tensors
from backprop_cli.tasks.importing.arrays.literals import data_of
from backprop_cli.tasks.importing.state.codes import call
from backprop_cli.tasks.importing.state.values import Builtin, Library, Tensor

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

WHOLE: Final = frozenset({"long", "int", "short", "char", "byte", "int64", "int32", "int16", "int8", "uint8", "int_",
                          "intp", "LongTensor", "IntTensor", "ShortTensor", "CharTensor", "ByteTensor"})  # fmt: skip
SHORT: Final = frozenset({"half", "float16", "bfloat16", "HalfTensor", "BFloat16Tensor"})
TRUTHS: Final = frozenset({"bool", "bool_", "BoolTensor"})
MOVES: Final = frozenset({"reshape", "flatten", "squeeze", "expand_dims", "transpose", "broadcast_to", "flip", "take"})
ROUNDED: Final = frozenset({"floor", "ceil", "round", "trunc"})
SHORTENED = "16-bit numbers are left out: the spec computes in float64, or in what its `dtype` says"


def row(name: str) -> Callable[..., object]:
    """The method of a tensor that converts it to one type."""
    return partial(_method, name)


def converted(machine: Machine, value: Tensor, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`x.to(torch.long)`, `x.astype(int)`, `x.type('torch.HalfTensor')`: by the type among the arguments."""
    types = [_type_name(one) for one in (*given, named.get("dtype"))]
    return _cast(machine, value, next((name for name in types if name in WHOLE | SHORT | TRUTHS), ""), node)


def _method(
    name: str, machine: Machine, value: Tensor, given: list[object], named: dict[str, object], node: ast.AST
) -> object:
    return _cast(machine, value, name, node)


def _type_name(given: object) -> str:
    if isinstance(given, Builtin):
        return given.name
    path = given.path if isinstance(given, Library) else given
    return path.rpartition(".")[2] if isinstance(path, str) else ""


def _cast(machine: Machine, value: Tensor, name: str, node: ast.AST) -> object:
    if name in SHORT:
        machine.record.note(node, SHORTENED)
    if name in TRUTHS and value.kind != "bool":
        return functions.apply(machine, "torch", "bool", [value], {}, node, method=True)
    if name not in WHOLE or value.kind != "float" or _is_whole(machine, value, node):
        return value
    return Tensor(call("trunc", tensors.tensor_code(machine, value, node)), kind="int")


def _is_whole(machine: Machine, value: Tensor, node: ast.AST) -> bool:
    """Whether the numbers are whole already; of data that the program does not show they are taken to be labels."""
    found = None if value.grad else data_of(value)
    if found is not None:
        return bool(np.all(np.equal(found, np.trunc(found))))
    return value.fresh or _is_label(machine, tensors.tensor_code(machine, value, node))


def _is_label(machine: Machine, code: Expression) -> bool:
    """Whether an expression is a leaf in another shape, or is rounded."""
    if isinstance(code, Name):
        item = machine.record.items.get(code.name)
        if item is None or item.param:  # what a gradient is wanted by is no label, whatever its numbers are
            return False
        return item.what == "leaf" or item.code is not None and _is_label(machine, item.code)
    if isinstance(code, (Indexed, Transposed)):
        return _is_label(machine, code.operand)
    if not isinstance(code, Call) or not code.arguments:
        return False
    return code.function in ROUNDED or code.function in MOVES and _is_label(machine, code.arguments[0].value)
