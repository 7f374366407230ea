"""Central differences in float64, and how to tell a kink and rounding from a wrong derivative."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any
from zlib import crc32

import numpy as np

from backprop_cli.engine.ops.tensor import Array
from backprop_cli.records import dataclass, field, replace
from backprop_cli.tasks.checks.results import Answer, Index, Tolerance

TOLERANCE = Tolerance(relative=1e-5, absolute=1e-7)
STEP = 6e-6  # times max(1, |x|): where rounding and truncation of a central difference balance
GAIN = 8.0
LADDER = tuple(1.137 * GAIN**-k for k in range(-2, 4))
"""No round number of steps: of a sine that turns a million times in 1, these would all be whole turns."""
USUAL = 2  # where the ladder's step is the usual one
EPS = 2.0**-52
LEAST_NUMBER = 2.0**-1074
LEAST = 64.0  # times the rounding of x: narrower steps are none
LEAST_SEEN = 1e-6  # a slope that may be rounding alone is none
SURE = 64.0  # times the rounding: by that much apart are two numbers however small they are
MOST_ENTRIES = 4096


@dataclass(frozen=True, slots=True)
class Slope:
    """A difference quotient at one step: both sides together, how far the two sides differ, the rounding in it.

    `left` is what rounding may leave of a gradient of 0, by numbers of the size that stand at the point.
    """

    central: float
    gap: float
    noise: float
    left: float = 0.0

    @property
    def size(self) -> float:
        """About the larger of the two sides; infinite where one has no number."""
        size = abs(self.central) + self.gap
        return size if math.isfinite(size) else math.inf


@dataclass(slots=True)
class Probe:
    """A scalar function of one array, tried around a point; `scale` is the size of what it adds up.

    `rounding` finds how far the roundings of its steps may take it, where it is made of steps; asked when in doubt.
    """

    function: Callable[[Array], float]
    point: Any
    scale: float
    rounding: Callable[[], float] | None = None
    base: float = field(init=False)
    lost: float = field(init=False)  # what rounding may do to a value
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.point = np.array(self.point, dtype=np.float64)
        self.left = EPS * float(np.max(np.abs(self.point), initial=0.0))
        self.base = self.function(self._value())
        self.lost = 4 * (EPS * (abs(self.base) + self.scale) + LEAST_NUMBER)

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

    def slope(self, index: Index, factor: float = LADDER[USUAL]) -> Slope:
        """The difference quotient by one entry; none where the function itself is not finite."""
        if not math.isfinite(self.base):
            return Slope(math.nan, math.nan, math.inf)
        x = float(self.point[index])
        h = factor * STEP * max(1.0, abs(x))
        up, down = x + h, x - h  # as represented: the quotients divide by what was really stepped
        above, below = self.at(index, up), self.at(index, down)
        right, left = (above - self.base) / (up - x), (self.base - below) / (x - down)
        off = EPS * max(1.0, abs(x) / h)  # the middle of the two is next to x, where the slope is another
        gap = abs(right - left)
        return Slope((above - below) / (up - down), gap, self.lost / h + off * gap, self.left)

    def settle(self) -> None:
        """Find what rounding does, once."""
        if self.rounding is not None and math.isfinite(self.base):
            self.lost = max(self.lost, self.rounding())
        self.rounding = None

    def refined(self, index: Index) -> tuple[Slope, bool]:
        """The slope where it depends least on the step, extrapolated to step 0, and whether the entry is on a kink."""
        self.settle()
        slopes = [self.slope(index, factor) for factor in LADDER]
        slopes += self.narrower(index, slopes)
        on = is_kink(slopes[-3:])  # wide steps see other kinks, and one where there is a narrow bend
        better = [extrapolated(*pair) for pair in pairwise(slopes[turning(slopes) :])]
        pairs = [(abs(a.central - b.central), b) for a, b in pairwise(better)
                 if math.isfinite(a.central - b.central + b.gap)]
        if not pairs or grows(slopes):
            return replace(slopes[USUAL], central=math.nan), on
        apart, best = min(pairs, key=lambda pair: max(4 * pair[0], pair[1].noise, pair[1].gap / GAIN))
        for nearer in pairs[pairs.index((apart, best)) + 1 :]:  # a kink beside the point is seen by wide steps alone
            if nearer[0] <= 8 * nearer[1].noise < abs(nearer[1].central - best.central) - 8 * best.noise:
                apart, best = nearer
        return replace(best, noise=max(best.noise, 4 * apart)), on

    def narrower(self, index: Index, slopes: Sequence[Slope]) -> Iterator[Slope]:
        """Steps down to those of an x near 1, or of what turns faster, while rounding leaves them a say.

        A sine turns as fast at 1e8 as at 1, and that of 1e6 x a million times as fast.
        """
        tried, factor, x = [*slopes], LADDER[-1] / GAIN, abs(float(self.point[index]))
        while factor * STEP * max(1.0, x) > LEAST * EPS * max(EPS, x):
            last, largest = tried[-1], max(one.size for one in tried[len(LADDER) - 1 :])
            if not last.noise * GAIN < 1e-2 * largest or (factor * x < LADDER[-1] and arrived(tried)):
                break
            tried.append(self.slope(index, factor))
            factor /= GAIN
            yield tried[-1]


def extrapolated(wide: Slope, narrow: Slope) -> Slope:
    """Richardson's: the error of a central difference shrinks with the square of the step."""
    return replace(narrow, central=narrow.central + (narrow.central - wide.central) / (GAIN**2 - 1))


