"""Specs and command lines that must stay within their limits, or say what they refuse: tests/data/limits.yaml."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import quick_yaml

ROOT = Path(__file__).parents[2]
CASES = quick_yaml.cases("limits.yaml")
COMMAND = [sys.executable, "-m", "backprop_cli"]

# The words in which the data is written.
WORDS = {"W": "params: {w: 2.0}\nnodes:\n"}
KEY = """\
inputs: {x: [[1.0, 2.0], [3.0, 4.0]]}
params: {w1: [[0.5, -0.2], [0.1, 0.3]], b: [0.1, 0.2]}
nodes: {z: x @ w1 + b, h: tanh(z), loss: sum(h**2)}
"""
SECONDS = 5.0  # of an idle machine; another is given as much more as it needs to start Python and import sympy
IMPORTS = 0.6  # what that takes on an idle machine
FASTEST = 1.5  # how much slower than that any machine may be: within it none is measured
TRIES = 3
MEGABYTES = 1200

OURS = [case for case in CASES["robustness"] if "answers" not in case]
"""Marks are the business of the tests of grading."""


def slowness() -> float:
    """How much slower than an idle machine this one is just now: the same start-up, measured."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import numpy, sympy, yaml, click"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return max(FASTEST, 3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / IMPORTS)


@pytest.fixture
def environment() -> dict[str, str]:
    """This checkout, one thread, and nothing of a developer's shell."""
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME", "TMPDIR"}}
    return {**kept, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}


LAUNCHER = """
import json, os, resource, subprocess, sys
def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
with open("out", "wb") as out, open("err", "wb") as err:
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=limit)
    _, status, used = os.wait4(child.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
"""Starts the command from a small process: the peak of a child counts what its parent held before the exec."""


def measured(arguments: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, float, float, str, str]:
    """Exit code, seconds of processor time, megabytes at the peak, and both streams of a command."""
    done = subprocess.run([sys.executable, "-c", LAUNCHER, *COMMAND, *arguments], cwd=folder, env=environment,
                          capture_output=True, text=True, check=True)  # fmt: skip
    code, seconds, megabytes = json.loads(done.stdout)
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("out", "err")]
    return code, seconds, megabytes, texts[0], texts[1]


@pytest.mark.parametrize("case", CASES["bombs"], ids=lambda case: case["id"])
def test_a_bomb_is_run_or_refused(case: dict[str, Any], tmp_path: Path, environment: dict[str, str]) -> None:
    """Rule: within its time and memory it is run, with the right numbers, or refused by what it is."""
    spec = eval(case["spec"], {"__builtins__": {"range": range, "max": max, "str": str}}, WORDS)  # our own data
    (tmp_path / "spec.yaml").write_text(spec, encoding="utf-8")
    (tmp_path / "key.yaml").write_text(KEY, encoding="utf-8")
    usual = ["grade", "key.yaml", "SPEC"] if "key" in case else ["run", "SPEC"]
    given = case.get("args", [*usual, "--format", "json"])
    line = ["spec.yaml" if word == "SPEC" else word for word in given]
    code, seconds, megabytes, out, err = measured(line, tmp_path, environment)
    assert code in case.get("codes", [0, 1, 2, 3] if "key" in case else [0, 2, 3]), err
    assert "Traceback" not in err
    assert "E030" not in err
    assert megabytes < case.get("mb", MEGABYTES)
    limit, before = case.get("cpu", SECONDS), FASTEST
    for _ in range(TRIES):  # the machine became busy in between: measured again, both
        if seconds < limit * before or seconds < limit * max(before, slowness()):
            break
        before, (_, seconds, _, _, _) = slowness(), measured(line, tmp_path, environment)
    else:
        pytest.fail(f"{seconds:.1f} s of processor time, of {limit} s on an idle machine")
    if code == 0 and "want" in case:
        assert_holds(json.loads(out)["nodes"], case["want"])


def assert_holds(nodes: dict[str, Any], want: dict[str, float]) -> None:
    """The numbers of a run are the right ones."""
    for name, number in want.items():
        node = nodes[name.removesuffix(".grad")]
        found = node["gradient"]["value"] if name.endswith(".grad") else node["value"]
        assert found == pytest.approx(number, rel=1e-9), name


@pytest.mark.parametrize("case", OURS, ids=lambda case: case["id"])
def test_a_command_line_keeps_its_word(case: dict[str, Any], tmp_path: Path, environment: dict[str, str]) -> None:
    """Rule: it ends with one of its codes, leaves what it must not touch, and makes nothing that it refused."""
    if case.get("do") == "hangup":
        pytest.skip("tests/cli/test_many.py: no worker outlives its parent")
    for name, text in case.get("files", {}).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    words = {**environment, "BP": " ".join(COMMAND), "PY": sys.executable}
    done = subprocess.run(["bash", "-c", case["script"]], cwd=tmp_path, env=words, check=False, capture_output=True,
                          text=True, timeout=600)  # fmt: skip
    if done.returncode == 77:
        pytest.skip("cannot be tried here: the script says so")
    assert done.returncode in case["codes"], done.stderr
    assert "Traceback" not in done.stderr
    assert "E030" not in done.stderr
    for name in case.get("unchanged", ()):
        assert (tmp_path / name).read_text(encoding="utf-8") == case["files"][name]
    assert not [name for name in case.get("absent", ()) if (tmp_path / name).exists()]


def test_what_is_written_counts(tmp_path: Path, environment: dict[str, str]) -> None:
    """Rule: a script's text counts in the memory that it may take; lines of CSV are held a few at a time."""
    from numpy import linspace, save

    spec = "params: {w: {file: w.npy}}\nnodes: {y: sum(w*w)}\n"
    for name, size in (("few", 3), ("many", 300_000)):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "w.npy", linspace(0.1, 0.9, size))
        (tmp_path / name / "spec.yaml").write_text(spec, encoding="utf-8")
    for line, more in (("run --format csv many/spec.yaml", 25), ("export --to numpy many/spec.yaml", 100)):
        few, many = ([*line.replace("many", name).split(), "--max-bytes", "100M"] for name in ("few", "many"))
        (_, _, least, _, _), (code, _, most, _, err) = (measured(one, tmp_path, environment) for one in (few, many))
        assert code == 0, err
        assert most < least + more  # megabytes
    code, *_, err = measured(["export", "--to", "numpy", "many/spec.yaml", "--max-bytes", "32M"], tmp_path, environment)
    assert code == 2
    assert re.search(r"--max-bytes \d+M would do", err)
