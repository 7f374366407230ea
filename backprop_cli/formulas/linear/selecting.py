"""Operators that choose, move or add up entries along axes: along each, a product with rows of the identity.

`x[1:]` is `I[1:] · x`, `flip(x)` is `flip(I) · x`, a running sum `tril(1) · x`.  Each gives the matrices, constant
tensors of the language, and the letters that its operand then has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Expr

from backprop_cli.engine.ops.base import axes_of
from backprop_cli.engine.ops.shaping import Span
from backprop_cli.formulas.algebra.expr import Apply, is_op, shape_of
from backprop_cli.formulas.algebra.formula import made
from backprop_cli.formulas.linear.letters import Factor, Letter, Letters, Moved, NotLinearError, Number, letters_for

Selected = tuple[list[Factor], Expr, Letters]
"""The matrices, what is left of the expression, and its letters."""


def _eye(n: int) -> Expr:
    return Apply("eye", (), {"n": n, "m": None}, (n, n))


def _rows(n: int, item: Any) -> Expr:
    return made("index", {"index": (item,)}, _eye(n))


def _columns(n: int, item: Any) -> Expr:
    return made("index", {"index": (Span(), item)}, _eye(n))


def _spread(index: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    """The subscripts with one an axis."""
    consumed = sum(1 for item in index if item is not None and item is not Ellipsis)
    full = index if Ellipsis in index else (*index, Ellipsis)
    at = full.index(Ellipsis)
    return (*full[:at], *[Span()] * (rank - consumed), *full[at + 1 :])


def _taken(index: tuple[Any, ...], shape: tuple[int, ...], letters: Letters, picks: Callable[[int, Any], Expr],
           inner: bool) -> tuple[list[Factor], Letters]:  # fmt: skip
    """Along each axis of `shape`, the matrix between its letter and the selection's; `letters` are one of the two."""
    factors: list[Factor] = []
    rest: list[Letter | None] = list(letters)
    found: list[Letter | None] = []
    axis = 0
    for item in _spread(index, len(shape)):
        if item is None and inner:
            rest.pop(0)
            continue
        if item is None:
            found.append(None)
            continue
        size = int(shape[axis])
        axis += 1
        _one_axis(item, size, rest, found, factors, picks, inner)
    return factors, tuple(found)


def _one_axis(item: Any, size: int, rest: list[Any], found: list[Any], factors: list[Factor],
              picks: Callable[[int, Any], Expr], inner: bool) -> None:  # fmt: skip
    """An axis: whole, one position of it, or several."""
    if isinstance(item, int):
        letter = Letter(size) if inner and size > 1 else None if inner else rest.pop(0)
        if inner:
            found.append(letter)
        if size > 1:
            factors.append((_rows(size, item % size), (letter,)))
        return
    mine = rest.pop(0)
    count = len(item) if isinstance(item, tuple) else len(range(*slice(item.first, item.stop, item.step).indices(size)))
    if count == size and item == Span():
        found.append(mine)
        return
    other = letters_for((size if inner else count,))[0]
    found.append(other)
    if size > 1:
        factors.append((picks(size, item), (mine, other)))


def _index(expr: Apply, letters: Letters) -> Selected:
    x = expr.args[0]
    factors, own = _taken(expr.parameters["index"], shape_of(x), letters, _rows, inner=True)
    return factors, x, own


def _scatter(expr: Apply, letters: Letters) -> Selected:
    x = expr.args[0]
    factors, own = _taken(expr.parameters["index"], expr.shape, letters, _columns, inner=False)
    if len(shape_of(x)) != len(own):
        raise NotLinearError("scatter")
    return factors, x, own


def _square(expr: Apply, letters: Letters, matrix: Callable[[int, int], Expr]) -> Selected:
    """Along each axis of the operator a square matrix; `matrix` takes the position among its axes, and the size."""
    x = expr.args[0]
    own, factors = list(letters), list[Factor]()
    for position, axis in enumerate(axes_of(expr.parameters["axis"], len(letters))):
        mine = letters[axis]
        if mine is not None:
            own[axis] = Letter(mine.size)
            factors.append((matrix(position, int(mine.size)), (mine, own[axis])))
    return factors, x, tuple(own)


def _flip(expr: Apply, letters: Letters) -> Selected:
    """A running sum between two reversals is one from the end."""
    inner = expr.args[0]
    if is_op(inner, "cumsum") and is_op(inner.args[0], "flip") and _axes(inner) == _axes(inner.args[0]) == _axes(expr):
        factors, _, own = _square(inner, letters, lambda _, n: made("triu", {"k": 0}, _ones(n)))
        return factors, inner.args[0].args[0], own
    return _square(expr, letters, lambda _, n: made("flip", {"axis": (0,)}, _eye(n)))


