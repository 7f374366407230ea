"""Other numbers for the leaves of a spec, under which a right formula must stay right.

What a gradient's formula may rest on is kept: the sign of what has one sign, rows that sum to one, one-hot rows, masks
and signs as labels, symmetric matrices, labels and indices. The signs of an array that has both change places: else a
network's masks would be the same at every draw, and one as good as another. Where a draw leads outside a function's
domain, a smaller step is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from backprop_cli.engine.graph import Graph, Node, rule_of
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.computed import Computed

DRAWS = 2
STEPS = ((1.0, True), (1.0, False), (0.3, False), (0.1, False), (0.03, False))
"""How far the numbers go, and whether signs change places: what is tried in turn."""
AGAIN, FAR = 6, 2.0
"""How often a draw is tried again under which more of a network is seen, and how far it then goes."""

SEED = 20_240_607
TOLERANCE = 1e-9


def further(graph: Graph, leaves: Mapping[int, Array], first: Computed) -> Iterator[Computed]:
    """The spec, run at further draws of its leaves; fewer where none of the tried ones is finite."""
    fixed = labels(graph, leaves)
    runs = [first]

    def drawn(seed: list[int], step: float, exchanged: bool) -> Computed | None:
        random = np.random.default_rng(seed)
        new = {i: leaves[i] if i in fixed else varied(leaves[i], graph.nodes[i].kind, step, random, exchanged)
               for i in leaves}  # fmt: skip
        found = _run(graph, new)
        return found if found is not None and _as_finite(found, first) else None

    for number in range(DRAWS):
        found = next(filter(None, (drawn([SEED, number], *step) for step in STEPS)), None)
        for again in range(AGAIN if found is not None and _one_sided(graph, [*runs, found]) else 0):
            other = drawn([SEED, number, again], FAR, True)
            if other is not None and not _one_sided(graph, [*runs, other]):
                found = other
                break
        if found is not None:
            runs.append(found)
            yield found


def _one_sided(graph: Graph, runs: Sequence[Computed]) -> bool:
    """Whether a function with a kink is on the same side of it at every entry of every run: its mask is never seen."""
    for node in filter(_bends_at_equals, graph.nodes):
        sides = set()
        for run in runs:
            values = [run.values[i] for i in node.inputs]
            sides |= {*np.unique(np.sign(values[0] - (values[1] if len(values) > 1 else 0.0))).tolist()}
        if len(sides - {0.0}) < 2:
            return True
    return False


def _bends_at_equals(node: Node) -> bool:
    """Whether a function has its kink where its operand is 0, or where its two operands are the same."""
    if node.op is None or node.op.kink is None or not node.op.pointwise or len(node.inputs) > 2:
        return False
    same = [np.zeros(())] if len(node.inputs) == 1 else [np.ones(())] * 2
    return bool(np.all(node.op.kink(*same, **node.parameters)))


def _run(graph: Graph, leaves: Mapping[int, Array]) -> Computed | None:
    try:
        return compute(graph, leaves)
    except (ValueError, IndexError, ArithmeticError):  # numpy's ways to say that a draw is outside a domain
        return None


def _as_finite(found: Computed, first: Computed) -> bool:
    """Whether nothing became infinite or NaN that was finite at the spec's own numbers."""
    pairs = [(found.values, first.values), *zip(found.passes, first.passes, strict=True)]
    return all(
        np.isfinite(a).all() or not np.isfinite(b).all()
        for these, those in pairs for a, b in zip(these, those, strict=True) if b is not None and a is not None
    )  # fmt: skip


def labels(graph: Graph, leaves: Mapping[int, Array]) -> set[int]:
    """The leaves of whole numbers that steer something without a derivative: class labels, indices, masks."""
    steering: set[int] = set()
    for node in reversed(graph.nodes):
        if node.index in steering:
            steering.update(node.inputs)
        else:
            steering.update(i for p, i in enumerate(node.inputs) if rule_of(node, p) is None)
    return {i for i in steering & leaves.keys() if np.equal(np.mod(leaves[i], 1), 0).all()}


def varied(value: Array, kind: str, step: float, random: np.random.Generator, exchanged: bool = False) -> Array:
    """Another array of the same sort; its signs are `exchanged` among its entries where it has both."""
    if not np.size(value):
        return value
    axis = summing(value)
    if kind == "input" and is_mask(value):
        if is_symmetric(value):  # a graph's adjacency, its vertices in another order
            order = random.permutation(len(value))
            return value[np.ix_(order, order)]
        shuffled = random.permuted(value, axis=axis[0]) if axis else random.permuted(value)
        return shuffled.astype(value.dtype)[()]
    drawn = value * np.exp(0.5 * step * random.standard_normal(np.shape(value)))
    new = 0.3 * step * random.standard_normal(np.shape(value))
    signed = (value < 0).any() or not (value > 0).any()
    drawn = np.where(value == 0, new if signed else np.abs(new), drawn)
    if axis:
        drawn = np.where(value == 0, 0.0, drawn)
        drawn /= drawn.sum(axis=axis[0], keepdims=True)
    if is_symmetric(value):
        drawn = (drawn + drawn.T) / 2
    elif exchanged and (value < 0).any() and (value > 0).any():
        drawn = np.abs(drawn) * random.permuted(np.sign(drawn))
    return drawn.astype(np.asarray(value).dtype)[()]


def is_symmetric(value: Array) -> bool:
    """Whether an array is a symmetric matrix."""
    return np.ndim(value) == 2 and value.shape[0] == value.shape[1] and np.array_equal(value, value.T)


def is_mask(value: Array) -> bool:
    """Whether an array is zeros and ones, and some of both; or the signs of a classifier's labels."""
    return np.ndim(value) > 0 and set(np.unique(value).tolist()) in ({0.0, 1.0}, {-1.0, 1.0})


def summing(value: Array) -> tuple[int, ...]:
    """The axis along which an array is a distribution, the last one first; () where it is none."""
    if np.ndim(value) == 0 or (value < 0).any():
        return ()
    sums = ((axis, value.sum(axis=axis)) for axis in range(np.ndim(value) - 1, -1, -1) if value.shape[axis] > 1)
    return next(((axis,) for axis, total in sums if np.abs(total - 1).max(initial=0) < TOLERANCE), ())
