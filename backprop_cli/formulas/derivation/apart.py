"""A node whose step writes a long part several times is taken apart: the part gets a letter, and a step of its own."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Expr

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.formulas.algebra.expr import TensorSymbol
from backprop_cli.formulas.algebra.formula import Formula
from backprop_cli.formulas.algebra.work import at_work
from backprop_cli.formulas.compact.parts import LINE, is_upstream, occurrences
from backprop_cli.formulas.derivation.deriver import Deriver
from backprop_cli.formulas.derivation.printing import SHOWN
from backprop_cli.formulas.formulation import Formulation
from backprop_cli.formulas.notation import TEXT, Layout
from backprop_cli.formulas.tensors import derive
from backprop_cli.formulas.words import Wording
from backprop_cli.formulas.worked import Equation, Taken
from backprop_cli.language.steps import free_letters
from backprop_cli.records import dataclass, field, replace

FEW = 2
"""A node of fewer parts than that has none that is worth a letter."""

ROUNDS = 3
"""So often a graph is looked at again once some parts have letters."""

SHORTEST, PLAIN = 5, 20
"""Characters of a part that gets a letter, `x · W`; and of a definition that has none: σ(W · x + U · h + b)."""


def taken_apart(graph: Graph) -> Graph:
    """The same computation, in which parts that a step writes several times are nodes with letters."""
    if graph.hooks or len(graph.passes) > 1 or not any(_parts_in(graph, node) for node in graph.named()):
        return graph
    letters = free_letters(graph.spec)
    for _ in range(ROUNDS):
        found = _Parts(graph).found()
        if not found:
            return graph
        graph = _lettered(graph, {index: next(letters) for index in sorted(found)})
    return graph


def _lettered(graph: Graph, named: dict[int, str]) -> Graph:
    """With letters for these parts; what they stand in is no longer what its writer wrote."""
    owners = {node.index for node in graph.named() if named.keys() & set(_within(graph, node))}
    nodes = tuple(
        replace(node, name=named[node.index], anonymous=False) if node.index in named
        else replace(node, spec=None) if node.index in owners else node
        for node in graph.nodes
    )  # fmt: skip
    return replace(graph, nodes=nodes, names={**graph.names, **{name: index for index, name in named.items()}})


def with_letters(names: tuple[str, ...], before: Graph, after: Graph) -> tuple[str, ...]:
    """The nodes that are asked for, and the letters on the way back to them."""
    asked = dict.fromkeys(names)
    for node in after.named() if names and after is not before else ():
        if node.name not in before.names and not asked.keys().isdisjoint(after.named_inputs(node)):
            asked[node.name] = None
    return tuple(asked)


def taken(before: Graph, after: Graph, notations: tuple[str, ...] = SHOWN) -> tuple[Taken, ...]:
    """What was taken apart, the latest node first: in its writer's words, with letters, and what these stand for."""
    if after is before:
        return ()
    words = Wording(before)
    work = Formulation(after, (), SHOWN, None)
    deriver = Deriver(after, work, derive(work.symbols, after.passes[-1], ()), None, notations=notations)
    told = []
    for node in reversed(before.nodes):
        made = after.nodes[node.index]
        if node.spec is None or made.spec is not None:
            continue
        inner = sorted((i for i in _within(before, node) if not after.nodes[i].anonymous), reverse=True)
        written = deriver.each(lambda name, spec=node.spec: words(spec, name))  # type: ignore[misc]
        told.append(Taken(Equation(deriver.named(node.name), written), deriver.own_words(made),
                          tuple(Equation(deriver.named(after.nodes[i].name), deriver.own_words(after.nodes[i]))
                                for i in inner)))  # fmt: skip
    return tuple(told)


def _within(graph: Graph, node: Node) -> Iterator[int]:
    """The parts of a node that have no name, each once."""
    stack, seen = list(node.inputs), set[int]()
    while stack:
        part = graph.nodes[stack.pop()]
        if part.index not in seen and part.anonymous and part.op is not None:
            seen.add(part.index)
            stack.extend(part.inputs)
            yield part.index


