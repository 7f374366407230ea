"""Convolutions (cross-correlations, as in every framework), their transposes, and their gradients by the filter.

The three are closed under differentiation: with y = conv(x, w),
∂/∂x is conv_transpose(g, w), ∂/∂w is conv_weight(x, g), and each of these two is bilinear in turn.
"""

from __future__ import annotations

import math
from functools import partial
from math import prod

import numpy as np

from backprop_cli.engine.ops.base import ParameterError, Sample, ShapeError, op, show
from backprop_cli.engine.ops.correlation import convolve, convolve_transposed, convolve_weight
from backprop_cli.engine.ops.costs import STEP, size
from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.engine.ops.tensor import Array, Padding, Tensor, Wholes, Words, word
from backprop_cli.engine.ops.validate import whole, wholes
from backprop_cli.engine.ops.windows import (
    SPACES,
    Geometry,
    axes_of_space,
    batched,
    check_fit,
    check_rank,
    geometry,
    unbatched,
)
from backprop_cli.language.model import Shape

# ── shapes ───────────────────────────────────────────────────────────────────────────────────────


def _check_groups(name: str, groups: int, channels: int) -> int:
    n = whole("groups", groups, 1)
    if channels % n:
        raise ParameterError("groups", f"{name}: {channels} channels do not divide into {n} groups")
    return n


def _check_filter(name: str, w: Shape, space: int) -> None:
    if len(w) != space + 2:
        axes = f"(out channels, in channels per group, {axes_of_space(space)})"
        raise ShapeError(f"{name} takes filters {axes}, not {show(w)}", 1)


def _check_bias(name: str, b: Shape | None, channels: int) -> None:
    if b is not None and tuple(b) != (channels,):
        raise ShapeError(f"{name}: a bias of shape {show(b)} for {channels} output channels", 2)


def conv_shape(name: str, space: int, x: Shape, w: Shape, b: Shape | None, *, stride: Wholes, padding: Padding,
               dilation: Wholes, groups: int) -> Shape:
    """(batch, out channels, *windows)."""
    check_rank(name, x, space)
    _check_filter(name, w, space)
    n = _check_groups(name, groups, w[0])
    channels = x[-space - 1]
    if w[1] * n != channels:
        raise ShapeError(f"{name}: filters {show(w)} take {w[1] * n} channels, {show(x)} has {channels}", 1)
    _check_bias(name, b, w[0])
    where = geometry(w[2:], stride, padding, dilation)
    counts = where.outputs(x[-space:])
    check_fit(name, x, where, counts)
    kept = tuple(old if new == old else new for new, old in zip(counts, x[-space:], strict=True))
    return (*x[: -space - 1], w[0], *kept)


def _output_size(space: int, x: Shape, where: Geometry, extra: tuple[int, ...]) -> tuple[int, ...]:
    return tuple((int(n) - 1) * s - sum(ends) + r + e for n, s, ends, r, e in
                 zip(x[-space:], where.stride, where.ends, where.reach, extra, strict=True))


def transpose_shape(name: str, space: int, x: Shape, w: Shape, b: Shape | None, *, stride: Wholes, padding: Padding,
                    output_padding: Wholes, groups: int, dilation: Wholes) -> Shape:
    """(batch, out channels, *space); filters are (in channels, out channels per group, ...)."""
    check_rank(name, x, space)
    _check_filter(name, w, space)
    n = _check_groups(name, groups, w[0])
    if w[0] != x[-space - 1]:
        raise ShapeError(f"{name}: filters {show(w)} take {w[0]} channels, {show(x)} has {x[-space - 1]}", 1)
    _check_bias(name, b, w[1] * n)
    where = geometry(w[2:], stride, padding, dilation)
    extra = wholes("output_padding", output_padding, space, 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, where.stride, where.dilation, strict=True)):
        raise ParameterError("output_padding", "output_padding must be smaller than the stride or the dilation")
    size = _output_size(space, x, where, extra)
    if any(s < 1 for s in size):
        raise ShapeError(f"{name}: the padding leaves nothing of the result", 0)
    return (*x[: -space - 1], w[1] * n if n > 1 else w[1], *size)


