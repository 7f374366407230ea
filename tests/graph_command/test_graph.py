"""`backprop graph`: the computation graph in four formats."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.language.reader import load_spec
from backprop_cli.report.diagram import Numbers, diagram
from backprop_cli.report.graph_formats import FORMATS, renderer
from backprop_cli.report.graph_layout import isotonic, layers_of, placed
from backprop_cli.report.view import View

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))
SVG = "{http://www.w3.org/2000/svg}"
DOT = shutil.which("dot")

HOSTILE = """\
title: "</title><script>alert(1)</script> & \\"quoted\\" \\\\N \\e[31m `x` #35; ]]> -->|x| %%{init: {}}%%"
params: {α: [1.0, 2.0], W: [[1.0, 2.0], [3.0, 4.0]]}
nodes:
  m: (W @ α > 2) * α
  i: "einsum('i,i->', m, α)"
  out: i * α[0] + α[0]
hooks: {m: "clip(grad, -1, 1)"}
"""


def draw(text: str, form: str, spec_of, anonymous: bool = False, ascii_only: bool = False) -> str:
    """A spec's text, drawn."""
    return renderer(form)(diagram(build(spec_of(text)), anonymous), View(ascii=ascii_only))


@pytest.mark.parametrize("suffix", ["txt", "dot", "mmd", "svg"])
def test_golden(backprop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str) -> None:
    """The drawings of specs/two_layer.yaml are those that were looked at; -o's suffix chooses the format."""
    monkeypatch.chdir(ROOT)
    out = tmp_path / f"net.{suffix}"
    assert backprop("graph", "specs/two_layer.yaml", "-o", out).code == 0
    assert out.read_text(encoding="utf-8") == (GOLDEN / f"two_layer.{suffix}").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("anonymous", [False, True])
def test_every_spec_is_drawn(form: str, anonymous: bool) -> None:
    """Each shipped spec, also one with shapes alone, is drawn with all its named nodes."""
    for path in SPECS:
        graph = build(load_spec(str(path)))
        text = renderer(form)(diagram(graph, anonymous), View())
        assert all(node.name in text for node in graph.named()), path
        if form == "svg":
            ET.fromstring(text)


# ── the diagram ──────────────────────────────────────────────────────────────────────────────────


def test_arrows_look_through_expressions(spec_of) -> None:
    """An arrow joins named nodes, whatever stands between them; with --all it joins each op to its operands."""
    graph = build(spec_of("params: {a: 1.0, b: 2.0}\nnodes: {c: exp(a + b) * a, d: c**2}\n"))
    named = diagram(graph)
    assert [(named.boxes[x.source].name, named.boxes[x.target].name) for x in named.arrows] == [
        ("a", "c"), ("b", "c"), ("c", "d")]  # fmt: skip
    assert [box.expression for box in diagram(graph, anonymous=True).boxes] == [
        "", "", "a + b", "exp(c.1)", "c.2 * a", "c ** 2"]  # fmt: skip


def test_labels_say_what_happens_to_the_gradient(spec_of) -> None:
    """Two ways back are ×2, a repeated operand is 'broadcast', a product of matrices is neither."""
    graph = build(spec_of("params: {W: [[1.0, 2.0]], b: 1.0, s: 2.0}\nnodes: {y: W @ W.T + b, z: sum(s * s * y)}\n"))
    found = diagram(graph)
    assert {found.boxes[x.source].name: x.label for x in found.arrows} == {
        "W": "×2", "b": "broadcast", "s": "×2", "y": ""}  # fmt: skip


def test_gradients_stop_where_nothing_is_differentiated(spec_of) -> None:
    """An arrow is active only where a gradient comes back along it: not to data, not through stop_gradient."""
    graph = build(spec_of("inputs: {x: 1.0}\nparams: {w: 2.0}\nnodes: {y: w * x, z: y * stop_gradient(w)}\n"))
    found = diagram(graph)
    active = {(found.boxes[x.source].name, found.boxes[x.target].name): x.active for x in found.arrows}
    assert active == {("w", "y"): True, ("x", "y"): False, ("y", "z"): True, ("w", "z"): False}


def test_an_output_without_a_name_is_shown(spec_of) -> None:
    """`output: p[0]` is a box of its own, called so."""
    boxes = diagram(build(spec_of("params: {a: [1.0, 2.0]}\nnodes: {p: softmax(a)}\noutput: p[0]\n"))).boxes
    assert [(box.name, box.expression, box.output) for box in boxes[1:]] == [
        ("p", "softmax(a)", False), ("p[0]", "", True)]  # fmt: skip


