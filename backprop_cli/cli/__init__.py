"""The command line.  Importing it imports nothing; `main` is the console script."""

from __future__ import annotations


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    from backprop_cli.cli.process import leave, prepare

    prepare()
    import sys

    from backprop_cli.cli.boundary import invoke

    leave(invoke(sys.argv[1:]))
