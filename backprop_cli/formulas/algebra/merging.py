"""Sums whose terms share a factor: A·x + B·x = (A + B)·x, a + b + q(a + b) = (1 + q)(a + b), W + Wᵀ = 2W."""

from __future__ import annotations

from operator import itemgetter

from sympy import Add, Expr, Mul, S

from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_op, later_is_negative, shape_of, tree_size
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.pairwise import one_axis
from backprop_cli.formulas.algebra.products import chain, chain_factors
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.shapes import is_unit_vector
from backprop_cli.formulas.algebra.symmetry import is_symmetric
from backprop_cli.formulas.algebra.transposes import swap

MAX_TERMS = 24  # the search for factors in common is cubic
EVERY = {"axis": None, "keepdims": False}
SHORT = 3  # nodes of what is written twice rather than brought together by an identity matrix


def merged_products(expr: Expr) -> Expr:
    """A·x + B·x = (A + B)·x, for chains and outer products."""
    if not isinstance(expr, (Add, Mul)):
        return expr
    if isinstance(expr, Mul):
        parts = [merged_products(a) if isinstance(a, Add) else a for a in expr.args]
        return Mul(*parts) if parts != list(expr.args) else expr
    regrouped = _regrouped(expr)
    if not isinstance(regrouped, Add):
        return regrouped
    terms = _tiled(_symmetric_terms(list(regrouped.args)))
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
    if len(terms) > MAX_TERMS:
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


def _tiled(terms: list[Expr]) -> list[Expr]:
    """Parts scattered to slices that tile an axis are those parts in a row: a concat   (R2)."""
    entries = {rest.parameters["index"][0] % rest.shape[0]: factor for factor, rest in map(split_scalar, terms)
               if is_unit_vector(rest)}  # fmt: skip
    if len(entries) == len(terms) > 1 and sorted(entries) == list(range(_length_of(terms[0]))):
        return [call("stack", {"axis": 0}, *(entries[i] for i in sorted(entries)))]
    parts = [t for t in terms if _slice_of(t) is not None]
    slices = [_slice_of(t) for t in parts]
    for axis in sorted({s[0] for s in slices if s}):
        along = ((s[1:], part) for s, part in zip(slices, parts, strict=True) if s and s[0] == axis)
        tiles = sorted(along, key=itemgetter(0))
        ends = [0, *(end for (_, end, _), _ in tiles)]
        if len(tiles) > 1 and [start for (start, _, _), _ in tiles] == ends[:-1] and ends[-1] == tiles[0][0][2]:
            inside = [part for _, part in tiles]
            joined = call("concat", {"axis": axis}, *(_unscattered(t) for t in inside))
            return [joined, *(t for t in terms if t not in inside)]
    return terms


def _length_of(term: Expr) -> int:
    return int(shape_of(term)[0])


def _slice_of(term: Expr) -> tuple[int, int, int, int] | None:
    """(axis, start, end, size) of a part that was scattered to one slice of zeros."""
    rest = split_scalar(term)[1]
    if not is_op(rest, "scatter") or len(shape_of(rest.args[0])) != len(rest.shape):
        return None
    index = rest.parameters["index"]
    if Ellipsis in index:
        at = index.index(Ellipsis)
        index = (*index[:at], *[Span()] * (len(rest.shape) - len(index) + 1), *index[at + 1 :])
    cut = [(axis, item) for axis, item in enumerate(index) if item != Span()]
    if len(cut) != 1 or not isinstance(cut[0][1], Span):
        return None
    axis, span = cut[0]
    start, stop, step = slice(span.first, span.stop, span.step).indices(rest.shape[axis])
    return (axis, start, stop, rest.shape[axis]) if step == 1 else None


def _unscattered(term: Expr) -> Expr:
    factor, rest = split_scalar(term)
    return Mul(factor, rest.args[0])


def _joined_terms(a: Expr, b: Expr) -> Expr | None:
    centred = _centred(a, b) or _centred(b, a)
    if centred is not None:
        return centred
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


def _scaled(term: Expr) -> tuple[Expr, Expr]:
    """A term as a scalar times the rest; of scalars, times the one sum or product of vectors among them."""
    if not shape_of(term):
        sums = [f for f in Mul.make_args(term) if is_op(f, "sum") or is_op(f, "matmul")]
        return (term / sums[0], sums[0]) if len(sums) == 1 else (S.One, term)
    return split_scalar(term)


def _joined_dots(one: Expr, two: Expr, first: Expr, second: Expr) -> Expr | None:
    """gᵀb - gᵀa = gᵀ(b - a), of nodes   (F1t)."""
    if first not in (second, -second) or not is_op(one, "matmul") or not is_op(two, "matmul"):
        return None
    if not all(isinstance(x, TensorSymbol) for x in (*one.args, *two.args)):
        return None
    shared = next((x for x in one.args if x in two.args), None)
    if shared is None or len(one.args) != 2 or len(two.args) != 2:
        return None
    x, y = (next((a for a in dot.args if a != shared), shared) for dot in (one, two))
    return first * call("matmul", {}, x + second / first * y, shared)


def _joined_sums(one: Apply, two: Apply, first: Expr, second: Expr) -> Expr | None:
    """Σ(x y) + c Σ(x z) = Σ(x (y + c z)); of sums over pairs, which are one another's negative, one."""
    turned = one_axis(one, two), one_axis(two, one)
    if turned[0] is not None:
        return first * one + second * turned[0]
    if turned[1] is not None:
        return first * turned[1] + second * two
    if one.parameters != two.parameters or shape_of(one.args[0]) != shape_of(two.args[0]):
        return None
    (number, x), (other, y) = (_signless(e.args[0]) for e in (one, two))
    if x == y:
        return (first * number + second * other) * call("sum", one.parameters, x)
    if not isinstance(x, Mul) or not isinstance(y, Mul) or not (common := [f for f in x.args if f in y.args]):
        return None
    inside = Mul(*common, first * number * x / Mul(*common) + second * other * y / Mul(*common))
    found = call("sum", one.parameters, inside)
    return found if tree_size(found) < tree_size(first * one + second * two) else None


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
    for count, side in ((_common_suffix(a, b), 1), (_common_suffix(a[::-1], b[::-1]), -1)):
        shared = min(count, len(a) - 1, len(b) - 1)
        if shared > 0:
            return _factored(a, b, shared * side, sign * scale, scale)
    return None


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
