"""Square roots as they are written by hand: 1/√(2π), not √2/(2√π), and √(q/p), not √q/√p."""

from __future__ import annotations

from typing import TypeGuard

from sympy import Expr, Integer, Mul, Pow, Rational, S

from backprop_cli.formulas.algebra.expr import SizeSymbol, TensorSymbol
from backprop_cli.formulas.algebra.facts import facts_of

HALF = Rational(1, 2)
LARGEST = 10**6  # above, no square is looked for


def joined(above: list[Expr], below: list[Expr]) -> tuple[list[Expr], list[Expr]]:
    """√q/√p as √(q/p), √p √q as √(p q): where the roots are numbers, so is the one; √2/√n as √(2/n), for a size n."""
    is_joined = _is_root_of_size_or_number if any(map(_is_root_of_size, (*above, *below))) else _is_root_of_node
    over, under = ([f for f in side if is_joined(f)] for side in (above, below))
    if len(over) + len(under) < 2 or any(_is_negative_somewhere(f.base) for f in (*over, *under)):
        return above, below
    inner = Mul(*[f.base for f in over], *[1 / f.base for f in under]) if over else Mul(*[f.base for f in under])
    one = Pow(inner, HALF, evaluate=False)
    above, below = [f for f in above if f not in over], [f for f in below if f not in under]
    return ([*above, one], below) if over else (above, [*below, one])


def _is_root_of_node(expr: Expr) -> TypeGuard[Pow]:
    return isinstance(expr, Pow) and expr.exp == HALF and isinstance(expr.base, TensorSymbol)


def _is_root_of_size(expr: Expr) -> bool:
    return isinstance(expr, Pow) and expr.exp == HALF and isinstance(expr.base, SizeSymbol)


def _is_root_of_size_or_number(expr: Expr) -> TypeGuard[Pow]:
    return _is_root_of_size(expr) or isinstance(expr, Pow) and expr.exp == HALF and expr.base.is_Integer


def _is_negative_somewhere(node: Expr) -> bool:
    """Whether its root is no number there, as seen in this run; the root of a product of two such would be one."""
    known = facts_of(node).evaluate(node)
    return known is not None and bool((known < 0).any())


def one_root(coefficient: Expr, above: list[Expr], below: list[Expr]) -> tuple[Expr, list[Expr], list[Expr]]:
    """A product's number and factors, with its roots of numbers as one root above and one below the fraction bar."""
    roots_above, roots_below = [f for f in above if _is_root(f)], [f for f in below if _is_root(f)]
    if not (roots_above or roots_below) or not isinstance(coefficient, Rational):
        return coefficient, above, below
    radicand = Mul(*[f.base for f in roots_above], *[1 / f.base for f in roots_below]) * coefficient**2
    number, rest = radicand.as_coeff_Mul()
    if not isinstance(number, Rational) or max(abs(number.p), number.q) > LARGEST:
        return coefficient, above, below
    (out_above, in_above), (out_below, in_below) = _square_part(int(number.p)), _square_part(int(number.q))
    pi = rest.as_powers_dict().get(S.Pi, S.Zero)
    over, under = _root(in_above, S.Pi ** max(0, int(pi))), _root(in_below, S.Pi ** max(0, -int(pi)))
    sign = -1 if coefficient.is_negative else 1
    return (sign * Rational(out_above, out_below), [*(f for f in above if f not in roots_above), *over],
            [*(f for f in below if f not in roots_below), *under])  # fmt: skip


def _is_root(expr: Expr) -> TypeGuard[Pow]:
    return isinstance(expr, Pow) and expr.exp == HALF and (expr.base.is_Integer or expr.base is S.Pi)


def _root(number: int, rest: Expr) -> list[Expr]:
    base = Mul(Integer(number), rest, evaluate=False) if number != 1 and rest != 1 else Integer(number) * rest
    return [] if base == 1 else [Pow(base, HALF, evaluate=False)]


def _square_part(n: int) -> tuple[int, int]:
    """(s, t) with n = s² t and t free of squares."""
    outside, divisor = 1, 2
    while divisor * divisor <= n:
        while n % (divisor * divisor) == 0:
            n //= divisor * divisor
            outside *= divisor
        divisor += 1
    return outside, n
