"""Why an answer is wrong: a table of typical mistakes, each tried in turn on the right answer.

A row makes candidates, what somebody gets who made that mistake; the first one that the answer agrees with, at every
draw, is the reason. What no row explains is said in numbers: how many entries are wrong, and which is the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np

from backprop_cli.engine.ops.base import show
from backprop_cli.tasks.grading.agreement import Closeness, exactly, tolerated, wrong_entries
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.key import Key
from backprop_cli.tasks.grading.sheets import Figures

Candidate = tuple[str, Callable[[int], Any]]
"""A reason, and what the answer would be at a draw (None: nothing)."""

SURE = 0.02
"""Relative: an answer of one digit agrees with too much to tell mistakes apart."""

LOOSE = 2e-3
"""Relative: a mistake may come with a slip in the last digits."""

MAX_NODES = 50

NEAR = 0.01
"""Relative: so near, somebody rounded on the way."""


@dataclass(frozen=True, slots=True)
class Case:
    """A wrong answer: what was given and what is right, at each draw (numbers: at the first only)."""

    key: Key
    item: Item
    given: list[Any]
    right: list[Any]
    figures: Figures | None
    closeness: Closeness

    @property
    def index(self) -> int:
        """The node."""
        return self.key.graph.names[self.item.node]

    def agrees(self, candidate: Callable[[int], Any]) -> bool:
        """Whether the answer is what somebody gets who made this mistake."""
        return all(self._agrees(draw, candidate(draw)) for draw in range(len(self.given)))

    def _agrees(self, draw: int, candidate: Any) -> bool:
        given, floor = self.given[draw], self.key.draws[draw].floor
        if candidate is None or np.shape(candidate) != np.shape(given) or not np.isfinite(candidate).all():
            return False
        if self.figures is None:
            return not exactly(given, candidate, self.closeness, floor).any()
        if draw == 0 and not self._nearer(candidate):
            return False
        size = np.abs(candidate)
        tolerance = np.maximum(tolerated(self.figures, candidate, self.closeness, floor), LOOSE * size)
        tolerance = np.minimum(tolerance, SURE * size.max(initial=0.0))
        return not wrong_entries(given, candidate, tolerance).any()


    def _nearer(self, candidate: Any) -> bool:
        """Whether a candidate is clearly nearer than the right answer: a slip may change next to nothing."""
        given, right = self.given[0], self.right[0]
        if np.shape(given) != np.shape(right):
            return True
        return bool(np.abs(given - candidate).max(initial=0) < 0.5 * np.abs(given - right).max(initial=0))


def explain(case: Case) -> str:
    """The reason for a mark of 'wrong'."""
    if np.shape(case.given[0]) != np.shape(case.right[0]):
        given, right = show(np.shape(case.given[0])), show(np.shape(case.right[0]))
        shapes = f"it has shape {given}, the {case.item.what} of {case.item.node} has {right}"
        return "".join([shapes, *(f": {why}" for why in _first(case, SHAPES))])
    return next(_first(case, MISTAKES), None) or in_numbers(case)


def _first(case: Case, table: tuple[Callable[[Case], Iterator[Candidate]], ...]) -> Iterator[str]:
    for row in table:
        for words, candidate in row(case):
            if case.agrees(candidate):
                yield words
                return


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────


def _transposed(case: Case) -> Iterator[Candidate]:
    if case.right[0].ndim >= 2:
        yield "it is the transpose of the right one", lambda d: np.swapaxes(case.right[d], -1, -2)
        yield "it is minus the transpose of the right one", lambda d: -np.swapaxes(case.right[d], -1, -2)


def _unsummed(case: Case) -> Iterator[Candidate]:
    """What a consumer contributes before it is summed over the axes along which the node was broadcast."""
    if case.item.what == "gradient":
        yield f"sum it over the axes along which {case.item.node} was broadcast", lambda d: _single(case, d, _same)


def _repeated(case: Case) -> Iterator[Candidate]:
    """The right numbers, once for all entries."""
    given = np.shape(case.given[0])
    if prod(given) == 1 and prod(np.shape(case.right[0])) > 1:
        def first(draw: int) -> Any:
            flat = np.ravel(case.right[draw])
            return np.reshape(flat[0], given) if (flat == flat[0]).all() else None

        yield "every entry has this value, so write it out, or times ones(...)", first


def _rearranged(case: Case) -> Iterator[Candidate]:
    given = np.shape(case.given[0])
    if prod(given) == np.size(case.right[0]):
        yield "the numbers are right, their arrangement is not", lambda d: np.reshape(case.right[d], given)


SHAPES = (_transposed, _unsummed, _repeated, _rearranged)


# ── values ───────────────────────────────────────────────────────────────────────────────────────


def _times(case: Case, factor: float) -> Callable[[int], Any]:
    return lambda draw: factor * case.right[draw]


def _sign(case: Case) -> Iterator[Candidate]:
    yield "the sign is wrong: it is minus the right one", _times(case, -1.0)


def _square(case: Case) -> Iterator[Candidate]:
    if case.right[0].ndim >= 2 and case.right[0].shape[-1] == case.right[0].shape[-2]:
        yield from _transposed(case)


def _dropped(case: Case) -> Iterator[Candidate]:
    """A local derivative or a path left out, here or further up the chain."""
    if case.item.what == "gradient":
        altered = case.key.altered
        for slip in altered.slips(case.index):
            yield slip.words, partial(altered.gradient, slip, index=case.index)


FACTORS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("{}", lambda v: v), ("(1 - {})", lambda v: 1 - v), ("(1 - {}**2)", lambda v: 1 - v**2),
)  # fmt: skip
"""What local derivatives are made of."""


def _part(case: Case) -> Iterator[Candidate]:
    """A part of a local derivative: y where y*(1 - y) is right."""
    nodes = [n for n in case.key.graph.named() if n.shape == case.key.graph.nodes[case.index].shape]
    for node in nodes[:MAX_NODES] if case.item.what == "gradient" else ():
        for text, factor in FACTORS:
            name = text.format(node.name)
            yield f"a factor {name} is missing", _over(case, node.index, factor, 1)
            yield f"a factor {name} is too many", _over(case, node.index, factor, -1)


def _over(case: Case, index: int, factor: Callable[[Any], Any], power: int) -> Callable[[int], Any]:
    """The right answer divided by a factor, or times it."""

    def candidate(draw: int) -> Any:
        by = factor(np.asarray(case.key.draws[draw].values[index]))
        with np.errstate(all="ignore"):
            return case.right[draw] / by if power > 0 else case.right[draw] * by

    return candidate


def _upstream(case: Case) -> Iterator[Candidate]:
    """The local derivative alone: the chain was not gone on with."""
    if case.item.what == "gradient":
        yield ("it is the local derivative alone: the gradient that arrives from above is missing",
               lambda d: _single(case, d, np.ones_like))  # fmt: skip


def _factors(case: Case) -> Iterator[Candidate]:
    """A few usual factors, with either sign."""
    for factor, words in factors(case.key):
        yield words, _times(case, factor)
    for factor, words in factors(case.key):
        yield f"{words}; and the sign is wrong", _times(case, -factor)


def factors(key: Key) -> list[tuple[float, str]]:
    """Two, and the sizes over which there are sums and means."""
    found = [(2.0, "it is twice the right one: a factor 1/2 is missing, or a 2 too many"),
             (0.5, "it is half the right one: a factor 2 is missing, or a 1/2 too many")]  # fmt: skip
    named = {int(size): name for name, size in key.graph.spec.dims.items()}
    sizes = {int(size) for node in key.graph.nodes for size in (*node.shape, prod(map(int, node.shape)))}
    for size in sorted(sizes - {0, 1, 2}):
        n = named.get(size, str(size))
        found.append((float(size), f"it is {n} times the right one: a factor 1/{n} is missing (a sum is no mean)"))
        found.append((1.0 / size, f"it is 1/{n} of the right one: a factor 1/{n} too many (a sum is no mean)"))
    return found


def _proportional(case: Case) -> Iterator[Candidate]:
    """Any other factor, where there are entries enough to tell."""
    right = np.ravel(case.right[0])
    if np.unique(np.abs(right[right != 0])).size < 2:
        return
    place = int(np.argmax(np.abs(right)))
    factor = float(np.ravel(case.given[0])[place]) / float(right[place])
    if factor and np.isfinite(factor) and abs(factor - 1) > NEAR:
        yield f"every entry is {factor:.4g} times the right one", _times(case, factor)


def _another(case: Case) -> Iterator[Candidate]:
    """The right answer to another question."""
    graph, what = case.key.graph, case.item.what
    other = "gradient" if what == "value" else "value"
    yield f"this is the {other} of {case.item.node}", partial(_of, case, case.index, other)
    for node in graph.named():
        if node.index != case.index and node.shape == graph.nodes[case.index].shape:
            yield f"this is the {what} of {node.name}", partial(_of, case, node.index, what)


def _of(case: Case, index: int, what: str, draw: int) -> Any:
    """Another node's answer; zeros and ones are too many nodes' to mean anything."""
    found = case.key.draws[draw].of(what)[index]
    return None if found is None or np.isin(found, (-1.0, 0.0, 1.0)).all() else found


def _accident(case: Case) -> Iterator[Candidate]:
    """A formula that is right at the spec's numbers alone."""
    if len(case.given) > 1 and not exactly(case.given[0], case.right[0], case.closeness, case.key.draws[0].floor).any():
        yield ("it gives the right number here, but only by accident: not with other numbers in the leaves",
               lambda d: case.given[d])  # fmt: skip


