"""Each format, compared as a whole on a result made by hand."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from backprop_cli.cli.streams import suffixed
from backprop_cli.errors import UsageError
from backprop_cli.report.csv_ import cell
from backprop_cli.report.formats import FORMATS, SUFFIXES, renderer, streamed
from backprop_cli.report.json_ import BLOCK, later, pretty
from backprop_cli.report.markdown import code, math, prose
from backprop_cli.report.texts import matrix
from backprop_cli.report.texts import prose as latex_prose
from backprop_cli.report.view import EVERYTHING, View
from backprop_cli.tasks.result import NodeResult, Result
from tests.conftest import Backprop

TEXT = """\
A net
What it
shows.
net.yaml, N = 2

Forward pass

  x = [0.25, -10]   input (2,)
  w = [[4, 0.1]]    param (1, 2)
  h = w @ x         (1,)
    = [0]
  L = sum(relu(h))  scalar
    = 0.333333

Reverse pass, from L back

  ∂L/∂L = 1

  ∂L/∂h = m
        = [1]

  ∂L/∂w = ∂L/∂h · xᵀ
        = m · xᵀ
        = [[0.5, -1]]

warning: h: relu at 0

used: Σ t = 1
3 gradients; every formula evaluated: largest difference 2.5e-16
"""


def test_the_terminal_view(result: Result) -> None:
    """Forward pass, reverse pass with the output first, each a chain of equals signs; then warnings and the verdict."""
    assert renderer("text")(result, View()) == TEXT


def test_the_terminal_view_in_colour(result: Result) -> None:
    """Colours only add escapes."""
    colored = renderer("text")(result, View(color=True))
    assert isinstance(colored, str)
    assert "\x1b[36m" in colored
    assert re.sub("\x1b\\[[0-9;]*m", "", colored) == TEXT


def test_terms_in_the_terminal_view(result: Result) -> None:
    """Only what was asked for is shown; a formula left out says why, none at all leaves values."""
    leaves = renderer("text")(result, View(terms=("leaves",)))
    assert "  ∂L/∂w = (leaves: too long)\n        = [[0.5, -1]]\n" in leaves
    assert "  ∂L/∂w = [[0.5, -1]]\n" in renderer("text")(result, View(terms=()))


def test_several_passes(two_passes: Result) -> None:
    """Each pass and the sum that leaves accumulate."""
    shown = renderer("text")(two_passes, View())
    assert "Reverse pass 1 of 2, from L back\n\n  ∂L/∂w = [1, 2]\n" in shown
    assert "Reverse pass 2 of 2, from L back\n\n  ∂L/∂w = [10, 20]\n" in shown
    assert "Sum of the passes, which leaves accumulate\n\n  w.grad = pass 1 + pass 2\n         = [11, 22]\n" in shown
    found = json.loads(renderer("json")(two_passes, View()))
    assert [one["nodes"]["w"]["gradient"]["value"] for one in found["passes"]] == [[1.0, 2.0], [10.0, 20.0]]
    assert found["nodes"]["w"]["gradient"]["value"] == [11.0, 22.0]


def test_a_spec_without_numbers(result: Result) -> None:
    """Values that are not there are said to be missing, or null."""
    bare = replace(result, nodes=tuple(replace(node, value=None) for node in result.nodes))
    assert "x = (no numbers)" in renderer("text")(bare, View())
    assert json.loads(renderer("json")(bare, View()))["nodes"]["x"]["value"] is None


def test_large_values_have_a_summary(result: Result) -> None:
    """An array that is not shown in full says what its entries are like."""
    big = NodeResult("x", "input", None, (), None, (99,), np.arange(99.0), False, None)
    shown = renderer("text")(replace(result, nodes=(big,)), View())
    assert "  x = [0, 1, 2, …, 96, 97, 98]  input (99,)\n      min 0, mean 49, max 98\n" in shown


def test_json_and_ndjson_hold_the_same(result: Result) -> None:
    """Pretty and compact are one document; entries that are not finite are text; kinks list their entries."""
    pretty = renderer("json")(result, View(terms=("local", "leaves")))
    compact = renderer("ndjson")(result, View(terms=("local", "leaves")))
    assert isinstance(compact, str)
    assert compact.count("\n") == 1
    found = json.loads(pretty)
    assert found == json.loads(compact)
    assert found["dims"] == {"N": 2}
    assert found["warnings"] == [{"code": "kink", "node": "h", "message": "relu at 0", "entries": [[0]]}]
    assert found["nodes"]["w"]["gradient"]["formula"] == {
        "local": {"text": "∂L/∂h · xᵀ", "code": "code(∂L/∂h · xᵀ)", "latex": "latex(∂L/∂h · xᵀ)"},
        "leaves": {"omitted": "too long"},
    }
    odd = replace(result, nodes=(replace(result.nodes[0], value=np.array([np.nan, -np.inf])),))
    assert json.loads(renderer("json")(odd, View()))["nodes"]["x"]["value"] == ["nan", "-inf"]


def test_json_puts_an_array_on_a_line(result: Result) -> None:
    """Objects over several lines, numbers of an array on one."""
    assert '      "value": [[4.0, 0.1]],\n' in renderer("json")(result, View())


def test_json_in_ascii(result: Result) -> None:
    """Escapes carry what the stream cannot."""
    narrow = renderer("json")(result, View(ascii=True))
    assert isinstance(narrow, str)
    assert narrow.isascii()
    assert json.loads(narrow) == json.loads(renderer("json")(result, View()))


def test_csv(result: Result) -> None:
    """One row an entry, floats that round-trip, no gradient where there is none."""
    rows = list(csv.reader(io.StringIO(FORMATS["csv"].prologue + renderer("csv")(result, View()))))
    assert rows[0] == ["spec", "name", "kind", "index", "value", "gradient"]
    assert rows[1:3] == [["net.yaml", "x", "input", "[0]", "0.25", ""], ["net.yaml", "x", "input", "[1]", "-10.0", ""]]
    assert rows[-1] == ["net.yaml", "L", "node", "", repr(1 / 3), "1.0"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x.yaml", "@SUM(A1)", "\\cmd"])
def test_csv_cells_are_no_formulas(text: str) -> None:
    """A cell of user text that a spreadsheet would compute gets a quote."""
    assert cell(text) == f"'{text}"
    assert cell("a" + text) == "a" + text


def test_markdown(result: Result) -> None:
    """A worked table: formulas are mathematics, what the user wrote is literal where nothing typeset it."""
    shown = renderer("markdown")(result, View())
    assert isinstance(shown, str)
    assert shown.startswith("# A net\n\nWhat it shows.\n\n`N = 2`\n\n## Forward pass\n\n| node | expression |")
    assert "| $h$ | `w @ x` | (1,) | `[0]` |\n" in shown
    assert r"| $\frac{\partial L}{\partial w}$ | $latex(∂L/∂h · xᵀ)$<br>= $latex(m · xᵀ)$ | `[[0.5, -1]]` |" in shown


def test_markdown_is_escaped() -> None:
    """Titles and paths cannot bring markup, code spans end where they should, bars do not end a cell."""
    assert prose("a *b* <script> [x](y) | _c_", View()) == "a \\*b\\* \\<script\\> \\[x\\](y) \\| \\_c\\_"
    assert prose("- 1\n2", View()) == "\\- 1 2"
    assert code("a|b", View()) == "`a\\|b`"
    assert math(r"\left|x\right| \, y", "|x| · y", View()) == r"$\left\vert x\right\vert \thinspace y$"
    assert math(r"\mathrm{a\_b}", "a_b", View()) == r"$\mathrm{a\rule{0.4em}{0.05em}b}$"
    assert math(r"\texttt{a\_b}", "a_b", View()) == "`a_b`"  # words, in which nothing is drawn
    assert code("a`b", View()) == "`` a`b ``"


def test_latex(result: Result) -> None:
    """Two align* bodies, their brackets balanced, an ampersand a line."""
    shown = renderer("latex")(result, View())
    assert isinstance(shown, str)
    assert shown.count(r"\begin{align*}") == shown.count(r"\end{align*}") == 2
    assert shown.count("{") == shown.count("}")
    assert r"w &= \begin{bmatrix} 4 & 0.1 \end{bmatrix} \\" in shown
    assert r"\frac{\partial L}{\partial w} &= latex(∂L/∂h · xᵀ) \\" in shown
    assert "\\\\\n\\end" not in shown


def test_latex_is_escaped() -> None:
    """User text is neither a command nor beyond ASCII; an accent is set."""
    assert latex_prose(r"50% \input{x} $a_b^c$ & ~#") == (
        r"50\% \textbackslash{}input\{x\} \$a\_b\textasciicircum{}c\$ \& \textasciitilde{}\#"
    )
    assert latex_prose("∂ é") == r"d \'{e}"


def test_latex_values() -> None:
    """Numbers with exponents, long columns and wide matrices are typeset, and what is not finite too."""
    view, room = View(), 345.0
    assert matrix(np.float64(1.5e-7), view, room) == r"1.5 \cdot 10^{-7}"
    assert matrix(np.array([np.inf, np.nan]), view, room) == r"\begin{bmatrix} \infty \\ \text{nan} \end{bmatrix}"
    tall = matrix(np.zeros(99), view, room)
    assert r"\vdots" in tall
    assert r"\text{(99)}" in tall
    wide = matrix(np.zeros((50, 50)), view, room)
    assert {row.count("&") for row in wide.split(r"\\")} == {6}
    narrow = matrix(np.full((4, 9), -0.123456), view, 150.0)
    assert {row.count("&") for row in narrow.split(r"\\")} == {2}


def test_npz_members_of_any_name(result: Result) -> None:
    """Nodes called `file` and `allow_pickle` are members like any other, and the bytes are the same each time."""
    named = replace(result, nodes=tuple(replace(result.nodes[0], name=n) for n in ("file", "allow_pickle")))
    data = renderer("npz")(named, View())
    assert isinstance(data, bytes)
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        assert set(found.files) == {"file", "allow_pickle"}
        np.testing.assert_array_equal(found["file"], [0.25, -10.0])
    assert data == renderer("npz")(named, View())


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_has_a_renderer(name: str, result: Result, two_passes: Result) -> None:
    """Each format of the table renders both kinds of results; text ends with a newline."""
    for one in (result, two_passes):
        data = renderer(name)(one, View(ascii=True))
        assert isinstance(data, bytes) == FORMATS[name].binary
        if isinstance(data, str):
            assert data.endswith("\n")


def test_suffixes() -> None:
    """A file's suffix names its format; one that no format has is refused, and none leaves it open."""
    assert [suffixed(f"o{s}", SUFFIXES) for s in (".json", ".jsonl", ".md", ".TEX", ".npz", ".txt", "")] == [
        "json", "ndjson", "markdown", "latex", "npz", "text", None,
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"no format of this command has the suffix '\.pdf'"):
        suffixed("o.pdf", SUFFIXES)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (5,), (BLOCK + 1,), (3, BLOCK), (2, 3, BLOCK - 1), (BLOCK * 2, 1)])
