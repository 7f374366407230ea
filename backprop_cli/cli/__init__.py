"""The command line.  Importing it imports nothing; `main` is the console script."""

from __future__ import annotations


def end_by_interrupt() -> None:
    """Have Ctrl-C end the process as the signal itself does, without a traceback (a shell loop then stops too)."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it was ignored, by nohup or a shell's &
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    end_by_interrupt()  # before anything that takes its time: no traceback shows it
    from backprop_cli.cli.process import leave, prepare

    prepare()
    import sys

    from backprop_cli.cli.boundary import invoke

    leave(invoke(sys.argv[1:]))
