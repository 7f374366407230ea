"""What all tests share: the command, in this process or in one of its own, and a spec from a piece of YAML."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from backprop_cli.language.model import Spec

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-c", "import sys; from backprop_cli.cli import main; sys.exit(main())"]


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Backprop = Callable[..., Outcome]


@pytest.fixture
def backprop(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Backprop:
    """Run `backprop ARGS...` in this process; fast, so most tests use it."""

    def run(*args: str | Path, stdin: str = "") -> Outcome:
        from backprop_cli.cli.boundary import invoke

        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        capfd.readouterr()
        code = invoke([str(arg) for arg in args])
        return Outcome(code, *capfd.readouterr())

    return run


@pytest.fixture
def backprop_process() -> Backprop:
    """Run `backprop ARGS...` in a process of its own: for signals, pipes, encodings and start-up."""

    def run(*args: str | Path, stdin: str = "", env: dict[str, str] | None = None, cwd: Path = ROOT) -> Outcome:
        done = subprocess.run(
            [*COMMAND, *map(str, args)], input=stdin.encode(), capture_output=True, timeout=120, check=False, cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )  # fmt: skip
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def spec_of() -> Callable[[str], Spec]:
    """Read a spec from its text."""

    def read(text: str, file: str = "net.yaml") -> Spec:
        from backprop_cli.language.reader import read_spec

        return read_spec(text.encode(), file, folder=None)

    return read
