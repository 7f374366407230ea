"""Convolutions and pools: x[n,c,2·i+a-1,2·j+b-1] · w[o,c,a,b], an entry outside an array being 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sympy import Expr, Integer

from backprop_cli.engine.ops.validate import wholes
from backprop_cli.engine.ops.windows import SPACES, Geometry, geometry
from backprop_cli.formulas.algebra.expr import NONE, Apply, is_op, shape_of
from backprop_cli.formulas.notation.entrywise import places
from backprop_cli.formulas.notation.entrywise.walker import Along, EntryWalker, Index, Row
from backprop_cli.formulas.notation.piece import Piece


def space_of(expr: Apply) -> int:
    """How many axes a window has: 2 of conv2d."""
    return int(next(sign for sign in expr.name if sign.isdigit()))


def _geometry(expr: Apply, kernel: Sequence[int]) -> Geometry:
    given = expr.parameters
    return geometry(kernel, given["stride"], given["padding"], given["dilation"])


def _at(where: Geometry, window: Sequence[str], inside: Sequence[str]) -> tuple[str, ...]:
    """Where the entry `inside` of a window lies: 2·i+a-1."""
    return tuple(
        places.moved(places.together(places.times(s, i), places.times(d, a)), -p)
        for i, a, s, d, p in zip(window, inside, where.stride, where.dilation, where.padding, strict=True)
    )


def _channel(shape: int, groups: int, out: str, of: int, inside: str) -> str:
    """The channel of the group that another channel belongs to."""
    if groups == 1:
        return inside
    return places.together(places.times(shape, places.over(out, of // groups)), inside)


def _axes(layout: EntryWalker, expr: Expr, *axes: int) -> list[Along]:
    return [layout.along(expr, axis) for axis in axes]


def convolved(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """Σ over channels and the window: x[n,c,i+a,j+b] · w[o,c,a,b]."""
    x, w, bias = expr.args
    space, shape = space_of(expr), shape_of(w)
    where = _geometry(expr, shape[2:])
    *batch, out = indices[: len(indices) - space]
    read = _reading(layout, where)

    def body(letters: Index) -> Piece:
        channel, *inside = letters
        at = _channel(int(shape[1]), expr.parameters["groups"], out, int(shape[0]), channel)
        return layout.multiplied([read(x, (*batch, at, *_at(where, indices[-space:], inside))),
                               layout.entry(w, (out, channel, *inside))])  # fmt: skip

    return _biased(layout, layout.over(_axes(layout, w, *range(1, 2 + space)), body), bias, out)


def _reading(layout: EntryWalker, where: Geometry) -> Callable[[Expr, Index], Piece]:
    """How an entry is read: with padding, one outside is 0."""
    return layout.zero_outside if any(map(any, where.ends)) else layout.entry


def _biased(layout: EntryWalker, total: Piece, bias: Expr, channel: str) -> Piece:
    return total if bias == NONE else layout.added([(False, total), (False, layout.entry(bias, (channel,)))])


def kernel_gradient(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """Σ over images and positions: x[n,c,i+a,j+b] · δ[n,o,i,j]."""
    x, g = expr.args
    space, groups = space_of(expr), expr.parameters["groups"]
    where = _geometry(expr, wholes("kernel_size", expr.parameters["kernel_size"], space, 1))
    out, channel, *inside = indices
    images = len(shape_of(g)) - space - 1
    at = _channel(int(expr.shape[1]), groups, out, int(expr.shape[0]), channel)
    read = _reading(layout, where)

    def body(letters: Index) -> Piece:
        batch, window = letters[:images], letters[images:]
        return layout.multiplied([read(x, (*batch, at, *_at(where, window, inside))),
                               layout.entry(g, (*batch, out, *window))])  # fmt: skip

    return layout.over(_axes(layout, g, *range(images), *range(images + 1, images + 1 + space)), body)


def spread(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """Σ δ[n,o,i,j] · w[o,c,y-2·i,x-2·j]: each entry of δ lays w over its window."""
    g, w, bias = expr.args
    space, groups = space_of(expr), expr.parameters["groups"]
    where = _geometry(expr, shape_of(w)[2:])
    *batch, out = indices[: len(indices) - space]
    if any(d > 1 and s > 1 for d, s in zip(where.dilation, where.stride, strict=True)):
        return None
    plain = all(s == 1 for s in where.stride)
    inside = [plain or d > 1 for d in where.dilation]  # whether a letter runs in the window, or over what is laid
    at = len(shape_of(g)) - space
    runs = [layout.along(*((w, 2 + k) if within else (g, at + k))) for k, within in enumerate(inside)]
    many, few = (int(size) for size in shape_of(w)[:2])
    channels = Along(many // groups) if groups > 1 else layout.along(*((w, 0) if plain else (g, at - 1)))
    kept = out if groups == 1 else places.rest(out, few) if few > 1 else ""

    def body(letters: Index) -> Piece:
        inner, *moving = letters
        channel = _channel(many // groups, groups, out, few * groups, inner)
        steps = [d if within else s for within, d, s in zip(inside, where.dilation, where.stride, strict=True)]
        back = [
            places.less(places.moved(y, p), places.times(s, m))
            for y, p, s, m in zip(indices[-space:], where.padding, steps, moving, strict=True)
        ]
        laid = [b if within else m for within, b, m in zip(inside, back, moving, strict=True)]
        window = [m if within else b for within, b, m in zip(inside, back, moving, strict=True)]
        read = layout.zero_outside if any(inside) else layout.entry
        weight = layout.entry if all(inside) else layout.zero_outside
        return layout.multiplied([read(g, (*batch, channel, *laid)), weight(w, (channel, kept, *window))])

    return _biased(layout, layout.over([channels, *runs], body), bias, out)


# ── pools ────────────────────────────────────────────────────────────────────────────────────────


def _pool(expr: Apply) -> Geometry | None:
    """The windows of a pool; None where one of them is cut at an end, or counted in a way of its own."""
    given, space = expr.parameters, space_of(expr)
    kernel = wholes("kernel_size", given["kernel_size"], space, 1)
    stride = given["stride"] if given["stride"] is not None else kernel
    where = geometry(kernel, stride, given["padding"], given.get("dilation", 1))
    own = given["ceil_mode"] or not given.get("count_include_pad", True) or given.get("divisor_override") is not None
    return None if own else where


def _inside(where: Geometry) -> list[Along]:
    return [Along(size) for size in where.kernel]


def largest(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """max_a,b x[n,c,2·i+a,2·j+b]."""
    where, space = _pool(expr), space_of(expr)
    if where is None or any(where.padding):
        return None
    return layout.over(_inside(where), lambda letters: layout.entry(
        expr.args[0], (*indices[:-space], *_at(where, indices[-space:], letters))), "max")  # fmt: skip


def averaged(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """1/4 Σ_a,b x[n,c,2·i+a,2·j+b]."""
    where, space = _pool(expr), space_of(expr)
    if where is None:
        return None
    read = _reading(layout, where)
    total = layout.over(_inside(where), lambda letters: read(
        expr.args[0], (*indices[:-space], *_at(where, indices[-space:], letters))))  # fmt: skip
    return _shared(layout, total, where)


def _shared(layout: EntryWalker, of: Piece, where: Geometry) -> Piece:
    count = 1
    for size in where.kernel:
        count *= size
    return of if count == 1 else layout.quotient(of, layout.entry(Integer(count), ()))


def shared(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """δ[n,c,⌊y/2⌋,⌊x/2⌋] / 4; where windows overlap, Σ over them."""
    where, space = _pool(expr), space_of(expr)
    if where is None:
        return None
    g, rank = expr.args[0], len(indices)
    if where.stride == where.kernel and not any(where.padding):
        at = tuple(map(places.over, indices[-space:], where.kernel))
        return _shared(layout, layout.zero_outside(g, (*indices[:-space], *at)), where)

    def body(letters: Index) -> Piece:
        window, inside = letters[:space], letters[space:]
        return layout.selected(
            indices[-space:], _at(where, window, inside), layout.entry(g, (*indices[:-space], *window))
        )

    return _shared(layout, layout.over([*_axes(layout, g, *range(rank - space, rank)), *_inside(where)], body), where)


def to_largest(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """Σ_l,m [(i,j) = argmax(a, 2)[n,c,l,m]] · δ[n,c,l,m]: to where the largest entry was."""
    g, found = expr.args
    space, rank = space_of(expr), len(indices)
    here = ",".join(i or "0" for i in indices[-space:])
    if not is_op(found, f"max_pool{space}d_indices"):
        return None

    def body(letters: Index) -> Piece:
        at = (*indices[:-space], *letters)
        return layout.at_largest(here if space == 1 else f"({here})", found, at, layout.entry(g, at))

    return layout.over(_axes(layout, g, *range(rank - space, rank)), body)


# ── patches ──────────────────────────────────────────────────────────────────────────────────────


def _patches(expr: Apply, image: Expr | Apply) -> tuple[Geometry, tuple[int, ...]]:
    """The windows that become columns, and how many there are along each axis of an image."""
    given = expr.parameters
    kernel = wholes("kernel_size", given["kernel_size"], 2, 1)
    where = geometry(kernel, given["stride"], wholes("padding", given["padding"], 2, 0), given["dilation"])
    return where, where.outputs(shape_of(image)[-2:])


def unfolded(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """x[n,⌊q/4⌋,⌊l/3⌋+⌊q/2⌋ mod 2,l mod 3+q mod 2]: row q of column l."""
    x = expr.args[0]
    where, (_, wide) = _patches(expr, x)
    (high, across), (*batch, row, column) = where.kernel, indices
    inside = (places.rest(places.over(row, across), high), places.rest(row, across))
    at = _at(where, (places.over(column, wide), places.rest(column, wide)), inside)
    return _reading(layout, where)(x, (*batch, places.over(row, high * across), *at))


def folded(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """Σ_l,a,b [(y,x) = where (a,b) of window l lies] · δ[n,4·c+2·a+b,l]: a sum over windows."""
    g = expr.args[0]
    where, (_, wide) = _patches(expr, expr)
    (high, across), (*batch, channel, y, x) = where.kernel, indices

    def body(letters: Index) -> Piece:
        column, *inside = letters
        row = places.together(places.times(high * across, channel), places.times(across, inside[0]), inside[1])
        at = _at(where, (places.over(column, wide), places.rest(column, wide)), inside)
        return layout.selected((y, x), at, layout.entry(g, (*batch, row, column)))

    return layout.over([layout.along(g, len(shape_of(g)) - 1), *_inside(where)], body)


ROWS: Mapping[str, Row] = {
    "unfold": unfolded, "fold": folded,
    **{f"conv{d}d": convolved for d in SPACES}, **{f"conv_transpose{d}d": spread for d in SPACES},
    **{f"conv{d}d_weight": kernel_gradient for d in SPACES}, **{f"max_pool{d}d": largest for d in SPACES},
    **{f"avg_pool{d}d": averaged for d in SPACES}, **{f"avg_unpool{d}d": shared for d in SPACES},
    **{f"max_unpool{d}d": to_largest for d in SPACES},
}  # fmt: skip
