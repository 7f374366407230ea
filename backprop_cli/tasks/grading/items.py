"""Items: what may be asked and answered, `loss`, `w2.grad`, `w2.formula`."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from backprop_cli.tasks.grading.results import What

SUFFIXES = {"": "", "value": "", "grad": ".grad", "gradient": ".grad", "formula": ".formula"}
"""What follows a node's name, and how it is spelled in reports."""


@dataclass(frozen=True, slots=True)
class Item:
    """A node, and what of it."""

    node: str
    suffix: str  # '', '.grad' or '.formula'

    @property
    def name(self) -> str:
        """The item as reports spell it."""
        return self.node + self.suffix

    @property
    def what(self) -> What:
        """What a right answer is."""
        return "gradient" if self.suffix else "value"


def item_of(text: str) -> Item | None:
    """Read an item; None where what follows the dot is none of the suffixes."""
    node, _, suffix = unicodedata.normalize("NFC", text.strip()).partition(".")
    return Item(node, SUFFIXES[suffix]) if suffix in SUFFIXES and node else None
