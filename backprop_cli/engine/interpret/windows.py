"""Convolutions and pooling as printed formulas write them: `x ⋆ δ`, `δ ∗ w`, `to_max(δ, a, 2)`.

Each stands for a call whose sizes a reader sees from the shapes; here it is written out.  All three are about batches:
(batch, channels, ...).
"""

from __future__ import annotations

from fractions import Fraction

from backprop_cli.engine.interpret.scope import Scope, Shaper, failure
from backprop_cli.language import expression as ast

SIGNS = frozenset("⋆∗")
TO_MAX = "to_max"


def written_out(part: ast.Binary, scope: Scope, shaper: Shaper) -> ast.Call:
    """`x ⋆ δ`, the gradient of a convolution's filters; `δ ∗ w`, its adjoint, which spreads w over each place."""
    left, right = shaper(part.left), shaper(part.right)
    space = _space(left, part, scope)
    if part.operator == "∗":
        return _call(part, f"conv_transpose{space}d", part.left, part.right)
    if len(right) != len(left):
        message = f"`⋆` takes two batches of as many axes, not of shapes {left} and {right}"
        raise failure("E015", message, scope.place(part), "conv2d is the convolution with filters")
    kernel = tuple(int(a) - int(b) + 1 for a, b in zip(left[2:], right[2:], strict=True))
    return _call(part, f"conv{space}d_weight", part.left, part.right, _sizes(kernel, part))


def to_max(part: ast.Call, scope: Scope, shaper: Shaper) -> ast.Call:
    """`to_max(δ, a, 2)`: each entry of δ at the place of the largest entry of its window of a, else 0."""
    if len(part.arguments) < 3:
        message = "to_max takes what is put, where the largest entries are looked for, and the size of a window"
        raise failure("E015", message, scope.place(part), "to_max(g, a, 2)")
    put, within, *window = part.arguments
    shape = shaper(within.value)
    space = _space(shape, part, scope)
    indices = ast.Call(part.start, part.end, f"max_pool{space}d_indices", (within, *window), part.name_end)
    return _call(part, f"max_unpool{space}d", put.value, indices, _sizes(tuple(map(int, shape[2:])), part))


def _space(shape: tuple[int, ...], part: ast.Expression, scope: Scope) -> int:
    """Over how many axes a window goes."""
    if len(shape) not in {3, 4}:
        message = f"{scope.spell(part)!r} is about batches of signals or images, not about shape {shape}"
        raise failure("E015", message, scope.place(part), "batches are (batch, channels, ...)")
    return len(shape) - 2


def _sizes(sizes: tuple[int, ...], part: ast.Expression) -> ast.Expression:
    items = tuple(ast.Number(part.start, part.end, Fraction(size), str(size)) for size in sizes)
    return ast.Sequence(part.start, part.end, items, "(")


def _call(part: ast.Expression, function: str, *values: ast.Expression) -> ast.Call:
    arguments = tuple(ast.Argument(None, value, value.start, value.end) for value in values)
    return ast.Call(part.start, part.end, function, arguments, part.end, library="own")
