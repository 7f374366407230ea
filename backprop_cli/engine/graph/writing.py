"""Nodes of a graph, written as nodes of a spec: what has a name by its name, the rest in full, long parts once."""

from __future__ import annotations

from backprop_cli.engine.graph.builder import Builder
from backprop_cli.engine.graph.nodes import Graph, Node
from backprop_cli.engine.graph.spelled import Spelling
from backprop_cli.engine.graph.tracing import AtHand, Traced, TracedWords
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Leaf, NodeSpec, Shape
from backprop_cli.language.names import MAX_NAME
from backprop_cli.language.source import BY_PROGRAM, inline
from backprop_cli.records import dataclass, field

LONGEST = 160
"""A part that is written in more characters gets a node of its own: parts are used several times."""


@dataclass(slots=True)
class Writing:
    """New nodes for a graph's spec; `names` are what the builder's nodes are called."""

    graph: Graph
    nodes: list[NodeSpec] = field(default_factory=list)
    at_hand: AtHand | None = None
    builder: Builder = field(default_factory=Builder)
    words: TracedWords = field(init=False)
    spelling: Spelling = field(init=False)
    taken: set[str] = field(init=False)
    names: dict[int, str] = field(init=False)
    short: set[int] = field(default_factory=set)  # that were found to need no node of their own

    def __post_init__(self) -> None:
        spec = self.graph.spec
        self.builder.nodes = list(self.graph.nodes)
        self.builder.known = {self.builder.key(node): node for node in self.graph.nodes
                              if node.op is not None and not node.anonymous}  # fmt: skip
        self.words = TracedWords(self.builder, self.at_hand)
        self.names = {index: name for name, index in self.graph.names.items()}
        self.taken = {*self.graph.names, *(node.name for node in spec.nodes), *spec.dims}
        self.spelling = Spelling(self.builder.nodes, self.names, frozenset(spec.dims))

    def code(self, traced: Traced) -> str:
        """The expression of a new node, its long parts written down before it."""
        for index in traced.node.inputs:
            self.shortened(self.builder.nodes[index])
        return self.spelling(traced.node)

    def shortened(self, node: Node) -> None:
        """Long parts of a node, and it itself if it is long, get nodes of their own, the innermost first.

        A gradient may be a sum of thousands of contributions, each a node over the one before: no recursion.
        """
        waiting = [(node, False)]
        while waiting:
            one, is_ready = waiting.pop()
            if one.index in self.names or one.index in self.short or one.kind == "constant":
                continue
            if not is_ready:
                waiting += [(one, True), *((self.builder.nodes[i], False) for i in reversed(one.inputs))]
            elif len(code := self.spelling(one)) <= LONGEST:
                self.short.add(one.index)
            else:
                name = self.unique(f"part_{len(self.nodes) + 1}")
                self.add(name, code)
                self.names[one.index] = name

    def named(self, name: str, code: str, shape: Shape) -> Traced:
        """A new node of the spec, and what stands for it in the builder."""
        self.add(name, code)
        return self.leaf(name, shape)

    def leaf(self, name: str, shape: Shape) -> Traced:
        """What stands in the builder for a node, or a leaf, of that name."""
        made = self.builder.leaf(Leaf(name, "input", shape, None, inline(name, BY_PROGRAM)))
        self.names[made.index] = name
        return Traced(made, self.words)

    def add(self, name: str, code: str) -> None:
        """A node of the spec."""
        text = inline(code, BY_PROGRAM)
        self.nodes.append(NodeSpec(name, ast.parse(text), text, inline(name, BY_PROGRAM)))

    def unique(self, wanted: str) -> str:
        """A name that nothing has."""
        name, count = wanted[:MAX_NAME], 1
        while name in self.taken:
            count += 1
            name = f"{wanted[: MAX_NAME - 4]}_{count}"
        self.taken.add(name)
        return name
