"""Lines that fit the page: formulas are broken at their marks, rows of numbers laid out anew, sentences between words.

A formula is broken at its outermost operator that fits, which leads the next line; never inside a bracket that fits the
next line whole, and never in a name, a number or an index.  What is continued stands under the right-hand side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, pairwise
from typing import Any

from backprop_cli.formulas.marks import CALL, COMMA, EQUAL, LAST, PLACES, plain
from backprop_cli.records import dataclass
from backprop_cli.report import arrays
from backprop_cli.report.breaking import Atom, ends

NARROWEST, DEFAULT = 40, 100

INDENT = "  "
HANG, LEAST = 6, 24
"""How far what stands under a long left-hand side is moved in, and for how many columns it is not."""

OPENING, CLOSING = "([{", ")]}"
_UNSEEN = "\x1b\\[[0-9;]*m|[\u0302\u0307]"
MARKED = "([\x01-\x06])"
"""The marks of a formula, each a part of its own."""


def columns(text: str) -> int:
    """How wide a text is: colours and what stands above a letter take no column."""
    if "\x1b" in text or "\u0302" in text or "\u0307" in text:  # found much faster than replaced, and rare
        text = re.sub(_UNSEEN, "", text)
    return len(text)


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


def broken(text: str, room: int) -> list[str]:
    """A marked formula on lines of at most so many characters, each further one moved in as deep as it was broken.

    The items of a list stand under each other.
    """
    if len(text) <= room or columns(plain(text)) <= room:
        return [plain(text)]
    listed = text.removesuffix(",")  # a row of a matrix has one
    items = _items(listed, room)
    if items:
        lines = [line for item in items for line in broken(item, room - 3)]
        return [f"[{lines[0]}", *(f" {line}" for line in lines[1:-1]), f" {lines[-1]}]{text[len(listed):]}"]
    atoms = _atoms(text)
    indent = [max(0, min(2 * atom.level, room // 4, room - atom.width)) for atom in atoms].__getitem__
    starts = [0, *ends(atoms, room, indent)]
    lines = ["".join(atom.text for atom in atoms[a:b]) for a, b in zip(starts, [*starts[1:], len(atoms)], strict=True)]
    first, *rest = [line.rstrip() for line in lines]
    found = [first, *(" " * indent(at) + line.lstrip() for at, line in zip(starts[1:], rest, strict=True))]
    return [part for line in found for part in narrowed(line, room)]


def _items(text: str, room: int) -> list[str]:
    """Of a list that is the whole text its items, with their commas, where each reads better on a line of its own.

    Those are the rows of a matrix, and entries of which one is long.
    """
    depths = [*accumulate((sign in OPENING) - (sign in CLOSING) for sign in text)]
    if not (text.startswith("[") and text.endswith("]")) or 0 in depths[:-1]:
        return []
    cuts = [i for i, sign in enumerate(text) if sign == COMMA and depths[i] == 1]
    items = [text[a + 1 : b].strip() for a, b in pairwise([0, *cuts, len(text) - 1])]
    long = text.startswith("[[") or max(map(columns, map(plain, items))) > room // 3
    return items if cuts and long else []


def _atoms(text: str) -> list[Atom[int]]:
    """The text between marks, each with how deep in brackets it begins; a factor stands deeper than a term."""
    first, *parts = re.split(MARKED, text)
    found, within = list[Atom[int]](), list[int]()
    opened, count = [0], 0  # the brackets that are open, by number
    loosest: dict[int, int] = {}
    for mark, part in zip(("", *parts[::2]), (first, *parts[1::2]), strict=True):
        here, place = opened[-1], PLACES.get(mark, 0)
        deep = LAST if mark == CALL else 0
        found.append(Atom(part, columns(part), len(opened) - 1 + deep, place))
        within.append(here)
        if place and mark not in {EQUAL, CALL}:
            loosest[here] = min(place, loosest.get(here, place))
        for sign in part:
            if sign in OPENING:
                count += 1
                opened.append(count)
            elif sign in CLOSING and len(opened) > 1:
                opened.pop()
    for atom, bracket in zip(found, within, strict=True):
        atom.level = atom.depth % LAST + 1 + (atom.place > loosest.get(bracket, atom.place))
    return found


def worded(text: str, width: int | None, indent: str = "") -> list[str]:
    """A sentence on as many lines as it takes, broken between words, whatever signs there are in it."""
    if width is None or columns(text) <= width:
        return [text]
    lines, line = [], ""
    for gap, word in re.findall(r"( *)([^ ]+)", text):
        if line.strip() and columns(line + gap + word) > width:
            lines.append(line)
            line = indent + word
        else:
            line += gap + word
    return [part for line in [*lines, line] for part in narrowed(line, width)]


_SEAMS = ("(?<=/)(?=∂|d[A-Za-z])", "(?<=[_/.])")
"""Where a line ends that has no other place for it: in front of the lower ∂ of a gradient, else inside a name."""


def narrowed(line: str, width: int) -> list[str]:
    """A line that is one long name, or a gradient of two, on as many lines as it takes."""
    parts = [line]
    for seam in _SEAMS:
        parts = [piece for part in parts for piece in _filled(part, seam, width)]
    return parts


def _filled(line: str, seam: str, width: int) -> Iterator[str]:
    """A line that is too wide, ended at seams, as late as they allow; what follows is moved in as it is."""
    if columns(line) <= width:
        yield line
        return
    margin = line[: len(line) - len(line.lstrip())]
    text = ""
    for part in re.split(seam, line):
        if text.strip() and columns(text + part) > width:
            yield text
            text = margin
        text += part
    yield text


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Array:
    """Numbers, laid out when their room is known; of a large array also what its entries are like."""

    value: Any
    digits: int
    shown: Callable[[str], str] = str
    more: str = ""

    def lines(self, room: int | None) -> list[str]:
        """Rows of numbers under each other."""
        found = [self.shown(line) for line in arrays.lines(self.value, self.digits, room=room)]
        if not arrays.abridged(self.value):
            return found
        return [*found, *worded(arrays.summary(self.value, self.digits) + self.more, room, "  ")]


@dataclass(frozen=True, slots=True)
class Row:
    """`left = body`, and a remark beside it, from a column on; the body is a marked formula, a sentence, or numbers."""

    left: str
    body: str | Array
    sign: str = "="
    remark: str = ""
    column: int = 0
    paint: Callable[[str], str] = str  # of the remark

    @property
    def head(self) -> str:
        """What stands before the body."""
        return f"{self.left} {self.sign} " if self.sign else self.left

    @property
    def whole(self) -> str:
        """The body on as many lines as it has where nothing is broken."""
        return "\n".join(self.body.lines(None)) if isinstance(self.body, Array) else plain(self.body)


def fitted(rows: Iterable[Row | str], width: int | None) -> Iterator[str]:
    """Every line no wider than the page; equals signs of one chain stand under each other."""
    for row, *more in _chains(rows):
        if isinstance(row, Row):
            chain = [row, *(one for one in more if isinstance(one, Row))]
            hangs = width is not None and any(_is_hanging(one, width) for one in chain)
            margin = min(_margin(one, width or 0) for one in chain) if hangs else None
            yield from (line for one in chain for line in _laid_out(one, width, margin))
        else:
            yield from worded(row, width, " " * (len(row) - len(row.lstrip()) + 2))


def _chains(rows: Iterable[Row | str]) -> Iterator[list[Row | str]]:
    """Rows without a left-hand side go with the one before, unless that is a line of words."""
    chain: list[Row | str] = []
    for row in rows:
        goes_on = isinstance(row, Row) and not row.left.strip() and row.sign
        if chain and not (goes_on and isinstance(chain[0], Row)):
            yield chain
            chain = []
        chain.append(row)
    if chain:
        yield chain


def _is_hanging(row: Row, width: int) -> bool:
    """Whether the right-hand side has no room beside the left one: half of the page, or what no mark breaks."""
    at = columns(row.head)
    if at + max(map(columns, row.whole.splitlines()), default=0) <= width:
        return False
    whole = _unbroken(row.body)
    if not row.sign:
        return bool(row.left.strip()) and at + max(whole) > width
    return at > min(width // 2, width - LEAST) or at + max(whole) > width


def _margin(row: Row, width: int) -> int:
    """How far what hangs is moved in: less where what no mark breaks would not fit."""
    sign = len(row.sign) + 1 if row.sign else 0
    return max(len(INDENT), min(HANG, width - sign - max(_unbroken(row.body))))


def _unbroken(body: str | Array) -> list[int]:
    """How wide the parts are that no line ends in."""
    if isinstance(body, Array):
        return [0]
    parts = re.split(MARKED, body) if re.search(MARKED, body) else body.split(" ")
    return [columns(part.strip()) for part in parts]


def _laid_out(row: Row, width: int | None, margin: int | None) -> Iterator[str]:
    """A row, its right-hand side beside its left one or, where it hangs, under it, moved in by a margin."""
    head = row.head
    if margin is not None:
        if row.left.strip():
            yield from narrowed(row.left.rstrip(), width or columns(row.left))
        head = " " * margin + (f"{row.sign} " if row.sign else "")
    at = columns(head)
    lines = _body(row.body, None if width is None else width - at)
    lines = [head + lines[0], *(" " * at + line for line in lines[1:])]
    beside = 0 if isinstance(row.body, Array) else len(lines) - 1
    if row.remark:
        gap = _gap(lines[beside], row, width)
        if gap is None:
            lines += [" " * at + row.paint(line) for line in worded(row.remark, (width or 0) - at, "   ")]
        else:
            lines[beside] += " " * gap + row.paint(row.remark)
    yield from lines


def _body(body: str | Array, room: int | None) -> list[str]:
    if isinstance(body, Array):
        return body.lines(room)
    if room is None:
        return [plain(body)]
    return broken(body, room) if re.search(MARKED, body) else worded(body, room)


def _gap(line: str, row: Row, width: int | None) -> int | None:
    """How far a remark stands from its line; None where there is no room for it."""
    taken = columns(line)
    column = row.column if width is None else min(row.column, width - columns(row.remark))
    gap = max(2, column - taken)
    return gap if width is None or taken + gap + columns(row.remark) <= width else None
