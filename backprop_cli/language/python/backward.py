"""Whose gradient a name of a hand-written backward pass is: `dW2 = np.dot(h1.T, dscores)` gives that of W2."""

from __future__ import annotations

import ast
import re

_BEFORE = re.compile(r"^(?:d_|d|grad_|grad|g_|∂)(?P<of>[^\W\d]\w*)$")
_AFTER = re.compile(r"^(?P<of>[^\W\d]\w*?)(?:_grad|_gradient|\.grad|Grad)$")
_TABLES = re.compile(r"^(?:self\.)?(?:grads?|gradients?|dparams|d)$", re.IGNORECASE)


def gradient_of(target: ast.expr) -> str | None:
    """The name whose gradient a target is called after; None where it is called after none.

    It may be called `d<name>`, `d_<name>`, `grad_<name>`, `<name>_grad`, `<name>.grad`, `grads["<name>"]`, or
    `dparams["d<name>"]`.
    """
    if isinstance(target, ast.Attribute):
        if target.attr in {"grad", "gradient"}:
            return name_of(target.value)
        return gradient_of(ast.Name(target.attr, ast.Load()))
    if isinstance(target, ast.Subscript):
        table = ast.unparse(target.value) if isinstance(target.value, ast.Name | ast.Attribute) else ""
        key = target.slice.value if isinstance(target.slice, ast.Constant) else None
        if isinstance(key, str):
            inside = gradient_of(ast.Name(key, ast.Load()))
            return key if _TABLES.match(table.rpartition(".")[2]) and inside is None else inside
        return gradient_of(target.value)
    if isinstance(target, ast.Name):
        found = _AFTER.match(target.id) or _BEFORE.match(target.id)
        return found["of"] if found else None
    return None


def name_of(target: ast.expr) -> str | None:
    """The name that a target ends in: `W1` of `self.W1`, of `params["W1"]`."""
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript):
        key = target.slice.value if isinstance(target.slice, ast.Constant) else None
        return key if isinstance(key, str) and key.isidentifier() else name_of(target.value)
    return None
