"""Idioms by their names: a softmax, a mean, |x|; and signs and contents where readers put them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sympy import Add, Expr, Mul, Pow, Rational, S

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import axes_of
from backprop_cli.engine.ops.shapes import broadcast
from backprop_cli.formulas.algebra.expr import (
    MASKS,
    Apply,
    TensorSymbol,
    is_op,
    later_is_negative,
    made_of,
    shape_of,
    size,
    tree_size,
)
from backprop_cli.formulas.algebra.factoring import combined
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.formula import Formula, build, call
from backprop_cli.formulas.algebra.functions import named_function
from backprop_cli.formulas.algebra.positions import is_named, is_unit, picked
from backprop_cli.formulas.algebra.products import MAX_OPENED, chain, dot
from backprop_cli.formulas.algebra.scalars import beside, powers_of, split_sum
from backprop_cli.formulas.algebra.transposes import swap
from backprop_cli.formulas.algebra.work import remembered_of_parts, spend

MAX_FACTOR = 12  # of a vector that stands in a product of matrices
MAX_NODES = 600  # what is longer than what is chained has no reader who looks for idioms


def recognised(expr: Expr) -> Expr:
    """Two idioms by their names: exp x / Σ exp x is a softmax; a mean is Σ x / n that is broadcast back."""
    if not expr.args or tree_size(expr) > MAX_NODES or facts_of(expr).budget.spent:
        return expr
    return _recognised(expr, math.prod(map(int, shape_of(expr))))


@remembered_of_parts
def _recognised(expr: Expr, entries: int) -> Expr:
    if isinstance(expr, (Add, Mul, Pow)):
        spend(len(expr.args))
        found = named_function(expr)
        if found is None and isinstance(expr, Mul):
            found = (_total_idiom(expr) or _softmax_idiom(expr) or _mean_idiom(expr, entries)
                     or _sifted_idiom(expr) or _diagonal_idiom(expr) or _expansion_idiom(expr))  # fmt: skip
        if found is not None:
            return _recognised(found, entries)
        parts = [_recognised(a, entries) if a.args else a for a in expr.args]
        return made_of(expr, parts)
    return _contracted(expr) if is_op(expr, "sum") else expr


def _contracted(expr: Apply) -> Expr:
    """Σ(x ⊙ y) is xᵀy, Σ_m(A ⊙ x) is A x: of two vectors, or a matrix and one along the summed axis   (M6)."""
    inner = expr.args[0]
    if not isinstance(inner, Mul) or expr.parameters["keepdims"]:
        return expr
    rank = len(shape_of(inner))
    if rank == 2:
        return _weighted(inner, expr.parameters["axis"]) or _distributed(expr, inner) or expr
    if len(inner.args) != 2:
        return expr
    if inner.args[0] == -inner.args[1]:  # Σ((m - x) ⊙ (x - m)) is -Σ(x - m)²
        early = next(a for a in inner.args if not later_is_negative(a))
        return -call("sum", expr.parameters, early**2)
    a, x = inner.args
    return dot(a, x) if rank == 1 and all(len(shape_of(f)) == 1 and _is_linear(f) for f in (a, x)) else expr


def _distributed(expr: Apply, inner: Mul) -> Expr | None:
    """Σ((x yᵀ - A⁻¹) ⊙ A) as xᵀA y - n: multiplied out where no term then is a sum over a matrix   (S22)."""
    total = next((a for a in inner.args if isinstance(a, Add)), None)
    if total is None or expr.shape or len(total.args) > MAX_OPENED:
        return None
    terms = [call("sum", expr.parameters, beside(inner, total) * term) for term in total.args]
    if any(is_op(f, "sum") for term in terms for f in Mul.make_args(term)):
        return None
    found = Add(*terms)
    return found if tree_size(found) < tree_size(expr) else None


def _weighted(inner: Mul, axis: object) -> Expr | None:
    """Σ_m(A ⊙ B ⊙ x) is (A ⊙ B) · x, where all but one factor are matrices."""
    matrices = [a for a in inner.args if len(shape_of(a)) == 2 and not is_op(a, "expand_dims")]
    weights = [a for a in inner.args if a not in matrices]
    if len(weights) != 1 or not matrices or any(isinstance(a, Pow) for a in matrices):
        return None
    along, vector = (0, weights[0].args[0]) if is_op(weights[0], "expand_dims") else (1, weights[0])
    if len(shape_of(vector)) != 1 or axis != along or not _is_plain(vector):
        return None
    matrix = Mul(*matrices)
    return chain([swap(matrix) if along == 0 else matrix, vector])


def _is_linear(expr: Expr) -> bool:
    """A node or a row of one, a product of matrices, a sum of such: what stands in a product of matrices."""
    if isinstance(expr, Add):
        return all(_is_linear(a.as_coeff_Mul()[1]) or _is_square(a) for a in expr.args)
    return is_named(expr) or is_op(expr, "matmul")


def _is_plain(expr: Expr) -> bool:
    """What stands in a product of matrices, or a short product of such: (k ⊙ a), ((d - r)/d), softmax(s)."""
    if isinstance(expr, Add):
        return tree_size(expr) <= MAX_FACTOR and all(_is_plain(a) for a in expr.args if shape_of(a))
    if isinstance(expr, Mul) and tree_size(expr) <= MAX_FACTOR:
        return all(_is_plain(f.base if isinstance(f, Pow) else f) or not f.args for f in expr.args)
    return _is_linear(expr) or isinstance(expr, Apply) and (expr.name in MASKS or expr.name == "softmax")


def _is_square(expr: Expr) -> bool:
    """q - r² in a product of matrices is plain enough."""
    power = expr.as_coeff_Mul()[1]
    return isinstance(power, Pow) and isinstance(power.base, TensorSymbol) and power.exp == 2


def _sums(factors: Iterable[Expr]) -> list[Apply]:
    return [a for a in factors if isinstance(a, Apply) and a.name == "sum"]


def _total_idiom(expr: Mul) -> Expr | None:
    """x/(n mean x) is x/Σ x, whatever x is where n is a letter."""
    for factor in expr.args:
        mean = factor.base if isinstance(factor, Pow) and factor.exp == -1 else None
        if mean is not None and mean in facts_of(expr).factors:
            continue  # a node's definition divides by it
        if mean is not None and is_op(mean, "mean") and mean.args[0] in expr.args:
            n = _count(mean)
            if powers_of(expr).get(n) == -1:
                return expr / factor * n / _sum_like(mean)
        elif mean is not None and is_op(mean, "mean") and not (n := _count(mean)).is_number:
            had = powers_of(expr)
            below = {base: exponent for base, exponent in had.items() if exponent.is_Rational}  # not N**p
            if all(below.get(base, S.Zero) <= -e for base, e in powers_of(n).items()):
                return expr / factor * n / _sum_like(mean)
    return None


def _count(mean: Apply) -> Expr:
    """How many entries a mean is taken of."""
    shape = shape_of(mean.args[0])
    return Mul(*[size(shape[a]) for a in axes_of(mean.parameters["axis"], len(shape))])


def _sum_like(mean: Apply) -> Expr:
    """The sum that a mean divides."""
    return build("sum", mean.parameters, (Formula(mean.args[0], shape_of(mean.args[0])),)).expr


def _softmax_idiom(expr: Mul) -> Expr | None:
    """eˣ/Σeˣ, and Σ(eˣ y)/Σeˣ, by softmax(x)."""
    for total in _sums(1 / a for a in expr.args if isinstance(a, Pow) and a.exp == -1):
        top = total.args[0]
        if not is_op(top, "exp") or not total.parameters["keepdims"] and len(top.shape) > 1:
            continue
        axis = total.parameters["axis"]
        softmax = call("softmax", {"axis": axis}, *top.args)
        if top in expr.args:
            return expr * total / top * softmax
        for weighted in _sums(expr.args):
            if weighted.parameters == total.parameters and top in Mul.make_args(weighted.args[0]):
                inner = weighted.args[0] / top * softmax
                return expr * total / weighted * Apply("sum", (inner,), weighted.parameters, weighted.shape)
    return None


def _sifted_idiom(expr: Mul) -> Expr | None:
    """e[k] ⊙ p / p[k] = e[k], also inside a sum: p ⊙ (1 - e[k]/p[k]) = p - e[k]   (S4)."""
    sifting = [f for f in expr.args if any(_is_sieve(u) for t in Add.make_args(f) for u in Mul.make_args(t))]
    for p in filter(shape_of, expr.args) if sifting else ():
        for factor in sifting:
            if factor is p:
                continue
            terms = [_sifted(term, p) for term in Add.make_args(factor)]
            if any(term is not None for term in terms):
                opened = [p * t if s is None else s for s, t in zip(terms, Add.make_args(factor), strict=True)]
                return Mul(*[a for a in expr.args if a is not p and a is not factor], Add(*opened))
    return None


def _diagonal_idiom(expr: Mul) -> Expr | None:
    """v ⊙ I is diag(v), for a row or a column v   (D3)."""
    tensors = [a for a in expr.args if shape_of(a)]
    unit = next((a for a in tensors if is_op(a, "eye") and a.shape[0] == a.shape[1]), None)
    if unit is None or len(shape_of(expr)) != 2:
        return None
    entries = [a.args[0] if is_op(a, "expand_dims") and len(a.shape) == 2 else a for a in tensors if a is not unit]
    if not entries or any(len(shape_of(e)) != 1 for e in entries) or shape_of(Mul(*entries)) != unit.shape[:1]:
        return None
    scalars = [a for a in expr.args if not shape_of(a)]
    return Mul(*scalars, Apply("diag", (Mul(*entries),), dict(OPS["diag"].signature.parameters), unit.shape))


def _expansion_idiom(expr: Mul) -> Expr | None:
    """a[:, None]/b[:, None] is (a/b)[:, None]   (S11)."""
    first = next((f for f in expr.args if isinstance(f, Apply) and f.name == "expand_dims"), None)
    if first is None:
        return None
    alike = {b: e for b, e in powers_of(expr).items()
             if isinstance(b, Apply) and b.key == first.key and e.is_number}  # fmt: skip
    if len(alike) < 2:
        return None
    inner = combined(Mul(*[Pow(b.args[0], e) for b, e in alike.items()]))
    whole = Formula(inner, broadcast(*(shape_of(b.args[0]) for b in alike)))  # a/a is 1, and has no axes of its own
    return expr / Mul(*[Pow(b, e) for b, e in alike.items()]) * build("expand_dims", first.parameters, (whole,)).expr


def _is_sieve(expr: Expr) -> bool:
    return is_unit(expr) or is_op(expr, "one_hot") or is_op(expr, "diag") and len(expr.shape) == 2


def _sifted(term: Expr, p: Expr) -> Expr | None:
    """p ⊙ term where it has the factors e[k]/p[k], or one_hot(t) and the inverse of what it picks."""
    factors = Mul.make_args(term)
    for unit in factors:
        if is_op(unit, "diag") and len(unit.shape) == 2 and unit.args[0] == 1 / call("diag", unit.parameters, p):
            return term / unit * call("eye", {"n": unit.shape[0]})  # p ⊙ diag(1/diag p) is I
        if _is_sieve(unit):
            one = picked(unit, p)
            if one is not None and 1 / one in factors:
                return term * one
    return None


def _mean_idiom(expr: Mul, entries: int) -> Expr | None:
    for total in _sums(expr.args):
        shape = shape_of(total.args[0])
        n = Mul(*[size(shape[a]) for a in axes_of(total.parameters["axis"], len(shape))])
        number, rest = expr.as_coeff_Mul()
        divided = (
            powers_of(rest).get(n) == -1
            if not n.is_number
            else n > 1 and isinstance(number, Rational) and number.q % int(n) == 0
        )
        if divided and (math.prod(map(int, total.shape)) != entries or not n.is_number):
            mean = build("mean", total.parameters, (Formula(total.args[0], shape),)).expr
            return Mul(*[a for a in expr.args if a is not total], n, mean)
    return None


def _whole_numbers(factors: list[Expr]) -> list[Expr]:
    """2 (t/2 - y/2) as t - y, and (2 a c - 2 b d) f as 2 (a c - b d) f: the content of a sum is a number in front."""
    split = [split_sum(f) if isinstance(f, Add) else (S.One, f) for f in factors]
    return [Mul(*[number for number, _ in split]), *(rest for _, rest in split)]


def _without_fractions(factors: list[Expr]) -> list[Expr]:
    """2 F·(E + I/2) as F·(2 E + I): a number in front goes into the sum whose terms divide by it."""
    number = Mul(*[f for f in factors if f.is_Number])
    for chained in [f for f in factors if is_op(f, "matmul")] if number.is_Integer else ():
        total = next((a for a in chained.args if isinstance(a, Add)), None)
        numbers = [t.as_coeff_Mul()[0] for t in total.args] if total is not None else []
        divisor = math.lcm(*[int(n.q) for n in numbers if isinstance(n, Rational)])
        if total is not None and divisor > 1 and number % divisor == 0:
            whole = Add(*[t * divisor for t in total.args])
            made = call("matmul", {}, *(whole if a is total else a for a in chained.args))
            return [number / divisor, made, *(f for f in factors if f is not chained and not f.is_Number)]
    return factors


def _same_sign(factors: list[Expr]) -> list[Expr]:
    """(y - m)(m - y) as -(y - m)²: a factor and its negative are one base."""
    sums = {s for f in factors if isinstance(s := f.base if isinstance(f, Pow) else f, Add)}
    if len(sums) < 2:
        return factors
    turned = {s for s in sums if -s in sums and later_is_negative(s)}
    result: list[Expr] = []
    for f in factors:
        if f in turned:
            result += [S.NegativeOne, -f]
        elif isinstance(f, Pow) and f.base in turned and f.exp.is_Integer:
            result += [Pow(-1, f.exp), Pow(-f.base, f.exp)]
        else:
            result.append(f)
    return result


@remembered_of_parts
def content_out(expr: Expr) -> Expr:
    """1/(2a + 2b) as 1/2 · 1/(a + b): sympy multiplies numbers into sums, readers do not."""
    if isinstance(expr, Pow) and isinstance(expr.base, Add) and expr.exp.is_Integer and expr.exp.is_negative:
        number, rest = split_sum(expr.base)
        return expr if number == 1 else Pow(number, expr.exp) * Pow(rest, expr.exp)
    if isinstance(expr, (Add, Mul)):
        parts = [content_out(a) for a in expr.args]
        if isinstance(expr, Mul):
            parts = _same_sign(_without_fractions(_whole_numbers(parts)))
        return made_of(expr, parts)
    return expr
