"""What belongs to the process: its collector, its signals, and how it ends."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from backprop_cli.cli.later import loaded_later
from backprop_cli.cli.sympy_core import core_first

COLLECT_EVERY = 50_000  # objects


def prepare() -> None:
    """Set up a process that lives for one command.

    The collector costs half the time on large graphs and finds little; `tidy` runs it between specs.
    """
    gc.disable()
    loaded_later()
    core_first()
    if not sys.warnoptions:  # a library's warning is no message for the user; our own go through the result
        import warnings

        warnings.simplefilter("ignore")


@contextmanager
def interruptible() -> Iterator[None]:
    """Within it Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt: there is something to clean up."""
    watched = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in watched}
    try:
        for number in watched:
            if before[number] is not signal.SIG_IGN:
                signal.signal(number, _interrupt)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _frame: object) -> NoReturn:
    raise Interrupted(number)


class Interrupted(KeyboardInterrupt):
    """Which signal ends the process."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def end_with(pipe: int) -> None:
    """Have the kernel end this process, whatever it is doing, when the other end of a pipe closes.

    Whatever has ended who held it.  The signal of its closing (SIGIO) ends a process.
    """
    import fcntl
    import select

    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([pipe], [], [], 0)[0]:  # it was gone before we asked
        os._exit(1)


def tidy(done: int) -> None:
    """Free cycles between specs; what is there after the first one stays for good and is not looked at again."""
    if done == 1:
        gc.freeze()
    elif gc.get_count()[0] > COLLECT_EVERY or done % 20 == 0:
        gc.collect()


def leave(code: int) -> NoReturn:
    """End the process: by the signal itself where `code` says so (128 + its number), else with the code.

    Everything was flushed by who wrote it, so Python's own clean-up is skipped: freeing every object of sympy takes
    a fifth of a short run, and a stream that failed once would fail again, with a message.
    """
    if code > 128 and os.name == "posix":
        number = code - 128
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            code = code or 2
    os._exit(code)
