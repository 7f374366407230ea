"""Calls without a prefix that another language has: Python's `float('inf')`, PyTorch's `addr(m, a, b)`."""

from __future__ import annotations

from backprop_cli.language.expression.tree import Call, Expression
from backprop_cli.language.spelling.numpy_rows import BARE, NUMPY
from backprop_cli.language.spelling.rows import rewritten, rows_of
from backprop_cli.language.spelling.torch_rows import TORCH

_LIBRARIES = (BARE, TORCH, NUMPY)


def is_spelling(function: str) -> bool:
    """Whether a name without a prefix that is none of ours can stand for something."""
    return any(function in rows_of(table) for table in (BARE, *_LIBRARIES))


def unprefixed(call: Call, is_ours: bool) -> Expression | None:
    """What a call without a prefix stands for; None where it is the language's own, or nothing known."""
    for table in (BARE,) if is_ours else _LIBRARIES:
        rows = rows_of(table).get(call.function)
        found = rewritten(call, rows) if rows else ()
        if found:
            return found[0]
    return None
