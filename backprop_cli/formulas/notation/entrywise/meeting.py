"""The axes of an operator's result, by those of its operands; and which of these have to be one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain, pairwise

from backprop_cli.engine.ops.base import axes_of
from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.engine.ops.windows import SPACES
from backprop_cli.formulas.algebra.expr import NONE, Apply, is_one, shape_of
from backprop_cli.formulas.notation.entrywise.subscripts import spread, subscripts_of
from backprop_cli.formulas.notation.entrywise.walker import Axis, Meeting, Run

BATCH = "n"
WINDOWS = ("ab", "uv", "pq")
"""What runs over the entries of a kernel, together: the first that no node is called."""


def first(axes: Meeting, expr: Apply) -> Run:
    """As its first operand, where that has its shape; else new ones."""
    runs = axes.each(expr.args)
    if runs and tuple(map(int, shape_of(expr.args[0]))) == tuple(map(int, expr.shape)):
        return runs[0]
    return (None,) * len(expr.shape)


def chained(axes: Meeting, expr: Apply) -> Run:
    """A product runs over an axis of both factors."""
    runs = axes.each(expr.args)
    for left, right in pairwise(runs):
        axes.same(left[-1], right[-2] if len(right) > 1 else right[-1])
    ends = (runs[0][-2:-1] if len(runs[0]) > 1 else ()) + (runs[-1][-1:] if len(runs[-1]) > 1 else ())
    batch: list[Axis] = [None] * (len(expr.shape) - len(ends))
    for run in runs:
        for back, axis in enumerate(reversed(run[:-2]), 1):
            axes.same(axis, batch[-back])
            batch[-back] = axis if batch[-back] is None else batch[-back]
    return (*batch, *ends)


def reduced(axes: Meeting, expr: Apply) -> Run:
    """Those that are left."""
    run = axes.of(expr.args[0])
    gone = axes_of(expr.parameters["axis"], len(run))
    if expr.parameters["keepdims"]:
        return tuple(None if place in gone else axis for place, axis in enumerate(run))
    return tuple(axis for place, axis in enumerate(run) if place not in gone)


def turned(axes: Meeting, expr: Apply) -> Run:
    """In another order."""
    run = axes.of(expr.args[0])
    order = expr.parameters["axes"]
    return tuple(run[a] for a in (order if order is not None else range(len(run))[::-1]))


def reshaped(axes: Meeting, expr: Apply) -> Run:
    """Those that stay as they are, from the front and from the back."""
    before = [(s, a) for s, a in zip(shape_of(expr.args[0]), axes.of(expr.args[0]), strict=True) if not is_one(s)]
    places = [place for place, s in enumerate(expr.shape) if not is_one(s)]
    found: list[Axis] = [None] * len(expr.shape)
    for way, order in ((before, places), (before[::-1], places[::-1])):
        for (s, axis), place in zip(way, order, strict=False):
            if int(s) != int(expr.shape[place]):
                break
            found[place] = axis
    return tuple(found)


def repeated(axes: Meeting, expr: Apply) -> Run:
    """The last with the last."""
    run = axes.of(expr.args[0])
    return (None,) * (len(expr.shape) - len(run)) + run


def joined(axes: Meeting, expr: Apply) -> Run:
    """All but the axis along which tensors are joined."""
    runs, along = axes.each(expr.args), expr.parameters["axis"] % len(expr.shape)
    for run in runs[1:]:
        for place, pair in enumerate(zip(runs[0], run, strict=True)):
            if place != along or expr.name == "stack":
                axes.same(*pair)
    kept = list(runs[0])
    kept[along : along + (expr.name == "concat")] = [None]
    return tuple(kept)


def sliced(axes: Meeting, expr: Apply) -> Run:
    """Those that are taken whole."""
    run, items = axes.of(expr.args[0]), spread(expr.parameters["index"], len(shape_of(expr.args[0])))
    rest = iter(run)
    found: list[Axis] = []
    for item in items:
        axis = None if item is None else next(rest)
        if not isinstance(item, int):
            found.append(axis if item == Span() else None)
    return tuple(found)


def put(axes: Meeting, expr: Apply) -> Run:
    """Those that are filled whole."""
    run = list(axes.of(expr.args[0]))
    found: list[Axis] = []
    for item in reversed(spread(expr.parameters["index"], len(expr.shape))):
        axis = None if isinstance(item, int) or not run else run.pop()
        if item is not None:
            found.append(axis if item == Span() else None)
    return tuple(found[::-1])


def taken(axes: Meeting, expr: Apply) -> Run:
    """Those of the labels in place of the axis that they count along."""
    run, labels = axes.each(expr.args)
    if expr.parameters["axis"] is None:
        return labels
    at = expr.parameters["axis"] % len(run)
    return (*run[:at], *labels, *run[at + 1 :])


def windowed(channels: int) -> Callable[[Meeting, Apply], Run]:
    """Batch, channels of the filters, places; `channels` is the axis of the filters that the result has."""

    def rule(axes: Meeting, expr: Apply) -> Run:
        x, w, *bias = axes.each(arg for arg in expr.args if arg != NONE)
        space = len(w) - 2
        places = tuple(axes.new(size) for size in expr.shape[-space:])
        if expr.parameters["groups"] == 1:
            axes.same(x[-space - 1], w[1 - channels])
        if bias and bias[0]:
            axes.same(bias[0][0], w[channels])
        window = next((one for one in WINDOWS if axes.taken.isdisjoint(one[:space])), WINDOWS[0])
        for letters, run in (("oc" if channels == 0 else "co", w[:2]), (window, w[2:]), ("ij", places),
                             (BATCH, x[: -space - 1])):  # fmt: skip
            axes.wanted |= {axes.root(a): letter for letter, a in zip(letters, run, strict=False) if a is not None}
        return (*x[: -space - 1], w[channels], *places)

    return rule


def filters(axes: Meeting, expr: Apply) -> Run:
    """Channels of the upstream gradient, channels of x."""
    x, g = axes.each(expr.args)
    space = int(next(sign for sign in expr.name if sign.isdigit()))
    if len(x) == space + 2:
        axes.same(x[0], g[0])
    return (g[-space - 1], x[-space - 1] if expr.parameters["groups"] == 1 else None, *[None] * space)


def pooled(axes: Meeting, expr: Apply) -> Run:
    """Batch and channels stay."""
    run = axes.of(expr.args[0])
    space = int(next(sign for sign in expr.name if sign.isdigit()))
    return (*run[:-space], *[None] * space)


def traced(axes: Meeting, expr: Apply) -> Run:
    """The diagonal of a matrix runs over both its axes."""
    run = axes.of(expr.args[0])
    axes.same(*run[-2:])
    return run[:-2]


def multiplied(axes: Meeting, expr: Apply) -> Run:
    """einsum: a letter is an axis."""
    runs, found = axes.each(expr.args), subscripts_of(expr)
    if found is None:
        return (None,) * len(expr.shape)
    known: dict[str, Axis] = {}
    for letter, axis in chain.from_iterable(map(partial(zip, strict=True), found[0], runs)):
        axes.same(axis, known.get(letter))
        known[letter] = axis if known.get(letter) is None else known[letter]
    return tuple(known[letter] for letter in found[1])


def solved(axes: Meeting, expr: Apply) -> Run:
    """x of A x = b: the columns of A, and the columns of b."""
    a, b = axes.each(expr.args)
    if len(a) > 2 or len(b) > 2:
        return (None,) * len(expr.shape)
    axes.same(a[0], b[0])
    return (a[1], *b[1:])


def laid_out(axes: Meeting, expr: Apply) -> Run:
    """A vector as a diagonal: both axes are its own, where the diagonal is the middle one."""
    run = axes.of(expr.args[0])
    is_whole = int(expr.shape[0]) == int(shape_of(expr.args[0])[0])
    return run[:1] * len(expr.shape) if is_whole else (None,) * len(expr.shape)


RULES: Mapping[str, Callable[[Meeting, Apply], Run]] = {
    "matmul": chained, "transpose": turned, "reshape": reshaped, "squeeze": reshaped, "expand_dims": reshaped,
    "broadcast_to": repeated, "concat": joined, "stack": joined, "index": sliced, "scatter": put, "take": taken,
    "solve": solved, "trace": traced, "einsum": multiplied,
    "outer": lambda axes, expr: tuple(run[0] for run in axes.each(expr.args)),
    "inv": lambda axes, expr: (*(run := axes.of(expr.args[0]))[:-2], run[-1], run[-2]),
    "one_hot": lambda axes, expr: (*axes.of(expr.args[0]), None),
    "diag": laid_out,
    **dict.fromkeys(("sum", "mean", "max", "min", "prod", "logsumexp", "var", "std", "norm"), reduced),
    **{f"conv{d}d": windowed(0) for d in SPACES}, **{f"conv_transpose{d}d": windowed(1) for d in SPACES},
    **{f"conv{d}d_weight": filters for d in SPACES},
    **{f"{name}{d}d": pooled for d in SPACES
       for name in ("max_pool", "avg_pool", "max_unpool", "avg_unpool")},
    **{f"max_pool{d}d_indices": pooled for d in SPACES},
}  # fmt: skip
"""By operator; any other is as its first operand where that has its shape."""
