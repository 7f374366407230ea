"""Operators that choose, move or add up entries along axes: along each, a product with rows of the identity.

`x[1:]` is `I[1:] · x`, `flip(x)` is `flip(I) · x`, a running sum `tril(1) · x`.  Each gives the matrices, constant
tensors of the language, and the letters that its operand then has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import prod
from typing import Any

from sympy import Expr

from backprop_cli.engine.ops.base import axes_of
from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.formulas.algebra.expr import Apply, is_one, is_op, shape_of, symbols_of
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.linear.deltas import columns, equation, eye, rows
from backprop_cli.formulas.linear.letters import Factor, Letter, Letters, NotLinearError, Number, affine, letters_for

UNITS = frozenset(("expand_dims", "squeeze", "reshape"))

Selected = tuple[list[Factor], Expr, Letters]
"""The matrices, what is left of the expression, and its letters."""


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
            factors.append((rows(size, item % size), (letter,)))
        return
    mine = rest.pop(0)
    count = len(item) if isinstance(item, tuple) else len(range(*slice(item.first, item.stop, item.step).indices(size)))
    if count == size and item == Span():
        found.append(mine)
        return
    other = letters_for((size if inner else count,))[0]
    found.append(other)
    if size > 1 and count == 1:
        first = item[0] if isinstance(item, tuple) else slice(item.first, item.stop, item.step).indices(size)[0]
        factors.append((rows(size, first), (other if inner else mine,)))
    elif size > 1:
        factors.append((picks(size, item), (mine, other)))


def picked(index: tuple[Any, ...], shape: tuple[int, ...], letters: Letters) -> Letters | None:
    """Where the entry of x[index] at letters stands in x; None where a list of positions says it."""
    rest, found, sizes = iter(letters), list[Letter | None](), iter(shape)
    for item in _spread(index, len(shape)):
        mine = None if isinstance(item, int) else next(rest)
        if item is None:
            continue
        size = int(next(sizes))
        if isinstance(item, tuple):
            return None
        first, _, step = slice(item.first, item.stop, item.step).indices(size) if isinstance(item, Span) else (
            item % size, 0, 0)  # fmt: skip
        found.append(None if size == 1 else affine([(step, mine)] if mine is not None else [], first))
    return tuple(found)


def moved(expr: Apply, letters: Letters) -> Letters | None:
    """Where an entry of what only moves entries stands in its operand: Aᵀ[i,j] is A[j,i], x[2:][i] is x[i+2]."""
    shape = shape_of(expr.args[0]) if expr.args else ()
    if expr.name == "transpose":
        axes = expr.parameters["axes"] or tuple(reversed(range(len(shape))))
        return tuple(letters[axes.index(axis)] for axis in range(len(shape)))
    if expr.name == "flip":
        axes = axes_of(expr.parameters["axis"], len(shape))
        return tuple(affine([(-1, a)], int(n) - 1) if a is not None and axis in axes else a
                     for axis, (a, n) in enumerate(zip(letters, shape, strict=True)))  # fmt: skip
    if expr.name in UNITS and [n for n in shape if not is_one(n)] == [n for n in expr.shape if not is_one(n)]:
        rest = iter([a for a, n in zip(letters, expr.shape, strict=True) if not is_one(n)])
        return tuple(None if is_one(n) else next(rest) for n in shape)
    if expr.name == "index" and symbols_of(expr):
        return picked(expr.parameters["index"], shape, letters)
    return _unrolled(expr, letters) if expr.name == "roll" else None


def _unrolled(expr: Apply, letters: Letters) -> Letters | None:
    """Where a number's place was: of roll(w, 1) entry 0 is the last; None where a letter goes around."""
    shift, axis = expr.parameters["shift"], expr.parameters["axis"]
    if axis is None and len(letters) > 1:
        return None
    own = list(letters)
    axes = axes_of(axis, len(letters))
    for at, by in zip(axes, shift if isinstance(shift, tuple) else (shift,) * len(axes), strict=True):
        letter = own[at]
        if letter is not None and not isinstance(letter, Number):
            return None
        own[at] = None if letter is None else Number((int(letter.size) - by) % int(expr.shape[at]))
    return tuple(own)


