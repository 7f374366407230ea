"""Steps taken: forward, reverse, and every param moved, with the passes planned once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.graph.memory import ITEMSIZE, entries_of
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.sparing import gradients_of_their_own
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.calculate import Runner
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.stepping.results import Moment, Row, Trace
from backprop_cli.tasks.stepping.rules import Parameters, Rule
from backprop_cli.tasks.stepping.updates import Mover, arrays_of, mover_for

TRACED = 4
"""Params of up to so many entries have their state written down step by step."""

MANY = 10_000
"""From so many entries of all params on, lr is multiplied into the seed instead of into every gradient."""

SMALL = Fraction(1, 10**12)
"""A smaller lr could take the gradients to where numbers have fewer digits."""


def copied(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values to keep: the next step writes into the arrays of this one."""
    return {name: np.array(value)[()] for name, value in values.items()}


Progress = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class First:
    """What the first step saw of one param: every name that a line may use, and what each line came to."""

    given: Mapping[str, Array | np.float64]
    found: Mapping[str, Any]

    @property
    def gradient(self) -> Any:
        """Its gradient at the start."""
        return self.given["g"]


def moving_bytes(graph: Graph, rule: Rule, parameters: Parameters) -> int:
    """What a rule holds of each param."""
    entries = sum(entries_of(graph.nodes[index].shape) for index in graph.wrt)
    return arrays_of(graph.spec, rule, parameters) * ITEMSIZE[graph.spec.dtype] * entries


A_MOMENT, A_VALUE = 140, 400
"""Bytes that the loss of a step takes, and a value of the state of one entry until it is written, as measured."""


def recorded_bytes(graph: Graph, rule: Rule, parameters: Parameters, steps: int, every: int) -> int:
    """What is written down step by step: each loss, and now and then the state of the small params."""
    entries = sum(n for n in (entries_of(graph.nodes[index].shape) for index in graph.wrt) if n <= TRACED)
    rows = min(steps, 2 + steps // every)
    return A_MOMENT * steps + A_VALUE * rows * entries * (1 + len(rule.lines(parameters)))


def is_seeded(graph: Graph, rule: Rule, parameters: Parameters) -> bool:
    """Whether steps may begin their reverse passes with lr: where it saves much, and changes the last digit alone.

    A hook and a user's own rule may do anything with what they are given.
    """
    return bool(
        rule.seeded and not parameters["weight_decay"] and parameters["lr"] >= SMALL and not graph.hooks
        and all(node.op is None or OPS.get(node.op.name) is node.op for node in graph.nodes)
        and sum(entries_of(graph.nodes[index].shape) for index in graph.wrt) >= MANY
    )  # fmt: skip


@dataclass(slots=True)
class Training:
    """A graph whose params move; `leaves` hold the params' arrays of now."""

    graph: Graph
    leaves: dict[int, Array]
    rule: Rule
    parameters: Parameters
    runner: Runner = field(init=False)
    movers: dict[int, Mover] = field(init=False)
    history: list[Moment] = field(default_factory=list)
    first: dict[int, First] = field(default_factory=dict)
    rows: dict[int, list[tuple[int, Mapping[str, Any]]]] = field(default_factory=dict)
    start: Computed | None = None
    scale: Any = None  # how many times the gradients of the steps after the first are larger

    def __post_init__(self) -> None:
        graph, parameters = self.graph, self.parameters
        self.runner = Runner(graph)
        if is_seeded(graph, self.rule, parameters):
            self.scale = self.runner.meaning.scalar(float(parameters["lr"]))
        own = gradients_of_their_own(self.runner.steps)
        self.movers = {index: mover_for(graph.spec, self.rule, parameters, shape, seeded=self.scale is not None,
                                        over_gradient=index in own and entries_of(shape) > TRACED)
                       for index in sorted(graph.wrt) for shape in (graph.nodes[index].shape,)}  # fmt: skip

    def run(self, steps: int, every: int, tell: Progress | None = None) -> None:
        """Take steps; stops at a loss that is no number, which no step leads away from."""
        with np.errstate(all="ignore"):
            for step in range(steps + 1):
                computed = self.pass_through()
                loss = self.loss(computed)
                self.history.append(Moment(step, loss))
                if tell is not None:
                    tell(step, loss)
                if step == steps or not math.isfinite(loss):
                    return
                self.move(step + 1, computed, traced=step == 0 or (step + 1) % every == 0 or step + 1 == steps)
                del computed  # before the next one is made: that takes its memory

    def pass_through(self) -> Computed:
        """Forward and back; the first time everything is kept, for the formulas."""
        computed = self.runner.once(self.leaves)
        if self.start is None:
            self.start = computed
            self.runner.spare()
            if self.scale is not None:
                self.runner.begin_with(self.scale)
        return computed

    def loss(self, computed: Computed) -> float:
        """What the gradients are of: the output, or, from a seed, Σ seed ⊙ output; summed over the passes."""
        if len(self.graph.passes) == 1 and not self.graph.output.shape:
            return float(computed.values[self.graph.passes[0].output])
        values = [computed.values[run.output] for run in self.graph.passes]
        return float(sum(np.sum(value * seed) for value, seed in zip(values, computed.seeds, strict=True)))

    def move(self, step: int, computed: Computed, traced: bool) -> None:
        """Every param by its rule, all from the same gradients."""
        for index, mover in self.movers.items():
            gradient = computed.gradient(index)
            if gradient is None:  # the output does not depend on it
                continue
            old = self.leaves[index]
            run = mover.move(old, gradient)
            self.leaves[index] = run["w"]
            if computed is self.start:
                given = {"w": old, "g": gradient, "t": np.float64(1), **mover.before}
                self.first[index] = First(given, copied(run.found()))
            if traced and np.size(old) <= TRACED:
                shown = gradient if computed is self.start or self.scale is None else gradient / self.scale
                self.rows.setdefault(index, []).append((step, copied({"g": shown, **run.found()})))

    def traces(self, index: int) -> Iterator[Trace]:
        """The state of each entry of a small param, step by step."""
        if index not in self.rows:  # large, or one that nothing moves
            return
        rows, node = self.rows[index], self.graph.nodes[index]
        for position in np.ndindex(*map(int, node.shape)):
            entry = f"{node.name}[{', '.join(map(str, position))}]" if position else node.name
            yield Trace(entry, tuple(
                Row(step, {name: float(np.asarray(value)[position]) for name, value in values.items()})
                for step, values in rows
            ))  # fmt: skip


