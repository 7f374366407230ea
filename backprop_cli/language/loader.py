"""Bytes to a positioned tree; the only importer of yaml.

Only PyYAML's event stream is used.  Its composer resolves aliases and merge keys (bombs of a few hundred bytes),
and recurses (libyaml's kills the process at 100,000 brackets), so events are checked one by one and the tree is
built from them without recursion.  Scalars are resolved by YAML 1.2 in `tree`, places by our own count of lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import islice
from typing import Any, Final

import yaml

from backprop_cli.errors import BackpropError, Failures, SpecError
from backprop_cli.language.decode import check_printable, decode, without_foreign_line_ends
from backprop_cli.language.literals import Literal, blanked, long_lists
from backprop_cli.language.source import Source
from backprop_cli.language.syntax import Trouble, error, syntax_error
from backprop_cli.language.tree import Mapping, Node, Scalar, Sequence, resolve
from backprop_cli.records import dataclass, field

_fast_parser: Any = None
with suppress(ImportError):  # PyYAML without libyaml: slower, otherwise the same
    from yaml._yaml import CParser

    _fast_parser = CParser

MAX_DEPTH: Final = 32
MAX_NODES: Final = 500_000  # about a second with libyaml

_SURROGATE = "[\ud800-\udfff]"


@dataclass(frozen=True, slots=True)
class Document:
    """The tree of a document (None where it is empty), and the errors that did not stop it from being read."""

    source: Source
    root: Node | None
    problems: tuple[BackpropError, ...]


def load(data: bytes, file: str, *, pure: bool = False) -> Node:
    """The tree of a document that must not be empty.

    Raises:
        SpecError: E002 to E008, at the place; Failures where there are several.
    """
    document = load_document(data, file, pure=pure)
    raise_all(document.problems)
    if document.root is None:
        raise SpecError("E008", "the document is empty", at=document.source.place(1, 1))
    return document.root


def load_document(data: bytes, file: str, *, pure: bool = False) -> Document:
    """The tree of a document, with the errors that leave the rest readable.

    Args:
        data: the file's content.
        file: its name, for places.
        pure: whether to use PyYAML's own parser even where libyaml is present.

    Raises:
        SpecError: E002 (not text), E003 (syntax), E004 (a refused feature) or E005 (a limit).
    """
    return compose(decode(data, file), pure=pure)


def compose(source: Source, *, skip: int = 0, pure: bool = False) -> Document:
    """The tree of a text, read as if its first `skip` characters were spaces."""
    check_printable(source)
    text, restore = without_foreign_line_ends(" " * skip + source.text[skip:])
    builder = _without_literals(source, text, restore, pure)
    if builder is None:
        builder = _built(_Builder(source, restore), text, pure)
    builder.problems.sort(key=lambda problem: (problem.at.line, problem.at.column) if problem.at else (0, 0))
    return Document(source, builder.root, tuple(builder.problems))


def _without_literals(source: Source, text: str, restore: dict[int, str], pure: bool) -> _Builder | None:
    """The tree, with the long lists of numbers put in; None where YAML had better see all of the text.

    Whatever is wrong is then found in the whole text, at its place.
    """
    literals = [*long_lists(source, text)]
    if not literals:
        return None
    builder = _Builder(source, restore, {one.start: one for one in literals})
    try:
        _built(builder, blanked(text, literals), pure)
    except SpecError:
        return None
    return None if builder.literals or builder.nodes > MAX_NODES else builder


def _built(builder: _Builder, text: str, pure: bool) -> _Builder:
    for event in _events(text, builder.source, pure):
        builder.handle(event)
    return builder


def raise_all(problems: tuple[BackpropError, ...]) -> None:
    """Raise nothing, the only error, or all of them as one.

    Raises:
        Failures: where there are several; a single one is raised itself.
    """
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise Failures(problems)


# ── events ───────────────────────────────────────────────────────────────────────────────────────


@cache
def _pure_parser() -> Callable[[str], Any]:
    """PyYAML's own parser without its composer; where libyaml is there, few texts need it."""
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class PureParser(Reader, Scanner, Parser):
        def __init__(self, stream: str) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)

    return PureParser


