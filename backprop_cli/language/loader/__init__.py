"""Bytes to a positioned tree; the only place that imports yaml.

Only PyYAML's event stream is used.  Its composer resolves aliases and merge keys (bombs of a few hundred bytes),
and recurses (libyaml's kills the process at 100,000 brackets), so events are checked one by one and the tree is
built from them without recursion.  Scalars are resolved by YAML 1.2 in `tree`, places by our own count of lines.
"""

from __future__ import annotations

from backprop_cli.errors import BackpropError, Failures, SpecError
from backprop_cli.language.decode import check_printable, decode, without_foreign_line_ends
from backprop_cli.language.literals import blanked, long_lists
from backprop_cli.language.loader.composer import Composer
from backprop_cli.language.loader.events import events
from backprop_cli.language.source import Source
from backprop_cli.language.tree import Node
from backprop_cli.records import dataclass


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
    composer = _without_literals(source, text, restore, pure)
    if composer is None:
        composer = _built(Composer(source, restore), text, pure)
    composer.problems.sort(key=lambda problem: (problem.at.line, problem.at.column) if problem.at else (0, 0))
    return Document(source, composer.root, tuple(composer.problems))


def _without_literals(source: Source, text: str, restore: dict[int, str], pure: bool) -> Composer | None:
    """The tree, with the long lists of numbers put in; None where YAML had better see all of the text.

    Whatever is wrong is then found in the whole text, at its place.
    """
    literals = [*long_lists(source, text)]
    if not literals:
        return None
    composer = Composer(source, restore, {one.start: one for one in literals})
    try:
        _built(composer, blanked(text, literals), pure)
    except SpecError:
        return None
    return None if composer.literals or composer.is_full else composer


def _built(composer: Composer, text: str, pure: bool) -> Composer:
    for event in events(text, composer.source, pure):
        composer.handle(event)
    return composer


def raise_all(problems: tuple[BackpropError, ...]) -> None:
    """Raise nothing, the only error, or all of them as one.

    Raises:
        Failures: where there are several; a single one is raised itself.
    """
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise Failures(problems)
