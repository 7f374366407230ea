"""The manual is made from the commands, and says all of them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from backprop_cli.cli.table import COMMANDS
from docs import manual


def test_the_man_page_is_up_to_date() -> None:
    """Rule: docs/backprop.1 is what the commands give today (`make docs` writes it)."""
    assert manual.MAN.read_text(encoding="utf-8") == manual.man()


def test_no_command_is_undocumented() -> None:
    """Rule: every command has its help in docs/cli.md and its section in the man page; every option has a sentence."""
    page = (manual.ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    man = manual.MAN.read_text(encoding="utf-8")
    for name, context, command in manual.commands():
        assert f"## backprop {name}\n" in page
        assert f'.SH "BACKPROP {name.upper()}"\n' in man
        assert (command.help or "").strip()
        options = [p for p in command.get_params(context) if p.param_type_name == "option"]
        silent = [p.name for p in options if not getattr(p, "help", "")]
        assert silent == []
    assert len(list(manual.commands())) == len(COMMANDS)


def test_roff_is_escaped() -> None:
    """Rule: a text that begins with a dot or holds a backslash is no request."""
    assert manual.roff(".SH x") == "\\&.SH x"
    assert manual.roff("a\\b - c") == "a\\eb \\- c"


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_the_man_page_is_roff() -> None:
    """Rule: groff has nothing to say about it."""
    command = ["groff", "-man", "-ww", "-Tutf8", str(manual.MAN)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
