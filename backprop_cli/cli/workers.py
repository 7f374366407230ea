"""A process for each spec: one that hangs or kills its process takes nothing else with it.

Each is forked, by `multiprocessing`, from a process that has everything imported, which takes a few milliseconds.
A pool of workers that are used again would spare those and bring back what one spec can do to the next; the pools of
the standard library, moreover, cannot end one worker alone.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, ForkProcess
from typing import NoReturn

from backprop_cli.cli.problems import Problem, death, late
from backprop_cli.cli.process import end_with
from backprop_cli.cli.records import Answer, Limits, name_of
from backprop_cli.errors import LimitError
from backprop_cli.records import dataclass, field

AHEAD = 64  # results that may wait for an earlier one, a process


def in_order(specs: Sequence[str], answer: Callable[[str], Answer], limits: Limits,
             warm: Callable[[], None]) -> Generator[Answer]:  # fmt: skip
    """The answers in the order of the specs, worked out in processes of their own.

    Raises:
        LimitError: E032 where not even one process can be started.
    """
    warm()
    gc.freeze()  # so that no collection in a process touches, and thus copies, what they all share
    return _run(Pool(specs, answer, limits))


def _run(pool: Pool) -> Generator[Answer]:
    try:
        for due in range(len(pool.specs)):
            while due not in pool.ready:
                pool.start(due)
                pool.wait()
            yield pool.ready.pop(due)
    finally:
        pool.close()


@dataclass(slots=True)
class Task:
    """A spec at work: its process, and where the answer comes from."""

    index: int
    process: ForkProcess
    deadline: float | None


@dataclass(slots=True)
class Pool:
    """The processes at work and the answers that wait for an earlier one."""

    specs: Sequence[str]
    answer: Callable[[str], Answer]
    limits: Limits
    running: dict[Connection, Task] = field(default_factory=dict)
    ready: dict[int, Answer] = field(default_factory=dict)
    upcoming: int = 0
    size: int = field(init=False)
    fork: ForkContext = field(default_factory=lambda: multiprocessing.get_context("fork"))

    def __post_init__(self) -> None:
        self.size = min(self.limits.jobs or os.cpu_count() or 1, len(self.specs))

    def start(self, due: int) -> None:
        """Start as many specs as may run at once, and as the machine lets us."""
        last = min(len(self.specs), due + AHEAD * self.size)
        while self.upcoming < last and len(self.running) < self.size:
            try:
                self._start(self.specs[self.upcoming])
            except OSError as caught:  # out of processes, descriptors or memory: fewer at once will do
                if not self.running:
                    hint = "--jobs 1 without --timeout needs none"
                    raise LimitError("E032", f"cannot start a process: {caught.strerror}", hint=hint) from None
                self.size = len(self.running)

    def _start(self, spec: str) -> None:
        receive, send = self.fork.Pipe(duplex=False)
        try:
            stdin = os.dup(0) if spec == "-" else None  # multiprocessing closes it in the child
            process = self.fork.Process(target=_serve, args=(send, self.answer, spec, stdin))
            process.start()
        except OSError:
            receive.close()
            raise
        finally:
            send.close()
        left = self.limits.timeout
        self.running[receive] = Task(self.upcoming, process, None if left is None else time.monotonic() + left)
        self.upcoming += 1

    def wait(self) -> None:
        """Wait for an answer, a death or a deadline."""
        deadlines = [task.deadline for task in self.running.values() if task.deadline is not None]
        left = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        for receive in wait(list(self.running), left):
            assert isinstance(receive, Connection)
            self._collect(receive)
        now = time.monotonic()
        for receive, task in list(self.running.items()):
            if task.deadline is not None and task.deadline <= now:
                self._end(receive)
                self.ready[task.index] = self._failed(task, late(self.limits.timeout or 0.0))

    def _collect(self, receive: Connection) -> None:
        """Take an answer, or note a death."""
        task = self.running[receive]
        try:
            found: Answer | None = receive.recv()
        except EOFError:
            found = None
            task.process.join()
        self._end(receive)
        self.ready[task.index] = found or self._failed(task, death(task.process.exitcode or 0))

    def _failed(self, task: Task, problem: Problem) -> Answer:
        return Answer(name_of(self.specs[task.index]), problems=(problem,))

    def _end(self, receive: Connection) -> None:
        process = self.running.pop(receive).process
        receive.close()
        process.kill()
        process.join()

    def close(self) -> None:
        """End all that is at work."""
        for receive in list(self.running):
            self._end(receive)


# ── in the process ───────────────────────────────────────────────────────────────────────────────


def _serve(send: Connection, answer: Callable[[str], Answer], spec: str, stdin: int | None) -> NoReturn:
    """Answer one spec; nothing of the parent's is cleaned up here."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        parent = multiprocessing.parent_process()
        assert parent is not None
        end_with(parent.sentinel)  # `multiprocessing` holds a pipe between the two
        if stdin is not None:
            sys.stdin = os.fdopen(stdin, encoding="utf-8")
        send.send(answer(spec))
        code = 0
    finally:
        os._exit(code)
