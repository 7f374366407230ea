"""Sums whose terms share a factor: A·x + B·x = (A + B)·x, a + b + q(a + b) = (1 + q)(a + b), W + Wᵀ = 2W."""

from __future__ import annotations

from sympy import Add, Expr, Mul, S

from backprop_cli.formulas.algebra.expr import (
    Apply,
    is_one,
    is_op,
    later_is_negative,
    shape_of,
    tree_size,
)
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.pairwise import one_axis
from backprop_cli.formulas.algebra.positions import is_named
from backprop_cli.formulas.algebra.products import EVERY, chain, chain_factors
from backprop_cli.formulas.algebra.scalars import beside, split_scalar
from backprop_cli.formulas.algebra.skeleton import mixes
from backprop_cli.formulas.algebra.symmetry import is_symmetric
from backprop_cli.formulas.algebra.tiles import tiled
from backprop_cli.formulas.algebra.transposes import swap

MAX_TERMS = 24  # the search for factors in common is cubic
SHORT = 3  # nodes of what is written twice rather than brought together by an identity matrix


def merged_products(expr: Expr) -> Expr:
    """A·x + B·x = (A + B)·x, for chains and outer products."""
    if not isinstance(expr, (Add, Mul)):
        return expr
    if isinstance(expr, Mul):
        parts = [merged_products(a) if isinstance(a, Add) else a for a in expr.args]
        return Mul(*parts) if parts != list(expr.args) else expr
    regrouped = _regrouped(_upright(expr))
    if not isinstance(regrouped, Add) or not mixes(regrouped):  # what is joined below are operators
        return regrouped
    terms = tiled(_symmetric_terms(list(regrouped.args)))
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


def _upright(expr: Add) -> Expr:
    """(A + B)ᵀ + Bᵀ as Aᵀ + 2 Bᵀ: the transpose of a sum goes into it where a term meets one outside   (T3b)."""
    for term in expr.args:
        factor, turned = split_scalar(term)
        if is_op(turned, "transpose") and isinstance(inner := turned.args[0], Add):
            parts = [Mul(factor, swap(part)) for part in inner.args]
            if all(shape_of(part) == turned.shape for part in parts):
                opened = Add(expr - term, *parts)
                if len(Add.make_args(opened)) < len(expr.args) - 1 + len(parts):
                    return opened
    return expr


def _regrouped(expr: Expr) -> Expr:
    """a + b + q (a + b) = (1 + q)(a + b): adding a contribution opened the brackets of another."""
    terms = set(expr.args)
    if len(terms) > MAX_TERMS or not isinstance(expr, Add):
        return expr
    for term in expr.args:
        for factor in term.args if isinstance(term, Mul) else ():
            if not isinstance(factor, Add):
                continue
            if len(factor.args) >= len(terms):
                continue
            for first in expr.args:
                if first is term:
                    continue
                ratio, parts = first / factor.args[0], {first}
                for a in factor.args[1:]:  # mostly the first is no term
                    parts.add(part := a * ratio)
                    if part not in terms or part == term:
                        break
                else:
                    rest = Add(*(terms - parts - {term}))
                    return rest + factor * (ratio + term / factor)
    return expr


def _symmetric_terms(terms: list[Expr]) -> list[Expr]:
    """W + Wᵀ = 2W where W is symmetric."""
    for i, term in enumerate(terms):
        factor, rest = split_scalar(term)
        if not isinstance(rest, Apply) or rest.name != "transpose" or len(rest.shape) != 2:
            continue
        partner = Mul(factor, swap(rest))
        if partner in terms and is_symmetric(swap(rest)):
            return [2 * t if t == partner else t for j, t in enumerate(terms) if j != i]
    return terms


