"""The bar of long work on a real terminal, in a process of its own: drawn there, then erased, and nowhere else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence

import pytest

from backprop_cli.cli import batch, progress
from tests.conftest import ROOT, Backprop, Outcome

pty = pytest.importorskip("pty", reason="a system without pseudo-terminals")

AT_ONCE = """\
import sys
from backprop_cli.cli import batch, progress
batch.Progress.EVERY = 0
progress.Bar.__init__.__defaults__ = (0, 0)
from backprop_cli.cli.boundary import invoke
sys.exit(invoke(sys.argv[1:]))
"""
"""The command with a bar that waits for nothing: which work is long is no matter of the machine's speed."""

SPEC, OTHER = "specs/fan_out.yaml", "specs/mazur.yaml"
COMMANDS = (
    ("check", SPEC), ("derive", SPEC), ("step", SPEC, "--steps", "400"),
    ("run", SPEC, OTHER, SPEC, "--terms", "none", "--jobs", "2"),
)  # fmt: skip
COUNT = re.compile(r"\r(?:\[#*\.*\] (\d+)/\d+[^\r]*\x1b\[K|(\d+) of \d+)")
"""A bar, or of many specs a line."""


def on_terminal(arguments: Sequence[str]) -> tuple[str, str]:
    """What a command writes to stdout, a pipe, and to stderr, a terminal."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen([sys.executable, "-c", AT_ONCE, *arguments], cwd=ROOT, stdout=subprocess.PIPE,
                              stderr=theirs, stdin=subprocess.DEVNULL) as running:  # fmt: skip
            os.close(theirs)
            told = b"".join(iter(lambda: read(ours), b""))
            assert running.stdout is not None
            out = running.stdout.read()
        assert running.returncode == 0, told
    finally:
        os.close(ours)
    return out.decode(), told.decode()


def read(terminal: int) -> bytes:
    """What comes next; nothing once the other side is closed."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_terminal_has_a_bar_and_nothing_else_has(
    arguments: tuple[str, ...], backprop: Backprop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts up and is erased at the end, nothing else is written there, and stdout is as ever."""
    out, told = on_terminal(arguments)
    assert told.endswith("\r\x1b[K")
    assert COUNT.sub("", told).replace("\r\x1b[K", "") == ""
    counts = [int(bar or line) for bar, line in COUNT.findall(told)]
    assert counts == sorted(counts)
    assert counts
    monkeypatch.setattr(batch.Progress, "EVERY", 0)
    monkeypatch.setattr(progress.Bar.__init__, "__defaults__", (0, 0))
    monkeypatch.chdir(ROOT)
    assert backprop(*arguments) == Outcome(0, out, "")