# ── escaping ─────────────────────────────────────────────────────────────────────────────────────


def test_svg_holds_user_text_as_text_only(spec_of) -> None:
    """A hostile title ends no element, and no script, link or handler is anywhere."""
    for ascii_only in (False, True):
        text = draw(HOSTILE, "svg", spec_of, anonymous=True, ascii_only=ascii_only)
        tree = ET.fromstring(text)
        tags = {element.tag.removeprefix(SVG) for element in tree.iter()}
        assert tags == {"svg", "title", "desc", "style", "rect", "text", "g", "path"}
        keys = {key for element in tree.iter() for key in element.attrib}
        assert not {key for key in keys if key.startswith("on") or "href" in key}
        assert tree.find(f"{SVG}title").text.startswith("</title><script>alert(1)</script> & \"quoted\" \\N \\x1b[31m")
        assert "\x1b" not in text
        assert text.isascii() == ascii_only


def test_mermaid_labels_end_where_they_should(spec_of) -> None:
    """Every line is one of ours: a node, an edge, a class; no label holds a quote, a bracket of HTML or a backtick."""
    text = draw(HOSTILE, "mermaid", spec_of)
    _, head, body = text.split("---\n", 2)
    assert json.loads(head.removeprefix("title: ")).startswith("</title><script>")
    line = re.compile(r'  n\d+[(\[]"[^"`&]*"[)\]]|  n\d+ (-->|-\.->)(\|"[^"<>&]*"\|)? n\d+|  class(Def)? [\w,#: -]+')
    assert [one for one in body.splitlines()[1:] if not line.fullmatch(one)] == []
    assert set(re.findall("<[^>]*>", body)) == {"<br/>"}
    assert draw(HOSTILE, "mermaid", spec_of, ascii_only=True).isascii()


def test_mermaid_says_where_it_is_too_large(spec_of) -> None:
    """More arrows than a page draws by itself: a comment says so, and what draws all of them; nothing is left out."""
    lines = "".join(f"  y{i}: w * y{i - 1}\n" for i in range(1, 300))
    text = draw(f"params: {{w: 0.9, y0: 0.5}}\nnodes:\n{lines}", "mermaid", spec_of)
    assert text.count(" --> ") == 598
    assert re.search(r"%% 598 arrows, \d+ characters: .*--format svg draws all\n$", text)
    assert "%%" not in draw("params: {w: 0.9}\nnodes: {y: w * w}\n", "mermaid", spec_of)


def test_dot_strings_are_closed(spec_of) -> None:
    """Quotes and backslashes of the user's end no string, and a reference such as &lt; stays as typed."""
    text = draw(HOSTILE.replace("#35;", "&lt;"), "dot", spec_of)
    assert "&amp;lt;" in text
    assert all(re.sub(r'"(?:[^"\\]|\\.)*"', "", line).count('"') == 0 for line in text.splitlines())
    assert "<" not in text


