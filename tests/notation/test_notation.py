"""Names and signs in every notation: LaTeX, MathML, text; what a textbook prints is a table here."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from backprop_cli.formulas.marks import MARKED
from backprop_cli.formulas.notation import LATEX, MATHML, NOTATIONS, notation_of
from backprop_cli.formulas.printed import ASKED, Printed
from backprop_cli.tasks.calculate import Settings, run
from tests.shipped import SPECS, shipped

ROOT = Path(__file__).resolve().parents[2]
MATH = "{http://www.w3.org/1998/Math/MathML}"
CORE = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mfrac", "msqrt", "msub", "msup", "munder", "mover",
}  # fmt: skip
PAIRS = ("mfrac", "msub", "msup", "munder", "mover")

NAMES = {
    "x": "x", "y_1": "y_{1}", "w2": "w_{2}", "alpha": r"\alpha", "λ": r"\lambda", "loss": r"\mathrm{loss}",
    "W_mu": r"W_{\mu}",
    "xhat": r"\hat{x}", "x_hat": r"\hat{x}", "x_hat_1": r"\hat{x}_{1}", "mu_bar": r"\bar{\mu}", "W_h": "W_{h}",
    "h_prev": r"h_{\mathrm{prev}}", "sigma2": r"\sigma_{2}", "a_b_c": r"\mathrm{a\_b\_c}", "_x": r"\mathrm{\_x}",
    "beta_1": r"\beta_{1}", "W1x": r"\mathrm{W1x}", "σ_1": r"\sigma_{1}",
}  # fmt: skip

FORMULAS = {
    "-sum(log(b - A @ x))": ("x", "Aᵀ · (1/(b - A · x))", r"A^\top \frac{1}{b - A x}"),
    "sum(relu(x)**2)": ("x", "2 relu(x)", r"2 \operatorname{ReLU}(x)"),
    "sum(gelu(x))": ("x", None, None),
    "logdet(A.T @ A)": ("A", "2 A⁺ᵀ", r"2 A^{+\top}"),
    "mean((x - 1)**2)": ("x", "2(x - 1) / 3", r"\frac{2 \left(x - 1\right)}{3}"),
    "sum(0.9*x)": ("x", "0.9 ones((3,))", None),
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items(), ids=NAMES)
def test_names_in_latex(name: str, expected: str) -> None:
    """Indices, Greek letters and hats by their usual spellings; any other name is upright and escaped."""
    assert LATEX.name(name).strip() == expected


@pytest.mark.parametrize("name", NAMES)
def test_names_in_mathml(name: str) -> None:
    """Each name is one well-formed element, and its letters are in it."""
    element = ET.fromstring(f"<m>{MATHML.name(name)}</m>")
    assert len(element) == 1
    assert "".join(element.itertext())


def test_mathml_is_asked_for() -> None:
    """The notations that can be asked for are there, and those with marks."""
    assert tuple(NOTATIONS) == (*ASKED, *MARKED.values())


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_mathml_is_well_formed(path: Path) -> None:
    """Every formula is one <math> of MathML Core, with two parts in what takes two and signs in <mo> alone."""
    gradients = [node.gradient for node in shipped(path).result.nodes if node.gradient]
    printed = [f for gradient in gradients for f in gradient.formula.values() if isinstance(f, Printed)]
    assert printed
    for formula in printed:
        check_mathml(formula["mathml"])


def check_mathml(text: str) -> None:
    """The rules of MathML that a parser of XML does not know."""
    root = ET.fromstring(text)
    assert root.tag == f"{MATH}math"
    for element in root.iter():
        name = element.tag.removeprefix(MATH)
        assert name in CORE, name
        if name in PAIRS:
            assert len(element) == 2, text
        if name in {"mi", "mn", "mo", "mtext"}:
            assert len(element) == 0, text
            assert element.text, text
        else:
            assert not (element.text or "").strip(), text


def test_mathml_is_printed_on_demand(backprop: Any) -> None:
    """`--get w1.formula["mathml"]` prints the element; JSON holds the three notations it promises."""
    spec = ROOT / "specs" / "two_layer.yaml"
    done = backprop("run", spec, "--get", "w1.formula.local.mathml")
    assert done.code == 0
    check_mathml(done.out.strip())
    assert "mathml" not in backprop("run", spec, "--format", "json").out


def test_ascii_leaves_elements_whole(backprop: Any) -> None:
    """With --ascii the signs are spelled, and the elements are still XML."""
    done = backprop("run", ROOT / "specs" / "two_layer.yaml", "--get", "w1.formula.mathml", "--ascii")
    assert done.code == 0
    assert done.out.isascii()
    ET.fromstring(done.out)


@pytest.mark.parametrize(("loss", "expected"), [(k, v) for k, v in FORMULAS.items() if v[1]], ids=lambda v: str(v)[:30])
def test_formulas_as_a_textbook_prints_them(loss: str, expected: tuple[str, str, str], spec_of: Any) -> None:
    """Signs, roots, inverses and decimals go where a reader expects them."""
    wrt, text, latex = expected
    a = [[1.0, 0.2, 0.1], [0.3, 1.1, 0.2], [0.1, 0.4, 0.9], [0.2, 0.1, 0.5]]
    spec = spec_of("inputs:\n  b: [9.0, 8.0, 7.0, 9.5]\n"
                   f"params:\n  x: [0.5, 1.5, 2.5]\n  A: {a}\nnodes:\n  loss: {loss}\n")  # fmt: skip
    formula = run(spec, Settings()).by_name[wrt].gradient.formula["nodes"]  # type: ignore[union-attr]
    assert isinstance(formula, Printed)
    assert formula.text == text
    assert latex is None or formula["latex"] == latex


def test_an_upstream_gradient_is_bracketed_where_something_stands_behind_it(spec_of: Any) -> None:
    """A fraction with a ⊤ or an index behind it would be that of its denominator: it is bracketed."""
    spec = spec_of("params: {x: [0.3, 1], W: [[1, 2, 3], [2, 0.5, 1]], b: [1]}\n"
                   "nodes: {h: x @ W, c: 'concatenate([h, b])', loss: sum(tanh(c))}\n")  # fmt: skip
    nodes = run(spec, Settings()).by_name
    bracketed = r"\left(\frac{\partial \mathrm{loss}}{\partial %s}\right)"
    for name, latex in (("W", rf"x {bracketed % 'h'}^\top"), ("h", rf"{{{bracketed % 'c'}}}_{{[:3]}}")):
        assert nodes[name].gradient.formula["local"]["latex"] == latex  # type: ignore[union-attr]


ALIKE = ("y1", "y_1", "alpha", "α", "x_hat", "xhat", "θ_1", "theta1", "W_in", "mu_bar", "mubar")


@pytest.mark.parametrize("notation", ["text", "code", "latex", "mathml", "index"])
def test_names_that_would_print_alike_are_told_apart(notation: str, spec_of: Any) -> None:
    """No two names of a spec print as the same sign; those that would are spelled out, in formulas too."""
    told = notation_of(notation, ALIKE)
    shown = {told.name(name).strip() for name in ALIKE}
    assert len(shown) == len(ALIKE)
    leaves = ", ".join(f"{name}: 1.5" for name in ALIKE)
    spec = spec_of(f"params: {{{leaves}}}\nnodes: {{loss: {' * '.join(ALIKE)}}}")
    formulas = run(spec, Settings(terms=("nodes",), notations=(notation,))).by_name
    written = {one.gradient.formula["nodes"][notation] for name in ALIKE if (one := formulas[name]).gradient}
    assert len(written) == len(ALIKE)


@pytest.mark.parametrize("notation", ["text", "code", "latex", "mathml", "index"])
def test_a_name_does_not_print_as_a_constant(notation: str) -> None:
    """`pi_` and `e_` are nodes, beside which π and e are numbers; a node that is called e itself keeps its sign."""
    told = notation_of(notation, ("pi_", "e_", "e"))
    assert {told.name("pi_"), told.name("e_")}.isdisjoint({told.name("pi"), told.name("e")})
    assert told.name("e") == NOTATIONS[notation].name("e")
