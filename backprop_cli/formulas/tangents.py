"""The tangents of a forward pass as formulas: each by the values and the tangents of the named nodes before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.formulas.algebra.evaluate import Evaluator
from backprop_cli.formulas.algebra.expr import TensorSymbol, tree_size
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.tidy import tidy
from backprop_cli.formulas.algebra.work import at_work
from backprop_cli.formulas.formulation import deviates
from backprop_cli.formulas.notation import Layout, notation_of
from backprop_cli.formulas.notation.piece import ATOM, Piece
from backprop_cli.formulas.printed import NOTATIONS as SHOWN
from backprop_cli.formulas.printed import Printed
from backprop_cli.formulas.symbols import symbols
from backprop_cli.records import dataclass

LONGEST = 4000  # nodes of a formula


@dataclass(slots=True)
class _Dots(Layout):
    """A layout that writes tangents with a dot."""

    tangents: Mapping[str, str] | None = None  # the name of a tangent: the node's

    def symbol(self, expr: TensorSymbol) -> Piece:
        """A tangent with a dot above, any other symbol by its name."""
        node = (self.tangents or {}).get(expr.name)
        return Layout.symbol(self, expr) if node is None else Piece(self.notation.tangent(node, expr.name), ATOM)


def tangent_formulas(graph: Graph, values: Sequence[Array], names: Mapping[str, str],
                     notations: Sequence[str] = SHOWN) -> dict[str, Printed]:  # fmt: skip
    """The formula of each named node's tangent.

    Args:
        graph: of the spec with tangents as nodes.
        values: of its nodes.
        names: from a node to its tangent.
        notations: what to write them in.
    """
    made = symbols(graph, values)
    evaluator = Evaluator(values, (), graph.spec.dtype)
    back = {tangent: node for node, tangent in names.items()}
    taken = tuple(graph.names)
    layouts = {name: _Dots(notation_of(name, taken), unit=made.unit, taken=taken, tangents=back) for name in notations}
    found: dict[str, Printed] = {}
    with at_work(made.facts.work):
        for node, tangent in names.items():
            index = graph.names[tangent]
            if index not in made.definitions:
                continue
            expr = recognised(tidy(recognised(made.fold(made.definitions[index])), made.facts))
            if tree_size(expr) <= LONGEST:
                written = {name: layout(expr) for name, layout in layouts.items()}
                found[node] = Printed(written, deviates(evaluator(expr), values[index]))
    return found
