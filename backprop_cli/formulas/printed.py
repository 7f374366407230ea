"""What a printed formula is: its terms, its notations, and why one may be missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

TERMS = ("local", "nodes", "leaves")
Terms = Literal["local", "nodes", "leaves"]
NOTATIONS = ("text", "code", "latex")
"""What every result holds."""
ASKED = (*NOTATIONS, "mathml")
"""What can be asked for; those that are not in every result are made on demand."""


_ENTRY = re.compile(r"\w+(\[[^\[\]]*\])?")


def partial(output: str, name: str) -> str:
    """`∂loss/∂w`, `∂p[0]/∂a`; brackets where the output or the node is any other expression: `∂(a + b)/∂a`."""
    top, bottom = (part if _ENTRY.fullmatch(part) else f"({part})" for part in (output, name))
    return f"∂{top}/∂{bottom}"


@dataclass(frozen=True, slots=True)
class Printed:
    """A formula in every notation; `deviation` is how far its value is from the gradient's (None: not evaluated)."""

    text: str
    code: str
    latex: str
    deviation: float | None = None
    mathml: str = ""


@dataclass(frozen=True, slots=True)
class Omitted:
    """A formula that is not shown, and why."""

    why: str
