"""What is above 0 everywhere: as the spec states of a leaf, or by its form (eˣ, σ(x), sums and products of such)."""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow

from backprop_cli.formulas.algebra.expr import Apply, SizeSymbol, TensorSymbol
from backprop_cli.formulas.algebra.facts import Facts

POSITIVE = frozenset(("exp", "sigmoid", "softmax", "softplus", "cosh"))
KEEPING = frozenset(("sum", "mean", "index", "expand_dims", "reshape", "transpose", "sqrt", "stop_gradient"))
DEEPEST = 12


def is_positive(expr: Expr, facts: Facts, depth: int = 0, seen: bool = False) -> bool:
    """Whether every entry is above 0, whatever the numbers; `seen`: that a scalar input is, in this run, will do."""
    if depth > DEEPEST:
        return False
    if isinstance(expr, TensorSymbol):
        made = facts.definitions.get(expr)
        if "positive" in facts.claims(expr) or seen and facts.seen_positive(expr):
            return True
        return made is not None and is_positive(made, facts, depth + 1, seen)
    if isinstance(expr, SizeSymbol):
        return True
    if expr.is_number:
        return bool(expr.is_comparable and expr > 0)
    if isinstance(expr, Pow):
        return is_positive(expr.base, facts, depth + 1, seen)  # all exponents are real
    parts = expr.args if isinstance(expr, Add | Mul) or isinstance(expr, Apply) and expr.name in KEEPING else ()
    if isinstance(expr, Apply) and expr.name in POSITIVE:
        return True
    return bool(parts) and all(is_positive(a, facts, depth + 1, seen) for a in parts)
