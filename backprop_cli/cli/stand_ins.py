"""What stands for names that sympy's core imports, inside its functions, from elsewhere in sympy.

Most are classes, of which it asks whether an operand is one. None can be before the class was imported, so an empty
class gives the answer. A stand-in that is called loads all of sympy and calls the real one, unless `ANSWERS` has a row
that knows what that would say of this operand.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from operator import attrgetter
from typing import Any

STAND_INS: dict[str, tuple[str, ...]] = {
    "sympy.assumptions.wrapper": ("AssumptionsWrapper", "is_extended_nonnegative", "is_extended_real", "is_infinite"),
    "sympy.calculus": ("AccumBounds",),
    "sympy.calculus.accumulationbounds": ("AccumBounds",),
    "sympy.concrete.products": ("Product",),
    "sympy.concrete.summations": ("Sum",),
    "sympy.functions.elementary.complexes": ("Abs", "im", "re", "sign"),
    "sympy.functions.elementary.exponential": ("exp", "exp_polar", "log"),
    "sympy.functions.elementary.integers": ("ceiling", "floor"),
    "sympy.functions.elementary.piecewise": ("Piecewise",),
    "sympy.functions.elementary.trigonometric": ("atan", "cos", "sin", "tan"),
    "sympy.functions.special.polynomials": ("chebyshevt", "chebyshevu"),
    "sympy.integrals.integrals": ("Integral",),
    "sympy.matrices.expressions": ("MatrixExpr",),
    "sympy.matrices.expressions.matexpr": ("MatrixExpr",),
    "sympy.matrices.matrixbase": ("MatrixBase",),
    "sympy.ntheory.factor_": ("perfect_power",),
    "sympy.ntheory.primetest": ("isprime",),
    "sympy.polys.numberfields": ("minimal_polynomial",),
    "sympy.polys.orderings": ("monomial_key",),
    "sympy.polys.polyerrors": ("NotAlgebraic",),
    "sympy.printing.str": ("sstr",),
    "sympy.sets.setexpr": ("SetExpr",),
    "sympy.simplify.radsimp": ("fraction",),
    "sympy.simplify.simplify": ("logcombine", "signsimp"),
    "sympy.tensor.array": ("Array", "NDimArray"),
    "sympy.tensor.tensor": ("TensAdd", "TensExpr"),
}
"""The names, by their modules."""

SMALL = 10**8
"""Trial division takes less than a millisecond up to here; all of sympy takes hundreds."""


def _absolute(number: Any) -> Any:
    """A rational number without its sign."""
    return (-number if number.p < 0 else number) if number.is_Rational else None


def _real(number: Any) -> Any:
    """A real number is its own real part."""
    return number if number.is_Rational or number.is_Float or number.is_NumberSymbol else None


def _imaginary(number: Any) -> Any:
    """It has no other."""
    from sympy import S

    return None if _real(number) is None else S.Zero


def _fraction(product: Any) -> Any:
    """A product of which no factor is a power or a fraction has no denominator."""
    from sympy import Mul, S

    factors = Mul.make_args(product)
    plain = all(not f.is_Pow and (f.is_Integer or not f.is_Rational) for f in factors)
    return (Mul(*factors), S.One) if plain else None


def _isprime(n: Any) -> bool | None:
    """By trial, of a small number."""
    return n > 1 and all(n % d for d in range(2, isqrt(n) + 1)) if (n := int(n)) < SMALL else None


def _logcombine(expr: Any) -> Any:
    """Without logarithms there is nothing to combine."""
    from sympy import log

    return None if expr.has(log) else expr


def _monomial_key(order: object) -> Callable[[Any], Any] | None:
    """Monomials are in lexical order unless another is asked for."""
    return (lambda monomial: monomial) if order is None else None


def _signsimp(expr: Any) -> Any:
    """An expression with its sums turned so that those which differ by their sign alone are alike."""
    from sympy.simplify.cse_opts import sub_post, sub_pre  # type: ignore[import-untyped]

    if expr.is_Atom:
        return expr
    turned = sub_post(sub_pre(_signed_once(expr)))
    return turned.func(*map(_signsimp, turned.args)) if turned.is_Add else _signed_once(turned)


def _signed_once(expr: Any) -> Any:
    """An expression without products whose signs were left standing."""
    return expr if expr.is_Atom else expr.replace(lambda x: x.is_Mul and _twice(x) != x, _twice)


def _twice(expr: Any) -> Any:
    """An expression whose sign was changed, and changed back."""
    negative = -expr
    return -negative


def _sstr(expr: Any) -> str | None:
    """A rational number, and a symbol, which is called what its name says."""
    from sympy import Dummy, Symbol, Wild

    if expr.is_Rational:
        return str(expr.p) if expr.is_Integer else f"{expr.p}/{expr.q}"
    named = isinstance(expr, Symbol) and not isinstance(expr, Dummy | Wild) and not hasattr(expr, "_sympystr")
    return expr.name if named else None


ANSWERS: dict[str, Callable[..., Any]] = {
    "Abs": _absolute,
    "AssumptionsWrapper": lambda expr: expr,  # what nothing more is assumed of
    "fraction": _fraction,
    "im": _imaginary,
    "is_extended_nonnegative": attrgetter("is_extended_nonnegative"),
    "is_extended_real": attrgetter("is_extended_real"),
    "is_infinite": attrgetter("is_infinite"),
    "isprime": _isprime,
    "logcombine": _logcombine,
    "monomial_key": _monomial_key,
    "re": _real,
    "signsimp": _signsimp,
    "sstr": _sstr,
}


class StandIn(type):
    """A class without objects; called, or asked for anything else, it is the one it stands for."""

    real: Callable[[], Any]

    def __call__(cls, *args: Any, **options: Any) -> Any:
        """The answer for one operand, all else being as by default, where there is one."""
        known = cls.__name__ in ANSWERS and args and not any((*args[1:], *options.values()))
        answer = ANSWERS[cls.__name__](args[0]) if known else None
        return cls.real()(*args, **options) if answer is None else answer

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.real(), name)


def stand_in(name: str, real: Callable[[], Any]) -> type:
    """What stands for a name; `real` gets what it stands for."""
    if name == "NotAlgebraic":  # what `minimal_polynomial` raises is caught, whatever it is
        return Exception
    return StandIn(name, (), {"real": staticmethod(real)})
