"""The numbers that a value has where the program itself says all that it rests on: for conditions.

They are worked out by the language's own ops on what was read; nothing of the program runs.  A leaf that is drawn here
in place of the program's own numbers is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.numbers import Numbers, Words
from backprop_cli.engine.ops import Op
from backprop_cli.engine.ops.base import ShapeError
from backprop_cli.errors import BackpropError
from backprop_cli.language.source import inline
from backprop_cli.tasks.importing.arrays.literals import data_of
from backprop_cli.tasks.importing.arrays.tensors import tensor_code

if TYPE_CHECKING:
    import ast

    from backprop_cli.tasks.importing.state.machine import Machine
    from backprop_cli.tasks.importing.state.values import Item, Tensor

MAX_ENTRIES: Final = 100_000
MAX_TOTAL: Final = 10_000_000


class Known(Numbers):
    """Numbers within limits: of one array, and of all that was worked out."""

    def __init__(self, machine: Machine) -> None:
        self.words = Words("float64")
        self.scalar = self.words.dtype.type
        self._made = {}
        self.machine = machine
        self.total = 0
        self.found: dict[str, Any] = {}

    def apply(self, op: Op, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Any:
        """An op, at once, if it is small."""
        entries = prod(map(int, op.shape(*(None if one is None else np.shape(one) for one in operands), **parameters)))
        self.total += entries + sum(np.size(one) for one in operands if one is not None)
        if entries > MAX_ENTRIES or self.total > MAX_TOTAL:
            raise ShapeError("too many numbers to work out here")
        return super().apply(op, operands, parameters)

    def of_name(self, name: str) -> object:
        """The numbers of an item; None where they are not known."""
        if name not in self.found:
            self.found[name] = None  # no item rests on itself
            item = self.machine.record.items.get(name)
            self.found[name] = None if item is None else self._of_item(item)
        return self.found[name]

    def _of_item(self, item: Item) -> object:
        if item.what == "number":
            return np.float64(item.value)
        if item.code is not None:
            return self.of_code(item.code)
        start = item.start
        data = start and (start.data if start.data is not None else start.constant())
        return None if start is None or data is None else np.broadcast_to(np.asarray(data, dtype=float), start.shape)

    def of_code(self, code: Any) -> Any:
        """The numbers of an expression; None where they are not known, or too many."""
        scope = Scope(inline("", "<python>"), self.of_name, names=lambda: self.machine.record.items,
                      functions=self.machine.record.functions)  # fmt: skip
        try:
            with np.errstate(all="ignore"):
                return interpret(code, scope, self)
        except (BackpropError, ShapeError, ArithmeticError, ValueError, np.linalg.LinAlgError):
            return None


def numbers_of(machine: Machine, value: Tensor, node: ast.AST) -> Any:
    """The numbers of a tensor, as an array; None where they are not known."""
    data = data_of(value)
    if data is not None:
        return np.asarray(data, dtype=float)
    if machine.known is None:
        machine.known = Known(machine).of_code
    return machine.known(tensor_code(machine, value, node))


def value_of(machine: Machine, value: Tensor, node: ast.AST) -> Any:
    """The one number that a scalar is; None where it is not known, or no scalar."""
    found = numbers_of(machine, value, node)
    return float(found) if found is not None and np.shape(found) == () else None
