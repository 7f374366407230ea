"""Presentation MathML as a tree: elements in order, with rows opened and brackets paired."""

from __future__ import annotations

import unicodedata
from typing import Any
from xml.etree import ElementTree as ET

from tests.readers.trees import MARKS, Tree

MATH = "{http://www.w3.org/1998/Math/MathML}"
CLOSING = {"(": ")", "[": "]", "⌈": "⌉", "⌊": "⌋"}
SIGNS = {"−": "-"}


def tree_of(text: str) -> Tree:
    """A formula as a tree."""
    return _paired(_flat(list(ET.fromstring(text))))


def _flat(elements: list[ET.Element]) -> Tree:
    """Items without rows, brackets still single."""
    tree: Tree = []
    for element in elements:
        tag, parts = element.tag.removeprefix(MATH), list(element)
        if tag in {"mrow", "math"}:
            inner = _flat(parts)
            is_bars = len(inner) > 1 and inner[0] == inner[-1] == ("op", "|")
            tree += [("br", "|", _paired(inner[1:-1]), "plain")] if is_bars else inner
        elif tag == "mfrac":
            tree.append(("frac", *(_paired(_flat([part])) for part in parts)))
        elif tag == "msqrt":
            tree.append(("sqrt", _paired(_flat(parts))))
        elif tag == "mover":
            mark = "".join(parts[1].itertext())
            tree.append(("acc", MARKS[mark], _paired(_flat([parts[0]]))))
        elif tag == "mtable":
            tree.append(("grid", [[_paired(_flat(list(cell))) for cell in row] for row in parts]))
        elif tag in {"msup", "msub", "munder"}:
            tree.append(("sup" if tag == "msup" else "sub", *(_paired(_flat([part])) for part in parts)))
        else:
            tree.append(_leaf(tag, element.text or ""))
    return tree


def _leaf(tag: str, text: str) -> Any:
    if tag == "mn":
        return ("num", text)
    if tag == "mo":
        return ("op", SIGNS.get(text, text))
    if tag == "mtext":
        return ("raw", text)
    bold = unicodedata.normalize("NFKC", text)
    return ("bold", bold) if bold != text and len(text) == 1 and ord(text) > 0x1D000 else ("id", text)


def _paired(flat: Tree) -> Tree:
    """Strings and brackets as one item each."""
    stack: list[tuple[str, Tree]] = [("", [])]
    items = iter(flat)
    for item in items:
        if item == ("op", "'"):
            stack[-1][1].append(("raw", _string(items)))
        elif item[0] == "op" and item[1] in CLOSING:
            stack.append((item[1], []))
        elif item[0] == "op" and item[1] == CLOSING.get(stack[-1][0]):
            sign, inner = stack.pop()
            is_matrix = len(inner) == 1 and inner[0][0] == "grid"
            stack[-1][1].append(inner[0] if is_matrix else ("br", sign, inner, "plain"))
        else:
            stack[-1][1].append(item)
    assert len(stack) == 1, flat
    return stack[0][1]


def _string(items: Any) -> str:
    text = ""
    for item in items:
        if item == ("op", "'"):
            return text
        text += str(item[1])
    raise AssertionError("a string without an end")
