"""What a printed formula is: its terms, its notations, and why one may be missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

TERMS = ("local", "nodes", "leaves")
Terms = Literal["local", "nodes", "leaves"]
ASKED: tuple[str, ...] = ("text", "code", "latex", "mathml")
"""What can be asked for: each is a module of `formulas.notation`, and this row."""
NOTATIONS = ASKED[:3]
"""What every result holds; the others are made on demand."""


UNIT_LETTERS = ("e", "u", "unit", "basis", "unit_vector")
"""What a unit vector may be called: e[2], or where the spec has an e, or uses Euler's, the next one that is free."""

_ENTRY = re.compile(r"\w+(\[[^\[\]]*\])?")


def partial(output: str, name: str) -> str:
    """`∂loss/∂w`, `∂p[0]/∂a`; brackets where the output or the node is any other expression: `∂(a + b)/∂a`."""
    top, bottom = (part if _ENTRY.fullmatch(part) else f"({part})" for part in (output, name))
    return f"∂{top}/∂{bottom}"


@dataclass(frozen=True, slots=True, eq=False)
class Printed(Mapping[str, str]):
    """A formula by notation; `deviation` is how far its value is from the gradient's (None: not evaluated)."""

    written: Mapping[str, str]
    deviation: float | None = None

    def __getitem__(self, notation: str) -> str:
        return self.written[notation]

    def __iter__(self) -> Iterator[str]:
        return iter(self.written)

    def __len__(self) -> int:
        return len(self.written)

    @property
    def text(self) -> str:
        """As a student would write it by hand."""
        return self.written["text"]

    @property
    def code(self) -> str:
        """In the spec language."""
        return self.written["code"]


@dataclass(frozen=True, slots=True)
class Omitted:
    """A formula that is not shown, and why."""

    why: str
