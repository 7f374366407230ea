"""User text made harmless, formulas spelled in ASCII."""

from __future__ import annotations

import pytest

from backprop_cli.report.plain import safe, to_ascii


@pytest.mark.parametrize(("text", "shown"), [
    ("plain text", "plain text"), ("naïve 名前 ∂", "naïve 名前 ∂"), ("a\x1b[31mb", "a\\x1b[31mb"),
    ("a\nb\tc\r", "a\\nb\\tc\\r"),
    ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"), ("abc\u202ecba", "abc\\u202ecba"), ("\u2066x\u2069", "\\u2066x\\u2069"),
    ("a\u200bb\ufeff", "a\\u200bb\\ufeff"), ("\u2028", "\\u2028"), ("\udcff", "\\udcff"), ("👍", "👍"),
])  # fmt: skip
def test_safe(text: str, shown: str) -> None:
    """Control, bidirectional, invisible and undecodable characters become escapes; letters of any script stay."""
    assert safe(text) == shown


@pytest.mark.parametrize(("text", "shown"), [
    ("∂loss/∂w2", "dloss/dw2"), ("(y_2 - y) ⊙ y_2 ⊙ (1 - y_2)", "(y_2 - y) * y_2 * (1 - y_2)"),
    ("w2ᵀ · δ", "w2.T @ delta"),
    ("(σ(z) - t)/N", "(sigmoid(z) - t)/N"), ("σ² + μ", "sigma**2 + mu"), ("Σ_n(x)", "sum_n(x)"),
    ("X⁻¹ · X⁻ᵀ", "X.inv @ X.inv.T"), ("x[2·i+1]", "x[2*i+1]"),
    ("0.5 · x_2 · δ", "0.5 * x_2 @ delta"), ("x · -1.5e-07 · y", "x * -1.5e-07 * y"), ("x_2 · y", "x_2 @ y"),
    ("Γ Ω λ ς", "Gamma Omega lambda sigma"), ("x₁₂", "x_12"), ("…", "..."), ("café", "cafe"), ("名", "\\u540d"),
])  # fmt: skip
def test_ascii(text: str, shown: str) -> None:
    """Signs by a table, Greek letters by name, accents dropped, the rest escaped."""
    assert to_ascii(text) == shown


def test_ascii_is_complete() -> None:
    """Whatever comes in, what comes out is ASCII, and ASCII text is untouched."""
    assert all(to_ascii(chr(code)).isascii() for code in range(0x80, 0x3000))
    assert to_ascii("".join(map(chr, range(128)))) == "".join(map(chr, range(128)))
