"""Choosing the form of a formula: of several equal ones, the cheapest to read (Y1), folded by definitions (D2).

Only the pointwise skeleton is ever simplified: operators are replaced by dummies first, because sympy's
simplifiers would walk into their arguments.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress

from sympy import Add, Dummy, Expr, Mul, Pow, Rational, S, cancel, expand_mul, factor, factor_terms
from sympy.polys.polyerrors import PolynomialError

from backprop_cli.algebra.expr import Apply, SizeSymbol, TensorSymbol, later_is_negative, shape_of, size, tree_size
from backprop_cli.algebra.facts import Facts, current_facts
from backprop_cli.algebra.rules import _chain, _split_sum, _sum_kept, split_scalar, swap
from backprop_cli.ops.base import axes_of
from backprop_cli.spec.model import Shape

MAX_NODES = 80  # above, sympy's polynomial routines take longer than a reader would
REDUCTIONS = {"sum", "mean"}


def tidy(expr: Expr, facts: Facts) -> Expr:
    """The same expression in the form that is cheapest to read."""
    if not isinstance(expr, (Add, Mul)):
        return expr
    expr = _merged_products(expr)
    expr = content_out(expr)
    if not isinstance(expr, (Add, Mul)) or not _worth_trying(expr) or tree_size(expr) > 4 * MAX_NODES:
        return expr
    found = [(expr, {})]
    for opaque in (frozenset(), _opaque_sums(expr)):
        skeleton, back = _skeleton(expr, opaque)
        if tree_size(skeleton) <= MAX_NODES:
            found += [(candidate, back) for candidate in _candidates(skeleton, _folds(expr, facts, back))]
        if not opaque and found[1:]:
            continue
    best, back = min(found, key=lambda f: _cost(f[0].xreplace(f[1])))
    return best.xreplace(back)


def _cost(expr: Expr) -> tuple[int, int]:
    """Reading cost; among equals the shorter tree."""
    return reading_cost(expr), tree_size(expr)


def _opaque_sums(expr: Expr) -> frozenset[Expr]:
    """Sums that share no symbol with any denominator: multiplying them out could cancel nothing."""
    below = [p.base for p in _pointwise_parts(expr) if isinstance(p, Pow) and p.exp.could_extract_minus_sign()]
    symbols = set().union(*(b.free_symbols for b in below))
    return frozenset(p for p in _pointwise_parts(expr) if isinstance(p, Add) and p is not expr
                     and not any(p in b.atoms(Add) for b in below) and not symbols & p.free_symbols)


def _worth_trying(expr: Expr) -> bool:
    """An Add that meets a negative power, or terms with a common factor."""
    return any(isinstance(e, Add) for e in _pointwise_parts(expr)) and (
        any(isinstance(e, Pow) and e.exp.could_extract_minus_sign() for e in _pointwise_parts(expr)) or _common_factors(expr)
    )


def _pointwise_parts(expr: Expr) -> Iterator[Expr]:
    stack = [expr]
    while stack:
        part = stack.pop()
        yield part
        if not isinstance(part, Apply):
            stack.extend(part.args)


def _common_factors(expr: Expr) -> bool:
    """Whether some sum has terms that share a factor."""
    for part in _pointwise_parts(expr):
        if isinstance(part, Add):
            factors = [set(t.args if isinstance(t, Mul) else (t,)) for t in part.args]
            if any(not f.is_number for f in set.intersection(*factors)):
                return True
    return False


def _skeleton(expr: Expr, opaque: frozenset[Expr] = frozenset()) -> tuple[Expr, dict[Expr, Expr]]:
    """The expression with operators, decimals and `opaque` sums replaced by dummies, and the way back."""
    parts: dict[Expr, Expr] = {}
    for part in _pointwise_parts(expr):
        if isinstance(part, Apply) or part in opaque:
            parts[part] = Dummy(real=True)
        elif isinstance(part, Rational) and part.q >= 1000:
            parts[part] = Dummy(positive=True)  # 1e-5 is to stay beside the variance, not to multiply everything
    if not parts:
        return expr, {}
    return expr.xreplace(parts), {dummy: part for part, dummy in parts.items()}


def _candidates(expr: Expr, folds: list[dict[Expr, Expr]]) -> Iterator[Expr]:
    yield expr
    for simplify in (factor_terms, cancel, lambda e: factor_terms(cancel(e)), expand_mul, factor):
        try:
            yield content_out(simplify(expr))
        except (PolynomialError, NotImplementedError):
            continue
    for fold in folds:
        with suppress(PolynomialError):
            yield content_out(factor_terms(cancel(expr.xreplace(fold))))


def _folds(expr: Expr, facts: Facts, back: dict[Expr, Expr]) -> list[dict[Expr, Expr]]:
    """With p = e/s, e may be written p·s (D2): the substitutions, in the terms of the skeleton."""
    symbols = sorted(expr.atoms(TensorSymbol), key=lambda s: s.position)
    skeleton = {part: dummy for dummy, part in back.items()}
    return [
        {part: symbol * part / facts.definitions[symbol].xreplace(skeleton)}
        for symbol in symbols
        if isinstance(facts.definitions.get(symbol), Mul)
        for part in facts.definitions[symbol].args
        if isinstance(part, TensorSymbol) and part in symbols and part is not symbol and not part.leaf
    ]


def recognised(expr: Expr) -> Expr:
    """Two idioms by their names: exp x / Σ exp x is a softmax; a mean is Σ x / n that is broadcast back."""
    return _recognised(expr, math.prod(map(int, shape_of(expr))))


def _recognised(expr: Expr, entries: int) -> Expr:
    if isinstance(expr, Mul):
        found = _softmax_idiom(expr) or _sign_idiom(expr) or _mean_idiom(expr, entries)
        if found is not None:
            return _recognised(found, entries)
    if isinstance(expr, (Add, Mul, Pow)):
        parts = [_recognised(a, entries) for a in expr.args]
        return expr if all(a is b for a, b in zip(parts, expr.args, strict=True)) else expr.func(*parts)
    return expr


def _sums(factors: Iterable[Expr]) -> list[Apply]:
    return [a for a in factors if isinstance(a, Apply) and a.name == "sum"]


def _softmax_idiom(expr: Mul) -> Expr | None:
    for total in _sums(1 / a for a in expr.args if isinstance(a, Pow) and a.exp == -1):
        top = total.args[0]
        if total.parameters["keepdims"] and isinstance(top, Apply) and top.name == "exp" and top in expr.args:
            softmax = Apply("softmax", top.args, {"axis": total.parameters["axis"]}, top.shape)
            return expr * total / top * softmax
    return None


def _sign_idiom(expr: Mul) -> Expr | None:
    """sign(x)/|x| = 1/x, x sign(x) = |x|."""
    for sign in expr.args:
        if isinstance(sign, Apply) and sign.name == "sign":
            x = sign.args[0]
            magnitude = Apply("abs", sign.args, {}, sign.shape)
            if 1 / magnitude in expr.args:
                return expr * magnitude / sign / x
            if x in expr.args:
                return expr / sign / x * magnitude
    return None


def _mean_idiom(expr: Mul, entries: int) -> Expr | None:
    for total in _sums(expr.args):
        shape = shape_of(total.args[0])
        n = Mul(*[size(shape[a]) for a in axes_of(total.parameters["axis"], len(shape))])
        number, rest = expr.as_coeff_Mul()
        divided = rest.as_powers_dict().get(n) == -1 if not n.is_number else n > 1 and number.is_Rational and number.q % n == 0
        if divided and math.prod(map(int, total.shape)) != entries:
            mean = Apply("mean", total.args, total.parameters, total.shape)
            return Mul(*[a for a in expr.args if a is not total], n, mean)
    return None


def _same_sign(factors: list[Expr]) -> list[Expr]:
    """(y - m)(m - y) as -(y - m)²: a factor and its negative are one base."""
    sums = {f.base if isinstance(f, Pow) else f for f in factors}
    turned = {s for s in sums if isinstance(s, Add) and -s in sums and later_is_negative(s)}
    result: list[Expr] = []
    for f in factors:
        if f in turned:
            result += [S.NegativeOne, -f]
        elif isinstance(f, Pow) and f.base in turned and f.exp.is_Integer:
            result += [Pow(-1, f.exp), Pow(-f.base, f.exp)]
        else:
            result.append(f)
    return result


def content_out(expr: Expr) -> Expr:
    """1/(2a + 2b) as 1/2 · 1/(a + b): sympy multiplies numbers into sums, readers do not."""
    if isinstance(expr, Pow) and isinstance(expr.base, Add) and expr.exp.is_Integer and expr.exp.is_negative:
        number, rest = _split_sum(expr.base)
        return Pow(number, expr.exp) * Pow(rest, expr.exp)
    if isinstance(expr, (Add, Mul)):
        parts = [content_out(a) for a in expr.args]
        if isinstance(expr, Mul):
            parts = _same_sign(parts)
        return expr if all(a is b for a, b in zip(parts, expr.args, strict=True)) else expr.func(*parts)
    return expr


def reading_cost(expr: Expr) -> int:
    """How much there is to read: a sign is free, a division by a sum dear."""
    if expr.is_number or isinstance(expr, SizeSymbol):
        return 0 if expr in (1, -1) else 1 + len(str(expr)) // 3
    if isinstance(expr, Add):
        return sum(max(1, reading_cost(a)) for a in expr.args) + len(expr.args) - 1
    if isinstance(expr, (Mul, Pow)):
        above, below = _fraction(expr)
        return _product_cost(above) + (_product_cost(below) + _division_cost(below) if below else 0)
    return 1


def _fraction(expr: Expr) -> tuple[list[Expr], list[Expr]]:
    """The factors above and below the fraction bar."""
    above, below = [], []
    for factor in Mul.make_args(expr):
        if isinstance(factor, Pow) and factor.exp.could_extract_minus_sign():
            below.append(Pow(factor.base, -factor.exp))
        else:
            above.append(factor)
    return above, below


def _product_cost(factors: list[Expr]) -> int:
    costs = [reading_cost(f) if not isinstance(f, Pow) else reading_cost(f.base) + (1 if f.exp.is_Integer else 2) for f in factors]
    return sum(costs) + max(0, sum(1 for f in factors if f != -1) - 1)


def _division_cost(below: list[Expr]) -> int:
    """By a scalar, by a tensor, by a sum, by a sum that was not factored: the dearest factor counts, once."""
    return max(9 if _common_factors(f) else 6 if isinstance(f, Add) else 1 if not shape_of(f) else 3 for f in below)


# ── sums of products that share a factor ─────────────────────────────────────────────────────────


def _merged_products(expr: Expr) -> Expr:
    """A·x + B·x = (A + B)·x, for chains and outer products."""
    if isinstance(expr, Mul):
        return Mul(*[_merged_products(a) if isinstance(a, Add) else a for a in expr.args])
    terms = list(_regrouped(expr).args) if isinstance(_regrouped(expr), Add) else None
    if terms is None:
        return _regrouped(expr)
    terms = _symmetric_terms(terms)
    merged = True
    while merged and len(terms) > 1:
        merged = False
        for i, one in enumerate(terms):
            for j in range(i + 1, len(terms)):
                joined = _joined_terms(one, terms[j])
                if joined is not None:
                    terms[i] = joined
                    del terms[j]
                    merged = True
                    break
            if merged:
                break
    return Add(*terms)


def _regrouped(expr: Add) -> Expr:
    """a + b + q (a + b) = (1 + q)(a + b): adding a contribution opened the brackets of another."""
    terms = set(expr.args)
    for term in expr.args:
        for factor in term.args if isinstance(term, Mul) else ():
            if not isinstance(factor, Add):
                continue
            for first in expr.args:
                ratio = first / factor.args[0]
                parts = [a * ratio for a in factor.args]
                if term not in parts and terms.issuperset(parts):
                    rest = Add(*(terms - set(parts) - {term}))
                    return rest + factor * (ratio + term / factor)
    return expr


def _symmetric_terms(terms: list[Expr]) -> list[Expr]:
    """W + Wᵀ = 2W where W is symmetric."""
    for i, term in enumerate(terms):
        factor, rest = split_scalar(term)
        if not isinstance(rest, Apply) or rest.name != "transpose" or len(rest.shape) != 2:
            continue
        partner = Mul(factor, swap(rest))
        if partner in terms and _is_symmetric(swap(rest)):
            return [2 * t if t == partner else t for j, t in enumerate(terms) if j != i]
    return terms


def _is_symmetric(expr: Expr) -> bool:
    base = expr.args[0] if isinstance(expr, Apply) and expr.name == "inv" else expr
    return current_facts().symmetric(base)


def _joined_terms(a: Expr, b: Expr) -> Expr | None:
    (coefficient_a, one), (coefficient_b, two) = split_scalar(a), split_scalar(b)
    if not (isinstance(one, Apply) and isinstance(two, Apply) and one.name == two.name == "matmul") or one.shape != two.shape:
        return None
    if len(shape_of(one.args[0])) < 2 or abs(coefficient_a) != abs(coefficient_b):
        return None
    suffix = _common_suffix(one.args, two.args)
    prefix = _common_suffix(one.args[::-1], two.args[::-1])
    sign = S.One if coefficient_a == coefficient_b else S.NegativeOne
    for count, side in ((suffix, -1), (prefix, 1)):
        if 0 < count < min(len(one.args), len(two.args)):
            return Mul(coefficient_a, _factored(one.args, two.args, count * -side, sign))
    return None


def _common_suffix(a: tuple[Expr, ...], b: tuple[Expr, ...]) -> int:
    count = 0
    while count < min(len(a), len(b)) and a[-1 - count] == b[-1 - count]:
        count += 1
    return count


def _factored(a: tuple[Expr, ...], b: tuple[Expr, ...], shared: int, sign: Expr) -> Expr:
    """`shared` > 0: that many last factors are common; < 0: that many first ones."""
    if shared > 0:
        inner = _added(_chain(list(a[:-shared])), sign * _chain(list(b[:-shared])))
        return _chain([inner, *a[-shared:]])
    inner = _added(_chain(list(a[-shared:])), sign * _chain(list(b[-shared:])))
    return _chain([*a[:-shared], inner])


def _added(a: Expr, b: Expr) -> Expr:
    return Add(*_symmetric_terms([a, b]))


# ── proving facts ────────────────────────────────────────────────────────────────────────────────


def sum_of_definition(definition: Expr, shape: Shape, axes: tuple[int, ...], facts: Facts) -> Expr | None:
    """Σ over axes of a definition, with the reductions it is made of written out (D1); None if that is no help."""
    expanded = _unfolded(definition, facts)
    if tree_size(expanded) > 4 * MAX_NODES:
        return None
    try:
        return cancel(_skeleton_sum(expand_mul(expanded), shape, axes))
    except (PolynomialError, NotImplementedError):
        return None


def _skeleton_sum(expr: Expr, shape: Shape, axes: tuple[int, ...]) -> Expr:
    result = Add(*[_sum_kept(term, shape, axes) for term in Add.make_args(expr)])
    skeleton, _ = _skeleton(result)
    return skeleton


def _unfolded(definition: Expr, facts: Facts) -> Expr:
    """Symbols that stand for a sum or a mean, replaced by it; a mean is a sum divided by its size."""
    replacements: dict[Expr, Expr] = {}
    for symbol in definition.atoms(TensorSymbol):
        made = facts.definitions.get(symbol)
        if isinstance(made, Apply) and made.name in REDUCTIONS:
            replacements[symbol] = _as_sum(made)
        elif made is not None and getattr(symbol, "anonymous", False):
            replacements[symbol] = _unfolded(made, facts)
    expanded = definition.xreplace(replacements) if replacements else definition
    means = {a: _as_sum(a) for a in expanded.atoms(Apply) if a.name == "mean"}
    return expanded.xreplace(means) if means else expanded


def _as_sum(made: Apply) -> Expr:
    inner = made.args[0]
    axes = axes_of(made.parameters["axis"], len(shape_of(inner)))
    if not made.parameters["keepdims"] and axes != tuple(range(len(axes))):
        return made  # the axes it dropped are not leading: it does not broadcast against its operand
    total = _sum_kept(inner, shape_of(inner), tuple(a - len(shape_of(inner)) for a in axes))
    if made.name == "sum":
        return total
    return total / Mul(*[size(shape_of(inner)[a]) for a in axes])


__all__ = ["reading_cost", "sum_of_definition", "tidy"]

