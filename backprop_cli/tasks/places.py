"""Where something is found in a run, in words: the node that a user named, an entry, a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph

LISTED = 5


def named_user(graph: Graph, index: int) -> str:
    """The name of a node, or of the first named node that uses an anonymous one."""
    wanted = {index}
    for node in graph.nodes[index:]:
        if node.index == index or not wanted.isdisjoint(node.inputs):
            if not node.anonymous and node.kind != "constant":
                return node.name
            wanted.add(node.index)
    return graph.output_name


def entry_text(index: Sequence[int]) -> str:
    """[1, 2]; nothing for a scalar."""
    return f"[{', '.join(map(str, index))}]" if len(index) else ""


def listed(indices: Sequence[tuple[int, ...]]) -> str:
    """` at [0], [2] and 3 more`; nothing for a scalar."""
    if not indices or indices[0] == ():
        return ""
    more = f" and {len(indices) - LISTED} more" if len(indices) > LISTED else ""
    return f" at {', '.join(map(entry_text, indices[:LISTED]))}{more}"


def where(mask: Any) -> list[tuple[int, ...]]:
    """The entries that a mask has."""
    return [tuple(map(int, index)) for index in np.argwhere(mask)]


def number_text(value: Any, index: tuple[int, ...]) -> str:
    """An entry's number."""
    return f"{float(np.asarray(value)[index]):.6g}"
