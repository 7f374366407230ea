"""LaTeX is compiled: what `run` and `derive` print for each shipped spec, and nothing is wider than an `article`."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from backprop_cli.formulas.notation.latex_words import latex_name
from backprop_cli.report.mathlines import fitted, plain
from backprop_cli.report.texts import Row, aligned, prose
from backprop_cli.report.texwidths import width
from backprop_cli.report.view import View

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))
HEAD = "\\documentclass{article}\n\\usepackage{amsmath}\n\\allowdisplaybreaks\n\\emergencystretch=3em\n"
BEGIN = "\\begin{document}\n"
OVERFULL = re.compile(r"SPEC (\S+)|Overfull \\hbox \(([\d.]+)pt too wide\)")



def needs_tex(test: Any) -> Any:
    """A test that compiles."""
    missing = shutil.which("pdflatex") is None
    return pytest.mark.latex(pytest.mark.skipif(missing, reason="pdflatex is not installed")(test))


def compiled(body: str, folder: Path, head: str = HEAD + BEGIN) -> tuple[str, str]:
    """What pdflatex says against a body (empty if nothing), and its log."""
    (folder / "page.tex").write_text(f"{head}{body}\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, env={"PATH": "/usr/bin:/bin",
                          "max_print_line": "1000", "HOME": str(folder)})  # fmt: skip
    log = done.stdout.decode("latin1")
    return ("" if done.returncode == 0 else log[log.find("\n!") :][:400]), log


def too_wide(log: str) -> list[tuple[str, float]]:
    """The specs whose boxes stick out of the page by more than a point."""
    found, spec = [], ""
    for name, points in OVERFULL.findall(log):
        spec = name or spec
        if points and float(points) > 1:
            found.append((spec, float(points)))
    return found


@needs_tex
@pytest.mark.parametrize("command", ["run", "derive"])
def test_every_spec_compiles_and_fits(command: str, backprop: Any, tmp_path: Path) -> None:
    """Names, operators, matrices and sentences of every spec are LaTeX, and none is wider than the page."""
    bodies = []
    for path in SPECS:
        done = backprop(command, path, "--format", "latex")
        if done.code == 0:  # a spec of shapes alone has nothing to run
            bodies.append(f"\\typeout{{SPEC {path.stem}}}\n{done.out}\\clearpage\n")
    assert len(bodies) > 40
    against, log = compiled("".join(bodies), tmp_path)
    assert against == ""
    assert too_wide(log) == []


SHEETS = (
    *(("step", name, "--lr", "0.1", *more) for name in ("two_layer", "cnn", "gru", "mazur", "batch_norm")
      for more in ((), ("--rule", "adam", "--steps", "3"))),
    ("jacobian", "softmax_row", "--output", "p", "--wrt", "a"),
    ("jacobian", "attention", "--output", "a", "--wrt", "s"),
    ("hessian", "two_layer"), ("hessian", "softmax_regression"), ("run", "mazur", "--tangent", "w1=1"),
    ("run", "kinks", "--tangent", "x=[1, 1, 1]"), ("run", "gru", "--tangent", "U_n=[[1, 0], [0, 1]]"),
)  # fmt: skip


BY_ENTRIES = ("-e", "(1 - x[0])**2 + 100*(x[1] - x[0]**2)**2 + sin(x[0]*x[1])*x[2]**2", "--set", "x=[1, 2, 0.5]")
"""A matrix that is written out, and is wider than a page."""


def test_a_matrix_wider_than_the_page_is_a_list_of_rows(backprop: Any) -> None:
    """A line of LaTeX for each row, and more where one is too long; a matrix where it is asked for by itself."""
    page = backprop("hessian", *BY_ENTRIES, "--format", "latex").out
    assert "eye" not in page
    assert page.count(r"\phantom{[}[") == 2
    assert backprop("hessian", *BY_ENTRIES, "--get", "formula.latex").out.startswith(r"\begin{bmatrix}")
    text = backprop("hessian", *BY_ENTRIES, "--width", "70").out.splitlines()
    rows = [line.strip().removeprefix("= [") for line in text if re.match(r" +(= \[)?\[[^ -]", line)]
    assert len(rows) == 3


@needs_tex
def test_sheets_compile_and_fit(backprop: Any, tmp_path: Path) -> None:
    """Updates with their tables, Jacobians, Hessians and tangents of a few specs: none is wider than the page."""
    bodies = []
    for command, name, *more in SHEETS:
        done = backprop(command, ROOT / "specs" / f"{name}.yaml", *more, "--format", "latex")
        assert done.code == 0, done.err
        bodies.append(f"\\typeout{{SPEC {command}-{name}}}\n{done.out}\\clearpage\n")
    by_entries = backprop("hessian", *BY_ENTRIES, "--format", "latex").out
    bodies.append(f"\\typeout{{SPEC by-entries}}\n{by_entries}\\clearpage\n")
    against, log = compiled("".join(bodies), tmp_path)
    assert against == ""
    assert too_wide(log) == []
    alone = backprop("hessian", ROOT / "specs" / "two_layer.yaml", "--format", "latex", "--standalone").out
    head, _, body = alone.partition(BEGIN)
    assert compiled(body.removesuffix("\\end{document}\n"), tmp_path, head + BEGIN)[0] == ""


@needs_tex
def test_a_document_stands_alone(backprop: Any, tmp_path: Path) -> None:
    """`--standalone` compiles as it is, with a title in which everything is special."""
    (tmp_path / "s.yaml").write_text("title: 'a_1 & 50% \\input{x} $x$ # ~ é α'\nparams: {w: 2.0}\nnodes: {y: w**2}\n")
    for command in ("run", "derive"):
        out = backprop(command, tmp_path / "s.yaml", "--format", "latex", "--standalone").out
        body = out.partition("\\begin{document}\n")[2].removesuffix("\\end{document}\n")
        assert compiled(body, tmp_path, out.partition("\\begin{document}\n")[0] + "\\begin{document}\n")[0] == ""


UNUSUAL = """\
title: 'Poincaré, naïve: ŷ & a_very_long_word_of_a_title_that_has_underscores_and_goes_on'
dims: {number_of_rows: 3, K: 4}
inputs: {regression_targets: {shape: [number_of_rows, K], init: normal, seed: 1}, ŷ: 0.5, 名: 2.0}
params:
  hidden_representation_weights: {shape: [number_of_rows, K], init: normal, seed: 2}
  temperature_of_softmax: 0.7
