"""The Jacobian of a node by another, as a formula: from one reverse pass, whose seed is a symbol."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain, count

import numpy as np
from sympy import Expr

from backprop_cli.engine.graph import Graph, GraphPass
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.formulas.algebra.expr import GradSymbol, TensorSymbol, gradients_of, symbols_of
from backprop_cli.formulas.algebra.tidy import term_by_term
from backprop_cli.formulas.algebra.work import at_work
from backprop_cli.formulas.linear.indices import Indexing
from backprop_cli.formulas.linear.letters import NotLinearError
from backprop_cli.formulas.linear.terms import jacobian_entries
from backprop_cli.formulas.linear.writing import WRITTEN, Writing, Written
from backprop_cli.formulas.notation import layout_of
from backprop_cli.formulas.notation.exact import named
from backprop_cli.formulas.printed import Omitted, Printed
from backprop_cli.formulas.symbols import Symbols, Trial, symbols
from backprop_cli.formulas.tensors import derive
from backprop_cli.records import dataclass, replace

MOST_LETTERS = 60  # of a Jacobian's sums: nobody reads more, and finding where they meet takes their square

UNNAMED = "a part of it that has no name is too long to be written out; name some parts of the expression"


@dataclass(frozen=True, slots=True)
class Reverse:
    """The reverse pass from an output with a symbol for its seed: it finds every leaf's formula at once."""

    symbols: Symbols
    nodes: Mapping[int, Expr]
    seed: GradSymbol | None
    used: Mapping[str, str]  # the facts that the pass rests on
    left: int  # of the budget of its algebra
    taken: int  # of it, by the pass

    @classmethod
    def of(cls, graph: Graph, values: Sequence[Array] | None, run: GraphPass,
           passes: Sequence[Sequence[Array]] = ()) -> Reverse:  # fmt: skip
        """Go back.

        Args:
            graph: the computation.
            values: the numbers of a run, in which facts are seen; None where there are none.
            run: the output.
            passes: gradients in that run, of any seed.
        """
        made = symbols(graph, values, trial=None if values is None else Trial(values, passes))
        shape = tuple(map(int, graph.nodes[run.output].shape))
        seeded = replace(run, seed=np.full(shape, 0.5))  # no seed that is a whole number: a symbol
        before = made.facts.budget.left
        found = derive(made, seeded, ("nodes",)).nodes
        left = made.facts.budget.left
        return cls(made, found, made.gradients.get(run.output), dict(made.facts.used), left, before - left)

    @property
    def taken_since(self) -> int:
        """Terms that what was written last visited."""
        return self.left - self.symbols.facts.budget.left

    def afresh(self) -> Symbols:
        """The symbols, as they are right after the pass: what was written of another leaf is no fact of this one."""
        facts = self.symbols.facts
        facts.used.clear()
        facts.used.update(self.used)
        facts.budget.left = self.left
        return self.symbols


def jacobian_formula(reverse: Reverse, index: int, small: int) -> Written:
    """The formula of ∂output/∂node, where the reverse pass from the output comes to one.

    Args:
        reverse: the pass.
        index: the node.
        small: up to so many entries, each has a formula of its own.
    """
    made = reverse.afresh()
    graph, seed = made.graph, reverse.seed
    vjp = reverse.nodes.get(index)
    if vjp is None:
        return Written(Omitted("the output does not depend on it"))
    if seed is None or gradients_of(vjp) - {seed}:
        return Written(Omitted("chained through, it would be too long; name a node nearer to the output"))
    if _holds_unnamed(graph, vjp):
        return Written(Omitted(UNNAMED))
    with at_work(made.facts.work):
        vjp = term_by_term(vjp, made.facts)  # which are of other entries
    try:
        entries = jacobian_entries(vjp, seed, graph.nodes[index].shape)
    except NotLinearError as error:
        return Written(Omitted(f"no formula: {error} is not taken apart entry by entry; see --vector"))
    if len(entries.letters) > MOST_LETTERS:
        return Written(Omitted(f"entry by entry it would have {len(entries.letters)} letters; see --vector"))
    with at_work(made.facts.work):
        work = Writing(made, entries, Indexing(entries))
        few = math.prod(work.shape) <= small
        found = work.written(few)
        brief = work.brief(few, found)
    rows = None if found.literal else work.rows()
    facts = (*made.facts.used.values(), *([] if found.literal else work.said()))
    where = tuple(work.made(found.formula)) if isinstance(found.formula, Printed) else ()
    return replace(found, facts=facts, rows=rows, brief=brief, entries=work.each() if few else {}, where=where)


def _holds_unnamed(graph: Graph, vjp: Expr) -> bool:
    """Whether a part has no name and was too long to be written out: nobody could read it."""
    return any(graph.nodes[symbol.index].anonymous for symbol in symbols_of(vjp) if not isinstance(symbol, GradSymbol))


def product_formula(reverse: Reverse, index: int) -> Printed | Omitted:
    """The vector-Jacobian product with a vector `v` as a formula."""
    made, vjp, seed = reverse.symbols, reverse.nodes.get(index), reverse.seed
    graph = made.graph
    if vjp is None or seed is None or gradients_of(vjp) - {seed}:
        return Omitted("chained through, it would be too long")
    if _holds_unnamed(graph, vjp):
        return Omitted(UNNAMED)
    letter = next(n for n in chain(("v", "u"), (f"v_{k}" for k in count())) if n not in graph.names)
    expr = vjp.xreplace({seed: TensorSymbol(letter, seed.shape, seed.position)})
    layouts = {name: layout_of(name, named, made.unit, graph.names, made.facts.style) for name in WRITTEN}
    return Printed({name: layout(expr) for name, layout in layouts.items()})
