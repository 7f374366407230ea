"""Central differences in float64, and how to tell a kink and rounding from a wrong derivative."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any
from zlib import crc32

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.passes import plan
from backprop_cli.engine.reverse import Step
from backprop_cli.records import dataclass, field, replace
from backprop_cli.tasks.checks.dependents import Dependents
from backprop_cli.tasks.checks.results import Answer, Index, Tolerance

TOLERANCE = Tolerance(relative=1e-5, absolute=1e-7)
STEP = 6e-6  # times max(1, |x|): where rounding and truncation of a central difference balance
LADDER = (64.0, 8.0, 1.0, 1 / 8, 1 / 64, 1 / 512)
GAIN = LADDER[0] / LADDER[1]
USUAL = 2  # where the ladder's step is the usual one
EPS = 2.0**-52
MOST_ENTRIES = 4096
FEWEST_ENTRIES = 8
LONG_WAY = 64  # steps to the output that are all computed again for each entry


@dataclass(frozen=True, slots=True)
class Slope:
    """A difference quotient at one step: both sides together, how far the two sides differ, the rounding in it."""

    central: float
    gap: float
    noise: float


@dataclass(slots=True)
class Probe:
    """A scalar function of one array, tried around a point; `scale` is the size of what it adds up."""

    function: Callable[[Array], float]
    point: Any
    scale: float
    base: float = field(init=False)

    def __post_init__(self) -> None:
        self.point = np.array(self.point, dtype=np.float64)
        self.base = self.function(self._value())

    def _value(self) -> Any:
        return self.point if self.point.ndim else self.point[()]

    def at(self, index: Index, value: float) -> float:
        """The function with one entry changed."""
        kept = self.point[index]
        self.point[index] = value
        try:
            return self.function(self._value())
        finally:
            self.point[index] = kept

    def slope(self, index: Index, factor: float = 1.0) -> Slope:
        """The difference quotient by one entry; none where the function itself is not finite."""
        if not math.isfinite(self.base):
            return Slope(math.nan, math.nan, math.inf)
        x = float(self.point[index])
        h = factor * STEP * max(1.0, abs(x))
        up, down = x + h, x - h  # as represented: the quotients divide by what was really stepped
        above, below = self.at(index, up), self.at(index, down)
        right, left = (above - self.base) / (up - x), (self.base - below) / (x - down)
        return Slope((above - below) / (up - down), abs(right - left), 4 * EPS * (abs(self.base) + self.scale) / h)

    def refined(self, index: Index) -> tuple[Slope, bool]:
        """The slope where it depends least on the step, extrapolated to step 0, and whether the entry is on a kink."""
        slopes = [self.slope(index, factor) for factor in LADDER]
        slopes += self.narrower(index, slopes[-1])
        better = [extrapolated(*pair) for pair in pairwise(slopes)]
        pairs = [(abs(a.central - b.central), b) for a, b in pairwise(better) if math.isfinite(a.central - b.central)]
        if not pairs or grows(slopes):
            return replace(slopes[USUAL], central=math.nan), is_kink(slopes[USUAL - 1 :])
        apart, best = min(pairs, key=lambda pair: pair[0])
        for nearer in pairs[pairs.index((apart, best)) + 1 :]:  # a kink beside the point is seen by wide steps alone
            if nearer[0] <= 8 * nearer[1].noise < abs(nearer[1].central - best.central) - 8 * best.noise:
                apart, best = nearer
        on = is_kink(slopes[USUAL - 1 :]) or is_kink(slopes[-3:])  # another kink beside this one is seen by wide steps
        return replace(best, noise=max(best.noise, 4 * apart)), on


    def narrower(self, index: Index, last: Slope) -> Iterator[Slope]:
        """Steps down to those of an x near 1, while rounding leaves them a say: a sine turns as fast at 1e8 as at 1."""
        factor, x, largest = LADDER[-1] / GAIN, abs(float(self.point[index])), 0.0
        while factor * x >= LADDER[-1]:
            largest = max(largest, abs(last.central) + last.gap)
            if not last.noise * GAIN < 1e-2 * largest:
                break
            last = self.slope(index, factor)
            factor /= GAIN
            yield last


def extrapolated(wide: Slope, narrow: Slope) -> Slope:
    """Richardson's: the error of a central difference shrinks with the square of the step."""
    return Slope(narrow.central + (narrow.central - wide.central) / (GAIN**2 - 1), narrow.gap, narrow.noise)


