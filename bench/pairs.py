"""Two jobs timed in turns, so that whatever else the machine does meets both; the median of the ratios counts."""

from __future__ import annotations

import gc
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

Job = Callable[[], Any]


@dataclass(frozen=True)
class Pair:
    """Seconds of our job and of the other, and how they compare."""

    ours: float
    theirs: float
    ratio: float


def seconds(job: Job) -> float:
    """How long one call takes, freeing its result included; the collector rests, as it does in the command."""
    start = perf_counter()
    job()
    return perf_counter() - start


def compare(ours: Job, theirs: Job, repeats: int = 9) -> Pair:
    """Time two jobs in turns, after one call of each that warms up."""
    ours(), theirs()
    gc.collect()
    gc.disable()
    try:
        times = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    finally:
        gc.enable()
    return Pair(median(a for a, _ in times), median(b for _, b in times), median(a / b for a, b in times))


def process(command: Sequence[str]) -> Job:
    """Run a command to its end, its output thrown away."""

    def job() -> None:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    return job
