"""LaTeX is compiled: the body that `run` and `derive` print for each shipped spec, inside a small document."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))
HEAD = r"""\documentclass{article}
\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}\usepackage{amsmath}
\usepackage[a2paper,landscape,margin=1cm]{geometry}\setcounter{MaxMatrixCols}{30}
\begin{document}
"""

needs_tex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


def compiled(body: str, folder: Path) -> str:
    """What pdflatex says against a body; empty if nothing."""
    (folder / "page.tex").write_text(HEAD + body + r"\end{document}", encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=folder, capture_output=True, check=False,
    )
    log = done.stdout.decode("latin1")
    return "" if done.returncode == 0 else log[log.find("\n!") :][:400]


@needs_tex
@pytest.mark.parametrize("command", ["run", "derive"])
def test_every_spec_compiles(command: str, backprop: Any, tmp_path: Path) -> None:
    """Names, operators, matrices and words of every spec are LaTeX that amsmath takes."""
    bodies = []
    for path in SPECS:
        done = backprop(command, path, "--format", "latex")
        if done.code == 0:  # a spec of shapes alone has nothing to run
            bodies.append(done.out)
    assert len(bodies) > 40
    assert compiled("\n\\newpage\n".join(bodies), tmp_path) == ""


@needs_tex
def test_a_mistake_would_be_seen(tmp_path: Path) -> None:
    """The check itself: an unknown command is an error."""
    assert "nosuchcommand" in compiled(r"$\nosuchcommand$", tmp_path)
