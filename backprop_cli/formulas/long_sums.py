"""The reverse pass of formulas takes a sum of many terms in one step: a + b + c + ... is a node for each of its signs.

All of them but the outermost have one user and no name, and hand on what they get; so its terms get it from the
outermost at once. What each was given is known all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.reverse import Edge, Step


def taken_at_once(graph: Graph, steps: Sequence[Step]) -> tuple[list[Step], Mapping[int, Sequence[int]]]:
    """The steps that are left, and by the outermost node of a sum the others of it, whose steps these are.

    A sum of which one term alone has a gradient does not fork, so it stays: where gradients fork they get names.
    """
    users = Counter(i for node in graph.nodes for i in node.inputs)
    kept = {run.output for run in graph.passes} | graph.hooks.keys()
    sums = {s.place: s for s in steps if len(s.edges) > 1 and s.node.op is not None and s.node.op.name == "add"}
    inner = {place for place, s in sums.items() if s.node.anonymous and users[place] == 1 and place not in kept}
    within: dict[int, list[int]] = {}
    taken: set[int] = set()
    for step in reversed(steps):  # the outermost first
        if step.place in sums and step.place not in taken:
            edges: list[Edge] = []
            left = list(step.edges)
            while left:
                edge = left.pop()
                if edge.operand in inner and edge.narrow is None:
                    within.setdefault(step.place, []).append(edge.operand)
                    left += sums[edge.operand].edges
                else:
                    edges.append(edge)
            taken.update(within.get(step.place, ()))
            step.edges = tuple(edges)
    return [step for step in steps if step.place not in taken], within