def is_kink(slopes: Sequence[Slope]) -> bool:
    """Whether the two sides stay apart as the step shrinks, always in the same manner.

    Of a smooth function they come together; at a corner they stay as far apart, at a jump they part as the step
    shrinks; what is left of rounding follows no rule.
    """
    gaps = [slope.gap for slope in slopes]
    if not all(map(math.isfinite, gaps)) or min(gaps) == 0 or gaps[-1] < 8 * slopes[-1].noise:
        return False
    ratios = [narrow / wide for wide, narrow in pairwise(gaps)]
    return min(ratios) > 0.6 and max(ratios) < 12 and max(ratios) < 1.6 * min(ratios)


def grows(slopes: Sequence[Slope]) -> bool:
    """Whether the quotients grow without end as the step shrinks: a jump, or a slope too steep for any step."""
    sizes = [abs(slope.central) for slope in slopes[USUAL - 1 :]]
    if not all(map(math.isfinite, sizes)) or sizes[-1] <= 64 * slopes[-1].noise:
        return False
    return all(narrow > 1.6 * wide for wide, narrow in pairwise(sizes))


def suspicious(slope: Slope) -> bool:
    """Whether the two sides differ by more than curvature usually makes them."""
    return not slope.gap <= 1e-3 * abs(slope.central) + 1e-7 + 8 * slope.noise


@dataclass(slots=True)
class Comparison:
    """A gradient against differences by some of its entries, of which the first is `at` to begin with."""

    probe: Probe
    gradient: Array
    at: Index
    found: Array = field(init=False)
    worst: float = 0.0
    wrong: bool = False
    kinks: list[Index] = field(default_factory=list)
    unknown: list[Index] = field(default_factory=list)
    checked: int = 0

    def __post_init__(self) -> None:
        self.gradient = np.asarray(self.gradient, dtype=float)
        self.found = np.full(self.gradient.shape, math.nan)

    def add(self, index: Index) -> None:
        """One more entry."""
        self.checked += 1
        gradient = float(self.gradient[index])
        slope, kink = _one(self.probe, index, gradient)
        if kink:
            self.kinks.append(index)
        elif not math.isfinite(slope.central) or drowned(gradient, slope):
            self.unknown.append(index)
        else:
            self.found[index] = slope.central
            distance, refused = _judged(gradient, slope)
            if refused > self.wrong or (refused == self.wrong and not distance <= self.worst
                                        and not math.isnan(self.worst)):  # fmt: skip
                self.worst, self.at, self.wrong = distance, index, refused

    def answer(self) -> Answer:
        """What was found."""
        total = self.gradient.size
        note = f"a sample of {self.checked} of {total} entries" if self.checked < total else ""
        return Answer("differences", self.worst, self.wrong, self.at, {"differences": self.found}, tuple(self.kinks),
                      tuple(self.unknown), self.checked, total, note)


def compare(probe: Probe, gradient: Array, indices: Sequence[Index]) -> Answer:
    """The differences by some entries against a gradient."""
    work = Comparison(probe, gradient, indices[0] if indices else ())
    for index in indices:
        work.add(index)
    return work.answer()


def _one(probe: Probe, index: Index, gradient: float) -> tuple[Slope, bool]:
    slope = probe.slope(index)
    if suspicious(slope) or _judged(gradient, slope)[1]:
        return probe.refined(index)
    return slope, False


def _judged(gradient: float, slope: Slope) -> tuple[float, bool]:
    """How far apart, and whether that is more than the tolerance and rounding explain."""
    distance = float(TOLERANCE.distance(gradient, slope.central))
    if not math.isfinite(gradient):
        return distance, gradient != slope.central
    allowed = TOLERANCE.absolute + TOLERANCE.relative * max(abs(gradient), abs(slope.central)) + slope.noise
    return distance, not abs(gradient - slope.central) <= allowed


def drowned(gradient: float, slope: Slope) -> bool:
    """Whether rounding alone keeps the two from agreeing, and leaves little to agree on."""
    size = max(abs(gradient), abs(slope.central))
    distance, wrong = _judged(gradient, slope)
    return not wrong and distance > TOLERANCE.relative and slope.noise > 1e-3 * size + 1e-6


def sample(shape: Index, count: int, name: str) -> list[Index]:
    """All indices of a shape, or `count` of them, the same in every run."""
    total = math.prod(shape)
    if total <= count:
        return list(np.ndindex(*shape))
    chosen = np.random.default_rng(crc32(name.encode())).choice(total, size=count, replace=False)
    return [tuple(int(i) for i in np.unravel_index(int(k), shape)) for k in sorted(chosen)]


