"""Bytes to text: UTF-8 decoded by us, so that an error has a line and a column, and lines counted as editors do."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from backprop_cli.errors import SpecError
from backprop_cli.language.source import Source
from backprop_cli.language.syntax import error

MAX_BYTES: Final = 4 * 1024 * 1024

_UNPRINTABLE = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
_ASCII = bytes((*b"\t\n\r", *range(0x20, 0x7F)))
_YAML_1_1_LINE_ENDS = "\x85\u2028\u2029"


def decode(data: bytes, file: str) -> Source:
    """The file's text, in NFC.

    Raises:
        SpecError: E005 where it is too large, E002 where it is not UTF-8.
    """
    if len(data) > MAX_BYTES:
        raise SpecError("E005", f"the file is larger than {MAX_BYTES // 2**20} MB", at=Source.of(file, "").place(1, 1),
                        hint="put large arrays into a data file: {file: w.npy}")
    content = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as caught:
        raise _not_utf8(content, file, caught.start) from None
    return Source.of(file, unicodedata.normalize("NFC", _without_pairs(text) if file.endswith(".json") else text))


_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB]\w\w)\\u([dD][c-fC-F]\w\w)", re.ASCII)


def _without_pairs(text: str) -> str:
    r"""JSON's two escapes for a character beyond U+FFFF, which YAML does not know: `\ud835\udfd9` is 𝟙."""

    def character(found: re.Match[str]) -> str:
        pair = bytes.fromhex(found[2] + found[3]) if re.fullmatch("[0-9a-fA-F]{8}", found[2] + found[3]) else b""
        return found[1] + pair.decode("utf-16-be") if pair else found[0]

    return _PAIR.sub(character, text) if "\\ud" in text or "\\uD" in text else text


def _not_utf8(content: bytes, file: str, at: int) -> SpecError:
    before = len(content[:at].decode("utf-8"))
    source = Source.of(file, content.decode("utf-8", "replace"))
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    hint = "the file looks like UTF-16; save it as UTF-8" if wide else "save the file as UTF-8"
    return SpecError("E002", f"the byte 0x{content[at]:02X} is not UTF-8 text", at=source.between(before, before + 1),
                     hint=hint)


def without_foreign_line_ends(text: str) -> tuple[str, dict[int, str]]:
    """Hide U+0085, U+2028, U+2029 from PyYAML, which ends lines at them; the table brings them back."""
    if not any(character in text for character in _YAML_1_1_LINE_ENDS):
        return text, {}
    spare = [chr(code) for code in range(0xE000, 0xF900) if chr(code) not in text]
    hidden = dict(zip(_YAML_1_1_LINE_ENDS, spare, strict=False))
    restore = {ord(new): old for old, new in hidden.items()}
    return text.translate({ord(old): new for old, new in hidden.items()}), restore


def check_printable(source: Source) -> None:
    """Refuse what YAML refuses, before its parsers stop at it with an offset in bytes.

    Raises:
        SpecError: E003 at the first such character.
    """
    if source.text.isascii() and not source.text.encode().translate(None, _ASCII):
        return
    found = re.search(_UNPRINTABLE, source.text)
    if found:
        raise error(source, found.start(), f"the character U+{ord(found.group()):04X} is not allowed in YAML")
