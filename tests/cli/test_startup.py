"""What a command imports, and with it how fast it starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backprop_cli.cli.table import COMMANDS

HEAVY = {"numpy", "sympy", "yaml", "mpmath"}


@pytest.fixture
def imported(folder: Path, environment: dict[str, str]) -> Callable[..., set[str]]:
    """The modules that a command line imports."""

    def modules(*arguments: str, env: dict[str, str] | None = None) -> set[str]:
        command = [sys.executable, "-X", "importtime", "-m", "backprop_cli", *arguments]
        done = subprocess.run(command, env=environment | (env or {}), cwd=folder, capture_output=True, text=True,
                              timeout=600, check=False)  # fmt: skip
        rows = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")]
        assert "click" in rows
        return set(rows)

    return modules


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["completion", "bash"], [], ["nonsense"]])
def test_light_commands_import_only_click(imported: Callable[..., set[str]], arguments: list[str]) -> None:
    """Help, the version, completion scripts and a misspelt command import neither numpy nor sympy nor yaml."""
    modules = imported(*arguments)
    assert not HEAVY & modules
    assert "backprop_cli.cli.run" not in modules


def test_every_command_has_light_help(imported: Callable[..., set[str]]) -> None:
    """`backprop COMMAND --help` imports the command's options, not what its body runs."""
    for name in COMMANDS:
        assert not HEAVY & imported(name, "--help"), name


def test_completion_imports_only_click(imported: Callable[..., set[str]]) -> None:
    """Asking for completions, of commands and of a command's options, imports neither numpy nor sympy nor yaml."""
    asked = {"_BACKPROP_COMPLETE": "bash_complete", "COMP_WORDS": "backprop run --", "COMP_CWORD": "2"}
    assert not HEAVY & imported(env=asked)
    modules = imported(env=asked | {"COMP_WORDS": "backprop ", "COMP_CWORD": "1"})
    assert not HEAVY & modules
    assert "backprop_cli.cli.run" not in modules


@pytest.mark.parametrize("options", ["--get w1.grad", "--get loss", "--terms none", "--format csv"])
def test_numbers_alone_never_import_sympy(imported: Callable[..., set[str]], options: str) -> None:
    """A run that shows no formula does not pay for sympy."""
    modules = imported("run", "net.yaml", *options.split())
    assert "numpy" in modules
    assert not modules & {"sympy", "zipfile", "backprop_cli.language.layers.section"}  # what this spec has no use for


UNUSED = {"dataclasses", "difflib", "pathlib", "shutil", "urllib.parse", "yaml.loader", "yaml.resolver", "numpy.typing",
          "backprop_cli.language.datafiles", "backprop_cli.engine.graph.gradients"}  # fmt: skip
MOST = 153
"""Modules of ours that numbers alone take, as counted; one more is a decision."""


def test_numbers_alone_import_what_they_use(imported: Callable[..., set[str]]) -> None:
    """No class is compiled, no data file's reader is there without one; and the modules are counted."""
    modules = imported("run", "net.yaml", "--terms", "none")
    assert not modules & UNUSED
    assert len({name for name in modules if name.startswith("backprop_cli")}) <= MOST


@pytest.mark.parametrize("command", ["jacobian", "hessian"])
@pytest.mark.parametrize("options", ["--get value", "--get value[0]", "--terms none", "--format csv"])
def test_derivatives_in_numbers_never_import_sympy(imported: Callable[..., set[str]], command: str,
                                                   options: str) -> None:  # fmt: skip
    """Nor do second derivatives: the rules are written down as nodes and gone back through."""
    modules = imported(command, "net.yaml", "--wrt", "w1", *options.split())
    assert "backprop_cli.tasks.jacobian.numbers" in modules
    assert "sympy" not in modules


def test_every_command_has_a_row_and_a_body() -> None:
    """A row of the table names a module of `cli` with a `command` in it."""
    from backprop_cli.cli.app import app

    for name in COMMANDS:
        assert app.get_command(None, name) is not None  # type: ignore[arg-type]
