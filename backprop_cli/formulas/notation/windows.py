"""Convolutions, pooling and rows picked by labels, in words of mathematics: `x ⋆ δ`, `δ ∗ w`, `to_max(δ, a, 2)`.

Where sizes, strides or padding could not be seen from that, the exact call is written.  What is written here is read by
`engine.interpret.windows`.
"""

from __future__ import annotations

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.expr import NONE, Apply, is_op, shape_of
from backprop_cli.formulas.notation.piece import MATMUL, Piece
from backprop_cli.formulas.notation.walker import Walker


def correlated(layout: Walker, expr: Apply) -> Piece:
    """x ⋆ δ: the gradient of a convolution's filters, where their size is seen from the shapes."""
    x, g = map(shape_of, expr.args)
    seen = tuple(int(a) - int(b) + 1 for a, b in zip(x[2:], g[2:], strict=True)) if len(x) == len(g) else ()
    size = expr.parameters["kernel_size"]
    plain = _at_defaults(expr, "kernel_size") and (size if isinstance(size, tuple) else (size,) * len(seen)) == seen
    return _between(layout, expr, layout.notation.correlation if plain and len(x) == _space(expr) + 2 else "")


def spread(layout: Walker, expr: Apply) -> Piece:
    """δ ∗ w: every entry of δ spreads w over its place."""
    plain = _at_defaults(expr) and expr.args[2] == NONE and len(shape_of(expr.args[0])) == _space(expr) + 2
    return _between(layout, expr, layout.notation.convolution if plain else "")


def _between(layout: Walker, expr: Apply, sign: str) -> Piece:
    if not sign:
        return layout.call(expr)
    return Piece(sign.join(layout.within(a, MATMUL + 1) for a in expr.args[:2]), MATMUL)


def _at_defaults(expr: Apply, *but: str) -> bool:
    usual = OPS[expr.name].signature.parameters
    return all(value == usual[name] for name, value in expr.parameters.items() if name not in but)


def _space(expr: Apply) -> int:
    """How many axes a window has: 2 of conv2d."""
    return int(next(sign for sign in expr.name if sign.isdigit()))


def unpooled(layout: Walker, expr: Apply) -> Piece:
    """to_max(δ, a, 2): to where the maximum was."""
    put, found = expr.args
    if not layout.notation.names_axes or not is_op(found, f"max_pool{_space(expr)}d_indices"):
        return layout.call(expr)
    shape = shape_of(found.args[0])
    if len(shape) != _space(expr) + 2 or expr.parameters["output_size"] != tuple(map(int, shape[2:])):
        return layout.call(expr)
    listed = layout.notation.arguments([layout.walk(found.args[0])], found)
    return layout.notation.named_call("to_max", [layout.walk(put).text, *listed])


def added_at(layout: Walker, expr: Apply) -> Piece:
    """one_hot(t, V)ᵀ · δ: each row of δ goes to the row that its label names."""
    base, labels, source = expr.args
    count = shape_of(labels)
    plain = is_op(base, "zeros") and expr.parameters["axis"] == 0 and len(count) == 1 and len(shape_of(source)) < 3
    if not layout.notation.names_axes or not plain:
        return layout.call(expr)
    rows = expr.shape[0]
    one_hot = Apply("one_hot", (labels,), {"n": rows}, (*count, rows))
    turned = Apply("transpose", (one_hot,), {"axes": (1, 0)}, (rows, *count))
    return layout.walk(Apply("matmul", (turned, source), {}, expr.shape))
