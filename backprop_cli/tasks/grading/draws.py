"""Other numbers for the leaves of a spec, under which a right formula must stay right.

What a gradient's formula may rest on is kept: the sign of what has one sign, rows of data that sum to one, one-hot
rows, masks and signs as labels, labels and indices, matrices that are symmetric on purpose. What the numbers have by
accident is not: a matrix of two rows that is its own transpose, weights that sum to one. The signs of an array that
has both change places: else a network's masks would be the same at every draw, and one as good as another. Where a draw
leads outside a function's domain, a smaller step is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from backprop_cli.engine.graph import Graph, Node, build, rule_of
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.records import dataclass, replace
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.computed import Computed

DRAWS = 2
Signs = Literal["kept", "exchanged", "any"]
STEPS: tuple[tuple[float, Signs], ...] = (
    (1.0, "exchanged"), (1.0, "kept"), (0.3, "kept"), (0.1, "kept"), (0.03, "kept"))  # fmt: skip
"""How far the numbers go, and whether signs change places: what is tried in turn."""
AGAIN: tuple[tuple[float, Signs], ...] = ((2.0, "exchanged"), (2.0, "any")) * 3
"""The same for a draw that is tried again so that more of a network is seen: of one sign, too, what need not be."""
SHUFFLES = 8
"""Of a mask that is square: one of them is hardly its own transpose."""

SEED = 20_240_607
TOLERANCE = 1e-9


def further(graph: Graph, leaves: Mapping[int, Array], first: Computed,
            held: Collection[int] = ()) -> Iterator[Computed]:  # fmt: skip
    """The spec, run at further draws of its leaves but those that are held; fewer where no tried one is finite."""
    fixed, kept = labels(graph, leaves) | {*held}, on_purpose(graph, leaves)
    runs = [first]

    def drawn(seed: list[int], step: float, signs: Signs) -> Computed | None:
        random = np.random.default_rng(seed)
        new = {i: leaves[i] if i in fixed else varied(leaves[i], graph.nodes[i].kind, step, random, signs, kept[i])
               for i in leaves}  # fmt: skip
        found = _run(graph, new)
        return found if found is not None and _as_finite(found, first) else None

    for number in range(DRAWS):
        found = next(filter(None, (drawn([SEED, number], *step) for step in STEPS)), None)
        one_sided = found is not None and _one_sided(graph, [*runs, found])
        for again, way in enumerate(AGAIN if one_sided else ()):
            other = drawn([SEED, number, again], *way)
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


def given(graph: Graph, leaves: Mapping[int, Array]) -> list[int]:
    """The numbers that an exercise gives and an answer may have put in; of a 0 or a 1 nobody can see that it did."""
    inputs = (node for node in graph.nodes if node.leaf and node.kind == "input" and node.index not in graph.wrt)
    return [node.index for node in inputs if not node.shape and abs(float(leaves[node.index])) not in {0.0, 1.0}]


def labels(graph: Graph, leaves: Mapping[int, Array]) -> set[int]:
    """The leaves of whole numbers that steer something without a derivative: class labels, indices, masks."""
    steering: set[int] = set()
    for node in reversed(graph.nodes):
        if node.index in steering:
            steering.update(node.inputs)
        else:
            steering.update(i for p, i in enumerate(node.inputs) if rule_of(node, p) is None)
    return {i for i in steering & leaves.keys() if np.equal(np.mod(leaves[i], 1), 0).all()}


@dataclass(frozen=True, slots=True)
class Kept:
    """What an array stays when its numbers change: symmetric, a distribution along an axis if along one, positive."""

    symmetric: bool
    axis: tuple[int, ...]
    positive: bool = False


def on_purpose(graph: Graph, leaves: Mapping[int, Array]) -> dict[int, Kept]:
    """What each leaf is on purpose: as stated, or data whose rows sum to one, or symmetric as `_symmetric` says."""
    claims = {i: leaf.claims if (leaf := graph.nodes[i].leaf) is not None else {} for i in leaves}
    symmetric = {i for i in leaves if "symmetric" in claims[i]}
    symmetric |= _symmetric(graph, {i: leaves[i] for i in leaves.keys() - symmetric}, leaves)
    found = {}
    for i, value in leaves.items():
        stated = [claims[i][key].value % value.ndim for key in ("sums_to_one", "one_hot") if key in claims[i]]
        seen = summing(value) if graph.nodes[i].kind == "input" else ()
        found[i] = Kept(i in symmetric, tuple(stated[:1]) or seen, "positive" in claims[i])
    return found


def _symmetric(graph: Graph, among: Mapping[int, Array], leaves: Mapping[int, Array]) -> set[int]:
    """The matrices that are symmetric hardly by chance, or since the network takes them for a form.

    It does where both triangles count alike, as in xᵀ A x, log det S or the likelihood of a covariance: there the
    gradient is symmetric at other numbers, too.
    """
    square = {i for i, one in among.items() if is_symmetric(one) and one.size > 1}
    found = {i for i in square if _hardly_by_chance(leaves[i], graph.nodes[i].kind)}
    if square == found:
        return found
    random = np.random.default_rng(SEED)
    same = labels(graph, leaves) | square
    other = {i: one if i in same else varied(one, graph.nodes[i].kind, 0.3, random) for i, one in leaves.items()}
    whole = build(replace(graph.spec, wrt="all"))
    run = _run(whole, other) or _run(whole, leaves)
    gradients = {i: None if run is None else run.gradient(i) for i in square}
    return found | {i for i, one in gradients.items() if one is not None and one.any() and np.allclose(one, one.T)}


def _hardly_by_chance(value: Array, kind: str) -> bool:
    """Whether a symmetric matrix is one on purpose, by its numbers: a kernel, a graph; as a param a covariance."""
    if len(value) < 3 or not np.triu(value, 1).any() or np.ptp(value) == 0 or (is_mask(value) and summing(value)):
        return False
    return kind == "input" or bool((np.linalg.eigvalsh(value) > 0).all())


def varied(value: Array, kind: str, step: float, random: np.random.Generator, signs: Signs = "kept",
           kept: Kept | None = None) -> Array:  # fmt: skip
    """Another array of the same sort; its `signs` stay, change places where it has both, or are any.

    What it stays is what its own numbers show, unless it is said what is `kept`.
    """
    if not np.size(value):
        return value
    kept = kept or Kept(is_symmetric(value), summing(value))
    axis = kept.axis
    if kind == "input" and is_mask(value):
        if kept.symmetric:  # a graph's adjacency, its vertices in another order
            order = random.permutation(value.shape[-1])
            return value[..., order, :][..., order]
        ways = (random.permuted(value, axis=axis[0] if axis else None) for _ in range(SHUFFLES))
        shuffled = next((one for one in ways if not is_symmetric(one)), value)
        return shuffled.astype(value.dtype)[()]
    drawn = value * np.exp(0.5 * step * random.standard_normal(np.shape(value)))
    new = 0.3 * step * random.standard_normal(np.shape(value))
    signed = (value < 0).any() or not (value > 0).any()
    drawn = np.where(value == 0, new if signed else np.abs(new), drawn)
    if axis:
        drawn = np.where(value == 0, 0.0, drawn)
        drawn /= drawn.sum(axis=axis[0], keepdims=True)
    if kept.symmetric:
        drawn = (drawn + np.swapaxes(drawn, -1, -2)) / 2
    elif signs == "any" and not (axis or kept.positive):
        drawn = drawn * random.choice([-1.0, 1.0], np.shape(drawn))
    elif signs != "kept" and (value < 0).any() and (value > 0).any():
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