def _events(text: str, source: Source, pure: bool) -> Iterator[object]:
    """The parser's events.

    libyaml from 0.2.6 on reads ahead and refuses what is nested too deeply by a limit of its own, before the events
    that our own guard counts have come.  PyYAML's own parser then goes on from there, so that the same file gets the
    same error at the same place with every version.

    Raises:
        SpecError: E003 where the text is not YAML.
    """
    if pure or _fast_parser is None:
        yield from _parsed(_pure_parser()(text), text, source)
        return
    given = 0
    try:
        for event in _parsed(_fast_parser(text), text, source):
            yield event
            given += 1
    except _TooDeepForLibyaml:
        yield from islice(_parsed(_pure_parser()(text), text, source), given, None)


class _TooDeepForLibyaml(Exception):
    """libyaml's own limit was met, which is none of ours."""


def _parsed(parser: Any, text: str, source: Source) -> Iterator[object]:
    """The events of one parser."""
    try:
        while parser.check_event():
            yield parser.get_event()
    except yaml.MarkedYAMLError as caught:
        if "nesting depth" in (caught.problem or ""):
            raise _TooDeepForLibyaml from None
        raise syntax_error(_trouble(caught, len(text)), source) from None
    except (ValueError, OverflowError):  # the pure parser on "\UFFFFFFFF"
        raise error(source, parser.index, "an escape stands for no character", "use single quotes") from None
    finally:
        parser.dispose()


def _trouble(caught: yaml.MarkedYAMLError, end: int) -> Trouble:
    at = caught.problem_mark.index if caught.problem_mark else end
    since = caught.context_mark.index if caught.context_mark else None
    return Trouble(caught.problem or "", caught.context or "", at, since)


# ── tree ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Open:
    """A list or mapping that is not closed yet; `children` of a mapping are keys and values in turn."""

    start: int
    flow: bool
    children: list[Any] = field(default_factory=list)


class _Builder:
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
        place = self.source.between(event.start_mark.index, event.end_mark.index)
        return SpecError("E004", f"{what} not part of the spec language", at=place, hint=hint)

    def guard(self, event: Any) -> None:
        """Refuse what could make a small file large, or name a type."""
        if event.anchor is not None:
            raise self.refuse(event, "anchors (&) are", "write the value again where it is needed")
        if event.tag is not None:
            raise self.refuse(event, "tags (!) are", "quote text that begins with '!'")
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.too_large(event, f"more than {MAX_NODES} values in one file")

    def too_large(self, event: Any, message: str) -> SpecError:
        place = self.source.between(event.start_mark.index, event.start_mark.index + 1)
        return SpecError("E005", message, at=place, hint="put large arrays into a data file: {file: w.npy}")

    def alias(self, event: object) -> None:
        raise self.refuse(event, "aliases (*) are", "write the value out; an expression does not begin with '*'")

    def document(self, event: Any) -> None:
        self.documents += 1
        if event.tags:
            raise self.refuse(event, "%TAG directives are")
        if self.documents > 1:
            raise self.refuse(event, "several documents in one file are", "write one spec a file, without '---'")

    def scalar(self, event: Any) -> None:
        self.guard(event)
        raw, style = event.value, event.style or ""
        start, end = event.start_mark.index, event.end_mark.index
        if self.restore:
            raw = raw.translate(self.restore)
        if style == '"' and re.search(_SURROGATE, raw):
            raise error(self.source, start, "an escape stands for no character", "use single quotes")
        self.add(Scalar(self.source, start, end, raw, raw if style else resolve(raw), style))

    def add(self, node: Node) -> None:
        if self.stack:
            self.top.append(node)
        else:
            self.root = node

    def open(self, event: Any) -> None:
        self.guard(event)
        if len(self.stack) == MAX_DEPTH:
            raise self.too_large(event, f"nested more than {MAX_DEPTH} deep")
        self.stack.append(_Open(event.start_mark.index, bool(event.flow_style)))
        self.top = self.stack[-1].children

    def close(self) -> _Open:
        closed = self.stack.pop()
        self.top = self.stack[-1].children if self.stack else []
        return closed

    def close_sequence(self, event: Any) -> None:
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
