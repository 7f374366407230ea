"""A factor that joins a product with which it has nothing to do.

Every rule about products looks at all of their factors, so that a chain of n functions would be looked at n² times.
No rule brings a function of one node together with factors that do not name that node, unless a definition has it.
"""

from __future__ import annotations

from sympy import Add, Expr, Pow

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, shape_of, symbols_of
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.skeleton import mixes
from backprop_cli.formulas.algebra.work import grown_from, parts_of, remembered_of_parts


def joined(expr: Expr, facts: Facts) -> Expr | None:
    """The product that `expr` was before a factor joined it that has nothing to do with it; None where none did."""
    before, factor = grown_from(expr) or (expr, expr)
    free = before is not expr and _is_free(factor, facts) and shape_of(factor) == shape_of(before)
    return before if free and symbols_of(factor).isdisjoint(symbols_of(before)) and _is_plain(before) else None


def _is_free(factor: Expr, facts: Facts) -> bool:
    """Whether a factor is a function of one node, which is in no definition."""
    if not isinstance(factor, Apply) or not OPS[factor.name].pointwise:
        return False
    plain = len(factor.args) == 1 and isinstance(factor.args[0], TensorSymbol)
    return plain and not any(factor in known for known in (facts.factors, facts.wholes, facts.solved))


def _is_plain(expr: Expr) -> bool:
    """Whether no factor beside it may change its form: it is entry by entry, and no fraction with a sum in it."""
    return not isinstance(expr, Add) and not mixes(expr) and len(_kinds(expr)) < 2


@remembered_of_parts
def _kinds(expr: Expr) -> frozenset[str]:
    """Whether there are sums and fractions in an expression."""
    found = frozenset[str]().union(*map(_kinds, parts_of(expr)))
    fraction = isinstance(expr, Pow) and expr.exp.could_extract_minus_sign()
    return found | {"sum"} if isinstance(expr, Add) else found | {"fraction"} if fraction else found
