"""Convolutions and pooling as printed formulas write them: `x ⋆ δ`, `δ ∗[s=2] w`, `to_max(δ, a, 2)`, `spread(δ, 2)`.

Each stands for a call whose sizes a reader sees from the shapes; here it is written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from backprop_cli.engine.interpret.scope import Scope, Shaper, failure
from backprop_cli.engine.interpret.statics import static
from backprop_cli.engine.ops.base import ParameterError
from backprop_cli.engine.ops.validate import wholes
from backprop_cli.engine.ops.windows import SPACES, geometry, met, unmet
from backprop_cli.language import expression as ast

SIGNS = frozenset("⋆∗")
TO_MAX, SPREAD = "to_max", "spread"
LETTERS: Mapping[str, str] = {
    "k": "kernel_size", "s": "stride", "p": "padding", "d": "dilation", "g": "groups", "o": "output_padding",
}  # fmt: skip
"""What is said behind a sign, and the parameter that it is."""
_SAID = {"⋆": "kspdg", "∗": "spdgo"}


def written_out(part: ast.Binary, scope: Scope, shaper: Shaper) -> ast.Call:
    """`x ⋆ δ`, the gradient of a convolution's filters; `δ ∗ w`, its adjoint, which spreads w over each place."""
    left, right = shaper(part.left), shaper(part.right)
    given = _given(part, scope)
    if part.operator == "∗":
        space = _space(len(right), part, scope)
        return _call(part, f"conv_transpose{space}d", part.left, part.right, **given)
    if len(right) != len(left):
        message = f"`⋆` takes two batches of as many axes, not of shapes {left} and {right}"
        raise failure("E015", message, scope.place(part), "conv2d is the convolution with filters")
    kernel = given.pop("kernel_size", None)
    space = _space(len(left), part, scope, kernel)
    if kernel is None:
        values = {name: static(value, scope, shaper) for name, value in given.items()}
        try:
            where = geometry((1,) * space, values.get("stride", 1), values.get("padding", 0), values.get("dilation", 1))
        except ParameterError as error:
            raise failure("E015", str(error), scope.place(part)) from None
        kernel = _sizes(met(left[-space:], right[-space:], where), part)
    return _call(part, f"conv{space}d_weight", part.left, part.right, kernel, **given)


def _given(part: ast.Binary, scope: Scope) -> dict[str, ast.Expression]:
    """The parameters that are said behind the sign."""
    letters = _SAID[part.operator]
    found = {}
    for one in part.given:
        if one.keyword is None or one.keyword not in letters:
            listed = ", ".join(f"{letter}: {LETTERS[letter]}" for letter in letters)
            message = f"behind `{part.operator}` stand {listed}; not {scope.spell(one.value)!r}"
            raise failure("E015", message, scope.place(one.value), f"x {part.operator}[s=2,p=1] y")
        found[LETTERS[one.keyword]] = one.value
    return found


def to_max(part: ast.Call, scope: Scope, shaper: Shaper) -> ast.Call:
    """`to_max(δ, a, 2)`: each entry of δ at the place of the largest entry of its window of a, else 0."""
    if len(part.arguments) < 3:
        message = "to_max takes what is put, where the largest entries are looked for, and the size of a window"
        raise failure("E015", message, scope.place(part), "to_max(g, a, 2)")
    put, within, *window = part.arguments
    shape = shaper(within.value)
    space = _space(len(shape), part, scope, window[0].value)
    indices = ast.Call(part.start, part.end, f"max_pool{space}d_indices", (within, *window), part.name_end)
    return _call(part, f"max_unpool{space}d", put.value, indices, _sizes(tuple(map(int, shape[-space:])), part))


def spread(part: ast.Call, scope: Scope, shaper: Shaper) -> ast.Call:
    """`spread(δ, 2)`: each entry of δ, shared evenly among the entries of its window."""
    named = {one.keyword: one.value for one in part.arguments if one.keyword is not None}
    listed = [one.value for one in part.arguments if one.keyword is None]
    if len(listed) != 2:
        message = "spread takes what is shared out, the size of a window, and the rest by name"
        raise failure("E015", message, scope.place(part), "spread(g, 3, stride=2, padding=1)")
    put, kernel = listed
    shape = shaper(put)
    space = _space(len(shape), part, scope, kernel)
    size = named.pop("size", None)
    if size is None:
        try:
            sizes = wholes("kernel_size", static(kernel, scope, shaper), space, 1)
            stride = static(named["stride"], scope, shaper) if "stride" in named else sizes
            padding = static(named["padding"], scope, shaper) if "padding" in named else 0
            size = _sizes(unmet(shape[-space:], geometry(sizes, stride, padding, 1)), part)
        except ParameterError as error:
            raise failure("E015", str(error), scope.place(part)) from None
    return _call(part, f"avg_unpool{space}d", put, size, kernel, **named)


def _space(rank: int, part: ast.Expression, scope: Scope, kernel: ast.Expression | None = None) -> int:
    """Over how many axes a window goes: as many as its size has, where that is no one number."""
    space = len(kernel.items) if isinstance(kernel, ast.Sequence) else max(1, rank - 2)
    if space not in SPACES or rank not in {space + 1, space + 2}:
        message = f"{scope.spell(part)!r} is about batches of signals, images or volumes, not about {rank} axes"
        raise failure("E015", message, scope.place(part), "batches are (batch, channels, ...)")
    return space


def _sizes(sizes: tuple[int, ...], part: ast.Expression) -> ast.Expression:
    items = tuple(ast.Number(part.start, part.end, Fraction(size), str(size)) for size in sizes)
    return ast.Sequence(part.start, part.end, items, "(")


def _call(part: ast.Expression, function: str, *values: ast.Expression, **named: ast.Expression) -> ast.Call:
    arguments = [(None, value) for value in values] + [*named.items()]
    given = tuple(ast.Argument(keyword, value, value.start, value.end) for keyword, value in arguments)
    return ast.Call(part.start, part.end, function, given, part.end, library="own")
