"""A decoded text file and the scalars in it: every character of a value knows its line and column."""

from __future__ import annotations

from dataclasses import dataclass, field

from backprop_cli.errors import Place


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text, split into lines the way editors do (\\n, \\r\\n and \\r only)."""

    file: str
    text: str
    lines: tuple[str, ...] = field(repr=False)

    def place(self, line: int, column: int, length: int = 1) -> Place:
        """The place at a 1-based line and column."""
        source_line = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Place(self.file, line, column, length, source_line)


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of user text with its origin.

    `positions` maps a character offset in `text` to its (line, column) in the file; it has one more entry
    than `text` has characters (the end), so quoted, escaped and block scalars point at the very token.
    """

    text: str
    source: Source
    positions: tuple[tuple[int, int], ...] = field(repr=False)

    def place(self, start: int = 0, end: int | None = None) -> Place:
        """The place of `text[start:end]`; the caret never runs past the end of the line."""
        stop = len(self.text) if end is None else end
        line, column = self.positions[min(start, len(self.positions) - 1)]
        last_line, last_column = self.positions[min(stop, len(self.positions) - 1)]
        length = last_column - column if last_line == line else 1
        return self.source.place(line, column, max(1, length))


def inline(text: str, file: str = "<command line>") -> Text:
    """User text that stands in no file: an option's value, an answer."""
    source = Source(file, text, tuple(text.splitlines() or [""]))
    return Text(text, source, tuple((1, i + 1) for i in range(len(text) + 1)))
