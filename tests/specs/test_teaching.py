"""A derivation that teaches: reasons, shapes, one entry, numbers put in, letters for the parts of one expression."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.derivation.apart import taken_apart
from backprop_cli.formulas.reasons import REASONS, SAME
from backprop_cli.language.reader import load_spec
from backprop_cli.language.steps import lettered
from backprop_cli.report.derived import text as terminal
from backprop_cli.report.derived.solution import Solution
from backprop_cli.report.derived.text import NARROW
from backprop_cli.report.view import View
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.leaves import load_leaves
from tests.conftest import Backprop
from tests.notation.test_read_back import first_of, read
from tests.readers.indexed import Reader, evaluated

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
GOLDEN: Any = json.loads((ROOT / "tests" / "data" / "specs_derive.json").read_text(encoding="utf-8"))

ONE_LINE = ("dims: {N: 4, D: 3}\ninputs:\n  X: {shape: [N, D], init: normal, seed: 1}\n"
            "  y: {shape: [N], init: normal, seed: 2}\nparams:\n  w: {shape: [D], init: normal, seed: 3}\n"
            "nodes:\n  loss: mean((X @ w - y)**2)\n")  # fmt: skip


@dataclass
class Run:
    """A spec with its parts lettered, and its numbers; for gradients any numbers: what is checked holds of all."""

    path: Path

    @cached_property
    def spec(self) -> Any:
        """As it is read."""
        return load_spec(str(self.path))

    @cached_property
    def known(self) -> bool:
        """Whether it has numbers."""
        return all(leaf.load is not None for leaf in self.spec.leaves)

    @cached_property
    def graph(self) -> Any:
        """With the letters that `derive` gives."""
        return taken_apart(build(lettered(self.spec)))

    @cached_property
    def values(self) -> Any:
        """Each node's value."""
        return compute(self.graph, load_leaves(self.graph)).values

    @cached_property
    def gradients(self) -> list[Any]:
        """Numbers of each node's shape."""
        draw = np.random.default_rng(0)
        return [draw.normal(size=tuple(map(int, node.shape))) for node in self.graph.nodes]

    def read(self, text: str, wanted: Any = None) -> Any:
        """A text's value by our own parser, whichever pass it is of; one for all entries is repeated."""
        own = re.sub(r"∂\w+/∂", f"∂{self.graph.output_name}/∂", text)
        found = read(self.graph, own, self.values, self.gradients, wanted)
        return found if wanted is None or found.size == math.prod(wanted) else np.broadcast_to(found, wanted)

    def entries(self, equation: str, name: str) -> Any:
        """All entries of an equation in index notation whose left side has the shape of a node."""
        names = self.graph.names
        sizes = {str(name): int(size) for name, size in self.graph.spec.dims.items()}
        arrays = {**sizes, **{one: self.values[at] for one, at in names.items()}}
        gradients = {one: self.gradients[at] for one, at in names.items()}
        return evaluated(equation, self.shape(name), arrays, gradients, self.whole)

    def whole(self, text: str, axes: int = 0) -> Any:
        """What stands whole in index notation; of an argmax the numbers of entries and what they count in."""
        if not text.startswith("argmax("):
            return self.read(text)
        inner = text.removeprefix("argmax(").removesuffix(")")
        return self.read(f"max_pool{axes}d_indices({inner})"), self.read(first_of(inner)).shape[-axes:]

    def shape(self, name: str) -> tuple[int, ...]:
        """How large a node is."""
        return tuple(map(int, self.graph.nodes[self.graph.names[name]].shape))


LABEL = re.compile(r"^  (?P<label>[a-z]+(?: [a-z]+)*) {2,}(?P<text>\S.*)$")


def steps_of(out: str) -> list[tuple[str, str]]:
    """The lines of a derivation by their labels, each on one line again."""
    found: list[tuple[str, str]] = []
    for line in out.splitlines():
        label = LABEL.match(line)
        if label:
            found.append((label["label"], label["text"]))
        elif found and line.startswith(" " * 20):
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
        else:
            found.append(("", line))
    return found


