"""Many specs on a cluster of `dask.distributed` (the extra `cluster`): the same answers, in the same order.

Files go out in small batches, a bounded number of them ahead of the answer that is due, so that neither we nor the
scheduler ever hold more than a window of the whole.  The scheduler gives what a lost worker had to another one.  On a
worker each batch is answered by a process of its own (`remote.py`), which a file may hang or kill without further harm.
"""

from __future__ import annotations

import gc
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from backprop_cli.cli.problems import Problem
from backprop_cli.cli.records import Answer, Limits, Work, name_of
from backprop_cli.cli.remote import Task, answered
from backprop_cli.errors import LimitError, UsageError

if TYPE_CHECKING:
    from distributed import Client, Future

BATCH = 16
"""Files of a batch at most: each costs the scheduler as much as any number of files."""

AHEAD = 8
"""Batches that may wait for an earlier one, a thread of the cluster."""

PATIENCE = 600.0
"""Seconds on a file where no limit is given: a file that hangs would hold up all that come after it."""

REACHED, ALONE, GLANCE = 10.0, 60.0, 2.0
"""Seconds to wait for a scheduler; for a worker where there is none; between two looks at whether there is one."""


def in_order(specs: Sequence[str], work: Work, limits: Limits, warm: Callable[[], None],
             address: str) -> Generator[Answer]:  # fmt: skip
    """The answers in the order of the specs, worked out on a cluster.

    Raises:
        UsageError: E026, the extra is not installed, or there is no cluster at that address.
        LimitError: E032, the cluster went away, or lost all its workers.
    """
    task = Task(work, warm, str(Path.cwd()), limits.timeout or PATIENCE)
    gc.enable()  # an event loop leaves cycles behind
    with _client(address, limits.jobs) as client, _told(address):
        yield from Stream(client, task, specs).answers()


class Stream:
    """A window of batches on a cluster."""

    def __init__(self, client: Client, task: Task, specs: Sequence[str]) -> None:
        self.client = client
        self.task = task
        threads = self._threads() or 1
        self.size = max(1, min(BATCH, len(specs) // (threads * 2)))
        self.ahead = AHEAD * threads
        self.left = iter(specs)
        self.window: deque[tuple[Sequence[str], Future]] = deque()

    def answers(self) -> Iterator[Answer]:
        """Each answer when it is due; its future is let go of then."""
        while self._fill():
            batch, future = self.window.popleft()
            yield from self._result(batch, future)

    def _fill(self) -> bool:
        while len(self.window) < self.ahead and (batch := tuple(islice(self.left, self.size))):
            self.window.append((batch, self._submit(batch)))
        return bool(self.window)

    def _submit(self, batch: Sequence[str]) -> Future:
        return self.client.submit(answered, self.task, batch, pure=False)

    def _result(self, batch: Sequence[str], future: Future) -> Sequence[Answer]:
        """The answers of a batch; where each worker that took it was lost, of each file by itself."""
        from distributed import KilledWorker

        try:
            found: Sequence[Answer] = self._waited(future)
        except KilledWorker:
            if len(batch) == 1:
                lost = Problem("E032", "each worker of the cluster that took it was lost", 3)
                return [Answer(name_of(batch[0]), problems=(lost,))]
            return [one for spec in batch for one in self._result((spec,), self._submit((spec,)))]
        return found

    def _waited(self, future: Future) -> Any:
        done = Event()
        future.add_done_callback(lambda _: done.set())  # result(timeout=...) may be cancelled as it arrives
        seen = time.monotonic()
        while not done.wait(GLANCE):
            if self._threads():
                seen = time.monotonic()
            elif time.monotonic() - seen > ALONE:
                raise LimitError("E032", "the cluster has no worker left")
        return future.result()

    def _threads(self) -> int:
        return sum(self.client.nthreads().values())


@contextmanager
def _client(address: str, jobs: int) -> Iterator[Client]:
    """A client of the cluster there, with at least one worker; `local` is one on this machine, gone afterwards."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        hint = "pip install 'backprop-cli[cluster]'"
        raise UsageError("E026", "--cluster needs dask.distributed, which is not installed", hint=hint) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)  # what matters is told in our words
    if address == "local":
        count = os.cpu_count() or 1 if jobs < 2 else jobs
        with (
            LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None,
                         silence_logs=logging.CRITICAL + 1) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):  # fmt: skip
            yield client
        return
    try:
        client = Client(address, timeout=REACHED, set_as_default=False)
    except (OSError, ValueError, TypeError) as caught:
        reason = " ".join(str(caught).split())[:200]
        raise UsageError("E026", f"no cluster can be reached at {address!r}", hint=reason or None) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=REACHED)
        except TimeoutError:
            raise UsageError("E026", f"the cluster at {address!r} has no workers") from None
        yield client


@contextmanager
def _told(address: str) -> Iterator[None]:
    """What dask raises, in our words."""
    from concurrent.futures import CancelledError

    try:
        yield
    except (LimitError, UsageError, GeneratorExit, BrokenPipeError):
        raise
    except (OSError, CancelledError) as caught:
        raise LimitError("E032", f"the cluster {address!r} went away: {_reason(caught)}") from None
    except Exception as caught:  # noqa: BLE001 - whatever a worker raises: a module that it lacks, a version of its own
        hint = "its workers need this version of backprop-cli, and see the same files"
        raise LimitError("E032", f"the cluster {address!r} cannot do this: {_reason(caught)}", hint=hint) from None


def _reason(caught: BaseException) -> str:
    return f"{type(caught).__name__}: {' '.join(str(caught).split())[:200]}"
