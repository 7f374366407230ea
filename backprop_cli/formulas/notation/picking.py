"""Entries and rows picked by labels, and what goes back to them: `W[t]`, `p[n, y[n]]`, `one_hot(t, V)ᵀ · δ`.

`engine.interpret.indexing` reads what is written here.
"""

from __future__ import annotations

from string import ascii_lowercase

from sympy import Expr, Integer

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_op, shape_of
from backprop_cli.formulas.algebra.for_print.repeats import Repeated, repeated
from backprop_cli.formulas.algebra.positions import from_the_end
from backprop_cli.formulas.notation.piece import CALL, Piece
from backprop_cli.formulas.notation.walker import Walker
from backprop_cli.language.model import Shape
from backprop_cli.language.names import UNIT_LETTERS


def taken(layout: Walker, expr: Apply) -> Piece:
    """W[t], x[:, t]: the entries or rows that labels with a name pick."""
    x, labels = expr.args
    axis = expr.parameters["axis"]
    rank = len(shape_of(x))
    if not layout.notation.names_axes or not isinstance(labels, TensorSymbol) or axis is None and rank > 1:
        return layout.call(expr)
    at = [":"] * ((axis or 0) % rank)
    return Piece(layout.notation.picked(layout.within(x, CALL), [*at, layout.walk(labels).text]), CALL)


def along(layout: Walker, expr: Apply) -> Piece:
    """p[n, y[n]]: for every n the entry that its label names; the axis that it keeps is a new one: p[n, y[n]][:, None].

    Of labels with that axis, p[n, y[n,k]]; of vectors, x[y].
    """
    place = expr.parameters["axis"] % len(expr.shape)
    x, labels = expr.args
    if len(expr.shape) == 1:
        return taken(layout, Apply("take", (x, labels), {"axis": 0}, expr.shape))
    if (one := _with_new_axis(labels, place)) is None:
        return _picked(layout, x, labels, place, keeps=True) or layout.call(expr)
    found = _picked(layout, x, one, place)
    wide = Apply("expand_dims", (expr,), {"axis": place}, expr.shape)
    return layout.call(expr) if found is None else layout.notation.expanded(found, wide)


def reshaped(layout: Walker, expr: Apply) -> Piece:
    """p[n, y[n]], without the axis that a shape of its own takes away again; of one entry y[0]; repeat(x, 2)."""
    inner = expr.args[0]
    if not expr.shape:
        first = (0,) * len(shape_of(inner))
        return layout.walk(Apply("index", (inner,), {"index": first}, ()))
    if not is_op(inner, "take_along_axis"):
        found = repeated(expr)
        return layout.call(expr) if found is None else _in_a_row(layout, found)
    place = inner.parameters["axis"] % len(inner.shape)
    x, labels = inner.args
    one = _with_new_axis(labels, place)
    if one is None or expr.shape != (*inner.shape[:place], *inner.shape[place + 1 :]):
        return layout.call(expr)
    return _picked(layout, x, one, place) or layout.call(expr)


def _in_a_row(layout: Walker, found: Repeated) -> Piece:
    """repeat(x, 2, axis=1); of a vector repeat(x, 2)."""
    piece, vector = layout.walk(found.of), len(shape_of(found.of)) == 1
    for count, axis in found.times:
        place = [] if vector else [layout.notation.keyword("axis", str(axis))]
        piece = layout.notation.named_call("repeat", [piece.text, layout.walk(count).text, *place])
    return piece


def _with_new_axis(labels: Expr, place: int) -> Expr | None:
    """The labels without an axis that was only put in: of y[:, None], y."""
    shape = shape_of(labels)
    moved = is_op(labels, "expand_dims") or is_op(labels, "reshape")
    inner = labels.args[0] if moved else labels
    return inner if moved and shape_of(inner) == (*shape[:place], *shape[place + 1 :]) else None


def _picked(layout: Walker, x: Expr, labels: Expr, place: int, keeps: bool = False) -> Piece | None:
    """x with letters for its axes, at `place` the label at these; `keeps`: the label has a letter of that axis too."""
    shape, many = shape_of(x), shape_of(labels)
    others = (*shape[:place], *shape[place + 1 :])
    met = (*many[:place], *many[place + 1 :]) if keeps else many
    if not layout.notation.names_axes or not isinstance(labels, TensorSymbol) or others != met or not many:
        return None
    letters = _letters(layout, (*shape, *many), many)
    if letters is None:
        return None
    at = [*letters[:place], *letters[place + 1 :]] if keeps else [*letters]
    label = layout.notation.entry(layout.walk(labels).text, letters)
    return Piece(layout.notation.picked(layout.within(x, CALL), [*at[:place], label, *at[place:]]), CALL)