def weight_shape(name: str, space: int, x: Shape, g: Shape, *, kernel_size: Wholes, stride: Wholes, padding: Padding,
                 dilation: Wholes, groups: int) -> Shape:
    """(out channels, in channels per group, *kernel_size)."""
    check_rank(name, x, space)
    n = _check_groups(name, groups, math.gcd(x[-space - 1], g[-space - 1]) if len(g) == len(x) else x[-space - 1])
    if len(g) != len(x) or x[: -space - 1] != g[: -space - 1]:
        raise ShapeError(f"{name}: {show(x)} and {show(g)} differ in their batch", 1)
    where = geometry(wholes("kernel_size", kernel_size, space, 1), stride, padding, dilation)
    if where.outputs(x[-space:]) != tuple(map(int, g[-space:])):
        raise ShapeError(f"{name}: there are {show(where.outputs(x[-space:]))} windows, not {show(g[-space:])}", 1)
    return (g[-space - 1], x[-space - 1] // n if n > 1 else x[-space - 1], *where.kernel)


# ── rules ────────────────────────────────────────────────────────────────────────────────────────


def _leftover(x: Shape, g: Shape, where: Geometry, space: int) -> tuple[int, ...]:
    """Entries at the end of x that no window reaches: the output_padding of the transpose."""
    back = _output_size(space, g, where, (0,) * space)
    return tuple(int(a) - b for a, b in zip(x[-space:], back, strict=True))


def _bias_rule(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, *_: object, **__: object) -> Tensor:
    rank = len(y.shape)
    return xp.sum(g, axis=tuple(i for i in range(rank) if i != rank - space - 1))


def _conv_input(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, w: Tensor, b: Tensor | None, stride: Wholes,
                padding: Padding, dilation: Wholes, groups: int) -> Tensor:
    where = geometry(w.shape[2:], stride, padding, dilation)
    extra = _leftover(x.shape, y.shape, where, space)
    statics: dict[str, object] = {"stride": stride, "padding": padding, "groups": groups, "dilation": dilation}
    return word(xp, f"conv_transpose{space}d")(g, w, None, output_padding=extra if any(extra) else 0, **statics)


def _conv_filter(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, w: Tensor, b: Tensor | None, stride: Wholes,
                 padding: Padding, dilation: Wholes, groups: int) -> Tensor:
    kernel = tuple(map(int, w.shape[2:]))
    return word(xp, f"conv{space}d_weight")(x, g, kernel_size=kernel, stride=stride, padding=padding,
                                               dilation=dilation, groups=groups)


def _surplus(space: int, w: Tensor, stride: Wholes, padding: Padding, output_padding: Wholes,
             dilation: Wholes) -> tuple[int, ...]:
    """How many windows more than entries a transpose has where its output_padding is no smaller than the stride."""
    where = geometry(w.shape[2:], stride, padding, dilation)
    extra = wholes("output_padding", output_padding, space)
    return tuple(e // s for e, s in zip(extra, where.stride, strict=True))


def _transpose_input(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, w: Tensor, b: Tensor | None,
                     stride: Wholes, padding: Padding, output_padding: Wholes, groups: int, dilation: Wholes) -> Tensor:
    found = word(xp, f"conv{space}d")(g, w, None, stride=stride, padding=padding, dilation=dilation, groups=groups)
    if not any(_surplus(space, w, stride, padding, output_padding, dilation)):
        return found
    return xp.index(found, index=(Ellipsis, *(Span(None, int(n)) for n in x.shape[-space:])))


def _transpose_filter(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, w: Tensor, b: Tensor | None,
                      stride: Wholes, padding: Padding, output_padding: Wholes, groups: int,
                      dilation: Wholes) -> Tensor:
    kernel = tuple(map(int, w.shape[2:]))
    more = _surplus(space, w, stride, padding, output_padding, dilation)
    if any(more):
        x = xp.pad(x, pad_width=((0, 0),) * (len(x.shape) - space) + tuple((0, n) for n in more))
    return word(xp, f"conv{space}d_weight")(g, x, kernel_size=kernel, stride=stride, padding=padding,
                                               dilation=dilation, groups=groups)


def _weight_input(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, h: Tensor, kernel_size: Wholes,
                  stride: Wholes, padding: Padding, dilation: Wholes, groups: int) -> Tensor:
    """For y = conv_weight(x, h) the upstream g has the shape of a filter."""
    where = geometry(y.shape[2:], stride, padding, dilation)
    extra = _leftover(x.shape, h.shape, where, space)
    return word(xp, f"conv_transpose{space}d")(h, g, None, stride=stride, padding=padding, groups=groups,
                                                  dilation=dilation, output_padding=extra if any(extra) else 0)


def _weight_output(space: int, xp: Words, g: Tensor, y: Tensor, x: Tensor, h: Tensor, kernel_size: Wholes,
                   stride: Wholes, padding: Padding, dilation: Wholes, groups: int) -> Tensor:
    return word(xp, f"conv{space}d")(x, g, None, stride=stride, padding=padding, dilation=dilation, groups=groups)


# ── what they take ───────────────────────────────────────────────────────────────────────────────


def _windowed(space: int, x: Shape, y: Shape, where: Geometry, groups: int) -> int:
    """The padded tensor, its windows written out for a matrix product (of one group at a time), and the result."""
    around = prod(int(s) + 2 * p for s, p in zip(x[-space:], where.padding, strict=True))
    lead = prod(map(int, x[:-space]))
    return lead * (2 * around + prod(map(int, y[-space:])) * prod(where.kernel) // groups)


def _conv_temporary(space: int, y: Shape, x: Shape, w: Shape, b: Shape | None, *, stride: Wholes, padding: Padding,
                    dilation: Wholes, groups: int) -> int:
    where = geometry(w[2:], stride, padding, dilation)
    return _windowed(space, x, y, where, groups) + size(w) + 2 * size(y)


def _conv_work(y: Shape, x: Shape, w: Shape, b: Shape | None, *, groups: int, **_: object) -> int:
    """Each output sums over its window; groups are gone through one by one."""
    return 2 * size(y) * size(w[1:]) + 4 * STEP * groups


def _weight_temporary(space: int, y: Shape, x: Shape, g: Shape, *, kernel_size: Wholes, stride: Wholes,
                      padding: Padding, dilation: Wholes, groups: int) -> int:
    where = geometry(wholes("kernel_size", kernel_size, space, 1), stride, padding, dilation)
    return _windowed(space, x, g, where, groups) + 2 * size(g) + size(y)


def _weight_work(y: Shape, x: Shape, g: Shape, *, groups: int, **_: object) -> int:
    """Each window meets each channel of the gradient; groups are gone through one by one."""
    return 2 * size(g) * size(y[1:]) + 4 * STEP * groups


def _transpose_temporary(space: int, y: Shape, x: Shape, w: Shape, b: Shape | None, *, stride: Wholes, padding: Padding,
                         output_padding: Wholes, groups: int, dilation: Wholes) -> int:
    """The result with its padding, and what one entry of the window spreads."""
    pads = geometry(w[2:], stride, padding, dilation).padding
    around = prod(int(s) + 2 * p for s, p in zip(y[-space:], pads, strict=True))
    return 2 * prod(map(int, y[:-space])) * around + 3 * _spread(space, x, w) + size(x) + size(w)


def _spread(space: int, x: Shape, w: Shape) -> int:
    """What one entry of the window spreads."""
    return size(x) // max(1, int(x[-space - 1])) * int(w[1])


def _transpose_work(space: int, y: Shape, x: Shape, w: Shape, b: Shape | None, *, groups: int, **_: object) -> int:
    """Each entry spreads over a window, whose entries are gone through one by one and added."""
    window = prod(map(int, w[2:]))
    return 2 * size(x) * size(w[1:]) + window * (8 * _spread(space, x, w) + 3 * STEP * groups)


# ── the ops ──────────────────────────────────────────────────────────────────────────────────────


def _biased(y: Array, b: Array | None, space: int) -> Array:
    return y if b is None else y + np.reshape(b, (-1, *[1] * space))


def _forward(space: int, xp: object, x: Array, w: Array, b: Array | None = None, stride: Wholes = 1,
             padding: Padding = 0, dilation: Wholes = 1, groups: int = 1) -> Array:
    where = geometry(np.shape(w)[2:], stride, padding, dilation)
    y = convolve(batched(x, space), w, where, groups)
    return _biased(unbatched(y, x, space), b, space)


def _forward_transposed(space: int, xp: object, x: Array, w: Array, b: Array | None = None, stride: Wholes = 1,
                        padding: Padding = 0, output_padding: Wholes = 0, groups: int = 1,
                        dilation: Wholes = 1) -> Array:
    where = geometry(np.shape(w)[2:], stride, padding, dilation)
    size = _output_size(space, np.shape(x), where, wholes("output_padding", output_padding, space))
    y = convolve_transposed(batched(x, space), w, where, groups, size)
    return _biased(unbatched(y, x, space), b, space)


def _forward_weight(space: int, xp: object, x: Array, g: Array, kernel_size: Wholes, stride: Wholes = 1,
                    padding: Padding = 0, dilation: Wholes = 1, groups: int = 1) -> Array:
    where = geometry(wholes("kernel_size", kernel_size, space, 1), stride, padding, dilation)
    return convolve_weight(batched(x, space), batched(g, space), where, groups)


SAMPLES: dict[tuple[int, str], tuple[Sample, ...]] = {
    (1, ""): (Sample(((2, 2, 5), (3, 2, 3), (3,))), Sample(((2, 5), (1, 2, 2), None), {"padding": 1, "stride": 2}),
              Sample(((1, 4, 6), (2, 2, 2), (2,)), {"groups": 2, "dilation": 2})),
    (2, ""): (Sample(((2, 2, 4, 4), (3, 2, 2, 3), (3,))), Sample(((2, 5, 4), (1, 2, 3, 2), None), {"padding": (1, 0)}),
              Sample(((1, 2, 6, 5), (2, 1, 2, 2), (2,)), {"groups": 2, "stride": (2, 3), "dilation": (2, 1)}),
              Sample(((1, 1, 5, 5), (1, 1, 3, 3), None), {"stride": 3, "padding": 1}),
              Sample(((1, 1, 4, 4), (2, 1, 3, 3), None), {"padding": "same"}),
              Sample(((1, 2, 4, 3), (2, 2, 2, 4), None), {"padding": "same", "dilation": (3, 1)})),
    (3, ""): (Sample(((2, 1, 3, 3, 2), (2, 1, 2, 2, 2), (2,))),
              Sample(((2, 3, 4, 3), (2, 1, 2, 3, 2), None), {"groups": 2, "stride": (1, 2, 1), "padding": (0, 1, 0)})),
    (1, "transpose"): (Sample(((2, 2, 3), (2, 3, 3), (3,))),
                       Sample(((2, 3), (2, 1, 2), None), {"stride": 2, "padding": 1}),
                       Sample(((1, 4, 3), (4, 1, 2), (2,)), {"groups": 2, "stride": 2, "output_padding": 1}),
                       Sample(((1, 1, 3), (1, 2, 2), None), {"dilation": 3, "output_padding": 2})),
    (2, "transpose"): (Sample(((2, 2, 3, 2), (2, 2, 2, 3), (2,))),
                       Sample(((1, 2, 3, 3), (2, 1, 3, 2), None),
                              {"groups": 2, "stride": (2, 1), "padding": 1, "output_padding": (1, 0),
                               "dilation": (1, 2)})),
    (3, "transpose"): (Sample(((1, 2, 2, 1, 2), (2, 1, 2, 2, 1), (1,)), {"stride": 2, "output_padding": (1, 0, 0)}),),
    (1, "weight"): (Sample(((2, 2, 5), (2, 3, 3)), {"kernel_size": 3}),
                    Sample(((4, 6), (2, 2)), {"kernel_size": 2, "stride": 2, "groups": 2, "dilation": 3})),
    (2, "weight"): (Sample(((2, 2, 4, 4), (2, 3, 3, 2)), {"kernel_size": (2, 3)}),
                    Sample(((1, 2, 5, 5), (1, 2, 3, 2)),
                           {"kernel_size": (3, 3), "stride": (2, 3), "padding": 1, "groups": 2})),
    (3, "weight"): (Sample(((1, 2, 3, 2, 3), (1, 2, 2, 1, 2)), {"kernel_size": 2, "groups": 2}),),
}  # fmt: skip


def _define(space: int) -> None:
    d = f"{space}d"
    plain = {1: "a signal", 2: "an image", 3: "a volume"}[space]
    bias = partial(_bias_rule, space)
    op(f"conv{d}(x, w, b=none; stride=1, padding=0, dilation=1, groups=1)",
       f"Cross-correlation of {plain} (batch, channels, ...) with filters (out, in/groups, ...), plus a bias.",
       partial(_forward, space), temporary=partial(_conv_temporary, space), work=_conv_work,
       shape=partial(conv_shape, f"conv{d}", space), group="networks",
       vjps=(partial(_conv_input, space), partial(_conv_filter, space), bias), samples=SAMPLES[space, ""],
       linear="x w")
    op(f"conv_transpose{d}(x, w, b=none; stride=1, padding=0, output_padding=0, groups=1, dilation=1)",
       f"The adjoint of conv{d}: every entry spreads its filter (in, out/groups, ...) over a window.",
       partial(_forward_transposed, space), temporary=partial(_transpose_temporary, space),
       work=partial(_transpose_work, space),
       shape=partial(transpose_shape, f"conv_transpose{d}", space),
       group="networks", vjps=(partial(_transpose_input, space), partial(_transpose_filter, space), bias),
       samples=SAMPLES[space, "transpose"], linear="x w")
    op(f"conv{d}_weight(x, g; kernel_size, stride=1, padding=0, dilation=1, groups=1)",
       f"The gradient of conv{d} by its filters, given the gradient g of its output.",
       partial(_forward_weight, space), temporary=partial(_weight_temporary, space), work=_weight_work,
       shape=partial(weight_shape, f"conv{d}_weight", space), group="networks",
       vjps=(partial(_weight_input, space), partial(_weight_output, space)), samples=SAMPLES[space, "weight"],
       linear="x g")


for _space in SPACES:
    _define(_space)
