"""Masks that exclude each other: [x > y] is 1 - [x < y] where no entries are equal."""

from __future__ import annotations

from sympy import Add, Expr, Mul, S, expand_mul

from backprop_cli.formulas.algebra.cost import reading_cost
from backprop_cli.formulas.algebra.expr import MASKS, Apply, is_op, tree_size
from backprop_cli.formulas.algebra.factoring import of_sums
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.scalars import split_sum
from backprop_cli.formulas.algebra.skeleton import pointwise_parts

COMPARISONS = MASKS - {"eye", "one_hot"}


MOVES = frozenset({"reshape", "expand_dims", "squeeze", "broadcast_to", "transpose", "index", "take", "take_along_axis",
                   "flip", "roll", "tril", "triu", "concat", "stack", "maximum", "minimum", "prod", "max",
                   "min", "sign", "ones"})  # fmt: skip
"""Operators that make 0/1 of 0/1."""


def is_truth(expr: Expr, facts: Facts, steps: int = 30) -> bool:
    """Whether each entry is 0 or 1, whatever the numbers: a comparison, a leaf stated to be a mask, what these make."""
    if expr in {S.Zero, S.One} or facts.is_mask(expr) or isinstance(expr, Apply) and expr.name in MASKS:
        return True
    made: tuple[Expr | None, ...] = (facts.definitions.get(expr),)
    if isinstance(expr, Mul) or isinstance(expr, Apply) and expr.name in MOVES:
        made = expr.args
    elif isinstance(expr, Add) and len(expr.args) == 2 and expr.args[0] == 1:
        made = (-expr.args[1],)
    return steps > 0 and all(part is not None and is_truth(part, facts, steps - 1) for part in made)


@of_sums
def by_branches(expr: Add) -> Expr:
    """[x > 0] a + (1 - [x > 0]) b as where(x > 0, a, b), and so [x > 0] a - ([x > 0] - 1) b."""
    if len(expr.args) != 2:
        return expr
    for one, other in (expr.args, expr.args[::-1]):
        for mask in Mul.make_args(one):
            if isinstance(mask, Apply) and mask.name in COMPARISONS:
                left = next((f for f in Mul.make_args(other) if f in {1 - mask, mask - 1}), None)
                if left is not None:
                    sign = S.One if left == 1 - mask else S.NegativeOne
                    return call("where", {}, mask, one / mask, sign * other / left)
    return expr


@of_sums
def without_gap(expr: Add, facts: Facts) -> Expr:
    """[x > 0] a + [x < 0] b as where(x > 0, a, b), in a run in which no x is 0   (A8b)."""
    if len(expr.args) != 2:
        return expr
    for one, other in (expr.args, expr.args[::-1]):
        for mask in Mul.make_args(one):
            twin = call("less", {}, *mask.args) if isinstance(mask, Apply) and mask.name == "greater" else None
            if twin is not None and twin in Mul.make_args(other) and facts.never_equal(*mask.args):
                return call("where", {}, mask, one / mask, other / twin)
    return expr


def without_twin_masks(expr: Expr, facts: Facts) -> Expr:
    """τ [x < y] - (1 - τ) [x > y] by one mask, in a run that has no ties; a formula without numbers keeps both."""
    if not isinstance(expr, Add):
        return expr
    masks = [p for p in pointwise_parts(expr) if isinstance(p, Apply) and p.name in {"less", "greater"}]
    for mask in masks if len(masks) > 1 else ():
        twin = next((m for m in masks if m.name != mask.name and m.args == mask.args), None)
        if twin is not None and facts.never_equal(*mask.args):
            found = (expand_mul(expr.xreplace({one: 1 - other})) for one, other in ((twin, mask), (mask, twin)))
            return min(found, key=lambda e: (reading_cost(e), tree_size(e)))
    return expr


def unclipped(expr: Expr, facts: Facts) -> Expr:
    """The slope of min(r A, clip(r, a, b) A) as A [r A <= clip(r, a, b) A]: the same within the bounds   (A10)."""
    total = next((f for f in Mul.make_args(expr) if isinstance(f, Add)), None)
    compared = [m for m in total.atoms(Apply) if m.name == "less"] if total is not None else []
    bounded = {f for mask in compared for side in mask.args for f in Mul.make_args(side)}
    clips = [(c, made) for c in bounded if is_op(made := facts.definitions.get(c, c), "clip")]
    if total is None or len(clips) != 1:
        return expr
    clip, (r, low, high) = clips[0][0], clips[0][1].args
    inside = call("greater_equal", {}, r, low) * call("less_equal", {}, r, high)
    factor, slopes = split_sum(total)
    for mask in (m for m in total.atoms(Apply) if m.name in {"less", "greater"}):
        own, limited = mask.args if r in Mul.make_args(mask.args[0]) else mask.args[::-1]
        if own / r * clip != limited or not all(f in Mul.make_args(expr) for f in Mul.make_args(own / r)):
            continue
        more, less, same = (call(name, {}, own, limited) for name in ("greater", "less", "equal"))
        for slope in (inside * (same / 2 + more) + same / 2 + less, inside * more + less):
            if slope in {slopes, -slopes}:
                sign = S.One if slope == slopes else S.NegativeOne
                return expr / total * factor * sign * call("less_equal", {}, own, limited)
    return expr
