"""Items: what may be asked and answered, `loss`, `w2.grad`, `w2.formula`, in any of the spellings people use.

`dW2`, `grad(W2)`, `∂loss/∂W2`, `dL/dW2`, `W2_grad`, `grads["W2"]` and `W2.gradient` are all W2's gradient.  A spelling
is read as one only where what it names is a node and the whole is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from backprop_cli.tasks.grading.results import What

SUFFIXES = {"": "", "value": "", "val": "", "grad": ".grad", "gradient": ".grad", "formula": ".formula",
            "grad.formula": ".formula", "grad.value": ".grad"}  # fmt: skip
"""What follows a node's name, and how it is spelled in reports."""

NAME = r"(?P<node>[^\W\d]\w*)"
GRADIENTS = tuple(re.compile(pattern) for pattern in (
    rf"(?:∂|d|\\partial)\s*\w+(?:\[\d+\])?\s*/\s*(?:∂|d|\\partial)\s*{NAME}",  # ∂loss/∂W2, dL/dW2
    rf"(?:grad|gradient|∇)\s*\(\s*{NAME}\s*\)", rf"(?:grads?|gradients)\s*\[\s*['\"]?(?:d|grad_)?{NAME}['\"]?\s*\]",
    rf"d\w+?_d_?{NAME}", rf"(?:grad|delta|δ|∇|d|∂)_?{NAME}", rf"{NAME}_?(?:grad|gradient)",
    r"(?P<node>[^\W\d]\w*?)_(?:grad|gradient)",
))  # fmt: skip
"""How a node's gradient is called, the surest first."""

UNKNOWN = "an answer is called 'node', 'node.grad' or 'node.formula'"


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


def item_of(text: str, nodes: Collection[str] = ()) -> Item | None:
    """Read an item; None where what follows the dot is none of the suffixes.

    Args:
        text: the name as written.
        nodes: the names of the key; without them only `node`, `node.grad` and `node.formula` are known.
    """
    text = unicodedata.normalize("NFC", text).strip().strip("`$*").strip()
    stem, _, suffix = text.partition(".")
    if stem in nodes:
        return Item(stem, SUFFIXES[suffix]) if suffix in SUFFIXES else None
    for spelling, rest in ((text, ""), (stem, suffix)):
        node = gradient_of(spelling, nodes)
        if node is not None and rest in SUFFIXES:
            return Item(node, SUFFIXES[rest] or ".grad")
    return Item(stem, SUFFIXES[suffix]) if suffix in SUFFIXES and stem else None


def gradient_of(text: str, nodes: Collection[str]) -> str | None:
    """The node whose gradient a spelling names; None where it is none."""
    for pattern in GRADIENTS:
        found = pattern.fullmatch(text)
        if found is not None and found["node"] in nodes:
            return found["node"]
    return None
