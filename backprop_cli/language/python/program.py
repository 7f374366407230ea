"""Python source to a syntax tree with places: a script, or the code cells of a notebook.

`ast.parse` builds a tree and runs nothing.  It is the only thing of Python's own that meets the text, and whatever it
raises on hostile input (SyntaxError, ValueError, RecursionError, MemoryError) is an ordinary error here.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Final

from backprop_cli.errors import Place, SpecError
from backprop_cli.language.decode import decode
from backprop_cli.language.source import Source
from backprop_cli.records import dataclass, field

MAX_STATEMENTS: Final = 20_000
MAX_DEPTH: Final = 150
MAX_PRINTS: Final = 200
SUFFIXES: Final = (".py", ".ipynb")
_MAGIC = re.compile(r"^\s*[%!?]|^\s*[\w.]+\?{1,2}\s*$")
_CELL_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a program: its name for places, its own text, and the line of the whole where it begins."""

    source: Source
    first: int


@dataclass(frozen=True, slots=True)
class Program:
    """A program: its statements, and where each part of them stands."""

    file: str
    body: tuple[ast.stmt, ...]
    cells: tuple[Cell, ...] = field(repr=False)

    def place(self, node: ast.AST) -> Place:
        """Where a part of the tree stands; the caret never runs past the end of its line."""
        line, start = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        cell = self.cells[max(0, bisect_right([c.first for c in self.cells], line) - 1)]
        text = _line(cell.source, line - cell.first + 1)
        same = getattr(node, "end_lineno", line) == line
        end = getattr(node, "end_col_offset", start + 1) if same else len(text.encode())
        column = _characters(text, start)
        length = max(1, _characters(text, end or start) - column)
        return Place(cell.source.file, line - cell.first + 1, column + 1, length, text)

    def text(self, node: ast.AST) -> str:
        """The first line of a part of the tree, as written."""
        at = self.place(node)
        return at.source_line[at.column - 1 : at.column - 1 + at.length].strip()

    def where(self, node: ast.AST) -> str:
        """A line in words: `line 12`, `cell 3, line 2`."""
        at = self.place(node)
        cell = at.file.rpartition(" cell ")[2] if len(self.cells) > 1 else ""
        return f"cell {cell}, line {at.line}" if cell else f"line {at.line}"


def is_python(path: str) -> bool:
    """Whether a file name is one of Python source."""
    return path.endswith(SUFFIXES)


def looks_like_python(data: bytes) -> bool:
    """Whether text that came without a name is Python rather than YAML: a line that only Python has."""
    start = data[:65536].decode("utf-8", "replace")
    return (
        re.search(r"^(import \w|from [\w.]+ import |def \w+\(|class \w+[(:]|\w+ = |@\w)", start, re.MULTILINE)
        is not None
    )


def read_program(data: bytes, file: str) -> Program:
    """The tree of a `.py` or `.ipynb` file.

    Raises:
        SpecError: E002 or E003 where it is not text or not Python, E005 and E016 where it is too large or too deep.
    """
    source = decode(data, file)
    pieces = _notebook(source) if _is_notebook(source, file) else [source]
    cells: list[Cell] = []
    body: list[ast.stmt] = []
    line = 1
    for piece in pieces:
        cells.append(Cell(piece, line))
        tree = _tree(piece)
        ast.increment_lineno(tree, line - 1)
        body += tree.body
        line += len(piece.lines) + 1
    program = Program(file, tuple(body), tuple(cells) or (Cell(source, 1),))
    _check(program)
    return program


def _tree(source: Source) -> ast.Module:
    """The tree of a piece; statements of Python 2 that print are left out, as all that prints is."""
    lines = ["pass" if _MAGIC.match(text) and not text[:1].isspace() else text for text in source.lines]
    for _ in range(MAX_PRINTS):
        try:
            return _parsed(lines, source)
        except SpecError as caught:
            if "call to 'print'" not in caught.message or caught.at is None:
                raise
            _silence(lines, caught.at.line - 1)
    return _parsed(lines, source)