def check_algebra(run: Run, steps: list[tuple[str, str]]) -> int:
    """Both sides of each algebraic step, read by our own parser, have one value at the numbers of the spec."""
    found = [text for label, text in steps if label == "algebra" and run.known]
    for text in found:
        sides = (np.squeeze(run.read(side)) for side in text.split(" = ", 1))
        np.testing.assert_allclose(*np.broadcast_arrays(*sides), rtol=1e-9, atol=1e-12, err_msg=text)
    return len(found)


def check_places(run: Run, steps: list[tuple[str, str]]) -> int:
    """What comes back from each place of a definition adds up to the local derivative on the line below."""
    count = 0
    for (label, text), (_, below) in pairwise(steps) if run.known else ():
        if label == "place by place":
            parts, total = (re.split(" [=↦] ", one, maxsplit=1)[1] for one in (text, below))
            sides = (np.squeeze(run.read(one.replace("δ", f"∂{run.graph.output_name}/∂{run.graph.output_name}")))
                     for one in (parts, total))  # fmt: skip
            np.testing.assert_allclose(*np.broadcast_arrays(*sides), rtol=1e-9, atol=1e-12, err_msg=text)
            count += 1
    return count


def check_entries(run: Run, steps: list[tuple[str, str]]) -> int:
    """A definition entry by entry is the node's value; one entry of a gradient is that of the chain rule's line."""
    count, chain = 0, ""
    for label, text in steps if run.known else ():
        if label == "chain rule":
            chain = text.partition(" = ")[2]
        if label not in {"entry by entry", "one entry"}:
            continue
        name = re.match(r"(?:∂.+?/∂)?(\w+)", text)[1]  # type: ignore[index]
        wanted = run.values[run.graph.names[name]] if label == "entry by entry" else run.read(chain, run.shape(name))
        np.testing.assert_allclose(run.entries(text, name), np.reshape(wanted, run.shape(name)), rtol=1e-9, atol=1e-12,
                                   err_msg=text)  # fmt: skip
        count += 1
    return count


FIGURE = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?")
DIGITS = 6


def half_unit(figure: float) -> float:
    """How far a number may be from what is printed of it."""
    return 0.5 * 10.0 ** (math.floor(math.log10(abs(figure))) - DIGITS + 1) if figure else 0.0


def number(text: str) -> float:
    """The value of numbers with signs, brackets and functions, by the tests' own reader."""
    reader = Reader(text, {}, {}, lambda inner: pytest.fail(f"{inner} is no number: {text}"))
    value = reader.total()
    assert reader.place == len(text), (text[reader.place :], text)
    return float(value)


def check_number(text: str) -> None:
    """What the left side gives is the right side, as far as the printed digits say."""
    left, _, result = re.sub(r"^\[[\d, -]+\]: ", "", text).rpartition(" = ")
    value = number(left)
    room = half_unit(float(result)) + half_unit(value)
    for found in FIGURE.finditer(left):
        figure = float(found[0])
        moved = f"{figure + half_unit(figure):.17g}"
        room += abs(number(left[: found.start()] + moved + left[found.end() :]) - value)
    assert abs(value - float(result)) <= 1.05 * room + 1e-15, (value, text)


def test_softmax_and_batch_norm_have_no_unexplained_jump(backprop: Any) -> None:
    """Each part that the algebra changes is a line with its law, and so is the last step."""
    out = backprop("derive", ROOT / "specs" / "softmax_regression.yaml", "z").out
    steps = re.findall(r"^  (?:algebra|simplified|by) +(.*)$", out, re.MULTILINE)
    assert steps == [
        "(-t/(N · p)) ⊙ p = -t/N", "p · (t / p) = t",
        "Σ_k(-t/N) = -1/N", "Σ t = 1 over axis 1 (checked on the data)",
        "∂loss/∂z = (p - t)/N", "p · (t / p) = t",
    ]  # fmt: skip
    out = backprop("derive", ROOT / "specs" / "batch_norm.yaml").out
    assert "by                Σ xhat = 0, by the definition of xhat" in out
    assert "by                xhat = c/√(v + 1e-5)" in out
    assert check_algebra(Run(ROOT / "specs" / "batch_norm.yaml"), steps_of(out)) > 1


render = terminal.render
ALONE = (r"  (seed|definition|entry by entry|because|place by place|local derivative|chain rule|substituted|algebra|by|"
         r"shapes|sum|one entry|layer to layer|through \w+|simplified|after the hook|in all|whole chain|in numbers|"
         r"value)")


