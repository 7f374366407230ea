r"""Definitions beside an answer: `E V + λ U with λ = lam`, `let d = p - y, then X^T d`, the lines before its last.

What is defined is put in where it is used, as text, so that everything that is read of an answer is read of it too:
`\sum_t \delta_t x_t^\top where \delta_t = da_t`, `dh ⊙ φ'(z) with φ = tanh`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAME = r"\\?[^\W\d](?:[\w\\^{}\[\]()]|,(?=\w+[}\]]))*"
_DEFINITION = re.compile(
    rf"(?P<name>{_NAME})\s*(?::=|≡|&?=(?!=)|\b(?:is|be|denotes)\b)\s*(?P<value>.+)", re.DOTALL)  # fmt: skip
_OF_A_PART = re.compile(r"(?P<name>[^=]{2,80}?)\s*=(?!=)\s*(?P<value>.+)", re.DOTALL)
_FIRST = re.compile(r"^\s*(?:\\text\{\s*)?(?:let|set|define|put|with|where|given|writing|using)\b\s*\}?\s+",
                    re.IGNORECASE)  # fmt: skip
_SO = r"⇒|⟹|⟶|=>|→|∴|\\(?:Longr|R|r)ightarrow\b|\\implies\b|\\therefore\b"
_BETWEEN = re.compile(
    r"(?:\\q?quad|[,;:(])*\s*(?:\\(?:text|mathrm|textrm)\{\s*)?(?<![\w.])(?P<behind>where|with)\b(?:\s*\})?[:,]?\s+"
    r"|[,;.:]?\s*(?<!\w)(?P<so>then|so|hence|thus|therefore|we (?:get|have|obtain))\b[,:]?\s+"
    rf"|[,;.:]?\s*(?P<arrow>{_SO})\s*"
    r"|(?<!\\);\s*|\.\s+|(?<!\\),\s*(?:and\s+)?|\s+and\s+|\s\((?=[^()=]*=(?!=))", re.IGNORECASE)  # fmt: skip
_REMARK = re.compile(r"\s+(?:#|%|//).*$", re.MULTILINE)
_GOES_ON = re.compile(r"\s*(?:[-+*/@=⊙·×−)\]}&]|\\\\|\\(?:cdot|odot|times|left|right|end)\b)")
_OPEN = re.compile(r"(?:[-+*/@=⊙·×−(\[{,&]|\\(?:cdot|odot|times))\s*$")
_LETTERED = re.compile(r"(\\?[^\W\d_]+)_\{?([a-z])\}?")
_INDEX = r"_\{?[a-z]{1,3}(?![a-zA-Z0-9])"
_END = "(?![^\\W\u1d40\u00b2\u00b3\u00b9\u2070-\u207f])"
"""Of a name, which what stands above it is no part of: X of `Xᵀ`."""
_NO_LETTER = r"\\(?:text|mathrm|operatorname)\{[^{}]*\}|\\[a-zA-Z]+|_\{[^{}]*\}|_\w|[a-z]\w+(?=\()"
"""What is no name of one letter in LaTeX."""
_SIMPLE = re.compile(r"[\w\\{}^]+")

_LAID_OUT = re.compile(r"\\begin\{(?:aligned|align|split|gathered|equation)\*?\}(.*)"
                       r"\\end\{(?:aligned|align|split|gathered|equation)\*?\}", re.DOTALL)  # fmt: skip
_BREAK = re.compile(r"\\\\(?:\[\w.]*\])?")

MAX_DEFINITIONS = 20
BY_HAND = 2_000
"""Characters up to which a formula is taken for one that was written by hand; patterns over more cost too much."""


def with_definitions(text: str, before: Sequence[tuple[str, str]] = ()) -> str:
    """The answer alone, with what is defined beside it put in; as it stands where nothing is.

    Args:
        text: an answer as written.
        before: names and what they stand for that the file defines before it.
    """
    body, definitions = _parted(_LAID_OUT.sub(lambda found: _BREAK.sub("\n", found[1]).replace("&", ""), text))
    for name, value in reversed([*before, *definitions]):
        if len(body) <= BY_HAND:
            body = _put_in(body, name, value.strip())
    return body


def defined(line: str) -> tuple[str, str] | None:
    """What a line of its own defines, `Let e = (p - y)/3.`; None for any other line."""
    found = _definitions([_FIRST.sub("", _REMARK.sub("", line)).strip().rstrip(".;,")])
    return found[0] if found else None


def _parted(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The answer, and its definitions in an order in which each may use those before it."""
    pieces = _lines(text)
    if (found := _definitions(pieces[:-1])) is not None:
        return pieces[-1], found
    bare = _FIRST.sub("", text)
    pieces, marks = _split(bare)
    last, first = _definitions(pieces[:-1]), _definitions(pieces[1:], pieces[0] if marks[:1] == ["where"] else "")
    concludes = first is None or marks[-1] == "so" or marks[0] != "where" and not _uses(pieces[0], first[-1][0])
    if last is not None and concludes:
        return pieces[-1], last
    return (pieces[0], first) if first is not None else (text, [])


