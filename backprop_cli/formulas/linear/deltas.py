"""Constants that say which entry stands where: rows of the identity, and equations of indices.

`I[1:][i,j]` is δ[i+1,j]; what a window reaches, δ[p,2i+a-1], is `arange(P)[:, None, None] == 2*arange(I) + ...` in
the language.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Add, Expr, Integer, Mul, S

from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.formulas.algebra.expr import Apply, is_op, shape_of
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.linear.letters import Factor, Letter, Letters, Number, affine

Part = tuple[int, Letter | None]
"""A coefficient, and a letter; none for an axis of size 1, where the index is 0."""

TRIANGLES = {"tril": "greater_equal", "triu": "less_equal"}
"""How row and column compare where a triangle has its ones."""


def eye(n: int) -> Expr:
    """The identity."""
    return Apply("eye", (), {"n": n, "m": None}, (n, n))


def rows(n: int, item: Any) -> Expr:
    """Rows of the identity."""
    return call("index", {"index": (item,)}, eye(n))


def columns(n: int, item: Any) -> Expr:
    """Columns of the identity."""
    return call("index", {"index": (Span(), item)}, eye(n))


def turned(expr: Expr) -> Expr | None:
    """The transpose of a constant of this kind, as one of them again."""
    if not isinstance(expr, Apply) or not expr.args:
        return None
    of, given = expr.args[0], expr.parameters
    if expr.name in {"tril", "triu"} and is_op(of, "ones") and len(expr.shape) == 2:
        square = Apply("ones", (), {"shape": expr.shape[::-1]}, expr.shape[::-1])
        return call("triu" if expr.name == "tril" else "tril", {"k": -given["k"]}, square)
    if not is_op(of, "eye"):
        return None
    size = int(shape_of(of)[0])
    if expr.name == "flip":
        return expr
    if expr.name == "roll":
        return call("roll", {**given, "shift": -given["shift"]}, of)
    if expr.name == "index" and len(expr.shape) == 2:
        picked = given["index"]
        return columns(size, picked[0]) if len(picked) == 1 else rows(size, picked[1])
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


def shifts(expr: Expr) -> bool:
    """Whether a constant is rows or columns of the identity, some or all rolled: it shifts those of a matrix."""
    return (is_op(expr, "index") or is_op(expr, "roll")) and is_op(expr.args[0], "eye") and len(expr.shape) == 2


# ── equations ────────────────────────────────────────────────────────────────────────────────────


def equation(left: Sequence[Part], right: Sequence[Part], offset: int = 0) -> Factor:
    """1 where Σ left = Σ right + offset, else 0: a constant tensor with an axis a letter, the left ones first."""
    own, others = ([(c, a) for c, a in side if a is not None] for side in (left, right))
    real = [*own, *((-c, a) for c, a in others)]
    letters = tuple(a for _, a in real)
    if not real:
        return (S.One if offset == 0 else S.Zero), ()
    if len(real) == 1:
        (c, a), = real
        whole, rest = divmod(offset, c)
        inside = not rest and 0 <= whole < int(a.size)
        return (rows(int(a.size), whole), (a,)) if inside else (S.Zero, ())
    plain = _shifted(own, others, offset)
    return plain if plain is not None else (_equal(own, others, offset), letters)


def _shifted(left: Sequence[tuple[int, Letter]], right: Sequence[tuple[int, Letter]], offset: int) -> Factor | None:
    """An equation of two letters without coefficients as rows of the identity: i = j + 1."""
    if [c for c, _ in left] != [1] or [c for c, _ in right] != [1]:
        return None
    (_, i), (_, j) = left[0], right[0]
    n, m = int(i.size), int(j.size)
    if n == m and not offset:
        return eye(n), (i, j)
    if offset >= 0 and offset + m <= n:
        return columns(n, Span(offset, offset + m)), (i, j)
    if offset <= 0 and n - offset <= m:
        return rows(m, Span(-offset, n - offset)), (i, j)
    return None


def _equal(left: Sequence[tuple[int, Letter]], right: Sequence[tuple[int, Letter]], offset: int) -> Expr:
    rank = len(left) + len(right)
    terms = [c * _axis(a, k, rank) for k, (c, a) in enumerate([*left, *right])]
    sides = Add(*terms[: len(left)]), Add(*terms[len(left) :], Integer(offset))
    return Apply("equal", sides, {}, tuple(int(a.size) for _, a in [*left, *right]))


def _axis(letter: Letter, axis: int, rank: int) -> Expr:
    """The index along an axis, as a tensor that broadcasts."""
    n = int(letter.size)
    whole = Apply("arange", (), {"start": n, "stop": None, "step": 1}, (n,))
    behind = rank - axis - 1
    return call("expand_dims", {"axis": tuple(range(1, behind + 1))}, whole) if behind else whole


def _place(expr: Expr, letters: Letters) -> Letter | None:
    """What such a tensor is at letters: a place."""
    if expr.is_Integer:
        return Number(int(expr))
    if isinstance(expr, Add | Mul):
        coefficient, rest = expr.as_coeff_Mul()
        places = [_place(a, letters) for a in ((rest,) if rest is not expr else expr.args)]
        return None if None in places else affine([(int(coefficient), a) for a in places if a is not None])
    own = letters[len(letters) - len(shape_of(expr)) :]
    if is_op(expr, "expand_dims"):
        return _place(expr.args[0], own[:1])
    return own[0] if is_op(expr, "arange") else None


# ── Kronecker's δ ────────────────────────────────────────────────────────────────────────────────


def delta(expr: Expr, letters: Letters) -> tuple[Letter, Letter] | None:
    """The two places of the δ that a constant is at letters."""
    if not isinstance(expr, Apply) or not expr.args and expr.name != "eye":
        return None
    places = [Number(0) if a is None else a for a in letters]
    one = unit(expr)
    if one is not None:
        return places[0], Number(one)
    if expr.name == "equal":
        left, right = (_place(side, tuple(places)) for side in expr.args)
        return None if left is None or right is None else (left, right)
    if expr.name == "eye":
        return (places[0], places[1]) if expr.shape[0] == expr.shape[1] else None
    if not is_op(expr.args[0], "eye"):
        return None
    return _moved(expr, places)


def _moved(expr: Apply, places: Sequence[Letter]) -> tuple[Letter, Letter] | None:
    """Rows or columns of the identity."""
    size = int(shape_of(expr.args[0])[0])
    if expr.name == "flip":
        return affine([(-1, places[0])], size - 1), places[1]
    if expr.name != "index" or len(expr.shape) != 2:
        return None
    picked = expr.parameters["index"]
    at = len(picked) - 1
    steps = _steps(picked[-1], size) if at == 0 or picked[0] == Span() else None
    if steps is None:
        return None
    first, step = steps
    moved = affine([(step, places[at])], first)
    return (moved, places[1]) if at == 0 else (places[0], moved)


def _steps(item: Any, size: int) -> tuple[int, int] | None:
    """Where positions begin, and the step between them."""
    if isinstance(item, Span):
        first, _, step = slice(item.first, item.stop, item.step).indices(size)
        return first, step
    if not isinstance(item, tuple) or not item:
        return None
    step = item[1] - item[0] if len(item) > 1 else 1
    return (item[0], step) if item == tuple(item[0] + step * i for i in range(len(item))) and step else None
