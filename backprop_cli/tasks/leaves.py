"""The arrays of a run's leaves: what memory they take, what they hold, and whether it is what their users take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, Node, memory_estimate
from backprop_cli.engine.graph.memory import ITEMSIZE, costs, entries_of, nodes_estimate
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.errors import SpecError
from backprop_cli.tasks.places import entry_text, named_user, number_text, where

DEFAULT_MAX_BYTES = 1 << 30

A_NUMBER = 280
"""Bytes that a number takes while it is written into a script or a spec, as measured."""


def has_numbers(graph: Graph) -> bool:
    """Whether every leaf has a value."""
    return all(node.leaf is None or node.leaf.load is not None for node in graph.nodes)


def load_leaves(graph: Graph, max_bytes: int = DEFAULT_MAX_BYTES, runs: int = 1, beside: int = 0) -> dict[int, Any]:
    """The leaves' arrays, by node index, once all shapes are known and the memory is found to suffice.

    `runs` is how many runs of the graph the caller holds at once, `beside` the bytes of what it holds beside them.

    Raises:
        SpecError: E019 for a leaf without numbers, E008 for labels out of range, E021 where the arrays
            would be too large.
    """
    check_memory(graph, max_bytes, runs, beside)
    leaves: dict[int, Array] = {}
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
    if any(leaf.claims for leaf in graph.spec.leaves):  # few specs have some
        from backprop_cli.tasks.claims import check_claims

        check_claims(graph, leaves)
    return leaves


def check_memory(graph: Graph, max_bytes: int, runs: int = 1, beside: int = 0) -> None:
    """Refuse a graph whose runs would take too much: known from its shapes, before anything is loaded.

    Raises:
        SpecError: E021, which names the greediest node and a limit that would do.
    """
    estimate = memory_estimate(graph, runs) + beside
    if estimate > max_bytes:
        raise _too_large(graph, estimate, max_bytes, beside)


KEPT_BESIDE = "what a rule holds, the loss of each step and the params of each --every, or numbers that are written"


def _too_large(graph: Graph, estimate: int, max_bytes: int, beside: int) -> SpecError:
    """An E021 that names the greediest node, or what is greedier than all of them, and a limit that would do."""
    room = f"--max-bytes {(estimate >> 20) + 1}M would do"
    if 2 * beside > estimate:
        message = f"it would take {estimate:,} bytes, more than --max-bytes {max_bytes:,}"
        hint = f"{beside:,} bytes of these are {KEPT_BESIDE}; {room}"
        return SpecError("E021", message, at=graph.spec.source.place(1, 1), hint=hint)
    nodes = nodes_estimate(graph)
    if 2 * nodes > estimate:
        message = f"the nodes would take {estimate:,} bytes, more than --max-bytes {max_bytes:,}"
        hint = f"{len(graph.nodes):,} nodes, parts of expressions among them, take {nodes:,} of these; {room}"
        return SpecError("E021", message, at=graph.spec.source.place(1, 1), hint=hint)
    taken = costs(graph)
    worst = max(graph.nodes, key=lambda n: entries_of(n.shape) + (taken[n.index].entries if n.index in taken else 0))
    more = taken[worst.index].entries * ITEMSIZE[graph.spec.dtype] if worst.index in taken else 0
    return SpecError(
        "E021",
        f"the arrays would take {estimate:,} bytes, more than --max-bytes {max_bytes:,}",
        at=graph.spec.source.place(1, 1),
        hint=f"most goes to {worst.name!r}, of shape {tuple(map(int, worst.shape))}: {more:,} bytes on the way; {room}",
    )


# ── labels, positions and masks ──────────────────────────────────────────────────────────────────

IGNORED = -100
"""The label that PyTorch leaves out unless told otherwise."""


def check_leaves(graph: Graph, leaves: Mapping[int, Array]) -> None:
    """Labels and positions are whole numbers in range, and an attention mask is 0/1, where they are leaves.

    Raises:
        SpecError: E008 for the first entry that is not.
    """
    for node in graph.nodes:
        if node.op is None:
            continue
        if node.op.allowed is not None:
            _check_positions(graph, node, leaves)
        elif node.op.masks:
            _check_mask(graph, node, leaves)


def check_computed(graph: Graph, values: Sequence[Array]) -> None:
    """The same of labels, positions and attention masks that are computed: known once the forward pass has run.

    Raises:
        SpecError: E008 for the first entry that is not.
    """
    for node in graph.nodes:
        if node.op is None:
            continue
        if node.op.allowed is not None:
            index, _ = _unmasked(graph, _positions(node))
            if graph.nodes[index].op is not None:
                _check_positions(graph, node, {index: values[index]})
        elif node.op.masks:
            _check_mask(graph, node, dict(zip(node.inputs, (values[i] for i in node.inputs), strict=True)))


def checked_of(graph: Graph) -> set[int]:
    """The nodes whose values are looked at once they are known: attention masks, and labels that are computed."""
    masks = {index for node in graph.nodes if node.op is not None and node.op.masks
             for name, index in zip(node.op.signature.operands, node.inputs, strict=True) if name in node.op.masks}
    labels = (_unmasked(graph, _positions(node))[0] for node in graph.nodes if node.op is not None and node.op.allowed)
    return masks | {index for index in labels if graph.nodes[index].op is not None}


def _positions(node: Node) -> int:
    """The operand of a node that holds labels or positions."""
    assert node.op is not None
    (name,) = node.op.integer_operands
    return node.inputs[node.op.signature.operands.index(name)]


def _check_positions(graph: Graph, node: Node, leaves: Mapping[int, Array]) -> None:
    assert node.op is not None
    assert node.op.allowed is not None
    (name,) = node.op.integer_operands
    index, ignored = _unmasked(graph, _positions(node))
    found = leaves.get(index, _listed(graph, index))
    if found is None:
        return
    allowed = node.op.allowed(*(graph.nodes[i].shape for i in node.inputs), **node.parameters)
    given = np.asarray(found)
    wrong = ~((given == np.floor(given)) & (given >= allowed.start) & (given < allowed.stop))
    if ignored is not None:
        wrong &= given != ignored
    if wrong.any():
        hint = None
        if name == "labels" and (given[wrong] == IGNORED).any():
            hint = f"to leave such labels out of cross_entropy or nll_loss, pass ignore_index={IGNORED}"
        wanted = f"whole numbers from {allowed.start} to {allowed.stop - 1}"
        raise _refused(graph, node, index, given, wrong, wanted, hint)


def _unmasked(graph: Graph, index: int) -> tuple[int, float | None]:
    """Labels and the one that is ignored, as the losses write it: where(labels != ignored, labels, 0)."""
    node = graph.nodes[index]
    if node.op is not None and node.op.name == "where" and node.anonymous:
        kept = graph.nodes[node.inputs[0]]
        if kept.op is not None and kept.op.name == "not_equal" and kept.inputs[0] == node.inputs[1]:
            ignored = _literal(graph, kept.inputs[1])
            if ignored is not None:
                return node.inputs[1], ignored
    return index, None


def _literal(graph: Graph, index: int) -> float | None:
    """The number of a literal, or of minus one."""
    node = graph.nodes[index]
    if node.op is not None and node.op.name == "negative":
        number = _literal(graph, node.inputs[0])
        return None if number is None else -number
    return None if node.kind != "constant" or node.value is None else float(node.value)


def _listed(graph: Graph, index: int) -> Any:
    """The numbers of a list of literals; else None."""
    node = graph.nodes[index]
    parts = [_literal(graph, i) for i in node.inputs] if node.op is OPS["stack"] else []
    return np.array(parts) if parts and None not in parts else None


def _check_mask(graph: Graph, node: Node, leaves: Mapping[int, Array]) -> None:
    """An operand that the op declares a mask: one that is added to scores would hide all of them."""
    assert node.op is not None
    for name, index in zip(node.op.signature.operands, node.inputs, strict=True):
        if name in node.op.masks and index in leaves:
            given = np.asarray(leaves[index])
            wrong = (given != 0) & (given != 1)
            if wrong.any():
                raise _refused(graph, node, index, given, wrong, "a mask of 0 and 1", ADDED_MASKS)


ADDED_MASKS = "1 says that a position is seen; add other masks to the scores: softmax(q @ k.mT / sqrt(d) + mask) @ v"


def _refused(graph: Graph, node: Node, index: int, given: Array, wrong: Array, wanted: str,
             hint: str | None) -> SpecError:
    assert node.op is not None
    at, given_by = where(wrong)[0], graph.nodes[index]
    what = "scaled_dot_product_attention" if node.op.masks else node.op.name
    user = named_user(graph, node.index)
    (operand,) = node.op.masks or node.op.integer_operands
    name = f"the {operand}" if given_by.anonymous else given_by.name
    message = f"{name}{entry_text(at)} is {number_text(given, at)}; {what} in {user!r} takes {wanted}"
    written = given_by.leaf or given_by.spec or graph.nodes[graph.names[user]].spec if user in graph.names else None
    return SpecError("E008", message, at=written.at.place() if written else None, hint=hint)
