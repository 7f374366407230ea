"""A fixture that runs a command line in a process of its own and measures it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

Measured = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """Run a command line in a fork of a warm process; see `runner.py`."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    runner = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("runner.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert runner.stdin is not None
    assert runner.stdout is not None

    def run(*argv: str, cwd: Path = ROOT) -> dict[str, Any]:
        assert runner.stdin is not None
        assert runner.stdout is not None
        runner.stdin.write(json.dumps({"argv": list(argv), "cwd": str(cwd)}) + "\n")
        runner.stdin.flush()
        return dict(json.loads(runner.stdout.readline()))

    yield run
    runner.stdin.close()
    runner.stdout.close()
    runner.wait(300)
