"""A rule's lines as a compiled computation: one graph for a param, planned once and run at every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.graph.builder import Builder
from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.numbers import INTO, Numbers
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.passes import plan
from backprop_cli.engine.reverse import Step
from backprop_cli.language.expression import parse
from backprop_cli.language.model import Leaf, Shape, Spec
from backprop_cli.language.source import inline
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.stepping.rules import Line, Parameters, Rule

STEP = "t"

Bound = tuple[int, Callable[..., Any], int, int | None]
"""A line's operation: where its result goes, the function, and where its one or two operands are."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """Lines, planned: values by name in, values by name out.

    Every run writes into the same arrays.  A param or a state that was the result of the last run is then changed in
    place, which is safe: the operations are pointwise, and a line's old value is not used after the line.
    """

    graph: Graph
    meaning: Numbers
    steps: list[Bound]
    results: Mapping[str, int]
    values: list[Any]

    def __call__(self, *given: Array) -> None:
        """Run the lines on the values of the names, in their order."""
        values = self.values
        values[: len(given)] = given  # the leaves are the first nodes
        for index, function, left, right in self.steps:
            values[index] = function(values[left]) if right is None else function(values[left], values[right])

    def __getitem__(self, name: str) -> Any:
        """What a line came to in the last run."""
        return self.values[self.results[name]]

    def found(self) -> dict[str, Any]:
        """What every line came to in the last run."""
        return {name: self.values[index] for name, index in self.results.items()}


def compiled(spec: Spec, lines: tuple[Line, ...], names: tuple[str, ...], shape: Shape, parameters: Parameters,
             starting: bool, over_gradient: bool) -> Compiled:  # fmt: skip
    """The lines for a param of a shape; parameters are exact constants, so `1 - beta1` is computed exactly.

    `over_gradient`: whoever reads the gradient last may write over it.
    """
    builder = Builder()
    known: dict[str, Node] = {}
    for name in names:
        at = inline(name, "<rule>")
        known[name] = builder.leaf(Leaf(name, "input", () if name == STEP else shape, None, at))
    leaves = {name: node.index for name, node in known.items()}
    known |= {name: builder.constant(value) for name, value in parameters.items()}
    results: dict[str, int] = {}
    for line in lines:
        text = inline(line.first if starting and line.first else line.code, "<rule>")
        known[line.name] = interpret(parse(text), Scope(text, known.get), builder)
        results[line.name] = known[line.name].index
    graph = Graph(spec, tuple(builder.nodes), leaves, (), frozenset(), {}, frozenset())
    return _planned(graph, results, over_gradient)


def _planned(graph: Graph, results: Mapping[str, int], over_gradient: bool) -> Compiled:
    """With arrays for the results of all that is as large as the param."""
    meaning = Numbers(graph)
    values = [meaning.constant(node.value) if node.kind == "constant" else None for node in graph.nodes]
    planned, given = plan(graph, meaning), graph.names["g"]
    last = max((step.place for step in planned if given in step.inputs), default=None) if over_gradient else None
    steps: list[Bound] = [(step.place, _bound(graph, step, values, given if step.place == last else None),
                           step.inputs[0], step.right) for step in planned]  # fmt: skip
    return Compiled(graph, meaning, steps, results, values)


def _bound(graph: Graph, step: Step, values: list[Any], over: int | None) -> Callable[..., Any]:
    """A step that writes into an array kept for it, or over the value of a node of now."""
    node = step.node
    function = INTO.get(node.op.name) if node.shape else None
    if function is None:
        return step.apply
    if over is not None:
        return lambda *operands: function(*operands, out=values[over])
    return partial(function, out=np.empty(tuple(map(int, node.shape)), graph.spec.dtype))


def arrays_of(spec: Spec, rule: Rule, parameters: Parameters) -> int:
    """How many arrays of a param's shape a rule holds: of each operation of the first step and of those after it.

    Each line's result in the first step is kept once more, and the states that a step began with.
    """
    lines = rule.lines(parameters)
    run = compiled(spec, lines, ("w", "g", STEP, *rule.state), (1,), parameters, starting=False, over_gradient=False)
    operations = sum(1 for index, *_ in run.steps if run.graph.nodes[index].shape)
    return 2 * operations + len(lines) + len(rule.state)


@dataclass(slots=True)
class Mover:
    """The state of one param under a rule; `move` takes a step."""

    run: Compiled  # of the next step
    later: Compiled  # of those after it
    state: dict[str, Array]
    dtype: Any
    t: int = 0
    before: dict[str, Any] = field(default_factory=dict)  # the state that the last step began with

    def move(self, w: Array, g: Array) -> Compiled:
        """Take a step: the lines that took it, with what each came to, `w` among them."""
        self.t += 1
        self.before, run = self.state, self.run
        run(w, g, self.dtype(self.t), *self.state.values())
        self.run = self.later
        if self.state:
            self.state = {name: run[name] if name in run.results else value for name, value in self.state.items()}
        return run


def mover_for(spec: Spec, rule: Rule, parameters: Parameters, shape: Shape,
              over_gradient: bool = False, seeded: bool = False) -> Mover:  # fmt: skip
    """The mover of a param of a shape.

    From the second step on it may write over the gradient (`over_gradient`), and is given lr times it (`seeded`).
    """
    lines = rule.lines(parameters)
    state = tuple(name for name in rule.state if any(line.name == name for line in lines))
    names = ("w", "g", STEP, *state)
    first = compiled(spec, lines, names, shape, parameters, starting=True, over_gradient=False)
    same = not (over_gradient or seeded or any(line.first for line in lines))
    later = first if same else compiled(spec, rule.seeded if seeded else lines, names, shape, parameters,
                                        starting=False, over_gradient=over_gradient)  # fmt: skip
    zeros = {name: np.zeros(tuple(map(int, shape)), dtype=spec.dtype)[()] for name in state}
    return Mover(first, later, zeros, np.dtype(spec.dtype).type)
