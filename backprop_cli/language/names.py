"""The grammar of names: a letter (Latin or Greek) or `_`, then letters, digits and `_`."""

from __future__ import annotations

import re
import unicodedata

from backprop_cli.errors import SpecError
from backprop_cli.language.source import Text

MAX_NAME = 64
UNIT_LETTERS = ("e", "u", "unit", "basis", "unit_vector")
"""What a unit vector may be called: e[2], or where the spec has an e, or uses Euler's, the next one that is free."""
RESERVED = frozenset({"grad", "true", "false", "none", "inf", "nan"})

_HINTS = (
    (r"[0-9]", "a name begins with a letter or '_'"),
    (r".*[₀-₉]", "write an index with '_': x_1"),
    (r".*[-. ]", "use '_' where a name needs a separator"),
    (r".*['′]", "write 'x_prime', without a quote sign"),
    (r".*µ", "this is the micro sign; use the Greek letter μ"),
)


def check_name(text: Text, what: str = "name") -> str:
    """The name, if it is one.

    Raises:
        SpecError: E009, at the first character that does not belong.
    """
    name = text.text
    plain = name.isascii() and name.isidentifier()
    wrong = None if plain else next((i for i, character in enumerate(name) if not _belongs(character, i)), None)
    if not name:
        raise SpecError("E009", f"an empty {what}", at=text.place())
    if wrong is not None:
        message = f"{name[:MAX_NAME]!r} is not a {what}: {_kind(name[wrong])} does not belong in it"
        raise SpecError("E009", message, at=text.place(wrong, wrong + 1), hint=_hint(name))
    if len(name) > MAX_NAME:
        message = f"a {what} of {len(name)} characters; at most {MAX_NAME}"
        raise SpecError("E009", message, at=text.place(MAX_NAME))
    if name in RESERVED:
        raise SpecError("E009", f"{name!r} is reserved", at=text.place(), hint=f"call it '{name}_'")
    return name


def is_word(text: str) -> bool:
    r"""Whether a text is letters, digits and `_` alone: what `\w+` matches, as most names do that are looked at."""
    return text.isidentifier() and text.isascii() or text.replace("_", "0").isalnum()


def _belongs(character: str, position: int) -> bool:
    if character.isascii():
        return character.isalpha() or character == "_" or (position > 0 and character.isdigit())
    return unicodedata.category(character) in {"Lu", "Ll", "Lo", "Lt"} and unicodedata.name(character, "").startswith(
        ("LATIN ", "GREEK ")
    )


def _kind(character: str) -> str:
    return repr(character) if character.isprintable() else f"U+{ord(character):04X}"


def _hint(name: str) -> str:
    return next((hint for pattern, hint in _HINTS if re.match(pattern, name)), "use letters, digits and '_'")
