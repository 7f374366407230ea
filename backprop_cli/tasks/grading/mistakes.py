"""Why an answer is wrong: what somebody gets who makes one mistake, compared with what was given.

Candidates come in tiers, the surest first, and the first that the answer agrees with at every draw is the mistake; in
numbers it must also agree in more digits than chance explains among so many candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from backprop_cli.engine.ops.base import show
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.tasks.grading.agreement import exactly, tolerated
from backprop_cli.tasks.grading.around import Candidate
from backprop_cli.tasks.grading.case import Case, wrong_at
from backprop_cli.tasks.grading.entries import by_entry, proportional
from backprop_cli.tasks.grading.tiers import Tier, all_tiers

PAIRS = ((-1.0, "; and the sign is wrong"), (2.0, "; and a factor 2 is too many"), (0.5, "; and a factor 2 is missing"))

MOST_AXES = 4
"""Of an answer, up to which it is looked for a sum that is missing."""

Told = tuple[str | None, str]
"""The mistake's key, and the reason."""


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
    accident = "it gives the right number here, but only by accident: " if same and _accident(case) else ""
    if not same and case.item.what == "gradient":
        yield from _unsummed(case)
    tiers: list[Tier] = []
    for tier in all_tiers(case):
        if tier.reaches(case):
            tiers.append(tier)
            found = tier.find(case, tight=True)
            yield from [("by_accident", accident + found.words)] if found and accident else _found(found)
        yield from _found(tier.find_family(case))
    if accident:
        yield "by_accident", accident + "not with other numbers in the leaves"
    for tier in tiers if case.figures is not None else ():
        yield from _found(tier.find(case))
    if same and case.figures is not None:
        yield from by_entry(case.figures, case.right[0], tolerated(case.figures, case.right[0], case.closeness, 0.0))
    for factor, words in PAIRS:
        for tier in tiers:
            yield from _found(tier.find(case, factor), words)
    if same and _constant(case):
        yield "constant_factor", "every entry is the same number times the right one"


def _unsummed(case: Case) -> Iterator[Told]:
    """The right answer before a sum: over some axes it comes to that."""
    given, right = np.asarray(case.given[0]), case.right[0]
    if not right.size < given.size or given.ndim > MOST_AXES or not right.any():
        return
    for count in range(1, given.ndim + 1):
        for axes in combinations(range(given.ndim), count):
            pairs = [(np.sum(one, axis=axes), other) for one, other in zip(case.given, case.right, strict=False)]
            if all(one.size == other.size and _near(one, other) for one, other in pairs):
                yield "batch_sum_missing", f"sum it over the axes along which {case.item.node} was broadcast"


def _near(one: Array, other: Array) -> bool:
    size = float(np.abs(other).max(initial=0.0))
    return bool(np.allclose(np.ravel(one), np.ravel(other), rtol=1e-3, atol=1e-3 * size))


def _found(candidate: Candidate | None, more: str = "") -> Iterator[Told]:
    if candidate is not None:
        yield candidate.mistake, candidate.words + more


def _accident(case: Case) -> bool:
    return len(case.given) > 1 and not exactly(case.given[0], case.right[0], case.closeness, case.floor(0)).any()


def _constant(case: Case) -> bool:
    factors = [proportional(given, right, 1e-7 if case.figures is None else None, case.figures)
               for given, right in zip(case.given, case.right, strict=False)]  # fmt: skip
    return all(one is not None and abs(one - (factors[0] or 0.0)) <= 1e-6 * abs(one) for one in factors)


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
