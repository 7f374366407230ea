"""Entries by their order: sort, the k largest, quantiles, running extremes.

A sort picks entries at positions, so its derivative puts the gradient back there.  Entries that are equal keep their
order, so each has the gradient of the place that it comes to: as PyTorch's stable sort.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, floor, prod

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import ParameterError, Sample, axes_of, composite, normalize_axis, op, reduced
from backprop_cli.engine.ops.distances import last
from backprop_cli.engine.ops.library import spell
from backprop_cli.engine.ops.scans import ALONG, along_shape
from backprop_cli.engine.ops.tensor import Array, Axes, Mask, Objects, Symbolic, Tensor, Words
from backprop_cli.engine.ops.validate import choice, flag, number, whole
from backprop_cli.language.model import Shape

ORDERED = (*(Sample(s.shapes, {**s.parameters, "descending": bool(i % 2)}) for i, s in enumerate(ALONG)),
           Sample(((),), {"axis": 0}))  # fmt: skip
Shapes = Mapping[str, Shape]


def _put(xp: Words, positions: Tensor, g: Tensor, x: Tensor, axis: int) -> Tensor:
    """The gradient of entries that were taken at positions along an axis; of a scalar it is that itself."""
    return xp.scatter_add(xp.zeros(shape=x.shape), positions, g, axis=axis) if x.shape else g


def _sort_work(y: Shape, x: Shape, **_: object) -> int:
    """Rows are compared about as often as a number of their length has digits."""
    return costs.plain(y, x) * max(1, max(map(int, x), default=1).bit_length())


def _ordered_shape(x: Shape, *, axis: int, descending: bool) -> Shape:
    flag("descending", descending)
    return along_shape(x, axis=axis)


# ── a whole axis in order ────────────────────────────────────────────────────────────────────────


def positions(x: Array, axis: int, descending: bool) -> Array:
    """Where each entry of the sorted tensor comes from; equal ones in the order in which they stand."""
    if not np.ndim(x):
        return np.zeros_like(x)
    if not descending:
        return np.argsort(x, axis=axis, kind="stable").astype(x.dtype)
    turned = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return np.flip(np.shape(x)[axis] - 1 - turned, axis).astype(x.dtype)


def _sorted(xp: object, x: Array, axis: int = -1, descending: bool = False) -> Array:
    if not np.ndim(x):
        return x
    found = np.sort(x, axis=axis, kind="stable")
    return np.flip(found, axis) if descending else found


def _sort_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, axis: int, descending: bool) -> Tensor:
    return _put(xp, xp.argsort(x, axis=axis, descending=descending), g, x, axis) if x.shape else g


def _tied(x: Array, *, axis: int, descending: bool) -> Mask:
    """Entries that another one along the axis is equal to."""
    if not np.ndim(x):
        return np.zeros_like(x, dtype=bool)
    rows = np.moveaxis(x, axis, -1)
    order = np.argsort(rows, axis=-1, kind="stable")
    found = np.take_along_axis(rows, order, -1)
    same = found[..., 1:] == found[..., :-1]
    edge = np.zeros((*rows.shape[:-1], 1), dtype=bool)
    equal = np.zeros_like(rows, dtype=bool)
    np.put_along_axis(equal, order, np.concatenate([edge, same], -1) | np.concatenate([same, edge], -1), -1)
    return np.moveaxis(equal, -1, axis)


op("argsort(x; axis=-1, descending=false)",
   "The positions along an axis that bring it into order, equal entries in the order in which they stand; not "
   "differentiable.",
   lambda xp, x, axis=-1, descending=False: positions(x, axis, descending), shape=_ordered_shape, vjps=(None,),
   has_entries=False, temporary=costs.times(2), work=_sort_work, group="reductions", samples=ORDERED)
op("sort(x; axis=-1, descending=false)", "The entries along an axis from the smallest to the largest, or from the "
   "largest.", _sorted, shape=_ordered_shape, vjps=_sort_rule, has_entries=False, temporary=costs.times(2),
   work=_sort_work, group="reductions", samples=ORDERED, kink=_tied,
   convention="equal entries keep their order, and each has the gradient of the place that it comes to")

# ── some places of the order ─────────────────────────────────────────────────────────────────────


def _row(shape: Shape, axis: int) -> int:
    """How many entries an axis has; a scalar is a row of one."""
    return int(shape[normalize_axis(whole("axis", axis), len(shape))]) if shape else 1


def _counted(shape: Shape, k: int, axis: int, least: int) -> int:
    """k as a whole number; an axis must have so many entries."""
    n, most = whole("k", k, least), _row(shape, axis)
    if n > most:
        raise ParameterError("k", f"k is {n}, and axis {axis} has {most} entries")
    return n


def _part(shape: Shape, axis: int, part: str) -> str:
    """A subscript along one axis."""
    return f"[{':, ' * normalize_axis(axis, len(shape))}{part}]"


def _top(function: str) -> Callable[..., str]:
    """The first entries of an order."""

    def body(shapes: Shapes, k: int, axis: int, largest: bool) -> str:
        x = shapes["x"]
        n = _counted(x, k, axis, 0)
        call = f"{function}(x, axis={axis}, descending={spell(flag('largest', largest))})"
        return call + _part(x, axis, f":{n}") if x else call

    return body


def _kth(function: str) -> Callable[..., str]:
    """One entry of an order."""

    def body(shapes: Shapes, k: int, axis: int, keepdims: bool) -> str:
        x = shapes["x"]
        n = _counted(x, k, axis, 1)
        place = f"{n - 1}:{n}" if flag("keepdims", keepdims) else str(n - 1)
        return f"{function}(x, axis={axis})" + _part(x, axis, place) if x else f"{function}(x)"

    return body


TOPS = (Sample(((5,),), {"k": 2}), Sample(((2, 4),), {"k": 3, "axis": 0 - 1, "largest": False}),
        Sample(((4, 2),), {"k": 2, "axis": 0}), Sample(((),), {"k": 1}))  # fmt: skip
KTHS = (Sample(((5,),), {"k": 2}), Sample(((2, 4),), {"k": 3, "keepdims": True}),
        Sample(((4, 2),), {"k": 1, "axis": 0}), Sample(((),), {"k": 1}))  # fmt: skip
for _name, _function, _what in (("topk", "sort", "The k largest entries"),
                                ("argtopk", "argsort", "The positions of the k largest entries")):
    composite(f"{_name}(x; k, axis=-1, largest=true)", f"{_what} along an axis, the largest first; or the smallest.",
              _top(_function), group="reductions", samples=TOPS, example=f"{_name}(x, 2)",
              flat=_function == "argsort")
for _name, _function, _what in (("kthvalue", "sort", "The k-th smallest entry"),
                                ("argkthvalue", "argsort", "The position of the k-th smallest entry")):
    composite(f"{_name}(x; k, axis=-1, keepdims=false)", f"{_what} along an axis, counted from 1.", _kth(_function),
              group="reductions", samples=KTHS, example=f"{_name}(x, 2)", flat=_function == "argsort")

# ── quantiles ────────────────────────────────────────────────────────────────────────────────────

METHODS: Mapping[str, Callable[[Fraction], tuple[int, int, Fraction]]] = {
    "linear": lambda at: (floor(at), ceil(at), at - floor(at)),
    "lower": lambda at: (floor(at),) * 2 + (Fraction(0),),
    "higher": lambda at: (ceil(at),) * 2 + (Fraction(0),),
    "nearest": lambda at: (round(at),) * 2 + (Fraction(0),),
    "midpoint": lambda at: (floor(at), ceil(at), Fraction(1, 2)),
}
"""Between which two places of the order a quantile lies, and how far towards the second one."""


def _between(ordered: str, at: Fraction, method: str) -> str:
    low, high, part = METHODS[method](at)
    if low == high or not part:
        return f"{ordered}[..., {low}]"
    if part == Fraction(1, 2):
        return f"mean({ordered}[..., {low}:{high + 1}], axis=-1)"
    return f"({spell(1 - part)}*{ordered}[..., {low}] + {spell(part)}*{ordered}[..., {high}])"


def _share(q: object) -> Fraction:
    share = float(number("q", q, 0))
    if share > 1:
        raise ParameterError("q", f"q is a share, between 0 and 1, not {share:g}")
    return Fraction(str(share))


def _quantile(shapes: Shapes, q: object, axis: Axes, keepdims: bool, method: str) -> str:
    x, axes = shapes["x"], axes_of(axis, len(shapes["x"]))
    kind = choice("method", method, METHODS)
    n = prod(int(x[a]) for a in axes)
    if not n:
        raise ParameterError("axis", "there is no quantile of no entries")
    kept = tuple(size for i, size in enumerate(x) if i not in axes)
    rows = last(x, axes) if len(axes) == 1 else f"reshape({last(x, axes)}, {spell((*kept, n))})"
    ordered = f"sort({rows}, axis=-1)"
    found = [_between(ordered, _share(one) * (n - 1), kind) for one in (q if isinstance(q, tuple) else (q,))]
    if flag("keepdims", keepdims):
        found = [f"reshape({one}, {spell(reduced(x, axis, True))})" for one in found]
    return f"stack([{', '.join(found)}], axis=0)" if isinstance(q, tuple) else found[0]


QUANTILES = (Sample(((5,),), {"q": Fraction(1, 2)}), Sample(((2, 4),), {"q": Fraction(3, 10), "axis": 1}),
             Sample(((4, 2, 3),), {"q": Fraction(9, 10), "axis": (0, 2), "keepdims": True}),
             Sample(((5,),), {"q": (Fraction(1, 4), Fraction(3, 5)), "method": "lower"}),
             Sample(((2, 4),), {"q": Fraction(2, 5), "axis": 0, "method": "midpoint"}),
             Sample(((),), {"q": 1}))  # fmt: skip
composite("quantile(x; q, axis=none, keepdims=false, method='linear')",
          "The value below which a share q of the entries over axes lies, between two of them by their distance; q "
          "may be a tuple.", _quantile, group="reductions", samples=QUANTILES, example="quantile(x, 0.25)")
composite("median(x; axis=none, keepdims=false)",
          "The middle entry over axes, or the mean of the middle two, as numpy's; torch.median is the lower of these.",
          lambda shapes, axis, keepdims: _quantile(shapes, Fraction(1, 2), axis, keepdims, "linear"),
          group="reductions", samples=tuple(Sample(s.shapes, {k: v for k, v in s.parameters.items() if k in (
              "axis", "keepdims")}) for s in QUANTILES if "method" not in s.parameters))


def _lower_median(function: str) -> Callable[..., str]:
    """The entry in the middle, of two the lower one."""

    def body(shapes: Shapes, axis: int | None, keepdims: bool) -> str:
        x = shapes["x"]
        if axis is None:
            found = f"{function}(reshape(x, -1), {(prod(map(int, x)) + 1) // 2})"
            return found if function == "argkthvalue" else f"max(where(x <= {found}, x, -inf))"  # a tie shares evenly
        place = (_row(x, axis) + 1) // 2
        return f"{function}(x, {place}, axis={axis}, keepdims={spell(flag('keepdims', keepdims))})"

    return body


for _name, _function, _what in (("lower_median", "kthvalue", "The middle entry"),
                                ("arglower_median", "argkthvalue", "The position of the middle entry")):
    composite(f"{_name}(x; axis=none, keepdims=false)",
              f"{_what} along an axis or of all, of two the lower one: PyTorch's median.", _lower_median(_function),
              group="reductions", flat=_function == "argkthvalue",
              samples=(Sample(((4,),)), Sample(((2, 3),)), Sample(((2, 4),), {"axis": 1, "keepdims": True})))

# ── running extremes ─────────────────────────────────────────────────────────────────────────────


def _latest(x: Array, y: Array, axis: int) -> Array:
    """Where the running extreme was met last, as PyTorch counts it."""
    if not np.ndim(x):
        return np.zeros_like(x)
    places = np.arange(np.shape(x)[axis]).reshape([-1 if a == axis % np.ndim(x) else 1 for a in range(np.ndim(x))])
    return np.maximum.accumulate(np.where(x == y, places, 0), axis=axis).astype(x.dtype)


def _met_again(x: Array, y: Array, axis: int) -> Mask:
    """Entries equal to what was the extreme before them."""
    if not np.ndim(x):
        return np.zeros_like(x, dtype=bool)
    rows, so_far = np.moveaxis(x, axis, 0), np.moveaxis(y, axis, 0)
    again = np.zeros_like(rows, dtype=bool)
    again[1:] = rows[1:] == so_far[:-1]
    return np.moveaxis(again, 0, axis)


def _running(ufunc: np.ufunc) -> Callable[..., Array]:
    def forward(xp: object, x: Array, axis: int) -> Array:
        found: Array = ufunc.accumulate(x, axis=axis) if np.ndim(x) else x
        return found

    return forward


def _define(name: str, what: str, ufunc: np.ufunc, of: str) -> None:
    running = _running(ufunc)

    def entry(s: Symbolic, x: Objects, axis: int) -> Objects:
        pick = np.frompyfunc(getattr(s, of), 2, 1)
        found: Objects = pick.accumulate(x, axis=axis, dtype=object) if np.ndim(x) else x
        return found

    op(f"arg{name}(x; axis)", f"The position of the {what} so far along an axis, of equal ones the last; not "
       "differentiable.", lambda xp, x, axis: _latest(x, running(xp, x, axis), axis), shape=along_shape, vjps=(None,),
       has_entries=False, temporary=costs.times(2), work=costs.times(4), group="reductions", samples=ALONG)
    op(f"{name}(x; axis)", f"The {what} entry so far along an axis.", running, shape=along_shape,
       vjps=lambda xp, g, y, x, axis: _put(xp, getattr(xp, f"arg{name}")(x, axis=axis), g, x, axis) if x.shape else g,
       entry=entry, samples=ALONG, group="reductions", kink=lambda x, axis: _met_again(x, running(None, x, axis), axis),
       convention="of equal entries the last one has the gradient")


_define("cummax", "largest", np.maximum, "Max")
_define("cummin", "smallest", np.minimum, "Min")
