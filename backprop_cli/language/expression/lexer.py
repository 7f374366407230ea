"""Expressions into tokens: the spec language, Python's spelling of it, and the signs of printed formulas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from backprop_cli.errors import SpecError
from backprop_cli.language.source import Text

MAX_CHARACTERS = 10_000


MAX_TOKENS = 2_000


SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵀ"
FRACTIONS = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_NO_LETTER = SUPERSCRIPTS + FRACTIONS  # Python's \w takes them for digits and letters


_TOKEN = re.compile(
    rf"""(?P<space>\s+)
      | (?P<number>(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[{FRACTIONS}])
      | (?P<name>[^\W\d{_NO_LETTER}][^\W{_NO_LETTER}]*)
      | (?P<string>'[^'\n]*'|"[^"\n]*")
      | (?P<raised>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+|⁻ᵀ|⁺ᵀ|⁺|ᵀ)
      | (?P<operator>\*\*|//|>=|<=|==|!=|\.\.\.|[-+*/@()\[\],:.<>=%&|~^∂√‖⌊⌋⌈⌉⊙·⋆∗∞])
      | (?P<bad>.)""",
    re.VERBOSE | re.DOTALL,
)


SPELLED: Mapping[str, str] = {"≥": ">=", "≤": "<=", "≠": "!=", "−": "-", "∘": "⊙", "⋅": "·", "‖": "‖", "∥": "‖"}
"""Other signs for an operator."""


class Token(NamedTuple):
    """A word of an expression, and where it stands in the text."""

    kind: str
    text: str
    start: int
    end: int


def error(code: str, message: str, text: Text, start: int, end: int, hint: str | None = None) -> SpecError:
    """What is wrong with a part of an expression."""
    return SpecError(code, message, at=text.place(start, end), hint=hint)


def tokens(text: Text) -> list[Token]:
    """The tokens of an expression, and one for its end.

    Raises:
        SpecError: E010 for a character that begins none, E016 for too many of them.
    """
    if len(text.text) > MAX_CHARACTERS:
        message = f"expression of {len(text.text)} characters; at most {MAX_CHARACTERS} are read"
        raise error("E016", message, text, 0, 1, "split it into several nodes")
    found: list[Token] = []
    new = tuple.__new__  # what `Token` calls, too
    for match in _TOKEN.finditer(text.text.replace("∑", "Σ")):
        kind = match.lastgroup or "bad"
        if kind == "space":
            continue
        token = _spelled(match) if kind == "bad" else new(Token, (kind, match[0], match.start(), match.end()))
        if token.kind == "bad":
            from backprop_cli.language.expression.hints import meant  # errors alone have hints

            message = f"unexpected character {token.text!r}"
            raise error("E010", message, text, token.start, token.end, meant(text.text, token.start))
        if len(found) == MAX_TOKENS:
            message = f"expression of more than {MAX_TOKENS} tokens"
            raise error("E016", message, text, token.start, token.end, "split it into several nodes")
        found.append(token)
    end = len(text.text)
    found.append(Token("end", "", end, end))
    return found


def _spelled(match: re.Match[str]) -> Token:
    """Another sign for an operator, or none."""
    kind, text = ("operator", SPELLED[match[0]]) if match[0] in SPELLED else ("bad", match[0])
    return Token(kind, text, *match.span())
