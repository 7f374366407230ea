"""Functions spelled by hand, by their names: eˣ/(1 + eˣ) is σ(x) (I1); simple patterns are rows of `laws`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sympy import Add, Expr, Mul, Pow, S, expand_mul, factor_terms

from backprop_cli.formulas.algebra.brackets import met
from backprop_cli.formulas.algebra.expr import MASKS, Apply, is_op, tree_size
from backprop_cli.formulas.algebra.factoring import of_sums
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.labels import absorbed, distance, idempotent, labelled, signs
from backprop_cli.formulas.algebra.matching import multiplied
from backprop_cli.formulas.algebra.positive import is_positive
from backprop_cli.formulas.algebra.scalars import is_below, powers_of
from backprop_cli.formulas.algebra.skeleton import pointwise_parts

MAX_TERMS = 8  # of a sum that is looked into


def named_function(expr: Expr) -> Expr | None:
    """The same expression with one function by its name, or None."""
    is_sum = isinstance(expr, Add)
    kinds = _operators(expr) if is_sum else _kinds(expr)
    for idiom, needed in _SUMS if is_sum else _PRODUCTS:
        if not needed or not needed.isdisjoint(kinds):
            found = idiom(expr)
            if found is not None and found != expr:
                return found
    return None


def _kinds(expr: Expr) -> set[str]:
    """What the factors of a product are, or powers of: operators by their names, leaves, sums."""
    bases = (f.base if isinstance(f, Pow) else f for f in Mul.make_args(expr))
    return {base.name if isinstance(base, Apply) else "leaf" if getattr(base, "leaf", False)
            else type(base).__name__ for base in bases}  # fmt: skip


def _operators(expr: Expr) -> set[str]:
    """The operators that the terms of a sum are, or products of, or powers of, by their names."""
    factors = (factor for term in expr.args for factor in (term.args if isinstance(term, Mul) else (term,)))
    bases = (factor.base if isinstance(factor, Pow) else factor for factor in factors)
    return {base.name for base in bases if isinstance(base, Apply)}


def function(name: str, x: Expr, shape_like: Apply) -> Apply:
    """A function of one operand, of the shape of another."""
    return Apply(name, (x,), {}, shape_like.shape)


def is_minus(expr: Expr) -> bool:
    """Whether an expression is written with a minus in front: -x, -2x, -x - y."""
    terms = expr.args if isinstance(expr, Add) else (expr,)
    return all(t.as_coeff_Mul()[0].is_negative for t in terms)


def logistic(expr: Expr) -> Expr | None:
    """eᵘ and 1 + eᵘ in the sigmoid's terms: 1/(1 + e⁻ˣ) = σ(x), e⁻ˣ/(1 + e⁻ˣ)² = σ(x)(1 - σ(x))."""
    powers = powers_of(expr)
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


def two_ways(expr: Expr) -> Expr | None:
    """eˣ/(eˣ + eʸ) is σ(x - y)   (I1i)."""
    powers = powers_of(expr)
    for base, exponent in powers.items():
        if exponent != -1 or not isinstance(base, Add) or not all(is_op(e, "exp") for e in base.args):
            continue
        e = next((e for e in base.args if powers.get(e) == 1), None)
        if e is not None and len(base.args) == 2:
            other = base - e
            return expr * base / e * call("sigmoid", {}, factor_terms(e.args[0] - other.args[0]))
    return None


def hyperbolic(expr: Expr) -> Expr | None:
    """(eˣ - eʸ)/(eˣ + eʸ) is tanh((x - y)/2), also where one of them is 1   (I2c)."""
    powers = powers_of(expr)
    for base, exponent in powers.items():
        if exponent != -1 or not isinstance(base, Add) or len(base.args) != 2:
            continue
        one, other = sorted(base.args, key=lambda term: term == 1)
        if is_op(one, "exp") and (other == 1 or is_op(other, "exp")):
            total = next((t for t in (one - other, other - one) if powers.get(t) == 1), None)
            if total is not None:
                u = factor_terms(one.args[0] - (other.args[0] if isinstance(other, Apply) else 0)) / 2
                found = function("tanh", -u if is_minus(u) else u, one)
                return expr * base / total * (found if is_minus(u) == (total != one - other) else -found)
    return None


def one_exponential(expr: Expr) -> Expr | None:
    """eˣ eʸ is eˣ⁺ʸ, eˣ/eʸ is eˣ⁻ʸ   (I8), but for what a node is made of: where p is 1 - eˣ, eˣ is 1 - p."""
    known = facts_of(expr).factors
    found = [(e, n) for e, n in powers_of(expr).items() if is_op(e, "exp") and n in {1, -1} and e not in known]
    if len(found) < 2:
        return None
    exponent = factor_terms(Add(*[n * e.args[0] for e, n in found]))
    return expr / Mul(*[Pow(e, n) for e, n in found]) * call("exp", {}, exponent)


def _minus(u: Expr) -> Expr:
    """-u, with the minus in a difference that is a factor of u, as complements have it: g (b - a) for -g (a - b)."""
    total = next((f for f in Mul.make_args(u) if isinstance(f, Add)), None)
    return -u if total is None else u / total * -total


