"""What the command line says of names of the program: their shapes, or their values."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

from backprop_cli.errors import UsageError
from backprop_cli.tasks.importing.arrays.literals import as_data
from backprop_cli.tasks.importing.arrays.tensors import flat_of
from backprop_cli.tasks.importing.state.record import leaf_of


def given_by(shapes: Mapping[str, str], values: Mapping[str, str]) -> dict[str, object]:
    """The values of names, by `--shape X=3,4` and `--set X=[...]`.

    Raises:
        UsageError: E022 where a shape is none.
    """
    found: dict[str, object] = {}
    for name, text in shapes.items():
        sizes = [part.strip() for part in text.strip("()[] ").split(",") if part.strip()]
        if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in sizes):
            raise UsageError("E022", f"--shape {name}={text}: a shape is whole numbers", hint=f"--shape {name}=3,4")
        made = leaf_of(tuple(map(int, sizes)), rule="normal", options={"mean": 0.0, "std": 1.0, "seed": 0})
        found[name] = made
    for name, text in values.items():
        found[name] = _value(name, text)
    return found


def _value(name: str, text: str) -> object:
    """A value on the command line: a number, text, or nested lists of numbers."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    try:
        value = _plain(tree)
    except (TypeError, RecursionError):
        return text
    return _array(value) if isinstance(value, list) and as_data(value) is not None else value


def _array(value: list[object]) -> object:
    """Nested lists of numbers as a leaf; ragged ones stay lists."""
    data, shape = as_data(value), []
    part = data
    while isinstance(part, list):
        shape.append(len(part))
        part = part[0]
    entries = list(flat_of(data))
    if len(entries) != math.prod(shape):
        return value
    whole = all(isinstance(one, int) for one in entries)
    return leaf_of(tuple(shape), data=data, whole=whole, kind="int" if whole else "float")


def _plain(node: ast.expr) -> Any:
    if isinstance(node, ast.List | ast.Tuple):
        return [_plain(one) for one in node.elts]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_plain(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | bool | str | None):
        return node.value
    raise TypeError
