"""A decoded text file and the scalars in it: every character of a value knows its line and column."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cached_property

from backprop_cli.errors import Place
from backprop_cli.language.offsets import offsets
from backprop_cli.records import dataclass, field

_LINE_END = r"\r\n|\n|\r"
GENERATED = "generated"
COMMAND_LINE = "-e"
"""What the file of an expression is called that stands on the command line."""

BY_PROGRAM = "<generated>"
"""And of what the program wrote."""


@dataclass(frozen=True)
class Source:
    """A file's text, split into lines the way editors do (at LF, CR LF and CR only)."""

    file: str
    text: str = field(repr=False)
    lines: tuple[str, ...] = field(repr=False, compare=False)

    @classmethod
    def of(cls, file: str, text: str) -> Source:
        """The source of a text."""
        lines = re.split(_LINE_END, text) if "\r" in text else text.split("\n")
        return cls(file, text, tuple(lines))

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The offset at which each line begins."""
        return (0, *(match.end() for match in re.finditer(_LINE_END, self.text)))

    def position(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of an offset."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def place(self, line: int, column: int, length: int = 1) -> Place:
        """The place at a 1-based line and column."""
        source_line = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Place(self.file, line, column, length, source_line)

    def between(self, start: int, end: int) -> Place:
        """The place of `text[start:end]`; the caret never runs past the end of the first line."""
        line, column = self.position(start)
        source_line = self.lines[line - 1]
        stop = min(end - start, len(source_line.rstrip()) - column + 1)
        return Place(self.file, line, column, max(1, stop), source_line)


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of user text with its origin: the raw token `source.text[start:end]` and its quoting style.

    `style` is YAML's ('' plain, "'", '"', '|', '>'), or `GENERATED` for text that the program wrote on behalf of
    the token, as `layers` does: every place in it is the token's.  Places are worked out on demand only.
    """

    text: str
    source: Source = field(repr=False)
    start: int
    end: int
    style: str = ""

    @property
    def positions(self) -> tuple[tuple[int, int], ...]:
        """The (line, column) of every character and of the end."""
        return tuple(self.source.position(offset) for offset in self._offsets())

    def place(self, start: int = 0, end: int | None = None) -> Place:
        """The place of `text[start:end]`; the caret never runs past the end of the line."""
        if self.style == GENERATED:
            return self.source.between(self.start, self.end)
        found = self._offsets()
        last = len(self.text)
        return self.source.between(found[min(start, last)], found[last if end is None else min(end, last)])

    def standing_for(self, text: str) -> Text:
        """Generated text that has its place where this text stands."""
        return Text(text, self.source, self.start, self.end, GENERATED)

    def _offsets(self) -> list[int]:
        return offsets(self.source.text, self.start, self.end, self.text, self.style)


def inline(text: str, file: str = "<command line>") -> Text:
    """User text that stands in no file: an option's value, an answer; in NFC, as files are."""
    text = unicodedata.normalize("NFC", text)
    return Text(text, Source.of(file, text), 0, len(text))
