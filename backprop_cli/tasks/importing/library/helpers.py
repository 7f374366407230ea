"""The functions that our own numpy exports carry: read as what they are, not line by line.

A function is one of these where its whole source says so: its name, its arguments and a sum over its body.  What was
changed by hand is read as any function of the program is.
"""

from __future__ import annotations

import ast
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.arrays import functions
from backprop_cli.tasks.importing.library.arguments import bound
from backprop_cli.tasks.importing.state.objects import Function
from backprop_cli.tasks.importing.state.values import Builtin, Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

Row = Callable[["Machine", dict[str, object], ast.AST], object]


_NOTHING: Final = object()


def source_sum(node: ast.FunctionDef | ast.Lambda) -> int:
    """A sum over a function without its annotations and its docstring; the same in every version of Python."""
    statements = node.body[1:] if isinstance(node, ast.FunctionDef) else [node.body]
    arguments = [a.arg for a in node.args.args]
    parts = [f"{type(part).__name__} {_word(part)}" for s in statements if not isinstance(s, ast.Import)
             for part in ast.walk(_plain(s))]  # fmt: skip
    return zlib.crc32(" ".join([*arguments, *parts]).encode())


def _plain(statement: ast.AST) -> ast.AST:
    """An annotated assignment as a plain one: exports have no annotations."""
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        return ast.Assign([statement.target], statement.value)
    return statement


def _word(part: ast.AST) -> str:
    return str(getattr(part, "id", getattr(part, "attr", getattr(part, "arg", getattr(part, "value", "")))))[:40] \
        if isinstance(part, ast.Name | ast.Attribute | ast.keyword | ast.Constant) else ""  # fmt: skip


def helper(function: Function) -> Builtin | None:
    """What a function of the program is called for, where it is one of ours."""
    row = _ROWS.get(function.name)
    if row is None or source_sum(function.node) != SUMS[function.name]:
        return None

    def run(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
        values = bound(machine, function, given, named, node)
        unusual = {key: one for key, one in values.items() if function.defaults.get(key, _NOTHING) != one}
        return row(machine, unusual, node)

    return Builtin(function.name, run)


def _same(name: str) -> Row:
    def row(machine: Machine, values: dict[str, object], node: ast.AST) -> Any:
        words = dict(values)
        given = [words.pop(key) for key, one in values.items() if isinstance(one, Tensor)]
        return functions.emit(machine, name, given, words, node)

    return row


def _windows(name: str, sized: str) -> Row:
    """A function of windows, along one axis or two: as many as `sized` has sizes."""

    def row(machine: Machine, values: dict[str, Any], node: ast.AST) -> Any:
        full = name.format(n=len(values[sized]))
        words = {_ARGUMENTS.get(key, key): one if key == "size" else _short(one) for key, one in values.items()}
        words = {key: one for key, one in words.items() if one is not None}
        words = {key: one for key, one in words.items() if one != _USUAL.get(key)}
        given = [words.pop(key) for key in _IN_FRONT if key in words]
        return functions.emit(machine, full, given, words, node)

    return row


_ARGUMENTS: Final[Mapping[str, str]] = {"kernel": "kernel_size", "size": "output_size"}
_IN_FRONT: Final = ("x", "w", "g", "b", "indices", "output_size", "kernel_size")
_USUAL: Final[Mapping[str, int]] = {"padding": 0, "dilation": 1, "groups": 1}


def _short(value: object) -> Any:
    """`(2, 2)` as 2."""
    sizes = [plain(one) for one in value] if isinstance(value, list | tuple) else []
    return sizes[0] if sizes and set(sizes) == {sizes[0]} else value


def _transposed(machine: Machine, values: dict[str, Any], node: ast.AST) -> object:
    """The size that comes out is told by how much it exceeds the least."""
    kernel = machine.record.shape(values["w"], node)[2:]
    before = machine.record.shape(values["x"], node)[-len(kernel) :]
    steps = zip(values.pop("size"), before, kernel, values["stride"], values["padding"], values["dilation"],
                strict=True)  # fmt: skip
    more = tuple(plain(size) - ((m - 1) * s - 2 * p + d * (k - 1) + 1) for size, m, k, s, p, d in steps)
    values = values | ({"output_padding": more} if any(more) else {})
    return _windows("conv_transpose{n}d", "stride")(machine, values, node)


def _condition(machine: Machine, values: dict[str, object], node: ast.AST) -> object:
    return values["condition"]


_ROWS: Final[Mapping[str, Row]] = {
    **{name: _same(name) for name in (
        "sigmoid", "softplus", "leaky_relu", "elu", "silu", "mish", "erf", "erfc", "gelu", "huber", "xlogy", "softmax",
        "logsumexp", "log_softmax", "bce_logits", "bce_probabilities", "gaussian_nll", "standardize", "one_hot", "take",
        "index_add", "take_along_axis")},
    "mask": _condition, "conv": _windows("conv{n}d", "stride"), "conv_transpose": _transposed,
    "conv_weight": _windows("conv{n}d_weight", "stride"), "max_pool": _windows("max_pool{n}d", "kernel"),
    "max_pool_indices": _windows("max_pool{n}d_indices", "kernel"), "max_unpool": _windows("max_unpool{n}d", "size"),
    "avg_pool": _windows("avg_pool{n}d", "kernel"), "avg_unpool": _windows("avg_unpool{n}d", "kernel"),
}  # fmt: skip
SUMS: Final[Mapping[str, int]] = {
    "mask": 0x60022b45, "sigmoid": 0x29354bc8, "softplus": 0x8be36ae8, "leaky_relu": 0xd9c822dd, "elu": 0xd250109b,
    "silu": 0xe0dc5a18, "mish": 0x8e51ee85, "erf": 0x71b6657f, "erfc": 0xf97e3dc1, "gelu": 0x1d6f6232,
    "huber": 0x5c65b124, "xlogy": 0xf8294e0d, "softmax": 0x5840dcb8, "logsumexp": 0xdab4d6c2,
    "log_softmax": 0xaba1d4d7, "bce_logits": 0x26941472, "bce_probabilities": 0x296ab268,
    "gaussian_nll": 0xbf9d2e99, "standardize": 0x47d37174, "one_hot": 0x6b5d1e76, "take": 0x4620db78,
    "index_add": 0xcf250fb5, "take_along_axis": 0x384baa15, "conv": 0x9f79a100, "conv_transpose": 0xfbac6649,
    "conv_weight": 0xa27d465b, "max_pool": 0x23faa3b5, "max_pool_indices": 0x6e626460, "max_unpool": 0xb399176,
    "avg_pool": 0x61b725a4, "avg_unpool": 0x1ae0acf6,
}  # fmt: skip
"""Of each function's source, as a test compares it with what exports carry."""
