"""Lines that fit the page: a formula is broken at its outermost operator that fits; the operator leads the next line.

A break never falls inside a bracket that fits the next line whole; sentences are broken between words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import TypeVar

NARROWEST, DEFAULT = 40, 100
N = TypeVar("N", int, float)

PRECEDENCE = {"=": 0, "+": 1, "-": 1, "⊙": 2, "·": 2, "⋆": 2, "∗": 2, "/": 2, "*": 2, "@": 2}
OPENING, CLOSING = "([{", ")]}"
_CODE = re.compile(r"\x1b\[[0-9;]*m")
_LABELLED = re.compile(r"  (?:[a-z]+ ?)+ {2,}(?=\S)")
_REMARK = re.compile(r" {2,}(?P<remark>(?:at |param|input|\(\d|scalar).*)$")
_ARRAY = re.compile(r"\[+ *-?(?:\d|…|inf|nan)")


def fitted(lines: Iterable[str], width: int | None) -> Iterator[str]:
    """Every line no wider than the page; a line with colours keeps them up to its first break."""
    for line in lines:
        plain = _CODE.sub("", line)
        if width is None or len(plain) <= width:
            yield line
        else:
            yield from _coloured(_fit(plain, width), line, plain)


def worded(text: str, width: int | None, indent: str = "") -> list[str]:
    """A sentence on as many lines as it takes, broken between words, whatever signs there are in it."""
    if width is None:
        return [text]
    return wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _coloured(broken: list[str], line: str, plain: str) -> list[str]:
    """The first line with the colours that stand before its formula."""
    mark = plain.find(" = ")
    start = line.find(" = ")
    return [line[:start] + broken[0][mark:], *broken[1:]] if 0 <= mark < len(broken[0]) and start > mark else broken


def _fit(plain: str, width: int) -> list[str]:
    """A line that is too wide, broken: under its right-hand side where it has one."""
    column = _column(plain, width)
    head, text = plain[:column], plain[column:]
    remark = None if _ARRAY.match(text) else _REMARK.search(text)
    if remark:
        text = text[: remark.start()]
    first, *rest = broken(text, width - column)
    found = [head + first, *(" " * column + line for line in rest)]
    if remark is None:
        return found
    tail = f"  {remark['remark']}"
    if len(found[-1]) + len(tail) <= width:
        return [*found[:-1], found[-1] + tail]
    return [*found, *(" " * column + line for line in broken(remark["remark"], width - column))]


def _column(plain: str, width: int) -> int:
    """Where the right-hand side begins."""
    equals = plain.find(" = ")
    if 0 <= equals < width // 2:
        return equals + 3
    label = _LABELLED.match(plain)
    return label.end() if label and label.end() < width // 2 else len(plain) - len(plain.lstrip())


def broken(text: str, room: int) -> list[str]:
    """A formula or a sentence on lines of at most so many characters, wherever it has a place to be broken."""
    lines: list[str] = []
    indent = ""
    while len(indent) + len(text) > room:
        here = room - len(indent)
        place = _place(text, here, room - 2) or _space(text, here) or text.find(" ", 1)
        if place < 1:
            break
        lines.append(indent + text[:place].rstrip())
        text, indent = text[place:].lstrip(), "  "
    return [*lines, indent + text]


def _places(text: str) -> Iterator[tuple[int, int, int]]:
    """(depth, precedence, position) of each operator between spaces, and after each comma."""
    depth = 0
    for position, sign in enumerate(text):
        if sign in OPENING:
            depth += 1
        elif sign in CLOSING:
            depth -= 1
        elif sign == "," and text[position + 1 : position + 2] == " ":
            yield depth, 3, position + 2
        elif sign in PRECEDENCE and position and text[position - 1] == text[position + 1 : position + 2] == " ":
            yield depth, PRECEDENCE[sign], position


def _place(text: str, room: int, next_room: int) -> int | None:
    """Where a line of text ends."""
    return outermost([place for place in _places(text) if place[2] > 0], len(text), room, next_room)


def outermost(places: Sequence[tuple[int, int, N]], total: N, room: N, next_room: N) -> N | None:
    """Of places (depth, precedence, position) the outermost that fits, as late as it can be.

    A deeper one only where what follows would not fit the next line anyway.
    """
    groups = sorted({(depth, precedence) for depth, precedence, _ in places})
    fallback = None
    for group in groups:
        at = [position for depth, precedence, position in places if (depth, precedence) == group and position <= room]
        if not at:
            continue
        last = at[-1]
        ends = [p for depth, precedence, p in places if (depth, precedence) <= group and p > last]
        if last >= room // 3 or (ends[0] if ends else total) - last <= next_room:
            return last
        fallback = fallback or last
    return fallback


def _space(text: str, room: int) -> int:
    """The last space that fits; 0 if none does."""
    return max(0, text.rfind(" ", 1, room + 1))
