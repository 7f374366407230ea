r"""LaTeX mathematics broken to the width of a page, at the marks of `formulas.marks`.

A formula is read as a row of atoms, each with its width in points and how deep in brackets it stands; where a line ends
is chosen as it is for text.  Widths are those of Computer Modern at 10 pt, rounded up: nothing has to be compiled.
A bracket whose ends come to stand on two lines is set by hand (\bigl, \bigr), since \left needs its \right on the same
line; a fraction or a root that is wider than the page by itself is written with / or as a power.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from backprop_cli.formulas.marks import COMMA, PLACES, PRODUCT, plain
from backprop_cli.records import dataclass
from backprop_cli.report.breaking import ROW, ends, rows_of
from backprop_cli.report.fitting import DEFAULT

TEXT_WIDTH = 345.0
"""Points, of the text of an `article`: what the default width of a page stands for."""

_LEADING = re.compile(r"(?:\s|\\,)+")
_TOKEN = re.compile(
    r"(?P<mark>[\x01-\x05])|\\left(?P<open>\\?.)|\\right(?P<close>\\?.)|\\(?P<frac>frac)|\\(?P<root>sqrt)"
    r"|\\(?P<font>mathrm|operatorname|texttt|mathbf|text|hat|bar|tilde)(?=\{)|(?P<command>\\[A-Za-z]+|\\.)"
    r"|(?P<script>[_^])|(?P<brace>\{)|(?P<space>\s+)|(?P<char>.)",
    re.DOTALL,
)


def points(width: int | None) -> float:
    """How many points wide a page of so many columns is."""
    return TEXT_WIDTH * (width or DEFAULT) / DEFAULT


# ── widths ───────────────────────────────────────────────────────────────────────────────────────

_ITALIC = {**dict.fromkeys("ijl", 4.2), **dict.fromkeys("trsbcez", 4.8), "m": 8.8, "w": 7.2,
           **dict.fromkeys("MW", 10.3), "I": 5.2, "J": 6.6}  # fmt: skip
_SIGNS = {**dict.fromkeys("0123456789/", 5.1), **dict.fromkeys(".'!", 2.8), ",": 4.5, **dict.fromkeys("+-", 12.3),
          **dict.fromkeys("=<>:", 13.5), **dict.fromkeys("()", 3.9), **dict.fromkeys("[]|", 2.8)}  # fmt: skip
_ROMAN = {**dict.fromkeys("mwM%@", 8.4), **dict.fromkeys("ilI.,;:'!|", 3.0), **dict.fromkeys("jtfrs()[] ", 4.0)}
_COMMANDS = {r"\odot": 12.3, r"\times": 12.3, r"\cdot": 7.3, r"\star": 9.5, r"\ast": 9.5,
             r"\,": 1.7, r"\ ": 3.4, r"\quad": 10.0,
             r"\qquad": 20.0, r"\partial": 5.8, r"\sum": 16.2, r"\top": 7.8, r"\mapsto": 15.6, r"\infty": 10.0,
             **dict.fromkeys((r"\le", r"\ge", r"\ne", r"\to", r"\sim"), 13.5)}  # fmt: skip
_OPERATORS = re.compile(r"\\(arctan|arcsin|arccos|log|exp|sinh|cosh|tanh|sin|cos|tan|max|min|det)\b")
TALL = (r"\frac", r"\sum", r"\sqrt")
SCRIPT = 0.72


def words(text: str, wide: bool = False) -> float:
    """The width of upright text; `wide`: of typewriter."""
    shown = re.sub(r"\\[A-Za-z]+ ?(?:\{\})?|\\(.)", lambda m: m[1] or "m", text.replace(r"\allowbreak{}", ""))
    return sum(5.3 if wide else _ROMAN.get(c, 7.6 if c.isupper() else 5.6) for c in shown)


def width(tex: str, style: int = 0) -> float:
    """The width of a formula in points; `style` 0 is that of a display, 1 that of text, 2 small."""
    return sum(part.width for part in parts(tex, style))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a formula that stands in a row with others; `kind` is '' for what is never broken."""

    tex: str
    width: float
    kind: str = ""
    inner: tuple[str, ...] = ()
    ends: tuple[str, str] = ("", "")