def _parts_in(graph: Graph, node: Node) -> list[int]:
    """The same, where there are enough of them and something is differentiated in the node."""
    if node.index not in graph.active or node.is_leaf:
        return []
    found = list(_within(graph, node))
    return found if len(found) >= FEW else []


@dataclass(slots=True)
class _Parts:
    """Looks at the steps of a graph for parts that they write more than once."""

    graph: Graph
    deriver: Deriver = field(init=False)
    layout: Layout = field(init=False)

    def __post_init__(self) -> None:
        work = Formulation(self.graph, ("local",), SHOWN, None)
        derived = derive(work.symbols, self.graph.passes[-1], ("local",))
        self.deriver = Deriver(self.graph, work, derived, None)
        self.layout = Layout(TEXT, style=work.symbols.facts.style)

    def found(self) -> set[int]:
        """The parts, by their nodes."""
        chosen: set[int] = set()
        with at_work(self.deriver.derived.symbols.facts.work):
            for target in self.graph.named():
                if target.index in self.deriver.derived.local:
                    for consumer in filter(self.is_long, self.deriver.consumers(target)):
                        chosen |= self.of_step(consumer, target)
        return chosen

    def is_long(self, consumer: Node) -> bool:
        """Whether a definition is long enough that a step may write a part of it twice."""
        symbols = self.deriver.derived.symbols
        made = symbols.definitions.get(consumer.index)
        return made is not None and (consumer.spec is None or len(self.layout(symbols.fold(made))) > PLAIN)

    def of_step(self, consumer: Node, target: Node) -> set[int]:
        """The parts that what flows from a consumer to a node writes more than once, as long as that is no line."""
        delta, inner = self.deriver.above(consumer), _parts_in(self.graph, consumer)
        places = self.deriver.flow(consumer, target, Formula(delta, consumer.shape)) if inner else []
        if not places:
            return set()
        expr = self.deriver.plain(Add(*places))
        made = self.made(inner)
        plain: dict[TensorSymbol, Expr] = {delta: TensorSymbol("δ", consumer.shape, consumer.index)}
        chosen: set[int] = set()
        while len(self.deriver.maths(expr, plain).text) > LINE:
            part = self.repeated(expr, made)
            if part is None:
                return chosen or self.into_function(consumer, inner)
            node = self.graph.nodes[made[part]]
            chosen.add(node.index)
            expr = expr.xreplace({part: TensorSymbol("u", node.shape, node.index)})
        return chosen

    def into_function(self, consumer: Node, parts: list[int]) -> set[int]:
        """The longest part that a function of each entry is taken of: its slope may have taken the part to pieces."""
        functions = (self.graph.nodes[i] for i in (consumer.index, *parts))
        inside = {n.inputs[0] for n in functions if n.op is not None and n.op.pointwise and len(n.inputs) == 1}
        lengths = {i: len(self.layout(part)) for part, i in self.made(list(inside.intersection(parts))).items()}
        longest = max(lengths, key=lambda i: (lengths[i], i), default=None)
        return set() if longest is None or lengths[longest] < SHORTEST else {longest}

    def made(self, parts: list[int]) -> dict[Expr, int]:
        """The parts by their formulas."""
        symbols = self.deriver.derived.symbols
        return {symbols.fold(symbols.nodes[i].expr): i for i in parts if symbols.nodes[i] is not None}

    def repeated(self, expr: Expr, made: dict[Expr, int]) -> Expr | None:
        """The longest part that is written more than once."""
        found = {part: len(self.layout(part)) for part, times in occurrences(expr).items()
                 if times > 1 and part in made and not is_upstream(part)}  # fmt: skip
        long = [part for part, length in found.items() if length >= SHORTEST and not isinstance(part, TensorSymbol)]
        return max(long, key=lambda part: (found[part], made[part]), default=None)
