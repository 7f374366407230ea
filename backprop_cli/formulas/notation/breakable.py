"""A notation that says where a line may end: each of its signs with a mark (`formulas.marks`)."""

from __future__ import annotations

from typing import Any

from backprop_cli.formulas.marks import CALL, COMMA, EQUAL, PRODUCT, SCALED, SUM
from backprop_cli.formulas.notation.text import Notation
from backprop_cli.records import replace

SIGNS = {
    "plus": SUM, "minus": SUM, "comma": COMMA, "opening": CALL, "equals": EQUAL,
    **dict.fromkeys(("matmul", "hadamard", "over_bar", "correlation", "convolution"), PRODUCT),
    **dict.fromkeys(("beside", "by", "side"), SCALED),
}  # fmt: skip
"""The signs of a notation at which a line may end."""


def breakable(notation: Notation) -> Notation:
    """The same notation, with marks."""
    signs: dict[str, Any] = {name: notation.marked(getattr(notation, name), mark) for name, mark in SIGNS.items()}
    return replace(notation, **signs)
