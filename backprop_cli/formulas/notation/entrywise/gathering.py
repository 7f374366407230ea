"""Rows and entries picked by labels, and what goes back to them: an entry of the labels is an index."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, S

from backprop_cli.formulas.algebra.expr import Apply, is_op, shape_of
from backprop_cli.formulas.algebra.positions import from_the_end
from backprop_cli.formulas.notation.entrywise import places
from backprop_cli.formulas.notation.entrywise.walker import EntryWalker, Index, Row
from backprop_cli.formulas.notation.piece import Piece


def label(layout: EntryWalker, labels: Expr, indices: Index, size: int) -> str:
    """A label, as an index of an axis; of labels that count from the end what is left of them: t[n] mod K."""
    found = layout.named_by(labels, indices)
    return places.rest(found, int(size), layout.count(size)) if from_the_end(labels) else found


def one_hot(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """[t[n] = k]."""
    return layout.selected([layout.named_by(expr.args[0], indices[:-1])], indices[-1:], layout.entry(S.One, ()))


def taken(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """x[t[n],d]."""
    x, labels = expr.args
    axis = expr.parameters["axis"]
    if axis is None and len(shape_of(x)) > 1:
        return None
    at = (axis or 0) % len(shape_of(x))
    many = len(shape_of(labels))
    place = label(layout, labels, indices[at : at + many], shape_of(x)[at])
    return layout.entry(x, (*indices[:at], place, *indices[at + many :]))


def taken_along(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """x[n,t[n,k]]."""
    x, labels = expr.args
    at = expr.parameters["axis"] % len(indices)
    return layout.entry(x, (*indices[:at], label(layout, labels, indices, shape_of(x)[at]), *indices[at + 1 :]))


def added(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """x + Σ_n [t[n] = v] · δ[n,d]: each goes to the row that its label names."""
    base, labels, source = expr.args
    at = expr.parameters["axis"] % len(indices)
    along = [layout.along(labels, axis) for axis in range(len(shape_of(labels)))]

    def body(letters: Index) -> Piece:
        entry = layout.entry(source, (*indices[:at], *letters, *indices[at + 1 :]))
        return layout.selected([label(layout, labels, letters, expr.shape[at])], indices[at : at + 1], entry)

    return _onto(layout, base, indices, layout.over(along, body))


def added_along(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """x + Σ_j [t[n,j] = k] · δ[n,j]."""
    base, labels, source = expr.args
    at = expr.parameters["axis"] % len(indices)

    def body(letters: Index) -> Piece:
        here = (*indices[:at], *letters, *indices[at + 1 :])
        place = label(layout, labels, here, expr.shape[at])
        return layout.selected([place], indices[at : at + 1], layout.entry(source, here))

    return _onto(layout, base, indices, layout.over([layout.along(source, at)], body))


def _onto(layout: EntryWalker, base: Expr, indices: Index, sum_: Piece) -> Piece:
    if is_op(base, "zeros"):
        return sum_
    return layout.added([(False, layout.entry(base, indices)), (False, sum_)])


ROWS: Mapping[str, Row] = {
    "one_hot": one_hot, "take": taken, "take_along_axis": taken_along, "index_add": added, "scatter_add": added_along,
}  # fmt: skip
