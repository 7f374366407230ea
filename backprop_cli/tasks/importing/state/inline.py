"""A reading that names nothing: answers and the bodies of functions are written out as one expression each."""

from __future__ import annotations

import ast
from typing import Any

from backprop_cli.records import dataclass
from backprop_cli.tasks.importing.state.codes import named
from backprop_cli.tasks.importing.state.record import Record
from backprop_cli.tasks.importing.state.values import Tensor


@dataclass(eq=False, slots=True)
class Inline(Record):
    """Notes nothing by name: a value that is no answer is written out where it is used."""

    computed: frozenset[str] = frozenset()  # the key's nodes that are no leaves

    def name(self, tensor: Tensor, base: str, node: ast.AST) -> None:
        """Work out its shape, so that what does not fit is met at its line; what the key computes is the key's node.

        The second value that a name gets is the node `h_2`, where the key has one, as `import` calls it.
        """
        if tensor.fresh:
            self._given(tensor, base, node)
            return
        tensor.known = self.shape(tensor, node)
        if base not in self.computed or tensor.answer is not None:
            return
        count = self.counts.get(base, 0) + 1
        meant = base if count == 1 or f"{base}_{count}" not in self.computed else f"{base}_{count}"
        if self.shapes[meant] == tensor.known:
            self.counts[base] = count
            tensor.code, tensor.item = named(meant), self.items[meant]

    def leaf(self, tensor: Tensor, base: str, node: ast.AST) -> None:
        """An array of numbers has no place in an expression of the language.

        Raises:
            Unread: always.
        """
        raise self.unread(node, "an array of numbers stands in a formula", "give it a name that the key has")

    def number(self, value: Any, base: str, node: ast.AST) -> Any:
        """A number stays what it is."""
        return value

    def _given(self, tensor: Tensor, base: str, node: ast.AST) -> None:
        """An array of numbers that the key has as a leaf of that name and shape is that leaf."""
        if base in self.items and base not in self.computed and self.shapes[base] == self.shape(tensor, node):
            tensor.code, tensor.item = named(base), self.items[base]