def absorbed_exponential(expr: Expr) -> Expr | None:
    """e⁻ˣ σ(x) = 1 - σ(x), eˣ (1 - σ(x)) = σ(x), eˣ σ(-x) = σ(x): what is left where a sigmoid was recognised first."""
    powers = powers_of(expr)
    for e, above in powers.items():
        if not is_op(e, "exp") or not above.is_Integer or above <= 0:
            continue
        u = e.args[0]
        plain = function("sigmoid", -u if is_minus(u) else u, e)
        s = facts_of(expr).wholes.get(plain, plain)
        turned = function("sigmoid", _minus(u), e)
        known = facts_of(expr).wholes
        named = known.get(turned, known.get(1 - plain))  # y = 1/(1 + eˣ): eˣ y is 1 - y
        pairs = ((1 - s, s), (s - 1, -s), (turned, s), *(((named, 1 - named),) if named is not None else ()))
        for held, left in ((s, 1 - s),) if is_minus(u) else pairs:
            below = powers.get(held, S.Zero)
            if below.is_Integer and below >= above:
                alone = held is plain and below == above
                return expr / Pow(e * held, above) * Pow(function("sigmoid", u, e) if alone else left, above)
    return None


def complement(expr: Expr) -> Expr | None:
    """σ(-x)/(1 - σ(x)) is 1: the two are one base where both stand in a product."""
    powers = powers_of(expr)
    for s, exponent in powers.items():
        if is_op(s, "sigmoid"):
            other = 1 - function("sigmoid", -s.args[0], s)
            if exponent.is_Integer and (other in powers or -other in powers):
                return expr / Pow(s, exponent) * Pow(other, exponent)
    return None


def _exponential_plus_one(base: Expr) -> Apply | None:
    if not isinstance(base, Add) or len(base.args) != 2 or base.args[0] != 1:
        return None
    other = base.args[1]
    return other if isinstance(other, Apply) and other.name == "exp" else None


def one_sign(expr: Expr) -> Expr | None:
    """sign(x)² beside what is 0 unless |x| > c, for a c above 0, or over a power of |x|, is 1   (I4i, I4k)."""
    powers = powers_of(expr)
    for s, exponent in powers.items():
        even = is_op(s, "sign") and exponent.is_Integer and exponent > 1
        if even and (any(_needs_more(f, s.args[0]) for f in powers) or _is_under(s.args[0], powers)):
            return expr / Pow(s, exponent - exponent % 2)
    return None


def _is_under(x: Expr, powers: Mapping[Expr, Expr]) -> bool:
    """Whether something is divided by a power of |x|: where x is 0 it has no value."""
    return is_below(powers.get(call("abs", {}, x), S.Zero))


def _needs_more(expr: Expr, x: Expr) -> bool:
    """Whether an expression is 0 unless |x| > c, for a c above 0: [|x| - c > 0], relu(|x| - c)."""
    if not (is_op(expr, "relu") or is_op(expr, "greater") and expr.args[1] == 0):
        return False
    size = call("abs", {}, x)
    return size in Add.make_args(expr.args[0]) and is_positive(size - expr.args[0], facts_of(expr), seen=True)


def signed_quotient(expr: Expr) -> Expr | None:
    """sign(1 - x/y)/y is sign(y - x)/|y|   (I4j)."""
    powers = powers_of(expr)
    for s, exponent in powers.items():
        total = s.args[0] if exponent == 1 and is_op(s, "sign") else None
        if isinstance(total, Add):
            for y in (b for t in total.args for b, e in powers_of(t).items() if e == -1 and powers.get(b) == -1):
                return expr / s * y * call("sign", {}, Add(*[t * y for t in total.args])) / call("abs", {}, y)
    return None


def without_complements(expr: Expr) -> Expr:
    """1 - σ(a - b) as σ(b - a), but for the slope σ(a - b)(1 - σ(a - b))."""
    sums = {p: _turned_sigmoid(p) for p in pointwise_parts(expr) if isinstance(p, Add) and len(p.args) == 2}
    found = {p: s for p, s in sums.items() if s is not None}
    for product in pointwise_parts(expr) if found else ():
        if isinstance(product, Mul):
            for total in [t for t in found if t in product.args and any(is_op(a, "sigmoid") for a in product.args)]:
                del found[total]
    return expr.xreplace(found) if found else expr


def without_twin_sigmoids(expr: Expr) -> Expr:
    """σ(x) (1 - y) - σ(-x) y as σ(x) - y: of σ(x) and σ(-x) in a sum one, where terms then meet their negatives.

    So do those of y σ(x) + (y - 1) σ(-x), multiplied out.
    """
    sigmoids = [p for p in pointwise_parts(expr) if is_op(p, "sigmoid")] if isinstance(expr, Add) else []
    for s in sigmoids if len(sigmoids) > 1 else ():
        twin = next((t for t in sigmoids if t.args[0] == -s.args[0]), None)
        if twin is not None and not is_minus(s.args[0]):
            one = expr.xreplace({twin: 1 - s})
            return min(met(one), expand_mul(one), key=tree_size)
    return expr


