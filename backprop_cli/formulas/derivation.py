"""The worked solution: for each node, what its consumers contribute, the sum, and what it simplifies to.

A contribution is found by the same rules as the gradient, one consumer at a time: with the symbol δ of the
upstream gradient it is the local derivative (or, where that is no elementwise factor, the adjoint map δ ↦ ...);
with ∂L/∂consumer it is the chain rule; and with that symbol replaced *at print time* it is the substituted line,
which sympy would cancel before anybody could read it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from sympy import Add, Expr, Mul, S

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.ops.base import show
from backprop_cli.engine.passes import plan
from backprop_cli.engine.reverse import Step, go_back
from backprop_cli.formulas.algebra.evaluate import Evaluator
from backprop_cli.formulas.algebra.expr import GradSymbol, TensorSymbol, gradients_of, is_op, symbols_of, tree_size
from backprop_cli.formulas.algebra.formula import Formula, Parts, added_up
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.tidy import tidy
from backprop_cli.formulas.algebra.work import at_work
from backprop_cli.formulas.formulate import Formulation
from backprop_cli.formulas.notation import NOTATIONS, Layout
from backprop_cli.formulas.notation.index import EntryLayout
from backprop_cli.formulas.notation.numbers import numbers
from backprop_cli.formulas.reasons import reasons
from backprop_cli.formulas.stepwise import closing, rewritings
from backprop_cli.formulas.tensors import Derived, Formulas, derive, seed_formula, true_shape
from backprop_cli.formulas.words import Words
from backprop_cli.formulas.worked import (
    Algebra,
    Contribution,
    Equation,
    Maths,
    PutIn,
    Worked,
    WorkedPass,
    fits,
    shapes_of_product,
)

SHOWN = ("text",)
"""What is printed unless more is asked for; `text` always is, since it is compared."""


LONGEST = 240
"""Characters of a formula that is read; what is longer stays in the names of the gradients above."""

TOO_LONG = "put together, the formula is long; run --terms nodes prints it"


def shortened(parts: tuple[Contribution, ...]) -> tuple[tuple[Contribution, ...], bool]:
    """Contributions without the substituted lines that nobody reads, and whether there were any."""
    long = [part.substituted is not None and len(part.substituted.text) > LONGEST for part in parts]
    return tuple(replace(p, substituted=None) if cut else p for p, cut in zip(parts, long, strict=True)), any(long)


@dataclass(slots=True)
class Deriver:
    """Works out one backward pass of a graph; `values` and `gradients` where there are numbers."""

    graph: Graph
    work: Formulation
    derived: Derived
    gradients: Sequence[Any] | None
    asked: tuple[int, ...] | None = None
    digits: int = 6
    notations: tuple[str, ...] = SHOWN
    steps: dict[int, Step] = field(init=False)
    meaning: Formulas = field(init=False)
    words: Words = field(init=False)
    reached: dict[int, Expr | None] = field(default_factory=dict)  # by consumer, where a step was put together

    def __post_init__(self) -> None:
        self.words = Words(self.graph)
        self.meaning = Formulas(self.derived.symbols, self.derived.run, chained=False)
        self.steps = {step.place: step for step in plan(self.graph, self.meaning)}

    # printing ────────────────────────────────────────────────────────────────────────────────────

    @property
    def decimals(self) -> bool:
        """Whether numbers print as decimals."""
        return self.derived.symbols.facts.decimals

    def maths(self, expr: Expr, replaced: Mapping[TensorSymbol, Expr] | None = None) -> Maths:
        """An expression; `replaced` symbols print as what they stand for."""
        resolve = (replaced or {}).get
        made = self.derived.symbols
        settings = resolve, made.unit, made.graph.names, made.facts.decimals
        return self.each(lambda name: Layout(NOTATIONS[name], *settings)(expr))

    def each(self, written: Callable[[str], str]) -> Maths:
        """A formula in each notation."""
        return Maths({name: written(name) for name in self.notations})

    def partial(self, name: str) -> Maths:
        """∂output/∂name."""
        return self.each(lambda n: NOTATIONS[n].gradient(self.derived.run.name, name))

    def own_words(self, node: Node) -> Maths:
        """What the user wrote, typeset; a node without an expression of its own by its op."""
        if node.spec is None:
            return self.maths(self.derived.symbols.fold(self.derived.symbols.definitions[node.index]))
        spec = node.spec
        return self.each(lambda name: self.words(spec, name))

    def label(self, node: Node) -> str:
        """A node's name; the output's own words where it is an expression."""
        return self.derived.run.name if node.index == self.derived.run.output else node.name

    # one contribution ────────────────────────────────────────────────────────────────────────────

    def consumers(self, node: Node) -> list[Node]:
        """The named nodes that use a node directly, latest first."""
        users = [
            n
            for n in self.graph.nodes
            if n.op is not None
            and n.index in self.graph.active
            and (not n.anonymous or n.index == self.derived.run.output)
        ]
        return [n for n in reversed(users) if node.name in self.graph.named_inputs(n)]

    def contribution(self, consumer: Node, target: Node) -> Contribution | None:
        """What flows from a consumer to one of the nodes it uses."""
        delta = self.derived.symbols.known(GradSymbol("δ", consumer.shape, consumer.index))
        notes: dict[str, None] = {}
        expr = self.flow(consumer, target, Formula(delta, consumer.shape), notes)
        if expr is None:
            return None
        upstream = self.meaning.gradient_symbol(consumer)
        plain = TensorSymbol("δ", consumer.shape, consumer.index)
        factor = Mul(*[a for a in Mul.make_args(expr) if a is not delta])
        elementwise = delta in Mul.make_args(expr) and not factor.has(delta)
        chain = {delta: upstream}
        chained = self.derived.nodes.get(consumer.index)
        known = chained is not None and (
            consumer.index == self.derived.run.output or not gradients_of(chained) - {upstream}
        )
        return Contribution(
            consumer=self.label(consumer), name=self.named(self.label(consumer)), definition=self.own_words(consumer),
            local=Equation(self.slope(consumer, target, elementwise),
                           self.maths(factor if elementwise else expr, {delta: plain})), is_map=not elementwise,
            upstream=self.partial(self.label(consumer)), chain=self.maths(expr, chain),
            substituted=self.substituted(expr, delta, chained) if known and chained is not None else None,
            notes=tuple(notes), reasons=reasons(self.graph, consumer, target),
            shapes=shapes_of_product(expr, target), entry=self.entry(expr.xreplace(chain), target),
            algebra=self.algebra(consumer, expr, delta, chained) if known and chained is not None else (),
        )  # fmt: skip

    def algebra(self, consumer: Node, expr: Expr, delta: GradSymbol, chained: Expr) -> tuple[Algebra, ...]:
        """What happens between the substituted line and what it simplifies to, part by part."""
        if chained == 1 or tree_size(chained) > LONGEST // 4:
            return ()
        found: dict[tuple[str, str], Algebra] = {}
        steps, self.reached[consumer.index] = rewritings(expr, delta, chained, self.derived.symbols.facts)
        for one in steps:
            before, after = self.maths(one.before, one.meant), self.maths(one.after)
            if before.text != after.text and len(before.text) <= LONGEST:
                found.setdefault((before.text, after.text), Algebra(before, after, one.law))
        return tuple(found.values())

    def slope(self, consumer: Node, target: Node, elementwise: bool) -> Maths:
        """∂z/∂x, or δ for the map from it."""
        if elementwise:
            return self.each(lambda n: NOTATIONS[n].gradient(self.label(consumer), target.name))
        return self.named("δ")

    def named(self, name: str) -> Maths:
        """A name, or the output's own words."""
        return self.each(lambda n: NOTATIONS[n].label(name))

    def entry(self, expr: Expr, target: Node) -> Equation | None:
        """One step in index notation."""
        if not target.shape:
            return None
        left, whole = self.meaning.gradient_symbol(target), true_shape(expr, target.shape)
        layouts = {name: EntryLayout(NOTATIONS[name], decimals=self.decimals) for name in self.notations}
        sides = {name: layout.sides(whole, left) for name, layout in layouts.items()}
        return Equation(*(Maths({name: side[i] for name, side in sides.items()}) for i in (0, 1)))

    def whole_chain(self, node: Node) -> Maths | None:
        """∂E/∂out · ∂out/∂net · ∂net/∂w, where one way of scalars leads from a node to the output."""
        way = [node]
        while way[-1].index != self.derived.run.output:
            users = self.consumers(way[-1])
            if len(users) != 1 or users[0].shape or way[-1].shape or way[-1].index in self.graph.hooks:
                return None
            way.append(users[0])
        slopes = [(self.label(after), before.name) for before, after in pairwise(way)][::-1]
        if len(slopes) < 2:
            return None
        return self.each(lambda n: NOTATIONS[n].times(S.One, S.One).join(NOTATIONS[n].gradient(*s) for s in slopes))

    def numbers(self, node: Node, exprs: Mapping[int, Expr]) -> PutIn | None:
        """One step, or the whole formula, with its numbers put in: of a scalar, or of one entry."""
        expr = exprs.get(node.index)
        if self.work.values is None or self.gradients is None or expr is None or not symbols_of(expr):
            return None
        shape = tuple(map(int, node.shape))
        at = self.asked if self.asked is not None and fits(self.asked, shape) else (0,) * len(shape)
        if 0 in shape:
            return None
        evaluator = Evaluator(self.work.values, self.gradients, self.graph.spec.dtype)
        found = f"{float(self.gradients[node.index][at]):.{self.digits}g}"
        text = numbers(evaluator, self.digits, "text", self.decimals).put_in(expr, at)
        if text is None or text == found:
            return None
        given = self.each(lambda n: numbers(evaluator, self.digits, n, self.decimals).put_in(expr, at) or "")
        letters = tuple(map(str, at))
        left = self.each(lambda n: NOTATIONS[n].gradient_at(self.derived.run.name, self.label(node), letters))
        shown = self.each(lambda n: NOTATIONS[n].figure(found))
        return PutIn(at, left if at else self.partial(self.label(node)), given, shown)

    def substituted(self, expr: Expr, delta: GradSymbol, chained: Expr) -> Maths:
        """The chain line with the consumer's formula in it; a factor 1 is not worth writing."""
        if chained == 1 or is_op(chained, "ones") and delta in Mul.make_args(expr):
            return self.maths(expr.xreplace({delta: S.One}))
        return self.maths(expr, {delta: chained})

    def flow(self, consumer: Node, target: Node, g: Formula, notes: dict[str, None]) -> Expr | None:
        """The reverse pass through one consumer's expression alone, down to one named node."""
        steps = self.within(consumer, target)
        for step in steps:
            if any(edge.operand == target.index and edge.narrow is not None for edge in step.edges):
                self.note(step.node, target, notes)
        symbols = self.derived.symbols
        gradients: dict[int, Formula | Parts | None] = defaultdict(lambda: None, {consumer.index: g})
        go_back(steps, symbols.nodes, gradients, self.meaning.unbroadcast, lambda _, gradient: added_up(gradient))
        found = gradients[target.index]
        return None if found is None else tidy(recognised(symbols.fold(added_up(found).expr)), symbols.facts)

    def within(self, consumer: Node, target: Node) -> list[Step]:
        """The steps of a consumer's expression that a gradient comes to, from the last to the first."""
        found, pending = [], {consumer.index}
        while pending:
            index = max(pending)
            pending.discard(index)
            if index in self.steps:
                found.append(self.steps[index])
                inner = {edge.operand for edge in found[-1].edges if edge.operand != target.index}
                pending |= {operand for operand in inner if self.graph.nodes[operand].anonymous}
        return found

    def note(self, node: Node, operand: Node, notes: dict[str, None]) -> None:
        """Why a sum appears: the operand was repeated along some axes."""
        if node.op is None or node.op.name == "matmul":
            return
        extra = len(node.shape) - len(operand.shape)
        axes = [*range(extra), *(extra + i for i, s in enumerate(operand.shape) if s != node.shape[extra + i])]
        if axes:
            where = ", ".join(map(str, axes))
            notes[
                f"{operand.name} was broadcast from {show(operand.shape)} to {show(node.shape)}, "
                f"so its gradient is summed over {'axis' if len(axes) == 1 else 'axes'} {where}"
            ] = None

    # one node ────────────────────────────────────────────────────────────────────────────────────

    def worked(self, node: Node) -> Worked:
        """The derivation of one node's gradient."""
        facts = self.derived.symbols.facts
        facts.used.clear()
        with at_work(facts.work):
            self.reached.clear()
            found = [self.contribution(c, node) for c in self.consumers(node)]
            parts = tuple(c for c in found if c is not None)
            self.touch_facts(node, parts)
        is_output = node.index == self.derived.run.output
        parts, long = shortened(parts)
        seed = self.seed(node) if is_output else None
        simplified = self.simplified(node, parts, seed)
        if simplified is not None and len(simplified.text) > LONGEST:
            simplified, long = None, True
        return Worked(
            name=self.label(node), left=self.partial(self.label(node)), shape=tuple(map(int, node.shape)),
            contributions=parts, why=self.why(node) if simplified is not None else "",
            total=self.total(parts, seed), simplified=simplified, seed=seed,
            notes=(*self.notes(node), *([TOO_LONG] if long and simplified is None else [])),
            facts=tuple(facts.used.values()),
            value=None if self.gradients is None else self.gradients[node.index], hooked=node.index in self.graph.hooks,
            numbers=None if node.index in self.graph.hooks else self.numbers(node, self.derived.local),
            chain=(chain := self.whole_chain(node)),
            chain_numbers=None if chain is None else self.numbers(node, self.derived.nodes),
        )  # fmt: skip

    def why(self, node: Node) -> str:
        """Why the parts together are the final form, where each was put together and something is left to do."""
        parts, final = list(self.reached.values()), self.derived.nodes[node.index]
        if not parts or None in parts or node.index in self.graph.hooks:
            return ""
        total = Add(*(part for part in parts if part is not None))
        facts = self.derived.symbols.facts
        return "" if self.maths(total).text == self.maths(final).text else closing(total, final, facts)

    def seed(self, node: Node) -> Maths:
        """Where the pass starts: 1, ones, or what the spec gives as `grad_output`."""
        expr = seed_formula(self.meaning).expr
        if isinstance(expr, GradSymbol):
            return self.each(lambda n: NOTATIONS[n].said("grad_output, as given"))
        return self.maths(true_shape(expr, node.shape))

    def touch_facts(self, node: Node, parts: tuple[Contribution, ...]) -> None:
        """Run the chained rules once more, for the facts that they announce."""
        for part in parts:
            consumer = next(c for c in self.consumers(node) if self.label(c) == part.consumer)
            chained = self.derived.nodes.get(consumer.index)
            if chained is not None:
                self.flow(consumer, node, Formula(chained, consumer.shape), {})

    def notes(self, node: Node) -> tuple[str, ...]:
        """A hook is said in words."""
        hook = self.graph.hooks.get(node.index)
        if hook is None:
            return ()
        words = " ".join(hook.scope.text.text.split())
        return (f"a hook replaces the gradient that arrives at {node.name} by {words}",)

    def total(self, parts: tuple[Contribution, ...], seed: Maths | None) -> Maths | None:
        """The contributions of all paths, side by side."""
        if len(parts) + (seed is not None) < 2:
            return None
        sides = [*([seed] if seed else []), *(p.chain for p in parts)]
        return self.each(lambda n: NOTATIONS[n].plus.join(_bracketed(m, n) for m in sides))

    def simplified(self, node: Node, parts: tuple[Contribution, ...], seed: Maths | None) -> Maths | None:
        """The formula in node names; None where a line says it already."""
        expr = self.derived.nodes.get(node.index)
        if expr is None or gradients_of(expr) - {self.derived.gradients.get(self.derived.run.output)}:
            return None
        final = self.maths(expr)
        said = (
            {p.chain.text for p in parts} | {p.substituted.text for p in parts if p.substituted}
            if len(parts) == 1
            else set()
        )
        is_seed = seed is not None and (final.text == seed.text or isinstance(expr, GradSymbol))
        return None if final.text in said or is_seed else final


