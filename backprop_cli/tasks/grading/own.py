"""What follows from a student's own earlier answers: the passes, run with those in the place of the right ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.key import Key
from backprop_cli.tasks.grading.operands import View

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array

SIGNS = ((1.0, 1.0), (1.0, -1.0))
"""How half a unit is added to the entries of an own answer in turn, to see how far its rounding reaches."""

PASSES = ("value", "gradient")
"""What the passes work out; anything else is a further quantity, made of these."""

Pins = Mapping[tuple[str, int], list[Any]]


class Own:
    """The answers of one sheet that were wrong so far, and those that were right from them."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.wrong: dict[tuple[str, int], list[Any]] = {}
        self.carried: dict[tuple[str, int], list[Any]] = {}
        self.halves: dict[tuple[str, int], Any] = {}
        self._views: dict[str, tuple[View, ...]] = {}

    @property
    def views(self) -> tuple[View, ...]:
        """The key's own numbers."""
        if "views" not in self.key.known:
            self.key.known["views"] = tuple(View(draw.values, draw.gradients) for draw in self.key.draws)
        found: tuple[View, ...] = self.key.known["views"]
        return found

    def note(self, item: Item, index: int, values: list[Any], *, half: object = None, carried: bool = False) -> None:
        """Remember an answer; one whose shape does not fit cannot be gone on with."""
        place = _place(item, index)
        fits = values[0].shape == self.key.right(item)[0].shape and all(np.isfinite(one).all() for one in values)
        if not fits or place in self.wrong:
            return
        if carried:
            self.carried[place] = values
            self._views.pop("rounded", None)
            return
        self.wrong[place] = values
        self.halves[place] = half
        self._views.clear()

    def own_views(self) -> tuple[View, ...] | None:
        """The passes from the wrong answers; None where there are none."""
        return self._made("own", self.wrong) if self.wrong else None

    def expected(self, item: Item, index: int) -> Iterator[tuple[list[Any], Callable[[], Any]]]:
        """What follows for an item, and (when asked) how far the rounding of what was written reaches."""
        if not self.wrong:
            return
        choices = {"own": self.wrong, "rounded": {**self.wrong, **self.carried}}
        if any(what == "value" for what, _ in self.wrong) and item.what != "value":
            choices["gradients"] = {place: one for place, one in self.wrong.items() if place[0] == "gradient"}
        for name, pins in choices.items():
            others = {place: one for place, one in pins.items()
                      if place != _place(item, index) and (item.is_further or place[0] in PASSES)}  # fmt: skip
            if others and (name != "rounded" or self.carried):
                views = self._made(name if item.is_further else f"{name} of the passes", others)
                slack = partial(self._slack, others, item, index, views[0])
                yield [self._at(view, item, index) for view in views], slack

    def source(self, item: Item, index: int) -> str:
        """The nearest wrong answer on which an item rests, by name."""
        graph = self.key.graph
        if item.is_further:
            own = [(suffix, i) for suffix, i in self.wrong if suffix not in PASSES and _rests(item, index, suffix, i)]
            if own:
                suffix, found = own[-1]
                return f"{graph.nodes[found].name}{suffix}"
        on = [(what, i) for what, i in self.wrong if what == "gradient" and index in self.key.below(i)]
        values = [(what, i) for what, i in self.wrong if what == "value"]
        passes = [(what, i) for what, i in self.wrong if what in PASSES]
        if item.is_further and ("gradient", index) in self.wrong:
            on = [("gradient", index)]
        what, found = (on or values or passes)[-1]
        name = graph.nodes[found].name
        return f"value of {name}" if what == "value" else f"gradient of {name}"

    def _at(self, view: View, item: Item, index: int) -> Any:
        """An item from the numbers of a view."""
        if item.is_further:
            return np.asarray(self.key.further.of(item, view))
        return np.asarray((view.values if item.what == "value" else view.gradients)[index])

    def _made(self, name: str, pins: Pins) -> tuple[View, ...]:
        if name not in self._views:
            count = min(len(values) for values in pins.values())
            self._views[name] = tuple(self._view(draw, {place: values[draw] for place, values in pins.items()})
                                      for draw in range(count))  # fmt: skip
        return self._views[name]

    def _view(self, number: int, pins: Mapping[tuple[str, int], Array]) -> View:
        draw, chain = self.key.draws[number], self.key.chain
        values = {index: one[()] for (what, index), one in pins.items() if what == "value"}
        gradients = {index: one[()] for (what, index), one in pins.items() if what == "gradient"}
        forward = chain.forward(draw.values, values) if values else draw.values
        further = {place: one for place, one in pins.items() if place[0] not in PASSES}
        return View(forward, chain.reverse(forward, draw.seeds, gradients), further)

    def _slack(self, pins: Pins, item: Item, index: int, view: View) -> object:
        """How far an entry moves when the own answers move by half a unit of their last digits."""
        halves = {place: half for place, half in self.halves.items() if place in pins and half is not None}
        if not halves:
            return 0.0
        total: Any = 0.0
        if item.what == "gradient" and self.key.chain.plain:
            written = {i: half for (what, i), half in halves.items() if what == "gradient"}
            total = self.key.chain.rounding(view.values, view.gradients, written)[index]
        values = [place for place in halves if place[0] != "gradient" or item.is_further or not self.key.chain.plain]
        for signs in SIGNS if values else ():
            moved = {place: one[0] + (_pattern(halves[place], one[0], signs) if place in values else 0.0)
                     for place, one in pins.items()}  # fmt: skip
            total = total + np.abs(self._at(self._view(0, moved), item, index) - self._at(view, item, index))
        return total


def _place(item: Item, index: int) -> tuple[str, int]:
    """What an answer is kept under."""
    return item.suffix if item.is_further else item.what, index


def _rests(item: Item, index: int, suffix: str, on: int) -> bool:
    """Whether a further quantity is made of another one: an entry of the whole, a tangent of those before it."""
    if item.what == "tangent":
        return suffix == ".tangent" and on < index
    return on == index and suffix.partition("[")[0] == item.suffix.partition("[")[0]


def _pattern(half: Array, like: Array, signs: tuple[float, float]) -> object:
    chosen = np.where(np.arange(np.size(like)) % 2 == 0, *signs).reshape(np.shape(like))
    return np.asarray(half) * chosen
