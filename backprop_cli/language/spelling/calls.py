"""What a call of another library is, as an expression of the language; the tables of all rows in one place."""

from __future__ import annotations

from collections.abc import Sequence

from backprop_cli.language.expression.tree import Call, Expression, Name
from backprop_cli.language.spelling.numpy_rows import MATH, METHODS, NUMPY
from backprop_cli.language.spelling.rows import IGNORED, rewritten, rows_of, usages
from backprop_cli.language.spelling.torch_rows import TORCH
from backprop_cli.records import replace

TABLES = {"numpy": NUMPY, "torch": TORCH, "math": MATH, "self": ""}
"""The rows of each library."""
PAIRS = {"max": "argmax", "min": "argmin"}
"""Of PyTorch, functions that give values and, as a second result, positions when they are told an axis."""
_SILENT = ("nn.functional.", "functional.", "numpy.", "scipy.", "lax.", "Tensor.")
"""Modules whose functions are those of the library itself."""


def second_of(written: Call, found: Expression) -> str | None:
    """The function that gives the second result of a call of PyTorch's that has two; None where it has one."""
    if not isinstance(found, Call):
        return None
    asked = (a.value for a in written.arguments if a.keyword == "return_indices")
    if any(isinstance(one, Name) and one.name in {"True", "true"} for one in asked):
        return f"{found.function}_indices"
    return PAIRS.get(found.function) if len(found.arguments) > 1 else None


class Misfit(Exception):
    """The function there does not take such arguments; `usages` are those that it takes."""

    def __init__(self, usages: str) -> None:
        super().__init__(usages)
        self.usages = usages


def library_call(call: Call, library: str, path: str) -> Expression:
    """A call of the function `path` of a library: `linalg.norm` of PyTorch.

    Raises:
        Misfit: the function there does not take such arguments.
    """
    for module in _SILENT:
        path = path.removeprefix(module)
    rows = rows_of(TABLES[library])
    lines = rows.get(path, ())
    if not lines and not path.startswith("linalg."):
        lines = rows.get(path.removeprefix("special."), ())
    return _fitting(call, [lines])


def method_call(call: Call, *, torch: bool) -> Expression:
    """A call of a method, whose first argument is the tensor itself; what PyTorch means by it, or numpy.

    Raises:
        Misfit: the method does not take such arguments.
    """
    tables = (TORCH, METHODS) if torch else (METHODS, TORCH)
    return _fitting(call, [rows_of(table).get(call.function, ()) for table in tables])


def is_method(name: str) -> bool:
    """Whether a row says something about a method of that name."""
    return name in rows_of(METHODS) or name in rows_of(TORCH)


def _fitting(call: Call, tables: Sequence[Sequence[str]]) -> Expression:
    """The first row that fits; where there is none at all, our function of the same name."""
    found = next((made for lines in tables if (made := rewritten(call, lines)) is not None), None)
    lines = next(filter(None, tables), ())
    if found is None and lines:
        raise Misfit(usages(lines))
    return _ours(call) if found is None else found


def _ours(call: Call) -> Call:
    """Our function of the same name, with what changes no number left out."""
    return replace(call, arguments=tuple(a for a in call.arguments if a.keyword not in IGNORED))
