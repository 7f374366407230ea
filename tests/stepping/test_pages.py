"""What `step`, `jacobian`, `hessian` and forward mode print in formats for pages: the same lines as in the terminal."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from tests.conftest import ROOT, Backprop
from tests.readers import latex
from tests.readers.mathematics import Reader

BOWL = "params: {x: 1}\nnodes: {f: x**2}\n"
ADAM = ("step", "-", "--rule", "adam", "--lr", "0.1", "--steps", "3")
SOFTMAX = ROOT / "specs" / "softmax_row.yaml"
LOGISTIC = ROOT / "specs" / "logistic_regression.yaml"
BAYDIN = ROOT / "specs" / "baydin.yaml"
JACOBIAN = ("jacobian", SOFTMAX, "--output", "p", "--wrt", "a")
PAGES = ("markdown", "latex", "html")

VOID = {"meta", "link"}


class Balanced(HTMLParser):
    """Reads a page; every tag that is opened is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.steps: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag opens."""
        self.open += [] if tag in VOID else [tag]
        self.steps += [value or "" for name, value in attrs if name == "aria-label" and tag == "li"]

    def handle_endtag(self, tag: str) -> None:
        """A tag closes: the one that was opened last."""
        assert self.open.pop() == tag


def read(text: str) -> Balanced:
    """The page."""
    page = Balanced()
    page.feed(text)
    assert page.open == []
    return page


def test_a_step_on_a_page(backprop: Backprop) -> None:
    """The rule, each line with its numbers, the state and the loss stand in every format; the page has a picture."""
    found = {form: backprop(*ADAM, "--format", form, stdin=BOWL).out for form in PAGES}
    for number in ("0.800412", "0.701586", "0.0097914", "0.492223"):
        assert all(number in text for text in found.values()), number
    typeset = r"x - \frac{0.1 \thinspace \hat{m}}{\sqrt{\hat{v}} + 10^{-8}}"
    numbers = r"1 - \frac{0.1 \cdot 2}{\sqrt{4} + 10^{-8}} = 0.9"
    assert f"| $x$ | ← ${typeset}$<br>= ${numbers}$ |" in found["markdown"]
    assert r"x &\leftarrow x - \frac{0.1 \, \hat{m}}{\sqrt{\hat{v}} + 10^{-8}}" in found["latex"]
    assert found["latex"].count("{") == found["latex"].count("}")
    assert "@" not in found["latex"]
    page = read(found["html"])
    assert page.steps == ["m", "v", "m̂", "v̂", "w", "∂f/∂x", "m", "v", "m̂", "v̂", "x", "x after 3 steps"]
    assert "<polyline" in found["html"]


def test_numbers_put_in_are_mathematics(backprop: Backprop) -> None:
    """Each line of a step with its numbers is LaTeX that comes to what it says; an entry's says which it is."""
    page = backprop("step", ROOT / "specs" / "two_layer.yaml", "--rule", "adam", "--format", "markdown").out
    assert "`0" not in page.partition("## w1")[2].partition("## loss")[0].replace("`[[", "")
    lines = re.findall(r"^\| \$(.*_\{0,0\})\$ \| ← \$(.*) = (.*)\$ \|", page, re.MULTILINE)
    assert [left for left, _, _ in lines] == [r"v_{0,0}", r"\left[w_{1}\right]_{0,0}", r"m_{0,0}", r"v_{0,0}",
        r"\left[\hat{m}\right]_{0,0}", r"\left[\hat{v}\right]_{0,0}", r"\left[w_{2}\right]_{0,0}"]  # fmt: skip
    for left, put_in, result in lines:
        came, said = (float(Reader({}, {}).whole(latex.tree_of(text), ())) for text in (put_in, result))
        assert came == pytest.approx(said, rel=1e-4), left
    assert r"0.9 \cdot \begin{bmatrix} 0 \cr 0 \end{bmatrix} + 0.1 \cdot \begin{bmatrix} 0.000122433 \cr " in page


