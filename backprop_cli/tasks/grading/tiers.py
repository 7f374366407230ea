"""Candidates for what went wrong, in tiers, the surest first: what somebody gets who makes one mistake.

A tier is worked out once for each item of a key, as one stack of arrays for each shape, so that a wrong answer costs a
few comparisons; most answers that nothing explains are near no candidate of a stack, which one comparison shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from itertools import islice
from math import prod
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Node
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.records import dataclass
from backprop_cli.tasks.grading.alike import Alike
from backprop_cli.tasks.grading.around import Candidate
from backprop_cli.tasks.grading.case import Case, attempted
from backprop_cli.tasks.grading.edits import Dropped
from backprop_cli.tasks.grading.operands import View
from backprop_cli.tasks.grading.replacements import Replaced
from backprop_cli.tasks.grading.results import What

MAX_ENTRIES = 1 << 14
"""Of a graph up to which candidates are worked out; beyond, only what the answer itself shows is named."""

MOST_WORK = 250_000
"""Contributions that the candidates of a tier add up, each those of a whole step: the surest come first.

A node with hundreds of users has a candidate for each pair of them; all would take the cube of their number.
"""

FACTORS = np.array([1.0, -1.0, 2.0, 0.5])
"""With which a mistake is taken together: none, the sign, a factor 2."""

EXACT_DIGITS = 1.5
"""What it tells, beside its digits, that a written number is exactly that of a candidate: `0.9`, `1`."""

_NOTHING: tuple[list[Candidate], Array] = ([], np.empty(0))


@dataclass(frozen=True, slots=True)
class Tier:
    """Candidates with what they come to at the first draw: those of a shape in one stack."""

    stacks: Mapping[tuple[int, ...], tuple[list[Candidate], Array]]
    families: list[tuple[Candidate, Array]]
    digits: float

    @classmethod
    def of(cls, candidates: Iterable[Candidate], view: View, digits: float) -> Tier:
        """Work candidates out; those that lead to nothing finite are left out."""
        families: list[tuple[Candidate, Array]] = []
        shapes: dict[tuple[int, ...], tuple[list[Candidate], list[Array]]] = {}
        with np.errstate(all="ignore"):
            for one in candidates:
                found = attempted(one.make, view)
                if found is None:
                    continue
                if one.family:
                    families.append((one, found))
                    continue
                kept, arrays = shapes.setdefault(found.shape, ([], []))
                kept.append(one)
                arrays.append(found)
        stacks = {shape: (kept, np.stack(arrays)) for shape, (kept, arrays) in shapes.items()}
        return cls(stacks, families, digits)

    def reaches(self, case: Case) -> bool:
        """Whether the answer is near any candidate, or a usual factor times one, as far as its own digits go."""
        _, stack = self.stacks.get(np.shape(case.given[0]), _NOTHING)
        if not len(stack):
            return False
        scaled = np.multiply.outer(FACTORS, stack)
        near = np.abs(case.given[0] - scaled) <= case.tolerance(scaled)
        return bool(near.all(axis=tuple(range(2, near.ndim))).any())

    def find(self, case: Case, factor: float = 1.0, *, tight: bool = False) -> Candidate | None:
        """The first candidate that the answer agrees with."""
        given = np.asarray(case.given[0])
        candidates, stack = self.stacks.get(given.shape, _NOTHING)
        if not candidates:
            return None
        stack = factor * stack
        axes = tuple(range(1, stack.ndim))
        distance = np.abs(given - stack)
        near = (distance <= case.tolerance(stack, tight=tight)).all(axis=axes)
        for place in np.flatnonzero(near):
            candidate = candidates[place]
            if not _clearly(case, stack[place], self.digits):
                continue
            if case.agrees_further(lambda view, c=candidate: factor * np.asarray(c.make(view))):  # type: ignore[misc]
                return candidate
        return None

    def find_family(self, case: Case) -> Candidate | None:
        """A candidate of which any share may have been taken: weights after a step of any length."""
        given, right = np.asarray(case.given[0]), case.right[0]
        for candidate, found in self.families if given.shape == right.shape and given.size > 1 else ():
            way = found - right
            length = float(np.sum(way * way))
            share = float(np.sum((given - right) * way)) / length if length else 0.0
            if not 1e-4 <= share <= 10 or (np.abs(given - right - share * way) > 2 * case.tolerance(given)).any():
                continue
            if np.abs(given - right).max() > 20 * np.max(case.tolerance(given)) and case.agrees_further(
                    partial(_shared, candidate, case, share)):  # fmt: skip
                return candidate
        return None


def _shared(candidate: Candidate, case: Case, share: float, view: View) -> Array:
    right = case.right[next(i for i, one in enumerate(case.views) if one is view)]
    return right + share * (np.asarray(candidate.make(view)) - right)


def _clearly(case: Case, candidate: Array, digits: float) -> bool:
    """Whether an agreement is more than chance: nearer than the right answer, and in enough digits."""
    given, right = np.asarray(case.given[0]), case.right[0]
    if given.shape == right.shape and _apart(given, candidate) > 0.5 * _apart(given, right):
        return False
    if case.figures is None:
        return True
    sizes, tolerance = np.broadcast_arrays(np.abs(candidate), case.tolerance(candidate))
    if (sizes <= case.floor(0)).all():  # nothing but rounding, and so is the answer
        return True
    with np.errstate(all="ignore"):
        told = np.clip(np.log10(sizes / (2 * tolerance)), 0, 6)
    told = told + np.where((np.abs(given - candidate) <= 1e-9 * sizes) & (sizes > 0), EXACT_DIGITS, 0.0)
    _, first = np.unique(np.round(np.ravel(candidate), 12), return_index=True)
    return bool(np.nansum(np.ravel(told)[first]) >= digits)


def _apart(one: Array, other: Array) -> float:
    return float(np.abs(one - other).max(initial=0.0))


# ── the tiers of an item ─────────────────────────────────────────────────────────────────────────


def all_tiers(case: Case) -> Iterator[Tier]:
    """The answer as a whole, then the tiers of the item, with the usual factors after the first of these."""
    numbers = "whole, in numbers" if case.figures is not None else "whole"
    yield _once(case, numbers, lambda: _whole(case), 2.0, all_of_them=True)
    for number, tier in enumerate(_tiers(case)):
        if number == 1:
            yield _once(case, "scaled", lambda: _scaled(case, factors(case)), 2.0, all_of_them=True)
        yield tier


def _tiers(case: Case) -> Iterator[Tier]:
    """The tiers of an item, worked out when first asked for; from own values they are worked out each time."""
    key, index, graph = case.key, case.index, case.key.graph
    what: What = case.item.what
    if what == "new":
        yield _once(case, "steps", lambda: _steps(case), 3.0)
    if what != "gradient" or key.entries > MAX_ENTRIES:
        yield _once(case, "another", lambda: _others(case, "gradient" if what == "gradient" else "value"), 3.0)
        yield _once(case, "value", lambda: _others(case, "value" if what == "gradient" else "gradient"), 3.0)
        return
    yield _once(case, "dropped", lambda: Dropped(key.chain, graph, index).dropped(), 2.5)
    yield _once(case, "another", lambda: _others(case, what), 3.0)
    yield _once(case, "itself", lambda: _others(case, "value", [graph.nodes[index]]), 3.0)
    if not case.own:
        yield _once(case, "replaced", lambda: Replaced(key.chain, graph, index).replaced(), 4.0)
        yield _once(case, "alike", lambda: Alike(key.chain, graph, index).candidates(), 4.0)
        yield _once(case, "far", lambda: Dropped(key.chain, graph, index).far(), 4.0)
    if np.shape(case.given[0]) != np.shape(case.right[0]):
        yield _once(case, "odd", lambda: Replaced(key.chain, graph, index).odd(), 4.0)
    yield _once(case, "value", lambda: _others(case, "value"), 3.0)


def _most(case: Case, name: str) -> int:
    """How many candidates of a tier are worked out."""
    chain = case.key.chain
    step = chain.beyond(case.index) if name == "far" else chain.cone(case.index)
    return max(1, MOST_WORK // max(1, sum(len(chain.into.get(index, ())) for index in step)))


def _steps(case: Case) -> Iterator[Candidate]:
    """A step that goes up, is not taken, or is of another length."""
    def moved(view: View, share: float) -> Any:
        old = np.asarray(view.values[case.index])
        return old + share * (np.asarray(case.key.further.of(case.item, view)) - old)

    rate = float(Fraction((case.key.further.settings.step or {}).get("lr", "1")))
    for share, mistake, told in (
        (-1.0, "sign", "the step goes up the slope, not down: a sign is wrong"),
        (0.0, "step_missing", "it is the old value: the step is not taken"),
        (1 / rate if rate else 0.0, "factor_missing", "the learning rate is missing"),
        (-1 / rate if rate else 0.0, "sign", "the step goes up the slope, and the learning rate is missing"),
        (rate, "step_twice", "the learning rate is there twice"),
        (2.0, "factor_2", "the step is twice as long as it should be"),
        (0.5, "factor_2", "the step is half as long as it should be"),
    ):
        yield Candidate(mistake, told, partial(moved, share=share))


def _once(case: Case, name: str, make: Callable[[], Iterable[Candidate]], digits: float, *,
          all_of_them: bool = False) -> Tier:  # fmt: skip
    """A tier of an item; its candidates do not depend on whose numbers they are worked out from."""
    known, place = case.key.known, (name, case.index, case.item.what, case.item.is_further and case.item.suffix)
    if ("candidates", *place) not in known:
        known["candidates", *place] = list(make() if all_of_them else islice(make(), _most(case, name)))
    if case.own:
        return Tier.of(known["candidates", *place], case.views[0], digits)
    if place not in known:
        known[place] = Tier.of(known["candidates", *place], case.views[0], digits)
    found: Tier = known[place]
    return found


def _others(case: Case, which: What, among: Iterable[Node] = ()) -> Iterator[Candidate]:
    """The right answer to another question; zeros and ones are too many nodes' to mean anything."""
    for node in among or case.key.graph.named():
        found = case.key.draws[0].of(which)[node.index]
        same = node.index == case.index and which == case.item.what
        if not same and found is not None and not np.isin(found, (-1.0, 0.0, 1.0)).all():
            yield Candidate("another_node", f"this is the {which} of {node.name}", partial(_of, which, node.index))


