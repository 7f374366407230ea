"""A sum of many terms in one step: a + b + c + ... is a node for each of its signs.

All of them but the outermost have one user and no name: nobody reads what they are, and they hand on what they get. So
the outermost is defined as the sum of all terms, and in the reverse pass these get its gradient at once. What each
part was given is known all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.reverse import Edge, Step


def parts_of_sums(graph: Graph) -> frozenset[int]:
    """The sums that are a part of another sum alone.

    A sum of which one term alone has a gradient does not fork, so it stays: where gradients fork they get names.
    """
    users = Counter(i for node in graph.nodes for i in node.inputs)
    kept = {run.output for run in graph.passes} | graph.hooks.keys()
    active = graph.active
    sums = {node.index: node for node in graph.nodes if node.op is not None and node.op.name == "add"
            and node.index in active and active.issuperset(node.inputs)}  # fmt: skip
    inner = {i for i, node in sums.items() if node.anonymous and users[i] == 1 and i not in kept}
    return frozenset(i for node in sums.values() for i in node.inputs if i in inner and sums[i].shape == node.shape)


def terms_of(graph: Graph, node: Node, parts: frozenset[int]) -> Iterator[int]:
    """What a sum adds up, through its parts."""
    stack = [*reversed(node.inputs)]
    while stack:
        index = stack.pop()
        if index in parts:
            stack.extend(reversed(graph.nodes[index].inputs))
        else:
            yield index


def taken_at_once(steps: Sequence[Step], parts: frozenset[int]) -> tuple[list[Step], Mapping[int, Sequence[int]]]:
    """The steps that are left, and by the outermost node of a sum the parts of it, whose steps these are."""
    sums = {step.place: step for step in steps if step.place in parts}
    within: dict[int, list[int]] = {}
    for step in steps:
        if step.place in parts or parts.isdisjoint(step.inputs):
            continue
        edges: list[Edge] = []
        left = list(step.edges)
        while left:
            edge = left.pop()
            if (operand := edge[0]) in parts:
                within.setdefault(step.place, []).append(operand)
                left += sums[operand].edges
            else:
                edges.append(edge)
        step.edges = tuple(edges)
    return [step for step in steps if step.place not in parts], within