@pytest.mark.parametrize("precision", [None, 3])
def test_json_of_an_array_written_in_blocks(shape: tuple[int, ...], precision: int | None) -> None:
    """The text is that of the whole list, also where some numbers are not finite."""
    array = np.random.default_rng(0).normal(size=shape)
    for value in (array, np.where(array > 3, np.inf, array)[()]):
        found = json.loads(pretty(later(value, precision), EVERYTHING))
        rounded = np.vectorize(lambda x: float(f"{x:.3g}"), otypes=[float])(value) if precision else value
        wanted = json.dumps(rounded.tolist()).replace("Infinity", '"inf"')
        assert found == json.loads(wanted)
        if not precision:
            assert pretty(later(value, precision), EVERYTHING) == wanted


def test_json_is_never_held_whole(result: Result) -> None:
    """A long result is written in pieces, of which a small part is in memory; joined they are the document."""
    many = replace(result.nodes[0], value=np.random.default_rng(0).normal(size=(1000, 200)))
    long = replace(result, nodes=(many,))
    tracemalloc.start()
    length = sum(map(len, streamed("json")(long, View())))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length > 4 * peak
    assert "".join(streamed("json")(long, View())) == renderer("json")(long, View())


ALIKE = """\
params: {x_hat: [1.0, 2.0], xhat: 3.0, y1: 2.0, y_1: 3.0}
nodes: {z: xhat * x_hat * y1 + y_1, loss: sum(z**2)}
"""


@pytest.mark.parametrize("command", ["run", "step"])
@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_no_two_nodes_print_alike(command: str, form: str, backprop: Backprop) -> None:
    """x_hat and xhat, y1 and y_1: heads of rows, definitions and formulas tell them apart, as formulas do."""
    page = backprop(command, "-", "--format", form, stdin=ALIKE).out
    hat = "<mover><mi>x</mi><mo>^</mo></mover>" if form == "html" else r"\hat{x}"
    other = "<mi>xhat</mi>" if form == "html" else r"\mathrm{xhat}"
    if form == "html":
        page = re.sub(r'</?mrow[^>]*>| accent="true"| data-n="\d+"', "", page)
        rates = [f"<mo>∂</mo>{name}</mfrac>" for name in (hat, other)]
    else:
        rates = [rf"\partial {name}}}" for name in (hat, other)]
    assert all(rate in page for rate in rates)
    heads = {"markdown": r"^\| \$(\S+)\$ \|", "latex": r"^(\S+) &", "html": r"<strong><math[^>]*>(.*?)</math>"}
    seen = [head for head in re.findall(heads[form], page, re.MULTILINE) if "partial" not in head and "∂" not in head]
    assert command == "step" or len(set(seen)) == len(seen) == 6, seen
