"""Many files on a real cluster: a scheduler and two workers, processes of their own on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.processes import alive, eventually

pytestmark = pytest.mark.skipif(find_spec("distributed") is None, reason="No module named 'distributed'")
SHEET = "student: Student {0}\nanswers:\n  w2.formula: grad(z_2) @ y_1.T\n  w1.grad: [[{0}.0], [1.0]]\n"


@dataclass
class Cluster:
    """A scheduler's address, and the workers."""

    address: str
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture
def cluster(tmp_path: Path, environment: dict[str, str]) -> Iterator[Cluster]:
    """A scheduler and two workers of a thread each."""
    quiet = {"DASK_LOGGING__DISTRIBUTED": "critical", "DASK_TEMPORARY_DIRECTORY": str(tmp_path / "scratch")}

    def start(module: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{module}", *options]
        return subprocess.Popen(command, env=environment | quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    address = tmp_path / "scheduler.json"
    told = ("--scheduler-file", str(address))
    scheduler = start("scheduler", *told, "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    worker = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
    workers: list[subprocess.Popen[bytes]] = []
    try:
        assert eventually(address.exists)
        workers += [start("worker", *told, *worker) for _ in range(2)]
        import json

        yield Cluster(json.loads(address.read_text())["address"], workers)
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait(300)


def holder(path: Path, parents: list[int]) -> Iterator[tuple[int, int]]:
    """The processes that have a file open, and which of these is the parent of each."""
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            pid = int(entry.parts[2])
            if entry.readlink() == path and pid != os.getpid():
                parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
                if parent in parents:
                    yield pid, parent
        except OSError:
            continue


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="cannot be tried here: there is no /proc")
def test_a_hang_a_bad_file_and_a_lost_worker(folder: Path, command: Callable, start: Callable, cluster: Cluster,
                                             hanging: Callable[[Path], Path]) -> None:  # fmt: skip
    """The answers are those of one process, in order; what hangs costs itself; what a worker had is done again.

    The worker is killed while one of its files hangs: its helper goes with it, and the file hangs elsewhere too.
    """
    sheets = folder / "sheets"
    sheets.mkdir()
    for number in range(40):
        (sheets / f"{number:02}.yaml").write_text(SHEET.format(number), encoding="utf-8")
    (sheets / "07.yaml").write_text("answers: {w2.grad: [[1, 2", encoding="utf-8")
    expected = command("grade", "net.yaml", "sheets", "--format", "ndjson").stdout.splitlines()
    (sheets / "11.yaml").unlink()
    hang = hanging(sheets / "11.yaml")
    parent = start("grade", "net.yaml", "sheets", "--format", "ndjson", "--cluster", cluster.address, "--timeout", "12")
    holders: list[tuple[int, int]] = []

    def is_read() -> bool:
        holders.extend(holder(hang, [worker.pid for worker in cluster.workers]))
        return bool(holders)

    assert eventually(is_read)
    helper, lost = holders[0]
    os.kill(lost, 9)
    assert eventually(lambda: not alive(helper))
    out, err = parent.communicate(timeout=600)
    lines = out.decode().splitlines()
    assert [line for n, line in enumerate(lines) if n != 11] == [line for n, line in enumerate(expected) if n != 11]
    assert '"code": "E031"' in lines[11]
    assert (parent.returncode, err.decode()) == (1, "2 of 40 files of answers failed\n")

    (folder / "specs").mkdir()
    for number in range(3):
        (folder / "specs" / f"{number}.yaml").write_text(f"params: {{a: {number}.0}}\nnodes: {{c: a * a}}\n")
    for verb in ("run", "check"):
        alone = command(verb, "specs", "--format", "ndjson")
        there = command(verb, "specs", "--format", "ndjson", "--cluster", cluster.address, timeout=600)
        assert (there.stdout, there.stderr, there.returncode) == (alone.stdout, "", 0)


NOWHERE = """
from backprop_cli.cli import cluster
from backprop_cli.cli.boundary import invoke
from backprop_cli.cli.process import leave
cluster.REACHED = 0.5
print([invoke(["run", "small.yaml", "--cluster", address]) for address in ("tcp://127.0.0.1:9", "nowhere:x")])
leave(0)
"""


def test_no_cluster_there(python: Callable) -> None:
    """An address where nobody answers is bad usage, in a line or two."""
    done = python(NOWHERE)
    assert done.stdout == "[2, 2]\n"
    lines = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert lines == [f"error[E026]: no cluster can be reached at '{one}'" for one in ("tcp://127.0.0.1:9", "nowhere:x")]
    assert "Traceback" not in done.stderr


def test_standard_input_stays_here(in_process: Callable) -> None:
    """What comes by a pipe is no file that a worker could read."""
    code, _, err = in_process("run", "-", "--cluster", "local")
    assert (code, err.splitlines()[0]) == (2, "error[E026]: '-' cannot be sent to a cluster")


def test_without_the_extra(in_process: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program says what to install."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, err = in_process("run", "small.yaml", "net.yaml", "--cluster", "local")
    assert code == 2
    assert err == ("error[E026]: --cluster needs dask.distributed, which is not installed\n"
                   "  = pip install 'backprop-cli[cluster]'\n")  # fmt: skip


def test_a_folder_is_its_files(in_process: Callable, folder: Path) -> None:
    """A folder in place of files is those in it, by name; one without any is an error."""
    (folder / "many" / "inner").mkdir(parents=True)
    for name in ("b.yaml", "a.yml", "b.yml", ".hidden.yaml", "notes.txt"):
        (folder / "many" / name).write_text("params: {a: 2.0}\nnodes: {c: a * a}\n", encoding="utf-8")
    code, out, _ = in_process("run", "many", "--get", "c")
    assert (code, out) == (0, "4.0\n4.0\n")
    code, _, err = in_process("run", "many/inner")
    assert (code, err.splitlines()[0]) == (2, "error[E001]: the folder 'many/inner' holds no file to read")
