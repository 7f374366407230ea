"""Colours and encodings: what a stream shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backprop_cli.cli.streams import color_wanted


class Stream:
    """A stream that is a terminal, or not."""

    encoding = "utf-8"

    def __init__(self, terminal: bool) -> None:
        self.terminal = terminal

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.terminal


@pytest.mark.parametrize(("choice", "terminal", "variables", "wanted"), [
    ("auto", True, {}, True), ("auto", False, {}, False),
    ("auto", True, {"NO_COLOR": "1"}, False), ("auto", True, {"NO_COLOR": ""}, True),
    ("auto", False, {"FORCE_COLOR": "1"}, True), ("auto", False, {"FORCE_COLOR": "0"}, False),
    ("auto", True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ("auto", True, {"TERM": "dumb"}, False), ("auto", True, {"TERM": "xterm"}, True),
    ("always", False, {"NO_COLOR": "1", "TERM": "dumb"}, True), ("never", True, {"FORCE_COLOR": "1"}, False),
])  # fmt: skip
def test_when_to_colour(monkeypatch: pytest.MonkeyPatch, choice: str, terminal: bool, variables: dict[str, str],
                        wanted: bool) -> None:  # fmt: skip
    """`--color` decides, then NO_COLOR, FORCE_COLOR and TERM=dumb, then whether it is a terminal."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert color_wanted(choice, Stream(terminal)) is wanted  # type: ignore[arg-type]


def test_colour_by_command(command) -> None:
    """A pipe has no colours unless they are forced; those of stdout and stderr are decided apart."""
    assert "\x1b" not in command("run", "small.yaml", "--terms", "none").stdout
    assert "\x1b[" in command("run", "small.yaml", "--terms", "none", env={"FORCE_COLOR": "1"}).stdout
    assert "\x1b[" in command("run", "bad.yaml", "--color=always").stderr


def test_colour_in_a_terminal(folder: Path, environment: dict[str, str]) -> None:
    """In a terminal (a pseudo-terminal here) the view is coloured, with TERM=dumb it is not."""
    pty = pytest.importorskip("pty")
    for term, colored in (("xterm", True), ("dumb", False)):
        main, side = pty.openpty()
        arguments = [sys.executable, "-m", "backprop_cli", "run", "small.yaml", "--terms", "none"]
        subprocess.run(arguments, cwd=folder, env=environment | {"TERM": term}, stdout=side, check=True, timeout=600)
        os.close(side)
        assert (b"\x1b[" in os.read(main, 100_000)) is colored
        os.close(main)


@pytest.mark.parametrize("variables", [
    {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX"},
])  # fmt: skip
def test_ascii_streams(command, variables: dict[str, str]) -> None:
    """A stream that cannot show ∂ gets ASCII, JSON the same data by escapes."""
    done = command("run", "net.yaml", env=variables, encoding="ascii")
    assert done.returncode == 0
    assert "= dloss/dz_1 @ x.T\n" in done.stdout


def test_ascii_json(command) -> None:
    """`--format json` on an ASCII stream, and with `--ascii`, is the same data."""
    data = json.loads(command("run", "net.yaml", "--format", "json").stdout)
    narrow = command("run", "net.yaml", "--format", "json", env={"PYTHONIOENCODING": "ascii"})
    assert narrow.stdout.isascii()
    assert json.loads(narrow.stdout) == data


def test_the_ascii_option(in_process) -> None:
    """`--ascii` spells formulas in ASCII everywhere, `--get` included."""
    code, out, _ = in_process("run", "net.yaml", "--ascii")
    assert code == 0
    assert out.isascii()
    assert in_process("run", "net.yaml", "--get", "w2.formula.local", "--ascii")[1] == "dloss/dz_2 @ y_1.T\n"


def test_products_of_scalars_in_ascii(in_process, folder: Path) -> None:
    """A product that has a scalar is `*`, of matrices `@`: in a report and by itself; in Unicode both are a dot."""
    (folder / "both.yaml").write_text(
        "params: {a: 3, b: 2, w: [[1, 2], [3, 4]], v: [[1, 0], [1, 1]]}\nnodes: {y: a*b, z: w @ v, loss: y*sum(z**2)}\n"
    )
    report = in_process("run", "both.yaml", "--ascii")[1]
    assert "= dloss/dy * b\n" in report
    assert "= w.T @ dloss/dz\n" in report
    assert in_process("run", "both.yaml", "--get", "a.formula.local", "--ascii")[1] == "dloss/dy * b\n"
    assert in_process("run", "both.yaml", "--get", "a.formula.local")[1] == "∂loss/∂y · b\n"
    assert in_process("run", "both.yaml", "--get", "a.formula.local.code", "--ascii")[1] == "grad(y) * b\n"


def test_utf8_is_the_default(command) -> None:
    """Without any locale set, as in a container, the output is UTF-8."""
    done = command("run", "net.yaml", "--get", "w2.formula.local", env={"LANG": ""})
    assert done.stdout == "∂loss/∂z_2 · y_1ᵀ\n"


def test_nasty_paths_and_titles(command, folder: Path) -> None:
    """Escape sequences in a title or a file name never reach the terminal."""
    path = "e\x1b[2J.yaml"
    (folder / path).write_text('title: "a\\e]0;x\\a"\nparams: {a: 1.0}\nnodes: {c: a * a}\n', encoding="utf-8")
    for arguments in (["run", path, "--terms", "none"], ["run", path, "--terms", "none", "--format", "markdown"]):
        done = command(*arguments)
        assert "\x1b" not in done.stdout + done.stderr
    assert "\x1b" not in command("run", "missing\x1b[2J.yaml").stderr