def _silence(lines: list[str], at: int) -> None:
    """Put `pass` in place of a print statement, with the lines that it goes on over."""
    text = lines[at]
    lines[at] = text[: len(text) - len(text.lstrip())] + "pass"
    depth = 0
    while at < len(lines) - 1:
        depth += sum(text.count(c) for c in "([{") - sum(text.count(c) for c in ")]}")
        if depth <= 0 and not text.rstrip().endswith("\\"):
            return
        at += 1
        text, lines[at] = lines[at], ""


def _parsed(lines: list[str], source: Source) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in somebody's string is not our news
            return ast.parse("\n".join(lines))
    except SyntaxError as caught:
        raise _syntax(caught, source) from None
    except (RecursionError, MemoryError):
        raise SpecError("E016", "the Python source nests too deep", at=source.place(1, 1)) from None
    except ValueError:
        at = source.text.find("\0")
        raise SpecError("E003", "the Python source holds a null byte", at=source.between(max(at, 0), at + 1)) from None


def _syntax(caught: SyntaxError, source: Source) -> SpecError:
    line = min(max(caught.lineno or 1, 1), len(source.lines))
    told = (caught.msg or "not Python").split(". ")[0]
    return SpecError("E003", f"not Python: {told}", at=source.place(line, max(caught.offset or 1, 1)))


def _check(program: Program) -> None:
    """Count statements, and the depth, over a loop: a walk by recursion would end Python itself."""
    count = 0
    stack: list[tuple[ast.AST, int]] = [(node, 1) for node in program.body]
    while stack:
        node, depth = stack.pop()
        count += isinstance(node, ast.stmt)
        if depth > MAX_DEPTH:
            raise SpecError("E016", f"the Python source nests deeper than {MAX_DEPTH} levels", at=program.place(node),
                            hint="give parts of it names")  # fmt: skip
        if count > MAX_STATEMENTS:
            raise SpecError("E005", f"more than {MAX_STATEMENTS:,} statements", at=program.place(node),
                            hint="import one function: backprop import FILE FUNCTION")  # fmt: skip
        chained = isinstance(node, ast.BinOp)  # a + b + c + ... is one level
        stack += [
            (child, depth + (not (chained and isinstance(child, ast.BinOp)))) for child in ast.iter_child_nodes(node)
        ]


# ── notebooks ────────────────────────────────────────────────────────────────────────────────────


def _is_notebook(source: Source, file: str) -> bool:
    return file.endswith(".ipynb") or (source.text.lstrip()[:1] == "{" and '"cells"' in source.text)


def _notebook(source: Source) -> list[Source]:
    try:
        document: Any = json.loads(source.text)
        cells = document["cells"] if "cells" in document else document["worksheets"][0]["cells"]
        return list(_code_cells(cells, source.file))
    except RecursionError:
        raise SpecError("E016", "the notebook nests too deep", at=source.place(1, 1)) from None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise SpecError("E003", "the file is no Jupyter notebook", at=source.place(1, 1),
                        hint="a notebook is JSON with a list of 'cells'") from None  # fmt: skip


def _code_cells(cells: list[Any], file: str) -> Iterator[Source]:
    for number, cell in enumerate(cells, start=1):
        if cell["cell_type"] == "code":
            text = cell.get("source", cell.get("input", ""))
            whole = text if isinstance(text, str) else "".join(map(str, text))
            first = whole.lstrip().partition("\n")[0]
            foreign = first.startswith("%%") and not first.startswith(_CELL_MAGICS)
            yield Source.of(f"{file} cell {number}", "" if foreign else whole)


def _line(source: Source, number: int) -> str:
    return source.lines[number - 1] if 0 < number <= len(source.lines) else ""


def _characters(text: str, offset: int) -> int:
    """An offset in bytes, as `ast` has it, in characters."""
    return offset if text.isascii() else len(text.encode()[:offset].decode("utf-8", "ignore"))