# ── differences of a graph's output ──────────────────────────────────────────────────────────────


class Perturbed:
    """The output of a graph as a function of one node's value: only what depends on the node is computed again.

    A long way is gone as far as the nodes whose gradients were confirmed here already: Σ ∂output/∂c · c(x), by the
    chain rule. So a graph of n steps takes n of them, not n².
    """

    def __init__(self, graph: Graph, values: Sequence[Array]) -> None:
        self.graph = graph
        self.values = values
        self.steps: dict[int, Step] = {step.place: step for step in plan(graph, Numbers(graph))}
        self.costs = {index: _cost(graph, step) for index, step in self.steps.items()}
        self.single = dict.fromkeys(self.steps, 1)
        self.dependents = Dependents(graph)
        self.far: set[tuple[int, int]] = set()  # nodes a long way from an output: so is what they are made of

    def function(self, step: Step) -> Callable[..., Any]:
        """The function of a step, as its derivative takes it: a symmetric matrix stays one when it changes."""
        node, apply = step.node, step.apply
        if node.op is None or node.op.near is None:
            return apply
        start, near = self.values[step.inputs[0]], node.op.near
        return lambda x: apply(near(x, start, **node.parameters))

    def probe(self, node: int, weights: Mapping[int, Array], chain: Sequence[int]) -> Probe:
        """Σ weight·end, by the entries of a node; `chain` is what to compute again.

        What an end leads to is in its weight, so that nothing behind it sees it change.
        """
        values = list(self.values)
        ends = {index: values[index] for index in (node, *chain) if index in weights}
        steps = [(index, self.function(self.steps[index]), self.steps[index].operands,
                  ends if index in ends else values) for index in chain]  # fmt: skip

        def total(value: Array) -> float:
            values[node] = value
            if node in ends:
                ends[node] = value
            with np.errstate(all="ignore"):
                for index, apply, operands, into in steps:
                    into[index] = apply(*operands(values))
                return float(sum(np.sum(weights[index] * end) for index, end in ends.items()))

        with np.errstate(all="ignore"):
            scale = float(sum(np.sum(np.abs(weights[index] * end)) for index, end in ends.items()))
        return Probe(total, self.values[node], scale)

    def whole(self, node: int, output: int, chain: Sequence[int]) -> Callable[[Array], Array]:
        """The output as a function of a node's value; `chain` is what to compute again."""
        values = list(self.values)
        steps = [(index, self.function(self.steps[index]), self.steps[index].operands) for index in chain]

        def found(value: Array) -> Array:
            values[node] = value
            with np.errstate(all="ignore"):
                for index, apply, operands in steps:
                    values[index] = apply(*operands(values))
            return np.asarray(values[output])

        return found

    def answer(self, node: int, output: int, seed: Array, gradient: Array, budget: float,
               known: Mapping[int, Array] = MappingProxyType({})) -> Answer:  # fmt: skip
        """The differences by as many of a node's entries as the budget, in nanoseconds, allows; a few of a leaf's.

        `known` are the gradients by other nodes where a long way may end.
        """
        one = self.graph.nodes[node]
        shape = tuple(map(int, one.shape))
        weights: Mapping[int, Array] = {output: seed}
        is_far = any((user, output) in self.far for user in self.dependents.users[node])
        chain = None if is_far else self.dependents.of(node, output, self.single, LONG_WAY)
        if chain is None:
            self.far.add((node, output))
            weights = {**known, output: seed}
            chain = self.dependents.of(node, output, None if one.is_leaf else self.costs, budget / 3, weights)
        if chain is None:
            return Answer("differences", total=math.prod(shape), note="differences skipped: too far from the output")
        cost = 3 * (2000 + sum(self.costs[index] for index in chain))
        count = min(MOST_ENTRIES, max(int(budget / cost), FEWEST_ENTRIES))
        found = compare(self.probe(node, weights, chain), gradient, sample(shape, count, one.name))
        ends = [index for index in chain if index in weights]
        return found if found.note or ends in ([], [output]) else replace(found, note=self.dependents.by_way_of(ends))


def _cost(graph: Graph, step: Step) -> float:
    """Nanoseconds, roughly."""
    node = step.node
    sizes = [math.prod(map(int, graph.nodes[i].shape)) for i in (node.index, *node.inputs)]
    inner = int(graph.nodes[node.inputs[0]].shape[-1]) if node.op is OPS["matmul"] else 0
    return 2000 + 2 * sum(sizes) + 0.1 * sizes[0] * inner