def _of(what: str, index: int, view: View) -> Any:
    return (view.values if what == "value" else view.gradients)[index]


def _whole(case: Case) -> Iterator[Candidate]:
    """What may be wrong with the answer as a whole: its sign, its decimal point, its arrangement."""
    right = _right(case)
    found = [(-1.0, "sign", "the sign is wrong: it is minus the right one")]
    if case.figures is not None:
        told = "the decimal point has slipped"
        found += [(10.0**power, "decimal_point", told) for power in (1, -1, 2, -2, 3, -3)]
    yield from _scaled(case, found)
    if case.right[0].ndim >= 2:
        told = "it is the transpose of the right one"
        yield Candidate("transpose", told, lambda view: np.swapaxes(right(view), -1, -2))
        yield Candidate("transpose", f"{told}, with the wrong sign", lambda view: -np.swapaxes(right(view), -1, -2))


def _scaled(case: Case, scales: list[tuple[float, str, str]]) -> Iterator[Candidate]:
    """The right answer times each of some factors."""
    right = _right(case)
    for factor, key, words in scales:
        yield Candidate(key, words, lambda view, f=factor: f * right(view))  # type: ignore[misc]


def _right(case: Case) -> Callable[[View], Array]:
    """The right answer from whatever numbers."""
    if case.item.is_further:
        return lambda view: np.asarray(case.key.further.of(case.item, view))
    return lambda view: np.asarray(_of(case.item.what, case.index, view))


