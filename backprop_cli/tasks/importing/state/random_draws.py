"""The numbers that a seeded generator gives: numpy's own, drawn again in the order of the program.

`np.random.seed(1)` and `np.random.randn(3, 4)` are a fact of the program as much as a literal is.  Where no seed is
set, or so many numbers are drawn that a spec should not hold them, a leaf gets a rule and a shape instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from backprop_cli.tasks.importing.state.values import Sizes

MAX_DRAWN: Final = 2_000
MAX_SKIPPED: Final = 5_000_000


class Draws:
    """A generator of numpy, legacy or new; `generator` is None as long as no seed is set."""

    def __init__(self) -> None:
        self.generator: Any = None
        self.python = Random(0)  # noqa: S311 - of Python's module `random`
        self.is_python_seeded = False

    def seed(self, value: int, new: bool = False) -> None:
        """Begin again."""
        import numpy as np

        self.generator = np.random.default_rng(value) if new else np.random.RandomState(value)

    def forget(self) -> None:
        """What follows is not known: something that was not read has drawn."""
        self.generator = None

    def draw(self, law: str, shape: Sizes, first: float, second: float) -> object:
        """Numbers as nested lists; None where they are not known or too many."""
        count = math.prod(shape)
        if self.generator is None or count > MAX_SKIPPED:
            self.generator = None
            return None
        values = _LAWS[law](self.generator, shape, first, second)
        return values.tolist() if count <= MAX_DRAWN else None

    def pick(self, count: int, shape: Sizes | None, replace: bool) -> Any:
        """Whole numbers below `count`: all of them in a random order, or a choice; None where they are not known."""
        if self.generator is None:
            return None
        if shape is None:
            return self.generator.permutation(count).tolist()
        if not replace and math.prod(shape) > count:
            return None
        return self.generator.choice(count, shape, replace=replace).tolist()


_LAWS: Mapping[str, Callable[[Any, Sizes, float, float], Any]] = {
    "normal": lambda rng, shape, mean, std: rng.standard_normal(shape) * std + mean,
    "uniform": lambda rng, shape, low, high: rng.random_sample(shape) * (high - low) + low
    if hasattr(rng, "random_sample") else rng.random(shape) * (high - low) + low,
    "integers": lambda rng, shape, low, high: rng.randint(int(low), int(high), shape)
    if hasattr(rng, "randint") else rng.integers(int(low), int(high), shape),
}  # fmt: skip
