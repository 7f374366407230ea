"""Parts of a tensor that were scattered to slices of zeros, put together where the slices tile it   (R2)."""

from __future__ import annotations

from operator import itemgetter

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.formulas.algebra.expr import is_op, shape_of
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.positions import is_unit_vector
from backprop_cli.formulas.algebra.scalars import powers_of, split_scalar, split_sum


def tiled(terms: list[Expr]) -> list[Expr]:
    """Parts scattered to slices that tile an axis are those parts in a row: a concat   (R2)."""
    entries = {rest.parameters["index"][0] % rest.shape[0]: factor for factor, rest in map(split_scalar, terms)
               if is_unit_vector(rest)}  # fmt: skip
    if len(entries) == len(terms) > 1 and sorted(entries) == list(range(_length_of(terms[0]))):
        return [_stacked([entries[i] for i in sorted(entries)])]
    parts = [t for t in terms if _slice_of(t) is not None]
    slices = [_slice_of(t) for t in parts]
    for axis in sorted({s[0] for s in slices if s}):
        along = ((s[1:], part) for s, part in zip(slices, parts, strict=True) if s and s[0] == axis)
        tiles = sorted(along, key=itemgetter(0))
        ends = [0, *(end for (_, end, _), _ in tiles)]
        if len(tiles) > 1 and [start for (start, _, _), _ in tiles] == ends[:-1] and ends[-1] == tiles[0][0][2]:
            inside = [part for _, part in tiles]
            joined = call("concat", {"axis": axis}, *(_unscattered(t) for t in inside))
            return [joined, *(t for t in terms if t not in inside)]
    return terms


def _stacked(entries: list[Expr]) -> Expr:
    """[a/2, b/2] as [a, b]/2: what all entries share stands once."""
    powers = [dict(powers_of(entry)) for entry in entries]
    shared = {b: e for b, e in powers[0].items() if not b.is_number and all(p.get(b) == e for p in powers)}
    numbers = [abs((split_sum(e)[0] if isinstance(e, Add) else e).as_coeff_Mul()[0]) for e in entries]
    common = Mul(*[Pow(b, e) for b, e in shared.items()], numbers[0] if len({*numbers}) == 1 else 1)
    if all((entry / common).is_number for entry in entries):
        common = S.One
    return common * call("stack", {"axis": 0}, *(entry / common for entry in entries))


def _length_of(term: Expr) -> int:
    return int(shape_of(term)[0])


def _slice_of(term: Expr) -> tuple[int, int, int, int] | None:
    """(axis, start, end, size) of a part that was scattered to one slice of zeros."""
    rest = split_scalar(term)[1]
    if not is_op(rest, "scatter") or len(shape_of(rest.args[0])) != len(rest.shape):
        return None
    index = rest.parameters["index"]
    if Ellipsis in index:
        at = index.index(Ellipsis)
        index = (*index[:at], *[Span()] * (len(rest.shape) - len(index) + 1), *index[at + 1 :])
    cut = [(axis, item) for axis, item in enumerate(index) if item != Span()]
    if len(cut) != 1 or not isinstance(cut[0][1], Span):
        return None
    axis, span = cut[0]
    start, stop, step = slice(span.first, span.stop, span.step).indices(rest.shape[axis])
    return (axis, start, stop, rest.shape[axis]) if step == 1 else None


def _unscattered(term: Expr) -> Expr:
    factor, rest = split_scalar(term)
    return Mul(factor, rest.args[0])
