"""What every form of answers is read to: lines of names and values, and who wrote them."""

from __future__ import annotations

from collections.abc import Collection

from backprop_cli.language import tree
from backprop_cli.language.source import Text
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.grading.items import item_of

STUDENT = ("student", "name", "author")
"""What the writer's name stands after."""


@dataclass(frozen=True, slots=True)
class Line:
    """One answer as it stands in the file: its name, its value, and where a later line of the name replaces it."""

    name: str
    value: tree.Node | Text
    at: Text


@dataclass(slots=True)
class Page:
    """A file, read: its lines, who wrote it, whatever else it says, and names that are written twice."""

    lines: list[Line] = field(default_factory=list)
    student: str | None = None
    further: dict[str, str] = field(default_factory=dict)
    locals: bool = False  # names that are no items are the writer's own variables
    found: bool = False


def is_item(name: str, nodes: Collection[str]) -> bool:
    """Whether a name is what can be asked for: a node, or with a suffix."""
    item = item_of(name, nodes)
    return item is not None and (item.node in nodes or bool(item.suffix))


def is_gradient(name: str, nodes: Collection[str]) -> bool:
    """Whether a name is that of a node's gradient."""
    item = item_of(name, nodes)
    return item is not None and item.node in nodes and bool(item.suffix)


_BRACKETS = {"[": 1, "(": 1, "{": 1, "]": -1, ")": -1, "}": -1}


def open_brackets(text: str) -> int:
    """How many brackets a text opens and does not close."""
    return sum(_BRACKETS.get(letter, 0) for letter in text)
