"""The same exercise with other numbers: a spec's leaves drawn again from a seed, as readable as they were.

Signs, masks, one-hot rows, rows that sum to one, symmetric matrices and labels stay what they are; a number keeps as
many decimals as its array had. A draw under which something is not finite, or a gradient vanishes, is drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.errors import UsageError
from backprop_cli.language.model import Leaf, Spec
from backprop_cli.records import replace
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.grading.draws import is_mask, is_symmetric, labels, summing, varied
from backprop_cli.tasks.leaves import DEFAULT_MAX_BYTES, load_leaves

SEED = 711
ATTEMPTS = 40
DECIMALS = 3
"""A number with more is given two digits."""

LIVELY = 0.3
"""The share of a gradient's entries that must not be zero, where the spec's own were not."""


def drawn(spec: Spec, seed: int, max_bytes: int = DEFAULT_MAX_BYTES) -> Spec:
    """The spec with the numbers of a seed, always the same for the same seed.

    Raises:
        UsageError: E026 where no draw keeps everything finite.
        SpecError: whatever `run` raises on the spec.
    """
    graph = build(replace(spec, dtype="float64"))
    leaves = load_leaves(graph, max_bytes)
    fixed = labels(graph, leaves)
    alive = _alive(graph, leaves)
    for attempt in range(ATTEMPTS):
        random = np.random.default_rng([SEED, seed, attempt])
        new = {i: leaves[i] if i in fixed else _readable(leaves[i], graph.nodes[i].kind, random) for i in leaves}
        found = _alive(graph, new)
        if all(found[i] >= min(LIVELY, share) for i, share in alive.items()):
            values = {graph.nodes[i].name: value for i, value in new.items()}
            return replace(spec, leaves=tuple(_with(leaf, values) for leaf in spec.leaves))
    raise UsageError("E026", f"no numbers were found for seed {seed} under which every value is finite")


def _with(leaf: Leaf, values: Mapping[str, Array]) -> Leaf:
    new = np.asarray(values[leaf.name], dtype=float)
    return replace(leaf, load=lambda: new, written=None)


def _alive(graph: Graph, leaves: Mapping[int, Array]) -> dict[int, float]:
    """For each node with a gradient the share of its entries that are not zero; -1 where something is not finite."""
    try:
        run = compute(graph, leaves)
    except (ValueError, IndexError, ArithmeticError):
        return dict.fromkeys(graph.active, -1.0)
    finite = all(np.isfinite(one).all() for one in run.values if one is not None)
    gradients = {i: run.gradient(i) for i in graph.active}
    return {i: float(np.mean(one != 0)) if finite and np.isfinite(one).all() else -1.0
            for i, one in gradients.items() if one is not None}  # fmt: skip


def _readable(value: Array, kind: str, random: np.random.Generator) -> Array:
    """Other numbers of the same sort, with as many decimals."""
    if not np.size(value) or (kind == "input" and is_mask(value)):
        return varied(value, kind, 1.0, random)
    places = decimals(value)
    if places == 0:
        size = np.maximum(3, np.round(2 * np.abs(value)))
        whole: Array = np.where(value == 0, 0.0, np.sign(value) * random.integers(1, size.astype(int) + 1))
        return (np.triu(whole) + np.triu(whole, 1).T if is_symmetric(value) else whole)[()]
    new = np.round(varied(value, kind, 1.0, random), places)
    least = 10.0**-places
    new = np.where((new == 0) & (value != 0), np.where(value < 0, -least, least), new)
    axis = summing(value)
    if axis:  # the last entry takes what rounding left over
        last = np.take(new, [-1], axis=axis[0])
        rest = np.round(1 - new.sum(axis=axis[0], keepdims=True) + last, places)
        new = np.concatenate([np.delete(new, -1, axis=axis[0]), rest], axis=axis[0])
    return np.round(new, places)[()]


def decimals(value: Array) -> int:
    """The decimals that an array is written with; of longer numbers those that leave two digits."""
    for places in range(DECIMALS + 1):
        if np.array_equal(np.round(value, places), value):
            return places
    largest = float(np.max(np.abs(value)))
    return max(1, 1 - int(np.floor(np.log10(largest)))) if largest else 1
