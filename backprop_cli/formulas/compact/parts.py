"""The parts of a formula: which hold a gradient, how often each is written, which factors products share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sympy import Expr, Mul

from backprop_cli.formulas.algebra.expr import Delta, GradSymbol, shape_of, symbols_of, tree_size

LINE = 80
"""Characters that a reader takes in as one line."""

WHOLE = 120
"""A chained formula may grow to so many nodes on the way: what it collapses to may still fit the line."""

NAMED = 12
"""A part is given a name only where its formula is longer than that."""

SHORT = 10
"""What is written twice may be as long as that, although it has a name."""

LONGEST = 100
"""Above so many, parts of a formula get names: a printed page is no wider."""

GROUP = 4
"""A sum or a product of more terms than that is named in groups."""


def deltas_of(expr: Expr) -> set[Delta]:
    """The δ in a formula."""
    return {s for s in symbols_of(expr) if isinstance(s, Delta)}


def is_gradient(symbol: Expr) -> bool:
    """Whether a symbol stands for a gradient."""
    return isinstance(symbol, (GradSymbol, Delta))


def is_upstream(expr: Expr) -> bool:
    """Whether a part holds a gradient."""
    return any(map(is_gradient, symbols_of(expr)))


def is_scaled_symbol(expr: Expr) -> bool:
    """A symbol, or one times a scalar: as short as a name for it."""
    tensors = [f for f in Mul.make_args(expr) if shape_of(f)]
    return len(tensors) < 2 and not any(f.args for f in tensors)


def divided(expr: Expr, factors: frozenset[Expr], name: Delta) -> Expr:
    """With the name in place of these factors in every product that has them, innermost products first."""
    while True:
        found = [p for p in parts_of(expr) if isinstance(p, Mul) and factors <= set(p.args)]
        if not found:
            return expr
        one = min(found, key=tree_size)
        expr = expr.xreplace({one: Mul(name, *[f for f in one.args if f not in factors])})


def occurrences(expr: Expr) -> Counter[Expr]:
    """How often each part is written; what stands inside a repeated part counts once."""
    count: Counter[Expr] = Counter()
    stack = [expr]
    while stack:
        part = stack.pop()
        count[part] += 1
        if count[part] == 1:
            stack.extend(part.args)
    return count


def parts_of(expr: Expr) -> Iterable[Expr]:
    """Every part, once."""
    return occurrences(expr)