nodes:
  output_of_the_last_layer: tanh(hidden_representation_weights / temperature_of_softmax) * ŷ + 名
  concatenated: concat([output_of_the_last_layer, exp(regression_targets / 2)], axis=1)
  mean_squared_error_objective: >-
    sum(concatenated**2) / (2 * K) + mean((output_of_the_last_layer - regression_targets)**2)
"""


@needs_tex
@pytest.mark.parametrize("command", ["run", "derive", "step"])
def test_unusual_names_compile_and_fit(command: str, backprop: Any, tmp_path: Path) -> None:
    """Accents, letters that no font has, and names so long that a gradient takes half of the page."""
    (tmp_path / "s.yaml").write_text(UNUSUAL, encoding="utf-8")
    against, log = compiled(backprop(command, tmp_path / "s.yaml", "--format", "latex").out, tmp_path)
    assert against == ""
    assert too_wide(log) == []
    assert "Warning: Command" not in log  # an accent of text in mathematics


@needs_tex
def test_a_mistake_would_be_seen(tmp_path: Path) -> None:
    """The check itself: an unknown command is an error, a box that sticks out is found."""
    assert "nosuchcommand" in compiled(r"$\nosuchcommand$", tmp_path)[0]
    log = compiled(r"\typeout{SPEC wide}\noindent\hbox to 400pt{x}", tmp_path)[1]
    assert [spec for spec, _ in too_wide(log)] == ["wide"]


FORMULAS = (
    r"W^\top \left(\left(y_{2} - y\right) \odot y_{2} \odot \left(1 - y_{2}\right)\right)",
    r"\frac{\partial \mathrm{loss}}{\partial W_{o}} \odot \frac{p - t}{N \, p}",
    r"\sum_{n} \left(\frac{\partial \mathrm{loss}}{\partial z_{1}} \odot \gamma\right) \, \sqrt{v + 10^{-5}}",
    r"\operatorname{max\_pool2d}\left(\tanh\left(a_{1}\right), 2, \texttt{padding=1}\right)",
    r"-0.123456 \cdot 7.5 \cdot 10^{-7} + 12 \left(1 - 0.5\right) \mapsto \delta",
    "mnwWMQ + abcdefghijkl + xyz",
)


@needs_tex
def test_widths_are_those_of_tex(tmp_path: Path) -> None:
    """What a formula is taken to be wide is never less than TeX makes it, and not much more."""
    measured = "".join(rf"\setbox0\hbox{{$\displaystyle {tex}$}}\typeout{{WIDTH \the\wd0}}" for tex in FORMULAS)
    against, log = compiled(measured, tmp_path)
    assert against == ""
    for tex, found in zip(FORMULAS, re.findall(r"WIDTH ([\d.]+)pt", log), strict=True):
        assert 1.0 <= width(tex) / float(found) <= 1.4, tex


# ── lines, without TeX ───────────────────────────────────────────────────────────────────────────

S, P, C = "\x01", "\x02", ",\x03"
LONG = (rf"\left(\frac{{\partial L}}{{\partial y}}{P} \odot \gamma{S} - \mu{P} \odot x\right){P} "
        rf"W^\top{S} + \operatorname{{f}}\left(a{C} b{C} c\right){P} \, \sqrt{{v{S} + 1}}")  # fmt: skip


def letters(tex: str) -> str:
    """What is left without layout: brackets of any size, spaces, the dot of a broken product."""
    return re.sub(r"\\(?:left|right|[bB]ig[lr])|\\quad|\\cdot|\\,|[{}\s]", "", plain(tex))


@pytest.mark.parametrize("room", [60, 90, 120, 200])
def test_a_break_loses_nothing(room: float) -> None:
    """The lines put together are the formula; each line after the first is indented and begins with an operator."""
    lines = fitted(LONG, room)
    assert letters("".join(lines)) == letters(LONG)
    assert all(line.startswith(r"\quad ") for line in lines[1:])
    assert not any(mark in line for mark in "\x01\x02\x03" for line in lines)


def test_letters_beyond_ascii() -> None:
    """An accent is a command of mathematics in a name, and of text in prose; what no font has is told by number."""
    names = {"ŷ": r"\hat{y}", "ά": r"\acute{\alpha}", "é_max": r"\acute{e}_{\mathrm{max}}", "名": r"\mathrm{u540d}"}
    assert {name: latex_name(name) for name in names} == names
    assert prose("Poincaré's ŷ, naïve") == r'''Poincar\'{e}'s \^{y}, na\"{i}ve'''
    assert prose("hidden_representation_of_a_layer").count(r"\_\allowbreak{}") == 4


def test_a_long_left_side_stands_above() -> None:
    """Where a gradient's name takes half of the page its formula begins a line below, with the sign."""
    long = r"\mathrm{%s}" % ("m" * 30)
    assert aligned([Row(long, "x + y", "sum")], View()) == (
        f"\\begin{{align*}}\n & {long} && \\text{{sum}} \\\\\n &\\quad = x + y\n\\end{{align*}}")
    assert " &= x" in aligned([Row("y", "x", "sum")], View())


