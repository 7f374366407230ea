"""The words of LaTeX mathematics: names with their accents and indices, figures, literal text, all escaped."""

from __future__ import annotations

import re
from functools import lru_cache

from backprop_cli.formulas.notation.names import GREEK, GREEK_LETTERS, taken_apart


@lru_cache(maxsize=1 << 16)  # each name of a long chain is written several times, far from each other
def latex_name(name: str) -> str:
    r"""A node's name in LaTeX: y_1 is y_{1}, W_mu is W_{\mu}, xhat is \hat{x}, loss is \mathrm{loss}."""
    parts = taken_apart(name)
    base = _latex_word(parts.base)
    accented = rf"\{parts.accent}{{{base.strip()}}}" if parts.accent else base
    if not parts.index:
        return accented
    return rf"{accented.rstrip()}_{{{parts.index if parts.index.isdigit() else _latex_word(parts.index).strip()}}}"


def _latex_word(base: str) -> str:
    if base in GREEK:
        return "\\" + base
    if len(base) == 1 and base in GREEK_LETTERS:
        return "\\" + GREEK_LETTERS[base] + " "
    if len(base) == 1 and base != "_" and (base.isascii() or _letter(base).startswith("\\")):
        return _letter(base)
    return rf"\mathrm{{{escaped(base)}}}"


def escaped(text: str) -> str:
    """A word in letters that every document's fonts have; what is escaped already stays."""
    return re.sub(r"(?<!\\)([_#%&$])", r"\\\1", "".join(map(_letter, text)))


_MARKS = {"\u0300": "grave", "\u0301": "acute", "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0306": "breve",
          "\u0307": "dot", "\u0308": "ddot", "\u030a": "mathring", "\u030c": "check"}  # fmt: skip


def _letter(char: str) -> str:
    """A letter that every document's fonts have: Greek by its name, ŷ as y with a hat, others by their number."""
    if char.isascii():
        return char
    if char in GREEK_LETTERS:
        return rf"\{GREEK_LETTERS[char]} "
    import unicodedata

    base, *marks = list(unicodedata.normalize("NFKD", char))
    if not marks or not all(mark in _MARKS for mark in marks):
        return f"u{ord(char):04x}" if not base.isascii() or marks else base
    found = _letter(base).strip()
    for mark in marks:
        found = rf"\{_MARKS[mark]}{{{found}}}"
    return found


_EXPONENT = re.compile(r"(.*)e([+-])0*(\d+)")


def figure(text: str) -> str:
    """A rounded number: 1.5 · 10^{-7}."""
    if found := _EXPONENT.fullmatch(text):
        sign = "-" if found[2] == "-" else ""
        return rf"{found[1]} \cdot 10^{{{sign}{found[3]}}}"
    return {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\text{nan}"}.get(text, text)


_UPRIGHT = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}


def typewriter(text: str) -> str:
    """Words of the language as they are written."""
    shown = "".join(_UPRIGHT.get(c) or (f"\\{c}" if c in "_#%&${}" else c) for c in text)
    return rf"\texttt{{{shown}}}"


def latex_text(text: str) -> str:
    """Literal text inside mathematics, escaped."""
    return re.sub(
        r"([_#%&${}])", r"\\\1", text.replace("\\", r"\backslash ").replace("^", r"\hat{} ").replace("~", r"\sim ")
    )
