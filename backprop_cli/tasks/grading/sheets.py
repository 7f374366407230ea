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
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from backprop_cli.engine.ops import OPS
from backprop_cli.errors import BackpropError, Failures, FileError, SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language import tree
from backprop_cli.language.arrays import numbers
from backprop_cli.language.decode import MAX_BYTES
from backprop_cli.language.expression import Expression, parse
from backprop_cli.language.source import Text
from backprop_cli.language.spelling import is_spelling
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.tasks.grading.figures import Figures, half_unit, rebuilt, written
from backprop_cli.tasks.grading.forms import Line, Page, page_of
from backprop_cli.tasks.grading.grids import gridded
from backprop_cli.tasks.grading.items import SUFFIXES, UNKNOWN, Item, gradient_of, item_of
from backprop_cli.tasks.grading.latex import is_latex, to_text
from backprop_cli.tasks.grading.loose import around, loosened

if TYPE_CHECKING:
    from backprop_cli.engine.graph import Graph

MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Formula:
    """An answer as an expression of the language; `bare` where nothing says that it is a formula."""

    expression: Expression
    text: Text
    bare: bool = False


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
    return sheet_of(content(path), "<stdin>" if path == "-" else path, nodes, graph)


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
    elif isinstance(value, tree.Mapping) and not item.suffix:
        _several(sheet, item, value)
    elif value is line.at:
        sheet.answers[item] = Unreadable(f"line {line.at.place().line}: {item.name} is answered twice")
    elif not _empty(value):
        found = _content(item, value, nodes, variables)
        twice = item in sheet.answers and not page.locals
        sheet.answers[item] = Unreadable(f"{item.name} is answered twice") if twice else found


def _several(sheet: Sheet, item: Item, value: tree.Mapping) -> None:
    for key, one in value.items:
        if key.raw not in SUFFIXES:
            sheet.strays[f"{item.node}.{key.raw}"[:MAX_NAME]] = UNKNOWN
        elif not _empty(one):
            inner = Item(item.node, SUFFIXES[key.raw])
            sheet.answers[inner] = _content(inner, one, (), {})


def _empty(value: tree.Node | Text) -> bool:
    if isinstance(value, Text):
        return not value.text or value.text in {"~", "null"}
    return isinstance(value, tree.Scalar) and (value.value is None or not value.raw.strip())


def _define(line: Line, variables: dict[str, Expression]) -> None:
    """Remember a variable of the writer's own, for the lines after it."""
    if isinstance(line.value, Text):
        try:
            variables[line.name] = _inlined(parse(line.value), variables)
        except BackpropError:
            variables.pop(line.name, None)


def _inlined(expression: Expression, variables: Mapping[str, Expression]) -> Expression:
    if not variables:
        return expression
    return rebuilt(expression, lambda part: variables.get(part.name) if isinstance(part, ast.Name) else None)


# ── one answer ───────────────────────────────────────────────────────────────────────────────────


def _content(item: Item, value: tree.Node | Text, nodes: Collection[str],
             variables: Mapping[str, Expression]) -> Content:  # fmt: skip
    """An answer, or why it cannot be read."""
    try:
        if isinstance(value, Text) or (isinstance(value, tree.Scalar) and isinstance(value.value, str)):
            text = value if isinstance(value, Text) else value.text
            return _from_text(item, text, nodes, variables)
        if item.suffix == ".formula" and isinstance(value, tree.Scalar):
            return Formula(parse(value.text), value.text)
        return _from_list(item, value, nodes)
    except BackpropError as caught:
        return Unreadable(told(caught))


def _from_text(item: Item, text: Text, nodes: Collection[str], variables: Mapping[str, Expression]) -> Formula:
    """An answer as the language reads it; where it does not, as people write by hand.

    Raises:
        SpecError: what is wrong with it as it was written.
    """
    bare = _bare(text.text, item, nodes)
    plain = text if bare == text.text else text.standing_for(bare)
    formula = item.suffix != ".formula"
    try:
        found = _inlined(parse(plain), variables)
        strange = _strange(found, nodes)
    except BackpropError:
        loose = _loosely(plain, item, nodes, variables)
        if loose is None:
            raise
        return Formula(*loose, formula)
    loose = _loosely(plain, item, nodes, variables) if strange and nodes else None
    if loose is not None and _strange(loose[0], nodes) < strange:
        return Formula(*loose, formula)
    return Formula(found, plain, formula)


def _loosely(text: Text, item: Item, nodes: Collection[str],
             variables: Mapping[str, Expression]) -> tuple[Expression, Text] | None:  # fmt: skip
    """An answer as written by hand, with `where d = ...` behind it."""
    body, _, definitions = text.text.partition(" where ")
    own = dict(variables)
    try:
        for one in filter(None, re.split(r",(?![^(\[]*[)\]])|;|\band\b", definitions)):
            name, _, value = one.partition("=")
            own[name.strip()] = _inlined(parse(_in_language(text, value, nodes)), own)
        spelled = _in_language(text, _bare(around(body), item, nodes), nodes)
        return _inlined(parse(spelled), own), spelled
    except BackpropError:
        return None