def _joined_terms(a: Expr, b: Expr) -> Expr | None:
    for rule in (_centred, _less_row, _scaled_rows):
        if (found := rule(a, b) or rule(b, a)) is not None:
            return found
    (coefficient_a, one), (coefficient_b, two) = _scaled(a), _scaled(b)
    if is_op(one, "sum") and is_op(two, "sum"):
        return _joined_sums(one, two, coefficient_a, coefficient_b)
    if not shape_of(one):
        return _joined_dots(one, two, coefficient_a, coefficient_b)
    if coefficient_b not in (coefficient_a, -coefficient_a):
        return _joined_chains(_factors(one), _factors(two), coefficient_b / coefficient_a, coefficient_a)
    sign = S.One if coefficient_a == coefficient_b else S.NegativeOne
    joined = _joined_outers(one, two, sign) if is_op(one, "outer") and is_op(two, "outer") else None
    joined = _joined_chains(_factors(one), _factors(two), sign) if joined is None else joined
    joined = _with_identity(one, two, sign) if joined is None else joined
    return None if joined is None else Mul(coefficient_a, joined)


def _centred(a: Expr, b: Expr) -> Expr | None:
    """Aᵀ·x - Σ(x) y as (A - y)ᵀ·x: weighted sums of rows, each less the same one   (F1p)."""
    factor, product = split_scalar(a)
    if not is_op(product, "matmul") or len(product.args) != 2 or not is_op(product.args[0], "transpose"):
        return None
    x, scalars = product.args[1], [f for f in Mul.make_args(b) if f.args and not shape_of(f)]
    if len(shape_of(x)) != 1 or not scalars or (total := call("sum", EVERY, x)) not in scalars:
        return None
    y = b / factor / total
    return factor * chain([swap(swap(product.args[0]) + y), x]) if shape_of(y) == product.shape else None


def _less_row(a: Expr, b: Expr) -> Expr | None:
    """A·x - yᵀx as (A - y)·x: each row less the same one, for an x that is longer than a name   (F1u)."""
    factor, product = split_scalar(a)
    if not is_op(product, "matmul") or len(product.args) != 2 or len(product.shape) != 1 or shape_of(b):
        return None
    rows, x = product.args
    ratio, dot = (b / factor).as_coeff_Mul()
    if tree_size(x) <= SHORT or not is_op(dot, "matmul") or len(dot.args) != 2 or not ratio.is_number:
        return None
    for y, other in (dot.args, dot.args[::-1]):
        if other in (x, -x):
            return factor * chain([rows + ratio * y * (1 if other == x else -1), x])
    return None


def _scaled_rows(a: Expr, b: Expr) -> Expr | None:
    """w ⊙ (A·B) + (w ⊙ A)·C as w ⊙ (A·(B + C)): what scales the rows of a product, or its columns   (F1v)."""
    factor, product = split_scalar(a)
    if not is_op(product, "matmul") or len(product.shape) != 2:
        return None
    for end, scales in ((0, _is_column), (-1, _is_row)):
        inside = product.args[end]
        scale = next((f for f in Mul.make_args(inside) if scales(f) and f in Mul.make_args(b)), None)
        if scale is not None and shape_of(inside / scale) == shape_of(inside):
            factors = [*product.args]
            factors[end] = inside / scale
            joined = merged_products(factor * chain(factors) + b / scale)
            if not isinstance(joined, Add):
                return scale * joined
    return None


def _is_column(expr: Expr) -> bool:
    return len(shape_of(expr)) == 2 and is_one(shape_of(expr)[1])


def _is_row(expr: Expr) -> bool:
    return len(shape_of(expr)) == 1


def _scaled(term: Expr) -> tuple[Expr, Expr]:
    """A term as a scalar times the rest; of scalars, times the one sum or product of vectors among them."""
    if not shape_of(term):
        sums = [f for f in Mul.make_args(term) if is_op(f, "sum") or is_op(f, "matmul")]
        return (term / sums[0], sums[0]) if len(sums) == 1 else (S.One, term)
    return split_scalar(term)


