"""A command line in a process of its own, as a shell would start it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.signals import at_defaults

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "backprop_cli"]

TWO_LAYER = """\
title: Two-layer sigmoid network
inputs:
  x: [[1.0]]
  y: [[1.0], [0.0]]
params:
  w1: [[1.0], [2.0]]
  w2: [[3.0, 4.0], [5.0, 6.0]]
nodes:
  z_1: w1 @ x
  y_1: sigmoid(z_1)
  z_2: w2 @ y_1
  y_2: sigmoid(z_2)
  loss: 1/2 * sum((y_2 - y)**2)
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of a child: this checkout, UTF-8, and nothing that a developer's shell may have set."""
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME", "TMPDIR"}}
    return {**kept, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a good spec, `net.yaml`, and one with an unknown function on line 2, `bad.yaml`."""
    (tmp_path / "net.yaml").write_text(TWO_LAYER, encoding="utf-8")
    (tmp_path / "small.yaml").write_text("params: {a: 2.0, b: 3.0}\nnodes: {c: a * b}\n", encoding="utf-8")
    (tmp_path / "bad.yaml").write_text("params: {a: 2.0}\nnodes: {c: sigmod(a)}\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def command(folder: Path, environment: dict[str, str]) -> Run:
    """Run the command in `folder`; keyword `env` adds variables, others go to `subprocess.run`."""

    def run(*arguments: str, env: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        options = {"capture_output": True, "encoding": "utf-8", "timeout": 300, "cwd": folder} | options
        if "stdout" in options or "stderr" in options:
            options.pop("capture_output")
            options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.run([*COMMAND, *arguments], env=environment | (env or {}), check=False, **options)

    return run


@pytest.fixture
def start(folder: Path, environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the command in `folder` without waiting for it."""
    started: list[subprocess.Popen[bytes]] = []

    def popen(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([*COMMAND, *arguments], env=environment, cwd=folder,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=at_defaults)  # noqa: PLW1509 (no threads here)  # fmt: skip
        started.append(process)
        return process

    yield popen
    for process in started:
        process.kill()
        process.wait(300)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def python(folder: Path, environment: dict[str, str]) -> Run:
    """Run a Python program with this checkout on its path."""

    def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", program, *arguments], env=environment, cwd=folder, check=False,
                              capture_output=True, encoding="utf-8", timeout=300)  # fmt: skip

    return run


@pytest.fixture
def in_process(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command line in this process, in `folder`; gives exit code, stdout and stderr."""
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> tuple[int, str, str]:
        from backprop_cli.cli.boundary import invoke

        code = invoke(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def hanging() -> Iterator[Callable[[Path], Path]]:
    """Makes a file that cannot be read to its end: a pipe that somebody has open and writes nothing into."""
    held: list[int] = []

    def make(path: Path) -> Path:
        os.mkfifo(path)
        held.append(os.open(path, os.O_RDWR))
        return path

    yield make
    for descriptor in held:
        os.close(descriptor)
