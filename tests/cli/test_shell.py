"""Manners of a Unix command: exit codes, pipes, signals, full disks, closed streams."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and /dev/full")
LISTED = "  = 'backprop run --help' lists the options"
LONG = 300
"""Seconds after which a process hangs, on however busy a machine."""
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.mark.parametrize(("arguments", "code"), [
    (["--help"], 0), (["--version"], 0), (["run", "--help"], 0), (["run", "small.yaml"], 0), ([], 2), (["rum"], 2),
    (["run"], 2), (["run", "--bogus", "small.yaml"], 2), (["run", "missing.yaml"], 2), (["run", "bad.yaml"], 2),
    (["run", "small.yaml", "--max-bytes", "8"], 2), (["run", "small.yaml", "--precision", "x"], 2),
])  # fmt: skip
def test_exit_codes(command, arguments: list[str], code: int) -> None:
    """0 is success and 2 bad usage, spec or file; on an error stdout is empty, and there is never a traceback."""
    done = command(*arguments)
    assert done.returncode == code, done.stderr
    assert (done.stdout == "") == (code != 0)
    assert "Traceback" not in done.stderr
    assert (done.stderr == "") == (code == 0)


def test_a_closed_pipe_kills_by_sigpipe(start: Start) -> None:
    """When the reader of stdout is gone the process dies of SIGPIPE (a shell sees 141) and says nothing."""
    process = start("run", "net.yaml")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(LONG) == -signal.SIGPIPE
    assert process.stderr is not None
    assert process.stderr.read() == b""


def test_help_into_a_closed_pipe(start: Start) -> None:
    """`backprop --help | true` dies of SIGPIPE too, or is done before: no message either way."""
    process = start("--help")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(LONG) in {-signal.SIGPIPE, 0}
    assert process.stderr is not None
    assert process.stderr.read() == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("options", [[], ["--timeout", "20"], ["-o", "out.txt"]])
def test_a_signal_ends_the_process_as_itself(
    start: Start, folder: Path, hanging: Callable[[Path], Path], number: int, options: list[str]
) -> None:
    """Ctrl-C ends by SIGINT (a shell sees 130 and stops its loop), also with workers or a file to clean up."""
    hanging(folder / "hang.yaml")
    process = start("run", "small.yaml", "hang.yaml", "--terms", "none", *options)
    if "-o" in options:
        _until(lambda: any(folder.glob(".out.txt.*")))
    else:
        assert process.stdout is not None
        assert process.stdout.read(5)
    process.send_signal(number)
    assert process.wait(LONG) == -number
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert not list(folder.glob(".out.txt.*"))
    assert not (folder / "out.txt").exists()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


@pytest.mark.parametrize("arguments", [["run", "small.yaml"], ["--help"], ["completion", "zsh"]])
def test_a_full_disk_is_one_line(command, arguments: list[str]) -> None:
    """A device without space gives one line on stderr and exit code 2."""
    with Path("/dev/full").open("wb") as full:
        done = command(*arguments, stdout=full)
    assert done.stderr == "error[E025]: cannot write to standard output: No space left on device\n"
    assert done.returncode == 2


def test_a_full_stderr_changes_nothing(command) -> None:
    """Where the message cannot be written the exit code still tells."""
    with Path("/dev/full").open("wb") as full:
        assert command("run", "bad.yaml", stderr=full).returncode == 2


@pytest.mark.parametrize(("redirection", "code", "message"), [
    ("small.yaml >&-", 2, "error[E025]: cannot write to standard output: it is closed\n"),
    ("--help >&-", 2, "error[E025]: cannot write to standard output: it is closed\n"),
    ("- <&-", 2, "error[E001]: cannot read stdin: it is closed\n"),
    ("bad.yaml 2>&-", 2, ""),
])  # fmt: skip
def test_closed_streams(folder: Path, environment: dict[str, str], redirection: str, code: int, message: str) -> None:
    """A stream that the shell closed is told in one line (or not at all, where it is stderr)."""
    script = f"exec {sys.executable} -m backprop_cli run {redirection}"
    done = subprocess.run(["sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True,
                          timeout=LONG, check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (code, "", message)


def test_stdin_is_a_spec(command) -> None:
    """`-` reads the spec from stdin; it can be given once."""
    spec = "params: {a: 2.0}\nnodes: {c: a * a}\n"
    assert command("run", "-", "--get", "a.grad", input=spec).stdout == "4.0\n"
    twice = command("run", "-", "-", input=spec)
    assert twice.returncode == 2
    assert twice.stderr == "error[E026]: '-' can be given once: there is one standard input\n"


def test_an_unforeseen_error_is_one_line(python) -> None:
    """A defect of ours is E030, exit code 3, one line; BACKPROP_DEBUG=1 adds the traceback."""
    program = (
        "import backprop_cli.cli.boundary as b, sys, os\n"
        "os.environ['BACKPROP_DEBUG'] = sys.argv[1]\n"
        "def broken(*a, **k): raise {error}\n"
        "b.app.make_context = broken\n"
        "sys.exit(b.invoke(['run', 'x']))\n"
    )
    plain = python(program.format(error="KeyError('a\\x1b[31m')"), "0")
    assert plain.stderr == "error[E030]: internal error: KeyError: 'a\\x1b[31m' (BACKPROP_DEBUG=1 shows where)\n"
    assert plain.returncode == 3
    assert python(program.format(error="MemoryError()"), "0").stderr.startswith("error[E021]: out of memory\n")
    assert python(program.format(error="RecursionError('deep')"), "0").returncode == 3
    assert "Traceback" in python(program.format(error="KeyError('a')"), "1").stderr


@pytest.mark.parametrize(("arguments", "message"), [
    (["rum"], "no such command 'rum'\n  = did you mean 'run'?"),
    (["net.yaml"], "no such command 'net.yaml'\n  = a spec follows a command: 'backprop run net.yaml'"),
    (["run", "--otput", "x", "a"], "no such option '--otput'\n  = did you mean '--output'?"),
    (["jacobian", "--vector", "1", "a"], "no such option '--vector'\n  = --vector belongs to hessian"),
    (["run"], "missing argument 'SPEC': a file, '-', or -e EXPR\n  = 'backprop run --help' lists the options"),
    (["run", "a", "--timeout", "never"],
     f"invalid value for '--timeout': 'never' is not a time; write seconds: 10\n{LISTED}"),
    (["run", "a", "--max-bytes", "lots"],
     f"invalid value for '--max-bytes': 'lots' is not a size; write bytes, or 500M, 2G\n{LISTED}"),
])  # fmt: skip
def test_usage_errors_in_our_form(in_process, arguments: list[str], message: str) -> None:
    """What click finds wrong is told like every other error, with what was probably meant."""
    assert in_process(*arguments) == (2, "", f"error[E026]: {message}\n")


def test_completion_scripts(command) -> None:
    """Each shell gets its script, which calls `backprop` back; the callback completes commands and options."""
    for shell in ("bash", "zsh", "fish"):
        assert "_BACKPROP_COMPLETE" in command("completion", shell).stdout
    asked = {"_BACKPROP_COMPLETE": "bash_complete", "COMP_WORDS": "backprop r", "COMP_CWORD": "1"}
    assert command(env=asked).stdout == "plain,run\n"
    asked |= {"COMP_WORDS": "backprop run --grad", "COMP_CWORD": "2"}
    assert command(env=asked).stdout == "plain,--grad-output\n"
