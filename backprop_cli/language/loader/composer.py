"""Events to a positioned tree, each checked as it comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import yaml

from backprop_cli.errors import BackpropError, SpecError
from backprop_cli.language.literals import Literal
from backprop_cli.language.source import Source
from backprop_cli.language.syntax import error
from backprop_cli.language.tree import Mapping, Node, Scalar, Sequence, resolve
from backprop_cli.records import dataclass, field

MAX_DEPTH: Final = 32
MAX_NODES: Final = 500_000  # about a second with libyaml

_SURROGATE = "[\ud800-\udfff]"


@dataclass(slots=True)
class _Open:
    """A list or mapping that is not closed yet; `children` of a mapping are keys and values in turn."""

    start: int
    flow: bool
    children: list[Any] = field(default_factory=list)


class Composer:
    """The tree so far; `handle` takes one event."""

    def __init__(self, source: Source, restore: dict[int, str], literals: dict[int, Literal] | None = None) -> None:
        self.source = source
        self.restore = restore
        self.literals = literals or {}  # by where they start, until the parser has met them
        self.root: Node | None = None
        self.problems: list[BackpropError] = []
        self.stack: list[_Open] = []
        self.top: list[object] = []  # the children of the innermost open node
        self.nodes = 0
        self.documents = 0
        self.handlers: dict[type, Callable[[object], None]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.SequenceStartEvent: self.open,
            yaml.MappingStartEvent: self.open,
            yaml.SequenceEndEvent: self.close_sequence,
            yaml.MappingEndEvent: self.close_mapping,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.document,
        }

    def handle(self, event: object) -> None:
        """Check one event and add it to the tree."""
        handler = self.handlers.get(type(event))
        if handler:
            handler(event)

    def refuse(self, event: Any, what: str, hint: str | None = None) -> SpecError:
        """E004, at an event."""
        place = self.source.between(event.start_mark.index, event.end_mark.index)
        return SpecError("E004", f"{what} not part of the spec language", at=place, hint=hint)

    def guard(self, event: Any) -> None:
        """Refuse what could make a small file large, or name a type."""
        if event.anchor is not None:
            raise self.refuse(event, "anchors (&) are", "write the value again where it is needed")
        if event.tag is not None:
            raise self.refuse(event, "tags (!) are", "quote text that begins with '!'")
        self.nodes += 1
        if self.is_full:
            raise self.too_large(event, f"more than {MAX_NODES} values in one file")

    @property
    def is_full(self) -> bool:
        """Whether there are more values than a file may have."""
        return self.nodes > MAX_NODES

    def too_large(self, event: Any, message: str) -> SpecError:
        """E005, where an event begins."""
        place = self.source.between(event.start_mark.index, event.start_mark.index + 1)
        return SpecError("E005", message, at=place, hint="put large arrays into a data file: {file: w.npy}")

    def alias(self, event: object) -> None:
        """`*name`."""
        raise self.refuse(event, "aliases (*) are", "write the value out; an expression does not begin with '*'")

    def document(self, event: Any) -> None:
        """Where a document begins: there is one."""
        self.documents += 1
        if event.tags:
            raise self.refuse(event, "%TAG directives are")
        if self.documents > 1:
            raise self.refuse(event, "several documents in one file are", "write one spec a file, without '---'")

    def scalar(self, event: Any) -> None:
        """A word or number, as it was written and as what YAML 1.2 makes of it."""
        self.guard(event)
        raw, style = event.value, event.style or ""
        start, end = event.start_mark.index, event.end_mark.index
        if self.restore:
            raw = raw.translate(self.restore)
        if style == '"' and re.search(_SURROGATE, raw):
            raise error(self.source, start, "an escape stands for no character", "use single quotes")
        self.add(Scalar(self.source, start, end, raw, raw if style else resolve(raw), style))

    def add(self, node: Node) -> None:
        """Put a finished node into the innermost open one."""
        if self.stack:
            self.top.append(node)
        else:
            self.root = node

    def open(self, event: Any) -> None:
        """Where a list or mapping begins."""
        self.guard(event)
        if len(self.stack) == MAX_DEPTH:
            raise self.too_large(event, f"nested more than {MAX_DEPTH} deep")
        self.stack.append(_Open(event.start_mark.index, bool(event.flow_style)))
        self.top = self.stack[-1].children

    def close(self) -> _Open:
        """The innermost open node, which ends here."""
        closed = self.stack.pop()
        self.top = self.stack[-1].children if self.stack else []
        return closed

    def close_sequence(self, event: Any) -> None:
        """Where a list ends."""
        closed = self.close()
        literal = self.literals.pop(closed.start, None) if self.literals else None
        if literal is not None:
            self.put(literal)
            return
        if closed.flow:
            self.check_commas(closed.children, closed.children)
        self.add(Sequence(self.source, closed.start, event.end_mark.index, closed.children))

    def put(self, literal: Literal) -> None:
        """A list of numbers that YAML has not seen."""
        self.nodes += literal.nodes - 1
        if len(self.stack) + len(literal.shape) > MAX_DEPTH:
            raise SpecError("E005", "nested too deep")  # said anew, at its place, when YAML sees it
        self.add(literal)

    def close_mapping(self, event: Any) -> None:
        """Where a mapping ends."""
        closed = self.close()
        pairs = list(zip(closed.children[::2], closed.children[1::2], strict=True))
        if closed.flow:
            self.check_commas(closed.children, closed.children[1::2])
        self.add(Mapping(self.source, closed.start, event.end_mark.index, self.unique(pairs)))

    def unique(self, pairs: list[tuple[Node, Node]]) -> list[tuple[Scalar, Node]]:
        """The pairs with the keys checked: scalars, no merge key, none twice."""
        seen: dict[str, tuple[Scalar, Node]] = {}
        for key, value in pairs:
            if not isinstance(key, Scalar):
                self.problems.append(SpecError("E008", "a key is a name, not a list or mapping", at=key.at.place()))
            elif key.raw == "<<" and not key.style:
                place = key.at.place()
                raise SpecError("E004", "merge keys (<<) are not part of the spec language", at=place)
            elif key.raw in seen:
                self.problems.append(_duplicate(key, seen[key.raw][0]))
            else:
                seen[key.raw] = (key, value)
        return list(seen.values())

    def check_commas(self, children: list[Any], values: list[object]) -> None:
        """Find `{expr: max(x, 0)}`: YAML ends a plain value at a comma, in the middle of its brackets."""
        for value in values:
            if type(value) is Scalar and type(value.value) is str and not value.style and _is_open(value.raw):
                rest = [child for child in children if child.end > value.start]
                raise _cut_at_comma(value, rest)


def _is_open(raw: str) -> bool:
    return raw.count("(") > raw.count(")")


def _cut_at_comma(value: Scalar, rest: list[object]) -> SpecError:
    last = next((child for child in rest[1:] if isinstance(child, Scalar) and child.raw.endswith(")")), value)
    whole = " ".join(value.source.text[value.start : last.end].split())
    hint = f"quote the expression: '{whole}'" if last is not value and "'" not in whole else "quote the expression"
    message = "inside { } and [ ] YAML ends a value at a comma, here within a bracket"
    return SpecError("E003", message, at=value.text.place(), hint=hint)


def _duplicate(key: Scalar, first: Scalar) -> SpecError:
    line = first.at.place().line
    return SpecError("E006", f"the key {key.raw!r} is written twice", at=key.at.place(), hint=f"first on line {line}")
