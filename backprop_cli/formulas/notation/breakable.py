r"""LaTeX that says where a line may end: as `latex`, with a mark in front of each operator and after each comma.

`report.mathlines` breaks it to a width, and takes the marks out.
"""

from __future__ import annotations

from dataclasses import dataclass

from backprop_cli.formulas.notation.latex import Latex

SUM, PRODUCT, COMMA = "\x01", "\x02", "\x03"
"""How tightly what stands around a mark is bound; no text of a user holds one of these."""


@dataclass(frozen=True)
class Breakable(Latex):
    """LaTeX with marks."""

    plus: str = SUM + " + "
    minus: str = SUM + " - "
    matmul: str = PRODUCT + " "
    beside: str = PRODUCT + r" \, "
    by: str = PRODUCT + r" \cdot "
    side: str = PRODUCT + r" \, "
    hadamard: str = PRODUCT + r" \odot "
    correlation: str = PRODUCT + r" \star "
    convolution: str = PRODUCT + r" \ast "
    comma: str = "," + COMMA + " "


NOTATION = Breakable()
