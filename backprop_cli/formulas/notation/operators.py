"""How each operator is laid out: products of matrices, transposes, sums, masks; any other is a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sympy import Expr, Integer, S

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import axes_of
from backprop_cli.engine.ops.windows import SPACES
from backprop_cli.formulas.algebra.expr import Apply, is_op, shape_of
from backprop_cli.formulas.algebra.positions import is_unit_vector, unit_product
from backprop_cli.formulas.algebra.transposes import is_matrix_transpose
from backprop_cli.formulas.notation.arguments import summed_names
from backprop_cli.formulas.notation.picking import added_at, along, by_labels, by_unit, padded, reshaped, taken
from backprop_cli.formulas.notation.piece import ADD, ATOM, CALL, MATMUL, POWER, Piece
from backprop_cli.formulas.notation.truths import are_truths
from backprop_cli.formulas.notation.walker import Walker
from backprop_cli.formulas.notation.windows import correlated, shared, spread, unpooled


def chain(layout: Walker, expr: Apply) -> Piece:
    """A product of matrices; the first factor of a scalar or row product is a row."""
    first, *rest = expr.args
    row = len(shape_of(first)) == 1
    texts = [layout.notation.row(layout.within(first, CALL)) if row else factor(layout, first)]
    texts += [factor(layout, a) for a in rest]
    if layout.notation.truth_counts and are_truths(expr.args):
        texts[0] = layout.notation.bracket(layout.notation.scaled(layout.notation.number(S.One), texts[0]))
    return Piece(layout.notation.chained(texts), MATMUL)


def factor(layout: Walker, expr: Expr) -> str:
    """A factor of a chain of matrices."""
    return layout.within(expr, MATMUL + 1)


def outer(layout: Walker, expr: Apply) -> Piece:
    """x yᵀ."""
    left, right = expr.args
    if not layout.notation.has_outer:
        return layout.call(expr)
    return Piece(layout.notation.outer(factor(layout, left), layout.within(right, CALL)), MATMUL)


def transposed(layout: Walker, expr: Apply) -> Piece:
    """Aᵀ, A⁻ᵀ, or a call for any other order of axes."""
    order = expr.parameters["axes"]
    base = expr.args[0]
    rank = len(order)
    if isinstance(base, Apply) and base.name == "inv" and is_matrix_transpose(order) and rank == 2:
        return Piece(layout.notation.inverse_transpose(layout.walk(base.args[0])), POWER)
    if isinstance(base, Apply) and base.name == "pinv" and rank == 2 and base.parameters["rcond"] is None:
        return Piece(layout.notation.pseudo_inverse_transpose(layout.walk(base.args[0])), POWER)
    if is_matrix_transpose(order):
        return Piece(layout.notation.transpose(layout.walk(base), order), POWER)
    return layout.call(expr)


def inverted(layout: Walker, expr: Apply) -> Piece:
    """A⁻¹."""
    return Piece(layout.notation.inverse(layout.walk(expr.args[0])), POWER)


def powered(layout: Walker, expr: Apply) -> Piece:
    """A matrix power or a number's unevaluated one."""
    if expr.name == "power" and expr.args[1] == -1:
        return Piece(*layout.notation.fraction(layout.walk(S.One), layout.walk(expr.args[0])))
    if expr.name == "power":
        return Piece(layout.notation.superscript(layout.walk(expr.args[0]), layout.walk(expr.args[1]), None), POWER)
    return layout.call(expr)


def summed(layout: Walker, expr: Apply) -> Piece:
    """Σ over axes."""
    if expr in layout.exact:
        return layout.call(expr)
    batched = None if layout.notation.names_axes else _batch_einsum(expr)
    if batched is not None:
        subscripts, operands = batched
        return layout.notation.named_call("einsum", [f"'{subscripts}'", *(layout.walk(o).text for o in operands)])
    return layout.notation.summation(layout.walk(expr.args[0]), expr, summed_names(expr, layout.taken))


def _batch_einsum(expr: Apply) -> tuple[str, tuple[Expr, Expr]] | None:
    """Σ_b(Xᵀ · G) over the whole batch: its subscripts and the two operands without their transposes."""
    product = expr.args[0]
    if not is_op(product, "matmul") or len(product.args) != 2 or expr.parameters["keepdims"]:
        return None
    ranks = {len(shape_of(a)) for a in product.args}
    axes = axes_of(expr.parameters["axis"], len(product.shape))
    if len(ranks) != 1 or min(ranks) < 3 or axes != tuple(range(len(product.shape) - 2)):
        return None
    if any(shape_of(a)[:-2] != product.shape[:-2] for a in product.args):
        return None
    batch, (first, shared, last) = "abcdefg"[: len(axes)], "ijk"
    letters = [first + shared, shared + last]
    turned = [is_op(a, "transpose") and is_matrix_transpose(a.parameters["axes"]) for a in product.args]
    subscripts = ",".join(batch + (two[::-1] if turn else two) for two, turn in zip(letters, turned, strict=True))
    left, right = (a.args[0] if turn else a for a, turn in zip(product.args, turned, strict=True))
    return f"{subscripts}->{first}{last}", (left, right)


