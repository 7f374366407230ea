"""`interpolate`: tensors of (batch, channels, *space) on a finer or coarser grid, as torch.nn.functional has it.

Nearest neighbours are an index.  What lies between neighbours is linear in the tensor: along each axis of space a
matrix of weights, `resize_matrix`, so that a gradient is a product with its transpose.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from backprop_cli.engine.ops.base import ParameterError, Sample, ShapeError, composite, op, show
from backprop_cli.engine.ops.library import spell
from backprop_cli.engine.ops.tensor import Array, Objects, Real, Symbolic
from backprop_cli.engine.ops.validate import choice, flag, number, whole
from backprop_cli.language.model import Shape

Shapes = Mapping[str, Shape]
T = TypeVar("T", Fraction, Array)

NEAREST = {"nearest": Fraction(0), "nearest-exact": Fraction(1, 2)}
BETWEEN = {"linear": (1, "linear"), "bilinear": (2, "linear"), "trilinear": (3, "linear"), "bicubic": (2, "cubic")}
"""Modes that weigh neighbours: how many axes of space they are for, and how they weigh along each."""
MODES = (*NEAREST, *BETWEEN, "area")

# ── the weights along one axis ───────────────────────────────────────────────────────────────────


def _linear(t: T) -> dict[int, T]:
    """Of a place t past an entry: that entry and the next."""
    return {0: 1 - t, 1: t}


def _cubic(t: T) -> dict[int, T]:
    """Keys' cubic convolution (IEEE Trans. ASSP 29, 1981), with PyTorch's a = -3/4."""

    def near(d: T) -> T:
        return (5 * d - 9) * d * d / 4 + 1

    def far(d: T) -> T:
        return -3 * (((d - 5) * d + 8) * d - 4) / 4

    return {-1: far(t + 1), 0: near(t), 1: near(1 - t), 2: far(2 - t)}


WEIGHTS: Mapping[str, Callable[[Any], dict[int, Any]]] = {"linear": _linear, "cubic": _cubic}
"""Of a fraction, or of an array: only whole numbers are put in, so that each stays what it is."""


def _place(i: T, ratio: T, align_corners: bool) -> T:
    return ratio * i if align_corners else (ratio * (2 * i + 1) - 1) / 2


def _floats(n: int, m: int, ratio: Real, mode: str, align_corners: bool) -> Array:
    """The (n, m) matrix that takes m entries to n places, `ratio` entries apart."""
    rows = np.arange(n, dtype=np.float64)
    least = -2.0 if mode == "cubic" else 0.0  # from there on, as beyond m, there is one entry only
    place = np.clip(_place(rows, np.array(float(ratio)), align_corners), least, m + 1.0)
    first = np.floor(place)
    matrix = np.zeros((n, m))
    for step, weight in WEIGHTS[mode](place - first).items():
        matrix[np.arange(n), np.clip(first + step, 0, m - 1).astype(int)] += weight
    return matrix


def _exact(s: Symbolic, n: int, m: int, ratio: Real, mode: str, align_corners: bool) -> Objects:
    """The same in fractions."""
    matrix = np.full((n, m), s.Rational(0, 1), dtype=object)
    for i in range(n):
        place = _place(Fraction(i), Fraction(ratio), align_corners)
        place = place if mode == "cubic" else max(Fraction(0), place)
        first = math.floor(place)
        for step, weight in WEIGHTS[mode](place - first).items():
            matrix[i, min(max(first + step, 0), m - 1)] += s.Rational(weight.numerator, weight.denominator)
    return matrix


def _matrix_shape(*, n: object, m: object, ratio: object, mode: object, align_corners: object) -> Shape:
    choice("mode", mode, WEIGHTS)
    flag("align_corners", align_corners)
    if not math.isfinite(number("ratio", ratio)):
        raise ParameterError("ratio", "ratio is a finite number")
    return whole("n", n, 1), whole("m", m, 1)


op("resize_matrix(; n, m, ratio, mode='linear', align_corners=false)",
   "The weights that take m entries to n places, `ratio` entries apart: a row for each place.",
   lambda xp, **p: xp.array(_floats(**p)), shape=_matrix_shape, vjps=(), group="networks",
   entry=_exact,
   samples=(Sample((), {"n": 4, "m": 2, "ratio": Fraction(1, 2)}),
            Sample((), {"n": 3, "m": 4, "ratio": Fraction(4, 3), "mode": "cubic"})))

# ── every axis of space ──────────────────────────────────────────────────────────────────────────


def _scales(x: Shape, size: object, scale_factor: object, again: bool) -> list[tuple[int, Fraction]]:
    """(new size, old entries a new one) of each axis of space; `again`: by the new size, where it has a rest."""
    space = len(x) - 2
    if (size is None) == (scale_factor is None):
        raise ParameterError("size", "interpolate takes a size or a scale_factor")
    given = scale_factor if size is None else size
    each = given if isinstance(given, tuple) else (given,) * space
    if len(each) != space:
        raise ParameterError("size", f"{len(each)} numbers for the {space} axes of space of {show(x)}")
    if size is not None:
        return [(whole("size", n, 1), Fraction(int(old), n)) for n, old in zip(each, x[2:], strict=True)]
    if any(not 0 < number("scale_factor", f) < math.inf for f in each):
        raise ParameterError("scale_factor", "scale_factor is a positive number, or one an axis")
    factors = list(map(Fraction, each))
    sizes = [max(1, math.floor(old * f)) for f, old in zip(factors, x[2:], strict=True)]
    return [(n, Fraction(int(old), n) if again else 1 / f) for n, old, f in zip(sizes, x[2:], factors, strict=True)]


MOST_WRITTEN = 900
"""Places of an axis whose size does not divide the new one; of more it is said how they are found."""


def _nearest(x: Shape, scales: list[tuple[int, Fraction]], shift: Fraction) -> str:
    text = "x"
    for axis, (n, step) in enumerate(scales, start=2):
        old = int(x[axis])
        if n % old == 0 and step * n == old:
            text = text if n == old else f"repeat({text}, {n // old}, axis={axis})"
        elif n > MOST_WRITTEN:  # ⌊(i + shift) step⌋, in whole numbers
            every, first = 2 * step.numerator, int(2 * shift * step.numerator)
            places = f"floor_divide({every} * arange({n}) + {first}, {2 * step.denominator})"
            text = f"take({text}, {places}, axis={axis})"
        else:
            listed = [min(old - 1, math.floor((i + shift) * step)) for i in range(n)]
            text = f"{text}[{':, ' * axis}{listed}]"
    return text


def _between(x: Shape, scales: list[tuple[int, Fraction]], mode: str, align: bool) -> str:
    space, kind = BETWEEN[mode]
    if len(x) != space + 2:
        raise ShapeError(f"mode '{mode}' is for {space} axes of space, not those of {show(x)}", 0)
    text = "x"
    for back, (old, (n, step)) in enumerate(zip(reversed(x), reversed(scales), strict=False), start=1):
        ratio = Fraction(int(old) - 1, n - 1) if align and n > 1 else Fraction(0) if align else step
        words = "" if kind == "linear" else f", mode='{kind}'"
        matrix = f"resize_matrix({n}, {int(old)}, {spell(ratio)}{words}{', align_corners=true' if align else ''})"
        turned = f"swapaxes({text}, -{back}, -1) @ {matrix}.T"
        text = {1: f"({text} @ {matrix}.T)", 2: f"({matrix} @ {text})"}.get(back, f"swapaxes({turned}, -{back}, -1)")
    return text


def _interpolate(shapes: Shapes, size: object, scale_factor: object, mode: str, align_corners: object,
                 recompute_scale_factor: object) -> str:  # fmt: skip
    x = shapes["x"]
    choice("mode", mode, MODES)
    if len(x) < 3:
        raise ShapeError(f"interpolate takes (batch, channels, *space), not {show(x)}", 0)
    scales = _scales(x, size, scale_factor, bool(recompute_scale_factor))
    if align_corners is not None and mode not in BETWEEN:
        raise ParameterError("align_corners", f"mode '{mode}' has no corners to align")
    if mode in NEAREST:
        return _nearest(x, scales, NEAREST[mode])
    if mode == "area":
        return f"adaptive_avg_pool{len(x) - 2}d(x, {spell(tuple(n for n, _ in scales))})"
    return _between(x, scales, mode, bool(align_corners))


composite("interpolate(x; size=none, scale_factor=none, mode='nearest', align_corners=none, "
          "recompute_scale_factor=none)",
          "The tensor on a finer or coarser grid: the nearest entry at each place, or (linear, bilinear, trilinear, "
          "bicubic) its neighbours weighed, or (area) the mean around it.", _interpolate, aliases="upsample",
          group="networks", example="interpolate(x, scale_factor=2)",
          samples=(Sample(((1, 2, 3),), {"scale_factor": 2}), Sample(((1, 1, 3, 2),), {"size": (2, 4)}),
                   Sample(((1, 1, 3, 4),), {"size": (5, 3), "mode": "nearest-exact"}),
                   Sample(((1, 2, 3),), {"size": 4, "mode": "linear"}),
                   Sample(((1, 2, 5),), {"scale_factor": Fraction(3, 2), "mode": "linear",
                                         "recompute_scale_factor": True}),
                   Sample(((1, 1, 2, 3),), {"scale_factor": 2, "mode": "bilinear"}),
                   Sample(((1, 1, 2, 3),), {"size": (3, 5), "mode": "bilinear", "align_corners": True}),
                   Sample(((1, 1, 4, 3),), {"size": (3, 5), "mode": "bicubic"})))
