"""Other numbers for the leaves of a spec, under which a right formula must stay right.

What a gradient's formula may rest on is kept: the sign of what has one sign, rows that sum to one, one-hot rows, masks
and signs as labels, symmetric matrices, labels and indices. The signs of an array that has both change places: else a
network's masks would be the same at every draw, and one as good as another. Where a draw leads outside a function's
domain, a smaller step is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from backprop_cli.engine.graph import Graph, rule_of
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.computed import Computed

DRAWS = 2
STEPS = ((1.0, True), (1.0, False), (0.3, False), (0.1, False), (0.03, False))
"""How far the numbers go, and whether signs change places: what is tried in turn."""
SEED = 20_240_607
TOLERANCE = 1e-9


def further(graph: Graph, leaves: Mapping[int, Array], first: Computed) -> Iterator[Computed]:
    """The spec, run at further draws of its leaves; fewer where none of the tried ones is finite."""
    fixed = labels(graph, leaves)
    for number in range(DRAWS):
        for step, exchanged in STEPS:
            random = np.random.default_rng([SEED, number])
            drawn = {i: leaves[i] if i in fixed else varied(leaves[i], graph.nodes[i].kind, step, random, exchanged)
                     for i in leaves}  # fmt: skip
            found = _run(graph, drawn)
            if found is not None and _as_finite(found, first):
                yield found
                break


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
