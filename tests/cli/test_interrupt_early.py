"""Ctrl-C in the first moments of a command."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.signals import at_defaults

CODE = """\
import os, signal, sys

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "backprop_cli.cli.process":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Slow())
from backprop_cli.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_an_interrupt_while_the_command_is_imported_shows_no_traceback() -> None:
    """Rule: from its first import on, a command ends by the signal itself."""
    done = subprocess.run([sys.executable, "-c", CODE, "--version"], check=False, capture_output=True, text=True,
                          preexec_fn=at_defaults)  # fmt: skip
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")