MISTAKES = (_accident, _sign, _square, _dropped, _factors, _upstream, _another, _part, _proportional)


def _single(case: Case, draw: int, seed: Callable[[Any], Any]) -> Any:
    """What the only consumer contributes; None where there are several."""
    found = [one for _, one in case.key.altered.contributions(case.index, draw, seed)]
    return found[0] if len(found) == 1 else None


def _same(gradient: Any) -> Any:
    return gradient


def in_numbers(case: Case) -> str:
    """How wrong it is."""
    if not np.isfinite(case.given[0]).all() and np.isfinite(case.right[0]).all():
        return "it is not finite"
    with np.errstate(all="ignore"):
        apart = np.abs(case.given[0] - case.right[0]) / np.abs(case.right[0])
    if case.figures is not None and np.all(apart < NEAR):
        return "it is near, but wrong in the last digits that are written: round at the end only"
    wrong = _wrong(case)
    if wrong.ndim == 0:
        return "it is another number" if case.figures is not None else "it evaluates to another number"
    first = "[" + ", ".join(map(str, np.argwhere(wrong)[0])) + "]"
    count = int(wrong.sum())
    return f"{count} of {wrong.size} entries {'is' if count == 1 else 'are'} wrong, the first at {first}"


def _wrong(case: Case) -> Any:
    """The wrong entries at the first draw that has any."""
    for given, right, draw in zip(case.given, case.right, case.key.draws, strict=False):
        if case.figures is not None:
            found = wrong_entries(given, right, tolerated(case.figures, right, case.closeness, draw.floor))
        else:
            found = exactly(given, right, case.closeness, draw.floor)
        if found.any():
            return found
    return np.zeros(np.shape(case.right[0]), dtype=bool)