def _turned_sigmoid(expr: Add) -> Expr | None:
    """c σ(b - a) of a sum c - c σ(a - b)."""
    constant, rest = expr.as_coeff_Add()
    factor, s = rest.as_coeff_Mul()
    if constant == 0 or factor != -constant or not isinstance(s, Apply) or s.name != "sigmoid":
        return None
    total = next((a for a in Mul.make_args(s.args[0]) if isinstance(a, Add)), None)
    if total is None or len({t.as_coeff_Mul()[0].is_negative for t in total.args}) < 2:
        return None
    return constant * function("sigmoid", s.args[0] / total * -total, s)


def sigmoid_complement(expr: Expr) -> Expr | None:
    """1 - σ(-x) is σ(x), 1 - 2σ(-x) is 2σ(x) - 1."""
    constant, rest = expr.as_coeff_Add()
    factor, s = rest.as_coeff_Mul()
    if constant != 0 and is_op(s, "sigmoid") and is_minus(s.args[0]):
        return constant + factor - factor * function("sigmoid", -s.args[0], s)
    return None


def pythagorean(expr: Expr) -> Expr | None:
    """c cos² x + c sin² x is c, c cosh² x - c sinh² x is c: 1 - cosh² x / sinh² x is -1/sinh² x   (I2e, I2f, I2g)."""
    terms = {_in_sines(t): t for t in expr.args} if len(expr.args) <= MAX_TERMS else {}
    for written, other in terms.items():
        for base, exponent in powers_of(written).items():
            if not (isinstance(base, Apply) and base.name in SINES and exponent.is_Integer and exponent >= 2):
                continue
            name, sign = SINES[base.name]
            one = terms.get(sign * written * function(name, base.args[0], base) ** 2 / base**2)
            if one is not None:
                return expr - one - other + written / base**2
    return None


SINES = {"cos": ("sin", 1), "cosh": ("sinh", -1)}
"""Functions whose square, with that of another times a sign, is 1."""

TANGENTS = {"tan": ("sin", "cos"), "tanh": ("sinh", "cosh")}
"""Functions that are a quotient of two others."""


def _in_sines(term: Expr) -> Expr:
    """tan x as sin x / cos x."""
    tangents = [f for f in powers_of(term) if isinstance(f, Apply) and f.name in TANGENTS]
    over = {t: [function(name, t.args[0], t) for name in TANGENTS[t.name]] for t in tangents}
    return term.xreplace({t: above / below for t, (above, below) in over.items()}) if over else term


@of_sums
def without_squares(expr: Add) -> Expr:
    """(a + cos x) cos x + sin² x as a cos x + 1: multiplied out where two squares then are 1."""
    if not any(isinstance(p, Apply) and p.name in SINES for p in pointwise_parts(expr)):
        return expr
    return pythagorean(expand_mul(expr)) or expr


def stable(expr: Expr) -> Expr | None:
    """[x > 0] - σ(-|x|) sign(x), the slope of max(x, 0) + log(1 + e^-|x|), is σ(x) where x is not 0   (I1j)."""
    terms = expr.args if len(expr.args) <= MAX_TERMS else ()
    masked = [t for t in terms if any(is_op(f, "greater") for f in (t.args if isinstance(t, Mul) else (t,)))]
    for one, other in ((m, t) for m in masked for t in terms):
        for mask in Mul.make_args(one):
            x = mask.args[0] if is_op(mask, "greater") and mask.args[1] == 0 else None
            if x is None or other / one * mask != -call("sigmoid", {}, -call("abs", {}, x)) * call("sign", {}, x):
                continue
            if facts_of(x).never_equal(x, S.Zero):
                return expr - one - other + one / mask * call("sigmoid", {}, x)
    return None


Idiom = Callable[[Expr], Expr | None]
ANY = frozenset[str]()
_PRODUCTS: tuple[tuple[Idiom, frozenset[str]], ...] = (
    (hyperbolic, frozenset({"Add"})),
    (logistic, frozenset({"Add"})),
    (two_ways, frozenset({"Add"})),
    (one_exponential, frozenset({"exp"})),
    (absorbed_exponential, frozenset({"exp"})),
    (complement, frozenset({"sigmoid"})),
    (multiplied, ANY),
    (idempotent, frozenset({"leaf"})),
    (signs, frozenset({"leaf"})),
    (absorbed, MASKS | {"leaf", "tril", "triu"}),
    (one_sign, frozenset({"sign"})),
    (distance, frozenset({"sign"})),
    (labelled, frozenset({"leaf", "scatter", "Add"})),
    (signed_quotient, frozenset({"sign"})),
)
"""Each with what it looks at first: a product without any of these, which may be long, is not gone through."""
_SUMS: tuple[tuple[Idiom, frozenset[str]], ...] = (
    (sigmoid_complement, frozenset({"sigmoid"})), (stable, frozenset({"greater"})),
    (pythagorean, frozenset(SINES)),
)  # fmt: skip
