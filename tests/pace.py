"""How fast this machine is now: limits in seconds belong to one machine, so they are scaled by a piece of known work.

The work is of the kind that the program does (text scanned, small objects made, dictionaries filled).  It is run in the
same process, right where a limit was passed, and only then: a test that is well inside its limit pays nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

REFERENCE = 0.0125
"""Seconds of processor time that the work takes on the machine for which the limits were set."""

_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class _Item:
    name: str
    index: int


def _work() -> int:
    """Scan, make, sort and look up."""
    text = " ".join(f"name{i} {i}" for i in range(8000))
    items = {m.group(): _Item(m.group(), m.start()) for m in _WORD.finditer(text)}
    ordered = sorted(items.values(), key=lambda item: item.name)
    return sum(items[item.name].index for item in ordered)


def cpu_of(action: Callable[[], object]) -> float:
    """The processor time that a call takes, in seconds."""
    start = time.process_time()
    action()
    return time.process_time() - start


def slowness(measure: Callable[[Callable[[], object]], float] = cpu_of) -> float:
    """How many times slower than the reference the machine is now: at least 1, the worst of three."""
    return max(1.0, *(measure(_work) / REFERENCE for _ in range(3)))


def within(seconds: float, limit: float) -> bool:
    """Whether a time is inside a limit of the reference machine, at the pace that this one has now."""
    return seconds < limit or seconds < limit * slowness()
