"""Definitions folded back, whatever their form (D2): (x - mu)/sigma in the middle of a formula is the node x_hat.

A named node that is an operator or a sum is found as a whole; one that is a product is found among the factors of
another, also below a fraction bar and with the sign of a difference turned.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.formulas.algebra.cost import reading_cost
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, symbols_of, tree_size
from backprop_cli.formulas.algebra.facts import Facts

MAX_NODES = 320
MAX_DEFINITION = 40  # a longer one is not found in a formula that anybody reads


def folded(expr: Expr, facts: Facts) -> Expr:
    """The expression with the names of nodes in place of what they are defined as, where that reads better."""
    if not (facts.named or facts.wholes) or tree_size(expr) > MAX_NODES or not facts.budget.allows(tree_size(expr)):
        return expr
    return _folded(expr, facts)


def name_definition(symbol: TensorSymbol, definition: Expr, facts: Facts) -> None:
    """Remember what a named node is defined as, by the parts that it can be recognised by."""
    if tree_size(definition) > MAX_DEFINITION or isinstance(definition, TensorSymbol):
        return
    if isinstance(definition, (Apply, Add)):
        facts.wholes.setdefault(definition, symbol)
        if isinstance(definition, Add):
            facts.unturned.setdefault(symbols_of(definition), []).append((definition, symbol))
    _name_part(symbol, definition, facts)
    constant, rest = definition.as_coeff_Add()
    if constant != 0 and not isinstance(rest, Add):  # of D = 1 - 2 a/b, 2 a/b is 1 - D
        _name_part(constant - symbol, -rest, facts)


def _name_part(symbol: Expr, definition: Expr, facts: Facts) -> None:
    """A product by its factors; what has a minus in front, without it."""
    if not isinstance(definition, (Mul, Pow)):
        return
    sign, rest = definition.as_coeff_Mul()
    if sign == -1 and isinstance(rest, Apply):
        facts.wholes.setdefault(rest, -symbol)
    powers = [b for b in definition.as_powers_dict() if not b.is_number]
    if any(not isinstance(b, TensorSymbol) for b in powers):
        facts.named[symbol] = definition
        for base in powers:
            facts.factors.setdefault(base, []).append(symbol)


def _whole(expr: Expr, facts: Facts) -> Expr | None:
    """The named node that an expression is, as it stands or with its sign turned."""
    if isinstance(expr, Add):
        for definition, symbol in facts.unturned.pop(symbols_of(expr), ()):  # only where such a sum is met
            facts.wholes.setdefault(-definition, -symbol)
    return facts.wholes.get(expr)


def _folded(expr: Expr, facts: Facts) -> Expr:
    if not expr.args:
        return expr
    found = facts.folded.get(expr)
    if found is None:
        found = facts.folded[expr] = _one(expr, facts)
    return found


def _one(expr: Expr, facts: Facts) -> Expr:
    whole = _whole(expr, facts)
    if whole is not None:
        return whole
    parts = [_folded(a, facts) for a in expr.args]
    if any(a is not b for a, b in zip(parts, expr.args, strict=True)):
        expr = expr.func(*parts)
    return _product(expr, facts) if isinstance(expr, (Mul, Pow)) else expr


def _product(expr: Expr, facts: Facts) -> Expr:
    """A product with the nodes that are products of some of its factors, as long as that reads better."""
    best = turned = _turned(expr, facts)
    better = True
    while better and isinstance(best, (Mul, Pow)):
        shorter = [e for e in _candidates(best, facts) if _cost(e) < _cost(best)]
        better = bool(shorter)
        best = min(shorter, key=_cost, default=best)
    return expr if best is turned else best


def _candidates(expr: Expr, facts: Facts) -> Iterator[Expr]:
    powers = expr.as_powers_dict()
    seen = dict.fromkeys(symbol for base in powers for symbol in facts.factors.get(base, ()))
    for symbol in seen:
        definition = facts.named[symbol]
        wanted = [(b, e) for b, e in definition.as_powers_dict().items() if not b.is_number]
        for sign in (S.One, S.NegativeOne):
            if all(b in powers and _within(e * sign, powers[b]) for b, e in wanted):
                yield expr / definition**sign * symbol**sign


def _within(wanted: Expr, had: Expr) -> bool:
    """Whether a power can be taken out of another: the same sign, and no larger."""
    return wanted == had or bool(wanted.is_Rational and had.is_Rational and 0 < wanted / had <= 1)


def _turned(expr: Expr, facts: Facts) -> Expr:
    """m - x as -(x - m) where a node's definition holds x - m."""
    parts = []
    for factor in Mul.make_args(expr):
        base = factor.base if isinstance(factor, Pow) and factor.exp.is_Integer else factor
        exponent = S.One if factor is base else factor.exp
        turn = isinstance(base, Add) and base not in facts.factors and -base in facts.factors
        parts += [S.NegativeOne**exponent, (-base) ** exponent] if turn else [factor]
    return Mul(*parts)


def _cost(expr: Expr) -> tuple[int, int]:
    return reading_cost(expr), tree_size(expr)
