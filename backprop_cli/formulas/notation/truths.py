"""Which parts of a formula are truths in numpy, not numbers: comparisons, and what is made of them alone.

numpy refuses `-` between two of them, takes `+` for "or", and a product of two such matrices for "any".  So in `code`,
which is to be pasted there too, one of them is made a number: `1 * (x > 0) - (y > 0)`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Expr, Mul

from backprop_cli.formulas.algebra.expr import Apply

COMPARISONS = frozenset({"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"})
KEEPING = frozenset({
    "max", "min", "maximum", "minimum", "index", "reshape", "transpose", "expand_dims", "squeeze", "broadcast_to",
    "concat", "stack", "flip", "roll", "take", "diagonal", "diag", "tril", "triu", "outer",
})  # fmt: skip
"""Functions that give truths of truths."""


def is_truth(expr: Expr) -> bool:
    """Whether numpy takes a part for truths."""
    if isinstance(expr, Mul):
        return all(map(is_truth, expr.args))
    return isinstance(expr, Apply) and (expr.name in COMPARISONS or expr.name in KEEPING and are_truths(expr.args))


def are_truths(parts: Iterable[Expr]) -> bool:
    """Whether all of some parts are, and there are any."""
    listed = list(parts)
    return bool(listed) and all(map(is_truth, listed))
