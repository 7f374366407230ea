"""Forward mode: a node for each tangent, by rules that are derived from those of the reverse pass.

A VJP is linear in its upstream gradient.  For a pointwise op it is a product with the local derivative, so the same
rule takes the tangent of an operand to that of the result; for any other op the tangent rule is the transpose of the
VJP, which a reverse pass over what the rule made comes to.
"""

from __future__ import annotations

from collections.abc import Mapping

from backprop_cli.engine.custom import fitted
from backprop_cli.engine.graph.nodes import Graph, Node, rule_of
from backprop_cli.engine.graph.tracing import AtHand, Traced, contribution, reverse
from backprop_cli.engine.graph.writing import LONGEST, Writing
from backprop_cli.language.model import Leaf, Spec
from backprop_cli.language.source import BY_PROGRAM, inline
from backprop_cli.records import dataclass, field, replace

SUFFIX = "_dot"


@dataclass(frozen=True, slots=True)
class Tangents:
    """A spec with a node for each tangent; `names` maps a node (or leaf) to the name of its tangent."""

    spec: Spec
    names: Mapping[str, str]


def with_tangents(graph: Graph, given: Mapping[str, Leaf], at_hand: AtHand | None = None) -> Tangents:
    """The spec of a graph with tangents as nodes, from those of some leaves; a node without one does not move.

    Args:
        graph: the computation.
        given: leaves that hold the tangents, by the names of the leaves they are of.
        at_hand: where the textbook's derivatives have no value at the numbers that there are.
    """
    work = _Forward(Writing(graph, at_hand=at_hand))
    leaves = [work.start(graph.nodes[graph.names[name]], leaf) for name, leaf in given.items()]
    for node in graph.nodes:
        if node.op is not None:
            work.take(node)
    spec = graph.spec
    nodes = (*spec.nodes, *work.writing.nodes)
    return Tangents(replace(spec, leaves=(*spec.leaves, *leaves), nodes=nodes), work.names)


@dataclass(slots=True)
class _Forward:
    """The tangents of the nodes so far."""

    writing: Writing
    names: dict[str, str] = field(default_factory=dict)
    found: dict[int, Traced] = field(default_factory=dict)

    def start(self, node: Node, tangent: Leaf) -> Leaf:
        """The tangent of a leaf, which is given."""
        name = self.names[node.name] = self.writing.unique(node.name + SUFFIX)
        self.found[node.index] = self.writing.leaf(name, node.shape)
        return replace(tangent, name=name, kind="input", shape=node.shape, at=inline(name, BY_PROGRAM))

    def take(self, node: Node) -> None:
        """A node's tangent: the sum of what each operand's contributes."""
        parts = [part for position, operand in enumerate(node.inputs) if operand in self.found
                 and rule_of(node, position) is not None
                 and (part := self.part(node, position, self.found[operand])) is not None]  # fmt: skip
        if not parts:
            return
        total = parts[0]
        for more in parts[1:]:
            total = total + more
        if total.shape != node.shape:
            total = self.writing.words.broadcast_to(total, shape=node.shape)
        code = self.writing.code(total)
        if node.anonymous and len(code) <= LONGEST:
            self.found[node.index] = total
            return
        name = self.writing.unique(node.name.replace(".", "_") + SUFFIX)
        if not node.anonymous:
            self.names[node.name] = name
        self.found[node.index] = self.writing.named(name, code, node.shape)

    def part(self, node: Node, position: int, tangent: Traced) -> Traced | None:
        """What the tangent of one operand does to the node's."""
        words = self.writing.words
        assert node.op is not None
        if node.op.pointwise:
            return contribution(words, node, position, tangent)
        g = Traced(words.builder.leaf(Leaf("g", "input", node.shape, None, inline("g"))), words)
        self.writing.names[g.node.index] = f"zeros({tuple(map(int, node.shape))})" if node.shape else "0"  # linear: any
        shape = self.writing.graph.nodes[node.inputs[position]].shape
        made = fitted(words, contribution(words, node, position, g), shape)
        last = len(words.builder.nodes)
        return reverse(words, {made.node.index: tangent}, [g.node.index], g.node.index, last).get(g.node.index)
