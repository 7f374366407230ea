"""Products of matrices: one flat chain, its neighbours simplified pair by pair (M2-M7), inverses and traces (C1).

Vectors are columns: a row times a matrix is the transposed matrix times a column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from sympy import Add, Expr, Mul, S

from backprop_cli.engine.ops.linear import matmul_shape
from backprop_cli.formulas.algebra.expr import Apply, GradSymbol, is_one, is_op, shape_of, sort_key, tree_size
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.formula import RULES, Formula, call, materialize, scaled, zero
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.transposes import swap
from backprop_cli.formulas.algebra.work import never_twice, spend

EVERY = {"axis": None, "keepdims": False}
MAX_OPENED = 4  # terms of a sum that is multiplied out


def matmul(*factors: Formula) -> Formula:
    """`a @ b @ ...`, flattened into one chain; vectors are columns, one in front is a row."""
    shape = reduce(matmul_shape, (factor.shape for factor in factors))
    if any(factor.expr == 0 for factor in factors):
        return zero(shape)
    scalars, parts = zip(*(split_scalar(materialize(factor)) for factor in factors), strict=True)
    return scaled(Mul(*scalars), Formula(multiplied_out(parts), shape))


def product(left: Expr, right: Expr) -> Expr:
    """The product of two materialized factors without scalars."""
    rank_left, rank_right = len(shape_of(left)), len(shape_of(right))
    if rank_left == 1 and rank_right > 1:  # M5: a row times a matrix is the transposed matrix times a column
        return (
            product(swap(right), left)
            if rank_right == 2
            else Apply("matmul", (left, right), {}, matmul_shape(shape_of(left), shape_of(right)))
        )
    if rank_left == 1 and rank_right == 1:
        return dot(left, right)
    return chain([*chain_factors(left), *chain_factors(right)])


def chain_factors(expr: Expr) -> list[Expr]:
    """The factors of a chain of matrices; a row-vector product is no chain."""
    if isinstance(expr, Apply) and expr.name == "matmul" and len(shape_of(expr.args[0])) > 1:
        return list(expr.args)
    return [expr]


def dot(left: Expr, right: Expr) -> Expr:
    """xᵀ y of two vectors; with a chain on either side it is xᵀ A y."""
    for one, other in ((left, right), (right, left)):
        if is_op(one, "ones"):  # M6
            return call("sum", EVERY, other)
        if facts_of(one).is_unit(one, (-1,)) and one in _vectors(other):
            terms = map(split_scalar, Add.make_args(other))
            return Add(*[factor * (S.One if x == one else dot(one, x)) for factor, x in terms])
    if len(chain_factors(left)) == len(chain_factors(right)) == 1:
        return Apply("matmul", tuple(sorted((left, right), key=_vector_order)), {}, ())
    forward = (*(swap(a) for a in reversed(chain_factors(left))), *chain_factors(right))
    backward = tuple(map(swap, reversed(forward)))
    return Apply("matmul", min(forward, backward, key=_bilinear_order), {}, ())


def _vectors(total: Expr) -> list[Expr]:
    """The terms of a vector without their scalars; none where one of them is no vector by itself."""
    terms = [split_scalar(term)[1] for term in Add.make_args(total)]
    return terms if all(shape_of(term) == shape_of(total) for term in terms) else []


def _vector_order(expr: Expr) -> tuple[object, ...]:
    """An upstream gradient last: it would need brackets under a transpose."""
    return isinstance(expr, GradSymbol), sort_key(expr)


def _bilinear_order(factors: tuple[Expr, ...]) -> tuple[object, ...]:
    """Of xᵀ A y and yᵀ Aᵀ x the one with fewer transposes."""
    return sum(map(tree_size, factors)), [sort_key(f) for f in factors]


def multiplied_out(factors: Sequence[Expr]) -> Expr:
    """The product of materialized factors; a vector in front is a row."""
    if len(factors) < 3:
        return reduce(product, factors)
    if len(shape_of(factors[0])) > 1:
        return chain(factors)
    return product(factors[0], multiplied_out(factors[1:]))


def chain(factors: Sequence[Expr]) -> Expr:
    """A chain of factors, simplified pair by pair."""
    scalar: Expr = S.One
    flat: list[Expr] = []
    for factor in factors:
        pulled, rest = split_scalar(factor)
        scalar = scalar if pulled is S.One else scalar * pulled
        flat += chain_factors(rest)
    spend(2 * len(flat))  # each meets its neighbours anew
    done: list[Expr] = []
    if any(is_op(factor, "zeros") for factor in flat):
        return S.Zero
    for factor in flat:
        done.append(factor)
        while (met := _met(done)) is not None:
            count, joined = met
            if joined == 0:
                return S.Zero
            pulled, rest = split_scalar(joined)
            scalar *= pulled
            done[-count:] = chain_factors(rest)
        if len(done) > 2 and done[-3] == done[-2] == done[-1] and len(shape_of(factor)) > 1:  # X X stays, X X X is X³
            done[-3:] = [call("matrix_power", {"n": 3}, factor)]
    if len(done) == 1:
        return Mul(scalar, done[0])
    shape = shape_of(done[0])
    for factor in done[1:]:
        shape = matmul_shape(shape, shape_of(factor))
    return Mul(scalar, Apply("matmul", tuple(done), {}, shape))


def _met(done: list[Expr]) -> tuple[int, Expr] | None:
    """How many of the last factors of a chain are one thing, and what they are; or None."""
    joined = _joined(done[-2], done[-1]) if len(done) > 1 else None
    if joined is not None:
        return 2, joined
    return next((found for rule in TAILS if (found := rule(done)) is not None), None)


@never_twice  # a chain that grows by a factor is gone through again
def _joined(a: Expr, b: Expr) -> Expr | None:
    """Two neighbours of a chain that are one thing, or None."""
    for rule in PAIRS:
        joined = rule(a, b)
        if joined is not None:
            return joined
    return _opened(a, b)


def _opened(a: Expr, b: Expr) -> Expr | None:
    """(I - (S⁻¹·M)⁻¹)·S⁻¹ = S⁻¹ - M⁻¹: a sum is multiplied out where a term that is not I meets what it knows."""
    for total, other, right in ((a, b, True), (b, a, False)):
        if not isinstance(total, Add) or not is_op(other, "inv") or len(total.args) > MAX_OPENED:
            continue
        factors = [split_scalar(t) for t in total.args]
        ends = [chain_factors(rest)[-1 if right else 0] for _, rest in factors]
        pairs = [(end, other) if right else (other, end) for end in ends]
        met = [p for end, p in zip(ends, pairs, strict=True) if is_op(end, "inv")]
        if any(rule(*p) is not None for p in met for rule in PAIRS):
            return Add(*[c * chain([rest, other] if right else [other, rest]) for c, rest in factors])
    return None


def _drop_one_by_one(a: Expr, b: Expr) -> Expr | None:
    """A factor that is a 1×1 matrix of ones (M6)."""
    for ones, other in ((a, b), (b, a)):
        if (
            is_op(ones, "ones")
            and len(shape_of(ones)) == 2
            and all(is_one(s) for s in shape_of(ones))
            and len(shape_of(other)) == 2
        ):
            return other
    return None


def _sum_by_ones(a: Expr, b: Expr) -> Expr | None:
    """A matrix times a vector of ones is its sum over an axis (M6)."""
    if not is_op(b, "ones") or len(shape_of(b)) != 1 or len(shape_of(a)) != 2:
        return None
    base, along = (a.args[0], 0) if is_op(a, "transpose") else (a, 1)
    return call("sum", {"axis": along, "keepdims": False}, base)


def _uncentred(a: Expr, b: Expr) -> Expr | None:
    """(A - y)ᵀ x is Aᵀ x, for an x whose entries sum to 0: rows, each less the same one   (F1z)."""
    rows = a.args[0] if is_op(a, "transpose") else None
    if not isinstance(rows, Add) or len(shape_of(rows)) != 2 or len(shape_of(b)) != 1 or not isinstance(b, Add):
        return None
    left = Add(*[t for t in rows.args if len(shape_of(t)) == 2])
    if left in {rows, S.Zero} or shape_of(left) != shape_of(rows) or call("sum", EVERY, b) != 0:
        return None
    return chain([swap(left), b])


PAIRS: list[Callable[[Expr, Expr], Expr | None]] = [
    _drop_one_by_one, _sum_by_ones, _uncentred,
]  # fmt: skip
"""What two neighbours of a chain may be together; other modules of rules add theirs."""

TAILS: list[Callable[[list[Expr]], tuple[int, Expr] | None]] = []
"""How many last factors of a chain may be one thing, and which; filled by other modules of rules."""


def outer(a: Formula, b: Formula) -> Formula:
    """The outer product of two vectors; of other tensors, of their entries in a row."""
    return _outer(*(f if len(f.shape) == 1 else RULES["reshape"](f, shape=(-1,)) for f in (a, b)))


def _outer(a: Formula, b: Formula) -> Formula:
    """a bᵀ with the scalars out."""
    shape = (a.shape[0], b.shape[0])
    if a.expr == 0 or b.expr == 0:
        return zero(shape)
    factor_a, left = split_scalar(materialize(a))
    factor_b, right = split_scalar(materialize(b))
    factor = factor_a * factor_b
    if is_op(left, "ones"):  # M6: nothing but a broadcast
        return scaled(factor, Formula(right, shape))
    if is_op(right, "ones"):
        return scaled(factor, Formula(call("expand_dims", {"axis": 1}, left), shape))
    return scaled(factor, Formula(Apply("outer", (left, right), {}, shape), shape))


def inverse(x: Formula) -> Formula:
    """(cA)⁻¹ = A⁻¹/c   (C1); so is that of a node that is c I."""
    factor, rest = split_scalar(materialize(x))
    scale, identity = split_scalar(facts_of(rest).definitions.get(rest, S.One))
    if is_op(identity, "eye"):
        return scaled(1 / (factor * scale), Formula(identity, x.shape))
    return scaled(1 / factor, Formula(Apply("inv", (rest,), {}, x.shape), x.shape))


KNOWN_TRACES = frozenset(("eye", "outer", "diag"))


def trace(x: Formula) -> Formula:
    """tr(cA) = c tr A, tr(A + Bᵀ) = tr(A + B), tr(xyᵀ - A) = xᵀy - tr A   (C2)."""
    factor, rest = split_scalar(materialize(x))
    known = {t: split_scalar(t) for t in Add.make_args(rest) if _is_known(split_scalar(t)[1])}
    if known and isinstance(rest, Add) and all(len(shape_of(a)) == 2 for a in rest.args):
        others = Add(*[t for t in rest.args if t not in known])
        total = Add(*[c * call("trace", {}, part) for c, part in known.values()])
        return Formula(factor * (total if others == 0 else total + call("trace", {}, others)), x.shape[:-2])
    if isinstance(rest, Add) and all(len(shape_of(a)) == 2 for a in rest.args):
        more, rest = split_scalar(Add(*map(_upright, rest.args)))
        factor *= more
    return scaled(factor, Formula(Apply("trace", (rest,), {}, x.shape[:-2]), x.shape[:-2]))


def _is_known(part: Expr) -> bool:
    return isinstance(part, Apply) and part.name in KNOWN_TRACES


def _upright(term: Expr) -> Expr:
    """A term of a trace without the transpose around it."""
    factor, rest = split_scalar(term)
    return factor * swap(rest) if is_op(rest, "transpose") else term


RULES |= {"matmul": matmul, "outer": outer, "inv": inverse, "trace": trace}