@pytest.mark.skipif(DOT is None, reason="Graphviz is not installed")
def test_graphviz_reads_it(spec_of) -> None:
    """`dot` accepts hostile text and every shipped spec, without a warning."""
    texts = [draw(HOSTILE, "dot", spec_of, anonymous=True), draw(HOSTILE, "dot", spec_of, ascii_only=True)]
    texts += [renderer("dot")(diagram(build(load_spec(str(path)))), View()) for path in SPECS[:12]]
    done = subprocess.run([DOT, "-Tdot"], input="".join(texts), capture_output=True, encoding="utf-8", timeout=300,
                          check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_text_is_safe(backprop, tmp_path: Path) -> None:
    """No control character of a title reaches a terminal, and --ascii leaves nothing else."""
    (tmp_path / "net.yaml").write_text(HOSTILE, encoding="utf-8")
    done = backprop("graph", tmp_path / "net.yaml")
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "[hook]" in done.out
    assert backprop("graph", tmp_path / "net.yaml", "--ascii").out.isascii()


# ── values ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", FORMATS)
def test_values_are_those_of_a_run(backprop, form: str) -> None:
    """With `--values` every format shows each value and gradient that `run` gives, at the digits asked for."""
    done = backprop("graph", ROOT / "specs" / "fan_out.yaml", "--values", "--precision", "5", "--format", form)
    for name in ("a", "x", "u", "v", "y"):
        for path in (name, f"{name}.grad"):
            number = float(backprop("run", ROOT / "specs" / "fan_out.yaml", "--get", path).out)
            assert f"{number:.5g}" in done.out, (form, path)


def test_large_values_are_summed_up(spec_of) -> None:
    """Of what does not fit into a box the smallest, mean and largest entry are told."""
    graph = build(spec_of("params: {w: 1.0}\nnodes: {y: arange(100) * w, loss: sum(y)}\n"))
    shown = Numbers([], [], 4).shown(np.arange(100.0))
    assert shown == ("min 0", "mean 49.5", "max 99")
    assert all(box.value == () for box in diagram(graph).boxes)


def test_local_derivatives_stand_on_edges(backprop) -> None:
    """`--local` labels an edge with the derivative of its target by its source."""
    done = backprop("graph", ROOT / "specs" / "fan_out.yaml", "--values", "--local", "--format", "mermaid")
    assert re.search(r'-->\|"5"\| n4', done.out)
    assert "cos(x)" in done.out
    assert "∂ " not in backprop("graph", ROOT / "specs" / "fan_out.yaml", "--format", "mermaid").out


def test_values_need_numbers(backprop) -> None:
    """A spec of shapes alone has no values to show: an error that says so."""
    done = backprop("graph", ROOT / "specs" / "shapes" / "linear_layer.yaml", "--values")
    assert (done.code, done.out) == (2, "")
    assert "no numbers" in done.err


def test_a_shared_leaf_stands_beside_its_users() -> None:
    """In a picture of many arrows a leaf has one box for each of its users, in full once, and no arrow is lost."""
    whole = diagram(build(load_spec(str(ROOT / "specs" / "lstm.yaml"))))
    drawn = whole.beside_users
    weights = [box for box in drawn.boxes if box.name == "W_i"]
    assert [box.again for box in weights] == [False, True]
    assert len(drawn.arrows) == len(whole.arrows)
    named = [[(d.boxes[a.source].name, d.boxes[a.target].name) for a in d.arrows] for d in (whole, drawn)]
    assert named[0] == named[1]
    assert all(arrow.source < arrow.target for arrow in drawn.arrows)
    small = diagram(build(load_spec(str(ROOT / "specs" / "fan_out.yaml"))))
    assert small.beside_users is small


# ── layout ───────────────────────────────────────────────────────────────────────────────────────


def test_boxes_never_overlap() -> None:
    """In each row boxes stand apart; every arrow goes down, and touches its boxes."""
    edges = [(i, j) for i in range(30) for j in range(i + 1, 30) if (i * 7 + j * 3) % 11 == 0]
    sizes = [(40.0 + 13 * (i % 5), 30.0 + 10 * (i % 2)) for i in range(30)]
    found = placed(sizes, edges)
    layers = layers_of(30, edges)
    for layer in set(layers):
        row = sorted((found.centres[i][0], sizes[i][0]) for i in range(30) if layers[i] == layer)
        assert all(x + w / 2 < y - v / 2 for (x, w), (y, v) in pairwise(row))
    for (source, target), path in zip(edges, found.paths, strict=True):
        assert layers[source] < layers[target]
        assert all(a[1] <= b[1] for a, b in pairwise(path))
        assert path[0][1] == found.centres[source][1] + sizes[source][1] / 2
        assert abs(path[-1][0] - found.centres[target][0]) <= sizes[target][0] / 2


def test_isotonic_is_least_squares() -> None:
    """What falls is pooled at its weighted mean; what rises stays."""
    assert isotonic([1, 3, 2, 5], [1, 1, 3, 1]) == [1, 2.25, 2.25, 5]
    assert isotonic([3, 2, 1], [1, 1, 1]) == [2, 2, 2]


def test_a_long_chain_with_a_shared_weight(spec_of) -> None:
    """A thousand steps that share a weight: arrows past the limit of bends go straight, and it takes a second."""
    lines = "".join(f"  y{i}: tanh(w * y{i - 1})\n" for i in range(1, 1000))
    text = draw(f"params: {{w: 0.9, y0: 0.5}}\nnodes:\n{lines}", "svg", spec_of)
    assert text.count('class="head"') == 1998


def test_errors_are_those_of_a_spec(backprop, tmp_path: Path) -> None:
    """A bad spec is one error and nothing on stdout; -o never replaces the spec."""
    (tmp_path / "bad.yaml").write_text("params: {a: 1}\nnodes: {b: sigmod(a)}\n", encoding="utf-8")
    done = backprop("graph", tmp_path / "bad.yaml", "--format", "svg")
    assert (done.code, done.out) == (2, "")
    assert "E012" in done.err
    assert backprop("graph", tmp_path / "bad.yaml", "-o", tmp_path / "bad.yaml").code == 2
