"""The definitions of nodes as their writer wrote them, typeset."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.interpret import Scope, Shapes, interpret
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.arithmetic import OPERATORS
from backprop_cli.engine.ops.base import ParameterError, ShapeError
from backprop_cli.errors import BackpropError
from backprop_cli.formulas.marks import MARKED
from backprop_cli.formulas.notation import Notation, notation_of
from backprop_cli.formulas.notation.index import EntryLayout
from backprop_cli.formulas.notation.typeset import Typeset
from backprop_cli.formulas.notation.typeset_entry import Calls, TypesetEntry
from backprop_cli.language.expression import Binary, Expression
from backprop_cli.language.model import NodeSpec, Shape
from backprop_cli.records import dataclass

TYPESET = ("mathml", *(MARKED[notation] for notation in ("mathml", "latex")))
"""The notations in which a forward pass is mathematics; elsewhere it stays what the user wrote."""


@dataclass(slots=True)
class Wording:
    """Typesets what the user wrote; shapes say which products are of matrices."""

    graph: Graph
    shapes: Mapping[str, Shape]
    told: dict[str, Notation]

    def __init__(self, graph: Graph) -> None:
        self.graph, self.told = graph, {}
        self.shapes = {name: graph.nodes[index].shape for name, index in graph.names.items()}

    def __call__(self, node: NodeSpec, notation: str) -> str:
        """A node's expression in a notation."""
        if notation not in self.told:  # asked for by all the names, which takes as long as there are many
            self.told[notation] = notation_of(notation, tuple(self.graph.names))
        return Typeset(self.told[notation], self.shape_in(node))(node.expression)

    def entry(self, node: NodeSpec, layout: EntryLayout) -> tuple[str, str] | None:
        """Both sides of one entry of a node, where its expression is a sum of products, or a function of each entry."""
        shape, names = self.shape_in(node), {n: i for n, i in self.graph.names.items() if i in layout.axes.of_node}
        runs = {name: layout.axes.of_node[index] for name, index in names.items()}
        calls = Calls(self.scope_of(node), shape, names)
        return TypesetEntry(layout.notation, shape, layout, runs, calls).sides(node.name, node.expression)

    def scope_of(self, node: NodeSpec) -> Scope:
        """What the names in a node's expression mean, by their shapes."""
        spec = self.graph.spec
        return Scope(node.text, self.shapes.get, dims=spec.dims, functions=spec.functions)

    def shape_in(self, node: NodeSpec) -> Callable[[Expression], Shape | None]:
        """The shape of a part of a node's expression."""
        scope = self.scope_of(node)
        known: dict[int, tuple[Expression, Shape | None]] = {}  # with the part, so that its id stays its own

        def found(part: Expression) -> Shape | None:
            try:
                if isinstance(part, Binary) and part.operator in OPERATORS and id(part.left) in known:
                    left, right = shape(part.left), shape(part.right)
                    if left is not None and right is not None:
                        return Shapes().apply(OPS[OPERATORS[part.operator]], (left, right), {})
                return interpret(part, scope, Shapes())
            except (BackpropError, ShapeError, ParameterError, TypeError):
                return None

        def shape(part: Expression) -> Shape | None:
            if id(part) not in known:
                known[id(part)] = part, found(part)
            return known[id(part)][1]

        return shape

    def definition(self, node: Node, notations: tuple[str, ...]) -> dict[str, str]:
        """A node's expression in those of the notations that typeset; nothing of a leaf."""
        if node.spec is None:
            return {}
        return {name: self(node.spec, name) for name in notations if name in TYPESET}
