"""Pages of `--format html`, read as text; `tests/browser` drives them in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from backprop_cli.formulas.notation.mathml import mi, mn, mo, script
from backprop_cli.formulas.printed import READ, Printed
from backprop_cli.language.reader import load_spec
from backprop_cli.report.formats import FORMATS
from backprop_cli.report.lit import Lit
from backprop_cli.report.mathparts import formula
from backprop_cli.tasks.calculate import Settings, run
from tests.conftest import ROOT, Backprop

VOID = {"meta", "link", "br", "img", "input"}


class Elements(HTMLParser):
    """The tags of a page, counted, and whether each is closed in its turn; the texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One more."""
        self.tags[tag] += 1
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It closes the innermost one."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text."""
        self.texts.append(data)


@pytest.fixture
def page_of(backprop: Backprop, tmp_path: Path):
    """The page of a spec's text."""

    def make(text: str, *options: str) -> str:
        (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
        done = backprop("run", tmp_path / "net.yaml", "--format", "html", *options)
        assert (done.code, done.err) == (0, "")
        return done.out

    return make


HOSTILE = """\
title: "</title><script>alert(1)</script>&amp; ]]>"
description: "<img src=x onerror=alert(1)>"
params: {a: [1.0, 2.0], b: [3.0, 0.0]}
nodes: {c: "a * (b > 1)", "loss": "sum(c)"}
output: "sum(c) + max(a)"
"""


def test_a_name_is_lit_inside_what_is_built_like_one() -> None:
    """x in x with the index n of an entry, never in x_1, which is another node; the longest name goes first."""
    lit = Lit({"x": 0, "x_1": 1, "x_hat": 2})
    x, entry, other = mi("x"), script("msub", mi("x"), mi("n")), script("msub", mi("x"), mn("1"))
    shown = lit(x + mo("+") + entry + mo("+") + other + mo("+") + script("mover", x, mo("^")))
    assert re.findall(r'<(\w+) data-n="(\d)"', shown) == [("mi", "0"), ("mi", "0"), ("msub", "1"), ("mover", "2")]


def test_user_text_is_text(page_of) -> None:
    """Markup in a title, a description or an expression is shown, never part of the page."""
    page = page_of(HOSTILE)
    found = Elements(page)
    assert found.open == []
    assert found.tags["script"] == 1
    assert found.tags["img"] == 0
    assert any("<script>alert(1)</script>" in text for text in found.texts)


def test_the_policy_names_the_only_script(page_of) -> None:
    """Nothing may be loaded, and the one script that may run is the one in the page."""
    page = page_of("params: {w: 2.0}\nnodes: {y: w**2}\n")
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert script
    assert policy
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert policy[1].startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}'" in policy[1]
    assert not re.search(r"\b(src|href)=\"(?!data:)", page)


def test_each_value_and_gradient_is_a_step(page_of) -> None:
    """A node is a step forward; one with a gradient is a step back, in the order of the reverse pass."""
    page = page_of("inputs: {x: 3.0}\nparams: {w: 2.0}\nnodes: {u: w * x, y: u**2}\n")
    steps = re.findall(r'data-step="(\w+)" data-n="(\d+)"', page)
    assert steps == [("on", "0"), ("on", "1"), ("on", "2"), ("on", "3"), ("back", "3"), ("back", "2"), ("back", "1")]


def test_numbers_are_the_same_in_text_and_picture(page_of) -> None:
    """The number of a step is that of its box."""
    page = page_of("params: {w: 2.0, v: 1.0}\nnodes: {u: w * v, y: u**2}\n")
    boxes = dict(re.findall(r'<g class="[\w ]+" data-n="(\d+)"><title>(\w+)', page))
    for number, label in re.findall(r'data-n="(\d+)" aria-label="[^"]*?(\w+)"', page):
        assert boxes[number] == label


def test_a_large_graph_is_not_drawn(page_of) -> None:
    """What is left out is said, with how to see it."""
    nodes = "".join(f"  y{i}: sin(y{i - 1})\n" for i in range(1, 200))
    page = page_of(f"params: {{y0: 0.5}}\nnodes:\n{nodes}", "--terms", "none")
    assert "A graph of 200 boxes is not drawn here" in page
    assert "<svg" not in page


