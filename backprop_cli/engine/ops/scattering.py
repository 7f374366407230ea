"""Slices and entries replaced, or put together with others, at positions: PyTorch's index_fill, scatter_reduce, ..."""

from __future__ import annotations

from collections.abc import Mapping

from backprop_cli.engine.ops.base import Sample, ShapeError, composite, normalize_axis, show
from backprop_cli.engine.ops.gathering import placed, source_for
from backprop_cli.engine.ops.library import spell
from backprop_cli.engine.ops.validate import choice, flag, whole
from backprop_cli.language.model import Shape

Shapes = Mapping[str, Shape]
INDICES = frozenset({"indices"})


def _hit(shapes: Shapes, axis: object) -> tuple[int, str]:
    """(the axis, the mask of the slices that positions name, which broadcasts against x)."""
    x, indices = shapes["x"], shapes["indices"]
    if len(indices) > 1:
        raise ShapeError(f"the positions of slices are a vector, not {show(indices)}", 1)
    place = normalize_axis(whole("axis", axis), len(x))
    named = f"index_add(zeros({spell(x[place])}), indices, ones({spell(indices)}), axis=0) > 0"
    return place, f"reshape({named}, {spell((x[place], *[1] * (len(x) - place - 1)))})"


def _index_fill(shapes: Shapes, axis: object) -> str:
    if shapes["fill"]:
        raise ShapeError(f"index_fill takes one number, not {show(shapes['fill'])}", 2)
    return f"where({_hit(shapes, axis)[1]}, fill, x)"


def _index_copy(shapes: Shapes, axis: object) -> str:
    place, hit = _hit(shapes, axis)
    return f"where({hit}, 0, x) + index_add(zeros({spell(shapes['x'])}), indices, source, axis={place})"


composite("index_fill(x, indices, fill; axis)", "x, with a number in place of the slices at `indices` along an axis.",
          _index_fill, group="shape", example="index_fill(x, indices, 0, axis=1)", integer_operands=INDICES,
          samples=(Sample(((4, 3), (2,), ()), {"axis": 0}, ("real", "labels:4")),
                   Sample(((2, 3, 2), (2,), ()), {"axis": -2}, ("real", "labels:3"))))
composite("index_copy(x, indices, source; axis)",
          "x, with the slices of `source` in place of those at `indices` along an axis; no position may come twice.",
          _index_copy, group="shape", example="index_copy(x, indices, source, axis=1)", integer_operands=INDICES,
          samples=(Sample(((4, 3), (1,), (1, 3)), {"axis": 0}, ("real", "labels:4")),
                   Sample(((2, 3), (), (2,)), {"axis": 1}, ("real", "labels:3"))))


def _scatter_reduce(shapes: Shapes, axis: object, method: str, include_self: bool) -> str:
    choice("method", method, ("sum", "mean"))
    place, source = source_for(shapes, axis)
    count = placed(shapes, f"ones({spell(shapes['indices'])})", place)
    own = "x" if flag("include_self", include_self) else f"where({count} > 0, 0, x)"
    total = f"{own} + {placed(shapes, source, place)}"
    if method == "sum":
        return total
    return f"({total}) / ({count} + 1)" if include_self else f"({total}) / where({count} > 0, {count}, 1)"


composite("scatter_reduce(x, indices, source; axis, method='sum', include_self=true)",
          "The sum or mean of the entries of `source` at each position along an axis, together with that of x there.",
          _scatter_reduce, group="shape", example="scatter_reduce(x, indices, source, axis=1, method='mean')",
          integer_operands=INDICES,
          samples=(Sample(((4, 3), (2, 3), (2, 3)), {"axis": 0}, ("real", "labels:4")),
                   Sample(((4, 3), (2, 2), (2, 2)), {"axis": 1, "method": "mean"}, ("real", "labels:3")),
                   Sample(((4, 3), (3, 3), (3, 3)), {"axis": 0, "method": "mean", "include_self": False},
                          ("real", "labels:4"))))
