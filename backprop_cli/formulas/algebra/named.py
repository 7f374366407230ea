"""Which nodes name factors of a product, also below a fraction bar, turned round, or within a sum that is a factor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.engine.ops.base import axes_of
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, shape_of, symbols_of, tree_size
from backprop_cli.formulas.algebra.factoring import combined, with_powers
from backprop_cli.formulas.algebra.facts import REDUCTIONS, Facts
from backprop_cli.formulas.algebra.formula import Formula, build
from backprop_cli.formulas.algebra.positive import is_positive
from backprop_cli.formulas.algebra.scalars import divisors, is_below, powers_of
from backprop_cli.formulas.algebra.solved import is_never_zero
from backprop_cli.formulas.algebra.sums import absent


def stays_nonzero(expr: Expr, facts: Facts) -> bool:
    """Whether a formula may divide by what the definitions do not: a computed number may come to 0 in another run."""
    is_given = all(s.leaf for s in symbols_of(expr)) and is_never_zero(expr, facts)
    return is_given or expr.is_number or is_positive(expr, facts)


def candidates(expr: Expr, facts: Facts) -> Iterator[Expr]:
    """A product with a node in place of the factors that it is made of, each node in turn."""
    powers = powers_of(expr)
    seen = dict.fromkeys(named for base in powers for named in facts.factors.get(base, ()))
    for symbol, definition in seen:
        wanted = [(b, e) for b, e in powers_of(definition).items() if not b.is_number]
        for times in _times(wanted, powers):
            left = [b for b, e in wanted if not (b in powers and within(e * times, powers[b]))]
            if not left or times == 1 and _is_fraction_of(left, definition, facts):
                rest = one_power_each(expr / definition**times)
                yield one_power_each(rest * _signed(symbol, rest) ** times)
    yield from _undone(expr, powers, facts)


def _times(wanted: list[tuple[Expr, Expr]], powers: Mapping[Expr, Expr]) -> Iterator[Expr]:
    """How often a definition may be found: (x - m)²/v is d², where d is (x - m)/√v, and of that d has one half only."""
    yield from (S.One, S.NegativeOne)
    base, exponent = wanted[0]
    most = powers.get(base, S.Zero) / exponent
    if most.is_Integer and abs(most) > 1:
        yield most


def _signed(name: Expr, beside_it: Expr) -> Expr:
    """1 - p as -(p - 1), where that stands beside it."""
    is_turned = isinstance(name, Add) and -name in powers_of(beside_it)
    return Mul(S.NegativeOne, -name, evaluate=False) if is_turned else name


def _is_fraction_of(left: list[Expr], definition: Expr, facts: Facts) -> bool:
    """Whether a quotient by a sum lacks but a scalar that is not 0: S/(K + S) is v/V, where v is V S/(K + S)."""
    if len(left) > 1 or not isinstance(left[0], TensorSymbol) or shape_of(left[0]):
        return False
    powers = powers_of(definition)
    divides = any(isinstance(b, Add) and is_below(e) for b, e in powers.items())
    return divides and powers[left[0]] == 1 and stays_nonzero(left[0], facts)


def one_power_each(expr: Expr) -> Expr:
    """A product with one symbolic power of each base: bᵃ⁻¹/bᵃ, which sympy leaves, is 1/b."""
    symbolic = isinstance(expr, Mul) and any(isinstance(f, Pow) and not f.exp.is_number for f in expr.args)
    return combined(expr) if symbolic else expr


def inward(expr: Expr, facts: Facts) -> Iterator[Expr]:
    """r mean(x g) as mean(n g), where n is r x: a factor that is constant along the axes of a sum, taken into it."""
    powers = powers_of(expr)
    for total in powers:
        if not isinstance(total, Apply) or total.name not in REDUCTIONS or powers[total] != 1:
            continue
        inner = total.args[0]
        inside = powers_of(inner)
        for symbol, definition in dict.fromkeys(n for b in (*inside, *powers) for n in facts.factors.get(b, ())):
            wanted = {b: e for b, e in powers_of(definition).items() if not b.is_number}
            outer = {b: e for b, e in wanted.items() if b not in inside}
            if not 0 < len(outer) < len(wanted) or any(b not in powers or not _is_constant(b, total) for b in outer):
                continue
            if all(within(e, (powers if b in outer else inside)[b]) for b, e in wanted.items()):
                moved = Mul(*[Pow(b, e) for b, e in outer.items()])
                named = Formula(inner * moved / definition * symbol, shape_of(inner))  # of as many entries, if 1
                yield one_power_each(expr / total / moved) * build(total.name, total.parameters, (named,)).expr


def _is_constant(expr: Expr, total: Apply) -> bool:
    """Whether a factor in front of a sum may as well stand in it."""
    shape = shape_of(total.args[0])
    axes = axes_of(total.parameters["axis"], len(shape))
    clear = total.parameters["keepdims"] or tuple(axes) == tuple(range(len(axes)))
    return clear and all(absent(shape_of(expr), a - len(shape)) for a in axes)


def _undone(expr: Expr, powers: Mapping[Expr, Expr], facts: Facts) -> Iterator[Expr]:
    """counts/probs is 1/scale where probs is counts·scale; 1/(1/s) is s."""
    for symbol, exponent in powers.items():
        made = facts.definitions.get(symbol)
        if made is None or not exponent.is_Integer:
            continue
        if exponent > 0:
            below = divisors(made)
            if below and all((had := powers.get(b, S.Zero)).is_Rational and had >= -e for b, e in below.items()):
                yield one_power_each(expr / symbol * made)  # d s, where d is (x - m)/s
            elif any(is_below(powers.get(b, S.Zero)) for b in powers_of(made)) and _is_of_nodes(made):
                yield one_power_each(expr / symbol * made)  # s/c, where s is c t
            continue
        made = with_powers(made)
        factors = powers_of(made)
        known = all(isinstance(b, TensorSymbol) or b in powers for b in factors)
        are_met = any(_is_met(b, powers.get(b, S.Zero), e, factors) for b, e in factors.items())
        above = exponent == -1 and all(is_above(powers.get(b, S.Zero)) for b in factors)  # s/v is 1/s, where v is s²
        alone = known and len(factors) == 1 and (above or all(map(is_below, factors.values())))
        if alone or known and len(factors) > 1 and are_met:
            yield one_power_each(expr * symbol / made)


def _is_of_nodes(product: Expr) -> bool:
    return all(isinstance(base, TensorSymbol) or base.is_number for base in powers_of(product))


def _is_met(base: Expr, had: Expr, wanted: Expr, factors: Mapping[Expr, Expr]) -> bool:
    """Whether a power is above, or is the very one that is to go: of a leaf, or by a symbol.

    So is that of a node beside leaves: 1/(u q) is 1/a, where u is a/q.
    """
    is_one = had == wanted and all(getattr(b, "leaf", False) for b in factors if b is not base)
    return is_above(had) or is_one or had == wanted and bool(had.free_symbols or getattr(base, "leaf", False))


def is_above(exponent: Expr) -> bool:
    """Whether a power stands above the fraction bar."""
    return bool(exponent.is_Rational and exponent > 0)


def within(wanted: Expr, had: Expr) -> bool:
    """Whether a power can be taken out of another: the same sign, and no larger; or whole numbers apart from it."""
    if not wanted.is_Integer and ((left := had - wanted).is_Integer or tree_size(left) < tree_size(had)):
        return True
    return wanted == had or bool(wanted.is_Rational and had.is_Rational and 0 < wanted / had <= 1)
