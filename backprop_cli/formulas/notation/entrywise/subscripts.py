"""The letters of an einsum, one an axis; the subscripts of an index, one an axis."""

from __future__ import annotations

from collections.abc import Sequence

from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.formulas.algebra.expr import Apply, shape_of


def subscripts_of(expr: Apply) -> tuple[list[str], str] | None:
    """The letters of each operand and of the result; None where some stand for any number of axes."""
    text = expr.parameters["subscripts"].replace(" ", "")
    if "." in text:
        return None
    left, arrow, result = text.partition("->")
    operands = left.split(",")
    if not arrow:
        result = "".join(sorted(letter for letter in set(left) - {","} if left.count(letter) == 1))
    if [len(own) for own in operands] != [len(shape_of(a)) for a in expr.args]:
        return None
    return operands, result


def spread(index: Sequence[object], rank: int) -> list[object]:
    """Subscripts with a whole slice for each axis that has none."""
    used = sum(item is not None and item is not Ellipsis for item in index)
    full = list(index) if Ellipsis in index else [*index, Ellipsis]
    at = full.index(Ellipsis)
    return [*full[:at], *[Span()] * (rank - used), *full[at + 1 :]]
