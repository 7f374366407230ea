"""What flows back through one consumer's expression, found once for all the nodes that it uses.

A sum of n params is gone back through once, not n times: a step for each of them would take the square of their number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sympy import Expr

from backprop_cli.engine.graph import Node
from backprop_cli.engine.ops.base import show
from backprop_cli.engine.reverse import Step, go_back
from backprop_cli.formulas.algebra.contributions import Parts, added_up
from backprop_cli.formulas.algebra.expr import GradSymbol
from backprop_cli.formulas.algebra.formula import Formula
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.joining import joined
from backprop_cli.formulas.algebra.tidy import tidy
from backprop_cli.formulas.derivation.printing import Printing
from backprop_cli.formulas.reasons import Reasons
from backprop_cli.records import dataclass, field

Arrived = Mapping[int, Formula | Parts | None]


@dataclass(slots=True)
class Flowing(Printing):
    """Goes back through the expressions of consumers, each by itself."""

    because: Reasons = field(init=False)
    deltas: dict[int, GradSymbol] = field(default_factory=dict)
    ways: dict[tuple[int, int | None], list[Step]] = field(default_factory=dict)
    arrived: dict[tuple[int, int | None, Expr], tuple[Arrived, Mapping[str, str]]] = field(default_factory=dict)
    broadcast: dict[tuple[int, int | None], defaultdict[int, list[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Printing.__post_init__(self)
        self.because = Reasons(self.graph)

    def above(self, consumer: Node) -> GradSymbol:
        """δ, for what comes back to a consumer."""
        if consumer.index not in self.deltas:
            symbol = GradSymbol("δ", consumer.shape, consumer.index)
            self.deltas[consumer.index] = self.derived.symbols.known(symbol)
        return self.deltas[consumer.index]

    def flow(self, consumer: Node, target: Node, g: Formula) -> list[Expr]:
        """The reverse pass through one consumer's expression alone, down to each place of one of the nodes it uses."""
        key = *self.way(consumer, target), g.expr
        if key not in self.arrived:
            self.arrived[key] = self.gone_back(consumer, self.ways[key[:2]], g)
        gradients, told = self.arrived[key]
        self.derived.symbols.facts.used.update(told)
        found = gradients.get(target.index)
        parts = found.parts if isinstance(found, Parts) else [] if found is None else [found]
        return [self.plain(self.derived.symbols.fold(part.expr)) for part in parts]

    def gone_back(self, consumer: Node, way: Sequence[Step], g: Formula) -> tuple[Arrived, Mapping[str, str]]:
        """The gradients of all operands of a consumer, and the facts that they rest on."""
        symbols = self.derived.symbols
        used = symbols.facts.used
        before = dict(used)
        used.clear()
        gradients: dict[int, Formula | Parts | None] = defaultdict(lambda: None, {consumer.index: g})
        go_back(way, symbols.nodes, gradients, self.meaning.unbroadcast, lambda _, one: added_up(one))
        told = dict(used)
        used.clear()
        used.update(before)
        return gradients, told

    def plain(self, expr: Expr) -> Expr:
        """As a formula is printed."""
        facts = self.derived.symbols.facts
        return expr if isinstance(joined(expr, facts), GradSymbol) else tidy(recognised(expr), facts)

    def way(self, consumer: Node, target: Node) -> tuple[int, int | None]:
        """The way back through a consumer's expression, which ends at what has a name, and at the target."""
        key = consumer.index, target.index if target.anonymous else None
        if key not in self.ways:
            self.ways[key] = [*self.within(*key)]
        return key

    def within(self, consumer: int, end: int | None) -> Iterator[Step]:
        """The steps of a consumer's expression that a gradient comes to, from the last to the first."""
        pending = {consumer}
        while pending:
            index = max(pending)
            pending.discard(index)
            if index in self.steps:
                yield self.steps[index]
                inner = {operand for operand, *_ in self.steps[index].edges} - {end}
                pending |= {operand for operand in inner if self.graph.nodes[operand].anonymous}

    def notes_of(self, consumer: Node, target: Node) -> tuple[str, ...]:
        """Why sums appear in what flows to a node: operands on the way were repeated along some axes."""
        way = self.way(consumer, target)
        if way not in self.broadcast:
            found = self.broadcast[way] = defaultdict(list)
            for step in self.ways[way]:
                for operand in (self.graph.nodes[index] for index, *_, narrow in step.edges if narrow is not None):
                    if note := self.note(step.node, operand):
                        for index in self.below(operand):
                            found[index].append(note)
        return tuple(dict.fromkeys(self.broadcast[way].get(target.index, ())))

    def below(self, part: Node) -> set[int]:
        """A node, and the named ones that a part without a name is made of."""
        names = self.graph.named_inputs(part) if part.anonymous else ()
        return {part.index, *(self.graph.names[name] for name in names)}

    def note(self, node: Node, operand: Node) -> str:
        """Why a sum appears: the operand was repeated along some axes."""
        if node.op is None or not node.op.pointwise:
            return ""
        extra = len(node.shape) - len(operand.shape)
        axes = [*range(extra), *(extra + i for i, s in enumerate(operand.shape) if s != node.shape[extra + i])]
        if not axes:
            return ""
        where = ", ".join(map(str, axes))
        name, whole = self.own_words(operand).text if operand.anonymous else operand.name, show(node.shape)
        if not operand.shape:
            return f"{name} is a scalar and meets every entry of {whole}, so its gradient is summed over them"
        return (f"{name} was broadcast from {show(operand.shape)} to {whole}, "
                f"so its gradient is summed over {'axis' if len(axes) == 1 else 'axes'} {where}")  # fmt: skip
