"""Expressions into tokens, with a hint for what other notations would write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from backprop_cli.errors import SpecError
from backprop_cli.language.source import Text

MAX_CHARACTERS = 10_000


MAX_TOKENS = 2_000


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[^\W\d]\w*)
      | (?P<string>'[^'\n]*'|"[^"\n]*")
      | (?P<operator>\*\*|>=|<=|==|!=|\.\.\.|[-+*/@()\[\],:.<>=])
      | (?P<bad>.)""",
    re.VERBOSE | re.DOTALL,
)


_HINTS = {
    "^": "use ** for powers",
    "·": "use @ for a matrix product, * for an elementwise one",
    "×": "use @ for a matrix product, * for an elementwise one",
    "⊙": "use * for an elementwise product",
    "∘": "use * for an elementwise product",
    "−": "use the ASCII minus sign -",
    "ᵀ": "use x.T for a transpose",
    "'": "a string ends on its own line with the quote it began with",
    '"': "a string ends on its own line with the quote it began with",
    "&": "masks are 0/1 numbers: multiply them",
    "|": "masks are 0/1 numbers: use maximum(a, b)",
    "%": "there is no remainder operator",
    "!": "use == and != to compare; there is no negation",
    "{": "an expression is plain text; quote it if YAML reads it as a mapping",
    ";": "write one expression for each node",
    "$": "names need no sign in front",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression, and where it stands in the text."""

    kind: str
    text: str
    start: int
    end: int


def error(code: str, message: str, text: Text, start: int, end: int, hint: str | None = None) -> SpecError:
    """What is wrong with a part of an expression."""
    return SpecError(code, message, at=text.place(start, end), hint=hint)


def tokens(text: Text) -> Iterator[Token]:
    """The tokens of an expression, and one for its end.

    Raises:
        SpecError: E010 for a character that begins none, E016 for too many of them.
    """
    if len(text.text) > MAX_CHARACTERS:
        message = f"expression of {len(text.text)} characters; at most {MAX_CHARACTERS} are read"
        raise error("E016", message, text, 0, 1, "split it into several nodes")
    count = 0
    for match in _TOKEN.finditer(text.text):
        kind = match.lastgroup or "bad"
        if kind == "space":
            continue
        token = Token(kind, match.group(), match.start(), match.end())
        if kind == "bad":
            message = f"unexpected character {token.text!r}"
            raise error("E010", message, text, token.start, token.end, _HINTS.get(token.text))
        count += 1
        if count > MAX_TOKENS:
            message = f"expression of more than {MAX_TOKENS} tokens"
            raise error("E016", message, text, token.start, token.end, "split it into several nodes")
        yield token
    end = len(text.text)
    yield Token("end", "", end, end)
