"""What an author wrote beside the entries of a spec: comments, found again in its text when it is written anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from backprop_cli.language.model import Spec
from backprop_cli.language.source import GENERATED, Source, Text
from backprop_cli.records import dataclass, field

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"")
_COMMENT = re.compile(r"(?:^|\s)#.*")


@dataclass(slots=True)
class Remarks:
    """The comments of one text; each is given out once."""

    source: Source
    given: set[int] = field(default_factory=set)

    def of_key(self, key: str, value: str = "") -> int | None:
        """The line of a key of the whole, from 0; None where it stands there with another value."""
        found = (i for i, line in enumerate(self.source.lines) if re.match(rf"{key}\s*:", line))
        line = next(found, None)
        return None if line is None or value not in self.source.lines[line] else line

    def of_entry(self, at: Text) -> int | None:
        """The line of a leaf or a node, from 0; None for one that stands in no such text."""
        written = at.source is self.source and at.style != GENERATED
        return self.source.position(at.start)[0] - 1 if written else None

    def around(self, line: int | None, lines: Iterable[str], indent: int = 0) -> Iterator[str]:
        """The lines of an entry with the comments above its line in the text, and the one at its end."""
        if line is None or line in self.given:
            yield from lines
            return
        first, *rest = lines
        yield from (" " * indent + comment for comment in self._above(line))
        beside = self._beside(line)
        yield f"{first}  {beside}" if beside else first
        yield from rest

    def _above(self, line: int) -> list[str]:
        found = []
        for i in range(line - 1, -1, -1):
            text = self.source.lines[i].strip()
            if i in self.given or text and not text.startswith("#"):
                break
            self.given.add(i)
            found += [text] if text else []
        return found[::-1]

    def _beside(self, line: int) -> str:
        self.given.add(line)
        text = self.source.lines[line]
        found = _COMMENT.search(_QUOTED.sub(lambda quoted: "." * len(quoted[0]), text))
        return text[found.start() :].strip() if found else ""


def sections_in_order(spec: Spec) -> list[tuple[str, str]]:
    """`inputs` and `params`, the one first that the author wrote first, each with the kind of its leaves."""
    remarks = Remarks(spec.source)
    both = [("inputs", "input"), ("params", "param")]
    inputs, params = (remarks.of_key(section) for section, _ in both)
    return both[::-1] if inputs is not None and params is not None and params < inputs else both
