"""Two jobs timed in turns, so that whatever else the machine does meets both; the median of the ratios counts."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
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


ENOUGH = 4.0
"""Seconds of processor time after which a pair is not timed once more: long jobs need fewer turns, and the whole
table stays a matter of minutes."""


def compare(ours: Job, theirs: Job, repeats: int = 9) -> Pair:
    """Time two jobs in turns, after one call of each that warms up; the first turn of long ones counts as well."""
    times = [(seconds(ours), seconds(theirs))]
    gc.collect()
    gc.disable()
    try:
        if sum(times[0]) < ENOUGH / 3:
            times.clear()
        while len(times) < repeats and sum(map(sum, times)) < ENOUGH:
            times.append((seconds(ours), seconds(theirs)))
    finally:
        gc.enable()
    return Pair(median(a for a, _ in times), median(b for _, b in times), median(a / b for a, b in times))


def process(command: Sequence[str]) -> Job:
    """Run a command to its end, its output thrown away."""

    def job() -> None:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    return job


WATCH = """
import os, subprocess, sys
with open(sys.argv[1], "wb") as stream:
    running = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=stream)
    _, status, used = os.wait4(running.pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_maxrss)
"""
"""A small process in between: a peak that the system reports is at least that of the process it was started from."""


def megabytes(command: Sequence[str], out: str) -> float:
    """Peak memory of a process (its resident set), its output written to a file."""
    told = subprocess.run([sys.executable, "-c", WATCH, out, *command], check=True, capture_output=True, text=True)
    code, peak = map(int, told.stdout.split())
    if code:
        raise subprocess.CalledProcessError(code, command)
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6