def test_entries_of_a_jacobian_are_mathematics(backprop: Backprop) -> None:
    """In Markdown an entry in index notation, and each entry of a small matrix, is no code; nor is a Hessian's."""
    page = backprop(*JACOBIAN, "--format", "markdown").out
    assert r"| $\frac{\partial p_{i}}{\partial a_{j}}$ | $p_{i} \left(\delta_{ij} - p_{j}\right)$ |  |" in page
    assert r"| $\frac{\partial p_{0}}{\partial a_{1}}$ | $-p_{0} \thinspace p_{1}$ | `-0.10562` |" in page
    hessian = backprop("hessian", LOGISTIC, "--format", "markdown").out
    twice = r"\frac{\partial^2 \mathrm{loss}}{\partial w_{i} \thinspace \partial w_{j}}"
    assert rf"${twice}$ | $\frac{{\sum_{{n}} p_{{n}}" in hessian
    for said in (page, hessian):
        assert not [one for one in re.findall(r"`([^`]*)`", said) if set(one) & set("∂·δΣ")]


def maths_of(html: str) -> list[str]:
    """What each formula of a page says, without its elements."""
    return [re.sub("<[^>]*>", "", found) for found in re.findall(r'<div class="wide">(.*?)</div>', html)]


def test_a_long_formula_on_a_page_has_pieces(backprop: Backprop) -> None:
    """Between the pieces of a formula a line may end, of an update as of a Jacobian; no mark is left in the page."""
    spec = ROOT / "specs" / "lstm.yaml"
    for arguments in (("step", spec, "--rule", "adam", "--wrt", "W_i"), ("jacobian", spec, "--wrt", "W_i")):
        page = backprop(*arguments, "--format", "html").out
        longest = max(re.findall(r'<div class="wide">(.*?)</div>', page), key=len)
        assert longest.count("<math") > 3
        assert "data-break" not in page
        read(page)


def thin(text: str) -> str:
    """Thin spaces as one writes them in LaTeX; in Markdown a backslash before a comma would be lost."""
    return re.sub(r"\s+", " ", text.replace(r"\thinspace", r"\,"))


def words_of(formula: str) -> list[str]:
    """The letters and digits of a formula, in any order; a transpose is no letter."""
    return sorted(re.findall(r"[^\W_]", formula.replace("ᵀ", "")))


@pytest.mark.parametrize("arguments", [JACOBIAN, ("hessian", LOGISTIC)], ids=["jacobian", "hessian"])
def test_a_derivative_on_a_page(backprop: Backprop, arguments: tuple[str, ...]) -> None:
    """Formula and numbers are those of JSON, in every format."""
    document = json.loads(backprop(*arguments, "--format", "json").out)
    results = document.get("results", [document])
    for form in PAGES:
        text = backprop(*arguments, "--format", form).out
        for one in results:
            formula = one["formula"]["text" if form == "html" else "latex"]
            if form == "html":  # as mathematics: made of the same names and numbers
                assert words_of(formula) in map(words_of, maths_of(text)), formula
            else:
                assert thin(formula) in thin(text), (form, formula)
            first = one["value"]
            while isinstance(first, list):
                first = first[0]
            assert f"{first:.6g}" in text
        if form == "html":
            read(text)


@pytest.mark.parametrize("arguments", [JACOBIAN, ("hessian", LOGISTIC), ("step", LOGISTIC, "--rule", "adam")],
                         ids=["jacobian", "hessian", "step"])  # fmt: skip
def test_nothing_is_wider_than_asked_for(backprop: Backprop, arguments: tuple[str, ...]) -> None:
    """`--width 40` holds for every line, and breaks where a formula is read on, losing nothing."""
    narrow, wide = (backprop(*arguments, "--width", width).out for width in ("40", "400"))
    assert max(len(line) for line in narrow.splitlines() if str(LOGISTIC.parent) not in line) <= 40
    assert re.sub(r"\s", "", narrow) == re.sub(r"\s", "", wide)


def test_forward_mode_on_a_page(backprop: Backprop) -> None:
    """Baydin's table of tangents in Markdown, LaTeX, HTML and CSV."""
    found = {form: backprop("run", BAYDIN, "--tangent", "x1=1", "--format", form).out for form in (*PAGES, "csv")}
    assert r"| $v_{2}$ | `10` | $\dot{v_{2}}$ | $\dot{x_{1}} \thinspace x_{2}$ | `5` |" in found["markdown"]
    assert r"\dot{v_{2}} &= \dot{x_{1}} \, x_{2} \\" in found["latex"]
    assert [label for label in read(found["html"]).steps if "tangent of" in label][-1] == "forward, tangent of v5"
    rows = [line.split(",") for line in found["csv"].splitlines()]
    assert rows[0][-1] == "tangent"
    assert {row[1]: row[-1] for row in rows[1:]} == {
        "x1": "1.0", "x2": "0.0", "v1": "0.5", "v2": "5.0", "v3": "0.0", "v4": "5.5", "v5": "5.5"}  # fmt: skip


