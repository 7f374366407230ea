"""A bar on a terminal's stderr while long work goes on; nothing where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

WIDTH = 30
PATIENCE, EVERY = 0.5, 0.1  # seconds: before the first bar, and between two


class Bar:
    """How far the work has come, drawn now and then."""

    def __init__(self, patience: float = PATIENCE, every: float = EVERY) -> None:
        self.next = time.monotonic() + patience
        self.every = every
        self.shown = False

    def __call__(self, done: int, total: int, more: str = "") -> None:
        """Draw it, if it is time."""
        if time.monotonic() < self.next:
            return
        self.next, self.shown = time.monotonic() + self.every, True
        filled = WIDTH * done // max(1, total)
        self.say(f"\r[{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total}{more}\x1b[K")

    def clear(self) -> None:
        """Leave nothing behind."""
        if self.shown:
            self.say("\r\x1b[K")

    @staticmethod
    def say(text: str) -> None:
        """Write to stderr."""
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()


@contextmanager
def progress(wanted: bool = True) -> Iterator[Bar | None]:
    """A bar for the time of some work, where it is wanted and stderr is a terminal."""
    bar = Bar() if wanted and _on_terminal() else None
    try:
        yield bar
    finally:
        if bar is not None:
            bar.clear()


def _on_terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # closed
        return False
