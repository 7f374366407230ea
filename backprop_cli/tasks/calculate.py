"""Run a spec: values, gradients, formulas, and whether they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, GraphPass, Node, build
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.passes import backward, go_on, literals, plan
from backprop_cli.engine.sparing import spare
from backprop_cli.formulas.marks import MARKED
from backprop_cli.formulas.printed import NOTATIONS, TERMS, Omitted, PassFormulas, Printed
from backprop_cli.language.model import Spec
from backprop_cli.records import dataclass
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.diagnose import warnings_of
from backprop_cli.tasks.leaves import DEFAULT_MAX_BYTES, check_computed, checked_of, load_leaves
from backprop_cli.tasks.result import Gradient, NodeResult, PassResult, Piece, Result, Warned


@dataclass(frozen=True, slots=True)
class Settings:
    """How a spec is run; `terms` empty: numbers alone, and sympy is never imported."""

    terms: tuple[str, ...] = TERMS
    notations: tuple[str, ...] = NOTATIONS
    anonymous: bool = False
    max_bytes: int = DEFAULT_MAX_BYTES


def seed_of(graph: Graph, run: GraphPass) -> object:
    """The gradient a pass starts from, as an array of the output's shape."""
    shape = tuple(map(int, graph.nodes[run.output].shape))
    if run.seed is None or isinstance(run.seed, str):
        return np.ones(shape, dtype=graph.spec.dtype)[()]
    return np.broadcast_to(np.asarray(run.seed, dtype=graph.spec.dtype), shape)[()]


class Runner:
    """A graph whose passes are planned once, to be run on leaves again and again."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.meaning = Numbers(graph)
        self.steps = plan(graph, self.meaning)
        self.literals = literals(graph, self.meaning)
        self.checked = checked_of(graph)
        self.seeds = [seed_of(graph, run) for run in graph.passes]
        self.begins = self.seeds

    def spare(self) -> None:
        """From now on keep of the values only the outputs, and of the gradients those that are asked for."""
        graph = self.graph
        spare(self.meaning, self.steps, {*graph.wrt, *self.checked, *(run.output for run in graph.passes)})

    def begin_with(self, factor: Any) -> None:
        """From now on every pass begins with so many times its seed: every gradient is as much larger."""
        self.begins = [seed * factor for seed in self.seeds]

    def __call__(self, leaves: Mapping[int, Array]) -> Computed:
        """The forward pass and every backward pass, in numbers."""
        with np.errstate(all="ignore"):
            return self.once(leaves)

    def once(self, leaves: Mapping[int, Array]) -> Computed:
        """The same, where numpy's warnings are off already, as in a loop."""
        graph, meaning, steps = self.graph, self.meaning, self.steps
        values = meaning.values = go_on(steps, [*self.literals], leaves)
        if self.checked:
            check_computed(graph, values)
        passes = [backward(graph, steps, meaning, values, run.output, seed)
                  for run, seed in zip(graph.passes, self.begins, strict=True)]  # fmt: skip
        return Computed(graph, values, passes, self.seeds)


def compute(graph: Graph, leaves: Mapping[int, Array]) -> Computed:
    """The forward pass and every backward pass, in numbers, once."""
    return Runner(graph)(leaves)


def run(spec: Spec, settings: Settings = Settings()) -> Result:
    """Everything `backprop run` reports of a spec."""
    graph = build(spec)
    computed = compute(graph, load_leaves(graph, settings.max_bytes))
    return report(graph, computed, settings)


def report(graph: Graph, computed: Computed, settings: Settings) -> Result:
    """The result of a run, from its numbers; formulas are derived here if they are asked for."""
    formulas = [PassFormulas() for _ in graph.passes]
    total = PassFormulas()
    facts: tuple[str, ...] = ()
    warnings = [Warned(*warning) for warning in (*graph.spec.warnings, *graph.warnings)]
    if settings.terms:
        from backprop_cli.formulas.formulate import formulate  # imports sympy, which numbers alone never need

        formulas, total, notes = formulate(
            graph, computed.values, computed.passes, settings.terms, settings.notations, settings.anonymous
        )
        facts = notes.facts
        warnings += [Warned(code, graph.output_name, text) for code, text in notes.work.items()]
    warnings += warnings_of(graph, computed, formulas)
    shown = [n for n in graph.nodes if n.kind != "constant" and (settings.anonymous or not n.anonymous)]
    written = _definitions(graph, shown, settings.notations) if settings.terms else {}
    nodes = tuple(_node(graph, node, computed, total, written.get(node.index, {})) for node in shown)
    return Result(
        spec=graph.spec.source.file,
        title=graph.spec.title,
        description=graph.spec.description,
        dtype=graph.spec.dtype,
        output=graph.output_name,
        grad_output=computed.seeds[-1],
        dims={k: int(v) for k, v in graph.spec.dims.items()},
        nodes=nodes,
        warnings=tuple(warnings),
        passes=_passes(graph, computed, formulas),
        facts=facts,
        where=total.where,
        listing=_listing(graph) if MARKED["mathml"] in settings.notations else (),
    )


def _listing(graph: Graph) -> tuple[tuple[Piece, ...], ...]:
    from backprop_cli.tasks.listing import listing

    return listing(graph.spec)


def _definitions(graph: Graph, shown: Sequence[Node], notations: tuple[str, ...]) -> dict[int, dict[str, str]]:
    """What the user wrote, as mathematics, in the notations that have it."""
    from backprop_cli.formulas.words import Wording

    words = Wording(graph)
    return {node.index: words.definition(node, notations) for node in shown}


def _node(
    graph: Graph,
    node: Node,
    computed: Computed,
    formulas: Mapping[int, Mapping[str, Printed | Omitted]],
    definition: Mapping[str, str],
) -> NodeResult:
    value = computed.gradient(node.index)
    return NodeResult(  # in order: there may be many, and by name each takes ten times as long
        node.name,
        node.kind,
        node.op.name if node.op else None,
        graph.named_inputs(node),
        " ".join(node.spec.text.text.split()) if node.spec else None,
        tuple(map(int, node.shape)),
        computed.values[node.index],
        node.index in graph.active,
        None if value is None else Gradient(value, formulas.get(node.index, {})),
        node.anonymous,
        None,
        definition,
    )


def _passes(graph: Graph, computed: Computed, formulas: Any) -> tuple[PassResult, ...]:
    if len(graph.passes) == 1 and not graph.spec.backward:
        return ()
    return tuple(
        PassResult(
            run.name,
            seed,
            {
                node.name: Gradient(gradients[node.index], texts.get(node.index, {}))
                for node in graph.named()
                if gradients[node.index] is not None
            },
            texts.where,
        )
        for run, seed, gradients, texts in zip(graph.passes, computed.seeds, computed.passes, formulas, strict=True)
    )