def _axes(expr: Apply) -> tuple[int, ...]:
    return axes_of(expr.parameters["axis"], len(expr.shape))


def _ones(n: int) -> Expr:
    return Apply("ones", (), {"shape": (n, n)}, (n, n))


def _cumsum(expr: Apply, letters: Letters) -> Selected:
    return _square(expr, letters, lambda _, n: made("tril", {"k": 0}, _ones(n)))


def _roll(expr: Apply, letters: Letters) -> Selected:
    shifts = expr.parameters["shift"]
    if expr.parameters["axis"] is None and len(letters) > 1:
        raise NotLinearError("roll")
    shifts = shifts if isinstance(shifts, tuple) else (shifts,)
    return _square(expr, letters, lambda at, n: made("roll", {"shift": shifts[at], "axis": 0}, _eye(n)))


def _triangle(expr: Apply, letters: Letters) -> Selected:
    shape = tuple(map(int, expr.shape[-2:]))
    mask = made(expr.name, {"k": expr.parameters["k"]}, Apply("ones", (), {"shape": shape}, shape))
    return [(mask, letters[-2:])], expr.args[0], letters


def _reshape(expr: Apply, letters: Letters) -> Selected:
    """Rows of the identity in another shape: one tensor between all letters."""
    x = expr.args[0]
    inner = letters_for(shape_of(x))
    shape = (*map(int, expr.shape), *map(int, shape_of(x)))
    count = 1
    for n in expr.shape:
        count *= int(n)
    return [(made("reshape", {"shape": shape}, _eye(count)), (*letters, *inner))], x, inner


SELECTING: Mapping[str, Callable[[Apply, Letters], Selected]] = {
    "index": _index, "scatter": _scatter, "flip": _flip, "cumsum": _cumsum, "roll": _roll, "tril": _triangle,
    "triu": _triangle, "reshape": _reshape,
}  # fmt: skip


# ── the identity's rows as Kronecker's δ ─────────────────────────────────────────────────────────


def turned(expr: Expr) -> Expr | None:
    """The transpose of a constant of this kind, as one of them again."""
    if not isinstance(expr, Apply) or not expr.args:
        return None
    of, given = expr.args[0], expr.parameters
    if expr.name in {"tril", "triu"} and is_op(of, "ones") and len(expr.shape) == 2:
        return made("triu" if expr.name == "tril" else "tril", {"k": -given["k"]}, _ones(int(expr.shape[0])))
    if not is_op(of, "eye"):
        return None
    size = int(shape_of(of)[0])
    if expr.name == "flip":
        return expr
    if expr.name == "roll":
        return made("roll", {**given, "shift": -given["shift"]}, of)
    if expr.name == "index" and len(expr.shape) == 2:
        rows = given["index"]
        return _columns(size, rows[0]) if len(rows) == 1 else _rows(size, rows[1])
    return None


def unit(expr: Expr) -> int | None:
    """Which unit vector a constant is."""
    if is_op(expr, "index") and is_op(expr.args[0], "eye") and len(expr.shape) == 1:
        position = expr.parameters["index"][0]
        return position if isinstance(position, int) else None
    if is_op(expr, "scatter") and expr.args[0] == 1 and len(expr.shape) == 1 and len(expr.parameters["index"]) == 1:
        position = expr.parameters["index"][0]
        return position % int(expr.shape[0]) if isinstance(position, int) else None
    return None


def delta(expr: Expr, letters: Letters) -> Letters | None:
    """`I[1:][i,j]` is δ[i+1,j]: the two letters of that δ, where a constant is such a one."""
    one = unit(expr)
    if one is not None:
        return letters[0], Number(one)
    if is_op(expr, "flip") and is_op(expr.args[0], "eye") and letters[0] is not None:
        return (Moved(letters[0].size, letters[0], f"{int(letters[0].size) - 1}-{{}}"), letters[1])
    if not is_op(expr, "index") or not is_op(expr.args[0], "eye"):
        return None
    rows = list(expr.parameters["index"])
    at = len(rows) - 1
    if len(rows) > 2 or not isinstance(rows[-1], Span) or at and rows[0] != Span() or None in letters:
        return None
    first, _, step = slice(rows[-1].first, rows[-1].stop, rows[-1].step).indices(int(expr.args[0].shape[0]))
    moved = _moved(letters[at], first, step)
    return (moved, letters[1]) if at == 0 else (letters[0], moved)


def _moved(letter: Letter | None, first: int, step: int) -> Letter:
    assert letter is not None
    size = "{}" if abs(step) == 1 else f"{abs(step)}{{}}"
    if step < 0:
        return Moved(letter.size, letter, f"{first}-{size}")
    return Moved(letter.size, letter, f"{size}+{first}") if first or step > 1 else letter
