"""Where a printed formula may be broken: a mark in front of each operator, one after each comma of a call.

The layout walk writes them, in notations of their own; a report chooses by the width of its page at which of them a
line ends, and takes the others out.  None stands in a name, a number, an index or the user's own words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

EQUAL, SUM, PRODUCT, COMMA, CALL, SCALED = "\x04", "\x01", "\x02", "\x03", "\x05", "\x06"
"""How tightly what stands around a mark is bound, and which product it is; no text of a user holds one of these."""

PLACES = {EQUAL: 1, COMMA: 2, SUM: 3, PRODUCT: 4, SCALED: 4, CALL: 5}
"""From the loosest to the tightest."""

AFTER = {COMMA, CALL}
"""The marks that stand after what they are of."""

MARKED = {"text": "marked_text", "latex": "marked_latex", "mathml": "marked_mathml"}
"""What a notation is called with its marks."""

_MARK = re.compile(r'[\x01-\x06]| data-break="\d"')


def plain(text: str) -> str:
    """A formula without its marks."""
    return _MARK.sub("", text)


LAST = 50
"""How much deeper a mark after the bracket of a call is taken to be: a line ends there only where none else can be."""


def unmarked(written: Mapping[str, str], notation: str) -> str:
    """A formula in a notation, also where it was written with marks alone."""
    return written[notation] if notation in written else plain(written[MARKED[notation]])


def marked(written: Mapping[str, str], notation: str) -> str:
    """A formula with its marks; as it is, where it was written without."""
    name = MARKED.get(notation, notation)
    return written[name if name in written else notation]


_SIGNS = {**dict.fromkeys("+-", SUM), **dict.fromkeys("*/@⊙·⋆∗", PRODUCT)}
_OPERANDS = {"number", "name", "raised", "string"}


def of_source(text: str) -> str:
    """What the user wrote, or a formula that no walk has marked, with marks, but none in an index."""
    from backprop_cli.errors import SpecError
    from backprop_cli.language.expression.lexer import tokens
    from backprop_cli.language.source import inline

    if any(mark in text for mark in (PRODUCT, SCALED, SUM, COMMA)):
        return text
    parts, done, after_operand, after_name = [], 0, False, False
    indices: list[bool] = [False]  # of each bracket that is open, whether it is an index or stands in one
    try:
        for token in tokens(inline(text, "<shown>")):
            spaced = text[token.end : token.end + 1] == " "
            mark = _SIGNS.get(token.text) if after_operand and (spaced or token.text in "+-") else None
            if token.text in {"(", "["}:
                is_index = token.text == "[" and after_operand and text[token.start - 1] != " "
                indices.append(indices[-1] or is_index)
            elif token.text in {")", "]"} and len(indices) > 1:
                indices.pop()
            if mark and not indices[-1]:
                parts += [text[done : token.start].rstrip(), f"{mark}{' ' if spaced else ''}"]
                done = token.start
            elif not indices[-1] and (token.text == "," and spaced or token.text == "(" and after_name):
                parts += [text[done : token.end], COMMA if token.text == "," else CALL]
                done = token.end
            after_name = token.kind == "name"
            after_operand = token.kind in _OPERANDS or token.text in {")", "]"}
    except SpecError:
        return text
    return "".join([*parts, text[done:]])
