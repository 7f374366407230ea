"""What a derivation is printed with: formulas in each notation, names, the user's own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sympy import Expr

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.passes import plan
from backprop_cli.engine.reverse import Step
from backprop_cli.formulas.algebra.budget import Budget
from backprop_cli.formulas.algebra.evaluate import Evaluator
from backprop_cli.formulas.algebra.expr import TensorSymbol
from backprop_cli.formulas.algebra.style import Style
from backprop_cli.formulas.formulation import Formulation
from backprop_cli.formulas.notation import Layout, Notation, notation_of
from backprop_cli.formulas.notation.exact import named
from backprop_cli.formulas.tensors import Derived, Formulas
from backprop_cli.formulas.words import Wording
from backprop_cli.formulas.worked import Maths
from backprop_cli.records import dataclass, field

SHOWN = ("text",)
"""What is printed unless more is asked for; text, marked or not, always is the first, since it is compared."""


def users(graph: Graph, output: int) -> dict[str, list[Node]]:
    """The named nodes that use each directly, latest first."""
    found: dict[str, list[Node]] = {}
    for node in reversed(graph.nodes):
        if node.op is not None and node.index in graph.active and (not node.anonymous or node.index == output):
            for name in graph.named_inputs(node):
                found.setdefault(name, []).append(node)
    return found


@dataclass(slots=True)
class Printing:
    """One backward pass of a graph; `gradients` are its numbers, where there are any."""

    graph: Graph
    work: Formulation
    derived: Derived
    gradients: Sequence[Any] | None
    asked: tuple[int, ...] | None = None
    digits: int = 6
    notations: tuple[str, ...] = SHOWN
    room: Budget = field(default_factory=Budget)  # for what is written, in characters
    rests_on_facts: bool = True  # whether any formula that was derived may do so
    steps: dict[int, Step] = field(init=False)
    meaning: Formulas = field(init=False)
    words: Wording = field(init=False)
    users: dict[str, list[Node]] = field(init=False)
    evaluator: Evaluator | None = None  # where there are numbers
    told: dict[str, Notation] = field(default_factory=dict)
    layouts: dict[str, Layout] = field(default_factory=dict)
    written: dict[int, Maths] = field(default_factory=dict)  # definitions, by node
    reached: dict[int, Expr | None] = field(default_factory=dict)  # by consumer, where a step was put together

    def __post_init__(self) -> None:
        if self.work.values is not None and self.gradients is not None:
            self.evaluator = Evaluator(self.work.values, self.gradients, self.graph.spec.dtype)
        self.words = Wording(self.graph)
        self.users = users(self.graph, self.derived.run.output)
        self.meaning = Formulas(self.derived.symbols, self.derived.run, chained=False)
        self.steps = {step.place: step for step in plan(self.graph, self.meaning)}

    @property
    def style(self) -> Style:
        """How the spec writes."""
        return self.derived.symbols.facts.style

    def maths(self, expr: Expr, replaced: Mapping[TensorSymbol, Expr] | None = None) -> Maths:
        """An expression; `replaced` symbols, which are in no formula by their names, print as what they stand for."""
        return self.each(lambda name: self.layout(name, replaced)(expr))

    def layout(self, name: str, replaced: Mapping[TensorSymbol, Expr] | None) -> Layout:
        """The walk that prints in a notation; what it has printed, one with replaced symbols need not print again."""
        if name not in self.layouts:
            symbols = self.derived.symbols
            settings = named, symbols.unit, symbols.graph.names, symbols.facts.style
            self.layouts[name] = Layout(self.notation(name), *settings)
        plain = self.layouts[name]
        if not replaced:
            return plain
        return Layout(plain.notation, replaced.get, plain.unit, plain.taken, plain.style, plain=plain)

    def notation(self, name: str) -> Notation:
        """A notation, in which no two names of the spec print alike."""
        if name not in self.told:
            self.told[name] = notation_of(name, tuple(self.derived.symbols.graph.names))
        return self.told[name]

    def each(self, written: Callable[[str], str]) -> Maths:
        """A formula in each notation."""
        found = Maths({name: written(name) for name in self.notations})
        self.room.take(len(found.text))
        return found

    def partial(self, name: str) -> Maths:
        """∂output/∂name."""
        return self.each(lambda n: self.notation(n).gradient(self.derived.run.name, name))

    def own_words(self, node: Node) -> Maths:
        """What the user wrote, typeset; a node without an expression of its own by its op."""
        if node.index not in self.written:
            spec, symbols = node.spec, self.derived.symbols
            self.written[node.index] = (
                self.maths(symbols.fold(symbols.definitions[node.index])) if spec is None
                else self.each(lambda name: self.words(spec, name)))  # fmt: skip
        return self.written[node.index]

    def label(self, node: Node) -> str:
        """A node's name; the output's own words where it is an expression."""
        return self.derived.run.name if node.index == self.derived.run.output else node.name


def signs(text: str) -> list[str]:
    """What a formula is written with, brackets aside: the same where no more was done than to put it in order."""
    return sorted(text.translate(str.maketrans("", "", "() ")))


def joined(sides: Sequence[str], notation: Notation) -> str:
    """Terms side by side; one that starts with a minus is taken off."""
    first, *others = sides
    signed = [(one, one.removeprefix(notation.minus_sign)) for one in others]
    return first + "".join((notation.plus if rest == one else notation.minus) + rest for one, rest in signed)
