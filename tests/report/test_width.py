"""Nothing is wider than the page."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from unicodedata import combining

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.formulas.marks import of_source, plain
from backprop_cli.formulas.printed import READ, Printed
from backprop_cli.language.expression import parse
from backprop_cli.language.reader import load_spec
from backprop_cli.language.source import inline
from backprop_cli.report import arrays, graph_text, text
from backprop_cli.report.columns import Grid
from backprop_cli.report.diagram import Numbers, diagram
from backprop_cli.report.fitting import Array, Row, broken, fitted
from backprop_cli.report.formats import FORMATS
from backprop_cli.report.view import View
from backprop_cli.tasks.calculate import Settings, compute, run
from backprop_cli.tasks.leaves import load_leaves

ROOT = Path(__file__).resolve().parents[2]
SPECS = [path for path in sorted((ROOT / "specs").rglob("*.yaml")) if path.parent.name != "shapes"]
WITH_MARKS = FORMATS["text"].notations


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_no_line_of_a_run_is_wider(path: Path) -> None:
    """Formulas, values, remarks and sentences of every shipped spec, at 40, 60, 80 and 120 columns."""
    result = run(load_spec(str(path)), Settings(terms=READ, notations=WITH_MARKS))
    for width in (40, 60, 80, 120):
        page = text.render(result, View(width=width))
        wide = [line for line in page.splitlines() if len(line) > width and str(ROOT) not in line]
        assert [line for line in wide if len(line.replace("= ", "").split()) > 1] == [], "a word alone may be wider"


@pytest.mark.parametrize("name", ["lstm", "transformer_encoder", "cnn"])
def test_no_line_of_a_derivation_is_wider(name: str, backprop: Any) -> None:
    """Steps, reasons, numbers and values too; on wider pages those of every spec, in tests/specs/test_teaching.py."""
    out = backprop("derive", ROOT / "specs" / f"{name}.yaml", "--width", 40).out
    assert [line for line in out.splitlines() if len(line) > 40] == []


LONG_NAMES = """\
dims: {N: 3, D: 2}
inputs:
  input_features: {shape: [N, D], init: normal, seed: 1}
  regression_targets: {shape: [N], init: normal, seed: 2}
params: {weight_vector_of_the_last_layer: {shape: [D], init: normal, seed: 3}}
nodes:
  hidden_representation_of_the_last_layer: tanh(input_features @ weight_vector_of_the_last_layer)
  mean_squared_error_objective: mean((hidden_representation_of_the_last_layer - regression_targets)**2)
