"""The reverse pass in which what several places share is handed on by name."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr

from backprop_cli.engine.graph import Graph, GraphPass, Node, differentiable
from backprop_cli.formulas.algebra.expr import Delta, shape_of
from backprop_cli.formulas.compact.parts import LINE, NAMED, is_scaled_symbol, occurrences
from backprop_cli.formulas.symbols import Symbols
from backprop_cli.formulas.tensors import Formulas
from backprop_cli.records import dataclass, field


@dataclass(slots=True)
class Paths:
    """Where each node's gradient goes: to one place, or to several."""

    graph: Graph
    operands: list[tuple[int, ...]] = field(init=False)
    consumers: dict[int, list[int]] = field(init=False)
    homes: list[int] = field(init=False)  # see `home`

    def __post_init__(self) -> None:
        active = self.graph.active
        self.operands = [
            tuple([o for o in differentiable(n) if o in active]) if n.index in active else ()
            for n in self.graph.nodes
        ]
        self.consumers = {}
        for index, found in enumerate(self.operands):
            for operand in found:
                self.consumers.setdefault(operand, []).append(index)
        self.homes = list(range(len(self.operands)))
        for index in reversed(self.homes.copy()):  # consumers come later: theirs are known
            users = self.consumers.get(index, ())
            if len(users) == 1:
                self.homes[index] = self.homes[users[0]] if self.graph.nodes[users[0]].anonymous else users[0]

    def forks(self, index: int) -> bool:
        """Whether several operands share a node's gradient."""
        return len(self.operands[index]) > 1

    def only_place(self, index: int) -> int | None:
        """The one named node that a node's gradient goes to, if nothing else goes there."""
        while len(self.operands[index]) == 1:
            index = self.operands[index][0]
            if len(self.consumers[index]) > 1:
                return None
            if not self.graph.nodes[index].anonymous:
                return index
        return None

    def home(self, index: int) -> Node:
        """The node in whose expression a node's gradient is found: its one user, or itself where it has several."""
        return self.graph.nodes[self.homes[index]]


class Evenly(Formulas):
    """The meaning of the pass: what several places share is handed on by name."""

    def __init__(self, symbols: Symbols, run: GraphPass, paths: Paths, length: Callable[[Expr], int]) -> None:
        super().__init__(symbols, run, chained=True)
        self.paths = paths
        self.length = length
        self.deltas: list[Delta] = []
        self.written_out: dict[int, tuple[Expr, Expr]] = {}  # by node: the formula that flowed in, and its symbol

    def hand_on(self, node: Node, expr: Expr) -> Expr:
        """A number always, a short formula that has one place to go to; else the symbol."""
        if expr.is_number or node.index == self.run.output:
            return expr
        expr = self.found[node.index] = self.named_again(node, expr)
        place = self.paths.only_place(node.index)
        if place is None or self.length(expr) > LINE // 2:
            return self.gradient_symbol(node)
        self.written_out[place] = expr, self.gradient_symbol(node)
        return expr

    def named_again(self, node: Node, expr: Expr) -> Expr:
        """A formula that flowed in, by its name where it would be written twice."""
        if node.index not in self.written_out:
            return expr
        formula, symbol = self.written_out[node.index]
        return expr.xreplace({formula: symbol}) if occurrences(expr)[formula] > 1 else expr

    def hand_on_part(self, node: Node, expr: Expr) -> Expr:
        """A part's formula, or where it forks and is worth a name, its δ."""
        if not expr.args:
            return expr
        spent = self.symbols.facts.budget.spent  # then no product of scalars is too simple for a name
        forks = self.paths.forks(node.index) or spent
        if not forks or is_scaled_symbol(expr) and not spent or self.length(expr) <= NAMED:
            return expr
        definition = self.symbols.fold(expr)
        delta = Delta(owner_of(node, self.run), shape_of(expr), node.index, definition, is_part=True)
        self.deltas.append(delta)
        return delta


def owner_of(node: Node, run: GraphPass) -> str:
    """The name of the node in whose expression a part stands."""
    owner = node.name.rpartition(".")[0] if node.anonymous else node.name
    return owner if owner.isidentifier() else run.name if run.name.isidentifier() else "output"
