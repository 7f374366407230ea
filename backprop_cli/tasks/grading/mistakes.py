"""Why an answer is wrong: what somebody gets who makes one mistake, compared with what was given.

Candidates come in tiers, the surest first, and the first that the answer agrees with at every draw is the mistake; in
numbers it must also agree in more digits than chance explains among so many candidates.  Tiers are worked out once
for each item of a key, as one stack of arrays for each shape, so that a wrong answer costs a few comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np

from backprop_cli.engine.ops.base import show
from backprop_cli.tasks.grading.agreement import Closeness, exactly, tolerated, wrong_entries
from backprop_cli.tasks.grading.around import Candidate
from backprop_cli.tasks.grading.edits import Dropped
from backprop_cli.tasks.grading.entries import by_entry, proportional
from backprop_cli.tasks.grading.figures import Figures
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.key import Key
from backprop_cli.tasks.grading.operands import View
from backprop_cli.tasks.grading.replacements import Replaced
from backprop_cli.tasks.grading.results import What

MAX_ENTRIES = 1 << 14
"""Of a graph up to which candidates are worked out; beyond, only what the answer itself shows is named."""

SLIPPED = 2e-6
"""Relative: numbers with a mistake are compared to six digits, as right ones are."""

EXACT_DIGITS = 1.5
"""What it tells, beside its digits, that a written number is exactly that of a candidate: `0.9`, `1`."""

TIGHT = 1e-5
"""Relative: at first, numbers of few digits are taken for exact ones (`0.2`), and only then for rounded ones."""

PAIRS = ((-1.0, "; and the sign is wrong"), (2.0, "; and a factor 2 is too many"), (0.5, "; and a factor 2 is missing"))

Told = tuple[str | None, str]
"""The mistake's key, and the reason."""


@dataclass(frozen=True, slots=True)
class Case:
    """A wrong answer: what was given and what is right, at each draw (numbers: at the first only).

    `views` are the numbers from which the answer was worked out: the key's, or the writer's own.
    """

    key: Key
    item: Item
    given: list[Any]
    right: list[Any]
    figures: Figures | None
    closeness: Closeness
    views: tuple[View, ...]
    own: bool = False

    @property
    def index(self) -> int:
        """The node."""
        return self.key.names[self.item.node]

    def floor(self, draw: int) -> Any:
        """The rounding of the right answer; its largest where the shapes differ."""
        found = self.key.draws[draw].floor(self.item.what, self.index)
        return found if np.shape(found) == np.shape(self.given[draw]) else np.max(found, initial=0.0)

    def tolerance(self, candidate: Any, *, tight: bool = False) -> Any:
        """How far the answer's numbers may be from a candidate; `tight` takes few digits for exact numbers."""
        if self.figures is None:
            return 1e-7 * np.abs(candidate) + self.floor(0)
        half = np.minimum(self.figures.sharp, TIGHT * np.abs(candidate)) if tight else self.figures.sharp
        return np.maximum(half, SLIPPED * np.abs(candidate)) + self.floor(0)

    def agrees_further(self, make: Callable[[View], Any]) -> bool:
        """Whether the answer is what comes out at the further draws, too."""
        for draw in range(1, len(self.given)):
            found = attempted(make, self.views[draw])
            if found is None or found.shape != np.shape(self.given[draw]):
                return False
            if exactly(self.given[draw], found, self.closeness, self.floor(draw)).any():
                return False
        return True


def attempted(make: Callable[[View], Any], view: View) -> Any:
    """What a mistake leads to; None where it leads to nothing finite."""
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(make(view), dtype=float)
    except Exception:  # noqa: BLE001 - operands that do not fit, which numpy says in many ways: not this mistake
        return None
    return found if np.isfinite(found).all() else None


