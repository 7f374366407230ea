"""The worked solution: for each node, what its consumers contribute, the sum, and what it simplifies to.

A contribution is found by the same rules as the gradient, one consumer at a time: with the symbol δ of the
upstream gradient it is the local derivative (or, where that is no elementwise factor, the adjoint map δ ↦ ...);
with ∂L/∂consumer it is the chain rule; and with that symbol replaced *at print time* it is the substituted line,
which sympy would cancel before anybody could read it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.formulas.algebra.expr import GradSymbol, symbols_of
from backprop_cli.formulas.algebra.work import at_work
from backprop_cli.formulas.derivation.deriver import Deriver
from backprop_cli.formulas.derivation.in_short import Shortly, room_for
from backprop_cli.formulas.derivation.printing import SHOWN
from backprop_cli.formulas.formulation import Formulation
from backprop_cli.formulas.notation import notation_of
from backprop_cli.formulas.symbols import Trial
from backprop_cli.formulas.tensors import derive
from backprop_cli.formulas.words import Wording
from backprop_cli.formulas.worked import Contribution, Equation, Maths, Worked, WorkedPass
from backprop_cli.records import replace


def in_all(worked: Sequence[WorkedPass], graph: Graph, notations: tuple[str, ...] = SHOWN) -> tuple[WorkedPass, ...]:
    """The derivations of a spec that was taken apart, each leaf's with its formula in the names of the spec itself."""
    symbols = Formulation(graph, ("nodes",), SHOWN, None).symbols
    found = []
    for one, run in zip(worked, graph.passes, strict=True):
        derived = derive(symbols, run, ("nodes",))
        deriver = Deriver(graph, Formulation(graph, ("nodes",), SHOWN, None), derived, None, notations=notations)
        nodes = {n.name: derived.nodes[n.index] for n in graph.named() if n.is_leaf and n.index in derived.nodes}
        with at_work(symbols.facts.work):
            listed = [replace(w, in_all=deriver.maths(nodes[w.name])) if w.name in nodes else w for w in one.worked]
        found.append(replace(one, worked=tuple(listed)))
    return tuple(found)


def work_out(
    graph: Graph,
    names: Sequence[str] = (),
    values: Sequence[Array] | None = None,
    passes: Sequence[Sequence[Array]] | None = None,
    entry: tuple[int, ...] | None = None,
    digits: int = 6,
    notations: tuple[str, ...] = SHOWN,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[WorkedPass, ...]:
    """The derivations of the named nodes (all that have a gradient by default), the output first, pass by pass.

    `values` and `passes` are the numbers of a run, or None for a spec that has shapes alone; `entry` is the one whose
    numbers are put in, where a gradient has it (else the first), in so many `digits`; `progress` is told how many of
    how many are done.
    """
    trial = None if values is None else Trial(values, passes or ())
    work = Formulation(graph, ("local", "nodes"), SHOWN, values, trial=trial)
    found = []
    announced, room = False, room_for(graph)
    shortly = Shortly(graph, values, passes, notations)
    for position, run in enumerate(graph.passes):
        derived = derive(work.symbols, run, ("local", "nodes"))
        announced |= bool(work.symbols.facts.used)
        deriver = Deriver(graph, work, derived, passes[position] if passes else None, entry, digits,
                          notations, room, announced)  # fmt: skip
        wanted = [n for n in reversed(graph.nodes) if n.index in derived.local and n.index in graph.active
                  and (not n.anonymous or n.index == run.output) and (not names or n.name in names)]  # fmt: skip
        worked = []
        for done, node in enumerate(wanted, 1):
            worked.append(shortly.worked(deriver, position, node) if room.spent else deriver.worked(node))
            if progress is not None:
                progress(done, len(wanted))
        used = [symbol.name for node in wanted for symbol in symbols_of(derived.local[node.index])
                if not isinstance(symbol, GradSymbol)]  # fmt: skip
        kept = tuple(n.name for n in graph.named() if n.op is not None and n.name in used)
        found.append(WorkedPass(run.name, tuple(worked), kept))
    return tuple(found)


def definitions(graph: Graph, notations: tuple[str, ...] = SHOWN) -> tuple[Equation, ...]:
    """What the nodes of a spec that was taken apart stand for, each in its writer's own words, the output first."""
    words, told = Wording(graph), {name: notation_of(name, tuple(graph.names)) for name in notations}
    return tuple(
        Equation(*(Maths({name: written(node, name) for name in notations})
                   for written in (lambda node, name: told[name].label(node.name), words)))
        for node in reversed(graph.spec.nodes)
    )  # fmt: skip


def local_derivatives(graph: Graph) -> dict[tuple[str, str], str]:
    """∂consumer/∂operand for each edge along which a gradient comes back, or the map δ ↦ ... that stands for it."""
    work = Formulation(graph, ("local",), ("text",), None)
    derived = derive(work.symbols, graph.passes[-1], ("local",))
    deriver = Deriver(graph, work, derived, None)
    found = {}
    targets = [node for node in graph.nodes if node.index in derived.local]
    with at_work(work.symbols.facts.work):
        for target, consumer in ((n, consumer) for n in targets for consumer in deriver.consumers(n)):
            part = deriver.contribution(consumer, target)
            if part is not None:
                slope = part.local.right.text
                found[target.name, part.consumer] = f"δ ↦ {slope}" if part.is_map else slope
    return found


__all__ = ["Contribution", "Maths", "Worked", "WorkedPass", "definitions", "local_derivatives", "work_out"]