def turning(slopes: Sequence[Slope]) -> int:
    """The first step that follows the function: wider ones, in which it moves hardly as far, skip its turns.

    Where quotients and the gaps between the sides shrink with the step, as those of a smooth function, it is the first.
    """
    sizes = [one.size if one.size > 8 * one.noise else 0.0 for one in slopes]
    steepest = max(sizes)
    return next(i for i, size in enumerate(sizes) if size >= 0.6 * steepest) if steepest > 1.6 * sizes[0] else 0


def arrived(slopes: Sequence[Slope]) -> bool:
    """Whether narrower steps would say nothing new: three follow the function, agree, and their sides meet."""
    last = slopes[-3:]
    turns = max(one.central for one in last) - min(one.central for one in last)
    return all(map(together, last)) and is_little(turns, last[-1]) and len(slopes) - turning(slopes) > 2


def together(slope: Slope) -> bool:
    """Whether the two sides differ by little."""
    return is_little(slope.gap, slope)


def is_little(distance: float, slope: Slope) -> bool:
    """Whether a distance is little beside a slope, or may be rounding."""
    return distance <= 1e-2 * abs(slope.central) + 8 * slope.noise


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


def hidden(slope: Slope, gradient: float, x: float) -> bool:
    """Whether the step of a large x is so wide that what moves within a bound has no slope that would show."""
    return abs(x) > 1 and abs(gradient) <= TOLERANCE.absolute and slope.size > 0


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
        elif not math.isfinite(slope.central) or drowned(gradient, slope) or unseen(self.probe, index, gradient, slope):
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
    if suspicious(slope) or _judged(gradient, slope)[1] or hidden(slope, gradient, float(probe.point[index])):
        return probe.refined(index)
    return slope, False


def _judged(gradient: float, slope: Slope) -> tuple[float, bool]:
    """How far apart, and whether that is more than the tolerance and rounding explain.

    Of tiny numbers a hundredth is tolerated, where rounding leaves as much.
    """
    distance = float(TOLERANCE.distance(gradient, slope.central))
    if not math.isfinite(gradient):
        return distance, gradient != slope.central
    size = max(abs(gradient), abs(slope.central))
    tiny = 1e-2 * size + SURE * (slope.noise + slope.left)
    allowed = min(TOLERANCE.absolute, tiny) + TOLERANCE.relative * size + slope.noise
    return distance, not abs(gradient - slope.central) <= allowed


def unseen(probe: Probe, index: Index, gradient: float, slope: Slope) -> bool:
    """Whether no slope, which agrees with the gradient, is one that rounding took: in 1e12 + sin x, say.

    A step so wide that rounding would leave it moves such a function; one that is flat stays as it is.
    """
    if slope.central or abs(gradient) > TOLERANCE.absolute:
        return False
    probe.settle()
    wider = probe.lost / (STEP * max(1.0, abs(float(probe.point[index])))) / LEAST_SEEN
    return wider > 1 and probe.slope(index, wider).central != 0


def drowned(gradient: float, slope: Slope) -> bool:
    """Whether rounding alone keeps the two from agreeing, and leaves little to agree on."""
    size = max(abs(gradient), abs(slope.central))
    distance, wrong = _judged(gradient, slope)
    return not wrong and distance > TOLERANCE.relative and slope.noise > 1e-3 * size + LEAST_SEEN


def sample(shape: Index, count: int, name: str) -> list[Index]:
    """All indices of a shape, or `count` of them, the same in every run."""
    total = math.prod(shape)
    if total <= count:
        return list(np.ndindex(*shape))
    chosen = np.random.default_rng(crc32(name.encode())).choice(total, size=count, replace=False)
    return [tuple(int(i) for i in np.unravel_index(int(k), shape)) for k in sorted(chosen)]
