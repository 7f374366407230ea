r"""Numbers in rows and columns as people write them: `[1 2; 3 4]`, `{{1, 2}, {3, 4}}`, `\begin{bmatrix}...`.

What comes out is a list of the language.  A comma is a decimal one only where it can be nothing else: no point
anywhere, every comma between two digits, and something else between the numbers.
"""

from __future__ import annotations

import re

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PLAIN = re.compile(r"[\d.,;eE+\-\s\[\]()]+")
_ENTRY = re.compile(rf"{_NUMBER}(?:[\s,;]+{_NUMBER})*")
_RAISED = re.compile(r"(?:\^\s*\{?\s*(?:T|\\top|⊤)\s*\}?|[ᵀ⊤⊺'′]|\.T)\s*$")
_MATRIX = re.compile(r"(?:\\left\s*[\[(]\s*)?\\begin\{(?:[bpvBV]?matrix|array)\}(?:\{[lcr|]*\})?(?P<body>.*?)"
                     r"\\end\{\w+\}(?:\s*\\right\s*[\])])?", re.DOTALL)  # fmt: skip
_COMMA = re.compile(r"(?<=\d),(?=\d)")
_BETWEEN_ROWS = re.compile(r"[\])]\s*,\s*[\[(]")
_DECIMAL = re.compile(r",0\d|(?<![\d,])0,\d{3}|^[^\[(]*,\d{3}|,\d{3}(?=.*[;\s])|^[-+]?\d+,\d+$|\[\s*\[.*;"
                      r"|^[^;\n]*,\d+\s+[-+]?\d+,\d", re.DOTALL)  # fmt: skip
"""What shows that commas are decimal: digits that no whole number has, one number alone, other signs between.

`[100,200]` are two numbers.
"""
_GAP = re.compile(r"(?<=[\d.\])])\s+(?=[-+.\d\[(])")


def gridded(text: str, *, decimal: bool | None = None) -> str | None:
    """Numbers in rows and columns as a list of the language; None for anything else, and for a plain number.

    `decimal` says whether commas between digits are decimal ones, where the text alone does not.
    """
    text = _matrices(text.replace("−", "-")).strip()
    turned = 0
    while (found := _RAISED.search(text)) is not None and text[:1] in "[({<":
        text, turned = text[: found.start()].strip(), turned + 1
    for opening, closing in ("{}", "<>"):
        text = text.replace(opening, "[").replace(closing, "]")
    if not _PLAIN.fullmatch(text) or not _ENTRY.search(text):
        return None
    if has_decimal_commas(text) if decimal is None else decimal:
        text = _COMMA.sub(".", text)
    rows = _rows(text)
    if rows is None:
        return None
    if turned % 2:
        rows = [[one] for one in rows[0]] if len(rows) == 1 else [list(column) for column in zip(*rows, strict=True)]
    return _written(rows, flat=not turned % 2)


def has_decimal_commas(text: str) -> bool:
    """Whether the commas between digits can be nothing else; the others stand between rows."""
    bare = _BETWEEN_ROWS.sub("][", text)
    return "." not in bare and not re.search(r",(?!\d)|(?<!\d),", bare) and _DECIMAL.search(bare) is not None


def _matrices(text: str) -> str:
    """Each matrix of LaTeX in semicolons and commas."""
    return _MATRIX.sub(lambda found: "[" + re.sub(r"\\\\\s*$", "", found["body"].strip()).replace("\\\\", ";")
                       .replace("&", ",") + "]", text)  # fmt: skip


def _rows(text: str) -> list[list[str]] | None:
    """The numbers, row by row; None where the rows differ in length, or there is one number alone."""
    bare = text.strip()
    if re.match(r"[\[(]\s*[\[(]", bare):
        parts = re.findall(r"[\[(]([^\[\]()]*)[\])]", bare)
        if re.sub(r"[\[(][^\[\]()]*[\])]", "", bare).strip("[]() ,;\n\t"):
            return None
    else:
        if bare[:1] in "[(":
            bare = bare[1:-1]
        if re.search(r"[\[\]()]", bare):
            return None
        parts = re.split(r";|\n", bare.strip(" \n\t;"))
    rows = [re.split(r"[\s,;]+", part.strip(" ,;\n\t")) for part in parts]
    good = all(re.fullmatch(_NUMBER, one) for row in rows for one in row)
    return rows if good and len({len(row) for row in rows}) == 1 else None


def _written(rows: list[list[str]], *, flat: bool) -> str:
    lines = [f"[{', '.join(row)}]" for row in rows]
    if flat and len(lines) == 1:
        return rows[0][0] if len(rows[0]) == 1 else lines[0]
    return f"[{', '.join(lines)}]"
