"""A file of answers, read: untrusted text to plain data, every unreadable answer with its reason.

    student: Ada                     # optional
    answers:
      loss: 0.4999                   # a node's value
      w2.grad: [[0.1, 0.2]]          # a gradient in numbers
      w1.formula: grad(z_1) @ x.T    # a gradient as a formula

A file that is no such file at all is an error; an answer in it that cannot be read is not: the others count.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

from backprop_cli.errors import BackpropError
from backprop_cli.language import reader, tree
from backprop_cli.language.expression import Expression, parse
from backprop_cli.language.source import Text
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.records import dataclass, field, replace
from backprop_cli.tasks.grading.contents import Content, Formula, Unreadable, content_of, inlined
from backprop_cli.tasks.grading.forms import page_of
from backprop_cli.tasks.grading.items import SUFFIXES, UNKNOWN, Item, item_of, letters_of
from backprop_cli.tasks.grading.pages import Line, Page

if TYPE_CHECKING:
    from backprop_cli.engine.graph import Graph

MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Sheet:
    """The answers of one file; an empty one (`loss:`) is none."""

    file: str
    student: str | None
    answers: dict[Item, Content] = field(default_factory=dict)
    strays: dict[str, str] = field(default_factory=dict)  # names that are no item, and why
    further: Mapping[str, str] = field(default_factory=dict)  # whatever else the file says


def read_sheet(path: str, nodes: Collection[str], graph: Graph | None = None) -> Sheet:
    """Read a file of answers, or stdin where `path` is '-'.

    Args:
        path: the file.
        nodes: the names of the key's nodes, by which other spellings of an item are known.
        graph: the key's graph, with which a hand-written backward pass in Python is read.

    Raises:
        FileError: E001 where it cannot be read.
        SpecError, Failures: it is no file of answers.
    """
    return sheet_of(reader.content_of(path), "<stdin>" if path == "-" else path, nodes, graph)


def sheet_of(data: bytes, file: str, nodes: Collection[str] = (), graph: Graph | None = None) -> Sheet:
    """Read answers from the bytes of a file."""
    page = page_of(data, file, nodes, graph)
    student = page.student[:MAX_NAME] if page.student else None
    sheet = Sheet(file, student, further={k[:MAX_NAME]: v[:MAX_NAME] for k, v in page.further.items()})
    variables: dict[str, Expression] = {}
    for line in page.lines:
        _take(sheet, page, line, nodes, variables)
    return sheet


def _take(sheet: Sheet, page: Page, line: Line, nodes: Collection[str], variables: dict[str, Expression]) -> None:
    """Add one line: an answer, or several of one node (`W2: {grad: ..., formula: ...}`)."""
    value = line.value
    item = item_of(line.name, nodes)
    if page.locals and (item is None or item.node not in nodes or not item.suffix):
        _define(line, variables)
        return
    if item is None:
        sheet.strays[line.name[:MAX_NAME]] = UNKNOWN
    elif isinstance(value, tree.Mapping) and (not item.suffix or _of_kinds(item, value)):
        _several(sheet, item, value, nodes)
    elif value is line.at:
        sheet.answers[item] = Unreadable(f"line {line.at.place().line}: {item.name} is answered twice")
    elif not _empty(value):
        found = content_of(item, value, nodes, variables)
        if isinstance(found, Formula) and not found.letters and line.name not in nodes:
            found = replace(found, letters=letters_of(line.name))
        twice = item in sheet.answers and not page.locals
        sheet.answers[item] = Unreadable(f"{item.name} is answered twice") if twice else found


def _of_kinds(item: Item, value: tree.Mapping) -> bool:
    """`dW2: {formula: ...}`: a gradient, and in which form."""
    return item.suffix == ".grad" and all(one.raw in SUFFIXES for one, _ in value.items)


def _several(sheet: Sheet, item: Item, value: tree.Mapping, nodes: Collection[str]) -> None:
    for key, one in value.items:
        if key.raw not in SUFFIXES:
            sheet.strays[f"{item.node}.{key.raw}"[:MAX_NAME]] = UNKNOWN
        elif not _empty(one):
            inner = Item(item.node, SUFFIXES[key.raw] or item.suffix)
            sheet.answers[inner] = content_of(inner, one, nodes, {})


_NO_ANSWER = re.compile(
    r"[\s?.…_~–—-]*|null|n/?a|idk|no (?:idea|answer)|(?:i )?skipped(?: this)?"
    r"|(?:i )?(?:don['’]t|do not|didn['’]t) know.*", re.IGNORECASE)  # fmt: skip
"""What stands where nobody answered: `???`, `-`, `I don't know`."""


def _empty(value: tree.Node | Text) -> bool:
    if isinstance(value, tree.Scalar):
        text = value.raw if value.value is None or isinstance(value.value, str) else "0"
        return value.value is None or _NO_ANSWER.fullmatch(text.strip()) is not None
    return isinstance(value, Text) and _NO_ANSWER.fullmatch(value.text.strip().rstrip("!")) is not None


def _define(line: Line, variables: dict[str, Expression]) -> None:
    """Remember a variable of the writer's own, for the lines after it."""
    if isinstance(line.value, Text):
        try:
            variables[line.name] = inlined(parse(line.value), variables)
        except BackpropError:
            variables.pop(line.name, None)


def no_node(name: str, nodes: Collection[str]) -> str:
    """Why an item of an unknown node cannot be marked."""
    near = did_you_mean(name, nodes)
    return f"no node is called {name[:64]!r}{f'; {near}' if near else ''}"
