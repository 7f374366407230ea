"""Nothing is wider than the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from backprop_cli.formulas.printed import READ
from backprop_cli.language.reader import load_spec
from backprop_cli.report import text
from backprop_cli.report.breaking import broken, fitted
from backprop_cli.report.view import View
from backprop_cli.tasks.calculate import Settings, run

ROOT = Path(__file__).resolve().parents[2]
SPECS = [path for path in sorted((ROOT / "specs").rglob("*.yaml")) if path.parent.name != "shapes"]
LONG = "(∂loss/∂y ⊙ gamma - mean(∂loss/∂y ⊙ xhat ⊙ gamma) ⊙ xhat - mean(∂loss/∂y ⊙ gamma))/√(v + 1e-5)"


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_no_line_of_a_run_is_wider(path: Path) -> None:
    """Formulas, values, remarks and sentences of every shipped spec, at 60, 80 and 120 columns."""
    result = run(load_spec(str(path)), Settings(terms=READ))
    for width in (60, 80, 120):
        page = text.render(result, View(width=width))
        assert [line for line in page.splitlines() if len(line) > width] == []


@pytest.mark.parametrize("name", ["lstm", "transformer_encoder", "cnn"])
@pytest.mark.parametrize("width", [80])
def test_no_line_of_a_derivation_is_wider(name: str, width: int, backprop: Any) -> None:
    """Steps, reasons, numbers and values too."""
    out = backprop("derive", ROOT / "specs" / f"{name}.yaml", "--width", width).out
    assert [line for line in out.splitlines() if len(line) > width] == []


@pytest.mark.parametrize("room", [40, 60, 80])
def test_a_break_loses_nothing(room: int) -> None:
    """The parts put together are the formula, and each part after the first begins with its operator."""
    parts = broken(LONG, room)
    assert re.sub(r"\s", "", "".join(parts)) == re.sub(r"\s", "", LONG)
    assert all(len(part) <= room for part in parts)
    assert all(part.lstrip()[0] in "⊙+-·/=" for part in parts[1:])


def test_the_outermost_operator_goes_first() -> None:
    """A bracket that fits a line whole is not broken."""
    assert broken("Aᵀ · (x - y) + Bᵀ · (x ⊙ y - z) + c", 26) == ["Aᵀ · (x - y)", "  + Bᵀ · (x ⊙ y - z) + c"]


def test_colours_do_not_count() -> None:
    """A coloured left side keeps its colour, and the line its width on the screen."""
    line = f"  \x1b[36m∂loss/∂x\x1b[0m = {LONG}"
    found = list(fitted([line], 80))
    assert found[0].startswith("  \x1b[36m∂loss/∂x\x1b[0m = ")
    assert all(len(re.sub(r"\x1b\[\d*m", "", part)) <= 80 for part in found)


def test_the_width_is_asked_for(backprop: Any) -> None:
    """`--width` breaks lines; in a file it is 100; below 40 it is refused."""
    spec = ROOT / "specs" / "lstm.yaml"
    assert max(map(len, backprop("run", spec, "--terms", "local").out.splitlines())) <= 100
    assert max(map(len, backprop("run", spec, "--terms", "local", "--width", 60).out.splitlines())) <= 60
    refused = backprop("run", spec, "--width", 39)
    assert refused.code == 2
    assert "39" in refused.err


def test_latex_as_a_whole_document(backprop: Any) -> None:
    """`--standalone` begins and ends as a document does; without it there is the body alone."""
    spec = ROOT / "specs" / "two_layer.yaml"
    for command in ("run", "derive"):
        out = backprop(command, spec, "--format", "latex", "--standalone").out
        assert out.startswith("\\documentclass")
        assert out.endswith("\\end{document}\n")
        assert "documentclass" not in backprop(command, spec, "--format", "latex").out