def _letters(layout: Walker, named: Shape, axes: Shape) -> list[str] | None:
    """Letters for axes that are no names of the spec: of a named axis its own, else i, j, k; None if there are none."""
    names = {name.lower() for size in named if (name := getattr(size, "name", None))}
    free = [one for one in "ijklmn" + ascii_lowercase if one not in layout.taken and one not in UNIT_LETTERS]
    others = iter([one for one in dict.fromkeys(free) if one not in names])
    found: list[str] = []
    for size in axes:
        own = (getattr(size, "name", None) or "").lower()
        letter = own if own in free and own not in found else next(others, "")
        if not letter:
            return None
        found.append(letter)
    return found


def added_at(layout: Walker, expr: Apply) -> Piece:
    """one_hot(t, V)ᵀ · δ: each row of δ goes to the row that its label names; δ · one_hot(t, V) of columns."""
    base, labels, source = expr.args
    axis, shape = expr.parameters["axis"], shape_of(source)
    plain = is_op(base, "zeros") and len(shape_of(labels)) == 1 and len(shape) < 3
    if not layout.notation.names_axes or not plain or from_the_end(labels):
        return layout.call(expr)
    return layout.walk(_sent_back(labels, source, axis % len(shape), expr.shape))


def _sent_back(labels: Expr, source: Expr, axis: int, shape: Shape) -> Expr:
    """one_hot(t, V)ᵀ · δ, or δ · one_hot(t, V)."""
    one_hot = Apply("one_hot", (labels,), {"n": shape[axis]}, (*shape_of(labels), shape[axis]))
    if axis:
        return Apply("matmul", (source, one_hot), {}, shape)
    turned = Apply("transpose", (one_hot,), {"axes": (1, 0)}, one_hot.shape[::-1])
    return Apply("matmul", (turned, source), {}, shape)


def by_labels(expr: Apply) -> Expr | None:
    """What goes back to a list of rows, or of columns, or to every second: one_hot([2, 0], 3)ᵀ · δ; else None."""
    *whole, last = expr.parameters["index"]
    source, shape = expr.args[0], expr.shape
    plain = len(shape) < 3 and all(one == Span() for one in whole)
    if not plain or shape_of(source) != OPS["index"].shape(shape, index=expr.parameters["index"]):
        return None
    labels = _positions(last, int(shape[len(whole)]))
    return None if labels is None else _sent_back(labels, source, len(whole), shape)


def _positions(item: object, size: int) -> Expr | None:
    """Where what a list or a slice with a step takes lies: [2, 0], arange(0, 6, 2)."""
    if isinstance(item, tuple):
        return Apply("stack", tuple(Integer(i % size) for i in item), {"axis": 0}, (len(item),))
    if not isinstance(item, Span) or item.step in (None, 1):
        return None
    run = range(*slice(item.first, item.stop, item.step).indices(size))
    return Apply("arange", (), {"start": run.start, "stop": run.stop, "step": run.step}, (len(run),))


def by_unit(expr: Apply) -> Expr | None:
    """What goes back to a piece of a row: e[0] · pad(δ, (1, 2))ᵀ; of a column pad(δ, (1, 2)) · e[0]ᵀ."""
    items, (source,), shape = expr.parameters["index"], expr.args, expr.shape
    one = [axis for axis, item in enumerate(items) if isinstance(item, int)]
    if len(shape) != 2 or len(items) != 2 or len(one) != 1 or not isinstance(items[1 - one[0]], Span):
        return None
    if shape_of(source) != OPS["index"].shape(shape, index=items):
        return None
    row, other = one[0], 1 - one[0]
    unit = Apply("scatter", (Integer(1),), {"index": (items[row],), "shape": (shape[row],)}, (shape[row],))
    piece = Apply("scatter", (source,), {"index": (items[other],), "shape": (shape[other],)}, (shape[other],))
    return Apply("outer", (piece, unit) if row else (unit, piece), {}, shape)


def padded(expr: Apply) -> Expr | None:
    """What goes back to x[1:-1]: zeros before and behind; None where the name of an axis would be reckoned with."""
    items, shape, source = expr.parameters["index"], expr.shape, expr.args[0]
    sides = []
    for item, size in zip((*items, *[Span()] * (len(shape) - len(items))), shape, strict=False):
        if not isinstance(item, Span) or item.step not in (None, 1):
            return None
        first, stop, _ = slice(item.first, item.stop).indices(int(size))
        reckoned = (item.first or 0) < 0 or (item.stop if item.stop is not None else -1) >= 0
        if stop < first or reckoned and getattr(size, "name", None):
            return None
        sides.append((first, int(size) - stop))
    if len(sides) != len(shape) or shape_of(source) != OPS["index"].shape(shape, index=items):
        return None
    widths = sides[0] if len(sides) == 1 else tuple(sides)
    return Apply("pad", (source,), {"pad_width": widths, "mode": "constant", "constant_values": 0}, shape)

