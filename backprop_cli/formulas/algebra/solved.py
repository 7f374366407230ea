"""Definitions solved for what stands in them: where f is a h, h is f/a; where r is d - g log S, S is exp((d - r)/g)."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Expr, Mul, Pow, S, factor_terms

from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_op, shape_of, tree_size
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.positive import is_positive

GAIN = 2  # nodes by which what stands for a part has to be shorter
INVERTED = 4  # and by which, where a logarithm was inverted for it: 1 - xᵀx says more than exp(-f)
SHARE = 5  # and by which a node over one of its factors has to be shorter than its other factors
DEEPEST = 4
SHORTEST = 9  # nodes of a definition with a part that is longer than what it is solved for
LONGEST = 12  # nodes of what a part is replaced by
SHORT = 3  # of an operator in it


def solutions(symbol: TensorSymbol, definition: Expr) -> Iterator[tuple[Expr, Expr, Expr]]:
    """(part, form, divisor): parts of a definition, what each is in terms of the node, if the divisor is not 0."""
    if tree_size(definition) < SHORTEST:
        return
    for name in (f for f in Mul.make_args(definition) if isinstance(f, TensorSymbol)):  # Y = A Kᵃ Lᵇ: Kᵃ Lᵇ is Y/A
        rest = definition / name
        if shape_of(rest) == symbol.shape and tree_size(symbol / name) + SHARE <= tree_size(rest):
            yield rest, symbol / name, name
    form: Expr = symbol
    part: Expr = definition
    divisor: Expr = S.One
    for _ in range(DEEPEST):
        step = _peeled(part, form)
        if step is None:
            return
        part, form, below = step
        if tree_size(form) > LONGEST:
            return
        divisor *= below
        gain = INVERTED if any(is_op(a, "exp") for a in form.atoms(Apply)) else GAIN
        if shape_of(part) == symbol.shape and tree_size(form) + gain <= tree_size(part):
            yield part, form, divisor


def _peeled(part: Expr, form: Expr) -> tuple[Expr, Expr, Expr] | None:
    """One step from a definition to the longest thing in it."""
    if isinstance(part, (Add, Mul)):
        longest = max(part.args, key=tree_size)
        if isinstance(part, Add):
            return longest, form - (part - longest), S.One
        factor = part / longest
        if any(tree_size(a) > SHORT for a in factor.atoms(Apply)):
            return None
        return longest, form / factor, factor
    if isinstance(part, Pow) and part.exp == -1:
        return part.base, 1 / form, form
    if not is_op(part, "log") or not isinstance(part.args[0], Add):  # -log σ(x) or log Σeˣ says more than its name
        return None
    if any(is_op(a, "log") for a in form.atoms(Apply)):  # and e^(l - log s) says less than what it stands for
        return None
    return part.args[0], call("exp", {}, factor_terms(form)), S.One


def is_never_zero(expr: Expr, facts: Facts) -> bool:
    """Whether no entry of a factor is 0, whatever the numbers or in this run."""
    return expr.is_number or is_positive(expr, facts) or facts.never_zero(expr)
