"""Generated input: whatever it is, an exit code of the contract, no traceback, in time.

A fast sweep, the same on every run, in `make test`; a long one with new examples in `make fuzz`.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import time
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.draws import searched, seeded, told
from tests.hostile import strategies as made
from tests.pace import within

SECONDS = 4.0  # of this process, which does other things too; `runner.py` measures exactly
COMMANDS = ("run", "run", "derive", "check", "show")


def check_promise(data: bytes | str | tuple[str, bytes], command: str) -> None:
    """One command on one input, through stdin; a data file lies in the folder."""
    if isinstance(data, tuple):
        form, content = data
        Path(f"w.{form}").write_bytes(content)
        data = f"params: {{w: {{file: w.{form}}}}}\nnodes: {{y: sum(w * w)}}\n"
    from backprop_cli.cli.boundary import invoke

    raw = data if isinstance(data, bytes) else data.encode()
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    start = time.process_time()
    with patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw))), contextlib.redirect_stdout(out), \
            contextlib.redirect_stderr(err):  # fmt: skip
        code = invoke([command, "-"])
    took = time.process_time() - start
    err.seek(0)
    told = err.read()
    assert code in {0, 1, 2, 3}, (command, code)
    assert "E030" not in told, (command, told)
    assert "Traceback" not in told, (command, told)
    assert within(took, SECONDS), (command, took)
    assert (code in {2, 3}) == told.startswith("error["), (command, code, told)


def check_drawn(name: str, draw: random.Random) -> None:
    """The promise, on what is drawn of a kind."""
    data, command = made.SOURCES[name](draw), draw.choice(COMMANDS)
    with told(data):
        check_promise(data, command)


@seeded(60)
@pytest.mark.parametrize("name", made.SOURCES)
def test_a_sample(name: str, draw: random.Random, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: the promise of the contract, on the same sixty inputs of each kind every time."""
    monkeypatch.chdir(tmp_path)
    check_drawn(name, draw)


@pytest.mark.fuzz
@pytest.mark.parametrize("name", made.SOURCES)
def test_many(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: the same on new ones, in thousands (`make fuzz FUZZ_EXAMPLES=100000` for more)."""
    monkeypatch.chdir(tmp_path)

    @searched(int(os.environ.get("FUZZ_EXAMPLES", "5000")))
    def run(draw: random.Random) -> None:
        check_drawn(name, draw)

    run()


@pytest.mark.fuzz
def test_memory_of_a_sample(measured, tmp_path: Path) -> None:
    """Rule: a sample of them, each in a process of its own, stays under 2 s and 500 MB."""
    draw = random.Random()
    for number in range(200):
        data = bytearray(draw.choice(made.SEEDS).encode())
        for _ in range(draw.randint(1, 6)):
            at = draw.randrange(len(data))
            data[at : at + draw.randrange(6)] = draw.choice(made.PIECES)
        path = tmp_path / f"{number}.yaml"
        path.write_bytes(data)
        done = measured(draw.choice(COMMANDS), str(path))
        assert done["code"] in {0, 1, 2, 3}, (bytes(data), done)
        assert done["seconds"] < 2, (bytes(data), done)
        assert done["megabytes"] < 500, (bytes(data), done)
