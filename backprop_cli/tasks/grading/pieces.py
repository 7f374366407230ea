"""A formula in pieces, from whatever notation, put together as the program's own text."""

from __future__ import annotations

import re

from backprop_cli.records import dataclass

OPENING, CLOSING = "([", ")]"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of text, and what it is: a factor, a number, the name of a function, a sign, a bracket."""

    text: str
    kind: str


def joined(parts: list[Part]) -> str:
    """The pieces as text; factors side by side are a product, but for a number before one."""
    text = ""
    for i, part in enumerate(parts):
        last = parts[i - 1].kind if i else ""
        ends = last in {"factor", "close", "suffix"}
        begins = part.kind in {"factor", "open", "function", "prefix", "number"}
        if ends and begins:
            text += " · "
        elif begins and (last == "number" or (last == "function" and part.kind != "open")):
            text += " "
        text += f" {part.text} " if part.kind == "sign" else part.text
    return _axes(text).strip()


def _axes(text: str) -> str:
    """`Σ#1(x)` as `Σ(x, axis=1)`."""
    while (found := re.search(r"Σ#(\d+)", text)) is not None:
        rest = text[found.end() :].lstrip(" ·")
        end = _closing(rest) if rest.startswith("(") else len(rest)
        inner = rest[1 : end - 1] if rest.startswith("(") else rest
        text = f"{text[: found.start()]}Σ({inner}, axis={found[1]}){rest[end:]}"
    return text


def _closing(text: str) -> int:
    """Where the bracket that a text begins with is closed."""
    depth = 0
    for i, sign in enumerate(text):
        depth += (sign in OPENING) - (sign in CLOSING)
        if depth == 0:
            return i + 1
    return len(text)
