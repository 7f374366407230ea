"""The positioned tree of a YAML document: what the loader makes and the reader reads."""

from __future__ import annotations

import re

from backprop_cli.language.source import Source, Text
from backprop_cli.records import dataclass

# Not frozen: a spec may hold 100,000 numbers, and a frozen dataclass costs four times as much to make.


@dataclass(slots=True)
class Node:
    """A value and the offsets of its raw token in the source."""

    source: Source
    start: int
    end: int

    @property
    def at(self) -> Text:
        """Where the node stands, as a text to take places from."""
        return Text("", self.source, self.start, self.end, "generated")


@dataclass(slots=True)
class Scalar(Node):
    """A number, text, true, false or null; `raw` is its text after quoting and folding are undone."""

    raw: str
    value: str | int | float | bool | None
    style: str

    @property
    def text(self) -> Text:
        """The raw text with its origin."""
        return Text(self.raw, self.source, self.start, self.end, self.style)

    @property
    def at(self) -> Text:
        """The raw text with its origin."""
        return self.text


@dataclass(slots=True)
class Sequence(Node):
    """A list."""

    items: list[Node]


@dataclass(slots=True)
class Mapping(Node):
    """Keys and values in the order written; keys are unique."""

    items: list[tuple[Scalar, Node]]


_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_BASES = {"0o": 8, "0x": 16}
_MAX_DIGITS = 400  # Python refuses to convert thousands of digits; no float has that many

_SCALARS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((sign + word for sign in ("", "+") for word in (".inf", ".Inf", ".INF")), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


def resolve(raw: str) -> str | int | float | bool | None:
    """The value of a plain scalar by the YAML 1.2 core schema: `1e-3` a number, `no` text, `017` is 17."""
    if raw[:1].isalpha():  # as nearly all names and expressions
        return _SCALARS.get(raw, raw)
    if _INTEGER.fullmatch(raw) and len(raw) <= _MAX_DIGITS:
        return int(raw[2:], _BASES[raw[:2]]) if raw[:2] in _BASES else int(raw)
    if _NUMBER.fullmatch(raw):
        return float(raw)
    return _SCALARS.get(raw, raw)
