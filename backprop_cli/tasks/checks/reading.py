"""Printed formulas read back, each part once.

The formula of a gradient mostly holds that of a consumer's gradient, with a factor more; read as a whole each, the
formulas of a chain of n steps would take n² of them. In brackets, or in front of more factors, a text means what it
means by itself: there the value that was found is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.language.expression import Binary, parse
from backprop_cli.language.model import Shape
from backprop_cli.language.source import inline
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.checks.rounding import DRAWS, MARGIN, Moved, Rounding

SHORT = 10  # characters, that are read again
FACTORS = (" * ", " / ", " @ ")
"""What binds a factor to a product in front of it."""

Lookup = Callable[[str], Any]


class Shaped(Numbers):
    """Numbers whose ops also apply their shape rules, as they would on a formula pasted into a spec."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.fitting: set[tuple[object, ...]] = set()  # ops without parameters, with the shapes that fit them

    def apply(self, op: Op, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Any:
        """An op, at once.

        Raises:
            ShapeError, ParameterError: the operands do not fit.
        """
        shapes = [None if x is None else np.shape(x) for x in operands]
        known = not parameters and OPS.get(op.name) is op
        if not known or (op.name, *shapes) not in self.fitting:
            op.shape(*shapes, **parameters)
        if known:
            self.fitting.add((op.name, *shapes))
        return super().apply(op, operands, parameters)


@dataclass(slots=True)
class Reading:
    """Reads formulas of one graph; `values` and `gradients` are what its names, and `grad` of them, stand for.

    `named` are values by other names: of the δ, and of texts that were read (`names`; `products`, where they are such).
    """

    graph: Graph
    values: Lookup
    gradients: Lookup
    named: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    products: set[str] = field(default_factory=set)
    calls: dict[object, Any] = field(default_factory=dict)
    meaning: Shaped = field(init=False)

    def __post_init__(self) -> None:
        self.meaning = Shaped(self.graph)

    def value(self, code: str, within: Iterable[str] = ()) -> Any:
        """What a formula says; `within` are others that may stand in it.

        Raises:
            BackpropError: it is no expression of the language.
        """
        text = inline(self.shortened(code, within), "<formula>")
        scope = Scope(text, self.lookup(self.values), self.lookup(self.gradients), dims=self.graph.spec.dims,
                      functions=self.graph.spec.functions, shapes=self.shape, known=self.calls)  # fmt: skip
        expression = parse(text)
        with np.errstate(all="ignore"):
            found = interpret(expression, scope, self.meaning)
        if isinstance(expression, Binary) and len(code) > SHORT:
            self.remember(code, expression, found)
        return found

    def spread(self, code: str) -> object:
        """How far rounding may take a formula from its value, entry by entry."""
        text = inline(code, "<formula>")
        expression, moves = parse(text), []
        for draw in range(DRAWS):
            meaning = Rounding(self.meaning, code, draw)

            def moved(of: Lookup, meaning: Rounding = meaning) -> Lookup:
                return lambda name: self.moved(name, self.lookup(of)(name), meaning)

            scope = Scope(text, moved(self.values), moved(self.gradients), dims=self.graph.spec.dims,
                          functions=self.graph.spec.functions, shapes=self.shape)  # fmt: skip
            with np.errstate(all="ignore"):
                exact, off = interpret(expression, scope, meaning)
                moves.append(np.abs(off - exact))
        return MARGIN * np.max(moves, axis=0)

    def moved(self, name: str, value: Any, meaning: Rounding) -> Moved | None:
        """What a name stands for; a leaf's number is as it was given."""
        if value is None:
            return None
        index = self.graph.names.get(name)
        given = index is not None and self.graph.nodes[index].is_leaf and value is self.values(name)
        return Moved(value, value) if given else meaning.rounded(value, value)

    def lookup(self, of: Lookup) -> Lookup:
        """What a name stands for."""
        return lambda name: of(name) if name in self.graph.names else self.named.get(name)

    def shape(self, name: str) -> Shape | None:
        """The shape of a node, with the names of its sizes."""
        return self.graph.nodes[self.graph.names[name]].shape if name in self.graph.names else None

    def remember(self, code: str, expression: Binary, value: object) -> None:
        """Give what was read a name that neither a node nor a δ has."""
        name = self.names.get(code) or f"read_{len(self.names)}"
        while code not in self.names and (name in self.graph.names or name in self.named):
            name += "_"
        self.names[code], self.named[name] = name, value
        if f" {expression.operator} " in FACTORS:
            self.products.add(code)

    def shortened(self, code: str, within: Iterable[str]) -> str:
        """A formula with names for those in it that were read."""
        for text in sorted(self.names.keys() & set(within), key=len, reverse=True):
            code = code.replace(f"({text})", f"({self.names[text]})")
            if text in self.products and code.startswith(text) and code.startswith(FACTORS, len(text)):
                code = self.names[text] + code[len(text) :]
        return code
