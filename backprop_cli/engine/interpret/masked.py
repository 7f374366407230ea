"""A mask as an index under a sum: `x[x > 0].sum()`, `mean((p - t)[m == 1]**2)`.

How many entries `x[m]` has depends on numbers, so it is no tensor by itself; but what is added up over it has a size:
the whole tensor, with zeros where the mask is none.  The entries left out are 1 inside, so that they stay finite.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from backprop_cli.engine.interpret.scope import Meaning, Scope, Shaper, V
from backprop_cli.engine.ops import ALIASES, OPS
from backprop_cli.errors import SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.expression.tree import rebuilt
from backprop_cli.language.source import inline
from backprop_cli.language.unparse import substituted, unparse

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Mask

_MASKS = frozenset({">", ">=", "<", "<=", "==", "!=", "and", "or"})
_BODIES: Mapping[str, str] = {
    "sum": "sum(where(m, x, 0))", "mean": "sum(where(m, x, 0)) / sum(m)", "prod": "prod(where(m, x, 1))",
    "max": "max(where(m, x, -inf))", "min": "min(where(m, x, inf))", "norm": "norm(reshape(where(m, x, 0), -1))",
}
"""Reductions of what a mask picks, over the whole tensor."""


def is_mask(part: ast.Expression) -> bool:
    """Whether an expression is a mask as it is written: a comparison, or several."""
    if isinstance(part, ast.Call):
        return part.function == "logical_not"
    return isinstance(part, ast.Binary) and part.operator in _MASKS


_COMPARED: Mapping[str, Callable[[Any, float], Any]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def mask_of(part: ast.Expression, scope: Scope, meaning: Meaning[V]) -> Mask | None:
    """The numbers of a mask that are known before a run: of an input stated to be one, or of one beside a number."""
    if isinstance(part, ast.Name):
        found = _numbers(part, scope, meaning, "masks_of")
        return None if found is None else found != 0
    if isinstance(part, ast.Call) and part.function == "logical_not":
        inner = mask_of(part.arguments[0].value, scope, meaning)
        return None if inner is None else ~inner
    if not isinstance(part, ast.Binary) or part.operator not in _COMPARED or not isinstance(part.right, ast.Number):
        return None
    found = _numbers(part.left, scope, meaning, "numbers_of")
    return None if found is None else _COMPARED[part.operator](found, float(part.right.value))


def _numbers(part: ast.Expression, scope: Scope, meaning: Meaning[V], how: str) -> Any:
    """What a meaning that sees leaves knows of an input's numbers."""
    known = getattr(meaning, how, None)
    value = scope.lookup(part.name) if isinstance(part, ast.Name) else None
    return None if known is None or value is None else known(value)


def is_masked(part: ast.Expression) -> bool:
    """Whether a mask stands as an index somewhere in an expression."""
    return any(True for _ in _picked(part))


def is_open(part: ast.Expression) -> bool:
    """Whether what a mask picks is not added up yet: the expression has no shape of its own."""
    if isinstance(part, ast.Call) and part.function in _BODIES and len(part.arguments) == 1:
        return False
    return next(_picked(part), None) is part or any(map(is_open, ast.level_of(part)))


def _picked(part: ast.Expression) -> Iterator[ast.Indexed]:
    for one in ast.parts(part):
        if isinstance(one, ast.Indexed) and len(one.subscripts) == 1 and is_mask(one.subscripts[0]):
            yield one


def whole(part: ast.Call, shaper: Shaper) -> ast.Expression | None:
    """A reduction of what a mask picks, over the whole tensor; None for any other call."""
    if part.function not in _BODIES or len(part.arguments) != 1:
        return None
    operand = part.arguments[0].value
    picked = list(_picked(operand))
    masks = {unparse(one.subscripts[0]) for one in picked}
    if len(masks) != 1 or not _is_pointwise(operand, shaper):
        return None
    mask = picked[0].subscripts[0]
    if any(shaper(one.operand) != shaper(mask) for one in picked):
        return None
    inner = operand.operand if operand is picked[0] else _filled(operand, mask)
    return _of(_BODIES[part.function], x=inner, m=mask)


def _is_pointwise(part: ast.Expression, shaper: Shaper) -> bool:
    """Whether an expression works entry by entry on what is picked; all else in it is numbers."""
    if isinstance(part, ast.Indexed) and is_masked(part):
        return not is_masked(part.operand)
    if isinstance(part, ast.Binary) and part.operator in {"+", "-", "*", "/", "**"} or isinstance(part, ast.Unary):
        return all(_is_pointwise(one, shaper) for one in ast.children(part))
    if isinstance(part, ast.Call):
        op = OPS.get(ALIASES.get(part.function, part.function))
        return op is not None and op.pointwise and all(_is_pointwise(one, shaper) for one in ast.children(part))
    try:
        return shaper(part) == ()
    except SpecError:
        return False


def _filled(part: ast.Expression, mask: ast.Expression) -> ast.Expression:
    if isinstance(part, ast.Indexed) and is_masked(part):
        return _of("where(m, x, 1)", x=part.operand, m=mask)
    return rebuilt(part, lambda inner: _filled(inner, mask))


def _of(body: str, **values: ast.Expression) -> ast.Expression:
    return substituted(ast.parse(inline(body, "<mask>")), values)
