"""Functions spelled by hand, by their names: eˣ/(1 + eˣ) is σ(x), sinh x/cosh x is tanh x (I1)."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.formulas.algebra.expr import Apply, is_op

QUOTIENTS = {("sinh", "cosh"): "tanh", ("sin", "cos"): "tan"}


def named_function(expr: Expr) -> Expr | None:
    """The same expression with one function by its name, or None."""
    for idiom in _SUMS if isinstance(expr, Add) else _PRODUCTS:
        found = idiom(expr)
        if found is not None and found != expr:
            return found
    return None


def function(name: str, x: Expr, shape_like: Apply) -> Apply:
    """A function of one operand, of the shape of another."""
    return Apply(name, (x,), {}, shape_like.shape)


def is_minus(expr: Expr) -> bool:
    """Whether an expression is written with a minus in front: -x, -2x, -x - y."""
    terms = expr.args if isinstance(expr, Add) else (expr,)
    return all(t.as_coeff_Mul()[0].is_negative for t in terms)


def _powers(expr: Expr) -> dict[Expr, Expr]:
    return dict(expr.as_powers_dict())


def logistic(expr: Expr) -> Expr | None:
    """eᵘ and 1 + eᵘ in the sigmoid's terms: 1/(1 + e⁻ˣ) = σ(x), e⁻ˣ/(1 + e⁻ˣ)² = σ(x)(1 - σ(x))."""
    powers = _powers(expr)
    for base, exponent in powers.items():
        e = _exponential_plus_one(base)
        if e is None or not exponent.is_Integer or exponent >= 0:
            continue
        above, below = powers.get(e, S.Zero), -exponent
        if not above.is_Integer or not 0 <= above <= below:
            continue
        rest = expr / Pow(base, exponent) / Pow(e, above)
        u = e.args[0]
        if above == below:
            return rest * function("sigmoid", u, e) ** below
        s = function("sigmoid", -u if is_minus(u) else u, e)
        one, other = (1 - s, s) if is_minus(u) else (s, 1 - s)
        return rest * one**above * other ** (below - above)
    return None


def absorbed_exponential(expr: Expr) -> Expr | None:
    """e⁻ˣ σ(x) = 1 - σ(x), eˣ (1 - σ(x)) = σ(x): what is left where a sigmoid was recognised first."""
    powers = _powers(expr)
    for e, above in powers.items():
        if not is_op(e, "exp") or not above.is_Integer or above <= 0:
            continue
        u = e.args[0]
        s = function("sigmoid", -u if is_minus(u) else u, e)
        for held, left in ((s, 1 - s),) if is_minus(u) else ((1 - s, s), (s - 1, -s)):
            below = powers.get(held, S.Zero)
            if below.is_Integer and below >= above:
                alone = held is s and below == above
                return expr / Pow(e * held, above) * Pow(function("sigmoid", u, e) if alone else left, above)
    return None


def _exponential_plus_one(base: Expr) -> Apply | None:
    if not isinstance(base, Add) or len(base.args) != 2 or base.args[0] != 1:
        return None
    other = base.args[1]
    return other if isinstance(other, Apply) and other.name == "exp" else None


def quotient(expr: Expr) -> Expr | None:
    """sinh x/cosh x is tanh x."""
    powers = _powers(expr)
    for base, exponent in powers.items():
        for (above, below), name in QUOTIENTS.items():
            if is_op(base, above) and exponent.is_Integer and exponent > 0:
                bottom = Apply(below, base.args, {}, base.shape)
                if powers.get(bottom) == -exponent:
                    return expr * Pow(bottom / base * function(name, base.args[0], base), exponent)
    return None


def masked_relu(expr: Expr) -> Expr | None:
    """[x > 0] relu(x) is relu(x)."""
    factors = Mul.make_args(expr)
    for mask in factors:
        if is_op(mask, "greater") and mask.args[1] == 0:
            kept = Apply("relu", mask.args[:1], {}, mask.shape)
            if any(f == kept or isinstance(f, Pow) and f.base == kept for f in factors):
                return expr / mask
    return None


def signed_power(expr: Expr) -> Expr | None:
    """sign(x)/|x| = 1/x, x sign(x) = |x|, sign(x)|x|ⁿ = x|x|ⁿ⁻¹."""
    powers = _powers(expr)
    for sign in powers:
        if not is_op(sign, "sign") or powers[sign] != 1:
            continue
        x = sign.args[0]
        size = Apply("abs", sign.args, {}, sign.shape)
        if powers.get(size) == -1:
            return expr * size / sign / x
        if powers.get(x, S.Zero).is_positive:
            return expr / sign / x * size
        if (powers.get(size, S.Zero) - 1).is_nonnegative:  # not |x|⁰·⁵: x/√|x| has no value at 0
            return expr / sign / size * x
    return None


def squared_size(expr: Expr) -> Expr | None:
    """|x|² = x², x²/|x|ⁿ = |x|²⁻ⁿ."""
    powers = _powers(expr)
    for size, below in powers.items():
        if is_op(size, "abs") and below.is_even:
            return expr / Pow(size, below) * Pow(size.args[0], below)
        x = size.args[0] if is_op(size, "abs") and below.is_negative else None
        if x in powers and powers[x].is_even and powers[x].is_positive:
            return expr / Pow(x, powers[x]) * Pow(size, powers[x])
    return None


def sigmoid_complement(expr: Expr) -> Expr | None:
    """1 - σ(-x) is σ(x)."""
    constant, rest = expr.as_coeff_Add()
    factor, s = rest.as_coeff_Mul()
    if constant != 0 and factor == -constant and is_op(s, "sigmoid") and is_minus(s.args[0]):
        return constant * function("sigmoid", -s.args[0], s)
    return None


Idiom = Callable[[Expr], Expr | None]
_PRODUCTS: tuple[Idiom, ...] = (logistic, absorbed_exponential, quotient, masked_relu, signed_power, squared_size)
_SUMS: tuple[Idiom, ...] = (sigmoid_complement,)
