"""Products: of matrices, of anything by subscripts, with an inverse; and matrices that are mostly 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sympy import Expr, Integer, S

from backprop_cli.formulas.algebra.crossed import crossed
from backprop_cli.formulas.algebra.expr import Apply, is_op, shape_of
from backprop_cli.formulas.notation.entrywise import places
from backprop_cli.formulas.notation.entrywise.subscripts import subscripts_of
from backprop_cli.formulas.notation.entrywise.walker import EntryWalker, Index, Row
from backprop_cli.formulas.notation.piece import ADD, ATOM, Piece


def chained(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """A product of matrices: Σ_k A[i,k] · B[k,j]."""
    ranks = [len(shape_of(a)) for a in expr.args]
    rows, columns = ranks[0] > 1, ranks[-1] > 1
    batch = indices[: len(indices) - rows - columns]
    left, right = (indices[len(batch)] if rows else ""), (indices[-1] if columns else "")

    def body(between: Index) -> Piece:
        ends = (left, *between, right)
        return layout.multiplied([
            layout.entry(factor, (*batch, *ends[at : at + 2]) if rank > 1 else (ends[1 if at == 0 else at],))
            for at, (factor, rank) in enumerate(zip(expr.args, ranks, strict=True))
        ])  # fmt: skip

    return layout.over([layout.along(a, -1) for a in expr.args[:-1]], body)


def outer(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """x[i] · y[j]."""
    if any(len(shape_of(a)) != 1 for a in expr.args):
        return None
    return layout.multiplied([layout.entry(a, (i,)) for a, i in zip(expr.args, indices, strict=True)])


def kronecker(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """a[⌊i/p⌋,⌊j/q⌋] · b[i mod p,j mod q]."""
    left, right = expr.args
    shape = [int(s) for s in shape_of(right)]
    if len(shape) != len(shape_of(left)):
        return None
    return layout.multiplied([layout.entry(left, tuple(map(places.over, indices, shape))),
                           layout.entry(right, tuple(map(places.rest, indices, shape)))])  # fmt: skip


def cross(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """a[(i+1) mod 3] · b[(i+2) mod 3] - a[(i+2) mod 3] · b[(i+1) mod 3]."""
    (a, b), (c, d) = crossed(expr)
    return layout.entry(a * b - c * d, indices)


def summed(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """einsum: Σ over the letters that the result does not have."""
    found = subscripts_of(expr)
    if found is None:
        return None
    operands, result = found
    known = dict(zip(result, indices, strict=True))
    first = {letter: (a, at) for a, own in reversed([*zip(expr.args, operands, strict=True)])
             for at, letter in reversed([*enumerate(own)])}  # fmt: skip
    free = [letter for letter in first if letter not in known]

    def body(letters: Index) -> Piece:
        at = known | dict(zip(free, letters, strict=True))
        return layout.multiplied([layout.entry(a, tuple(at[letter] for letter in own))
                               for a, own in zip(expr.args, operands, strict=True)])  # fmt: skip

    return layout.over([layout.along(*first[letter]) for letter in free], body)


def solved(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """Σ_k (A⁻¹)[i,k] · b[k,j]."""
    a, b = expr.args
    rank = len(shape_of(b))
    if len(shape_of(a)) != 2 or rank > 2:
        return None
    turned = is_op(a, "transpose")
    inverse = Apply("inv", (a.args[0],) if turned else (a,), {}, shape_of(a))

    def body(letters: Index) -> Piece:
        pair = (indices[0], *letters)
        return layout.multiplied([layout.entry(inverse, pair[::-1] if turned else pair),
                               layout.entry(b, (*letters, *indices[1:]))])  # fmt: skip

    return layout.over([layout.along(b, 0)], body)


def inverted(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """1 / a of a matrix of one entry."""
    return None if any(indices[-2:]) else layout.quotient(layout.entry(S.One, ()), layout.entry(expr.args[0], indices))


def transposed(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """The indices in another order."""
    order = expr.parameters["axes"]
    back = dict(zip(order if order is not None else range(len(indices))[::-1], indices, strict=True))
    return layout.entry(expr.args[0], tuple(back[axis] for axis in range(len(indices))))


def identity(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """I is [i = j]."""
    return layout.selected(indices[:1], indices[1:], layout.entry(S.One, ()))


def counted(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """The entries of arange are their own places, so many apart and so far on: 2 · p + 1."""
    start, stop, step = (expr.parameters[name] for name in ("start", "stop", "step"))
    first, at = 0 if stop is None else int(start), indices[0]
    known = places.number(at)
    if known is not None:
        return _whole(layout, first + step * known)
    place = Piece(layout.notation.place(at), ATOM if at.isalnum() else ADD)
    along = place if abs(step) == 1 else layout.multiplied([_whole(layout, abs(step)), place])
    if step < 0:
        return layout.added([(False, _whole(layout, first)), (True, along)])
    return layout.added([(False, along), (first < 0, _whole(layout, abs(first)))]) if first else along


def _whole(layout: EntryWalker, number: int) -> Piece:
    return Piece(layout.notation.number(Integer(number)), ATOM if number >= 0 else ADD)


def constant(number: Expr) -> Callable[[EntryWalker, Apply, Index], Piece]:
    """The same number everywhere."""
    return lambda layout, expr, indices: layout.entry(number, ())


def triangle(name: str) -> Callable[[EntryWalker, Apply, Index], Piece]:
    """[i ≥ j] · A[i,j]."""

    def row(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
        *_, i, j = indices
        return layout.compared(
            name, places.moved(i, expr.parameters["k"]), j or "0", layout.entry(expr.args[0], indices)
        )

    return row


def diagonal(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """A[i,i], a diagonal as a vector."""
    rank = len(shape_of(expr.args[0]))
    offset = expr.parameters["offset"]
    one, other = expr.parameters["axis1"] % rank, expr.parameters["axis2"] % rank
    rest = iter(indices[:-1])
    at = {one: places.moved(indices[-1], max(0, -offset)), other: places.moved(indices[-1], max(0, offset))}
    return layout.entry(expr.args[0], tuple(at[axis] if axis in at else next(rest) for axis in range(rank)))


def diag(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """[i = j] · x[i], a vector as a diagonal; or a diagonal as a vector."""
    k = expr.parameters["k"]
    if len(indices) == 1:
        return layout.entry(expr.args[0], (places.moved(indices[0], max(0, -k)), places.moved(indices[0], max(0, k))))
    i, j = indices
    entry = layout.entry(expr.args[0], (i if k >= 0 else j,))
    return layout.selected([places.moved(i, k) if k >= 0 else i], [j if k >= 0 else places.moved(j, -k)], entry)


def trace(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """Σ_i A[i,i], as far as the shorter of the two axes."""
    *_, rows, columns = shape_of(expr.args[0])
    return layout.over([layout.along(expr.args[0], -2 if int(rows) <= int(columns) else -1)],
                       lambda letters: layout.entry(expr.args[0], (*indices, *letters * 2)))  # fmt: skip


ROWS: Mapping[str, Row] = {
    "matmul": chained, "outer": outer, "kron": kronecker, "cross": cross, "einsum": summed, "solve": solved,
    "transpose": transposed, "inv": inverted, "arange": counted,
    "eye": identity, "ones": constant(S.One), "zeros": constant(S.Zero), "tril": triangle("greater_equal"),
    "triu": triangle("less_equal"), "diagonal": diagonal, "diag": diag, "trace": trace,
}  # fmt: skip
