"""Runs command lines, each in a fork of one warm process, and measures them.

Reads lines of JSON, `{"argv": [...], "cwd": ...}`, from stdin and answers each with a line:
exit code (null where it was killed), seconds of processor time, megabytes at the peak, stdout's size, stderr.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

PROCESSOR_SECONDS = 60
WALL_SECONDS = 300  # a hang that uses no processor; a busy machine may slow a test, never fail it
ADDRESS_SPACE = 6 << 30


def child(argv: list[str], cwd: str, out: int, err: int) -> int:
    """Run a command line with its streams in files."""
    os.chdir(cwd)
    signal.alarm(WALL_SECONDS)
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    os.dup2(out, 1)
    os.dup2(err, 2)
    from backprop_cli.cli.boundary import invoke

    code = invoke(argv)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def measured(argv: list[str], cwd: str) -> dict[str, Any]:
    """How a command line ended, and what it took."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            code = 99
            try:
                code = child(argv, cwd, out.fileno(), err.fileno())
            finally:
                os._exit(code)
        _, status, usage = os.wait4(pid, 0)
        err.seek(0)
        text = err.read().decode("utf-8", "replace")
        return {
            "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            "seconds": usage.ru_utime + usage.ru_stime, "megabytes": usage.ru_maxrss / 1024,
            "out": os.fstat(out.fileno()).st_size, "err": text,
        }  # fmt: skip


def main() -> None:
    """Warm up, then answer until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder, "tiny.yaml")
        spec.write_text("params: {w: [[1.0]]}\nnodes: {y: sum(tanh(w @ w))}\n", encoding="utf-8")
        with Path(os.devnull).open("w", encoding="utf-8") as null:
            sys.stdout = null
            from backprop_cli.cli.boundary import invoke

            for command in ("run", "derive", "check", "show"):
                invoke([command, str(spec)])
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - the children's stdout
    gc.disable()  # as in any process of the command
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        answers.write(json.dumps(measured(asked["argv"], asked["cwd"])) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
