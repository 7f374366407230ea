"""A formula in a page, in pieces between which a browser may end a line: it does not break inside one <math>.

The pieces are those of the marks, nested as the formula is: a part that fits a line whole goes to the next line whole.
What no line of a small screen holds is opened: a bracket into its terms; under a root or above a bar a box of its own
width, in which lines end too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from functools import partial
from itertools import pairwise
from xml.etree import ElementTree as ET

from backprop_cli.formulas.marks import AFTER, CALL, LAST, PLACES
from backprop_cli.report.breaking import Atom
from backprop_cli.report.fitting import CLOSING, OPENING

LINE, OPENED = 215.0, (1.0, 0.7, 0.47)
"""Pixels that a piece may take by itself, by the widths below, which are those of a browser's mathematics; and what
share of a line the parts are that are opened, if need be."""

_SIGNS = {**dict.fromkeys("+\u2212⊙⋆∗", 22.0), **dict.fromkeys("=<>≤≥≠↦≈←", 24.0), "·": 11.0, ",": 8.0,
          **dict.fromkeys("\u2061\u2062", 3.0), **dict.fromkeys("∑∏", 32.0), **dict.fromkeys("()", 15.5)}  # fmt: skip
LONG, _SMALLER = 20, 0.72  # letters of a name that is set smaller on a small screen
_SIGN, _LETTER, SCRIPT = 12.0, 8.8, 0.72
_ALONE = {**dict.fromkeys("mwMW", 16.6), **dict.fromkeys("ijlt", 8.0)}
_AFTER = {PLACES[mark] for mark in AFTER}
_ESCAPED = re.compile(r"[&<>]")
_REST = re.compile(r"--rest:(\d+)px")
_OUTER = re.compile(r"</?math\b[^>]*>")


def formula(elements: str) -> str:
    """Elements of MathML, with marks, as HTML."""
    root = _read(f"<mrow>{_OUTER.sub('', elements)}</mrow>")
    if _width(root) <= LINE:
        return _math([_written(one) for one in root])
    return _nested(_atoms(root))


def _read(written: str) -> ET.Element:
    return ET.fromstring(written)  # noqa: S314 - our own notation wrote it: there is nothing but elements in it


def _math(parts: Iterable[str]) -> str:
    return f"<math>{''.join(parts)}</math>"


def _nested(atoms: Sequence[Atom[float]], room: float = LINE) -> str:
    """Pieces; each that is made of others is one that goes to a line of its own where it would fit there."""
    if len(atoms) == 1 or sum(atom.width for atom in atoms) <= room:
        return _math(atom.text for atom in atoms)
    loosest = min((atom.depth, atom.place) for atom in atoms[1:])
    starts = [0, *(i for i, atom in enumerate(atoms) if i and (atom.depth, atom.place) == loosest), len(atoms)]
    parts = [_nested(atoms[a:b], room) for a, b in pairwise(starts)]
    return "".join(part if part.count("<math") == 1 else f'<span class="part">{part}</span>' for part in parts)


# ── widths ───────────────────────────────────────────────────────────────────────────────────────


def _width(element: ET.Element, known: dict[ET.Element, float] | None = None) -> float:
    """About how many pixels an element takes; with `known`, those inside are measured once, however deep they stand."""
    known = {} if known is None else known
    found = known.get(element)
    if found is None:
        found = known[element] = _taken(element, [_width(one, known) for one in element])
    return found


def _taken(element: ET.Element, inner: Sequence[float]) -> float:
    """The same, from the widths of what stands in it."""
    text = element.text or ""
    match element.tag:
        case "mo":
            return _SIGNS.get(text, _SIGN)
        case "mi" if len(text) > LONG:
            return _SMALLER * _LETTER * len(text)
        case "mi" if len(text) == 1:
            return _ALONE.get(text, 14.5 if text.isupper() else 10.2)
        case "mi" | "mn" | "mtext":
            return _LETTER * len(text)
        case "mfrac":
            return max(inner) + 4
        case "msub" | "msup":
            return inner[0] + SCRIPT * inner[1] + 1
        case "munder" | "mover":
            return max(inner[0], SCRIPT * inner[1])
        case "msqrt":
            return sum(inner) + 19
        case "mtable":
            return max(inner, default=0)  # of an array without entries
        case "mtd":
            return sum(inner) + 8
    return sum(inner)


def _written(element: ET.Element) -> str:
    """An element as text, without its marks."""
    element.attrib.pop("data-break", None)
    for one in element.iter():
        one.attrib.pop("data-break", None)
        if one.tag == "mi" and len(one.text or "") > LONG:
            one.attrib["class"] = "long"
    if not len(element) and not _ESCAPED.search(element.text or "<"):  # by far the most: a name, a number, a sign
        given = "".join(f' {name}="{value}"' for name, value in element.attrib.items())
        return f"<{element.tag}{given}>{element.text}</{element.tag}>"
    return ET.tostring(element, encoding="unicode")


# ── atoms ────────────────────────────────────────────────────────────────────────────────────────


def _atoms(row: ET.Element, room: float = LINE) -> list[Atom[float]]:
    """A row as atoms between marks; where one is too wide, smaller parts of it are opened too."""
    for share in OPENED:
        read = _Atoms(deepcopy(row), share * room, room)
        if all(map(read.fits, read.found)):
            break
    return read.done()


class _Atoms:
    """A row of elements as atoms for lines of `room`; what is wider than `limit` is opened."""

    def __init__(self, row: Iterable[ET.Element], limit: float, room: float) -> None:
        self.limit, self.room = limit, room
        self.found: list[Atom[float]] = [Atom("", 0.0, 0)]
        self.depth = 0
        self.widths: dict[ET.Element, float] = {}
        self.row(row)

    def fits(self, atom: Atom[float]) -> bool:
        """Whether a line holds an atom; what stands in a box fits beside what the line holds besides."""
        return atom.width <= (2 * self.room - self.limit if "--rest" in atom.text else self.room)

    def done(self) -> list[Atom[float]]:
        """The atoms; a box in one is as much narrower than a line as what stands beside it takes."""
        for atom in self.found:
            rest = max(0, round(atom.width - self.room))
            atom.text = _REST.sub(partial(_more, rest), atom.text)
        return self.found

    def row(self, elements: Iterable[ET.Element]) -> None:
        """Elements one after another."""
        for one in elements:
            place = int(one.attrib.get("data-break", "0"))
            if one.tag == "mo":
                self.sign(one, place)
            elif _width(one, self.widths) <= self.limit or not self.opened(one):
                self.add(_written(one), _width(one, self.widths))

    def sign(self, sign: ET.Element, place: int) -> None:
        """A bracket counts how deep what follows stands; a mark begins an atom, that of a comma after it."""
        text = sign.text or ""
        self.depth -= text in CLOSING
        if text in OPENING or text in CLOSING:  # its other end may stand on another line
            sign.attrib |= {"form": "prefix" if text in OPENING else "postfix", "symmetric": "false"}
        if place and place not in _AFTER:
            self.found.append(Atom("", 0.0, self.depth, place))
            sign.attrib["form"] = "infix"  # also where it begins a piece
        self.add(_written(sign), _width(sign))
        self.depth += text in OPENING
        if place in _AFTER:
            self.found.append(Atom("", 0.0, self.depth + (LAST if place == PLACES[CALL] else 0), place))

    def add(self, text: str, width: float) -> None:
        """More of the atom that was begun last."""
        self.found[-1].text += text
        self.found[-1].width += width

    def opened(self, element: ET.Element) -> bool:
        """What is wider than a line, in its parts; what has none is left whole."""
        match element.tag:
            case "mrow" if "class" not in element.attrib:
                self.row(element)
            case "msup" | "msub" if len(element[0]) and _is_bracketed(element[0]):
                *inner, last = _flat(element[0])
                self.row(inner)
                base = ET.Element("mrow")
                base.append(last)
                element[0] = base
                self.depth -= 1
                self.add(_written(element), _width(element))
            case "mfrac" | "msqrt":
                for one in element if element.tag == "mfrac" else [element]:
                    _boxed(one, self.limit)
                self.add(_written(element), self.room + (19 if element.tag == "msqrt" else 4))
            case "mtext":
                _boxed(element, self.limit)
                self.add(f"<mrow>{_written(element)}</mrow>", self.room)
            case _:
                return False
        return True


def _more(rest: int, found: re.Match[str]) -> str:
    return f"--rest:{int(found[1]) + rest}px"


def _flat(row: ET.Element) -> list[ET.Element]:
    """The elements of a row, the last of which is no row itself."""
    *found, last = row
    return [*found, *(_flat(last) if last.tag == "mrow" and "class" not in last.attrib else [last])]


def _is_bracketed(row: ET.Element) -> bool:
    inner = _flat(row)
    return len(inner) > 1 and (inner[-1].text or "?") in CLOSING


def _boxed(row: ET.Element, limit: float) -> None:
    """Puts what stands in a row into a box in which lines end, where it is wider than one."""
    if _width(row) <= limit:
        return
    box = ET.Element("span", {"class": "box", "style": "--rest:0px"})
    if row.tag == "mtext":
        box.text, row.text = row.text, None
        row.append(box)
        return
    inner = _read(f"<span>{_nested(_atoms(row, limit), limit)}</span>")
    box.extend(inner)
    text = ET.Element("mtext")
    text.append(box)
    for one in list(row):
        row.remove(one)
    row.append(text)