# ── tiers ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Tier:
    """Candidates with what they come to at the first draw: for each shape their places and one stack."""

    candidates: list[Candidate]
    stacks: Mapping[tuple[int, ...], tuple[list[int], Any]]
    families: list[tuple[Candidate, Any]]
    digits: float

    @classmethod
    def of(cls, candidates: Iterable[Candidate], view: View, digits: float) -> Tier:
        """Work candidates out."""
        kept: list[Candidate] = []
        families: list[tuple[Candidate, Any]] = []
        shapes: dict[tuple[int, ...], tuple[list[int], list[Any]]] = {}
        for one in candidates:
            found = attempted(one.make, view)
            if found is None:
                continue
            if one.family:
                families.append((one, found))
                continue
            places, arrays = shapes.setdefault(found.shape, ([], []))
            places.append(len(kept))
            arrays.append(found)
            kept.append(one)
        stacks = {shape: (places, np.stack(arrays)) for shape, (places, arrays) in shapes.items()}
        return cls(kept, stacks, families, digits)

    def find(self, case: Case, factor: float = 1.0, *, tight: bool = False) -> Candidate | None:
        """The first candidate that the answer agrees with."""
        given = np.asarray(case.given[0])
        places, stack = self.stacks.get(given.shape, ([], None))
        if not places:
            return None
        stack = factor * stack
        axes = tuple(range(1, stack.ndim))
        distance = np.abs(given - stack)
        near = (distance <= case.tolerance(stack, tight=tight)).all(axis=axes)
        for place in np.flatnonzero(near):
            candidate = self.candidates[places[place]]
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


def _shared(candidate: Candidate, case: Case, share: float, view: View) -> Any:
    right = case.right[next(i for i, one in enumerate(case.views) if one is view)]
    return right + share * (np.asarray(candidate.make(view)) - right)


def _clearly(case: Case, candidate: Any, digits: float) -> bool:
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


def _apart(one: Any, other: Any) -> float:
    return float(np.abs(one - other).max(initial=0.0))


def _tiers(case: Case) -> Iterator[Tier]:
    """The tiers of an item, worked out when first asked for; from own values they are worked out each time."""
    key, index, graph = case.key, case.index, case.key.graph
    if case.item.what == "value" or not key.chain.plain or key.entries > MAX_ENTRIES:
        yield _once(case, "another", lambda: (_others(case, case.item.what), 3.0))
        yield _once(case, "value", lambda: (_others(case, "gradient" if case.item.what == "value" else "value"), 3.0))
        return
    edits = Dropped(key.chain, graph, index)
    yield _once(case, "dropped", lambda: (edits.dropped(), 2.5))
    yield _once(case, "another", lambda: (_others(case, case.item.what), 3.0))
    yield _once(case, "itself", lambda: ([c for c in _others(case, "value") if c.words.endswith(case.item.node)], 3.0))
    if not case.own:
        yield _once(case, "replaced", lambda: (Replaced(key.chain, graph, index).replaced(), 4.0))
        yield _once(case, "far", lambda: (edits.far(), 4.0))
    if np.shape(case.given[0]) != np.shape(case.right[0]):
        yield _once(case, "odd", lambda: (Replaced(key.chain, graph, index).odd(), 4.0))
    yield _once(case, "value", lambda: (_others(case, "value"), 3.0))


def _once(case: Case, name: str, make: Callable[[], tuple[Iterable[Candidate], float]]) -> Tier:
    place = (name, case.index, case.item.what)
    if case.own:
        candidates, digits = make()
        return Tier.of(candidates, case.views[0], digits)
    if place not in case.key.known:
        candidates, digits = make()
        case.key.known[place] = Tier.of(candidates, case.views[0], digits)
    found: Tier = case.key.known[place]
    return found


def _others(case: Case, which: What) -> Iterator[Candidate]:
    """The right answer to another question; zeros and ones are too many nodes' to mean anything."""
    for node in case.key.graph.named():
        found = case.key.draws[0].of(which)[node.index]
        same = node.index == case.index and which == case.item.what
        if not same and found is not None and not np.isin(found, (-1.0, 0.0, 1.0)).all():
            yield Candidate("another_node", f"this is the {which} of {node.name}", partial(_of, which, node.index))


def _of(what: str, index: int, view: View) -> Any:
    return (view.values if what == "value" else view.gradients)[index]


# ── the search ───────────────────────────────────────────────────────────────────────────────────


def explain(case: Case) -> Told:
    """The mistake, and the reason that is told."""
    told = next(_told(case), None)
    if np.shape(case.given[0]) == np.shape(case.right[0]):
        return told or (None, in_numbers(case))
    given, right = show(np.shape(case.given[0])), show(np.shape(case.right[0]))
    shapes = f"it has shape {given}, the {case.item.what} of {case.item.node} has {right}"
    return (told[0], f"{shapes}: {told[1]}") if told else ("shape", _arranged(case, shapes))