def _joined_dots(one: Expr, two: Expr, first: Expr, second: Expr) -> Expr | None:
    """gᵀb - gᵀa = gᵀ(b - a), of nodes and their rows; gᵀA x - gᵀA y = gᵀA (x - y), gᵀA x + gᵀb = gᵀ(A x + b)   (F1t).

    A vector that begins both is taken out of two dots of any length.
    """
    if not is_op(one, "matmul") or not is_op(two, "matmul"):
        return None
    if first not in (second, -second):
        return _joined_scaled(one, two, first, second) or _joined_scaled(two, one, second, first)
    if len(one.args) == len(two.args) == 2 and not all(map(is_named, (*one.args, *two.args))):
        return None
    sign = S.One if first == second else S.NegativeOne
    pairs = [(a, b) for a in _ways(one) for b in _ways(two)]
    if len(one.args) != len(two.args):
        if shape_of(two):
            return None
        return next((first * chain([a[0], merged_products(chain(a[1:]) + sign * chain(b[1:]))]) for a, b in pairs
                     if a[0] == b[0]), None)  # fmt: skip
    for a, b in pairs:
        if a[:-1] == b[:-1] and shape_of(a[-1]) == shape_of(b[-1]):
            return first * chain([*a[:-1], a[-1] + sign * b[-1]])
    for a, b in pairs:
        if a[1:] == b[1:] and shape_of(a[0])[-1:] == shape_of(b[0])[-1:]:  # A g - bᵀg: each row of A less b
            return first * chain([a[0] + sign * b[0], *a[1:]])
    return None


def _joined_scaled(one: Expr, two: Expr, first: Expr, second: Expr) -> Expr | None:
    """gᵀa - c gᵀb = gᵀ(a - c b), of nodes and their rows   (F1t)."""
    vectors = one.args, two.args
    if first not in {S.One, S.NegativeOne} or any(len(v) != 2 or not all(map(is_named, v)) for v in vectors):
        return None
    shared = next((v for v in one.args if v in two.args), None)
    if shared is None or shape_of(one) or shape_of(two):
        return None
    (a,), (b,) = ([v for v in each if v != shared] or [shared] for each in vectors)
    return call("matmul", {}, first * a + second * b, shared)


def _ways(product: Expr) -> tuple[tuple[Expr, ...], ...]:
    """The factors of a product, and from right to left where what comes out has no second axis to be turned."""
    turned = tuple(map(swap, reversed(product.args)))
    return (product.args, turned) if len(shape_of(product)) < 2 else (product.args,)


def _joined_sums(one: Apply, two: Apply, first: Expr, second: Expr) -> Expr | None:
    """Σ(x y) + c Σ(x z) = Σ(x (y + c z)); of sums over pairs, which are one another's negative, one."""
    turned = one_axis(one, two), one_axis(two, one)
    if turned[0] is not None:
        return first * one + second * turned[0]
    if turned[1] is not None:
        return first * turned[1] + second * two
    if one.parameters != two.parameters:
        return None
    (number, x), (other, y) = (_signless(e.args[0]) for e in (one, two))
    if one.parameters == EVERY and (found := _joined_traces(x, y, first * number, second * other)) is not None:
        return found
    if shape_of(x) != shape_of(y):
        return None
    if x == y:
        return (first * number + second * other) * call("sum", one.parameters, x)
    if not isinstance(x, Mul) or not isinstance(y, Mul) or not (common := [f for f in x.args if f in y.args]):
        return None
    inside = Mul(*common, first * number * x / Mul(*common) + second * other * y / Mul(*common))
    found = call("sum", one.parameters, inside)
    return found if tree_size(found) < tree_size(first * one + second * two) else None


def _joined_traces(x: Expr, y: Expr, first: Expr, second: Expr) -> Expr | None:
    """Σ(G ⊙ X) + c Σ((G·Xᵀ) ⊙ A) = Σ(G ⊙ (X + c A·X)): a factor of a product of matrices beside the others   (S13b)."""
    if not isinstance(x, Mul) or not isinstance(y, Mul) or len(shape_of(x)) != 2:
        return None
    product = next((f for f in y.args if is_op(f, "matmul") and len(f.shape) == 2), None)
    if product is None:
        found = next((f for f in x.args if is_op(f, "matmul")), None)
        return None if found is None else _joined_traces(y, x, second, first)
    rest = beside(y, product)
    for end, others in ((product.args[0], product.args[1:]), (product.args[-1], product.args[:-1])):
        if end in x.args and shape_of(rest) == product.shape and shape_of(end) == shape_of(x):
            turned = swap(chain(others))
            beside_it = chain([rest, turned] if end is product.args[0] else [turned, rest])
            return call("sum", EVERY, end * merged_products(first * beside(x, end) + second * beside_it))
    return None


