"""Tensors of (batch, channels, *space) at another size: pools to a given size, patches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import Body, ParameterError, Sample, ShapeError, composite, op, show
from backprop_cli.engine.ops.library import spell
from backprop_cli.engine.ops.tensor import Array, Key, Padding, Wholes
from backprop_cli.engine.ops.validate import whole, wholes
from backprop_cli.engine.ops.windows import Geometry, check_fit, check_rank, geometry, padded, windows_of
from backprop_cli.language.model import Shape

Shapes = Mapping[str, Shape]

# ── pools to a given size ────────────────────────────────────────────────────────────────────────


def _ends(size: int, parts: int) -> list[tuple[int, int]]:
    """Where PyTorch's windows begin and end: they overlap where the sizes do not divide."""
    return [(i * size // parts, -(-(i + 1) * size // parts)) for i in range(parts)]


def _pooled(text: str, axis: int, size: int, parts: int) -> str:
    """Means over windows of one axis, counted from the front."""
    if parts == size:
        return text
    if parts == 1:
        return f"mean({text}, axis={axis}, keepdims=true)"
    lead = ":, " * axis
    means = (f"mean({text}[{lead}{a}:{b}], axis={axis}, keepdims=true)" for a, b in _ends(size, parts))
    return f"concat([{', '.join(means)}], axis={axis})"


MOST_WINDOWS = 256
"""Windows of different sizes are written out one by one."""


def _adaptive(space: int) -> Body:
    def body(shapes: Shapes, output_size: object) -> str:
        x = shapes["x"]
        check_rank(f"adaptive_avg_pool{space}d", x, space)
        given = output_size if isinstance(output_size, tuple) else (output_size,) * space  # none keeps a size
        if len(given) != space:
            raise ParameterError("output_size", f"output_size is one size or {space}, not {len(given)}")
        sizes = tuple(map(int, x[-space:]))
        wanted = tuple(n if w is None else whole("output_size", w, 1) for n, w in zip(sizes, given, strict=True))
        if all(n % w == 0 for n, w in zip(sizes, wanted, strict=True)):
            kernel = tuple(n // w for n, w in zip(sizes, wanted, strict=True))
            return f"avg_pool{space}d(x, {spell(kernel)})" if any(k > 1 for k in kernel) else "x"
        if math.prod(wanted) > MOST_WINDOWS:
            raise ParameterError("output_size", f"{show(sizes)} does not divide into {show(wanted)} equal windows")
        text = "x"
        for i, (n, w) in enumerate(zip(sizes, wanted, strict=True)):
            text = _pooled(text, len(x) - space + i, n, w)
        return text

    return body


for _space, _shapes in ((1, ((2, 2, 6), (2, 5))), (2, ((1, 2, 4, 6), (2, 5, 4))),
                        (3, ((1, 2, 2, 4, 2), (1, 5, 3, 4)))):
    composite(f"adaptive_avg_pool{_space}d(x; output_size)", "Means over windows, as many as output_size says.",
              _adaptive(_space), group="networks", samples=(Sample((_shapes[0],), {"output_size": 2}),
                                                            Sample((_shapes[1],), {"output_size": 3})))  # fmt: skip

# ── patches ──────────────────────────────────────────────────────────────────────────────────────

PATCHES: tuple[dict[str, object], ...] = (
    {"kernel_size": 2},
    {"kernel_size": (2, 3), "stride": (2, 1), "padding": (0, 1), "dilation": (1, 2)})  # fmt: skip


def patch_geometry(kernel_size: Wholes, dilation: Wholes, padding: Padding, stride: Wholes) -> Geometry:
    """The windows that `unfold` makes columns of."""
    return geometry(wholes("kernel_size", kernel_size, 2, 1), stride, wholes("padding", padding, 2, 0), dilation)


def unfold_shape(x: Shape, **parameters: Any) -> Shape:
    """(batch, channels · window, windows)."""
    check_rank("unfold", x, 2)
    where = patch_geometry(**parameters)
    counts = where.outputs(x[-2:])
    check_fit("unfold", x, where, counts)
    return (*x[:-3], int(x[-3]) * math.prod(where.kernel), math.prod(counts))


def unfold(x: Array, **parameters: Any) -> Array:
    """Every window of an image as a column."""
    where = patch_geometry(**parameters)
    counts = where.outputs(np.shape(x)[-2:])
    view = windows_of(np.ascontiguousarray(padded(x, where.padding)), where, counts)
    lead = view.ndim - 5
    order = (*range(lead + 1), lead + 3, lead + 4, lead + 1, lead + 2)
    rows = view.shape[lead] * math.prod(where.kernel)
    return view.transpose(order).reshape((*view.shape[:lead], rows, math.prod(counts)))


def fold_shape(x: Shape, *, output_size: object, **parameters: Any) -> Shape:
    """(batch, channels, *output_size), if the patches of that are `x`."""
    where, size = patch_geometry(**parameters), wholes("output_size", output_size, 2, 1)
    if len(x) not in (2, 3):
        raise ShapeError(f"fold takes (batch, channels · window, windows), not {show(x)}", 0)
    channels, rest = divmod(int(x[-2]), math.prod(where.kernel))
    counts = where.outputs(size)
    if rest or min(counts) < 1 or math.prod(counts) != x[-1]:
        raise ShapeError(f"fold: {show(x)} are no windows of {show(where.kernel)} of an image of {show(size)}", 0)
    return (*x[:-2], channels, *size)


def fold(x: Array, output_size: object, **parameters: Any) -> Array:
    """The adjoint of `unfold`: columns added up where their windows lie."""
    where, shape = patch_geometry(**parameters), fold_shape(np.shape(x), output_size=output_size, **parameters)
    counts = where.outputs(shape[-2:])
    columns = x.reshape((*shape[:-2], *where.kernel, *counts))
    wide = np.zeros((*shape[:-2], *(s + 2 * p for s, p in zip(shape[-2:], where.padding, strict=True))), dtype=x.dtype)
    for window in np.ndindex(*where.kernel):
        reached: Key = (..., *where.source(window, counts))
        wide[reached] += columns[(..., *window, slice(None), slice(None))]
    inside: Key = (..., *(slice(p, p + s) for p, s in zip(where.padding, shape[-2:], strict=True)))
    return wide[inside]


def _fold_work(y: Shape, x: Shape, **parameters: Any) -> int:
    """Each entry of a window is added in turn."""
    return costs.plain(y, x) + costs.STEP * math.prod(patch_geometry(
        **{name: value for name, value in parameters.items() if name != "output_size"}).kernel)


op("unfold(x; kernel_size, dilation=1, padding=0, stride=1)", "Every window of an image as a column.",
   lambda xp, x, **p: unfold(x, **p), shape=unfold_shape, group="networks",
   vjps=lambda xp, g, y, x, **p: xp.fold(g, output_size=tuple(map(int, x.shape[-2:])), **p),
   samples=tuple(Sample((shape,), p) for shape, p in zip(((1, 2, 3, 4), (2, 4, 5)), PATCHES, strict=True)))
op("fold(x; output_size, kernel_size, dilation=1, padding=0, stride=1)",
   "The adjoint of unfold: columns added up where their windows lie in an image.",
   lambda xp, x, **p: fold(x, **p), shape=fold_shape, work=_fold_work, group="networks",
   vjps=lambda xp, g, y, x, output_size, **p: xp.unfold(g, **p),
   samples=(Sample(((1, 8, 6),), {"output_size": (3, 4), **PATCHES[0]}),
            Sample(((12, 6),), {"output_size": (4, 5), **PATCHES[1]})))
