"""Where each character of a YAML scalar stands in its file, whatever quoting, escaping and folding did to it.

YAML's parsers say where a scalar begins and ends, not where its characters came from.  This module walks the
raw token and the value side by side.  Every visible character is found exactly; white space made or dropped by
folding and indentation is put next to its neighbours, which is all a caret needs.
"""

from __future__ import annotations

_BLANK = " \t\r\n"
_ESCAPE_LENGTHS = {"x": 4, "u": 6, "U": 10}


def offsets(source: str, start: int, end: int, value: str, style: str) -> list[int]:
    """Map each character of `value`, and its end, to an offset in `source`.

    `source[start:end]` is the raw token, `style` its YAML style: '' (plain), "'", '"', '|' or '>'.
    """
    first = start + (style in {"'", '"'} and 1)
    if style in {"|", ">"}:
        first = _after_header(source, start, end)
    if source.startswith(value, first):
        return list(range(first, first + len(value) + 1))
    return _aligned(source, first, end, value, style)


def _after_header(source: str, start: int, end: int) -> int:
    """Where the text of a block scalar begins: on the line below `|` or `>-  # comment`."""
    newline = min((i for i in (source.find("\n", start, end), source.find("\r", start, end)) if i >= 0), default=end)
    return newline + 1


def _aligned(source: str, at: int, end: int, value: str, style: str) -> list[int]:
    found = []
    for character in value:
        at = _next(source, at, end, character, style)
        found.append(at)
        at += _width(source, at, end, character, style)
    return [*found, at]


def _next(source: str, at: int, end: int, character: str, style: str) -> int:
    """The offset of `character` at or after `at`: white space and line continuations are passed over."""
    here = at
    while here < end and source[here] != character:
        if style == '"' and source[here] == "\\" and source[here + 1 : here + 2] in {"\r", "\n"}:
            here += 2
        elif source[here] in _BLANK:
            here += 1
        else:
            break
    made_by_folding = character in _BLANK and (here >= end or source[here] not in {character, "\\"})
    return at if made_by_folding else here


def _width(source: str, at: int, end: int, character: str, style: str) -> int:
    """How many characters of the raw token make the one at `at`; 0 for white space made by folding."""
    if at >= end:
        return 0
    if style == '"' and source[at] == "\\":
        return _ESCAPE_LENGTHS.get(source[at + 1 : at + 2], 2)
    if style == "'" and source[at : at + 2] == "''":
        return 2
    return 1 if source[at] == character or character not in _BLANK else 0
