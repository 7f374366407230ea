r"""LaTeX mathematics broken to the width of a page, at the marks of `formulas.marks`.

A formula is read as a row of atoms, each with its width in points and how deep in brackets it stands; where a line ends
is chosen as it is for text.
A bracket whose ends come to stand on two lines is set by hand (\bigl, \bigr), since \left needs its \right on the same
line; a fraction or a root that is wider than the page by itself is written with / or as a power.
"""

from __future__ import annotations

import re
from itertools import pairwise

from backprop_cli.formulas.marks import CALL, COMMA, LAST, PLACES, PRODUCT, plain
from backprop_cli.records import dataclass
from backprop_cli.report.breaking import ROW, ends, rows_of
from backprop_cli.report.fitting import DEFAULT
from backprop_cli.report.texwidths import TALL, Part, parts, width

TEXT_WIDTH = 345.0
"""Points, of the text of an `article`: what the default width of a page stands for."""

_LEADING = re.compile(r"(?:\s|\\,)+")
def points(width: int | None) -> float:
    """How many points wide a page of so many columns is."""
    return TEXT_WIDTH * (width or DEFAULT) / DEFAULT


# ── atoms ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Atom:
    """What is never broken; `place` is how loosely what stands on its left is bound, 0 where no line may end there.

    `pair` is the number of the bracket that it opens or closes.
    """

    tex: str
    width: float
    depth: int
    place: int = 0
    pair: int = 0
    opens: bool = False


class Atoms:
    """A formula as atoms; a part wider than `room` is opened."""

    def __init__(self, tex: str, room: float) -> None:
        self.room, self.pairs, self.place = room, 0, 0
        self.found: list[Atom] = []
        self.tall: set[int] = set()  # the brackets around fractions and sums
        self.row(tex, 0)

    def row(self, tex: str, depth: int) -> None:
        """The parts of a row, one after another."""
        for part in parts(tex):
            if part.kind == "mark":
                self.place = PLACES[part.tex]
            elif part.kind == "group":
                self.group(part.ends, part.inner[0], depth)
            elif part.width <= self.room or not part.kind:
                self.add(part.tex, part.width, depth)
            else:
                self.opened(part, depth)

    def add(self, tex: str, wide: float, depth: int, pair: int = 0, opens: bool = False) -> None:
        """One more; spaces do not separate an atom from its place."""
        place, self.place = (0, self.place) if tex.isspace() or tex == r"\," else (self.place, 0)
        deep = depth + LAST if place == PLACES[CALL] else depth
        self.found.append(Atom(tex, wide, deep, place, pair, opens))

    def group(self, ends: tuple[str, str], inner: str, depth: int) -> None:
        """A bracket, what is in it, its other end."""
        self.pairs += 1
        pair, wide = self.pairs, 7.5 if any(one in inner for one in TALL) else 4.7
        self.tall.update({pair} if wide > 5.0 else ())
        is_call = bool(self.found) and self.found[-1].tex.startswith(r"\operatorname")
        self.add(ends[0], wide, depth, pair, opens=True)
        self.place = PLACES[CALL] if is_call else 0
        self.row(inner, depth + 1)
        self.place = 0
        self.add(ends[1], wide, depth, pair)

    def opened(self, part: Part, depth: int) -> None:
        """A part that is wider than a line: a fraction with its bar as a sign, a root as a power."""
        if part.kind == "frac":
            self.operand(part.inner[0], depth)
            self.place = PLACES[PRODUCT]
            self.add("/", 5.1, depth)
            self.operand(part.inner[1], depth, below=True)
        elif part.kind == "brace" and [inner.kind for inner in parts(part.inner[0])] == ["group"]:
            self.row(part.inner[0], depth)  # in brackets already
        elif part.kind in {"root", "brace"}:
            self.group(("(", ")"), part.inner[0], depth)
            if part.kind == "root":
                self.add("^{1/2}", 12.0, depth)
        elif part.kind == "texttt":
            self.literal(part.inner[0], depth)
        else:
            self.add(part.tex, part.width, depth)

    def operand(self, tex: str, depth: int, below: bool = False) -> None:
        """What stood above or below a bar: in brackets, unless it is one thing; 2N is one above, and not below."""
        several = below and sum(1 for part in parts(tex) if part.width and not part.tex.startswith(("_", "^"))) > 1
        if several or any(mark in tex for mark in PLACES):
            self.group(("(", ")"), tex, depth)
        else:
            self.row(tex, depth)

    def literal(self, text: str, depth: int) -> None:
        """The user's own words, a word at a time."""
        for position, word in enumerate(text.split(" ")):
            self.place = PLACES[COMMA] if position else self.place
            tex = rf"\texttt{{{word}}}"
            self.add((r"\ " if position else "") + tex, width(tex) + 3.4, depth)


