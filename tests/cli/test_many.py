"""Many specs in one call: order, failures among them, workers, time limits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.processes import alive, eventually
from tests.signals import at_defaults

SPEC = "params: {{a: {0}.0}}\nnodes: {{c: a * a}}\n"

PROGRAM = """
import os, signal, sys, time
from backprop_cli.cli.batch import Series, over
from backprop_cli.cli.records import Done, Limits
from backprop_cli.cli.problems import Manner
from backprop_cli.cli.streams import Stdout
from backprop_cli.errors import SpecError

def work(spec):
    if spec == "hang2":
        time.sleep(600)
    if spec == "hang":
        open("pid", "w").write(str(os.getpid()))
        time.sleep(600)
    if spec == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if spec == "exit":
        os._exit(7)
    if spec == "bad":
        raise SpecError("E011", "unknown name")
    if spec == "slow":
        time.sleep(0.2)
    if spec == "big":
        return Done("b" * 3_000_000 + "\\n")
    return Done(spec + "\\n", code=int(spec == "wrong"))

jobs, timeout, *specs = sys.argv[1:]
limits = Limits(float(timeout) if timeout != "-" else None, int(jobs))
sys.exit(over(specs, work, Stdout(), Series(), limits, Manner(), lambda: None))
"""


@pytest.fixture
def many(folder: Path) -> list[str]:
    """Twenty small specs."""
    names = [f"s{i:02}.yaml" for i in range(20)]
    for i, name in enumerate(names):
        (folder / name).write_text(SPEC.format(i), encoding="utf-8")
    return names


def test_ndjson_goes_on_past_a_failure(in_process, many: list[str]) -> None:
    """One line a spec, in order; a failed one's line has `error`, the exit code is 1, and stderr has the tally."""
    specs = [*many[:3], "bad.yaml", *many[3:5], "missing.yaml"]
    code, out, err = in_process("run", *specs, "--format", "ndjson", "--terms", "none")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["spec"] for line in lines] == specs
    assert [line["spec"] for line in lines if "error" in line] == ["bad.yaml", "missing.yaml"]
    assert lines[3]["schema"] == "backprop.error/1"
    assert (code, err) == (1, "2 of 7 specs failed\n")


@pytest.mark.parametrize(("specs", "code"), [
    (["small.yaml", "net.yaml"], 0), (["small.yaml", "bad.yaml"], 1), (["bad.yaml", "missing.yaml"], 2),
    (["bad.yaml"], 2),
])  # fmt: skip
@pytest.mark.parametrize("form", ["text", "json", "ndjson", "csv"])
def test_exit_codes_of_many(in_process, specs: list[str], code: int, form: str) -> None:
    """0 when all succeeded, 1 when some did, the failures' own code when none did."""
    assert in_process("run", *specs, "--format", form, "--terms", "none")[0] == code


def test_text_of_many(in_process) -> None:
    """Each spec under its own heading, and the failures on stderr set apart, with a tally."""
    code, out, err = in_process("run", "small.yaml", "bad.yaml", "missing.yaml", "net.yaml", "--terms", "none")
    assert code == 1
    assert out.count("Forward pass") == 2
    assert out.startswith("small.yaml\n")
    assert "\n\nTwo-layer sigmoid network\nnet.yaml\n" in out
    assert err == (
        "error[E012]: unknown function 'sigmod'\n  --> bad.yaml:2:12\n   |\n 2 | nodes: {c: sigmod(a)}\n"
        "   |            ^^^^^^ did you mean 'sigmoid'?\n\n"
        "error[E001]: cannot read 'missing.yaml': No such file or directory\n\n2 of 4 specs failed\n"
    )


def test_json_of_many_is_a_stream(in_process, many: list[str]) -> None:
    """`json` prints one object after another, as `jq` reads them."""
    _, out, _ = in_process("run", *many[:3], "--format", "json", "--terms", "none")
    decoder, found = json.JSONDecoder(), []
    while out.strip():
        one, end = decoder.raw_decode(out)
        found.append(one["spec"])
        out = out[end:].lstrip()
    assert found == many[:3]


