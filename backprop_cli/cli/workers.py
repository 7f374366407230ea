"""Worker processes: a spec that hangs or kills its process takes nothing else with it.

Workers are forked once, after everything is imported, and get one spec at a time, so the one that was worked on when
a process dies or runs out of time is known.  Messages are our own: a length, JSON, and the output's bytes.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import struct
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

from backprop_cli.cli.batch import Answer, Limits, name_of
from backprop_cli.cli.problems import Problem
from backprop_cli.cli.process import tidy
from backprop_cli.errors import Place, UsageError

AHEAD = 64  # results that may wait for an earlier one, a worker
GRACE = 5.0  # seconds after which a worker ends itself, should its parent be gone

_TASK = struct.Struct("!I")
_HEAD = struct.Struct("!QQ?")  # bytes of JSON, bytes of output, whether the output is text


def in_order(specs: Sequence[str], answer: Callable[[str], Answer], limits: Limits,
             warm: Callable[[], None]) -> Generator[Answer]:  # fmt: skip
    """The answers in the order of the specs, worked out in processes of their own.

    Raises:
        UsageError: E026 where the platform cannot fork.
    """
    if not hasattr(os, "fork"):
        raise UsageError("E026", "--jobs and --timeout need processes that this platform does not have")
    warm()
    gc.freeze()  # so that no collection in a worker touches, and thus copies, what they all share
    return _run(Pool(specs, answer, limits))


def _run(pool: Pool) -> Generator[Answer]:
    try:
        for due in range(len(pool.specs)):
            while due not in pool.ready:
                pool.hand_out(due)
                pool.wait()
            yield pool.ready.pop(due)
    finally:
        pool.close()


@dataclass(slots=True)
class Worker:
    """A process, the pipes to and from it, and what it is working on."""

    pid: int
    tasks: int
    answers: int
    index: int | None = None
    deadline: float | None = None


@dataclass(slots=True)
class Pool:
    """The workers and the answers that wait for an earlier one."""

    specs: Sequence[str]
    answer: Callable[[str], Answer]
    limits: Limits
    workers: list[Worker] = field(default_factory=list)
    ready: dict[int, Answer] = field(default_factory=dict)
    upcoming: int = 0

    @property
    def size(self) -> int:
        """How many processes work at once."""
        return min(self.limits.jobs or os.cpu_count() or 1, len(self.specs))

    def hand_out(self, due: int) -> None:
        """Give every idle worker a spec, starting workers where there are too few."""
        while self.upcoming < min(len(self.specs), due + AHEAD * self.size):
            worker = next((w for w in self.workers if w.index is None), None)
            if worker is None:
                if len(self.workers) >= self.size:
                    return
                worker = self._start()
            self._give(worker)

    def _give(self, worker: Worker) -> None:
        try:
            os.write(worker.tasks, _TASK.pack(self.upcoming))
        except BrokenPipeError:  # it died while it had nothing to do
            self._bury(worker)
            return
        worker.index, self.upcoming = self.upcoming, self.upcoming + 1
        if self.limits.timeout is not None:
            worker.deadline = time.monotonic() + self.limits.timeout

    def wait(self) -> None:
        """Wait for an answer, a death or a deadline."""
        busy = {w.answers: w for w in self.workers if w.index is not None}
        deadlines = [w.deadline for w in busy.values() if w.deadline is not None]
        left = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        for descriptor in select.select(list(busy), [], [], left)[0]:
            self._collect(busy[descriptor])
        now = time.monotonic()
        for worker in list(self.workers):
            if worker.deadline is not None and worker.deadline <= now:
                self._fail(worker, Problem("E031", f"took longer than {self.limits.timeout:g} s (--timeout)", 3))

    def _collect(self, worker: Worker) -> None:
        assert worker.index is not None
        found = _receive(worker.answers)
        if found is None:
            self._fail(worker, None)
            return
        self.ready[worker.index] = found
        worker.index = worker.deadline = None

    def _fail(self, worker: Worker, problem: Problem | None) -> None:
        """The spec of a worker failed with it."""
        assert worker.index is not None
        status = self._bury(worker)
        spec = name_of(self.specs[worker.index])
        self.ready[worker.index] = Answer(spec, problems=(problem or _death(status),))

    def _bury(self, worker: Worker) -> int:
        """End a worker; how it ended."""
        self.workers.remove(worker)
        os.close(worker.tasks)
        os.close(worker.answers)
        if worker.deadline is not None or worker.index is None:
            os.kill(worker.pid, signal.SIGKILL)
        return os.waitpid(worker.pid, 0)[1]

    def close(self) -> None:
        """End all workers."""
        for worker in list(self.workers):
            os.kill(worker.pid, signal.SIGKILL)
            self._bury(worker)

    def _start(self) -> Worker:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        task_out, task_in = os.pipe()
        answer_out, answer_in = os.pipe()
        pid = os.fork()
        if pid == 0:
            for descriptor in (task_in, answer_out, *(fd for w in self.workers for fd in (w.tasks, w.answers))):
                os.close(descriptor)
            _serve(task_out, answer_in, self)
        os.close(task_out)
        os.close(answer_in)
        self.workers.append(Worker(pid, task_in, answer_out))
        return self.workers[-1]


def _death(status: int) -> Problem:
    if os.WIFSIGNALED(status):
        how = f"was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    else:
        how = f"ended with exit code {os.waitstatus_to_exitcode(status)}"
    return Problem("E032", f"the process working on it {how}", 3, hint="it may have run out of memory")


# ── in the worker ────────────────────────────────────────────────────────────────────────────────


def _serve(tasks: int, answers: int, pool: Pool) -> NoReturn:
    """Answer one spec after another until the parent is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    done = 0
    while task := os.read(tasks, _TASK.size):
        if pool.limits.timeout is not None:
            signal.setitimer(signal.ITIMER_REAL, pool.limits.timeout + GRACE)
        _send(answers, pool.answer(pool.specs[_TASK.unpack(task)[0]]))
        tidy(done := done + 1)
    os._exit(0)


def _send(descriptor: int, found: Answer) -> None:
    text = isinstance(found.output, str)
    body = found.output.encode("utf-8", "surrogatepass") if isinstance(found.output, str) else found.output
    problems = [asdict(problem) for problem in found.problems]
    head = json.dumps({"spec": found.spec, "code": found.code, "problems": problems}).encode()
    rest = memoryview(_HEAD.pack(len(head), len(body), text) + head + body)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _receive(descriptor: int) -> Answer | None:
    """The next answer; None where the worker died."""
    start = _read(descriptor, _HEAD.size)
    if start is None:
        return None
    head_size, body_size, text = _HEAD.unpack(start)
    head, body = _read(descriptor, head_size), _read(descriptor, body_size)
    if head is None or body is None:
        return None
    known = json.loads(head)
    output = body.decode("utf-8", "surrogatepass") if text else body
    return Answer(known["spec"], output, known["code"], tuple(_problem(entry) for entry in known["problems"]))


def _read(descriptor: int, size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _problem(entry: dict[str, Any]) -> Problem:
    at = entry.pop("at")
    return Problem(**entry, at=Place(**at) if at else None)