def _split(text: str) -> tuple[list[str], list[str]]:
    """The pieces of a sentence, and what stands between each and the next: `where`, `so` or something else."""
    pieces, marks, start = [], [], 0
    for mark in _BETWEEN.finditer(text):
        piece = text[start : mark.start()]
        if _is_open(piece):
            continue
        if piece.strip():
            pieces.append(piece)
            marks.append("where" if mark["behind"] else "so" if mark["so"] or mark["arrow"] else "")
        start = mark.end()
    rest = text[start:].rstrip(" .;,")
    rest = rest[:-1] if rest.count(")") > rest.count("(") else rest
    return ([*pieces, rest] if rest.strip() else pieces), marks


def _uses(text: str, name: str) -> bool:
    return _put_in(text.partition("=")[2] or text, name, "") != (text.partition("=")[2] or text)


def _definitions(pieces: list[str], body: str = "") -> list[tuple[str, str]] | None:
    """Names and values; None where one of the pieces is no definition, or there is none.

    What is named may be any part of a `body`: `(p - q)/‖a‖ where ‖a‖ = sqrt(a·a)`.
    """
    found = [_definition(piece.strip().strip("$").strip(), body) for piece in pieces]
    if not 0 < len(found) <= MAX_DEFINITIONS or any(one is None or _is_open(one["name"]) for one in found):
        return None
    return [(one["name"].strip(), one["value"]) for one in found if one is not None]


def _definition(piece: str, body: str) -> re.Match[str] | None:
    found = _DEFINITION.fullmatch(piece)
    part = _OF_A_PART.fullmatch(piece) if found is None and body else None
    return part if part is not None and part["name"] in body else found


def _lines(text: str) -> list[str]:
    """The statements of an answer of several lines: a line that begins or ends with a sign goes on with the other."""
    found: list[str] = []
    for line in re.split(r"\n|(?<!\\\\);", _REMARK.sub("", text)):
        if found and (_GOES_ON.match(line) or _OPEN.search(found[-1]) or _is_open(found[-1])):
            found[-1] += " " + line.strip()
        elif line.strip():
            found.append(line.strip())
    return found or [text]


def _is_open(text: str) -> bool:
    return any(text.count(opening) > text.count(closing) for opening, closing in ("()", "[]", "{}"))


def _put_in(text: str, name: str, value: str) -> str:
    """The text with a value for a name; in brackets where it is no name itself."""
    what = value if _SIMPLE.fullmatch(value) else f"({value})"
    lettered = _LETTERED.fullmatch(name)
    if lettered is not None:  # δ_1 of δ_t = da_t
        letter = re.compile(rf"(?<=_){lettered[2]}(?![a-zA-Z0-9_])|(?<=_\{{){lettered[2]}(?=\}})")
        text = re.sub(rf"(?<![\w\\]){re.escape(lettered[1])}_(?:(\d+)(?!\w)|\{{(\d+)\}})",
                      lambda found: letter.sub(found[1] or found[2], what), text)  # fmt: skip
    if len(name) == 1 and "\\" in text:  # letters side by side: X of `Xw`
        side_by_side = rf"{_NO_LETTER}|(?<![a-zA-Z]){name}(?!_\{{?\d)" + ("(?![a-zA-Z])" if name == "d" else "")
        return re.sub(side_by_side, lambda found: f"{what} " if found[0] == name else found[0], text)
    end = rf"(?:{_END}|(?={_INDEX}))" if re.match(r"\w", name[-1]) else ""
    return re.sub(rf"(?<![\w\\]){re.escape(name)}{end}", lambda _: what, text)
