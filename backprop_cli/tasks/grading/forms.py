"""The files in which answers come, read to lines 'name: value': YAML, JSON, CSV, Markdown, Python, notebooks.

A line that cannot be read never costs another: YAML with a syntax error is read once more line by line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from backprop_cli.errors import BackpropError, SpecError
from backprop_cli.language import tree
from backprop_cli.language.decode import decode
from backprop_cli.language.loader import load_document
from backprop_cli.language.reading import mapping
from backprop_cli.language.source import Source, Text
from backprop_cli.tasks.grading.columns import csv_page
from backprop_cli.tasks.grading.defined import defined, with_definitions
from backprop_cli.tasks.grading.items import item_of
from backprop_cli.tasks.grading.pages import STUDENT, Line, Page, is_gradient, is_item, open_brackets

MAX_ITEMS: Final = 2_000
MOST_LABELS: Final = 100_000
if TYPE_CHECKING:
    from backprop_cli.engine.graph import Graph

SHAPE = "answers are lines 'node: number', 'node.grad: [[...]]' or 'node.formula: expression' below 'answers:'"

ANSWERS = ("answers", "answer", "solution", "solutions", "nodes")


def page_of(data: bytes, file: str, nodes: Collection[str], graph: Graph | None = None) -> Page:
    """Read a file by its ending; with the key's graph a program is read as one, as `import` does.

    Raises:
        SpecError, Failures: it is no file of answers.
    """
    read = FORMS.get(PurePath(file).suffix.lower(), _yaml)
    page = read(data, file, nodes)
    if graph is not None and read in {_python, _notebook}:
        _with_handwritten(page, data, file, graph)
    if len(page.lines) > MAX_ITEMS:
        raise SpecError("E005", f"more than {MAX_ITEMS} answers in one file", at=page.lines[MAX_ITEMS].at.place())
    if not page.lines and not page.found:
        at = decode(data, file).place(1, 1)
        raise SpecError("E008", "the file has no 'answers'", at=at, hint=SHAPE)
    return page


# ── YAML and JSON ────────────────────────────────────────────────────────────────────────────────


def _yaml(data: bytes, file: str, nodes: Collection[str]) -> Page:
    try:
        document = load_document(data, file)
    except SpecError as caught:
        page = _by_lines(decode(data, file), nodes) if caught.code == "E003" else Page()
        if not page.lines:
            raise
        return page
    if document.root is None:
        raise SpecError("E008", "the document is empty", at=document.source.place(1, 1))
    page = Page()
    for key, value in mapping(document.root, f"a file of answers is a mapping; {SHAPE}").items:
        _top(page, key, value, nodes)
    for problem in document.problems:
        _twice(page, problem, document.source)
    return page


def _top(page: Page, key: tree.Scalar, value: tree.Node, nodes: Collection[str]) -> None:
    """Take one key of the file: answers, the student, an answer at the top, or something to carry along."""
    word = key.raw.strip()
    if word.casefold() in ANSWERS and word not in nodes:
        page.found = True
        if not (isinstance(value, tree.Scalar) and value.value is None):
            page.lines += [Line(one.raw, answer, one.text) for one, answer in mapping(value, SHAPE).items]
    elif word.casefold() in STUDENT and word not in nodes:
        page.student = _said(value)
    elif is_item(word, nodes):
        page.lines.append(Line(word, value, key.text))
    else:
        page.further[word] = _said(value) or ""


def _said(node: tree.Node) -> str | None:
    """A value as one line of text."""
    if isinstance(node, tree.Scalar):
        return None if node.value is None else " ".join(node.raw.split())
    return " ".join(node.source.text[node.start : node.end].split())


def _twice(page: Page, problem: BackpropError, source: Source) -> None:
    """A name that stands twice: neither counts, and the line is kept so that the reason can be told."""
    if problem.at is not None:
        start = source.starts[problem.at.line - 1] + problem.at.column - 1
        at = Text(source.text[start : start + problem.at.length], source, start, start + problem.at.length, "generated")
        page.lines.append(Line(at.text, at, at))


# ── line by line ─────────────────────────────────────────────────────────────────────────────────

_LINE = re.compile(
    r"""^(?P<start>\s*(?:[-*+>]\s+(?:\[[ xX]\]\s+)?|(?:\d+|\(?[a-zA-Z])\)\s+|\d+\.\s+)?)
        (?P<name>[`*$]*(?:[^\W\d]|[∂∇\\])[^:=|#≈≃≅]*?)\s*(?P<sign>:(?!=)|:?=(?!=)|[≈≃≅]|->|→)
        \s*(?P<value>.*?)\s*$""", re.VERBOSE)
ARROWS = frozenset({"->", "→"})
_AUTHOR = re.compile(r"\\author\s*\{\s*([^{}\\]+)")
_INLINE = re.compile(r"\$\$?([^$\n]*=[^$\n]*)\$\$?|\\\((.*?=.*?)\\\)|\\\[(.*?=.*?)\\\]")


def _statements(source: Source, comment: str) -> Iterator[tuple[int, int]]:
    """The lines of a text as offsets; one whose brackets stay open goes on, unless the next begins an answer."""
    start, depth = 0, 0
    for number, line in enumerate(source.lines):
        bare = line.split(comment)[0] if comment else line
        if depth <= 0 or not bare.strip() or _LINE.match(bare):
            if number:
                yield start, source.starts[number]
            start, depth = source.starts[number], 0
        depth += open_brackets(bare)
    yield start, len(source.text)


def _by_lines(source: Source, nodes: Collection[str], *, comment: str = "", every: bool = False) -> Page:
    """Lines 'name: value' and 'name = value'; with `every`, names that are no items too."""
    page, before = Page(), list[tuple[str, str]]()
    for start, end in _statements(source, comment):
        text = source.text[start:end]
        if comment:
            text = "\n".join(line.split(comment)[0] for line in text.split("\n"))
        found = _LINE.match(text.replace("\n", " "))
        if found is not None and found["sign"] in ARROWS and not is_gradient(found["name"], nodes):
            continue  # Z2 → softmax → P
        if not every and (found is None or not is_item(found["name"].rstrip("& "), nodes)):
            page.lines += _inline(source, start, text, nodes)
        if found is None:
            continue
        name = found["name"].rstrip("& ").strip()
        value = Text(found["value"].strip(), source, start + found.start("value"), start + found.end("value"))
        at = Text(name, source, start + found.start("name"), start + found.end("name"), "generated")
        if name.strip("*_` ").casefold() in STUDENT and name not in nodes:
            page.student = value.text.strip("*_` ") or None
        elif every or is_item(name, nodes):
            page.lines.append(Line(name, value.standing_for(with_definitions(value.text, before)) if before
                                   else _generated(value), at))  # fmt: skip
        elif name.casefold() not in ANSWERS:
            page.further[name] = value.text
            before += filter(None, [defined(text) if "=" in found["sign"] else None])
    return page


def _inline(source: Source, start: int, text: str, nodes: Collection[str]) -> Iterator[Line]:
    """Equations within a sentence, `Finally, $db = 1^T dz$`."""
    for one in _INLINE.finditer(text):
        inner = next(filter(None, one.groups()))
        found, begins = _LINE.match(inner), start + one.start() + one[0].index(inner)
        if found is not None and is_item(found["name"], nodes):
            at = Text(found["name"], source, begins, begins + len(inner), "generated")
            yield Line(found["name"].strip(), at.standing_for(found["value"]), at)


def _generated(text: Text) -> Text:
    """A text whose places are those of the whole."""
    return text.standing_for(text.text)


def _markdown(data: bytes, file: str, nodes: Collection[str]) -> Page:
    """Tables of items and answers; where there is none, lines 'name: value'."""
    source = decode(data, file)
    page = _by_lines(source, nodes)
    table: list[Line] = []
    for number, line in enumerate(source.lines):
        if line.lstrip().startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            start = source.starts[number]
            at = Text(line, source, start, start + max(1, len(line)), "generated")
            if len(cells) > 1 and is_item(cells[0], nodes):
                table.append(Line(cells[0], at.standing_for(cells[1]), at))
    page.lines = table or page.lines
    if page.student is None and (author := _AUTHOR.search(source.text)) is not None:
        page.student = author[1].strip()
    page.found = bool(page.lines)
    return page


# ── Python ───────────────────────────────────────────────────────────────────────────────────────


def _python(data: bytes, file: str, nodes: Collection[str]) -> Page:
    """Assignments, read and never run; names that are no items are the writer's own variables."""
    page = _by_lines(decode(data, file), nodes, comment="#", every=True)
    page.locals = True
    return page


def _notebook(data: bytes, file: str, nodes: Collection[str]) -> Page:
    """The code cells of a notebook as one text, and the lines of its others."""
    source = decode(data, file)
    try:
        cells = json.loads(source.text)["cells"]
        texts = {kind: "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == kind)
                 for kind in ("code", "markdown")}  # fmt: skip
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SpecError("E003", "it is no notebook: no list of cells", at=source.place(1, 1)) from None
    page = _python(texts["code"].encode(), file, nodes)
    prose = _markdown(texts["markdown"].encode(), file, nodes)
    page.lines = [*prose.lines, *page.lines]
    page.student = prose.student or page.student
    page.found = True
    return page


def _with_handwritten(page: Page, data: bytes, file: str, graph: Graph) -> None:
    """Put what a backward pass says, in the language, in place of its lines; what is not read stays as written."""
    from backprop_cli.tasks.importing.handwritten import read_handwritten

    shapes = {name: graph.nodes[index].shape for name, index in graph.names.items()}
    leaves = {node.name for node in graph.nodes if node.is_leaf}
    try:
        sizes = {name: int(size) for name, size in graph.spec.dims.items()}
        answers_read = read_handwritten(data, file, shapes, _labels(graph), graph.output_name, leaves, sizes)
        found = [one for one in answers_read if one.code]
    except BackpropError:
        return
    if not found:
        return
    unread = {one.node for one in answers_read if not one.code}
    kept = [line for line in page.lines if (item := item_of(line.name, graph.names)) is None
            or item.node in unread or not item.suffix]  # fmt: skip
    answers = []
    for one in found:
        source = Source.of(one.place.file, one.line)
        at = Text(one.line, source, 0, len(one.line), "generated")
        answers.append(Line(f"{one.node}.grad", at.standing_for(one.code or ""), at))
    page.lines = [*answers, *kept]  # what they use are the key's nodes, not the variables of the lines after them


def _labels(graph: Graph) -> set[str]:
    """The inputs that hold whole numbers alone: labels and positions."""
    found = set()
    for node in graph.nodes:
        leaf = node.leaf
        if leaf is not None and leaf.kind == "input" and leaf.load is not None and leaf.shape:
            values = leaf.load()
            if values.size <= MOST_LABELS and (values == values.astype(int)).all():
                found.add(leaf.name)
    return found


FORMS: Mapping[str, Callable[[bytes, str, Collection[str]], Page]] = {
    ".csv": csv_page, **dict.fromkeys((".md", ".markdown", ".txt", ".tex"), _markdown),
    ".py": _python, ".ipynb": _notebook,
}  # fmt: skip
"""By the ending of the file's name; any other is YAML, of which JSON is a part."""
