"""Row sums of products of matrices by the names of other products: of A ⊙ (G·Vᵀ) as those of G ⊙ O   (S14)."""

from __future__ import annotations

from sympy import Expr, Mul, S

from backprop_cli.formulas.algebra.expr import Apply, is_op, shape_of, symbols_of
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.products import multiplied_out
from backprop_cli.formulas.algebra.transposes import swap
from backprop_cli.formulas.algebra.work import parts_of, remembered_of_parts


def with_row_sums(expr: Expr, facts: Facts) -> Expr:
    """Row sums of A ⊙ (G·Vᵀ) as those of G ⊙ O, where O is A·V: in a formula that is finished   (S14).

    A formula that names the gradient of A already says G·Vᵀ with one name.  So does Σ(G ⊙ S)/c, where S is c A·V, if
    c goes then.
    """
    found = {total: rows for total in _weighted(expr) if (rows := _rows(total, facts)) is not None}
    made = expr.xreplace({total: rows / scale for total, (rows, scale) in found.items()}) if found else expr
    return made if all(symbols_of(scale).isdisjoint(symbols_of(made)) for _, scale in found.values()) else expr


@remembered_of_parts
def _weighted(expr: Expr) -> frozenset[Apply]:
    """The row sums of products in an expression that some factor of is a product of matrices."""
    found = frozenset[Apply]().union(*map(_weighted, parts_of(expr)))
    if not is_op(expr, "sum") or len(shape_of(expr.args[0])) != 2 or expr.parameters["axis"] not in {1, None}:
        return found
    return found | {expr} if any(is_op(f, "matmul") for f in Mul.make_args(expr.args[0])) else found


def _rows(expr: Apply, facts: Facts) -> tuple[Expr, Expr] | None:
    """Row sums by a node, and the scalar by which that node is more."""
    inner = expr.args[0]
    for product in Mul.make_args(inner):
        weights = inner / product
        if not is_op(product, "matmul") or shape_of(weights) != product.shape:
            continue
        for cut in range(1, len(product.args)):
            before, after = product.args[:cut], product.args[cut:]
            whole = multiplied_out((weights, *map(swap, reversed(after))))
            named, scale = _named(whole, facts)
            if named is not None:
                return call("sum", expr.parameters, multiplied_out(before) * named), scale
    return None


def _named(product: Expr, facts: Facts) -> tuple[Expr | None, Expr]:
    """The node that a product of matrices is, or a scalar times it, and that scalar."""
    if (named := facts.wholes.get(product)) is not None:
        return named, S.One
    made = (one for listed in facts.factors.values() for one in listed)
    scaled = ((name, d / product) for name, d in made if isinstance(d, Mul) and product in d.args)
    return next(((name, scale) for name, scale in scaled if not shape_of(scale)), (None, S.One))
