"""What may reach a terminal or a file: user text made harmless, and Unicode spelled in ASCII."""

from __future__ import annotations

import re

from backprop_cli.formulas.marks import SCALED

# Control characters, bidirectional overrides, invisible marks, line separators, and the surrogates that stand for
# undecodable bytes of a path: each could hide or rewrite what a reader sees.
_UNSAFE = (  # a text: `re` compiles it for the first that needs it
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _SHORT.get(match[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def safe(text: str) -> str:
    """User text on one line, with everything invisible or dangerous written as an escape."""
    return text if text.isascii() and text.isprintable() else re.sub(_UNSAFE, _escaped, text)


_HIDDEN = "[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb]"


def json_safe(text: str) -> str:
    r"""JSON whose strings hold no invisible character as it is: they are written as \u escapes, which mean the same."""
    if text.isascii() or text.isprintable():  # in which case nothing is hidden
        return text
    return re.sub(_HIDDEN, lambda found: f"\\u{ord(found[0]):04x}", text)


# ── ASCII ────────────────────────────────────────────────────────────────────────────────────────

_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀ", "0123456789+-T", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True))
_SIGNS = {
    "∂": "d", "⊙": "*", "·": "@", "×": "*", "⊗": "outer", "−": "-", "⋅": "@", "∘": "*", "÷": "/", "±": "+-",
    "Σ": "sum", "∑": "sum", "∏": "prod", "√": "sqrt", "∞": "inf", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~=",
    "→": "->", "←": "<-", "↦": "|->", "⇒": "=>", "…": "...", "⋯": "...", "⋮": "...", "—": "-", "–": "-", "‖": "||",
    "ℓ": "l", "∈": "in", "∇": "grad", "δ": "delta", "′": "'", "‘": "'", "’": "'", "“": '"', "”": '"', "•": "*",
    "⋆": "corr", "∗": "conv", "─": "-", "│": "|", "├": "|", "└": "`", "┌": "+", "┐": "+", "┘": "+", "┼": "+", "✓": "ok",
    "✗": "x",
}  # fmt: skip
_POWER = f"[{''.join(_SUPERSCRIPTS)}]+"
_INDEX = f"[{''.join(_SUBSCRIPTS)}]+"
_SCALED = rf"(?<={SCALED} )·|(?<![\w.])(?P<number>\d[\d.]*(?:e[-+]?\d+)? ?)·|·(?= ?-?\d)"  # by a scalar, a number
_POWERS = {"T": ".T", "-T": ".inv.T", "-1": ".inv"}


def to_ascii(text: str) -> str:
    """The text for a terminal that shows only ASCII: `∂loss/∂w · xᵀ` is `dloss/dw @ x.T`, of scalars `dL/dy * w`."""
    if text.isascii():
        return text
    text = re.sub(_SCALED, r"\g<number>*", text)
    text = re.sub(_POWER, _power, text.replace("σ(", "sigmoid("))
    text = re.sub(_INDEX, lambda found: "_" + "".join(_SUBSCRIPTS[c] for c in found[0]), text)
    return "".join(c if c.isascii() else _SIGNS.get(c) or _spelled(c) for c in text)


def _power(found: re.Match[str]) -> str:
    plain = "".join(_SUPERSCRIPTS[c] for c in found[0])
    return _POWERS.get(plain, f"**{plain}")


def _spelled(char: str) -> str:
    """A Greek letter by its name, an accented Latin one without its accent, anything else as an escape."""
    import unicodedata

    name = unicodedata.name(char, "")
    if name.startswith("GREEK "):
        letter = name.partition(" LETTER ")[2].split(" WITH ")[0].removeprefix("FINAL ").lower()
        letter = "lambda" if letter == "lamda" else letter  # Unicode's spelling
        return letter.capitalize() if "CAPITAL" in name else letter
    base = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return base or (f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}")