def test_csv_of_many_has_one_header(in_process, many: list[str]) -> None:
    """The header stands once, before the first result, also when the first spec fails."""
    _, out, _ = in_process("run", "bad.yaml", *many[:2], "--format", "csv")
    assert [line.split(",")[0] for line in out.splitlines()] == ["spec", *[many[0]] * 2, *[many[1]] * 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")
class TestWorkers:
    """Processes that work on specs."""

    def test_jobs_change_nothing_but_time(self, command, many: list[str]) -> None:
        """The output of two workers is that of one process, byte for byte."""
        specs = [*many, "bad.yaml", "net.yaml"]
        alone = command("run", *specs, "--format", "ndjson")
        assert alone.stdout.count("\n") == 22
        together = command("run", *specs, "--format", "ndjson", "--jobs", "2")
        assert (together.stdout, together.stderr, together.returncode) == (alone.stdout, alone.stderr, alone.returncode)

    def test_a_hang_a_crash_and_an_error(self, python, folder: Path) -> None:
        """Results in order, each failure told as what it was, the others untouched, no process left over."""
        done = python(PROGRAM, "2", "5", "a", "hang", "b", "die", "slow", "c", "bad", "exit", "d", "e")
        assert done.stdout == "a\nb\nslow\nc\nd\ne\n"
        assert done.returncode == 1
        assert [line for line in done.stderr.splitlines() if line] == [
            "error[E031]: took longer than 5 s (--timeout)",
            "error[E032]: the process working on it was killed by SIGKILL",
            "  = it may have run out of memory",
            "error[E011]: unknown name",
            "error[E032]: the process working on it ended with exit code 7",
            "  = it may have run out of memory",
            "4 of 10 specs failed",
        ]
        with pytest.raises(ProcessLookupError):
            os.kill(int((folder / "pid").read_text()), 0)

    @pytest.mark.parametrize(("specs", "code"), [("hang", 3), ("die", 3), ("bad", 2), ("a wrong", 1), ("a b", 0)])
    def test_exit_codes(self, python, specs: str, code: int) -> None:
        """A limit is 3, as is a dead worker; a result that came out wrong is 1."""
        timeout = "0.5" if specs == "hang" else "300"  # what does not hang is never late, on however busy a machine
        assert python(PROGRAM, "1", timeout, *specs.split()).returncode == code

    @pytest.mark.parametrize("jobs", ["1", "2", "0", "50"])
    def test_any_number_of_jobs(self, python, jobs: str) -> None:
        """Fewer or more workers than specs, or one a processor: the same results in the same order."""
        specs = [f"s{i}" for i in range(150)] + ["big", "slow", "z"]
        done = python(PROGRAM, jobs, "-", *specs)
        assert done.returncode == 0
        assert [line[:4] for line in done.stdout.splitlines()] == [s.replace("big", "bbbb") for s in specs]

    def test_every_worker_may_die(self, python) -> None:
        """Workers are replaced as they die, to the last spec."""
        done = python(PROGRAM, "2", "-", *["die", "exit"] * 6, "z")
        assert done.stdout == "z\n"
        assert done.stderr.count("error[E032]") == 12

    @pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL, signal.SIGTERM])
    def test_no_worker_outlives_its_parent(self, folder: Path, environment: dict[str, str], number: int) -> None:
        """Whatever ends the parent ends a worker that hangs."""
        parent = subprocess.Popen([sys.executable, "-c", PROGRAM, "2", "-", "hang", "hang2"], cwd=folder,
                                  env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  preexec_fn=at_defaults)  # noqa: PLW1509 (no threads here)  # fmt: skip
        seen = folder / "pid"
        assert eventually(lambda: seen.exists() and seen.read_text() != "")
        worker = int(seen.read_text())
        parent.send_signal(number)
        parent.wait(300)
        assert eventually(lambda: not alive(worker))

    @pytest.mark.parametrize(("limit", "codes"), [(9, {0}), (5, {2, 3})])
    def test_few_descriptors(self, folder: Path, environment: dict[str, str], many: list[str], limit: int,
                             codes: set[int]) -> None:  # fmt: skip
        """Where not all processes can be started, fewer work; where none can, one line says so."""
        shell = ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", sys.executable, "-m", "backprop_cli"]
        done = subprocess.run([*shell, "run", *many[:6], "--jobs", "6", "--terms", "none"], cwd=folder, check=False,
                              env=environment, capture_output=True, text=True)  # fmt: skip
        assert done.returncode in codes, done.stderr
        assert "Traceback" not in done.stderr
        assert "E030" not in done.stderr

    def test_a_reader_that_hangs(self, command, folder: Path, hanging: Callable[[Path], Path]) -> None:
        """`--timeout` also ends a spec that cannot be read to its end."""
        hanging(folder / "hang.yaml")
        done = command("run", "hang.yaml", "--timeout", "0.5s", "--format", "ndjson", "--terms", "none")
        assert [json.loads(line)["error"]["code"] for line in done.stdout.splitlines()] == ["E031"]
        assert done.returncode == 3
