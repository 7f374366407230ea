"""A sign that no textbook has is explained once where people read it, and names that look alike are told apart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from backprop_cli.report.legend import KNOWN, legend

ROOT = Path(__file__).resolve().parents[2]
CNN = ROOT / "specs" / "cnn.yaml"
STAR = "at each place of the kernel, and adds up the products"


@pytest.mark.parametrize("arguments", [
    ("run", CNN), ("run", CNN, "--format", "markdown"), ("run", CNN, "--format", "latex"),
    ("run", CNN, "--format", "html"),
    ("step", CNN, "--lr", "0.1"), ("step", CNN, "--lr", "0.1", "--format", "markdown"),
    ("step", CNN, "--lr", "0.1", "--format", "latex"), ("step", CNN, "--lr", "0.1", "--format", "html"),
    ("derive", CNN, "w"), ("derive", CNN, "--format", "html"),
])  # fmt: skip
def test_a_sign_is_explained_once(arguments: tuple[Any, ...], backprop: Any) -> None:
    """What ⋆ means stands once on each page that shows it, however many formulas do."""
    out = backprop(*arguments).out
    flat = " ".join(out.split())
    assert flat.count(STAR) == 1


def test_what_a_machine_reads_has_no_words(backprop: Any) -> None:
    """JSON, CSV and --get hold results alone."""
    asked = (("run", "--format", "json"), ("run", "--format", "csv"), ("run", "--get", "w.formula"),
             ("step", "--lr", "0.1", "--format", "json"))  # fmt: skip
    for command, *arguments in asked:
        assert "adds up the products" not in backprop(command, CNN, *arguments).out


def test_a_page_without_such_signs_says_nothing(backprop: Any) -> None:
    """A network of products and sums needs no legend."""
    assert "notation:" not in backprop("run", ROOT / "specs" / "two_layer.yaml").out
    assert not legend(["wᵀ · δ ⊙ y", "softmax(x) + reshape(y, (2, 3))"], ())
    assert {"softmax", "reshape"} <= KNOWN


SAID = {
    "e[1] ⊙ x": "e[k] is the unit vector", "u[0] + e": "", "p[n, y[n]]": "the entry at its label",
    "p[i, t[i]][:, None]": "the entry at its label", "E[t[i],j]": "of the row of W that the label",
    "x[1:2, 0]": "", "δ[i,j] p[i]": "δ[i,j] is 1",
    "[a ≥ b] ⊙ x": "[z > 0] is 1", "x[i+a-1] w[a]": "outside of x", "x[c,k+1-a]": "outside of x", "x[3-i] b[j-3]": "",
    "x ⋆[s=2,p=1] δ": "at ⋆ and ∗, s is the stride, p is the padding", "spread(δ, 2)": "evenly among",
    "pad(δ, (1, 1))": "1 zero before δ",
    "cholesky(S)": "the triangular L", "prod_others(x)": "all entries but that one", "exp(x) · tanh(y)": "",
}  # fmt: skip


@pytest.mark.parametrize("text", SAID)
def test_what_each_sign_means(text: str) -> None:
    """By its own sign, with whatever letters; a name of the spec is no unit vector."""
    found = legend([text], ("u",))
    assert (SAID[text] in " ".join(found)) if SAID[text] else not found


def test_names_that_look_alike_in_a_jacobian(backprop: Any, tmp_path: Path) -> None:
    """y1 is spelled out where the spec has y_1 too, in the matrix, in its rows and in every entry; on every page."""
    (tmp_path / "s.yaml").write_text("params: {x1: [1.0, 2.0], x_1: [0.5, -1.0]}\n"
                                     "nodes: {y1: x1 * x_1, y_1: x1 + x_1, loss: sum(y1 * y_1)}\n")
    for more in (("jacobian", "--output", "y1"), ("hessian",)):
        latex, html = (backprop(more[0], tmp_path / "s.yaml", *more[1:], "--wrt", "x1", "--format", form).out
                       for form in ("latex", "html"))  # fmt: skip
        assert r"\partial {x_{1}}" not in latex
        assert r"\partial \mathrm{x1}" in latex
        below = re.findall(r"<mrow><mo>∂</mo>(?:<msub><mrow>)?(.*?)</mrow>", html.replace("&#8706;", "∂"))
        assert below
        assert not [one for one in below if "<mi>x</mi>" in one]
