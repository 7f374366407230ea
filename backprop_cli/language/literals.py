"""Long lists of plain numbers, read without YAML: most of a large spec, and two events of its parser, not thousands.

YAML is given the text with spaces in their place, so every offset stays; where its parser then meets an empty list
at the very place, the numbers are its content.  What is no such list (text in quotes, a comment) is never met, and
whatever is unusual in one (a comment, a word, 1e999, rows of unequal length) leaves all of it to YAML.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from math import prod
from typing import Any, Final

from backprop_cli.language.model import Shape
from backprop_cli.language.source import Source
from backprop_cli.language.tree import Node, Scalar, Sequence, resolve

LONG: Final = 24  # characters; a shorter one costs YAML no more than us
DEEP: Final = 8  # axes
EXACT: Final = 2**53  # above it, float64 skips whole numbers

_RUN = re.compile(rf"\[[-+.0-9eE,\[\] \r\n]{{{LONG},}}")
_SPACES = str.maketrans(dict.fromkeys("-+.0123456789eE,[]", " "))
_TOKEN = re.compile(r"[-+.0-9eE]+|[\[\]]")


class Literal(Sequence):
    """A list of numbers, or of such lists of equal shape; the nodes of its entries are made when they are asked for."""

    __slots__ = ("flat", "shape")

    def __init__(self, source: Source, start: int, end: int, shape: Shape, flat: array[float]) -> None:
        self.source, self.start, self.end = source, start, end
        self.shape, self.flat = shape, flat

    def __getattr__(self, name: str) -> list[Node]:
        if name != "items":
            raise AttributeError(name)
        self.items = _nodes(self.source, self.start, self.end)
        return self.items

    @property
    def nodes(self) -> int:
        """How many nodes YAML would make of it."""
        return sum(prod(self.shape[:rank]) for rank in range(len(self.shape) + 1))


def long_lists(source: Source, text: str) -> Iterator[Literal]:
    """The long lists of plain numbers in a text, and what only looks like them.

    Where JSON reads a list of digits, points, signs and commas, it means what YAML means by it.
    """
    for run in _RUN.finditer(text):
        from json import JSONDecoder

        decoded = JSONDecoder().raw_decode
        chunk, base = run[0], run.start()
        at = 0
        while at >= 0:
            try:
                value, end = decoded(chunk, at)
                flat = array("d")
                shape = _gathered(value, flat, DEEP)
            except (ValueError, TypeError, OverflowError, RecursionError):
                break  # and no second look at what JSON stopped at, or this could take forever
            if shape:
                yield Literal(source, base + at, base + end, shape, flat)
            at = chunk.find("[", end)


def _gathered(value: list[Any], flat: array[float], deep: int) -> Shape | None:
    """The numbers of a nested list, appended; its shape, None where rows differ or float64 skips a number."""
    if not value or not deep:
        return None
    if not isinstance(value[0], list):
        flat.fromlist(value)  # a TypeError for a list among numbers
        return (len(value),) if -EXACT <= min(value) <= max(value) <= EXACT else None
    inner = _gathered(value[0], flat, deep - 1)
    if inner is None or any(_gathered(row, flat, deep - 1) != inner for row in value[1:]):
        return None
    return (len(value), *inner)


def blanked(text: str, literals: list[Literal]) -> str:
    """The text with spaces for what is between the brackets of the lists."""
    parts: list[str] = []
    at = 0
    for one in literals:
        parts += text[at : one.start + 1], text[one.start + 1 : one.end - 1].translate(_SPACES)
        at = one.end - 1
    return "".join((*parts, text[at:]))


def _nodes(source: Source, start: int, end: int) -> list[Node]:
    """The nodes of a list's entries, as YAML would make them."""
    opened: list[tuple[int, list[Node]]] = []
    items: list[Node] = []
    for token in _TOKEN.finditer(source.text, start + 1, end - 1):
        if token[0] == "[":
            opened.append((token.start(), items))
            items = []
        elif token[0] == "]":
            begun, outer = opened.pop()
            outer.append(Sequence(source, begun, token.end(), items))
            items = outer
        else:
            items.append(Scalar(source, token.start(), token.end(), token[0], resolve(token[0]), ""))
    return items
