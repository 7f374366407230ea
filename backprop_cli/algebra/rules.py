"""The rewrite rules: how each position-mixing operator is built, already simplified.

The ids in the comments are those of docs/architecture.md.  A rule is local: it looks at one operator and the
operators right below it.  What is not in the table BUILD becomes a plain `Apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Add, Expr, Integer, Mul, Pow, Rational, S

from backprop_cli.algebra.expr import NONE, REBUILD, Apply, Formula, TensorSymbol, later_is_negative, lift, materialize, power, shape_of, size
from backprop_cli.algebra.facts import current_facts
from backprop_cli.ops import OPS
from backprop_cli.ops.base import axes_of, broadcast, count, normalize_axis, reduced
from backprop_cli.ops.linear import matmul_shape
from backprop_cli.ops.shaping import expand_shape, reshape_shape, squeeze_shape
from backprop_cli.spec.model import Shape

# ── taking scalar factors out (M1) ───────────────────────────────────────────────────────────────


def is_scalar(expr: Expr) -> bool:
    """Whether an expression is one number at every position."""
    return all(_is_one(s) for s in shape_of(expr))


def _is_one(s: int) -> bool:
    return s == 1 and not getattr(s, "name", None)


def split_scalar(expr: Expr) -> tuple[Expr, Expr]:
    """(c, rest) with expr = c·rest and c a number or a scalar; rest is never a mere number unless expr is."""
    if isinstance(expr, Mul):
        scalars = [a for a in expr.args if a.is_number or not shape_of(a)]
        if len(scalars) == len(expr.args):
            return S.One, expr
        tensors = [_split_sum(a) if isinstance(a, Add) else (S.One, a) for a in expr.args if a not in scalars]
        factor = Mul(*scalars, *[c for c, _ in tensors])
        return (S.One, expr) if factor == 1 else (factor, Mul(*[rest for _, rest in tensors]))
    if isinstance(expr, Add):
        factor, rest = _split_sum(expr)
        return (-factor, -rest) if isinstance(rest, Add) and later_is_negative(rest) else (factor, rest)
    return S.One, expr


def _split_sum(expr: Add) -> tuple[Expr, Expr]:
    """The scalar factors common to all terms of a sum: 2a - 2b is 2(a - b), p/N - t/N is (p - t)/N."""
    parts = [_split_term(term) for term in expr.args]
    if not all(c.as_coeff_Mul()[0].is_Rational for c, _ in parts):
        return S.One, expr
    numbers = [c.as_coeff_Mul() for c, _ in parts]
    number = _common_number([n for (n, _), (_, rest) in zip(numbers, parts, strict=True) if rest != 1],
                            [n for (n, _), (_, rest) in zip(numbers, parts, strict=True) if rest == 1])
    symbols = [c.as_powers_dict() for _, c in numbers]
    common = Mul(*[Pow(base, exponent) for base, exponent in symbols[0].items()
                   if base != 1 and all(other.get(base) == exponent for other in symbols[1:])])
    factor = number * common
    if factor == 1:
        return S.One, expr
    return factor, Add(*[Mul(n / number, c / common, rest) for (n, c), (_, rest) in zip(numbers, parts, strict=True)])


def _split_term(term: Expr) -> tuple[Expr, Expr]:
    if term.is_number:
        return term, S.One
    if not isinstance(term, Mul):
        return S.One, term
    factor, rest = split_scalar(term)
    return term.as_coeff_Mul() if factor == 1 else (factor, rest)


def _common_number(coefficients: list[Expr], constants: list[Expr]) -> Expr:
    """c where every coefficient is ±c (2a - 2b + 4, but not 2x + 4y or 2x + 1); otherwise 1."""
    first = abs(coefficients[0]) if coefficients else S.One
    same = first.is_Rational and all(abs(n) == first for n in coefficients)
    return first if same and all((n / first).is_Integer or (n / first).q >= 1000 for n in constants) else S.One


def scaled(factor: Expr, formula: Formula) -> Formula:
    """A formula times a scalar."""
    return formula if factor == 1 else Formula(Mul(factor, formula.expr), formula.shape)


def zero(shape: Shape) -> Formula:
    """Nothing, with a shape (M2)."""
    return Formula(S.Zero, shape)


# ── transposes (T1-T3) ───────────────────────────────────────────────────────────────────────────


def transpose(x: Formula, *, axes: Any = None) -> Formula:
    """Axes reordered; a matrix transpose moves into products."""
    rank = len(x.shape)
    order = tuple(range(rank))[::-1] if axes is None else tuple(normalize_axis(a, rank, "axes") for a in axes)
    shape = tuple(x.shape[a] for a in order)
    if order == tuple(range(rank)) or not shape_of(x.expr):
        return Formula(x.expr, shape)
    factor, rest = split_scalar(x.expr)
    if factor != 1:
        return scaled(factor, transpose(Formula(rest, x.shape), axes=order))
    if shape_of(x.expr) != x.shape and len(shape_of(x.expr)) < rank:
        x = Formula(_padded(x.expr, rank), x.shape)
    return Formula(_transposed(x.expr, order, shape), shape)


def _padded(expr: Expr, rank: int) -> Expr:
    """The same entries with leading axes of size 1, so that a permutation of axes means something."""
    physical = shape_of(expr)
    return _plain("reshape", {"shape": (1,) * (rank - len(physical)) + physical}, expr)


def is_matrix_transpose(order: tuple[int, ...]) -> bool:
    """Whether a permutation swaps the last two axes and nothing else."""
    rank = len(order)
    return rank >= 2 and order == (*range(rank - 2), rank - 1, rank - 2)


def _transposed(expr: Expr, order: tuple[int, ...], shape: Shape) -> Expr:
    if isinstance(expr, Apply) and expr.name == "transpose":  # T1
        inner = expr.parameters["axes"]
        composed = tuple(inner[a] for a in order)
        source = expr.args[0]
        return source if composed == tuple(range(len(order))) else _transposed(source, composed, shape)
    matrix = is_matrix_transpose(order)
    if matrix and isinstance(expr, Apply) and expr.name == "matmul":  # T2
        return _chain([swap(a) for a in reversed(expr.args)])
    if matrix and isinstance(expr, Apply) and expr.name == "outer":
        return _plain("outer", {}, expr.args[1], expr.args[0])
    if matrix and isinstance(expr, Apply) and expr.name == "eye" and expr.shape[-1] == expr.shape[-2]:
        return expr
    if matrix and isinstance(expr, Apply) and expr.name == "inv" and swap(expr.args[0]) == expr.args[0]:
        return expr
    if matrix and isinstance(expr, (Add, Mul)) and any(_holds_transpose(a) for a in expr.args):  # T3
        rank = len(order)
        if all(len(shape_of(a)) in (0, rank) for a in expr.args):
            return expr.func(*[a if not shape_of(a) else swap(a) for a in expr.args])
    return Apply("transpose", (expr,), {"axes": order}, tuple(shape_of(expr)[a] for a in order))


def _holds_transpose(expr: Expr) -> bool:
    if isinstance(expr, Apply) and expr.name == "matmul":
        return all(_holds_transpose(a) for a in expr.args)
    if isinstance(expr, Mul):
        return any(_holds_transpose(a) for a in expr.args)
    return isinstance(expr, Apply) and expr.name == "transpose" and is_matrix_transpose(expr.parameters["axes"])


def swap(expr: Expr) -> Expr:
    """The matrix transpose of an expression; a vector is its own."""
    shape = shape_of(expr)
    if len(shape) < 2:
        return expr
    rank = len(shape)
    return transpose(Formula(expr, shape), axes=(*range(rank - 2), rank - 1, rank - 2)).expr


# ── products of matrices (M1-M7) ─────────────────────────────────────────────────────────────────


def matmul(a: Formula, b: Formula) -> Formula:
    """`a @ b`, flattened into one chain; vectors are columns."""
    shape = matmul_shape(a.shape, b.shape)
    if a.expr == 0 or b.expr == 0:
        return zero(shape)
    factor_a, left = split_scalar(materialize(a))
    factor_b, right = split_scalar(materialize(b))
    return scaled(Mul(factor_a, factor_b), Formula(_product(left, right), shape))


def _product(left: Expr, right: Expr) -> Expr:
    """The product of two materialized factors without scalars."""
    rank_left, rank_right = len(shape_of(left)), len(shape_of(right))
    if rank_left == 1 and rank_right > 1:  # M5: a row times a matrix is the transposed matrix times a column
        return _product(swap(right), left) if rank_right == 2 else Apply("matmul", (left, right), {}, matmul_shape(shape_of(left), shape_of(right)))
    if rank_left == 1 and rank_right == 1:
        return _dot(left, right)
    return _chain([*_factors(left), *_factors(right)])


def _factors(expr: Expr) -> list[Expr]:
    """The factors of a chain of matrices; a row-vector product is no chain."""
    if isinstance(expr, Apply) and expr.name == "matmul" and len(shape_of(expr.args[0])) > 1:
        return list(expr.args)
    return [expr]


def _dot(left: Expr, right: Expr) -> Expr:
    """xᵀ y of two vectors; with a chain on either side it is xᵀ A y."""
    for ones, other in ((left, right), (right, left)):
        if isinstance(ones, Apply) and ones.name == "ones":  # M6
            return total(Formula(other, shape_of(other))).expr
    if len(_factors(left)) > 1 and len(_factors(right)) == 1:
        left, right = right, left
    elif left.sort_key() > right.sort_key() and len(_factors(right)) == 1:
        left, right = right, left
    chain = (*(swap(a) for a in reversed(_factors(left))), *_factors(right))
    return Apply("matmul", chain, {}, ())


def _chain(factors: list[Expr]) -> Expr:
    """A chain of factors, simplified pair by pair."""
    done: list[Expr] = []
    scalar: Expr = S.One
    for factor in factors:
        pulled, rest = split_scalar(factor)
        scalar *= pulled
        done.append(rest)
        while len(done) > 1:
            joined = _joined(done[-2], done[-1])
            if joined is None:
                break
            pulled, rest = split_scalar(joined)
            scalar *= pulled
            done[-2:] = _factors(rest)
            if len(done) > 1 and _joined(done[-2], done[-1]) is None:
                break
    if len(done) == 1:
        return Mul(scalar, done[0])
    shape = shape_of(done[0])
    for factor in done[1:]:
        shape = matmul_shape(shape, shape_of(factor))
    return Mul(scalar, Apply("matmul", tuple(done), {}, shape))


def _joined(a: Expr, b: Expr) -> Expr | None:
    """Two neighbours of a chain that are one thing, or None."""
    for rule in _PAIRS:
        joined = rule(a, b)
        if joined is not None:
            return joined
    return None


def _drop_identity(a: Expr, b: Expr) -> Expr | None:
    for identity, other in ((a, b), (b, a)):
        if _named(identity, "eye") and identity.shape[-1] == identity.shape[-2] and len(shape_of(other)) <= 2:
            return other
    return None


def _cancel_inverse(a: Expr, b: Expr) -> Expr | None:
    for inverse, other in ((a, b), (b, a)):
        if _named(inverse, "inv") and inverse.args[0] == other or _named(inverse, "transpose") and \
                _named(inverse.args[0], "inv") and swap(inverse.args[0].args[0]) == other:
            n = shape_of(other)[-1]
            return Apply("eye", (), {"n": n, "m": None}, (n, n)) if len(shape_of(other)) == 2 else None
    return None


def _through_outer(a: Expr, b: Expr) -> Expr | None:
    """A (x yᵀ) = (A x) yᵀ, (x yᵀ) B = x (Bᵀ y)ᵀ, (x yᵀ) z = (yᵀ z) x   (M7)."""
    if _named(b, "outer") and len(shape_of(a)) == 2:
        return _plain("outer", {}, _product(a, b.args[0]), b.args[1])
    if _named(a, "outer"):
        if len(shape_of(b)) == 1:
            return Mul(_dot(a.args[1], b), a.args[0])
        if len(shape_of(b)) == 2:
            return _plain("outer", {}, a.args[0], _product(swap(b), a.args[1]))
    return None


def _drop_one_by_one(a: Expr, b: Expr) -> Expr | None:
    """A factor that is a 1×1 matrix of ones (M6)."""
    for ones, other in ((a, b), (b, a)):
        if _named(ones, "ones") and len(shape_of(ones)) == 2 and all(_is_one(s) for s in shape_of(ones)) and len(shape_of(other)) == 2:
            return other
    return None


def _merge_powers(a: Expr, b: Expr) -> Expr | None:
    """Xⁱ Xʲ = Xⁱ⁺ʲ, also under a transpose."""
    if _named(a, "transpose") and _named(b, "transpose") and a.parameters == b.parameters:
        merged = _merge_powers(b.args[0], a.args[0])
        return None if merged is None else swap(merged)
    base_a, i = _matrix_power(a)
    base_b, j = _matrix_power(b)
    if base_a != base_b or i is None or j is None or (i == 1 and j == 1):
        return None
    shape = shape_of(base_a)
    return _plain("matrix_power", {"n": i + j}, base_a) if len(shape) >= 2 else None


def _matrix_power(expr: Expr) -> tuple[Expr, int | None]:
    if _named(expr, "matrix_power"):
        return expr.args[0], int(next(iter(expr.parameters.values())))
    return expr, 1


_PAIRS: tuple[Callable[[Expr, Expr], Expr | None], ...] = (
    _drop_identity, _drop_one_by_one, _cancel_inverse, _through_outer, _merge_powers,
)  # fmt: skip


def _named(expr: Expr, name: str) -> bool:
    return isinstance(expr, Apply) and expr.name == name


def outer(a: Formula, b: Formula) -> Formula:
    """a bᵀ with the scalars out."""
    shape = (a.shape[0], b.shape[0])
    if a.expr == 0 or b.expr == 0:
        return zero(shape)
    factor_a, left = split_scalar(materialize(a))
    factor_b, right = split_scalar(materialize(b))
    return scaled(factor_a * factor_b, Formula(Apply("outer", (left, right), {}, shape), shape))


def inverse(x: Formula) -> Formula:
    """(A⁻¹)⁻¹ = A, (cA)⁻¹ = A⁻¹/c, (Aᵀ)⁻¹ = (A⁻¹)ᵀ   (C1)."""
    factor, rest = split_scalar(materialize(x))
    if _named(rest, "inv"):
        made = rest.args[0]
    elif _named(rest, "transpose") and is_matrix_transpose(rest.parameters["axes"]):
        made = swap(inverse(Formula(rest.args[0], shape_of(rest.args[0]))).expr)
    else:
        made = Apply("inv", (rest,), {}, x.shape)
    return scaled(1 / factor, Formula(made, x.shape))


def trace(x: Formula) -> Formula:
    """tr(cA) = c tr A, tr(Aᵀ) = tr A, tr(x yᵀ) = xᵀy   (C1)."""
    factor, rest = split_scalar(materialize(x))
    if _named(rest, "transpose") and is_matrix_transpose(rest.parameters["axes"]):
        rest = rest.args[0]
    if _named(rest, "outer"):
        return scaled(factor, Formula(_dot(*rest.args), x.shape[:-2]))
    return scaled(factor, Formula(Apply("trace", (rest,), {}, x.shape[:-2]), x.shape[:-2]))


# ── sums (S1-S6) ─────────────────────────────────────────────────────────────────────────────────


def total(x: Formula, *, axis: Any = None, keepdims: bool = False) -> Formula:
    """Σ over axes: constant axes count, constant factors come out, facts are used."""
    rank = len(x.shape)
    axes = axes_of(axis, rank)
    shape = reduced(x.shape, axes, keepdims)
    if x.expr == 0 or not axes:
        return Formula(x.expr, shape)
    kept = _sum_kept(x.expr, x.shape, tuple(a - rank for a in axes))
    return Formula(kept if keepdims else _without_axes(kept, x.shape, axes), shape)


def _without_axes(kept: Expr, shape: Shape, axes: tuple[int, ...]) -> Expr:
    """Drop the summed axes from a sum that kept them; leading ones need no trace (S6)."""
    full = (1,) * (len(shape) - len(shape_of(kept))) + tuple(shape_of(kept))
    if is_scalar(kept) and len(shape_of(kept)) == 0:
        return kept
    target = tuple(s for i, s in enumerate(full) if i not in axes)
    if isinstance(kept, Mul):
        return Mul(*[_without_axes(a, shape, axes) for a in kept.args])
    if isinstance(kept, Add):
        return Add(*[_without_axes(a, shape, axes) for a in kept.args])
    return _reshaped(kept, target)


def absent(physical: Shape, axis: int) -> bool:
    """Whether an expression is constant along a (negative) axis."""
    return len(physical) < -axis or _is_one(physical[axis])


def _sum_kept(expr: Expr, shape: Shape, axes: tuple[int, ...]) -> Expr:
    """Σ over negative axes of an expression of true shape `shape`; the summed axes stay, with size 1."""
    expr = _without_ones(expr)
    physical = shape_of(expr)
    constant = tuple(a for a in axes if absent(physical, a))
    factor = Mul(*[size(shape[a]) for a in constant])  # S1
    live = tuple(a for a in axes if a not in constant)
    if not live:
        return _means_out(factor, expr)
    alone = tuple(a for a in constant if len(physical) >= -a and _is_one(shape[a]))  # S6: of size 1 all along
    return Mul(factor, _sum_live(expr, tuple(sorted((*live, *alone)))))


def _means_out(factor: Expr, expr: Expr) -> Expr:
    """n times a mean over n entries is the sum."""
    for mean in Mul.make_args(expr):
        if _named(mean, "mean"):
            inner = shape_of(mean.args[0])
            if Mul(*[size(inner[a]) for a in axes_of(mean.parameters["axis"], len(inner))]) == factor:
                return Mul(*[a for a in Mul.make_args(expr) if a is not mean], Apply("sum", mean.args, mean.parameters, mean.shape))
    return Mul(factor, expr)


def _without_ones(expr: Expr) -> Expr:
    """A broadcast that was written out is understood again."""
    if isinstance(expr, Mul):
        return Mul(*[a for a in expr.args if not _named(a, "ones")])
    return S.One if _named(expr, "ones") else expr


def _sum_live(expr: Expr, axes: tuple[int, ...]) -> Expr:
    """Σ over axes that the expression really has."""
    if isinstance(expr, Add):
        return _sum_of_sum(expr, axes)
    constant, rest = _split_constant(expr, axes)
    if rest == 1:
        return constant
    known = current_facts().sum(rest, axes)
    if known is not None:  # S3
        return Mul(constant, known)
    sifted = _sift(rest, axes)
    if sifted is not None:  # S4
        return Mul(constant, sifted)
    if constant != 1:
        return Mul(constant, _sum_live(rest, axes))
    if isinstance(rest, Add):
        return _sum_of_sum(rest, axes)
    rank = len(shape_of(rest))
    return _sum_apply(rest, tuple(sorted(a for a in axes)), rank)


def _sum_apply(rest: Expr, axes: tuple[int, ...], rank: int) -> Expr:
    if _named(rest, "eye") and len(axes) == 1 and rest.shape[0] == rest.shape[1]:
        return S.One
    positive = tuple(a + rank for a in axes)
    parameters = {"axis": None if len(axes) == rank else positive[0] if len(positive) == 1 else positive, "keepdims": True}
    return Apply("sum", (rest,), parameters, reduced(shape_of(rest), positive, True))


def _split_constant(expr: Expr, axes: tuple[int, ...]) -> tuple[Expr, Expr]:
    """(c, rest): the factors that are constant along the axes come out (S2)."""
    if not isinstance(expr, Mul):
        factor, rest = split_scalar(expr)
        return factor, rest
    constant = [a for a in expr.args if all(absent(shape_of(a), axis) for axis in axes)]
    rest = [a for a in expr.args if a not in constant]
    factor, inner = split_scalar(Mul(*rest))
    return Mul(*constant, factor), inner


def _sum_of_sum(expr: Add, axes: tuple[int, ...]) -> Expr:
    """Σ(a + b): apart only where a term then simplifies (S5)."""
    done, rest = _split_terms(expr, axes, data=True)
    if rest:  # what is only seen in the data may end a sum, but not take one apart
        done, rest = _split_terms(expr, axes, data=False)
    if not done:
        factor, inner = split_scalar(expr)
        rank = len(shape_of(inner))
        return Mul(factor, _sum_apply(inner, tuple(sorted(axes)), rank))
    return Add(*done, _sum_live(Add(*rest), axes)) if rest else Add(*done)


def _split_terms(expr: Add, axes: tuple[int, ...], data: bool) -> tuple[list[Expr], list[Expr]]:
    """The sums of the terms that simplify, and the terms that do not."""
    done, rest = [], []
    for term in expr.args:
        simplified = _sum_term(term, axes, expr, data)
        (rest if simplified is None else done).append(term if simplified is None else simplified)
    return done, rest


def _sum_term(term: Expr, axes: tuple[int, ...], whole: Add, data: bool) -> Expr | None:
    """Σ of one term of a sum where that is simpler than leaving it in: it is constant, a fact, or sifts."""
    full = shape_of(whole)
    physical = shape_of(term)
    if any(absent(physical, a) for a in axes):
        return _sum_kept(term, full, axes)
    constant, rest = _split_constant(term, axes)
    known = current_facts().sum(rest, axes, data)
    if known is None:
        known = _sift(rest, axes)
    return None if known is None else Mul(constant, known)


def _sift(expr: Expr, axes: tuple[int, ...]) -> Expr | None:
    """Σ(e[k] ⊙ x) = x[k] for the unit vector e[k]   (S4)."""
    factors = expr.args if isinstance(expr, Mul) else (expr,)
    units = [a for a in factors if is_unit_vector(a)]
    if len(units) != 1 or axes != (-1,):
        return None
    rest = Mul(*[a for a in factors if a is not units[0]])
    if len(shape_of(rest)) > 1:
        return None
    position = units[0].parameters["index"][0]
    return S.One if not shape_of(rest) else element(rest, position)


def is_unit_vector(expr: Expr) -> bool:
    """Whether an expression is e[k]: 1 scattered to one position of a vector."""
    return _named(expr, "scatter") and expr.args[0] == 1 and len(expr.shape) == 1 and len(expr.parameters["index"]) == 1 \
        and isinstance(expr.parameters["index"][0], int)


def element(expr: Expr, position: int) -> Expr:
    """x[k] of a pointwise expression: of each factor and term."""
    if isinstance(expr, (Add, Mul, Pow)):
        return expr.func(*[element(a, position) if shape_of(a) else a for a in expr.args])
    return _plain("index", {"index": (position,)}, expr)


# ── shapes (R1, P1, S6) ──────────────────────────────────────────────────────────────────────────


def reshape(x: Formula, *, shape: Any) -> Formula:
    """A reshape of a reshape is one; a constant has every shape."""
    target = reshape_shape(x.shape, shape=shape)
    if not shape_of(x.expr):
        return Formula(x.expr, target)
    factor, rest = split_scalar(x.expr)
    expr = materialize(Formula(rest, x.shape))
    return scaled(factor, Formula(_reshaped(expr, target), target))


def _reshaped(expr: Expr, target: Shape) -> Expr:
    if shape_of(expr) == target:
        return expr
    if _named(expr, "reshape") or _named(expr, "expand_dims"):
        return _reshaped(expr.args[0], target)
    if _named(expr, "sum") and expr.parameters["keepdims"]:
        axis = expr.parameters["axis"]
        if reduced(shape_of(expr.args[0]), axis, False) == target:
            return Apply("sum", expr.args, {**expr.parameters, "keepdims": False}, target)
    return Apply("reshape", (expr,), {"shape": target}, target)


def expand_dims(x: Formula, *, axis: Any) -> Formula:
    """New axes; a leading one is only a matter of shape."""
    shape = expand_shape(x.shape, axis=axis)
    if not shape_of(x.expr) or drop_front(shape) == drop_front(x.shape):
        return Formula(x.expr, shape)
    factor, rest = split_scalar(x.expr)
    expr = materialize(Formula(rest, x.shape))
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    if _named(expr, "sum") and not expr.parameters["keepdims"]:
        kept = reduced(shape_of(expr.args[0]), expr.parameters["axis"], True)
        if kept == shape:
            return scaled(factor, Formula(Apply("sum", expr.args, {**expr.parameters, "keepdims": True}, shape), shape))
    if _named(expr, "reshape") or _named(expr, "expand_dims"):
        if shape_of(expr.args[0]) == shape:
            return scaled(factor, Formula(expr.args[0], shape))
    return scaled(factor, Formula(Apply("expand_dims", (expr,), {"axis": axes[0] if len(axes) == 1 else axes}, shape), shape))


def drop_front(shape: Shape) -> Shape:
    """A shape without its leading, unnamed ones."""
    start = 0
    while start < len(shape) and _is_one(shape[start]):
        start += 1
    return shape[start:]


def squeeze(x: Formula, *, axis: Any = None) -> Formula:
    """Axes of size 1 go."""
    return reshape(x, shape=squeeze_shape(x.shape, axis=axis))


def broadcast_to(x: Formula, *, shape: Any) -> Formula:
    """Only the true shape changes."""
    return Formula(x.expr, tuple(broadcast(x.shape, tuple(shape))))


def index(x: Formula, *, index: Any) -> Formula:
    """x[...] of a constant is the constant."""
    shape = OPS["index"].shape(x.shape, index=index)
    if not shape_of(x.expr):
        return Formula(x.expr, shape)
    factor, rest = split_scalar(x.expr)
    made = Apply("index", (materialize(Formula(rest, x.shape)),), {"index": index}, shape)
    return scaled(factor, Formula(made, shape))


def scatter(x: Formula, *, index: Any, shape: Any) -> Formula:
    """A scalar scattered to one entry of a vector is that scalar times a unit vector."""
    target = tuple(shape)
    if x.expr == 0:
        return zero(target)
    if not x.shape:
        made = Apply("scatter", (S.One,), {"index": index, "shape": target}, target)
        return Formula(Mul(x.expr, made), target)
    factor, rest = split_scalar(x.expr)
    made = Apply("scatter", (materialize(Formula(rest, x.shape)),), {"index": index, "shape": target}, target)
    return scaled(factor, Formula(made, target))


def eye(*, n: int, m: int | None = None) -> Formula:
    """The identity matrix."""
    return Formula(Apply("eye", (), {"n": n, "m": m}, (n, m or n)), (n, m or n))


def filled(value: int) -> Callable[..., Formula]:
    """zeros and ones: a number with a shape."""
    return lambda *, shape: Formula(Integer(value), (shape,) if isinstance(shape, int) else tuple(shape))


# ── pointwise functions ──────────────────────────────────────────────────────────────────────────


def where(mask: Formula, a: Formula, b: Formula) -> Formula:
    """Equal branches need no mask; a zero branch makes it a product."""
    mask, a, b = lift(mask), lift(a), lift(b)
    shape = broadcast(mask.shape, a.shape, b.shape)
    if a.expr == b.expr:
        return Formula(a.expr, shape)
    physical = broadcast(shape_of(mask.expr), shape_of(a.expr), shape_of(b.expr))
    return Formula(Apply("where", (mask.expr, a.expr, b.expr), {}, physical), shape)


def generic(name: str, parameters: Mapping[str, Any], operands: tuple[Any, ...]) -> Formula:
    """An operator without rules of its own; linear ones let scalars out."""
    op = OPS[name]
    formulas = [None if o is None else lift(o) for o in operands]
    shape = op.shape(*(None if f is None else f.shape for f in formulas), **parameters)
    if op.pointwise:
        args = tuple(NONE if f is None else f.expr for f in formulas)
        physical = broadcast(*(shape_of(a) for a in args))
        return Formula(Apply(name, args, parameters, physical), shape)
    factor: Expr = S.One
    args_list: list[Expr] = []
    biased = len(formulas) > 2 and name.startswith("conv") and formulas[2] is not None  # affine, not linear
    for position, formula in enumerate(formulas):
        if formula is None:
            args_list.append(NONE)
            continue
        expr = formula.expr
        if name in LINEAR and (position in LINEAR[name] or -1 in LINEAR[name]) and not biased:
            if expr == 0:
                return zero(shape)
            pulled, expr = split_scalar(expr) if formula.shape else (S.One, expr)
            factor *= pulled
        args_list.append(materialize(Formula(expr, formula.shape)))
    return scaled(factor, Formula(Apply(name, tuple(args_list), parameters, shape), shape))


LINEAR: dict[str, tuple[int, ...]] = {
    "flip": (0,), "roll": (0,), "tile": (0,), "repeat": (0,), "diag": (0,), "diagonal": (0,), "tril": (0,), "triu": (0,),
    "cumsum": (0,), "take": (0,), "take_along_axis": (0,), "pad": (0,), "mean": (0,), "solve": (1,), "einsum": (-1,),
    "conv1d_weight": (0, 1), "conv2d_weight": (0, 1), "conv1d": (0, 1), "conv2d": (0, 1), "conv_transpose1d": (0, 1),
    "conv_transpose2d": (0, 1), "max_unpool1d": (0,), "max_unpool2d": (0,), "avg_pool1d": (0,), "avg_unpool1d": (0,),
    "avg_pool2d": (0,), "avg_unpool2d": (0,),
}  # fmt: skip
"""Operands an operator is linear in (M1): scalars leave them.  Products such as convolutions are added by name."""


def _power_of(exponent: Expr) -> Callable[..., Formula]:
    return lambda x: Formula(power(lift(x).expr, exponent), lift(x).shape)


BUILD: dict[str, Callable[..., Formula]] = {
    "add": lambda a, b: lift(a) + b, "subtract": lambda a, b: lift(a) - b, "multiply": lambda a, b: lift(a) * b,
    "divide": lambda a, b: lift(a) / b, "power": lambda a, b: lift(a) ** b, "negative": lambda x: -lift(x),
    "identity": lift, "square": _power_of(Integer(2)), "sqrt": _power_of(Rational(1, 2)),
    "reciprocal": _power_of(Integer(-1)), "rsqrt": _power_of(Rational(-1, 2)),
    "matmul": matmul, "dot": matmul, "outer": outer, "transpose": transpose, "inv": inverse, "trace": trace,
    "sum": total, "reshape": reshape, "expand_dims": expand_dims, "squeeze": squeeze, "broadcast_to": broadcast_to,
    "index": index, "scatter": scatter, "eye": eye, "zeros": filled(0), "ones": filled(1), "where": where,
}  # fmt: skip


def build(name: str, parameters: Mapping[str, Any], operands: tuple[Any, ...]) -> Formula:
    """An op of the registry applied to formulas."""
    maker = BUILD.get(name)
    return generic(name, parameters, operands) if maker is None else maker(*operands, **parameters)


def _plain(name: str, parameters: Mapping[str, Any], *args: Expr) -> Expr:
    return build(name, parameters, tuple(Formula(a, shape_of(a)) for a in args)).expr


def _rebuilt(name: str, parameters: Mapping[str, Any], args: tuple[Expr, ...]) -> Expr:
    """An operator made again after a substitution below it; its shape is what its arguments now say."""
    if name == "matmul" and len(args) > 2 or name == "matmul" and len(shape_of(args[0])) == 1:
        return _rebuilt_chain(args)
    if name == "ones" or name == "zeros":
        return Apply(name, args, parameters, tuple(parameters["shape"]))
    if name == "scatter" and args[0] == 1:
        return Apply(name, args, parameters, tuple(parameters["shape"]))
    formulas = tuple(None if a == NONE else Formula(a, shape_of(a)) for a in args)
    return materialize(build(name, parameters, formulas)) if not OPS[name].pointwise else build(name, parameters, formulas).expr


def _rebuilt_chain(args: tuple[Expr, ...]) -> Expr:
    result = Formula(args[-1], shape_of(args[-1]))
    for factor in reversed(args[:-1]):
        result = matmul(Formula(factor, shape_of(factor)), result)
    return result.expr


REBUILD["*"] = _rebuilt

__all__ = ["BUILD", "LINEAR", "TensorSymbol", "build", "count", "matmul", "split_scalar", "swap", "total", "transpose", "where"]
