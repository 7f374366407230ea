"""Tensors put together of others, and short formulas that libraries have a name for, in the spec language itself."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import (
    ParameterError,
    Sample,
    ShapeError,
    axes_of,
    broadcast,
    composite,
    normalize_axis,
    op,
    show,
)
from backprop_cli.engine.ops.library import scalar, spell
from backprop_cli.engine.ops.tensor import Real, Tensor, Words
from backprop_cli.engine.ops.validate import flag, number, whole
from backprop_cli.language.model import Shape

Shapes = Mapping[str, Shape]
GROUP = "linear algebra"

# ── matrices of parts ────────────────────────────────────────────────────────────────────────────


def _diag_embed(shapes: Shapes, offset: int, axis1: int, axis2: int) -> str:
    x = shapes["x"]
    if not x:
        raise ShapeError("a diagonal is laid out of a vector, not of a scalar", 0)
    k, n = whole("offset", offset), x[-1]
    lead = ((0, 0),) * (len(x) - 1)
    made = f"expand_dims(x, -1) * eye({spell(n)})"
    if k:
        rows, columns = ((0, k), (k, 0)) if k > 0 else ((-k, 0), (0, -k))
        made = f"pad({made}, {spell((*lead, rows, columns))})"
    rank = len(x) + 1
    places = [normalize_axis(whole(name, axis), rank, name) for name, axis in (("axis1", axis1), ("axis2", axis2))]
    if places[0] == places[1]:
        raise ParameterError("axis2", "a diagonal runs along two different axes")
    return made if places == [rank - 2, rank - 1] else f"moveaxis({made}, (-2, -1), {spell(tuple(places))})"


composite("diag_embed(x; offset=0, axis1=-2, axis2=-1)",
          "Each vector of the last axis as the offset-th diagonal of a matrix of zeros.", _diag_embed, group=GROUP,
          samples=(Sample(((3,),)), Sample(((2, 3),), {"offset": 1}), Sample(((2, 2),), {"offset": -2}),
                   Sample(((2, 3),), {"axis1": 0, "axis2": 2})))


def _block_diag(shapes: Shapes) -> str:
    """Each as a matrix, with zeros around it; a vector is a row."""
    sizes = [shape if len(shape) == 2 else (1, *shape) if shape else (1, 1) for shape in shapes.values()]
    if any(len(size) > 2 for size in sizes):
        raise ShapeError("block_diag takes matrices, vectors and scalars", 0)
    wide, before, rows = sum(int(n) for _, n in sizes), 0, []
    for name, size in zip(shapes, sizes, strict=True):
        after = wide - before - int(size[1])
        row = name if shapes[name] == size else f"reshape({name}, {spell(size)})"
        rows.append(f"pad({row}, ((0, 0), ({before}, {after})))" if before or after else row)
        before += int(size[1])
    return f"concat([{', '.join(rows)}], axis=0)"


composite("block_diag([xs])", "Matrices along the diagonal of one, with zeros elsewhere; a vector is a row.",
          _block_diag, group=GROUP, samples=(Sample(((2, 2), (1, 3))), Sample(((2,), (2, 1))), Sample(((), (2, 2)))))


def _vander(shapes: Shapes, n: int | None, increasing: bool) -> str:
    x = shapes["x"]
    if not x:
        raise ShapeError("vander takes a vector, not a scalar", 0)
    count = int(x[-1]) if n is None else whole("n", n, 1)
    powers = f"arange({count})" if flag("increasing", increasing) else f"arange({count - 1}, -1, -1)"
    return f"expand_dims(x, -1)**{powers}"


composite("vander(x; n=none, increasing=false)", "Rows of the powers of each entry, n of them, the highest first.",
          _vander, group=GROUP, samples=(Sample(((3,),)), Sample(((2, 3),), {"n": 2, "increasing": True})))

# ── vectors ──────────────────────────────────────────────────────────────────────────────────────


def _cross_shape(a: Shape, b: Shape, *, axis: int) -> Shape:
    for shape in (a, b):
        if not shape or shape[normalize_axis(whole("axis", axis), len(shape))] != 3:
            raise ShapeError(f"a cross product is one of vectors of 3 entries, not along axis {axis} of {show(shape)}")
    if axis >= 0 and len(a) != len(b):
        raise ParameterError("axis", "of tensors of different ranks, the axis of a cross product counts from the end")
    return broadcast(a, b)


def _crossed(xp: Words, x: Tensor, y: Tensor, axis: int, rank: int) -> Tensor:
    """x × y along an axis, which counts from the end: what comes back may have more axes than an operand."""
    return xp.cross(x, y, axis=axis if axis < 0 else axis - rank)


op("cross(a, b; axis=-1)", "The cross product of vectors of 3 entries along an axis.",
   lambda xp, a, b, axis=-1: np.cross(a, b, axis=axis), shape=_cross_shape,
   vjps=(lambda xp, g, y, a, b, axis: _crossed(xp, b, g, axis, len(y.shape)),
         lambda xp, g, y, a, b, axis: _crossed(xp, g, a, axis, len(y.shape))),
   group=GROUP, linear="a b", broadcasts=True, temporary=costs.times(2), work=costs.times(4),
   samples=(Sample(((3,), (3,))), Sample(((2, 3), (1, 3))), Sample(((3, 2), (3, 2)), {"axis": 0}),
            Sample(((2, 3), (3,)))))


def _renorm(shapes: Shapes, p: Real, axis: int, maxnorm: Real) -> str:
    x = shapes["x"]
    kept = normalize_axis(whole("axis", axis), len(x))
    others = tuple(a for a in range(len(x)) if a != kept)
    length = f"vector_norm(x, ord={scalar('p', p, 0)}, axis={spell(others)}, keepdims=true)"
    most = scalar("maxnorm", maxnorm, 0)
    return f"where({length} > {most}, x * {most} / ({length} + 1e-7), x)"


composite("renorm(x; p, axis, maxnorm)", "The slices along an axis, those whose p-norm is above maxnorm scaled down to "
          "it; 1e-7 is added to the norm, as PyTorch does.", _renorm, group="reductions", example="renorm(x, 2, 0, 1)",
          samples=(Sample(((2, 3),), {"p": 2, "axis": 0, "maxnorm": 1}),
                   Sample(((2, 3, 2),), {"p": 1, "axis": 1, "maxnorm": 2})))

# ── integrals of samples ─────────────────────────────────────────────────────────────────────────


def _steps(shapes: Shapes, dx: Real, axis: int) -> tuple[str, str]:
    """(the means of neighbours along an axis, how far they are apart)."""
    y, x = shapes["y"], shapes.get("x")
    place = normalize_axis(whole("axis", axis), len(y))
    ahead, before = (f"[{':, ' * place}{part}]" for part in ("1:", ":-1"))
    means = f"(y{ahead} + y{before})/2"
    if x is None:
        return means, "" if number("dx", dx) == 1 else f"{scalar('dx', dx)}*"
    if len(x) == 1 and len(y) > 1:
        return means, f"reshape(x[1:] - x[:-1], {spell((-1, *[1] * (len(y) - place - 1)))})*"
    at = normalize_axis(place - len(y), len(x))
    return means, "(x[{0}1:] - x[{0}:-1])*".format(":, " * at)


def _trapezoid(shapes: Shapes, dx: Real, axis: int) -> str:
    means, step = _steps(shapes, dx, axis)
    return f"sum({step}({means}), axis={axis})"


def _cumulative(shapes: Shapes, dx: Real, axis: int) -> str:
    means, step = _steps(shapes, dx, axis)
    return f"cumsum({step}({means}), axis={axis})"


SPACED = (Sample(((4,), None)), Sample(((2, 4), (4,))), Sample(((3, 2), None), {"dx": 2, "axis": 0}),
          Sample(((2, 3), (2, 3))))  # fmt: skip
composite("trapezoid(y, x=none; dx=1, axis=-1)", "The integral of samples along an axis by the trapezoidal rule, dx or "
          "the differences of x apart.", _trapezoid, group="reductions", samples=SPACED, aliases="trapz")
composite("cumulative_trapezoid(y, x=none; dx=1, axis=-1)", "The integral of samples up to each of them but the first.",
          _cumulative, group="reductions", samples=SPACED)

# ── covariances ──────────────────────────────────────────────────────────────────────────────────


def _covariance(shapes: Shapes, ddof: int) -> str:
    x = shapes["x"]
    if len(x) > 2:
        raise ShapeError(f"cov takes rows of observations, not {show(x)}", 0)
    degrees = max(0, int(x[-1] if x else 1) - whole("ddof", ddof))
    if len(x) < 2 or x[0] == 1:
        return f"sum((x - mean(x))**2) / {degrees}"
    away = "(x - mean(x, axis=1, keepdims=true))"
    return f"{away} @ {away}.T / {degrees}"


composite("cov(x; ddof=1)", "The covariances of the rows of a matrix, each a variable: numpy's cov.", _covariance,
          group=GROUP, samples=(Sample(((2, 4),)), Sample(((5,),)), Sample(((3, 4),), {"ddof": 0})))


def _correlation(shapes: Shapes) -> str:
    if len(shapes["x"]) < 2 or shapes["x"][0] == 1:
        return "cov(x) / cov(x)"
    return "cov(x) / sqrt(outer(diag(cov(x)), diag(cov(x))))"


composite("corrcoef(x)", "The correlation coefficients of the rows of a matrix, each a variable.",
          _correlation, group=GROUP, samples=(Sample(((2, 4),)), Sample(((3, 5),))))

# ── windows along one axis ───────────────────────────────────────────────────────────────────────


def _sliding(shapes: Shapes, window_shape: int, axis: int, step: int) -> str:
    x = shapes["x"]
    size, far = whole("window_shape", window_shape, 1), whole("step", step, 1)
    if not x:
        return f"reshape(x, ({size},))"
    (place,) = axes_of(whole("axis", axis), len(x))
    if size > x[place]:
        raise ParameterError("window_shape", f"axis {axis} has {int(x[place])} entries, a window {size}")
    count = (int(x[place]) - size) // far + 1
    starts = f"arange({count})" if far == 1 else f"{far}*arange({count})"
    taken = f"take(x, expand_dims({starts}, -1) + arange({size}), axis={place})"
    return taken if place == len(x) - 1 else f"moveaxis({taken}, {place + 1}, -1)"


composite("sliding_window_view(x; window_shape, axis=-1, step=1)",
          "The windows along an axis, each with its entries along a new last axis, `step` apart.", _sliding,
          group="shape", example="sliding_window_view(x, 2)",
          samples=(Sample(((5,),), {"window_shape": 2}), Sample(((5, 2),), {"window_shape": 3, "axis": 0, "step": 2})))

# ── pixels and channels ──────────────────────────────────────────────────────────────────────────


def _image(name: str, x: Shape, by: int, times: int) -> tuple[int, int, int]:
    """(channels, height, width), where one of them divides."""
    if len(x) < 3:
        raise ShapeError(f"{name} takes (..., channels, height, width), not {show(x)}", 0)
    channels, height, width = map(int, x[-3:])
    if times and channels % times or not times and (height % by or width % by):
        raise ShapeError(f"{name}: {show(x)} does not divide into parts of {by}", 0)
    return channels, height, width


def _laid(x: Shape, apart: tuple[int, ...], order: tuple[int, ...], joined: tuple[int, ...]) -> str:
    """The last axes taken apart, put in order, and joined."""
    lead = x[:-3]
    axes = (*range(len(lead)), *(len(lead) + a for a in order))
    return f"reshape(transpose(reshape(x, {spell((*lead, *apart))}), {spell(axes)}), {spell((*lead, *joined))})"


def _pixel_shuffle(shapes: Shapes, upscale_factor: int) -> str:
    r = whole("upscale_factor", upscale_factor, 1)
    c, h, w = _image("pixel_shuffle", shapes["x"], r, r * r)
    n = c // (r * r)
    return _laid(shapes["x"], (n, r, r, h, w), (0, 3, 1, 4, 2), (n, h * r, w * r))


def _pixel_unshuffle(shapes: Shapes, downscale_factor: int) -> str:
    r = whole("downscale_factor", downscale_factor, 1)
    c, h, w = _image("pixel_unshuffle", shapes["x"], r, 0)
    return _laid(shapes["x"], (c, h // r, r, w // r, r), (0, 2, 4, 1, 3), (c * r * r, h // r, w // r))


composite("pixel_shuffle(x; upscale_factor)", "Channels as pixels: (C·r², H, W) becomes (C, H·r, W·r).", _pixel_shuffle,
          group="networks", samples=(Sample(((1, 4, 2, 3),), {"upscale_factor": 2}),
                                     Sample(((8, 1, 2),), {"upscale_factor": 2})))
composite("pixel_unshuffle(x; downscale_factor)", "Pixels as channels: the inverse of pixel_shuffle.", _pixel_unshuffle,
          group="networks", samples=(Sample(((1, 1, 4, 2),), {"downscale_factor": 2}),))


def _local_response(shapes: Shapes, size: int, alpha: Real, beta: Real, bias: Real) -> str:
    x, n = shapes["x"], whole("size", size, 1)
    if len(x) < 3:
        raise ShapeError(f"local_response_norm takes (batch, channels, ...), not {show(x)}", 0)
    around = ((0, 0), (n // 2, (n - 1) // 2), *[(0, 0)] * (len(x) - 2))
    means = f"mean(sliding_window_view(pad(x**2, {spell(around)}), {n}, axis=1), axis=-1)"
    return f"x / ({scalar('bias', bias)} + {scalar('alpha', alpha)}*{means})**{scalar('beta', beta)}"


composite("local_response_norm(x; size, alpha=0.0001, beta=0.75, bias=1)",
          "x/(bias + alpha·m)^beta, m the mean of the squares of `size` neighbouring channels (Krizhevsky et al.).",
          _local_response, group="networks", samples=(Sample(((2, 4, 2),), {"size": 3}),
                                                      Sample(((1, 3, 2, 2),), {"size": 2, "alpha": 1, "bias": 2})))
