"""The printed `code` of a formula, read back as a user would paste it: parsed, its names bound, evaluated in numbers.

This proves the algebra and the printer, not the rules: those made the formula *and* the value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.ops.tensor import Array, Mask
from backprop_cli.errors import BackpropError
from backprop_cli.formulas.printed import Named, Omitted, Printed
from backprop_cli.tasks.checks.reading import Reading
from backprop_cli.tasks.checks.results import Answer, Index, Tolerance

RELATIVE = 1e-7
ROUNDING = 1e-12  # of the largest number in the graph: what cancels in one form may not cancel in the other
TOO_LARGE = "E016"
UNDEFINED = "the printed formula is 0/0 there"
LOST = "the terms of the printed formula cancel, and rounding takes its digits"
NOWHERE = "the reverse pass has no finite value there, nor has the formula or the output"


Formulas = Mapping[str, Printed | Omitted]
"""Of one gradient, by their terms."""


def codes(formula: Formulas) -> dict[str, str]:
    """The text of each that is shown, as a spec has it."""
    return {terms: one.code for terms, one in formula.items() if isinstance(one, Printed)}


class PrintedBack:
    """Evaluates printed formulas of one backward pass."""

    def __init__(
        self, graph: Graph, values: Sequence[Array], gradients: Sequence[Array], where: Iterable[Named] = (),
        output: int | None = None,
    ) -> None:  # fmt: skip
        self.is_open = output is not None and not np.isfinite(values[output]).all()
        self.reading = Reading(graph, lambda name: values[graph.names[name]], lambda name: gradients[graph.names[name]])
        for named in where:  # each is written in those before it
            self.reading.named[named.name["code"]] = self.reading.value(named.formula.code)
        self.tolerance = Tolerance(RELATIVE, ROUNDING * largest([*values, *gradients]))

    def answer(self, formula: Formulas, gradient: Array, within: Iterable[Formulas] = ()) -> Answer:
        """The formulas of a gradient, in all their terms, against its value; those `within` may stand in them."""
        shown, parts = codes(formula), [code for one in within for code in codes(one).values()]
        once: dict[str, Any] = {}
        for terms, code in shown.items():
            if code not in once:
                once[code] = self.read(terms, code, gradient, parts)
        read = {terms: once[code] for terms, code in shown.items()}
        found = {terms: one for terms, one in read.items() if not isinstance(one, str)}
        values = [one for one in once.values() if not isinstance(one, str)]
        faults = [one for one in read.values() if isinstance(one, str) and one != TOO_LARGE]
        distances = [self.distance(one, gradient) for one in values] if np.size(gradient) else []
        note, unknown = "", tuple[Index, ...]()
        if any(np.any(self.tolerance.refuses(distance)) for distance in distances):  # where all agree, none is excused
            excuses = self.excuses(once, values, gradient)
            distances = [np.where(np.any([*excuses.values()], axis=0), 0.0, distance) for distance in distances]
            note, silent = next(((note, mask) for note, mask in excuses.items() if mask.any()), ("", None))
            unknown = () if silent is None else tuple(tuple(map(int, index)) for index in np.argwhere(silent))
        worst, at = 0.0, (0,) * np.ndim(gradient)
        for apart in distances:
            distance, index = farthest(apart)
            if not distance <= worst and not math.isnan(worst):
                worst, at = distance, index
        if not found and not faults:
            return Answer("formula", total=len(formula), note="no formula is short enough to be read back")
        wrong = bool(faults) or bool(self.tolerance.refuses(worst))
        note = faults[0] if faults else note
        return Answer("formula", worst, wrong, at, found, (), unknown, len(found), len(formula), note)

    def excuses(self, once: Mapping[str, Any], values: Sequence[Any], gradient: Array) -> dict[str, Mask]:
        """Where a formula that differs is not to blame, by the reason."""
        undefined = nowhere = np.zeros(np.shape(gradient), dtype=bool)
        if not all(np.isfinite(one).all() for one in (gradient, *values)):
            undefined, nowhere = undefined_at(values, gradient), self.nowhere(values, gradient)
        return {UNDEFINED: undefined, NOWHERE: nowhere, LOST: self.lost(once, gradient)}

    def lost(self, once: Mapping[str, Any], gradient: Array) -> Mask:
        """Where a formula that differs may do so by its own rounding, which is asked for of such a formula alone."""
        found = np.zeros(np.shape(gradient), dtype=bool)
        for code, one in once.items():
            if isinstance(one, str) or not np.size(one):
                continue
            apart = self.tolerance.refuses(self.distance(one, gradient)) & np.isfinite(one) & np.isfinite(gradient)
            if np.any(apart):
                found |= apart & (np.abs(one - gradient) <= self.reading.spread(code))
        return found

    def nowhere(self, found: Iterable[Any], gradient: Array) -> Mask:
        """Where neither has a value: the gradient is not finite, nor the formula that differs or the output."""
        missing = ~np.isfinite(np.asarray(gradient, dtype=float))
        loose = [missing & (self.distance(one, gradient) != 0) & (self.is_open | ~np.isfinite(one)) for one in found]
        return np.any(loose, axis=0) if loose else np.zeros(np.shape(gradient), dtype=bool)

    def read(self, terms: str, code: str, gradient: Array, within: Iterable[str]) -> Any:
        """The value of a formula, of the gradient's shape; or what is wrong with it, in words."""
        try:
            found = self.reading.value(code, within)
        except BackpropError as error:
            fault = f"the formula ({terms}) does not read back: {error.message}"
            return TOO_LARGE if error.code == TOO_LARGE else fault
        except Exception as error:  # noqa: BLE001 - whatever it is, the formula is none of the language
            return f"the formula ({terms}) does not read back: {type(error).__name__}: {error}"
        if np.shape(found) != np.shape(gradient):
            return f"the formula ({terms}) has shape {np.shape(found)}, the gradient {np.shape(gradient)}"
        return np.asarray(found)

    def distance(self, found: Any, gradient: Any) -> Any:
        """Entry by entry; NaN meets NaN, since a formula has to say what the reverse pass says."""
        if np.ndim(found) == 0 == np.ndim(gradient):  # numpy's functions take twenty times as long
            one, other = float(found), float(gradient)
            return 0.0 if one != one and other != other else self.tolerance.distance(one, other)  # noqa: PLR0124 (NaN)
        both = np.isnan(np.asarray(found, dtype=float)) & np.isnan(np.asarray(gradient, dtype=float))
        return np.where(both, 0.0, self.tolerance.distance(found, gradient))


def farthest(distances: Any) -> tuple[float, Index]:
    """The largest of some distances, NaN above all, and where it is."""
    if not np.ndim(distances):
        return float(distances), ()
    at = int(np.argmax(np.where(np.isnan(distances), np.inf, distances)))
    index = tuple(map(int, np.unravel_index(at, distances.shape)))
    return float(distances[index]), index


def undefined_at(found: Iterable[Array], gradient: Array) -> Any:
    """Where a formula is 0/0 though the gradient is a number: at a norm of zero, say, where the rule knows better."""
    missing = [np.isnan(np.asarray(one, dtype=float)) for one in found]
    return np.isfinite(np.asarray(gradient, dtype=float)) & np.any(missing, axis=0) if missing else \
        np.zeros(np.shape(gradient), dtype=bool)  # fmt: skip


def largest(arrays: Sequence[Any]) -> float:
    """The largest finite size of a number in arrays, at least 1."""
    found = 1.0
    for array in arrays:
        if array is not None and np.size(array):
            finite = np.abs(np.where(np.isfinite(array), array, 0.0))
            found = max(found, float(finite.max()))
    return found
