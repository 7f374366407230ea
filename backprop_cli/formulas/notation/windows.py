"""Convolutions and pooling in words of mathematics: `x ⋆[s=2,p=1] δ`, `to_max(δ, a, 2)`.

What is written here is read by `engine.interpret.windows`: sizes that it would not see from the shapes are said.
"""

from __future__ import annotations

from collections.abc import Mapping

from backprop_cli.engine.interpret.windows import LETTERS, SPREAD, TO_MAX
from backprop_cli.engine.ops.validate import wholes
from backprop_cli.engine.ops.windows import Geometry, geometry, met, unmet
from backprop_cli.formulas.algebra.expr import NONE, Apply, is_op, shape_of
from backprop_cli.formulas.notation.arguments import spell_static
from backprop_cli.formulas.notation.piece import MATMUL, Piece
from backprop_cli.formulas.notation.walker import Walker

Given = Mapping[str, object]


def correlated(layout: Walker, expr: Apply) -> Piece:
    """x ⋆ δ: the gradient of a convolution's filters; their size is said where the shapes do not show it."""
    x, g = map(shape_of, expr.args)
    space = _space(expr)
    kernel = wholes("kernel_size", expr.parameters["kernel_size"], space, 1)
    where = _geometry(expr, kernel)
    shown = len(x) == len(g) and (space == 1 or len(x) == space + 2) and not any(where.after)
    seen = shown and met(x[-space:], g[-space:], where) == kernel
    size = {} if seen else {"kernel_size": _together(kernel) if len(x) == space + 2 else kernel}
    return _between(layout, expr, layout.notation.correlation if len(x) == len(g) else "", {**size, **_said(where)})


def spread(layout: Walker, expr: Apply) -> Piece:
    """δ ∗ w: every entry of δ spreads w over its place."""
    sign = layout.notation.convolution if expr.args[2] == NONE else ""
    return _between(layout, expr, sign, _said(_geometry(expr, tuple(map(int, shape_of(expr.args[1])[2:])))))


def _geometry(expr: Apply, kernel: tuple[int, ...]) -> Geometry:
    given = expr.parameters
    return geometry(kernel, given["stride"], given["padding"], given["dilation"])


def _said(where: Geometry) -> Given:
    """The stride, the padding and the dilation; an uneven padding by its word."""
    padding = "same" if any(where.after) else _together(where.padding)
    return {"stride": _together(where.stride), "padding": padding, "dilation": _together(where.dilation)}


def _between(layout: Walker, expr: Apply, sign: str, given: Given) -> Piece:
    """Two operands, and at the sign what is not as usual."""
    if not sign:
        return layout.call(expr)
    all_given = {**{name: _together(value) for name, value in expr.parameters.items()}, "kernel_size": None, **given}
    usual = {"kernel_size": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1, "output_padding": 0}
    values = {letter: all_given.get(name, usual[name]) for letter, name in LETTERS.items()}
    said = [(letter, spell_static(value).replace(" ", ""))
            for letter, value in values.items() if value != usual[LETTERS[letter]]]  # fmt: skip
    left, right = (layout.within(a, MATMUL + 1) for a in expr.args[:2])
    return Piece(left + layout.notation.with_given(sign, said) + right, MATMUL)


def _together(value: object) -> object:
    """One number for all axes."""
    return value[0] if isinstance(value, tuple) and len({*value}) == 1 else value


def _space(expr: Apply) -> int:
    """How many axes a window has: 2 of conv2d."""
    return int(next(sign for sign in expr.name if sign.isdigit()))


def unpooled(layout: Walker, expr: Apply) -> Piece:
    """to_max(δ, a, 2): to where the maximum was."""
    put, found = expr.args
    space = _space(expr)
    if not layout.notation.names_axes or not is_op(found, f"max_pool{space}d_indices"):
        return layout.call(expr)
    shape = shape_of(found.args[0])
    if wholes("output_size", expr.parameters["output_size"], space) != tuple(map(int, shape[-space:])):
        return layout.call(expr)
    window = Apply(found.name, found.args, _sized(found, len(shape)), found.shape)
    listed = layout.notation.arguments([layout.walk(found.args[0])], window)
    return layout.notation.named_call(TO_MAX, [layout.walk(put).text, *listed])


def shared(layout: Walker, expr: Apply) -> Piece:
    """spread(δ, 2): each entry of δ, shared evenly among the entries of its window."""
    if not layout.notation.names_axes:
        return layout.call(expr)
    given, space = expr.parameters, _space(expr)
    put = shape_of(expr.args[0])
    kernel = wholes("kernel_size", given["kernel_size"], space, 1)
    where = geometry(kernel, given["stride"] if given["stride"] is not None else kernel, given["padding"], 1)
    size = wholes("output_size", given["output_size"], space)
    sized = {name: value for name, value in _sized(expr, len(put)).items() if name != "output_size"}
    pool = Apply(f"avg_pool{space}d", expr.args, sized, expr.shape)
    listed = layout.notation.arguments([layout.walk(expr.args[0])], pool)
    if unmet(put[-space:], where) != size:
        listed.append(layout.notation.keyword("size", spell_static(size)))
    return layout.notation.named_call(SPREAD, listed)


def _sized(expr: Apply, rank: int) -> dict[str, object]:
    """The parameters; of one image without a batch the window's size axis by axis, which says that it is one."""
    given = dict(expr.parameters)
    space = _space(expr)
    if rank != space + 2 and space > 1:
        given["kernel_size"] = wholes("kernel_size", given["kernel_size"], space, 1)
    return given
