"""A process that a worker of a cluster starts: told the work once, it answers file after file until its pipe closes."""

from __future__ import annotations

import gc
import os
import signal
import sys
from multiprocessing.connection import Connection

from backprop_cli.cli.problems import Problem, problems_of
from backprop_cli.cli.process import end_with, prepare, tidy
from backprop_cli.cli.records import Answer, answer, name_of
from backprop_cli.cli.remote import Task


def main(talk: int, line: int) -> None:
    """Serve on one descriptor; end when whoever holds the other end of the second one does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it goes to all; who started us decides
    end_with(line)
    prepare()
    with Connection(talk) as pipe:
        task: Task = pipe.recv()
        failed = _warmed(task)
        pipe.send(True)
        served = 0
        while True:
            try:
                spec = pipe.recv()
            except EOFError:
                return
            pipe.send(Answer(name_of(spec), problems=failed) if failed else answer(spec, task.work))
            served += 1
            tidy(served)


def _warmed(task: Task) -> tuple[Problem, ...]:
    """Import and work out what is needed once; the problems where that cannot be done here."""
    try:
        os.chdir(task.folder)
        task.warm()
    except Exception as caught:  # noqa: BLE001 - each file is told
        return problems_of(caught)
    gc.freeze()
    return ()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