def check_widths(solution: Solution, out: str) -> None:
    """On pages of other widths the same words stand, none wider than the page, and no label alone."""
    for width in (40, 60, 80, 120):
        lines = render(solution, View(width=width)).splitlines()
        assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", out), width
        wide = [line for line in lines if len(line) > width and str(ROOT) not in line]
        assert [line for line in wide if width > 40 or len(line.replace("= ", "").split()) > 1] == []
        for line, following in pairwise(lines):
            if re.fullmatch(ALONE, line):
                assert width < NARROW, line
                assert following.startswith("    "), (line, following)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_derivations_are_the_golden_ones(path: Path, backprop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a student reads does not change unnoticed (`make golden` accepts it, once it was read).

    The numbers put in, rounded as they are, evaluate to the printed result within their rounding.  However narrow the
    page is, the same is on it.
    """
    solutions: list[Solution] = []
    monkeypatch.setattr(terminal, "render", lambda one, view: solutions.append(one) or render(one, view))
    out = backprop("derive", path, "--width", 100).out
    check_widths(solutions[0], out)
    assert out.splitlines() == GOLDEN[path.stem]
    assert max(map(len, out.splitlines())) <= 100
    run, steps = Run(path), steps_of(out)
    check_algebra(run, steps)
    assert check_places(run, steps) == out.count("\n  place by place ") or not run.known
    assert check_entries(run, steps) == out.count("\n  entry by entry ") + out.count("\n  one entry ") or not run.known
    for label, text in steps:
        if label == "in numbers":
            check_number(text)


TRUE = ["0.2719 · (1 - tanh(1.51709)²) · 0.849933 = 0.0404864", "(σ(-5.93647) - 0) / 3 = 0.000878122",
        "(exp(0.2) / (exp(0.2) + exp(0.1) + exp(0.15)) - 1) / 4 = -0.162467", "2 · [1.65324 > 0] = 2",
        "[1, 0]: 0.00013098 · 0.731059 = 9.57538e-05", "1 · cos(6) + 2 · 1 · 6 + 5 = 17.9602"]  # fmt: skip
PLANTED = {"tanh": "sin", "σ(-5": "σ(5", "exp(0.1)": "exp(0.11)", "> 0": "< 0", "9.57538": "9.57548",
           "17.9602": "17.9604"}  # fmt: skip


@pytest.mark.parametrize(("text", "planted"), [*zip(TRUE, PLANTED.items(), strict=True)])
def test_a_wrong_number_is_caught(text: str, planted: tuple[str, str]) -> None:
    """A function for another, a sign, a figure in its fifth digit."""
    check_number(text)
    with pytest.raises(AssertionError):
        check_number(text.replace(*planted))


def test_a_wrong_entry_is_caught(backprop: Any) -> None:
    """Each definition and each gradient of attention, were it twice as large; as it is printed, it passes."""
    path = ROOT / "specs" / "attention.yaml"
    run, steps = Run(path), steps_of(backprop("derive", path).out)
    assert check_entries(run, steps) > 5
    for place, (label, text) in enumerate(steps):
        if label not in {"entry by entry", "one entry"}:
            continue
        left, _, right = text.partition(" = ")
        wrong = [*steps[:place], (label, f"{left} = 2 · ({right})"), *steps[place + 1 :]]
        with pytest.raises(AssertionError):
            check_entries(run, wrong)


ENTRIES = {
    "z[n,o,i,j] = Σ_c,u,v x[n,c,2·i+u-1,2·j+v-1] · w[o,c,u,v] + b[o]": (
        "x: {shape: [2, 3, 6, 6], init: normal}, w: {shape: [4, 3, 3, 3], init: normal}, b: [1, 2, 3, 4]",
        "z: 'conv2d(x, w, b, stride=2, padding=1)'"),
    "z[n,o,i] = Σ_a x[n,o,i+2·a] · w[o,a]": (
        "x: {shape: [2, 3, 8], init: normal}, w: {shape: [3, 1, 3], init: normal}",
        "z: 'conv1d(x, w, dilation=2, groups=3)'"),
    "p[i,j,k] = max_s<2,a<3 x[i,2·j+s,2·k+a]": (
        "x: {shape: [1, 2, 6, 7], init: normal}", "p: 'max_pool2d(x, kernel_size=(2, 3), stride=2)'"),
    "y[i,j] = Σ_a,b x[i-a,j-b] · w[a,b]": (
        "x: {shape: [1, 1, 3, 3], init: normal}, w: {shape: [1, 1, 2, 2], init: normal}",
        "y: 'conv_transpose2d(x, w)'"),
    "e[i,j] = E[t[i],j]": ("E: {shape: [5, 2], init: normal}", "e: 'embedding(t, E)'"),
    "p[i,j] = exp(Σ_k s[i,k] · W[k,j]) / Σ_q exp(Σ_k s[i,k] · W[k,q])": (  # two axes of one size
        "s: {shape: [3, 2], init: normal}, W: {shape: [2, 2], init: normal}", "p: 'softmax(s @ W, axis=1)'"),
    "c[i] = Σ_j 1/2 · a[i,j]²": ("a: {shape: [3, 2], init: normal}", "c: 'sum(1/2 * a**2, axis=1)'"),
    "q[i] = s[i,t[i]]": ("s: {shape: [3, 2], init: normal}", "q: 's[arange(3), t]'"),
    "d[i] = Σ_j (a[i,j] - b[i,j])²": (
        "a: {shape: [3, 2], init: normal}, b: {shape: [3, 2], init: normal}", "d: 'sum((a - b)**2, axis=1)'"),
    "u[i,j] = a[i,j] / √(Σ_m a[i,m]²)": (
        "a: {shape: [3, 2], init: normal}", "u: 'a / norm(a, axis=1, keepdims=true)'"),
    "y[i] = x[3-i]": ("x: [1, 2, 4, 7]", "y: 'x[::-1]'"),
    "h[i] = exp(-x[i]² / (2 · c²))": ("x: [1, 2, 4, 7], c: 2", "h: 'exp(-x**2 / (2 * c**2))'"),
    "a[i] = log(Σ_j exp(c[j] + A[j,i])) + e[i]": (
        "c: [1, 2, 3], A: {shape: [3, 3], init: normal}, e: [0, 1, 2]", "a: 'logsumexp(c[:, None] + A, axis=0) + e'"),
}  # fmt: skip


@pytest.mark.parametrize(("entry", "spec"), ENTRIES.items(), ids=ENTRIES)
def test_a_definition_entry_by_entry(entry: str, spec: tuple[str, str], backprop: Any, tmp_path: Path) -> None:
    """Convolutions, pools, rows picked, sums along an axis: what reaches what, read by the tests' own reader."""
    leaves, nodes = spec
    last = nodes.rpartition(": '")[0].split()[-1]
    (path := tmp_path / "entries.yaml").write_text(f"inputs: {{t: [1, 0, 1]}}\nparams: {{{leaves}}}\n"
                                                 f"nodes: {{{nodes}, l: sum({last}**2)}}\n")
    steps = steps_of(backprop("derive", path).out)
    assert check_entries(Run(path), steps) > 1
    assert ("entry by entry", entry) in steps, [text for label, text in steps if label == "entry by entry"]


SLICES = {
    "x[::-1]": "∂l/∂x[j] = ∂l/∂y[3-j]", "roll(x, 1)": "∂l/∂x[i] = ∂l/∂y[(i+1) mod 4]",
    "A[::-1, ::-1]": "∂l/∂A[k,m] = ∂l/∂y[2-k,3-m]", "A[::-1, 1:3]": "∂l/∂A[k,m] = [m ≥ 1] · [m < 3] · ∂l/∂y[2-k,m-1]",
    "A[1:, 2:]": "∂l/∂A[k,m] = [k ≥ 1] · [m ≥ 2] · ∂l/∂y[k-1,m-2]",
    "x[-1:0:-2]": "∂l/∂x[j] = Σ_i [j = 3-2·i] · ∂l/∂y[i]",
    "cumsum(cumsum(x, axis=0)[::-1], axis=0)": "∂l/∂x[j] = Σ_i<4 [i ≤ 3-j] · (Σ_k [k ≥ i] · ∂l/∂y[k])",
}  # fmt: skip


@pytest.mark.parametrize(("node", "entry"), SLICES.items(), ids=SLICES)
def test_what_turns_round_is_read_from_the_end(node: str, entry: str, backprop: Any, tmp_path: Path) -> None:
    """An axis taken as a whole has one letter, from the start or from the end; else a sum over what was taken."""
    leaf = "x: [1, 2, 4, 7]" if "x" in node else "A: {shape: [3, 4], init: normal}"
    (path := tmp_path / "slices.yaml").write_text(f"params: {{{leaf}}}\nnodes: {{y: '{node}', l: sum(y**2)}}\n")
    steps = steps_of(backprop("derive", path).out)
    assert check_entries(Run(path), steps) > 1
    assert ("one entry", entry) in steps, [text for label, text in steps if label == "one entry"]


PLACES = """
params: {w: [1.0, 2.0, 0.5], A: {shape: [3, 3], init: normal}, s: 0.4}
nodes:
  u: w * sigmoid(w)
  q: w @ A @ w + A[0] @ w
  r: s**2 * exp(-s) + s / (1 + s)
  loss: sum(u) + q + r
"""


def test_each_place_of_a_definition_is_told(backprop: Any, tmp_path: Path) -> None:
    """A node that stands several times in one definition: what each place hands back, and the law that joins them."""
    (path := tmp_path / "places.yaml").write_text(PLACES)
    steps = steps_of(backprop("derive", path, "s", "w").out)
    assert check_places(Run(path), steps) == 3
    assert [text for label, text in steps if label in {"place by place", "by"}][:6] == [
        "∂r/∂s = 1/(1 + s) - s/(1 + s)² - s² · exp(-s) + 2 s · exp(-s)", "x/a + y/b = (x · b + y · a)/(a · b)",
        "∂q/∂w = A[0] + Aᵀ · w + A · w", "A · x + B · x = (A + B) · x",
        "∂u/∂w = σ(w) + w ⊙ σ(w) ⊙ (1 - σ(w))", "x · y + x · y · z = x · y · (1 + z)",
    ]  # fmt: skip
    wrong = [(label, text.replace("1/(1 + s) -", "1/(1 + s) +")) for label, text in steps]
    with pytest.raises(AssertionError):
        check_places(Run(path), wrong)
    assert "place by place" not in backprop("derive", path, "--steps", "brief").out


def test_a_law_is_that_of_the_line(backprop: Any, tmp_path: Path) -> None:
    """A factor taken out is told by that law, not by one whose form the line has too; a quotient is no square."""
    (path := tmp_path / "laws.yaml").write_text(
        "params: {x: [1.0, 2.0], X: [[1.0, 0.5], [0.2, 1.0]]}\n"
        "nodes: {p: softmax(X @ x), y: X @ p, loss: sum((y - x)**2)}\n")  # fmt: skip
    out = backprop("derive", path).out
    line = "  algebra           Σ(2(Xᵀ · (y - x)) ⊙ p) = 2 Σ((Xᵀ · (y - x)) ⊙ p)\n"
    assert out.count(line) == out.count(f"{line}  by                Σ(c · x) = c · Σ(x)\n") == 2
    norm = backprop("derive", "-e", "n = rms_norm(x, g)", "-e", "sum(n**3)", "--shape", "x=T,D", "--shape", "g=D").out
    assert "-(x - 1)²" not in norm
    shapes = ("--shape", "x=n", "--shape", "a=n", "--shape", "b=n")
    common = backprop("derive", "-e", "sum(a*x**2 + b*x**2)", *shapes).out
    assert "by                x · y + x · z = x · (y + z)" in common


def test_what_goes_back_to_a_slice_has_zeros_beside_it(backprop: Any) -> None:
    """Zeros before and behind, one_hot(t, n)ᵀ of a list, a new axis where the only entry of one was taken."""
    for part, local in {"x[1:-1]": "pad(δ, (1, 1))", "x[[2, 0, 0, -1]]": "one_hot([2, 0, 0, 3], 4)ᵀ · δ",
                        "A[:, 0]": "δ[:, None]", "A[1:]": "pad(δ, ((1, 0), (0, 0)))"}.items():  # fmt: skip
        shapes = ("--shape", "x=4" if "x" in part else "A=3,1")
        out = backprop("derive", "-e", f"u = {part}", "-e", "sum(u**2)", *shapes).out
        assert f"local derivative  δ ↦ {local}\n" in out, part


def test_parts_of_one_expression_have_letters(backprop: Any, tmp_path: Path) -> None:
    """A loss in one line is derived part by part, and ends in the names of the spec."""
    (tmp_path / "one.yaml").write_text(ONE_LINE)
    out = backprop("derive", tmp_path / "one.yaml").out
    assert "loss = mean(v²), with the letters v = u - y, u = X · w" in out
    assert "definition        u = X · w" in out
    assert "shapes            (D,) = (D, N) · (N,)" in out
    assert "one entry         ∂loss/∂w[d] = Σ_n X[n,d] · ∂loss/∂u[n]" in out
    assert "in all            ∂loss/∂w = 2 Xᵀ · (X · w - y) / N" in out


def test_brief_is_the_key_alone(backprop: Any) -> None:
    """`--steps brief` has neither reasons nor numbers nor letters."""
    out = backprop("derive", ROOT / "specs" / "mazur.yaml", "w5", "--steps", "brief").out
    assert out.splitlines()[2:] == [
        "∂E/∂w5",
        "  w5 is used by net_o1:",
        "  definition        net_o1 = w5 · out_h1 + w6 · out_h2 + b2",
        "  local derivative  ∂net_o1/∂w5 = out_h1",
        "  chain rule        ∂E/∂w5 = ∂E/∂net_o1 · out_h1",
        "  substituted              = (out_o1 - t1) · out_o1 · (1 - out_o1) · out_h1",
        "  value             ∂E/∂w5 = 0.082167",
    ]


def test_one_way_of_scalars_is_one_product(backprop: Any) -> None:
    """Where one way leads to the output, all its slopes stand in one line, and the whole formula has its numbers."""
    out = backprop("derive", ROOT / "specs" / "mazur.yaml", "w5", "w1").out
    assert "whole chain       ∂E/∂w5 = ∂E/∂E_o1 · ∂E_o1/∂out_o1 · ∂out_o1/∂net_o1 · ∂net_o1/∂w5" in out
    assert "in numbers        (0.751365 - 0.01) · 0.751365 · (1 - 0.751365) · 0.59327 = 0.082167" in out
    assert out.count("whole chain") == 1  # two ways lead from w1


@pytest.mark.parametrize("expression", ["-sum(2 * A @ B @ C @ D)", "sum(v @ A @ B) - 3 * sum(tanh(A @ B @ C)**2)",
                                        "sum(einsum('ij,jk->ik', 2*A, B @ C)) + trace(A @ B @ C @ D) / 2"])  # fmt: skip
def test_long_products_are_put_together_too(expression: str, backprop: Any) -> None:
    """The algebra between two lines takes chains of any length."""
    shapes = [part for shape in ("A=2,3", "B=3,4", "C=4,5", "D=5,2", "v=2") for part in ("--shape", shape)
              if shape[0] in re.sub(r"[a-z]{2,}", "", expression)]  # fmt: skip
    done = backprop("derive", "-e", f"u = {expression}", "-e", "loss = 2 * u", *shapes, "--wrt", "all")
    assert (done.code, done.err) == (0, "")
    assert "  chain rule " in done.out


def test_an_entry_is_chosen(backprop: Any) -> None:
    """`--entry` puts the numbers of that entry in; one outside every array is refused with the arrays' shapes."""
    spec = ROOT / "specs" / "two_layer.yaml"
    assert (
        "in numbers        [1, 0]: 0.00013098 · 0.731059 = 9.57538e-05"
        in backprop("derive", spec, "w2", "--entry", "1,0").out
    )
    refused = backprop("derive", spec, "w2", "--entry", "2,0")
    assert refused.code == 2
    assert "no gradient has an entry [2,0]" in refused.err
    assert "w2 (2, 2)" in refused.err
    assert backprop("derive", spec, "w2", "--entry", "first").code == 2


def test_each_function_has_a_reason() -> None:
    """Why an op hands its gradient on as it does is said of each, but of those that only gradients are made of."""
    inner = re.compile(r"conv\dd_weight|(max|avg)_unpool\dd|(cum)?prod_others|cofactor(_along)?"
                       r"|eigvecsh|svd_u|svd_vh|polar|lyapunov")  # fmt: skip
    silent = [name for name, op in OPS.items() if any(op.vjps) and not {name, SAME.get(name)} & {*REASONS}]
    assert [name for name in silent if not inner.fullmatch(name)] == []


def test_each_explanation_stands_once(backprop: Any) -> None:
    """A reason and the meaning of a sign are given where they are first needed, and not again."""
    out = backprop("derive", ROOT / "specs" / "two_layer.yaml").out
    assert out.count("σ' = σ (1 - σ)") == 1
    assert out.count("⊙ multiplies entry by entry") == 1
    assert out.index("⊙ multiplies entry by entry") > out.index("⊙")


def test_a_function_that_no_entry_explains_is_explained(backprop: Any) -> None:
    """Of a factorisation index notation says no more than its name: what it is stands there once, in its op's words."""
    text = backprop("derive", "-e", "L = cholesky(A @ A.T)", "-e", "e = eigvalsh(L + L.T)", "-e",
                    "sum(L**3) + sum(e**3) + det(A)", "--shape", "A=2,2").out  # fmt: skip
    flat = " ".join(text.split())
    for said in ("cholesky(x): the triangular L with L · Lᵀ = x, of a symmetric positive definite x",
                 "eigvecsh(x): eigenvectors of a symmetric matrix, as columns in the order of eigvalsh",
                 "[j ≤ k] is 1 where it holds, else 0", "det(x): determinant of a matrix"):  # fmt: skip
        assert flat.count(f"({said})") == 1, said
    assert "exp(x):" not in flat


def test_a_definition_is_what_the_user_wrote(backprop: Any, tmp_path: Path) -> None:
    """A loss function keeps its name, terms keep their order."""
    (tmp_path / "s.yaml").write_text("inputs: {x: [[1.0, 2.0]], t: [1]}\nparams: {W: [[0.1, 0.2], [0.3, 0.4]]}\n"
                                     "nodes: {s: x @ W, loss: 'cross_entropy(s, t) + 0.01 * sum(W**2)'}\n")  # fmt: skip
    out = backprop("derive", tmp_path / "s.yaml").out
    assert "loss = cross_entropy(s, t) + 0.01 Σ(W²)" in out


def test_labels_that_are_computed_have_their_numbers(backprop: Any, tmp_path: Path) -> None:
    """Where a window takes its entries from is a place of the letters; in numbers, what stands at that place."""
    window = "sum(sliding_window_view(x, 2)**2 / arange(1, 3))"
    (tmp_path / "s.yaml").write_text(f"params: {{x: [1.0, 2.0, 3.0, 4.0]}}\nnodes: {{loss: '{window}'}}\n")
    done = backprop("derive", tmp_path / "s.yaml", "--entry", "1")
    assert (done.code, done.err) == (0, "")
    assert "Σ_i,j [i+j = k] · ∂loss/∂u[i,j]" in done.out
    assert "[1]: 2 + 4 = 6" in done.out
    assert "arange(2)[" not in done.out


@pytest.mark.parametrize("name", ["batch_norm", "transformer_encoder", "gaussian_cholesky", "cnn"])
def test_every_sign_of_a_page_stands_in_an_element(backprop: Backprop, name: str) -> None:
    """In MathML a number beside elements, not in one, is not shown: the 1/N of a mean was a bar with nothing at it."""
    page = backprop("derive", f"specs/{name}.yaml", "--format", "html").out
    first = r"<(?:math|mrow|mfrac|msub|msup|msqrt|munder|mtd)\b[^>]*>[^<>]*\w[^<>]*<"
    behind = r"</(?:mo|mi|mn|mrow|mfrac|msub|msup|msqrt|munder)>[^<>]*\w[^<>]*<(?=/?m)"
    assert page.count("<mfrac>") > 3
    assert re.findall(f"{first}|{behind}", page) == []


def test_the_least_divisor_is_a_power_of_two(backprop: Backprop) -> None:
    """PyTorch's epsilon of rms_norm had sixteen digits in every formula; code keeps them."""
    spec = "params: {x: [1, -2, 3], g: [1, 2, 0.5]}\nnodes: {y: 'rms_norm(x, g)', L: sum(y**2)}\n"
    shown = backprop("run", "-", stdin=spec).out
    assert "√(mean(x²) + 2⁻⁵²)" in shown
    assert "notation: 2⁻⁵² = 2.2e-16" in shown
    assert "2.220446049250313e-16" in backprop("run", "-", "--get", "x.formula.code", stdin=spec).out
    assert "2^{-52}" in backprop("run", "-", "--format", "latex", stdin=spec).out
