"""A warm process that runs `backprop` for a shell: every command is a fork of it, with the caller's own streams.

What a start takes (Python, numpy, sympy) is paid once and not by each command of a transcript. The shell calls a small
client, which hands its streams, its folder and its arguments over a socket, and ends as the command did.

    python docs/warm.py SOCKET    answers until its standard input ends
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import selectors
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 1 << 20

CLIENT = """
import os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    socket.send_fds(server, ["\\0".join([os.getcwd(), *sys.argv[2:]]).encode("utf-8", "surrogateescape")], [0, 1, 2])
    sys.exit(server.recv(1)[0])
"""
"""For an isolated Python without its site packages, which starts in a fraction of the time."""

TINY = "params: {w: [[1.0]]}\nnodes: {y: sum(tanh(w @ w))}\n"


@cache
def address() -> str:
    """Where the warm process of this one listens; it ends with this one."""
    folder = tempfile.TemporaryDirectory(prefix="backprop")
    path = os.path.join(folder.name, "socket")
    server = subprocess.Popen([sys.executable, __file__, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"})  # fmt: skip
    assert server.stdin is not None
    assert server.stdout is not None

    def end() -> None:
        server.communicate()
        folder.cleanup()

    atexit.register(end)
    server.stdout.read(1)  # it listens
    return path


def serve(path: str) -> None:
    """Answer whoever connects, until stdin ends."""
    _warm_up()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as server, selectors.DefaultSelector() as ready:
        server.bind(path)
        server.listen()
        ready.register(server, selectors.EVENT_READ)
        ready.register(sys.stdin, selectors.EVENT_READ)
        os.write(1, b".")
        while all(key.fileobj is server for key, _ in ready.select()):
            caller = server.accept()[0]
            if not os.fork():
                _answer(caller)
            caller.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _warm_up() -> None:
    """Import what most commands need."""
    from backprop_cli.cli.boundary import invoke

    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w", encoding="utf-8") as nowhere:
        Path(folder, "tiny.yaml").write_text(TINY, encoding="utf-8")
        with contextlib.redirect_stdout(nowhere):
            for command in ("run", "derive", "check", "jacobian"):
                invoke([command, os.path.join(folder, "tiny.yaml")])


def _answer(caller: socket.socket) -> NoReturn:
    """In a process of its own: run the command in one more, and tell the caller how that ended."""
    told, streams, _, _ = socket.recv_fds(caller, LARGEST, 3)
    command = os.fork() or _command(told.decode("utf-8", "surrogateescape").split("\0"), streams)
    status = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
    caller.send(bytes([status if status >= 0 else 128 - status]))
    os._exit(0)


def _command(told: list[str], streams: list[int]) -> NoReturn:
    """Be the command: its streams, its folder, its arguments."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the process ends with them
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    os.chdir(told[0])
    sys.argv = ["backprop", *told[1:]]
    from backprop_cli.cli import main

    try:
        main()
    finally:
        os._exit(99)


if __name__ == "__main__":
    serve(sys.argv[1])
