r"""From where to where a sum goes: `Σ_{n=1}^{4} x_n`, `\sum_{n=0}^{N-1}`, `Σₙ₌₁ᴺ`.

The bounds stand as a factor under the sum, `Σ_n upto(n, 1, 4) · x_n`, which is 1 at the numbers from first to last and
0 at any other; where what they say is no number nor a size of the key they say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from backprop_cli.language import expression as ast

UPTO = "upto"
LATEX = "\\"
MOST = 1_000_000_000
"""That a sum is said to go to."""

_BOUNDED = re.compile(
    r"(?P<sum>\\sum(?:\\limits)?|Σ|∑|\bsum)_\s*\{\s*(?P<letter>[a-z])\s*=\s*(?P<first>\d{1,6})\s*\}\s*"
    r"\^\s*(?:\{\s*(?P<last>\w{1,20}(?:\s*[-−]\s*1)?)\s*\}|(?P<end>\w))\s*")  # fmt: skip
_RAISED = re.compile(r"([Σ∑])([₌₀-₉ₐₑₕ-ₜᵢᵣᵤᵥₓⱼ]+)([⁰¹²³⁴-⁹ⁿᵐᴺᴹᴷᴰᵀᴮ⁻]*)")
_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉₌ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ⁰¹²³⁴⁵⁶⁷⁸⁹ⁿᵐᴺᴹᴷᴰᵀᴮ⁻",
                       "0123456789=aehijklmnoprstuvx0123456789nmNMKDTB-")


def spelled_out(text: str) -> str:
    """`Σₙ₌₁ᴺ x`: `Σ_{n=1}^{N} x`."""

    def plain(found: re.Match[str]) -> str:
        below, above = (one.translate(_PLAIN) for one in found.groups()[1:])
        return f"{found[1]}_{{{below}}}" + (f"^{{{above}}} " if above else " ")

    return _RAISED.sub(plain, text)


def bounded(text: str) -> str:
    """`Σ_{n=1}^{4} x_n`, with its bounds as a factor; those over what bears no letter are left out."""

    def plain(found: re.Match[str]) -> str:
        letter, last = found["letter"], re.sub(r"\s", "", found["last"] or found["end"]).replace("−", "-")
        rest = text[found.end() :]
        name, gap = (r"\operatorname{" + UPTO + "}", " ") if LATEX in text else (UPTO, " · ")
        bears = re.search(rf"_(?:[a-z]{{0,2}}{letter}|\{{[\w\s,+-]*{letter}[\w\s,+-]*\}})", rest)
        bounds = f"{name}({letter}, {found['first']}, {last}){gap}" if bears else ""
        return f"{found['sum']}_{{{letter}}} {bounds}"

    return _BOUNDED.sub(plain, text)


def numbers(call: ast.Call, sizes: Mapping[str, int]) -> range | None:
    """The numbers from the first to the last; None where the last is no number, nor the name of a size."""
    _, first, last = (one.value for one in call.arguments)
    less = 1 if isinstance(last, ast.Binary) else 0
    last = last.left if isinstance(last, ast.Binary) else last
    end = sizes.get(last.name) if isinstance(last, ast.Name) else getattr(last, "text", None)
    if end is None or int(end) > MOST or not isinstance(first, ast.Number):
        return None
    return range(int(first.text), int(end) - less + 1)
