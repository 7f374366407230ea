"""Gradients whose steps are left out: a derivation that nobody would read to its end ends in formulas alone.

Where each of n nodes uses all before it there are n²/2 steps, each as long as a definition: n³ characters.  So there is
room for what grows with the number of nodes; a node that finds none has the compact formula of a run in place of its
steps, and is told in full where it is the only one that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.ops.base import show
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.formulas.algebra.budget import Budget
from backprop_cli.formulas.derivation.deriver import Deriver
from backprop_cli.formulas.formulate import formulate
from backprop_cli.formulas.printed import Omitted, PassFormulas, used_by
from backprop_cli.formulas.remarks import STEPS_LEFT_OUT
from backprop_cli.formulas.worked import Equation, InShort, Maths, Worked
from backprop_cli.notices import notice
from backprop_cli.records import dataclass, field

ROOM = 150_000
"""Characters: some seventy pages."""

A_NODE = 1_500
"""So many besides for each node and each pass: a long spec of small steps is told in full."""


def room_for(graph: Graph) -> Budget:
    """What the derivation of a graph may be written in."""
    return Budget(ROOM + A_NODE * (sum(1 for _ in graph.named()) + len(graph.passes)))


@dataclass(slots=True)
class Shortly:
    """Tells gradients by their compact formulas, which are found once the first is asked for."""

    graph: Graph
    values: Sequence[Array] | None
    passes: Sequence[Sequence[Array]] | None
    notations: tuple[str, ...]
    formulas: Sequence[PassFormulas] = ()
    done: set[tuple[int, str]] = field(default_factory=set)  # the δ that were told, pass by pass

    def worked(self, deriver: Deriver, position: int, node: Node) -> Worked:
        """What is told of a node in one of the passes."""
        if not self.formulas:
            notice(STEPS_LEFT_OUT)
            self.formulas, *_ = formulate(self.graph, self.values, self.passes, ("compact",), self.notations)
        return Worked(
            name=deriver.label(node), left=deriver.partial(deriver.label(node)),
            shape=show(node.shape) if node.shape else "", contributions=(), total=None, simplified=None, seed=None,
            notes=(), facts=(), value=None if deriver.gradients is None else deriver.gradients[node.index],
            in_short=self.in_short(deriver, position, node),
        )  # fmt: skip

    def in_short(self, deriver: Deriver, position: int, node: Node) -> InShort:
        """Its users and its formula, after the δ that are new in it."""
        users = tuple(deriver.label(user) for user in deriver.consumers(node))
        formulas = self.formulas[position]
        found = formulas.get(node.index, {}).get("compact")
        if found is None or isinstance(found, Omitted):
            return InShort(users, (), None, "" if found is None else found.why)
        new = used_by([found], formulas.where, {name for at, name in self.done if at == position})
        self.done.update((position, named.name["code"]) for named in new)
        where = tuple(Equation(Maths(named.name), Maths(named.formula.written)) for named in new)
        return InShort(users, where, Maths(found.written))