def _signless(expr: Expr) -> tuple[Expr, Expr]:
    """A summand without its sign: (m - x)/s is -(x - m)/s."""
    late = {f: -f for f in Mul.make_args(expr) if isinstance(f, Add) and later_is_negative(f)}
    return (S.NegativeOne ** len(late), expr.xreplace(late)) if late else (S.One, expr)


def _factors(expr: Expr) -> tuple[Expr, ...]:
    """What a product of matrices is a product of; x (A y)ᵀ is (x yᵀ) Aᵀ."""
    if is_op(expr, "outer"):
        (*before, x), (*after, y) = map(chain_factors, expr.args)
        return (*before, call("outer", {}, x, y), *map(swap, reversed(after))) if before or after else ()
    return tuple(expr.args) if is_op(expr, "matmul") and len(shape_of(expr.args[0])) > 1 else ()


def _joined_chains(a: tuple[Expr, ...], b: tuple[Expr, ...], sign: Expr, scale: Expr = S.One) -> Expr | None:
    """A·x + B·x = (A + B)·x, C·x + C·y = C·(x + y); both may have scalars in front."""
    around = _joined_around(a, b, scale, sign * scale) or _joined_around(b, a, sign * scale, scale)
    if around is not None:
        return around
    for count, side in ((_common_suffix(a, b), 1), (_common_suffix(a[::-1], b[::-1]), -1)):
        shared = min(count, len(a) - 1, len(b) - 1)
        if shared > 0:
            return _factored(a, b, shared * side, sign * scale, scale)
    return None


def _joined_around(a: tuple[Expr, ...], b: tuple[Expr, ...], first: Expr, second: Expr) -> Expr | None:
    """Aᵀ·A + Aᵀ·B·A = Aᵀ·(I + B)·A; a vector is no longer than I, and goes into the brackets   (F1w)."""
    front = min(_common_suffix(a[::-1], b[::-1]), len(a) - 1)
    back = len(a) - front
    if front < 1 or len(b) <= len(a) or _common_suffix(a, b) < back or len(shape_of(a[-1])) < 2:
        return None
    unit = call("eye", {"n": shape_of(a[front])[0]})
    return chain([*a[:front], _added(first * unit, second * chain(list(b[front:-back]))), *a[front:]])


def _with_identity(one: Expr, two: Expr, sign: Expr) -> Expr | None:
    """x + A·x = (I + A)·x, for what is longer than I."""
    for x, product in ((one, two), (two, one)):
        factors = _factors(product)
        if len(factors) > 1 and factors[-1] == x and tree_size(x) > SHORT:
            before = chain(list(factors[:-1]))
            unit = call("eye", {"n": shape_of(x)[0]})
            return chain([sign * before + unit if x is one else before + sign * unit, x])
    return None


def _joined_outers(one: Apply, two: Apply, sign: Expr) -> Expr | None:
    """a cᵀ + b cᵀ = (a + b) cᵀ."""
    (a, x), (b, y) = one.args, two.args
    if x == y:
        return call("outer", {}, merged_products(a + sign * b), x)
    return call("outer", {}, a, merged_products(x + sign * y)) if a == b else None


def _common_suffix(a: tuple[Expr, ...], b: tuple[Expr, ...]) -> int:
    count = 0
    while count < min(len(a), len(b)) and a[-1 - count] == b[-1 - count]:
        count += 1
    return count


def _factored(a: tuple[Expr, ...], b: tuple[Expr, ...], shared: int, second: Expr, first: Expr = S.One) -> Expr:
    """`shared` > 0: that many last factors are common; < 0: that many first ones; the scalars of both terms."""
    if shared > 0:
        inner = _added(first * chain(list(a[:-shared])), second * chain(list(b[:-shared])))
        return chain([inner, *a[-shared:]])
    inner = _added(first * chain(list(a[-shared:])), second * chain(list(b[-shared:])))
    return chain([*a[:-shared], inner])


def _added(a: Expr, b: Expr) -> Expr:
    return merged_products(Add(*_symmetric_terms([a, b])))
