"""Two jobs timed in turns, so that whatever else the machine does meets both; the median of the ratios counts."""

from __future__ import annotations

import gc
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Job = Callable[[], Any]


@dataclass(frozen=True)
class Pair:
    """Seconds of our job and of the other, and how they compare."""

    ours: float
    theirs: float
    ratio: float


def seconds(job: Job) -> float:
    """Processor time of one call and the processes it starts, freeing its result included.

    The collector rests, as it does in the command; whatever else the machine does hardly counts.
    """
    start = _spent()
    job()
    return _spent() - start


def _spent() -> float:
    used = os.times()
    return time.process_time() + used.children_user + used.children_system


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
