"""An instructor's folder: 200 specs, with a bomb, a hang and a crash among them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SABOTAGE = """
import os, signal, sys, time
from backprop_cli.cli import loading, run

def load(path, choice):
    if path == "hang.yaml":
        time.sleep(600)
    if path == "crash.yaml":
        os.kill(os.getpid(), signal.SIGSEGV)
    return loading.load(path, choice)

run.load = load
from backprop_cli.cli.boundary import invoke
sys.exit(invoke(sys.argv[1:]))
"""
"""The command, with one file that hangs it and one that kills it; no input is known to do either."""

BOMB = 'params: {a: &a [1], b: [*a, *a]}\nnodes: {c: "a"}\n'


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_two_hundred_specs(jobs: str, folder: Path, environment: dict[str, str]) -> None:
    """Rule: 197 results in order, three errors each in its place, exit code 1, with one worker or two."""
    names = [f"s{i:03}.yaml" for i in range(200)]
    names[50], names[100], names[150] = "bomb.yaml", "hang.yaml", "crash.yaml"
    for i, name in enumerate(names):
        text = BOMB if name == "bomb.yaml" else f"params: {{a: {i}.0}}\nnodes: {{c: a * a}}\n"
        (folder / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", SABOTAGE, "run", *names, "--format", "ndjson", "--terms", "none",
               "--timeout", "8", "--jobs", jobs]  # fmt: skip
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=900,
                          check=False)  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["spec"] for line in lines] == names
    errors = {line["spec"]: line["error"]["code"] for line in lines if "error" in line}
    assert errors == {"bomb.yaml": "E004", "hang.yaml": "E031", "crash.yaml": "E032"}
    gradients = [line["nodes"]["a"]["gradient"]["value"] for line in lines if "error" not in line]
    assert gradients == [2.0 * i for i in range(200) if i not in {50, 100, 150}]
    assert done.returncode == 1
    assert done.stderr == "3 of 200 specs failed\n"