def _told(case: Case) -> Iterator[Told]:
    same = np.shape(case.given[0]) == np.shape(case.right[0])
    if same and _accident(case):
        told = "it gives the right number here, but only by accident: not with other numbers in the leaves"
        yield "by_accident", told
    tiers: list[Tier] = []
    for tier in _all_tiers(case):
        tiers.append(tier)
        yield from _found(tier.find(case, tight=True))
        yield from _found(tier.find_family(case))
    for tier in tiers if case.figures is not None else ():
        yield from _found(tier.find(case))
    if same and case.figures is not None:
        yield from by_entry(case.figures, case.right[0], tolerated(case.figures, case.right[0], case.closeness, 0.0))
    for factor, words in PAIRS:
        for tier in tiers:
            yield from _found(tier.find(case, factor), words)
    if same and _constant(case):
        yield "constant_factor", "every entry is the same number times the right one"


def _all_tiers(case: Case) -> Iterator[Tier]:
    """The answer as a whole, then the tiers of the item, with the usual factors after the first of these."""
    yield Tier.of(_whole(case), case.views[0], 2.0)
    for number, tier in enumerate(_tiers(case)):
        if number == 1:
            yield Tier.of(_scaled(case, factors(case)), case.views[0], 2.0)
        yield tier


def _found(candidate: Candidate | None, more: str = "") -> Iterator[Told]:
    if candidate is not None:
        yield candidate.mistake, candidate.words + more


def _accident(case: Case) -> bool:
    return len(case.given) > 1 and not exactly(case.given[0], case.right[0], case.closeness, case.floor(0)).any()


def _constant(case: Case) -> bool:
    factors = [proportional(given, right, 1e-7 if case.figures is None else None, case.figures)
               for given, right in zip(case.given, case.right, strict=False)]  # fmt: skip
    return all(one is not None and abs(one - (factors[0] or 0.0)) <= 1e-6 * abs(one) for one in factors)


def _whole(case: Case) -> Iterator[Candidate]:
    """What may be wrong with the answer as a whole: its sign, its decimal point, its arrangement."""
    right = dict(zip(map(id, case.views), case.right, strict=False))
    found = [(-1.0, "sign", "the sign is wrong: it is minus the right one")]
    if case.figures is not None:
        told = "the decimal point has slipped"
        found += [(10.0**power, "decimal_point", told) for power in (1, -1, 2, -2, 3, -3)]
    yield from _scaled(case, found)
    if case.right[0].ndim >= 2:
        told = "it is the transpose of the right one"
        yield Candidate("transpose", told, lambda view: np.swapaxes(right[id(view)], -1, -2))
        yield Candidate("transpose", f"{told}, with the wrong sign", lambda view: -np.swapaxes(right[id(view)], -1, -2))


def _scaled(case: Case, scales: list[tuple[float, str, str]]) -> Iterator[Candidate]:
    """The right answer times each of some factors."""
    right = dict(zip(map(id, case.views), case.right, strict=False))
    for factor, key, words in scales:
        yield Candidate(key, words, lambda view, f=factor: f * right[id(view)])  # type: ignore[misc]


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


def _arranged(case: Case, shapes: str) -> str:
    """What more can be said of another shape."""
    given, right = np.asarray(case.given[0]), case.right[0]
    if given.size == right.size and (np.abs(np.ravel(given) - np.ravel(right)) <= case.tolerance(given).ravel()).all():
        return f"{shapes}: the numbers are right, their arrangement is not"
    flat = np.ravel(right)
    if given.size == 1 and flat.size > 1 and (flat == flat[0]).all() and np.isclose(np.ravel(given)[0], flat[0]):
        return f"{shapes}: every entry has this value, so write it out, or times ones(...)"
    return shapes


def in_numbers(case: Case) -> str:
    """How wrong it is."""
    if not np.isfinite(case.given[0]).all() and np.isfinite(case.right[0]).all():
        return "it is not finite"
    wrong = wrong_at(case)
    if wrong.ndim == 0:
        return "it is another number" if case.figures is not None else "it evaluates to another number"
    first = "[" + ", ".join(map(str, np.argwhere(wrong)[0])) + "]"
    count = int(wrong.sum())
    return f"{count} of {wrong.size} entries {'is' if count == 1 else 'are'} wrong, the first at {first}"


def wrong_at(case: Case) -> Any:
    """The wrong entries at the first draw that has any."""
    for draw, (given, right) in enumerate(zip(case.given, case.right, strict=False)):
        if case.figures is not None:
            found = wrong_entries(given, right, tolerated(case.figures, right, case.closeness, case.floor(draw)))
        else:
            found = exactly(given, right, case.closeness, case.floor(draw))
        if found.any():
            return found
    return np.zeros(np.shape(case.right[0]), dtype=bool)