def _index(expr: Apply, letters: Letters) -> Selected:
    x = expr.args[0]
    factors, own = _taken(expr.parameters["index"], shape_of(x), letters, rows, inner=True)
    return factors, x, own


def _scatter(expr: Apply, letters: Letters) -> Selected:
    x = expr.args[0]
    factors, own = _taken(expr.parameters["index"], expr.shape, letters, columns, inner=False)
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
        factors, _, own = _square(inner, letters, lambda _, n: call("triu", {"k": 0}, _ones(n)))
        return factors, inner.args[0].args[0], own
    return _square(expr, letters, lambda _, n: call("flip", {"axis": (0,)}, eye(n)))


def _axes(expr: Apply) -> tuple[int, ...]:
    return axes_of(expr.parameters["axis"], len(expr.shape))


def _ones(n: int) -> Expr:
    return Apply("ones", (), {"shape": (n, n)}, (n, n))


def _cumsum(expr: Apply, letters: Letters) -> Selected:
    return _square(expr, letters, lambda _, n: call("tril", {"k": 0}, _ones(n)))


def _roll(expr: Apply, letters: Letters) -> Selected:
    """Without axes, the entries are shifted as one row of them."""
    shifts = expr.parameters["shift"]
    if expr.parameters["axis"] is None and len(letters) > 1:
        row = call("reshape", {"shape": (prod(map(int, expr.shape)),)}, expr.args[0])
        shifted = call("roll", {"shift": shifts, "axis": None}, row)
        return _reshape(Apply("reshape", (shifted,), {"shape": expr.shape}, expr.shape), letters)
    shifts = shifts if isinstance(shifts, tuple) else (shifts,)
    return _square(expr, letters, lambda at, n: call("roll", {"shift": shifts[at], "axis": 0}, eye(n)))


def _triangle(expr: Apply, letters: Letters) -> Selected:
    shape = tuple(map(int, expr.shape[-2:]))
    mask = call(expr.name, {"k": expr.parameters["k"]}, Apply("ones", (), {"shape": shape}, shape))
    return [(mask, letters[-2:])], expr.args[0], letters


def _reshape(expr: Apply, letters: Letters) -> Selected:
    """Axes that together count the same entries: δ[i,3j+k]."""
    x = expr.args[0]
    inner: list[Letter | None] = []
    factors = []
    for here, sizes in _groups(letters, shape_of(x)):
        if len(here) == 1 == len(sizes):
            inner += here
            continue
        own = letters_for(sizes)
        inner += own
        factors.append(equation(counted(here), counted(own)))
    real = iter(inner)
    return factors, x, tuple(None if is_one(n) else next(real) for n in shape_of(x))


def _groups(letters: Letters, shape: tuple[int, ...]) -> Iterator[tuple[Letters, tuple[int, ...]]]:
    """The letters and the sizes that go together, from the front."""
    here, there = [a for a in letters if a is not None], [n for n in shape if not is_one(n)]
    while here and there:
        i = j = 1
        while (left := prod(int(a.size) for a in here[:i])) != (right := prod(map(int, there[:j]))):
            i, j = (i + 1, j) if left < right else (i, j + 1)
        yield tuple(here[:i]), tuple(there[:j])
        here, there = here[i:], there[j:]


def counted(letters: Iterable[Letter | None]) -> list[tuple[int, Letter | None]]:
    """Axes counted row by row: 6i+2j+k."""
    found, step = [], 1
    for letter in reversed(tuple(letters)):
        found.append((step, letter))
        step *= 1 if letter is None else int(letter.size)
    return found[::-1]


SELECTING: Mapping[str, Callable[[Apply, Letters], Selected]] = {
    "index": _index, "scatter": _scatter, "flip": _flip, "cumsum": _cumsum, "roll": _roll, "tril": _triangle,
    "triu": _triangle, "reshape": _reshape,
}  # fmt: skip
