"""A child that takes signals as one started from a terminal does, whatever the test run itself was started with."""

from __future__ import annotations

import signal


def at_defaults() -> None:
    """For `preexec_fn`: a background job ignores SIGINT, and under `nohup` SIGHUP, and so do its children."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
