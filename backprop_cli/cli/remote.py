"""On a worker of a cluster: a batch of files, answered by a process that nothing else depends on.

A worker has threads of its own, and is not forked from.  It keeps a few helpers (`helper.py`): plain processes that
were told the work once and answer file after file.  One that hangs or dies costs the file that it was at.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import Pipe

from backprop_cli.cli.problems import death, late
from backprop_cli.cli.records import Answer, Work, name_of
from backprop_cli.records import dataclass, field


@dataclass(frozen=True, slots=True)
class Task:
    """What is done to each file: the work, what it needs to be imported, the folder of its paths, seconds for each."""

    work: Work
    warm: Callable[[], None]
    folder: str
    timeout: float
    token: str = field(default_factory=lambda: uuid.uuid4().hex)


_idle: dict[str, list[Helper]] = {}
_lock = threading.Lock()


def answered(task: Task, specs: Sequence[str]) -> list[Answer]:
    """The answers of a batch, in order."""
    helper: Helper | None = None
    found = []
    try:
        for spec in specs:
            helper = helper or _taken(task)
            one = helper.ask(spec, task.timeout)
            found.append(one)
            if not helper.alive:
                helper = None
        return found
    finally:
        if helper is not None:
            _put(task, helper)


def _taken(task: Task) -> Helper:
    """A helper that knows the work; those of work that is done are sent home."""
    with _lock:
        for token in [token for token in _idle if token != task.token]:
            for helper in _idle.pop(token):
                helper.end()
        if _idle.get(task.token):
            return _idle[task.token].pop()
    return Helper(task)


def _put(task: Task, helper: Helper) -> None:
    with _lock:
        _idle.setdefault(task.token, []).append(helper)


class Helper:
    """A process that answers one file at a time."""

    def __init__(self, task: Task) -> None:
        self.ours, theirs = Pipe()
        ends, self.line = os.pipe()  # closed when this process ends, however it does
        path = os.pathsep.join(filter(None, sys.path))
        pipes = (theirs.fileno(), ends)
        try:
            self.process = subprocess.Popen(  # noqa: S603 - this very program
                [sys.executable, "-m", "backprop_cli.cli.helper", *map(str, pipes)], pass_fds=pipes,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip
        finally:
            theirs.close()
            os.close(ends)
        self.alive = True
        try:
            self.ours.send(task)
            self.ours.recv()  # it has imported all that it needs
        except (EOFError, OSError):
            pass  # it says so at the first file

    def ask(self, spec: str, timeout: float) -> Answer:
        """The answer for a file; this helper is gone where there is none."""
        try:
            self.ours.send(spec)
            if self.ours.poll(timeout):
                found: Answer = self.ours.recv()
                return found
            problem = late(timeout)
            self.end()
        except (EOFError, OSError):
            self.end()
            problem = death(self.process.returncode)
        return Answer(name_of(spec), problems=(problem,))

    def end(self) -> None:
        """End the process."""
        self.alive = False
        self.ours.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(0.05)  # idle, it ends by itself; dead, it keeps its exit code
        self.process.kill()
        self.process.wait()
        os.close(self.line)

