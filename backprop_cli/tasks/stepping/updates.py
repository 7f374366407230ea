"""A rule's lines as a compiled computation: one graph for a param, planned once and run at every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.graph.builder import Builder
from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.passes import plan
from backprop_cli.language.expression import parse
from backprop_cli.language.model import Leaf, Shape, Spec
from backprop_cli.language.source import inline
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.stepping.rules import Line, Parameters, Rule

STEP = "t"


def _power(base: Array, exponent: Array, out: Array) -> Any:
    """numpy's ufunc takes ten times as long for a square as a product does."""
    return np.multiply(base, base, out=out) if exponent == 2 else np.power(base, exponent, out=out)


UFUNCS: Mapping[str, Callable[..., object]] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "sqrt": np.sqrt,
    "power": _power, "maximum": np.maximum,
}  # fmt: skip
"""What can write into an array that is there already: half the time of a step of a large param."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """Lines, planned: values by name in, values by name out.

    Every run writes into the same arrays.  A param or a state that was the result of the last run is then changed in
    place, which is safe: the operations are pointwise, and a line's old value is not used after the line.
    """

    graph: Graph
    meaning: Numbers
    steps: list[tuple[int, Callable[..., Any], Callable[[Any], Any]]]
    results: Mapping[str, int]
    values: list[Any]

    def __call__(self, given: Mapping[str, Array]) -> dict[str, Any]:
        """What every line comes to."""
        values = self.values
        for name, index in self.graph.names.items():
            values[index] = given[name]
        for index, function, operands in self.steps:
            values[index] = function(*operands(values))
        return {name: values[index] for name, index in self.results.items()}


def compiled(spec: Spec, lines: tuple[Line, ...], names: tuple[str, ...], shape: Shape, parameters: Parameters,
             starting: bool) -> Compiled:  # fmt: skip
    """The lines for a param of a shape; parameters are exact constants, so `1 - beta1` is computed exactly."""
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
    return _planned(graph, results)


def _planned(graph: Graph, results: Mapping[str, int]) -> Compiled:
    """With arrays for the results of all that is as large as the param."""
    meaning = Numbers(graph)
    steps: list[tuple[int, Callable[..., Any], Callable[[Any], Any]]] = []
    for step in plan(graph, meaning):
        node = step.node
        ufunc = UFUNCS.get(node.op.name) if node.shape and node.op else None
        out = None if ufunc is None else np.empty(tuple(map(int, node.shape)), graph.spec.dtype)
        steps.append((step.place, step.apply if ufunc is None else partial(ufunc, out=out), step.operands))
    values = [meaning.constant(node.value) if node.kind == "constant" else None for node in graph.nodes]
    return Compiled(graph, meaning, steps, results, values)


@dataclass(slots=True)
class Mover:
    """The state of one param under a rule; `move` takes a step."""

    first: Compiled
    later: Compiled
    state: dict[str, Array]
    dtype: Any
    t: int = 0
    before: dict[str, Any] = field(default_factory=dict)  # the state that the last step began with

    def move(self, w: Array, g: Array) -> dict[str, Any]:
        """What every line of a step comes to, `w` among them."""
        self.t += 1
        self.before = self.state
        run = self.first if self.t == 1 else self.later
        found = run({"w": w, "g": g, STEP: self.dtype(self.t), **self.state})
        self.state = {name: found.get(name, value) for name, value in self.state.items()}
        return found


def mover_for(spec: Spec, rule: Rule, parameters: Parameters, shape: Shape) -> Mover:
    """The mover of a param of a shape."""
    lines = rule.lines(parameters)
    state = tuple(name for name in rule.state if any(line.name == name for line in lines))
    names = ("w", "g", STEP, *state)
    first = compiled(spec, lines, names, shape, parameters, starting=True)
    same = not any(line.first for line in lines)
    later = first if same else compiled(spec, lines, names, shape, parameters, starting=False)
    zeros = {name: np.zeros(tuple(map(int, shape)), dtype=spec.dtype)[()] for name in state}
    return Mover(first, later, zeros, np.dtype(spec.dtype).type)
