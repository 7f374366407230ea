"""What runs over an axis: sums, means, the largest, softmax, running sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from sympy import Expr, Integer, S

from backprop_cli.engine.ops.base import axes_of
from backprop_cli.formulas.algebra.expr import Apply, exact, is_one, shape_of, size
from backprop_cli.formulas.notation.arguments import summed_names
from backprop_cli.formulas.notation.entrywise.walker import EntryWalker, Index, Row
from backprop_cli.formulas.notation.piece import MUL, POWER, Piece


def run_over(layout: EntryWalker, expr: Apply, indices: Index, of: Callable[[Index], Piece], sign: str = "Σ") -> Piece:
    """Σ over the axes that a reduction runs over, of what is at all indices."""
    shape = shape_of(expr.args[0])
    axes = axes_of(expr.parameters["axis"], len(shape))
    kept = [i for axis, i in enumerate(indices) if axis not in axes] if expr.parameters["keepdims"] else list(indices)

    def body(letters: Index) -> Piece:
        rest, summed = iter(kept), iter(letters)
        return of(tuple(next(summed) if axis in axes else next(rest) for axis in range(len(shape))))

    return layout.over([layout.along(expr.args[0], a) for a in axes], body, sign)


def reduced(sign: str) -> Row:
    """Σ, Π, max or min of the entries."""
    return lambda layout, expr, indices: run_over(
        layout, expr, indices, lambda at: layout.entry(expr.args[0], at), sign
    )


def mean(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """1/N Σ; of no entries it is no number."""
    shape = shape_of(expr.args[0])
    if any(shape[a] == 0 for a in axes_of(expr.parameters["axis"], len(shape))):
        return layout.entry(S.NaN, ())
    total = run_over(layout, expr, indices, lambda at: layout.entry(expr.args[0], at))
    counts = [size(shape[a]) for a in axes_of(expr.parameters["axis"], len(shape)) if not is_one(shape[a])]
    if not counts:
        return total
    one, _ = layout.notation.fraction(layout.entry(S.One, ()), layout.entry(prod(counts, start=S.One), ()))
    return Piece(one + layout.between + layout.notation.bracket(total.text), MUL)


def variance(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """1/3 · (Σ_a (x[i,a] - 1/3 · (Σ_b x[i,b]))²), unless its axes have names to call it by: var_d(x)[i]."""
    given, x = dict(expr.parameters), expr.args[0]
    less = given.pop("ddof")
    if not less and given["axis"] is not None and summed_names(expr, layout.taken):
        return None
    axes = axes_of(given["axis"], len(shape_of(x)))
    kept = tuple(1 if axis in axes else n for axis, n in enumerate(shape_of(x)))
    apart = (x - Apply("mean", (x,), {**given, "keepdims": True}, kept)) ** 2
    if not less:
        return layout.entry(Apply("mean", (apart,), given, expr.shape), indices)
    entries = prod((size(shape_of(x)[axis]) for axis in axes), start=S.One)
    return layout.entry(Apply("sum", (apart,), given, expr.shape) / (entries - less), indices)


def deviation(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """The root of the variance."""
    found = variance(layout, Apply("var", expr.args, expr.parameters, expr.shape), indices)
    return None if found is None else layout.notation.root(found)


def standardized(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """(x[i,d] - 1/D · (Σ_a x[i,a])) / √(var_d(x)[i] + 1e-5): what σ² of a row is has a name in books, too."""
    x = expr.args[0]
    shape, eps = shape_of(x), exact(expr.parameters["eps"])
    axes = axes_of(expr.parameters["axis"], len(shape))
    given = {"axis": axes[0] if len(axes) == 1 else axes, "keepdims": True}
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    center, spread = Apply("mean", (x,), given, kept), Apply("var", (x,), {**given, "ddof": 0}, kept)
    return layout.entry((x - center) / (spread + eps) ** S.Half, indices)


def log_of_sum(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """log Σ exp."""
    total = run_over(layout, expr, indices, lambda at: exponential(layout, expr.args[0], at))
    return layout.function("log", [total])


def norm(layout: EntryWalker, expr: Apply, indices: Index) -> Piece | None:
    """√ Σ x²; any norm but the Euclidean is written whole."""
    axis, order = expr.parameters["axis"], expr.parameters["ord"]
    if order is not None and not (order == 2 and (isinstance(axis, int) or len(shape_of(expr.args[0])) == 1)):
        return None
    x = expr.args[0]
    total = run_over(layout, expr, indices, lambda at: Piece(
        layout.notation.superscript(layout.entry(x, at), layout.entry(Integer(2), ()), 2), POWER))  # fmt: skip
    return layout.notation.root(total)


def exponential(layout: EntryWalker, of: Expr, at: Sequence[str]) -> Piece:
    """exp x[i]."""
    return layout.function("exp", [layout.entry(of, tuple(at))])


def beside(layout: EntryWalker, expr: Apply, indices: Index, of: Callable[[Index], Piece]) -> Piece:
    """Σ over the axes of a softmax."""
    axes = axes_of(expr.parameters["axis"], len(indices))

    def body(letters: Index) -> Piece:
        there = dict(zip(axes, letters, strict=True))
        return of(tuple(there.get(axis, i) for axis, i in enumerate(indices)))

    return layout.over([layout.along(expr.args[0], axis) for axis in axes], body)


def softmax(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """exp z[n,k] / Σ_l exp z[n,l]."""

    def one(at: Index) -> Piece:
        return exponential(layout, expr.args[0], at)

    return layout.quotient(one(indices), beside(layout, expr, indices, one))


def log_softmax(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """z[n,k] - log(Σ_l exp z[n,l])."""
    total = beside(layout, expr, indices, lambda at: exponential(layout, expr.args[0], at))
    return layout.added([(False, layout.entry(expr.args[0], indices)), (True, layout.function("log", [total]))])


def log_of_running(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """log(Σ_j [j ≤ i] · exp(x[j]))."""
    x = expr.args[0]
    total = Apply("cumsum", (Apply("exp", (x,), {}, expr.shape),), {"axis": expr.parameters["axis"]}, expr.shape)
    return layout.function("log", [running(layout, total, indices)])


def running(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """Σ_j [j ≤ i] · x[j]; a number is its own sum."""
    x = expr.args[0]
    if not indices:
        return layout.entry(x, indices)
    axis = expr.parameters["axis"] % len(indices)

    def body(letters: Index) -> Piece:
        entry = layout.entry(x, (*indices[:axis], *letters, *indices[axis + 1 :]))
        return layout.compared("less_equal", letters[0] or "0", indices[axis] or "0", entry)

    return layout.over([layout.along(x, axis)], body)


Conditions = Callable[[str, str], Sequence[tuple[str, str, str]]]
"""How the places k that are multiplied compare with the place i of the entry."""


def multiplied_along(layout: EntryWalker, x: Expr, axis: int, indices: Index, where: Conditions) -> Piece:
    """Π_k x[k]^[k ≤ i]: of an axis what compares so; x⁰ is 1, that of 0 too."""

    def body(letters: Index) -> Piece:
        entry = layout.entry(x, (*indices[:axis], *letters, *indices[axis + 1 :]))
        return layout.raised(where(letters[0] or "0", indices[axis] or "0"), entry)

    return layout.over([layout.along(x, axis)], body, "Π")


def running_product(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """Π_k x[k]^[k ≤ i]; a number is its own product."""
    if not indices:
        return layout.entry(expr.args[0], indices)
    axis = expr.parameters["axis"] % len(indices)
    return multiplied_along(layout, expr.args[0], axis, indices, lambda k, i: [("less_equal", k, i)])


def product_of_others(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """Π_k x[k]^[k ≠ i]; over several axes Π_k,l x[k,l]^[(k,l) ≠ (i,j)]."""
    x = expr.args[0]
    axes = axes_of(expr.parameters["axis"], len(indices))

    def body(letters: Index) -> Piece:
        there = dict(zip(axes, letters, strict=True))
        at = tuple(there.get(axis, i) for axis, i in enumerate(indices))
        other = [axis for axis in axes if there[axis]]
        sides = [_together([one[axis] or "0" for axis in other]) for one in (at, indices)]
        return layout.raised([("not_equal", sides[0], sides[1])], layout.entry(x, at))

    return layout.over([layout.along(x, axis) for axis in axes], body, "Π")


def _together(indices: Sequence[str]) -> str:
    """One index, or several as a place: (k,l)."""
    return indices[0] if len(indices) == 1 else f"({','.join(indices)})" if indices else "0"


def running_product_back(layout: EntryWalker, expr: Apply, indices: Index) -> Piece:
    """Σ_j [j ≥ i] · g[j] · (Π_k x[k]^([k ≤ j] · [k ≠ i])): the gradient of a running product; of a number's, g."""
    x, g = expr.args
    if not indices:
        return layout.entry(g, indices)
    axis = expr.parameters["axis"] % len(indices)
    here = indices[axis] or "0"

    def body(letters: Index) -> Piece:
        at = (*indices[:axis], *letters, *indices[axis + 1 :])
        rest = multiplied_along(layout, x, axis, at, lambda k, j: [("less_equal", k, j), ("not_equal", k, here)])
        return layout.compared("greater_equal", at[axis] or "0", here, layout.multiplied([layout.entry(g, at), rest]))

    return layout.over([layout.along(g, axis)], body)


ROWS: Mapping[str, Row] = {
    "sum": reduced("Σ"), "prod": reduced("Π"), "max": reduced("max"), "min": reduced("min"), "mean": mean,
    "logsumexp": log_of_sum, "norm": norm, "softmax": softmax,
    "standardize": standardized, "var": variance, "log_softmax": log_softmax,
    "cumsum": running, "logcumsumexp": log_of_running, "std": deviation, "cumprod": running_product,
    "prod_others": product_of_others, "cumprod_others": running_product_back,
}  # fmt: skip
