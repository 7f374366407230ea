"""What is said while work goes on: whoever waits for a result reads at once why it takes its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str], None]

_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Within it each notice goes to the listener, once; elsewhere, as in the library, nobody is told."""
    told: set[str] = set()

    def once(text: str) -> None:
        if text not in told:
            told.add(text)
            listener(text)

    token = _LISTENER.set(once)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def notice(text: str) -> None:
    """Tell who listens."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(text)