# ── lines ────────────────────────────────────────────────────────────────────────────────────────

INDENT, CONTINUED = r"\quad ", 10.0
OPENED = (1.0, 0.7, 0.5, 0.35)
"""What share of a line a part may take before it is opened, one after the other until every line fits."""


def fitted(tex: str, room: float) -> list[str]:
    """A formula on as many lines as it takes; each but the first begins with its operator, and is indented."""
    if width(tex) <= room:
        return [plain(tex)]
    first, *rows = rows_of(tex)
    if rows:  # of a matrix that is written out
        return [*fitted(first, room), *(line for row in rows for line in fitted(ROW + row, room))]
    for share in OPENED:
        row = Atoms(tex, share * (room - CONTINUED))
        atoms = row.found
        bounds = [0, *ends(atoms, room, lambda _: CONTINUED), len(atoms)]
        if all(_reaches(atoms[a:b], a) <= room for a, b in pairwise(bounds)):
            break
    line_of = {i: n for n, (a, b) in enumerate(pairwise(bounds)) for i in range(a, b)}
    parted = _parted(atoms, line_of)
    return [_line(atoms[a:b], n > 0, parted, row.tall) for n, (a, b) in enumerate(pairwise(bounds))]


def _reaches(atoms: list[Atom], start: int) -> float:
    """How wide a line is; spaces at its end take none."""
    shown = [atom.width for atom in atoms]
    while len(shown) > 1 and (atoms[len(shown) - 1].tex.isspace() or atoms[len(shown) - 1].tex == r"\,"):
        shown.pop()
    return sum(shown) + (CONTINUED if start else 0.0)


def _parted(atoms: list[Atom], line_of: dict[int, int]) -> set[int]:
    """The brackets whose ends stand on two lines."""
    first: dict[int, int] = {}
    found = set()
    for index, atom in enumerate(atoms):
        if atom.pair and first.setdefault(atom.pair, line_of[index]) != line_of[index]:
            found.add(atom.pair)
    return found


def _line(atoms: list[Atom], continued: bool, parted: set[int], tall: set[int]) -> str:
    text = "".join(_written(atom, parted, tall) for atom in atoms)
    if not continued:
        return text.rstrip()
    text = _LEADING.sub("", text, count=1) if _LEADING.match(text) else text
    is_product = atoms[0].place == PLACES[PRODUCT] and not text.startswith((r"\odot", r"\cdot", r"\star", r"\ast", "/"))
    return INDENT + ("{}" if text[:1] in {"+", "-"} or text.startswith(r"\odot") else "") + \
        (r"\cdot " if is_product else "") + text.rstrip()  # fmt: skip


def _written(atom: Atom, parted: set[int], tall: set[int]) -> str:
    if not atom.pair:
        return plain(atom.tex)
    if atom.pair not in parted:
        return (r"\left" if atom.opens else r"\right") + atom.tex
    size = "Big" if atom.pair in tall else "big"
    return rf"\{size}{'l' if atom.opens else 'r'}{atom.tex}"