def test_a_derivation_is_a_page(backprop: Backprop, tmp_path: Path) -> None:
    """A step for each gradient, with its steps as terms; titles are text, and shapes are enough."""
    (tmp_path / "net.yaml").write_text(
        'title: "<b>t</b> & $x$"\nparams: {W: {shape: [2, 3]}}\ninputs: {x: {shape: [3]}}\n'
        "nodes: {y: tanh(W @ x), loss: sum(y)}\n", encoding="utf-8")  # fmt: skip
    found = Elements(backprop("derive", tmp_path / "net.yaml", "--format", "html").out)
    assert (found.open, found.tags["b"], found.tags["dl"], found.tags["svg"]) == ([], 0, 3, 1)
    assert [label for key, label in found.attributes if key == "aria-label"][-3:] == [
        "gradient of loss", "gradient of y", "gradient of W"]  # fmt: skip
    terms = {"definition", "because", "local derivative", "chain rule", "substituted", "one entry", "shapes", "used"}
    assert terms <= set(found.texts)


def test_a_grade_is_a_page(backprop: Backprop, tmp_path: Path) -> None:
    """The same parts: buttons, a step for each answer in the order of the reverse pass, nobody's markup."""
    (tmp_path / "ann.yaml").write_text("student: '<b>Ann</b>'\nanswers: {y_2.grad: y - y_2, w2.grad: 1}\n")
    done = backprop("grade", ROOT / "specs" / "two_layer.yaml", tmp_path / "ann.yaml", "--format", "html")
    found = Elements(done.out)
    assert (done.code, found.open, found.tags["b"], found.tags["nav"]) == (1, [], 0, 1)
    labels = [label for key, label in found.attributes if key == "aria-label"]
    assert "y_2.grad: wrong" in labels
    assert found.texts.count("begin here") == 1


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_page_holds_one_spec(backprop: Backprop, command: str) -> None:
    """Several specs are no page: bad usage, and nothing is written."""
    path = ROOT / "specs" / "fan_out.yaml"
    done = backprop(command, path, path, "--format", "html")
    assert (done.code, done.out) == (2, "")


def test_a_check_is_a_page(backprop: Backprop, tmp_path: Path) -> None:
    """Each gradient is a step with its status and its independent answers; the exit code is the check's."""
    (tmp_path / "net.yaml").write_text(
        'title: "<b>t</b>"\nfunctions:\n  half: {args: [x], body: x / 2, grads: {x: grad(out)}}\n'
        "params: {w: 3.0, v: 2.0}\nnodes: {y: half(w) * v}\n", encoding="utf-8")  # fmt: skip
    done = backprop("check", tmp_path / "net.yaml", "--format", "html")
    found = Elements(done.out)
    assert (done.code, found.open, found.tags["b"]) == (1, [], 0)
    assert [label for key, label in found.attributes if key == "aria-label"][1:] == [
        "gradient of y: ok", "gradient of v: ok", "gradient of w: wrong",
        "half, gradient of x (used in y): wrong"]  # fmt: skip
    assert found.tags["table"] == 3


@pytest.mark.parametrize("name", ["transformer_encoder", "rnn", "vae"])
def test_a_formula_in_pieces_is_the_formula(name: str) -> None:
    """The pieces put together say what the whole says, in its order; a short formula is one piece; marks are gone."""
    result = run(load_spec(str(ROOT / "specs" / f"{name}.yaml")),
                 Settings(terms=READ, notations=FORMATS["html"].notations))  # fmt: skip
    printed = [f for node in result.nodes if node.gradient for f in node.gradient.formula.values()]
    pieces = 0
    for one in printed:
        assert isinstance(one, Printed)
        shown = formula(one.marked("mathml"))
        assert "data-break" not in shown
        assert "".join(Elements(shown).texts) == "".join(Elements(one["mathml"]).texts)
        assert shown.count("<math") == 1 or len("".join(Elements(shown).texts)) > 12
        pieces += shown.count("<math")
    assert pieces > len(printed)