def reduced(layout: Walker, expr: Apply) -> Piece:
    """A mean over named axes; any other reduction is a call."""
    plain = all(OPS[expr.name].signature.parameters.get(n) == v for n, v in expr.parameters.items()
                if n not in {"axis", "keepdims"})  # fmt: skip
    if not layout.notation.names_axes or expr.parameters["axis"] is None or not plain or \
            expr in layout.exact or not (letters := summed_names(expr, layout.taken)):  # fmt: skip
        return layout.call(expr)
    return layout.notation.reduction(expr.name, layout.walk(expr.args[0]), letters)


def pseudo_inverted(layout: Walker, expr: Apply) -> Piece:
    """X⁺."""
    if expr.parameters["rcond"] is not None:
        return layout.call(expr)
    return Piece(layout.notation.pseudo_inverse(layout.walk(expr.args[0])), layout.notation.pseudo_inverse_level)


def scattered(layout: Walker, expr: Apply) -> Piece:
    """e[k], e[j] · e[k]ᵀ; with its size where that could not be seen; zeros beside a slice; or a call."""
    if is_unit_vector(expr):
        clear = layout.unit and expr not in layout.exact
        return layout.notation.unit_vector(expr, layout.unit) if clear else sized_unit(layout, expr)
    product = unit_product(expr)
    if product is not expr and layout.notation.names_axes:
        return layout.walk(product)
    made = padded(expr) or ((by_labels(expr) or by_unit(expr)) if layout.notation.names_axes else None)
    return layout.call(expr) if made is None else layout.walk(made)


def sized_unit(layout: Walker, expr: Apply) -> Piece:
    """one_hot(k, n)."""
    (n,) = expr.shape
    return layout.call(Apply("one_hot", (Integer(expr.parameters["index"][0] % n),), {"n": n}, expr.shape))


def identity(layout: Walker, expr: Apply) -> Piece:
    """I, or a call where its size could not be seen, or is not square."""
    if not layout.notation.identity or "I" in layout.taken or expr in layout.exact or expr.shape[0] != expr.shape[1]:
        return layout.call(expr)
    return Piece(layout.notation.identity, ATOM)


def indexed(layout: Walker, expr: Apply) -> Piece:
    """x[...]; of the identity with its size, which nothing else shows."""
    x = expr.args[0]
    base = layout.call(x).text if is_op(x, "eye") else layout.within(x, CALL)
    return Piece(layout.notation.index(base, expr), CALL)


def expanded(layout: Walker, expr: Apply) -> Piece:
    """New axes."""
    return layout.notation.expanded(layout.walk(expr.args[0]), expr)


def compared(layout: Walker, expr: Apply) -> Piece:
    """A comparison in brackets."""
    left, right = expr.args
    return layout.notation.comparison(expr.name, layout.within(left, ADD), layout.within(right, ADD))


def listed(layout: Walker, expr: Apply) -> Piece:
    """Scalars as a vector, rows of them as a matrix; a call where others are joined."""
    rows = [a.args if is_op(a, "stack") else (a,) for a in expr.args]
    inner = {shape_of(a) for a in expr.args}
    plain = inner == {()} or {*map(type, expr.args)} == {Apply} and all(is_op(a, "stack") for a in expr.args)
    if expr.parameters["axis"] != 0 or not plain or any(shape_of(a) for row in rows for a in row):
        return layout.call(expr)
    cells = [[layout.walk(a).text for a in row] for row in rows]
    return layout.notation.array(cells, len(expr.shape)) or layout.call(expr)


OPERATORS: Mapping[str, Callable[[Walker, Apply], Piece]] = {
    "matmul": chain, "outer": outer, "transpose": transposed, "inv": inverted, "sum": summed, "scatter": scattered,
    "index": indexed, "take": taken, "take_along_axis": along, "reshape": reshaped,
    "expand_dims": expanded, "eye": identity, "power": powered,
    "pinv": pseudo_inverted, "stack": listed,
    **{f"conv{n}d_weight": correlated for n in SPACES}, "index_add": added_at,
    **{f"conv_transpose{n}d": spread for n in SPACES},
    **{f"max_unpool{n}d": unpooled for n in SPACES},
    **{f"avg_unpool{n}d": shared for n in SPACES},
    **dict.fromkeys(("mean", "var", "std", "max", "min", "prod", "logsumexp"), reduced),
    **dict.fromkeys(("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"), compared),
}  # fmt: skip