def factors(case: Case) -> list[tuple[float, str, str]]:
    """The usual factors: two, and the sizes over which there are sums and means, with either sign."""
    usual = [(2.0, "factor_2", "it is twice the right one: a factor 1/2 is missing, or a 2 too many"),
             (0.5, "factor_2", "it is half the right one: a factor 2 is missing, or a 1/2 too many")]  # fmt: skip
    for size, n in sorted(_sizes(case).items()):
        less, more = f"a factor 1/{n} is missing", f"a factor 1/{n} too many"
        usual.append((float(size), "factor_n", f"it is {n} times the right one: {less} (a sum is no mean)"))
        usual.append((1.0 / size, "factor_n", f"it is 1/{n} of the right one: {more} (a sum is no mean)"))
    return usual + [(-factor, "sign", f"{words}; and the sign is wrong") for factor, _, words in usual]


def _sizes(case: Case) -> dict[int, str]:
    """The sizes of axes, of whole arrays, and the number of paths back to the node; with what each is called."""
    graph = case.key.graph
    named = {int(size): name for name, size in graph.spec.dims.items() if size}
    shapes = [node.shape for node in graph.nodes]
    sizes = {int(size) for shape in shapes for size in (*shape, prod(map(int, shape)))}
    sizes.add(len(case.key.chain.into.get(case.index, ())))
    return {size: named.get(size, str(size)) for size in sizes - {0, 1, 2}}
