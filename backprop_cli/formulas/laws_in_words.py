"""The laws of the algebra as people write them."""

from __future__ import annotations

import re

from backprop_cli.formulas.algebra.laws import Law

SPELLED = (("2*", "2 * "), ("**2", "²"), (".T", "ᵀ"), (" * ", " · "), (" @ ", " · "), ("sum(", "Σ("))
EYE = re.compile(r"\beye\(\w\)")
DOT = re.compile(r"\b([xyz]) @ ([xyz])\b")
OUTER = re.compile(r"outer\(([^(),]+), ([^(),]+)\)")


def spelled(law: Law) -> str:
    """A law as people write it."""
    text = " = ".join(_outside(OUTER.sub(_side_by_side, EYE.sub("I", _dotted(side)))) for side in (law.left, law.right))
    for code, sign in SPELLED:
        text = text.replace(code, sign)
    return text


def _outside(side: str) -> str:
    """Without brackets around the whole."""
    whole = side.startswith("(") and side.endswith("ᵀ)")
    return side[1:-1] if whole else side


def _dotted(text: str) -> str:
    """A product of two vectors with the first as a row."""
    return DOT.sub(r"\1.T @ \2", text)


def _side_by_side(found: re.Match[str]) -> str:
    """x · yᵀ, in brackets."""
    column, row = (f"({one})" if " " in one else one for one in found.groups())
    return f"({column} · {row}ᵀ)"