"""


@pytest.mark.parametrize("command", ["run", "derive", "check", "step", "graph"])
def test_names_longer_than_half_a_page(command: str, backprop: Any) -> None:
    """Where every gradient is wider than the page by itself still no line is; nothing of it is lost."""
    narrow, whole = (backprop(command, "-", "--width", n, stdin=LONG_NAMES).out for n in (40, 400))
    assert [line for line in narrow.splitlines() if len(line) > 40] == []
    told = [sorted(re.sub(r"\s", "", page)) for page in (narrow, whole)]  # a remark may stand below its array
    assert command == "graph" or told[0] == told[1]


NARROW = (("step", "two_layer", "--rule", "adam", "--steps", "3"),
          ("jacobian", "softmax_row", "--output", "p", "--wrt", "a"),
          ("hessian", "logistic_regression"),
          ("check", "accumulate_three"),
          ("worksheet", "transformer_encoder"),
          ("ops", "binary_cross_entropy_with_logits"))  # fmt: skip


@pytest.mark.parametrize("arguments", NARROW, ids=lambda a: a[0])
def test_no_line_of_a_sheet_is_wider(arguments: tuple[str, ...], backprop: Any) -> None:
    """Updates with their numbers, Jacobians and Hessians, sheets; and what stands there is what a wide page has."""
    command, name, *options = arguments
    spec = ROOT / "specs" / f"{name}.yaml"
    about = spec if spec.exists() else name
    pages = {width: backprop(command, about, *options, "--width", width).out for width in (40, 60, 400)}
    for width, page in pages.items():
        hats = {line: sum(map(bool, map(combining, line))) for line in page.splitlines()}  # v̂ takes one column
        assert [line for line in hats if len(line) - hats[line] > width and str(ROOT) not in line] == []
        assert re.sub(r"\s", "", page) == re.sub(r"\s", "", pages[400])


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_of_a_graph_is_wider(width: int) -> None:
    """As a table whose cells fold, or a block a node; every node is there, with its value and its gradient."""
    for path in SPECS:
        graph = build(load_spec(str(path)))
        computed = compute(graph, load_leaves(graph))
        numbers = Numbers(computed.values, [computed.gradient(node.index) for node in graph.nodes], 4)
        for page in (diagram(graph), diagram(graph, numbers=numbers)):
            lines = graph_text.render(page, View(width=width)).splitlines()
            assert [line for line in lines if len(line) > width and str(ROOT) not in line] == [], path.stem
            told = [line for box in page.boxes for line in (box.name, *box.value, *box.gradient)]
            assert set(" ".join(told).split()) <= set(" ".join(lines).split()), path.stem


def test_a_table_folds_its_cells() -> None:
    """A column as wide as the page allows; where that is too little, each row is a block with titles."""
    cells = [["w"], [of_source("sigmoid(W @ x + b) @ sigmoid(V @ y + c)")], ["(2, 2)"]]
    grid = Grid(("name", "computed as", "shape"), [cells], ["", ""], lambda text, row, column: text)
    assert list(grid.lines(40)) == [
        "name   computed as                shape", "w      sigmoid(W @ x + b)         (2, 2)",
        "         @ sigmoid(V @ y + c)"]  # fmt: skip
    assert list(grid.lines(28)) == [
        "w", "  computed as  sigmoid(W @ x", "                  + b)", "                 @ sigmoid(",
        "                  V @ y + c)", "  shape        (2, 2)"]  # fmt: skip


@pytest.fixture(scope="module")
def printed() -> list[tuple[str, str]]:
    """Formulas of three specs, each with its marks and without."""
    found = []
    for name in ("lstm", "attention", "batch_norm"):
        result = run(load_spec(str(ROOT / "specs" / f"{name}.yaml")), Settings(terms=READ, notations=WITH_MARKS))
        found += [(f.marked("text"), f.text) for node in result.nodes if node.gradient
                  for f in node.gradient.formula.values() if isinstance(f, Printed)]  # fmt: skip
    return found


def test_a_break_is_never_inside_a_word(printed: list[tuple[str, str]]) -> None:
    """Lines joined are read back as the very same expression; each but the first begins with its operator."""
    assert any(len(formula) > 60 for _, formula in printed)
    for marked, formula in printed:
        assert plain(marked) == formula
        for room in (24, 40, 60, 80):
            parts = broken(marked, room)
            joined = re.sub(r" /(?=\S)", "/", " ".join(part.strip() for part in parts))  # of a fraction on one line
            assert parse(inline(joined, "joined")) == parse(inline(formula, "joined"))
            assert re.sub(r"\s", "", joined) == re.sub(r"\s", "", formula)
            assert all(part.lstrip()[0] in "⊙+-·/" or before[-1] in ",(" for before, part in pairwise(parts))


def test_lines_copied_from_a_page_are_the_formula() -> None:
    """What stands after an equals sign in a narrow page, put together, is what a wide page has on one line."""
    result = run(load_spec(str(ROOT / "specs" / "lstm.yaml")), Settings(terms=("compact",), notations=WITH_MARKS))
    wide, narrow = (text.render(result, View(width=width)) for width in (None, 44))
    whole = {re.sub(r"\s", "", line) for line in wide.splitlines()}
    flat = re.sub(r"\s", "", narrow)
    formulas = [line for line in whole if line.startswith("∂loss/∂") and "=" in line]
    assert len(formulas) > 20
    assert all(formula.partition("at")[0] in flat for formula in formulas)


def test_the_outermost_operator_goes_first() -> None:
    """A bracket that fits a line whole is not broken; a factor stands deeper than a term."""
    marked = of_source("Aᵀ · (x - y) + Bᵀ · (x ⊙ y - z) + c")
    assert broken(marked, 26) == ["Aᵀ · (x - y)", "  + Bᵀ · (x ⊙ y - z) + c"]
    assert broken(marked, 20) == ["Aᵀ · (x - y)", "  + Bᵀ", "    · (x ⊙ y - z)", "  + c"]


@pytest.mark.parametrize(("source", "lines"), [
    ("[[alpha + beta, c], [d, gamma]]", ["[[alpha + beta, c],", " [d, gamma]]"]),
    ("[[alpha + beta, gamma * delta], [d, e]]", ["[[alpha + beta,", "  gamma * delta],", " [d, e]]"]),
    ("[alpha + beta * c, gamma]", ["[alpha + beta * c,", " gamma]"]),
    ("[a, b, c, d, e, f, g, h, i]", ["[a, b, c, d, e, f, g,", "    h, i]"]),
    ("[alpha, beta] @ [gamma, delta]", ["[alpha, beta]", "  @ [gamma, delta]"]),
])  # fmt: skip
def test_a_list_is_broken_between_its_items(source: str, lines: list[str]) -> None:
    """Rows of a matrix stand under each other, and entries where one is long; short entries fill the line."""
    assert broken(of_source(source), 21) == lines


@pytest.mark.parametrize(("source", "lines"), [
    ("concat([alpha, beta], axis=0) @ W", ["concat([alpha, beta],", "    axis=0) @ W"]),
    ("x**2 - -y / 1e-5 + w[0, 1]", ["x**2 - -y / 1e-5", "  + w[0, 1]"]),
    ("(alpha + beta)[:, None]", ["(alpha", "    + beta)[:, None]"]),
    ("s * a + (logp + beta - gamma) * p", ["s * a + (logp + beta", "    - gamma) * p"]),
])  # fmt: skip
def test_what_the_user_wrote_is_broken_too(source: str, lines: list[str]) -> None:
    """At its operators and commas, never at a sign of a number or a power, nor in an index, nor before a looser one."""
    assert broken(of_source(source), 21) == lines
    assert plain(of_source(source)) == source


def test_rows_of_numbers_go_on_aligned() -> None:
    """A row wider than its room goes on below, moved in, its columns under each other; it can still be pasted."""
    value = np.array([[1.5, -22.25, 3.0, 4.0], [10.0, 2.0, -3.125, 0.0]])
    assert arrays.lines(value, 6, room=20) == [
        "[[ 1.5,   -22.25,", "     3,       4],", " [10,       2,", "    -3.125,   0]]"]  # fmt: skip
    for room in (14, 16, 20, 40):
        found = arrays.lines(value, 6, room=room)
        assert all(len(line) <= room for line in found)
        assert json.loads("".join(found)) == value.tolist()


def test_a_remark_stands_beside_or_below() -> None:
    """What is said beside an array stands in its first line, or under it; never in it."""
    value = Array(np.eye(2), 6)
    assert next(fitted([Row("x", value, remark="input (2, 2)")], 40)).endswith("input (2, 2)")
    assert list(fitted([Row("x", value, remark="input (2, 2)")], 18)) == [
        "x = [[1, 0],", "     [0, 1]]", "    input (2, 2)"]  # fmt: skip


def test_a_long_left_side_has_its_right_one_below() -> None:
    """Where the left side takes half of the page the right one hangs under it, all equals signs in one column."""
    rows = [Row("  ∂loss/∂attention_out_1", "δ_1 + δ_2"), Row(" " * 24, of_source("a + b + c + d + e + f + g + h"))]
    assert list(fitted(rows, 40)) == [
        "  ∂loss/∂attention_out_1", "      = δ_1 + δ_2", "      = a + b + c + d + e + f + g + h"]  # fmt: skip


def test_a_name_wider_than_the_page() -> None:
    """A gradient of long names ends its line after the bar, a name after an underscore, where all else is broken."""
    long = "∂mean_squared_error_objective/∂hidden_representation_layer_5"
    assert list(fitted([Row(f"  {long}", "2 · e")], 40)) == [
        "  ∂mean_squared_error_objective/", "  ∂hidden_representation_layer_5", "      = 2 · e"]  # fmt: skip
    assert list(fitted([long.partition("/")[2].removeprefix("∂")], 20)) == ["hidden_", "representation_", "layer_5"]


def test_colours_do_not_count() -> None:
    """A coloured left side keeps its colour, and the line its width on the screen."""
    row = Row("  \x1b[36m∂loss/∂x\x1b[0m", of_source(" + ".join(["∂loss/∂y ⊙ gamma"] * 6)))
    found = list(fitted([row], 60))
    assert len(found) > 1
    assert found[0].startswith("  \x1b[36m∂loss/∂x\x1b[0m = ")
    assert all(len(re.sub(r"\x1b\[\d*m", "", part)) <= 60 for part in found)


def test_the_width_is_asked_for(backprop: Any) -> None:
    """`--width` breaks lines; in a file it is 100; below 40 it is refused."""
    spec = ROOT / "specs" / "lstm.yaml"
    assert max(map(len, backprop("run", spec, "--terms", "local").out.splitlines())) <= 100
    assert max(map(len, backprop("run", spec, "--terms", "local", "--width", 60).out.splitlines())) <= 60
    refused = backprop("run", spec, "--width", 39)
    assert refused.code == 2
    assert "a page of formulas takes at least 40 columns, not 39" in refused.err


def test_latex_as_a_whole_document(backprop: Any) -> None:
    """`--standalone` begins and ends as a document does; without it there is the body alone."""
    spec = ROOT / "specs" / "two_layer.yaml"
    for command in ("run", "derive"):
        out = backprop(command, spec, "--format", "latex", "--standalone").out
        assert out.startswith("\\documentclass")
        assert out.endswith("\\end{document}\n")
        assert "documentclass" not in backprop(command, spec, "--format", "latex").out
