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
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from backprop_cli.errors import BackpropError, Failures, FileError, SpecError
from backprop_cli.language.arrays import numbers
from backprop_cli.language.decode import MAX_BYTES
from backprop_cli.language.expression import Expression, parse
from backprop_cli.language.loader import load
from backprop_cli.language.reading import describe, known, mapping, scalar
from backprop_cli.language.source import Text
from backprop_cli.language.tree import Mapping, Node, Scalar, Sequence
from backprop_cli.tasks.grading.items import Item, item_of

KEYS = ("student", "answers")
OTHER_KEYS = {"name": "student", "author": "student", "answer": "answers", "solution": "answers", "nodes": "answers"}
MAX_ITEMS: Final = 2_000
MAX_NAME: Final = 200
SHAPE = "answers are lines 'node: number', 'node.grad: [[...]]' or 'node.formula: expression' below 'answers:'"


@dataclass(frozen=True, slots=True)
class Figures:
    """An answer in numbers; `half` is half a unit of the last digit that was written, entry by entry."""

    value: Any
    half: Any


@dataclass(frozen=True, slots=True)
class Formula:
    """An answer as an expression of the language."""

    expression: Expression
    text: Text


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An answer that is neither, and why."""

    why: str


Content = Figures | Formula | Unreadable


@dataclass(frozen=True, slots=True)
class Sheet:
    """The answers of one file; an empty one (`loss:`) is none."""

    file: str
    student: str | None
    answers: dict[Item, Content] = field(default_factory=dict)
    strays: dict[str, str] = field(default_factory=dict)  # names that are no item, and why


def read_sheet(path: str) -> Sheet:
    """Read a file of answers, or stdin where `path` is '-'.

    Raises:
        FileError: E001 where it cannot be read.
        SpecError, Failures: it is no file of answers.
    """
    return sheet_of(content(path), "<stdin>" if path == "-" else path)


def content(path: str) -> bytes:
    """The bytes of a file, at most one more than is allowed: who reads them says that it is too large.

    Raises:
        FileError: E001.
    """
    try:
        if path == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(path).open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (OSError, ValueError, AttributeError) as caught:
        reason = getattr(caught, "strerror", None) or "it is closed, or no file name"
        raise FileError("E001", f"cannot read {path!r}: {reason}") from None


def sheet_of(data: bytes, file: str) -> Sheet:
    """Read answers from the bytes of a file."""
    fields = known(mapping(load(data, file), f"a file of answers is a mapping; {SHAPE}"), KEYS, "a file of answers",
                   OTHER_KEYS)  # fmt: skip
    if "answers" not in fields:
        raise SpecError("E008", "the file has no 'answers'", at=load(data, file).at.place(), hint=SHAPE)
    table = _table(fields["answers"])
    sheet = Sheet(file, _student(fields.get("student")))
    for key, value in table.items:
        _take(sheet, key, value)
    return sheet


def _table(node: Node) -> Mapping:
    if isinstance(node, Scalar) and node.value is None:
        return Mapping(node.source, node.start, node.end, [])
    table = mapping(node, SHAPE)
    if len(table.items) > MAX_ITEMS:
        raise SpecError("E005", f"more than {MAX_ITEMS} answers in one file", at=table.at.place())
    return table


def _student(node: Node | None) -> str | None:
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return None
    return scalar(node, "'student' is a name").raw[:MAX_NAME]


def _take(sheet: Sheet, key: Scalar, value: Node) -> None:
    """Add one line of the answers.

    Raises:
        SpecError: E006 where an item is answered twice.
    """
    item = item_of(key.raw)
    if item is None:
        sheet.strays[key.raw[:MAX_NAME]] = "an answer is called 'node', 'node.grad' or 'node.formula'"
        return
    if item in sheet.answers:
        raise SpecError("E006", f"{item.name!r} is answered twice", at=key.at.place())
    if not (isinstance(value, Scalar) and value.value is None):
        sheet.answers[item] = _content(item, value)


def _content(item: Item, value: Node) -> Content:
    """An answer, or why it cannot be read."""
    is_text = isinstance(value, Scalar) and isinstance(value.value, str)
    try:
        if is_text or item.suffix == ".formula":
            text = scalar(value, "a formula is an expression").text
            return Formula(parse(text), text)
        return _figures(value)
    except BackpropError as caught:
        return Unreadable(told(caught))


def _figures(node: Node) -> Figures:
    if isinstance(node, Mapping):
        raise SpecError("E008", f"an answer is a number, a list or a formula, found {describe(node)}",
                        at=node.at.place())  # fmt: skip
    value = numbers(node, "the answer")
    halves = np.array([_half(raw) for raw in _written(node)])
    return Figures(value.load()[()], halves.reshape(value.shape)[()])


def told(error: BackpropError) -> str:
    """An error as a reason: the line, what is wrong, and a suggestion."""
    first = error.errors[0] if isinstance(error, Failures) else error
    where = f"line {first.at.line}: " if first.at else ""
    meant = f"; {first.hint}" if first.hint and first.hint.startswith(("did you", "write ", "use ")) else ""
    return f"{where}{first.message}{meant}"


# ── digits ───────────────────────────────────────────────────────────────────────────────────────


_NUMBER = re.compile(r"[-+]?(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?")


def _written(node: Node) -> Iterator[str]:
    """The numbers of a literal as they are written, in the order of its entries."""
    if isinstance(node, Sequence):
        for one in node.items:
            yield from _written(one)
    elif isinstance(node, Scalar):
        yield node.raw


def _half(raw: str) -> float:
    """Half a unit of the last digit written: 0.0005 for 0.123 and for 1.000."""
    found = _NUMBER.fullmatch(raw)
    if found is None:  # .inf, .nan, 0x1f
        return 0.0
    exponent = int(found[3] or 0) - len(found[2])
    return float(f"0.5e{exponent}") if abs(exponent) < 400 else 0.0
