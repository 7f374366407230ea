"""Run a spec: values, gradients, formulas, and whether they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, GraphPass, Node, build, memory_estimate
from backprop_cli.engine.graph.memory import ITEMSIZE, costs, entries_of
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.passes import backward, forward, plan
from backprop_cli.errors import SpecError
from backprop_cli.formulas.printed import NOTATIONS, TERMS, Omitted, PassFormulas, Printed
from backprop_cli.language.model import Spec
from backprop_cli.tasks.claims import check_claims
from backprop_cli.tasks.diagnose import check_leaves, warnings_of
from backprop_cli.tasks.result import Gradient, NodeResult, PassResult, Result, Warned

DEFAULT_MAX_BYTES = 1 << 30

PLAINLY = "its formulas take more work than a run is given, so some are left as they were found, or out"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a spec is run; `terms` empty: numbers alone, and sympy is never imported."""

    terms: tuple[str, ...] = TERMS
    notations: tuple[str, ...] = NOTATIONS
    anonymous: bool = False
    max_bytes: int = DEFAULT_MAX_BYTES


@dataclass(frozen=True, slots=True)
class Computed:
    """The numbers of a run: every node's value, and each pass's gradients, by node index."""

    graph: Graph
    values: Sequence[Any]
    passes: Sequence[Sequence[Any]]
    seeds: Sequence[Any]

    def gradient(self, index: int) -> Any:
        """The gradient of a node: the last pass's; leaves add up over all passes, as in PyTorch."""
        found = [p[index] for p in self.passes if p[index] is not None]
        if not found:
            return None
        if not self.graph.nodes[index].is_leaf:
            return self.passes[-1][index]
        total = found[0]
        for more in found[1:]:
            total = total + more
        return total


def load_leaves(graph: Graph, max_bytes: int = DEFAULT_MAX_BYTES, runs: int = 1) -> dict[int, Any]:
    """The leaves' arrays, by node index, once all shapes are known and the memory is found to suffice.

    `runs` is how many runs of the graph the caller holds at once.

    Raises:
        SpecError: E019 for a leaf without numbers, E008 for labels out of range, E021 where the arrays
            would be too large.
    """
    check_memory(graph, max_bytes, runs)
    leaves: dict[int, Any] = {}
    for node in graph.nodes:
        if node.leaf is None:
            continue
        if node.leaf.load is None:
            raise SpecError(
                "E019",
                f"{node.name!r} has a shape but no numbers",
                at=node.leaf.at.place(),
                hint=f"give it a value, `init: normal`, or --set {node.name}=...; `backprop derive` needs none",
            )
        leaves[node.index] = np.asarray(node.leaf.load(), dtype=graph.spec.dtype)[()]
    check_leaves(graph, leaves)
    check_claims(graph, leaves)
    return leaves


def check_memory(graph: Graph, max_bytes: int, runs: int = 1) -> None:
    """Refuse a graph whose runs would take too much: known from its shapes, before anything is loaded.

    Raises:
        SpecError: E021, which names the greediest node and a limit that would do.
    """
    estimate = memory_estimate(graph, runs)
    if estimate > max_bytes:
        raise _too_large(graph, estimate, max_bytes)


def _too_large(graph: Graph, estimate: int, max_bytes: int) -> SpecError:
    """An E021 that names the greediest node and a limit that would do."""
    taken = costs(graph)
    worst = max(graph.nodes, key=lambda n: entries_of(n.shape) + (taken[n.index].entries if n.index in taken else 0))
    more = taken[worst.index].entries * ITEMSIZE[graph.spec.dtype] if worst.index in taken else 0
    return SpecError(
        "E021",
        f"the arrays would take {estimate:,} bytes, more than --max-bytes {max_bytes:,}",
        at=graph.spec.source.place(1, 1),
        hint=f"most goes to {worst.name!r}, of shape {tuple(map(int, worst.shape))}: {more:,} bytes on the way; "
        f"--max-bytes {(estimate >> 20) + 1}M would do",
    )


def seed_of(graph: Graph, run: GraphPass) -> Any:
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
        self.seeds = [seed_of(graph, run) for run in graph.passes]

    def __call__(self, leaves: Mapping[int, Any]) -> Computed:
        """The forward pass and every backward pass, in numbers."""
        graph, meaning, steps = self.graph, self.meaning, self.steps
        with np.errstate(all="ignore"):
            values = meaning.values = forward(graph, steps, meaning, leaves)
            passes = [backward(graph, steps, meaning, values, run.output, seed)
                      for run, seed in zip(graph.passes, self.seeds, strict=True)]  # fmt: skip
        return Computed(graph, values, passes, self.seeds)


def compute(graph: Graph, leaves: Mapping[int, Any]) -> Computed:
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
        warnings += [Warned("budget", graph.output_name, PLAINLY)] if notes.spent else []
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
    )


def _definitions(graph: Graph, shown: Sequence[Node], notations: tuple[str, ...]) -> dict[int, dict[str, str]]:
    """What the user wrote, as mathematics, in the notations that have it."""
    from backprop_cli.formulas.words import Words

    words = Words(graph)
    return {node.index: words.definition(node, notations) for node in shown}


def _node(
    graph: Graph,
    node: Node,
    computed: Computed,
    formulas: Mapping[int, Mapping[str, Printed | Omitted]],
    definition: Mapping[str, str],
) -> NodeResult:
    value = computed.gradient(node.index)
    return NodeResult(
        name=node.name,
        kind=node.kind,
        op=node.op.name if node.op else None,
        inputs=graph.named_inputs(node),
        expression=" ".join(node.spec.text.text.split()) if node.spec else None,
        shape=tuple(map(int, node.shape)),
        value=computed.values[node.index],
        requires_grad=node.index in graph.active,
        gradient=None if value is None else Gradient(value, formulas.get(node.index, {})),
        anonymous=node.anonymous,
        definition=definition,
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