def _in_language(text: Text, written: str, nodes: Collection[str]) -> Text:
    return text.standing_for(loosened(written.strip(), nodes, _is_function))


def _is_function(name: str) -> bool:
    return name in OPS or is_spelling(name, name in OPS)


def _strange(expression: Expression, nodes: Collection[str]) -> int:
    """How much of an answer means nothing to the language: names, and twice the functions (sizes have names, too)."""
    found = 0
    for part in ast.parts(expression):
        if isinstance(part, ast.Name):
            found += part.name not in nodes and gradient_of(part.name, nodes) is None
        elif isinstance(part, ast.Call):
            found += 2 * (part.function != "grad" and not _is_function(part.function))
    return found


def _from_list(item: Item, node: tree.Node, nodes: Collection[str]) -> Content:
    if isinstance(node, tree.Mapping):
        raise SpecError("E008", "an answer is a number, a list or a formula, found a mapping", at=node.at.place())
    if isinstance(node, tree.Scalar) or all(not isinstance(one, str) for one in _values(node)):
        value = numbers(node, "the answer")
        halves = np.array([half_unit(raw) for raw in written(node)])
        return Figures(value.load()[()], halves.reshape(value.shape)[()])
    raw = node.at.standing_for(_spelled(node))
    return replace(_from_text(item, raw, nodes, {}), bare=True)


def _values(node: tree.Node) -> list[object]:
    if isinstance(node, tree.Sequence):
        return [value for one in node.items for value in _values(one)]
    return [node.value if isinstance(node, tree.Scalar) else None]


def _spelled(node: tree.Node) -> str:
    """A list of texts as one expression: `[1/3, '0.5']` is `[1/3, 0.5]`.

    Raises:
        SpecError: E008 where a mapping stands in it.
    """
    if isinstance(node, tree.Sequence):
        return f"[{', '.join(map(_spelled, node.items))}]"
    if not isinstance(node, tree.Scalar):
        raise SpecError("E008", "a list of numbers holds a mapping", at=node.at.place())
    return node.raw or "?"


_WRAPPED = re.compile(r"(?:(?:np|numpy|torch|jnp)\.)?(?:[Aa]rray|asarray|tensor|Tensor|[Mm]atrix|float64|float32)\s*\("
                      r"(?P<inner>\[.*\]|[-+.\deE]+)"
                      r"\s*(?:,\s*(?:dtype|requires_grad|device|grad_fn)\s*=[^\[\]]*)?\)", re.DOTALL)  # fmt: skip
_ABOUT = re.compile(r"^[≈~≃≅∼]\s*(?=[-+]?[.\d\[])")
_SEVERAL = re.compile(r"^[-+−]?[\d.]+(?:[eE][-+]?\d+)?\s*(?:[;,]|\s[-+−]?[\d.])")
_GAP = re.compile(r"(?<=[\d.\]])\s+(?=[-+]?[\d.\[])")


def _bare(text: str, item: Item, nodes: Collection[str]) -> str:
    """An answer without what people put around it: quotes, `W2.grad = ...`, `array(...)`, numpy's way to print."""
    text = text.strip().strip("`").strip("$").strip()
    text = _right_side(_ABOUT.sub("", text), item, nodes)
    grid = gridded(text) if text[:1] in "[({<\\" or _SEVERAL.search(text) else None
    if grid is not None:
        return grid
    if is_latex(text):
        return to_text(text, nodes)
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped:
        text = wrapped["inner"]
    if text.startswith("[") and "," not in text.split("]")[0].strip("[ "):
        text = _GAP.sub(", ", text)
    return text


def _right_side(text: str, item: Item, nodes: Collection[str]) -> str:
    """The answer behind `grad(W2) =`, where that names the item itself."""
    left, sign, right = text.partition("=")
    if not sign or right.startswith("=") or left.endswith(("<", ">", "!")) or left.count("(") != left.count(")"):
        return text
    named = item_of(left, nodes)
    itself = named is not None and named.node == item.node
    return right.strip() if itself or (left.strip() in _LOSSES and left.strip() not in nodes) else text


_LOSSES = frozenset({"", "L", "J", "E", "C", "loss", "Loss"})
"""What people call the output, whatever the spec does; nothing before the `=` at all."""


def told(error: BackpropError) -> str:
    """An error as a reason: the line, what is wrong, and a suggestion."""
    first = error.errors[0] if isinstance(error, Failures) else error
    where = f"line {first.at.line}: " if first.at else ""
    meant = f"; {first.hint}" if first.hint and first.hint.startswith(("did you", "write ", "use ")) else ""
    return f"{where}{first.message}{meant}"


def no_node(name: str, nodes: Collection[str]) -> str:
    """Why an item of an unknown node cannot be marked."""
    near = did_you_mean(name, nodes)
    return f"no node is called {name[:64]!r}{f'; {near}' if near else ''}"