def test_without_forward_mode_nothing_is_said_of_it(backprop: Backprop) -> None:
    """A page of a plain run has no tangents, and its CSV no column of them."""
    for form in (*PAGES, "csv"):
        out = backprop("run", LOGISTIC, "--format", form).out
        assert not re.search("tangent|Forward mode", out)


SHARED_LETTERS = ("inputs: {t: [1, 0]}\nparams: {b: [0.5, -1], W: [[1, 2, 3], [4, 5, 6]]}\n"
                  "nodes: {f: sum((W @ ones(3) + b - t)**2)}\n")


def test_a_rules_letter_is_told_from_a_param_of_that_name(backprop: Backprop) -> None:
    """The momentum of a param b is b_b, in every place; of W, in a spec that has a b, b_W; of others plain b."""
    arguments = ("step", "-", "--rule", "momentum", "--steps", "2")
    text = backprop(*arguments, stdin=SHARED_LETTERS).out
    assert "b_b ← 0.9 · b_b + ∂f/∂b" in text
    assert "\nb ← b - 0.001 · b_b\n" in text
    assert "W ← W - 0.001 · b_W" in text
    assert re.search(r"step +gradient +b_b +b\[0\]", text)
    found = json.loads(backprop(*arguments, "--format", "json", stdin=SHARED_LETTERS).out)["params"]["b"]
    assert found["formula"] == {"text": "b - 0.001 · b_b", "code": "b - 0.001 * b_b", "latex": r"b - 0.001 \, b_{b}"}
    assert "b ← 0.9 · b + ∂f/∂x" in backprop(*arguments, stdin=BOWL).out


def test_a_large_param_has_no_empty_tables(backprop: Backprop) -> None:
    """Of a param whose state is not written down step by step there is no table, in no format."""
    arguments = ("step", "-", "--rule", "momentum", "--steps", "2", "--wrt", "W")
    assert backprop(*arguments, stdin=SHARED_LETTERS).out.count("step  ") == 1  # the losses'
    assert backprop(*arguments, "--format", "markdown", stdin=SHARED_LETTERS).out.count("| `step` |") == 1
    found = json.loads(backprop(*arguments, "--format", "json", stdin=SHARED_LETTERS).out)
    assert found["params"]["W"]["table"] == {}


def test_weight_decay_goes_on_with_the_decayed_gradient(backprop: Backprop) -> None:
    """The rule in general: after g ← ∂L/∂w + 0.1 · w its lines use g, as the lines of a param do."""
    text = backprop(*ADAM, "--weight-decay", "0.1", stdin=BOWL).out
    assert "  g ← ∂L/∂w + 0.1 · w\n  m ← 0.9 · m + 0.1 · g\n  v ← 0.999 · v + 0.001 · g²\n" in text


def test_in_ascii_a_rule_is_in_the_languages_own_signs(backprop: Backprop) -> None:
    """A product of numbers is no matrix product, a root has brackets, a power says so."""
    text = backprop(*ADAM, "--ascii", stdin=BOWL).out
    assert text.isascii()
    assert "m_hat <- m / (1 - 0.9**t)" in text
    assert "x <- x - 0.1 * m_hat / (sqrt(v_hat) + 1e-8)" in text
    assert "1 - 0.1 * 2 / (sqrt(4) + 1e-8) = 0.9" in text
    assert "@" not in text
    assert "\n  \n" not in text


def test_no_cell_of_a_table_is_longer_than_a_reader_scrolls(backprop: Backprop) -> None:
    """What would be is displayed below, on lines of its own."""
    page = backprop("jacobian", "specs/lstm.yaml", "--format", "markdown").out
    cells = [cell for line in page.splitlines() if line.startswith("|") for cell in line.split(" | ")]
    assert cells
    assert max(map(len, cells)) < 600
    shown = re.findall(r"\$\$\n\\begin\{aligned\}\n(.*?)\n\\end\{aligned\}\n\$\$", page, re.DOTALL)
    assert shown
    assert all(r"\\" in one for one in shown)