def test_what_stood_below_a_bar_stays_together() -> None:
    """A fraction on one line keeps 2N in brackets, so that a factor after it does not join it."""
    tex = rf"\frac{{a{S} + bbbbbbbbbbbb{S} + c}}{{2 \, N}} \, z"
    assert r"/\left(2 \, N\right)" in "".join(fitted(tex, 60.0))


def test_lines_fit() -> None:
    """With room for the widest atom no line is wider than asked for."""
    assert all(width(line) <= 130 for line in fitted(LONG, 130))
    assert fitted(LONG, 1000) == [plain(LONG)]


def test_a_bracket_over_two_lines_has_a_size_of_its_own() -> None:
    r"""\left needs its \right on the same line: where they part, \bigl and \bigr stand for them."""
    text = "".join(fitted(LONG, 70))
    assert text.count(r"\left") == text.count(r"\right")
    assert text.count(r"\Bigl(") == text.count(r"\Bigr)") == 1


def test_what_stands_in_brackets_gets_no_others() -> None:
    """The braces around the base of an index become brackets where it is opened, unless it has its own."""
    text = "".join(fitted(rf"{{\left(a{S} + b{S} + c{S} + d\right)}}_{{[2:]}}", 45))
    assert text.count("(") == text.count(")") == 1
    assert "".join(fitted(rf"{{a{S} + b{S} + c{S} + d}}_{{2}}", 45)).count("(") == 1


def test_a_wide_fraction_is_written_with_a_slash() -> None:
    """Nothing can end a line inside a fraction, so one that is wider than the page is opened."""
    lines = fitted(rf"\frac{{a{S} + b{S} + c{S} + d}}{{N}}", 45)
    assert len(lines) > 1
    assert lines[-1].endswith("/N")
    assert lines[0].startswith(r"\bigl(a")