def parts(tex: str, style: int = 0) -> list[Part]:
    """A formula as the row that it is."""
    return list(_parts(tex, style))


def _parts(tex: str, style: int) -> Iterator[Part]:
    scale = SCRIPT if style > 1 else 1.0
    at, sums = 0, False
    while at < len(tex):
        found = _TOKEN.match(tex, at)
        assert found
        kind, start, at = found.lastgroup, at, found.end()
        if kind == "mark":
            yield Part(tex[start:at], 0.0, "mark")
        elif kind == "open":
            inner, at, close = _closed(tex, at)
            tall = any(one in inner for one in TALL)
            yield Part(tex[start:at], width(inner, style) + scale * (15.0 if tall else 9.4), "group", (inner,),
                       (found["open"], close))  # fmt: skip
        elif kind == "frac":
            above, at = _argument(tex, at)
            below, at = _argument(tex, at)
            wide = max(width(above, style + 1), width(below, style + 1)) + 2.6
            yield Part(tex[start:at], wide, "frac", (above, below))
        elif kind == "root":
            inner, at = _argument(tex, at)
            yield Part(tex[start:at], width(inner, style) + 9.5, "root", (inner,))
        elif kind == "font":
            inner, at = _argument(tex, at)
            name = found["font"]
            wide = width(inner, style) if name in {"hat", "bar", "tilde"} else scale * words(inner, name == "texttt")
            yield Part(tex[start:at], wide + (3.4 if name == "operatorname" else 0.0), name, (inner,))
        elif kind == "script":
            inner, at = _argument(tex, at)
            wide = width(inner, 2)
            yield Part(tex[start:at], max(0.0, wide - 14.0) if sums and not style else wide + 0.6)
        elif kind == "brace":
            inner, at = _argument(tex, start)
            yield Part(tex[start:at], width(inner, style), "brace", (inner,))
        else:
            yield Part(tex[start:at], scale * _plain(kind or "", found[0]))
        sums = found[0] == r"\sum" or sums and kind == "script"


def _plain(kind: str, text: str) -> float:
    if kind == "space":
        return 0.0
    if kind == "command":
        name = _OPERATORS.fullmatch(text)
        return words(name[1]) + 3.4 if name else _COMMANDS.get(text, 6.6)
    return _SIGNS.get(text) or _ITALIC.get(text) or (8.0 if text.isupper() else 6.1)


def _argument(tex: str, at: int) -> tuple[str, int]:
    """What a command or a script takes: a group in braces, a command, a character; and where it ends."""
    if tex[at] != "{":
        found = _TOKEN.match(tex, at)
        return (found[0], found.end()) if found else ("", at)
    depth = 0
    for end in range(at, len(tex)):
        escaped = end and tex[end - 1] == "\\"
        depth += 0 if escaped else (tex[end] == "{") - (tex[end] == "}")
        if not depth:
            return tex[at + 1 : end], end + 1
    return tex[at + 1 :], len(tex)


_ENDS = re.compile(r"\\(left|right)(\\?.)")


def _closed(tex: str, at: int) -> tuple[str, int, str]:
    r"""What stands up to the \right of a \left, where it ends, and the bracket."""
    depth, start = 1, at
    for found in _ENDS.finditer(tex, at):
        depth += 1 if found[1] == "left" else -1
        if not depth:
            return tex[start : found.start()], found.end(), found[2]
    return tex[start:], len(tex), ")"


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
        self.found.append(Atom(tex, wide, depth, place, pair, opens))

    def group(self, ends: tuple[str, str], inner: str, depth: int) -> None:
        """A bracket, what is in it, its other end."""
        self.pairs += 1
        pair, wide = self.pairs, 7.5 if any(one in inner for one in TALL) else 4.7
        self.tall.update({pair} if wide > 5.0 else ())
        self.add(ends[0], wide, depth, pair, opens=True)
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