def _bracketed(maths: Maths, notation: str) -> str:
    """A side of a sum; one that starts with a minus is bracketed."""
    return NOTATIONS[notation].bracket(maths[notation]) if maths.text.startswith("-") else maths[notation]


def in_all(worked: Sequence[WorkedPass], graph: Graph, notations: tuple[str, ...] = SHOWN) -> tuple[WorkedPass, ...]:
    """The derivations of a spec that was taken apart, each leaf's with its formula in the names of the spec itself."""
    made = Formulation(graph, ("nodes",), SHOWN, None).made
    found = []
    for one, run in zip(worked, graph.passes, strict=True):
        derived = derive(made, run, ("nodes",))
        deriver = Deriver(graph, Formulation(graph, ("nodes",), SHOWN, None), derived, None, notations=notations)
        nodes = {n.name: derived.nodes[n.index] for n in graph.named() if n.is_leaf and n.index in derived.nodes}
        with at_work(made.facts.work):
            listed = [replace(w, in_all=deriver.maths(nodes[w.name])) if w.name in nodes else w for w in one.worked]
        found.append(replace(one, worked=tuple(listed)))
    return tuple(found)


def work_out(
    graph: Graph,
    names: Sequence[str] = (),
    values: Sequence[Any] | None = None,
    passes: Sequence[Sequence[Any]] | None = None,
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
    work = Formulation(graph, ("local", "nodes"), SHOWN, values)
    found = []
    for position, run in enumerate(graph.passes):
        derived = derive(work.made, run, ("local", "nodes"))
        deriver = Deriver(graph, work, derived, passes[position] if passes else None, entry, digits,
                          notations)  # fmt: skip
        wanted = [n for n in reversed(graph.nodes) if n.index in derived.local and n.index in graph.active
                  and (not n.anonymous or n.index == run.output) and (not names or n.name in names)]  # fmt: skip
        worked = []
        for done, node in enumerate(wanted, 1):
            worked.append(deriver.worked(node))
            if progress is not None:
                progress(done, len(wanted))
        found.append(WorkedPass(run.name, tuple(worked)))
    return tuple(found)


def local_derivatives(graph: Graph) -> dict[tuple[str, str], str]:
    """∂consumer/∂operand for each edge along which a gradient comes back, or the map δ ↦ ... that stands for it."""
    work = Formulation(graph, ("local",), ("text",), None)
    derived = derive(work.made, graph.passes[-1], ("local",))
    deriver = Deriver(graph, work, derived, None)
    found = {}
    targets = [node for node in graph.nodes if node.index in derived.local]
    with at_work(work.made.facts.work):
        for target, consumer in ((n, consumer) for n in targets for consumer in deriver.consumers(n)):
            part = deriver.contribution(consumer, target)
            if part is not None:
                slope = part.local.right.text
                found[target.name, part.consumer] = f"δ ↦ {slope}" if part.is_map else slope
    return found


__all__ = ["Contribution", "Maths", "Worked", "WorkedPass", "local_derivatives", "work_out"]
