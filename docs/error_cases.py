"""A case for every error of the catalogue: what provokes it, and the page that shows all of them."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

RUN = ("run", "net.yaml")


@dataclass(frozen=True)
class Case:
    """Files, a command line, and, where no input is known to provoke the error, what has to happen to the program."""

    files: Mapping[str, str | bytes] = field(default_factory=dict)
    argv: tuple[str, ...] = RUN
    remark: str = ""
    sabotage: str = ""


def spec(text: str, *argv: str) -> Case:
    """A spec and what is asked of it."""
    return Case({"net.yaml": text}, argv or RUN)


GOOD = "params: {a: 2.0}\nnodes:\n  y: a**2\n"

CASES: Mapping[str, Case] = {
    "E001": Case(argv=("run", "missing.yaml")),
    "E002": Case({"net.yaml": "title: caf\xe9\n".encode("latin-1")}, remark="The file is in Latin-1."),
    "E003": spec("params: {a: 1.0\nnodes:\n  y: a\n"),
    "E004": spec("params:\n  a: &one 1.0\n  b: *one\nnodes:\n  y: a * b\n"),
    "E005": spec("params: {a: " + "[" * 40 + "1" + "]" * 40 + "}\nnodes: {y: a}\n"),
    "E006": spec("params: {w: 1.0}\nnodes:\n  y: w**2\n  y: w + 1\n"),
    "E007": spec("params: {w: 1.0}\nnoeds:\n  y: w**2\n"),
    "E008": spec("params:\n  w: [1.0, two]\nnodes:\n  y: sum(w)\n"),
    "E009": spec("params:\n  2w: 1.0\nnodes:\n  y: 1\n"),
    "E010": spec("params: {w: 1.0}\nnodes:\n  y: w +\n"),
    "E011": spec("params: {weight: 1.0}\nnodes:\n  y: wieght**2\n"),
    "E012": spec("params: {w: 1.0}\nnodes:\n  y: sigmod(w)\n"),
    "E013": spec("params: {w: 1.0}\nnodes:\n  a: b * w\n  b: a + 1\n"),
    "E014": spec("params:\n  W: {shape: [2, 3], init: normal}\n  x: [1.0, 2.0]\nnodes:\n  y: W @ x\n"),
    "E015": spec("params: {x: [1.0, 2.0]}\nnodes:\n  y: sum(x, axes=0)\n"),
    "E016": spec("params: {x: 1.0}\nnodes:\n  y: " + "(" * 70 + "x" + ")" * 70 + "\n"),
    "E017": spec("inputs: {x: 1.0}\nnodes:\n  y: x**2\n"),
    "E018": spec("params: {x: [1.0, 2.0]}\nnodes:\n  y: x**2\n"),
    "E019": spec("params:\n  w: {shape: [3]}\nnodes:\n  y: sum(w)\n"),
    "E020": spec("params:\n  w: {file: ../secret.npy}\nnodes:\n  y: sum(w)\n"),
    "E021": spec("params:\n  w: {shape: [100000, 100000], init: normal}\nnodes:\n  y: sum(w)\n"),
    "E022": spec(GOOD, "run", "net.yaml", "--set", "b=3"),
    "E023": spec(GOOD, "run", "net.yaml", "--get", "b.grad"),
    "E024": spec("dims: {N: 3}\nparams:\n  w: {shape: [M], init: zeros}\nnodes:\n  y: sum(w)\n"),
    "E025": spec(GOOD, "run", "net.yaml", "-o", "results/net.txt"),
    "E026": spec(GOOD, "run", "net.yaml", "--otput", "y"),
    "E030": Case({"net.yaml": GOOD}, sabotage="raise", remark="No input is known to provoke it."),
    "E031": Case({"net.yaml": GOOD}, ("run", "net.yaml", "--timeout", "0.2"), sabotage="sleep",
                 remark="The spec takes longer than that."),
    "E032": Case({"net.yaml": GOOD}, ("run", "net.yaml", "--timeout", "60"), sabotage="die",
                 remark="The system ends the process meanwhile."),
    "E040": Case({"net.py": "import torch\nw = load('w.pt')\nloss = (w ** 2).sum()\nloss.backward()\n"},
                 ("import", "net.py")),
}  # fmt: skip
"""Every code of the catalogue, with the smallest input that shows it."""


def _raise(*_: object) -> None:
    raise KeyError("y")


def _sleep(*_: object) -> None:
    import time

    time.sleep(30)


def _die(*_: object) -> None:
    os.kill(os.getpid(), 9)


SABOTAGE = {"raise": _raise, "sleep": _sleep, "die": _die}


def told(case: Case) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a case, run in a folder of its own."""
    from backprop_cli.cli.boundary import invoke

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), _sabotaged(case), patch.dict(os.environ):
        os.environ.update({"LC_ALL": "C.UTF-8", "NO_COLOR": "1"})
        for name, content in case.files.items():
            Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        with patch.object(sys, "stdout", out), patch.object(sys, "stderr", err):
            code = invoke(case.argv)
    texts = []
    for stream in (out, err):
        stream.flush()
        stream.seek(0)
        texts.append(stream.read())
    return code, texts[0], texts[1]


def _sabotaged(case: Case) -> contextlib.AbstractContextManager[object]:
    if not case.sabotage:
        return contextlib.nullcontext()
    return patch("backprop_cli.cli.run.load", SABOTAGE[case.sabotage])


def page() -> Iterator[str]:
    """The lines of the catalogue: meaning, what provokes it, the whole text."""
    from backprop_cli.errors import CATALOGUE

    for code, kind in CATALOGUE.items():
        case = CASES[code]
        yield from (f"## {code} {kind.title}", "", f"{kind.meaning} {case.remark}".strip(), "")
        for content in case.files.values():
            text = content if isinstance(content, str) else content.decode("latin-1")
            yield from ("```yaml", *text.rstrip("\n").split("\n"), "```", "")
        yield from ("```text", f"$ backprop {' '.join(case.argv)}", *told(case)[2].rstrip("\n").split("\n"), "```", "")
