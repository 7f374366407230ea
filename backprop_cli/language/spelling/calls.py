"""What a call of another library is, as an expression of the language; the tables of all rows in one place."""

from __future__ import annotations

from collections.abc import Sequence

from backprop_cli.language.expression.tree import Call, Expression, Name
from backprop_cli.language.spelling.numpy_rows import MATH, METHODS, NUMPY, OPTAX
from backprop_cli.language.spelling.rows import effective, rewritten, rows_of, usages
from backprop_cli.language.spelling.torch_rows import TORCH
from backprop_cli.records import replace

TABLES = {"numpy": NUMPY, "torch": TORCH, "optax": OPTAX, "math": MATH, "self": ""}
"""The rows of each library that a spec may speak the words of."""
PLACES = {
    "values": 0, "indices": 1, "eigenvalues": 0, "eigenvectors": 1, "U": 0, "S": 1, "Vh": 2, "mean": 1,
    "solution": 0, "residuals": 1, "sign": 0, "logabsdet": 1,
}  # fmt: skip
"""Where a named result of a call with several stands: `torch.max(x, 1).indices`, `torch.linalg.svd(A).S`."""
COPY = "_copy"  # torch.expand_copy: torch.expand, in memory of its own
_SILENT = ("nn.functional.", "functional.", "numpy.", "scipy.", "lax.", "Tensor.", "math.")
"""Modules whose functions are those of the library itself."""


class Misfit(Exception):
    """The function there does not take such arguments; `usages` are those that it takes."""

    def __init__(self, usages: str) -> None:
        super().__init__(usages)
        self.usages = usages


def table_of(library: str) -> str:
    """The rows of a library; TensorFlow's are loaded for who asks for them."""
    if library == "tf":
        from backprop_cli.language.spelling.tf_rows import TENSORFLOW

        return TENSORFLOW
    return TABLES[library]


def has_function(library: str, name: str) -> bool:
    """Whether a row says what a function of a library is."""
    return name in rows_of(table_of(library))


def library_call(call: Call, library: str, path: str) -> tuple[Expression, ...]:
    """The results of a call of the function `path` of a library, most often one: `linalg.norm` of PyTorch.

    Raises:
        Misfit: the function there does not take such arguments.
    """
    for module in _SILENT:
        path = path.removeprefix(module)
    rows = rows_of(table_of(library))
    lines = rows.get(path, ())
    if not lines and path.endswith(COPY):
        return library_call(replace(call, function=call.function.removesuffix(COPY)), library, path.removesuffix(COPY))
    if not lines and not path.startswith("linalg."):
        lines = rows.get(path.removeprefix("special."), ())
    return _fitting(call, [lines])


def method_call(call: Call, *, torch: bool) -> tuple[Expression, ...]:
    """The results of a call of a method, whose first argument is the tensor itself; what PyTorch means by it, or numpy.

    Raises:
        Misfit: the method does not take such arguments.
    """
    tables = (TORCH, METHODS) if torch else (METHODS, TORCH)
    return _fitting(call, [rows_of(table).get(call.function, ()) for table in tables])


def is_method(name: str) -> bool:
    """Whether a row says something about a method of that name."""
    return name in rows_of(METHODS) or name in rows_of(TORCH)


def is_pairs_alone(name: str) -> bool:
    """Whether a method is PyTorch's alone, so that an index after it picks one of its results."""
    return name not in rows_of(METHODS)


def _fitting(call: Call, tables: Sequence[Sequence[str]]) -> tuple[Expression, ...]:
    """The first row that fits; where there is none at all, our function of the same name."""
    found = next(filter(None, (rewritten(call, lines) for lines in tables)), ())
    lines = next(filter(None, tables), ())
    if not found and lines:
        raise Misfit(usages(lines))
    return _with_indices(call, found or (_ours(call),))


def _with_indices(call: Call, found: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """What `return_indices=True` adds: the positions in a window, as PyTorch's pools give them."""
    asked = (a.value for a in call.arguments if a.keyword == "return_indices")
    made = found[0]
    if not isinstance(made, Call) or not any(isinstance(o, Name) and o.name in {"True", "true"} for o in asked):
        return found
    return (made, replace(made, function=f"{made.function}_indices"))


def _ours(call: Call) -> Call:
    """Our function of the same name, with what changes no number left out."""
    return replace(call, arguments=effective(call.arguments))
