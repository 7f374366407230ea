"""Operators whose entry is a sum of products of their operands' entries, at letters that meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from sympy import Expr, S

from backprop_cli.engine.ops.contraction import explicit
from backprop_cli.engine.ops.padding import positions, widths
from backprop_cli.formulas.algebra.crossed import crossed
from backprop_cli.formulas.algebra.expr import Apply, is_one, shape_of
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.linear.deltas import equation, eye, rows
from backprop_cli.formulas.linear.letters import Factor, Letter, Letters, Product, letters_for
from backprop_cli.formulas.linear.selecting import counted
from backprop_cli.formulas.linear.windows import WINDOWS

Rule = Callable[[Apply, Letters], list[Product]]


def aligned(letters: Letters, shape: tuple[int, ...]) -> Letters:
    """The letters of the last axes, as many as the shape has; none for an axis that is only broadcast."""
    own = letters[len(letters) - len(shape) :]
    return tuple(None if is_one(s) else a for a, s in zip(own, shape, strict=True))


# ── products ─────────────────────────────────────────────────────────────────────────────────────


def _einsum(expr: Apply, letters: Letters) -> list[Product]:
    """Each subscript is a letter."""
    shapes = [shape_of(a) for a in expr.args]
    inputs, output = explicit(expr.parameters["subscripts"], tuple(map(len, shapes)))
    known: dict[str, Letter | None] = dict(zip(output, letters, strict=True))
    for name, n in ((c, n) for own, shape in zip(inputs, shapes, strict=True) for c, n in zip(own, shape, strict=True)):
        if known.get(name) is None and not is_one(n):
            known[name] = Letter(n)
    pairs = [(a, aligned(tuple(known.get(c) for c in own), shape))
             for a, own, shape in zip(expr.args, inputs, shapes, strict=True)]  # fmt: skip
    return [Product(tuple(pairs))]


def _kron(expr: Apply, letters: Letters) -> list[Product]:
    """Row and column count blocks, then what is inside of one."""
    a, b = expr.args
    rank = len(expr.shape)
    outer, inner = (letters_for((*[1] * (rank - len(shape_of(x))), *shape_of(x))) for x in (a, b))
    constants = [equation([(1, i)], counted(pair)) for i, *pair in zip(letters, outer, inner, strict=True)]
    operands = tuple((x, own[rank - len(shape_of(x)) :]) for x, own in ((a, outer), (b, inner)))
    return [Product(operands, tuple(constants))]


def _solve(expr: Apply, letters: Letters) -> list[Product]:
    """The inverse times the right side."""
    a, b = expr.args
    inverse = call("inv", {}, a)
    vector = len(shape_of(b)) == 1
    (inner,) = letters_for(shape_of(a)[-1:])
    row = letters[-1 if vector else -2]
    batch = letters[: -1 if vector else -2]
    left = (*aligned(batch, shape_of(a)[:-2]), row, inner)
    right = (inner,) if vector else (*aligned(batch, shape_of(b)[:-2]), inner, letters[-1])
    return [Product(((inverse, left), (b, right)))]


def _cross(expr: Apply, letters: Letters) -> list[Product]:
    """The entry after it times the one after that, less the same the other way round."""
    own = ((tuple((x, aligned(letters, shape_of(x))) for x in pair), sign)
           for pair, sign in zip(crossed(expr), (S.One, S.NegativeOne), strict=True))  # fmt: skip
    return [Product(factors, ((sign, ()),)) for factors, sign in own]


def _where(expr: Apply, letters: Letters) -> list[Product]:
    """One branch times the mask, the other times what is left of 1."""
    mask, yes, no = expr.args
    own = aligned(letters, shape_of(mask))
    return [Product(((x, aligned(letters, shape_of(x))),), ((m, own),)) for x, m in ((yes, mask), (no, 1 - mask))]


def _broadcast(expr: Apply, letters: Letters) -> list[Product]:
    x = expr.args[0]
    return [Product(((x, aligned(letters, shape_of(x))),))]


def _others(expr: Apply, letters: Letters) -> list[Product]:
    """Entry j is sent g[i] times the product of the entries up to i, without its own."""
    x, g = expr.args
    axis, n = expr.parameters["axis"] % len(expr.shape), int(expr.shape[expr.parameters["axis"]])
    (mine,) = letters_for((n,))
    own = letters[axis]
    order = (*(i for i in range(len(letters)) if i != axis), axis)
    last = x if order == tuple(range(len(order))) else call("transpose", {"axes": order}, x)
    without = call("where", {}, eye(n), S.One, call("expand_dims", {"axis": -2}, last))
    running = call("cumprod", {"axis": len(letters)}, without)
    up_to = call("tril", {"k": 0}, Apply("ones", (), {"shape": (n, n)}, (n, n)))
    rest = tuple(letters[i] for i in order[:-1])
    there = (*letters[:axis], mine, *letters[axis + 1 :])
    return [Product(((g, there),), ((running, (*rest, own, mine)), (up_to, (mine, own))))]


def _cofactors(expr: Apply, letters: Letters) -> list[Product]:
    """(⟨C, v⟩ C - C vᵀ C)/det x, where C are the cofactors of x."""
    x, v = expr.args
    k, m = letters_for(shape_of(v)[-2:])
    *batch, i, j = letters
    made, over = call("cofactor", {}, x), 1 / call("det", {}, x)
    own = ((v, (*batch, k, m)),)
    return [Product(own, ((made, (*batch, k, m)), (made, tuple(letters)), (over, tuple(batch)))),
            Product(own, ((made, (*batch, k, j)), (made, (*batch, i, m)), (-over, tuple(batch))))]  # fmt: skip


def _lyapunov(expr: Apply, letters: Letters) -> list[Product]:
    """V ((Vᵀ C V) / (λ_a + λ_b)) Vᵀ, of the eigenvectors V of a."""
    made, c = expr.args
    *batch, i, j = letters
    a, b, k, m = letters_for(2 * shape_of(c)[-2:])
    vectors, values = call("eigvecsh", {"uplo": "L"}, made), call("eigvalsh", {"uplo": "L"}, made)
    column, row = (call("expand_dims", {"axis": axis}, values) for axis in (-1, -2))
    places = ((i, a), (j, b), (k, a), (m, b))
    return [Product(((c, (*batch, k, m)),), (*((vectors, (*batch, *place)) for place in places),
                                           (1 / (column + row), (*batch, a, b))))]  # fmt: skip


# ── entries put elsewhere ────────────────────────────────────────────────────────────────────────


def _concat(expr: Apply, letters: Letters) -> list[Product]:
    """Each part from where it begins."""
    axis = expr.parameters["axis"] % len(letters)
    found, start = [], 0
    for x in expr.args:
        n = shape_of(x)[axis]
        (own,) = letters_for((n,))
        found.append(Product(((x, (*letters[:axis], own, *letters[axis + 1 :])),),
                             (equation([(1, letters[axis])], [(1, own)], start),)))  # fmt: skip
        start += int(n)
    return found


def _stack(expr: Apply, letters: Letters) -> list[Product]:
    """Each part at its number along the new axis."""
    axis = expr.parameters["axis"] % len(letters)
    rest = letters[:axis] + letters[axis + 1 :]
    return [Product(((x, aligned(rest, shape_of(x))),), (equation([(1, letters[axis])], [], k),))
            for k, x in enumerate(expr.args)]  # fmt: skip


def _pad(expr: Apply, letters: Letters) -> list[Product]:
    """Shifted by the border; where that repeats entries, by rows of the identity."""
    (x,), given = expr.args, expr.parameters
    own, constants = list(letters), list[Factor]()
    borders = widths(given["pad_width"], len(letters))
    for axis, (n, (before, after)) in enumerate(zip(shape_of(x), borders, strict=True)):
        if not (before or after):
            continue
        (own[axis],) = letters_for((n,))
        if given["mode"] == "constant":
            constants.append(equation([(1, letters[axis])], [(1, own[axis])], before))
        elif not is_one(n):
            picked = positions(given["mode"], int(n), before, after)
            constants.append((rows(int(n), picked), (letters[axis], own[axis])))
    return [Product(((x, tuple(own)),), tuple(constants))]


def _diagonal(expr: Apply, letters: Letters) -> list[Product]:
    """The entries whose column is their row plus the offset."""
    (x,), given = expr.args, expr.parameters
    shape = shape_of(x)
    if expr.name == "diag" and len(shape) == 1:
        return _diag(expr, letters)
    offset = given.get("offset", given.get("k", 0))
    first, second = (given.get(name, at) % len(shape) for at, name in enumerate(("axis1", "axis2")))
    rest = iter(letters[:-1])
    own = [None if axis in {first, second} else next(rest) for axis in range(len(shape))]
    own[first], own[second] = letters_for((shape[first], shape[second]))
    place = letters[-1]
    return [Product(((x, tuple(own)),), (equation([(1, own[first])], [(1, place)], max(0, -offset)),
                                         equation([(1, own[second])], [(1, place)], max(0, offset))))]  # fmt: skip


def _diag(expr: Apply, letters: Letters) -> list[Product]:
    """A vector on a diagonal."""
    (x,), k = expr.args, expr.parameters.get("k", 0)
    (own,) = letters_for(shape_of(x))
    return [Product(((x, (own,)),), (equation([(1, letters[0])], [(1, own)], max(0, -k)),
                                     equation([(1, letters[1])], [(1, own)], max(0, k))))]  # fmt: skip


# ── positions ────────────────────────────────────────────────────────────────────────────────────


def _labels(indices: Expr, own: Letters, n: int, place: Letter | None) -> Factor:
    """1 where the label at letters is the place."""
    return Apply("one_hot", (indices,), {"n": int(n)}, (*shape_of(indices), int(n))), (*own, place)


def _take(expr: Apply, letters: Letters) -> list[Product]:
    """The slice that each label says."""
    x, indices = expr.args
    axis = expr.parameters["axis"]
    if axis is None:
        x, axis = call("reshape", {"shape": (prod(map(int, shape_of(x))),)}, x), 0
    axis %= len(shape_of(x))
    (place,) = letters_for(shape_of(x)[axis : axis + 1])
    at = letters[axis : axis + len(shape_of(indices))]
    own = (*letters[:axis], place, *letters[axis + len(at) :])
    return [Product(((x, own),), (_labels(indices, at, shape_of(x)[axis], place),))]


def _index_add(expr: Apply, letters: Letters) -> list[Product]:
    """What is there, and what is added where a label says so."""
    x, indices, source = expr.args
    axis = expr.parameters["axis"] % len(letters)
    at = letters_for(shape_of(indices))
    own = (*letters[:axis], *at, *letters[axis + 1 :])
    return [Product(((x, aligned(letters, shape_of(x))),)),
            Product(((source, own),), (_labels(indices, at, expr.shape[axis], letters[axis]),))]  # fmt: skip


def _along(expr: Apply, letters: Letters) -> list[Product]:
    """Entry by entry, the place that its label says."""
    x, indices = expr.args
    axis = expr.parameters["axis"] % len(letters)
    (place,) = letters_for(shape_of(x)[axis : axis + 1])
    own = aligned((*letters[:axis], place, *letters[axis + 1 :]), shape_of(x))
    return [Product(((x, own),), (_labels(indices, aligned(letters, shape_of(indices)), shape_of(x)[axis], place),))]


def _scatter_add(expr: Apply, letters: Letters) -> list[Product]:
    """What is there, and each entry at the place that its label says."""
    x, indices, source = expr.args
    axis = expr.parameters["axis"] % len(letters)
    (mine,) = letters_for(shape_of(source)[axis : axis + 1])
    own = (*letters[:axis], mine, *letters[axis + 1 :])
    at = aligned(own, shape_of(indices))
    return [Product(((x, aligned(letters, shape_of(x))),)),
            Product(((source, aligned(own, shape_of(source))),),
                    (_labels(indices, at, expr.shape[axis], letters[axis]),))]  # fmt: skip


MEETING: Mapping[str, Rule] = {
    "einsum": _einsum, "kron": _kron, "cross": _cross, "solve": _solve, "where": _where, "broadcast_to": _broadcast,
    "cumprod_others": _others, "cofactor_along": _cofactors, "lyapunov": _lyapunov, "concat": _concat,
    "stack": _stack, "pad": _pad, "diagonal": _diagonal, "diag": _diagonal, "take": _take, "index_add": _index_add,
    "take_along_axis": _along, "scatter_add": _scatter_add, "zeros": lambda expr, letters: [], **WINDOWS,
}  # fmt: skip
"""How each operator's entry is made of its operands' entries."""
