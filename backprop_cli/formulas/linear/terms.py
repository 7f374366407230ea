"""A formula that is linear in a symbol, as a sum of products of tensors with index letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sympy import Add, Expr, Mul, S

from backprop_cli.engine.ops.base import axes_of
from backprop_cli.formulas.algebra.expr import (
    Apply,
    TensorSymbol,
    is_one,
    is_op,
    later_is_negative,
    shape_of,
    size,
    symbols_of,
)
from backprop_cli.formulas.linear.corners import corner_of_power
from backprop_cli.formulas.linear.letters import Factor, Letter, Letters, NotLinearError, letters_for, letters_in
from backprop_cli.formulas.linear.meeting import MEETING, aligned
from backprop_cli.formulas.linear.selecting import SELECTING
from backprop_cli.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class Term:
    """coefficient · Π factors · Π [a = b], summed over every letter that is not free."""

    coefficient: Expr
    factors: tuple[Factor, ...]
    seed: Letters
    equal: tuple[tuple[Letter, Letter], ...] = ()

    def times(self, coefficient: Expr, factors: Iterable[Factor] = ()) -> Term:
        """With more factors."""
        return replace(self, coefficient=self.coefficient * coefficient, factors=(*self.factors, *factors))

    def letters(self) -> set[Letter]:
        """Every letter that a factor, the seed or an equation has."""
        every = (*(letters for _, letters in self.factors), self.seed, *self.equal)
        return {a for letters in every for a in letters if a is not None}

    def within(self) -> set[Letter]:
        """The same, also within a place such as 2i+j."""
        return {a for place in self.letters() for a in letters_in(place)}

    def renamed(self, names: Mapping[Letter, Letter]) -> Term:
        """With other letters."""

        def new(letters: Letters) -> Letters:
            return tuple(None if a is None else names.get(a, a) for a in letters)

        equal = tuple((names.get(a, a), names.get(b, b)) for a, b in self.equal)
        return Term(self.coefficient, tuple((e, new(x)) for e, x in self.factors), new(self.seed), equal)


def terms_of(expr: Expr, seed: TensorSymbol, letters: Letters) -> list[Term]:
    """The entries of an expression at `letters`, linear in `seed`.

    Raises:
        NotLinearError: an operator that is not taken apart, or the seed twice in a product.
    """
    if expr == 0:
        return []
    if expr == seed:
        return [Term(S.One, (), aligned(letters, shape_of(seed)))]
    if isinstance(expr, Add):
        return [t for arg in expr.args for t in terms_of(arg, seed, aligned(letters, shape_of(arg)))]
    if isinstance(expr, Mul):
        return _product(expr.args, seed, letters)
    if isinstance(expr, Apply) and expr.name in OPERATORS:
        return OPERATORS[expr.name](expr, seed, letters)
    if isinstance(expr, Apply) and expr.name in SELECTING:
        return _selected(expr, seed, letters)
    if isinstance(expr, Apply) and expr.name in MEETING:
        return _met(expr, seed, letters)
    raise NotLinearError(getattr(expr, "name", type(expr).__name__))


def _product(args: Iterable[Expr], seed: TensorSymbol, letters: Letters) -> list[Term]:
    linear = [a for a in args if seed in symbols_of(a)]
    if len(linear) != 1:
        raise NotLinearError("product")
    others = [(a, aligned(letters, shape_of(a))) for a in args if a is not linear[0]]
    scalar = Mul(*[a for a, own in others if not own])
    factors = [(a, own) for a, own in others if own]
    inner = terms_of(linear[0], seed, aligned(letters, shape_of(linear[0])))
    return [term.times(scalar, factors) for term in inner]


# ── operators ────────────────────────────────────────────────────────────────────────────────────


def _chain(expr: Apply, seed: TensorSymbol, letters: Letters) -> list[Term]:
    """A product of matrices: a letter for each inner axis; a vector in front or at the end has one axis."""
    ranks = [len(shape_of(a)) for a in expr.args]
    if any(r > 2 for r in ranks):
        return _batched(expr, seed, letters)
    free = list(letters)
    left = free.pop(0) if ranks[0] == 2 else None
    right = free.pop(0) if ranks[-1] == 2 else None
    inner = letters_for(shape_of(a)[-1] for a in expr.args[:-1])
    ends: list[Letters] = []
    for position, rank in enumerate(ranks):
        before = left if position == 0 else inner[position - 1]
        after = right if position == len(ranks) - 1 else inner[position]
        if rank == 1:
            ends.append((after,) if position == 0 else (before,))
        else:
            ends.append((before, after))
    return _contracted(expr.args, ends, seed)


def _batched(expr: Apply, seed: TensorSymbol, letters: Letters) -> list[Term]:
    """A product of stacks of matrices."""
    if any(len(shape_of(a)) < 2 for a in expr.args):
        raise NotLinearError("matmul")
    batch, left, right = letters[:-2], letters[-2], letters[-1]
    inner = [left, *letters_for(shape_of(a)[-1] for a in expr.args[:-1]), right]
    ends = [(*aligned(batch, shape_of(a)[:-2]), inner[i], inner[i + 1]) for i, a in enumerate(expr.args)]
    return _contracted(expr.args, ends, seed)


def _contracted(args: Iterable[Expr], ends: list[Letters], seed: TensorSymbol) -> list[Term]:
    """Operands, each at its letters, multiplied."""
    pairs = list(zip(args, ends, strict=True))
    linear = [(a, own) for a, own in pairs if seed in symbols_of(a)]
    if len(linear) != 1:
        raise NotLinearError("product")
    factors = [(a, own) for a, own in pairs if a is not linear[0][0]]
    return [term.times(S.One, factors) for term in terms_of(*_swapped(linear[0], seed))]


def _swapped(pair: Factor, seed: TensorSymbol) -> tuple[Expr, TensorSymbol, Letters]:
    return pair[0], seed, pair[1]


def _outer(expr: Apply, seed: TensorSymbol, letters: Letters) -> list[Term]:
    return _contracted(expr.args, [(letters[0],), (letters[1],)], seed)


def _transpose(expr: Apply, seed: TensorSymbol, letters: Letters) -> list[Term]:
    rank = len(letters)
    axes = expr.parameters["axes"]
    axes = tuple(reversed(range(rank))) if axes is None else tuple(a % rank for a in axes)
    inner: list[Letter | None] = [None] * rank
    for position, axis in enumerate(axes):
        inner[axis] = letters[position]
    return terms_of(expr.args[0], seed, tuple(inner))


def _sum(expr: Apply, seed: TensorSymbol, letters: Letters) -> list[Term]:
    shape = shape_of(expr.args[0])
    axes = axes_of(expr.parameters["axis"], len(shape))
    rest = list(letters)
    inner: list[Letter | None] = []
    for axis, n in enumerate(shape):
        if axis not in axes:
            inner.append(rest.pop(0))
            continue
        if expr.parameters["keepdims"]:
            rest.pop(0)
        inner.append(None if is_one(n) else Letter(n))
    summed = {a for axis, a in enumerate(inner) if axis in axes and a is not None}
    return [_as_often(term, summed - term.within()) for term in terms_of(expr.args[0], seed, tuple(inner))]


def _as_often(term: Term, letters: Iterable[Letter]) -> Term:
    """A term as often as letters that it does not have are summed over."""
    return term.times(Mul(*[size(a.size) for a in letters]))


def _mean(expr: Apply, seed: TensorSymbol, letters: Letters) -> list[Term]:
    shape = shape_of(expr.args[0])
    count = Mul(*[size(shape[a]) for a in axes_of(expr.parameters["axis"], len(shape))])
    return [term.times(1 / count) for term in _sum(expr, seed, letters)]


def _reshape(expr: Apply, seed: TensorSymbol, letters: Letters) -> list[Term]:
    """Axes of size 1 come or go; anything else mixes the others."""
    inner = shape_of(expr.args[0])
    real = [a for a, n in zip(letters, expr.shape, strict=True) if not is_one(n)]
    if [int(n) for n in inner if not is_one(n)] != [int(n) for n in expr.shape if not is_one(n)]:
        return _selected(expr, seed, letters)
    return terms_of(expr.args[0], seed, tuple(None if is_one(n) else real.pop(0) for n in inner))


def _selected(expr: Apply, seed: TensorSymbol, letters: Letters) -> list[Term]:
    """Entries chosen or moved along axes: products with constant matrices."""
    factors, inner, own = SELECTING[expr.name](expr, letters)
    return [term.times(S.One, factors) for term in terms_of(inner, seed, own)]


def _index(expr: Apply, seed: TensorSymbol, letters: Letters) -> list[Term]:
    """Entries chosen; those of a power that stands in the corner of a larger one, as the sum that they are."""
    slope = corner_of_power(expr)
    return _selected(expr, seed, letters) if slope is None else terms_of(slope, seed, letters)


def _met(expr: Apply, seed: TensorSymbol, letters: Letters) -> list[Term]:
    """A sum of products, each with constants."""
    found: list[Term] = []
    for product in MEETING[expr.name](expr, letters):
        constants = [f for f in product.constants if f[0] != 1]
        if any(seed in symbols_of(a) for a, _ in product.operands) and all(f[0] != 0 for f in constants):
            terms = _contracted([a for a, _ in product.operands], [own for _, own in product.operands], seed)
            found += [term.times(product.coefficient, constants) for term in terms]
    return found


def _trace(expr: Apply, seed: TensorSymbol, letters: Letters) -> list[Term]:
    if letters:
        raise NotLinearError("trace")
    letter = letters_for(shape_of(expr.args[0])[-1:])[0]
    return terms_of(expr.args[0], seed, (letter, letter))


OPERATORS: Mapping[str, Callable[[Apply, TensorSymbol, Letters], list[Term]]] = {
    "matmul": _chain, "outer": _outer, "transpose": _transpose, "sum": _sum, "mean": _mean, "reshape": _reshape,
    "expand_dims": _reshape, "squeeze": _reshape, "trace": _trace, "index": _index,
}  # fmt: skip
"""How each operator hands its letters to its operand."""


# ── the Jacobian ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Entries:
    """The entry J[output letters, leaf letters] as a sum of terms, whose seeds are used up."""

    output: Letters
    leaf: Letters
    terms: tuple[Term, ...]

    @property
    def free(self) -> set[Letter]:
        """The letters that an entry is named by."""
        return {a for a in (*self.output, *self.leaf) if a is not None}

    @property
    def letters(self) -> list[Letter]:
        """Each letter once: those that an entry is named by, then those of what is summed."""
        summed = (a for term in self.terms for _, own in term.factors for a in own)
        return [a for a in dict.fromkeys((*self.output, *self.leaf, *summed)) if a is not None]


def jacobian_entries(vjp: Expr, seed: TensorSymbol, shape: tuple[int, ...]) -> Entries:
    """The Jacobian's entries, from the VJP of a leaf of a shape.

    Raises:
        NotLinearError: an operator that is not taken apart.
    """
    output, leaf = letters_for(shape_of(seed)), letters_for(shape)
    known = set(leaf)
    found = [_unseeded(term, output, known) for term in terms_of(vjp, seed, aligned(leaf, shape_of(vjp)))]
    return Entries(output, leaf, tuple(_signed(_counted(term, {*output, *leaf})) for term in found))


def _signed(term: Term) -> Term:
    """A minus goes into a sum that then reads better: p (1 - p), not -p (p - 1)."""
    if not term.coefficient.could_extract_minus_sign():
        return term
    for position, (expr, letters) in enumerate(term.factors):
        number = expr.as_coeff_Add()[0] if isinstance(expr, Add) else S.Zero
        if number.is_negative or isinstance(expr, Add) and number == 0 and later_is_negative(expr):
            factors = (*term.factors[:position], (-expr, letters), *term.factors[position + 1 :])
            return replace(term, coefficient=-term.coefficient, factors=factors)
    return term


def _unseeded(term: Term, output: Letters, leaf: set[Letter | None]) -> Term:
    """The term whose seed is the unit tensor at the output's letters."""
    names: dict[Letter, Letter] = {}
    equal: list[tuple[Letter, Letter]] = list(term.equal)
    for own, at in zip(term.seed, output, strict=True):
        if own is None or at is None:
            continue
        if own in leaf or own in names:
            equal.append((at, names.get(own, own)))
        else:
            names[own] = at
    done = replace(term, seed=(), equal=()).renamed(names)
    return replace(done, equal=tuple((names.get(a, a), names.get(b, b)) for a, b in equal))


def _counted(term: Term, free: set[Letter | None]) -> Term:
    """Identity matrices as equal letters; ones are not written, but summed over."""
    plain = replace(term, factors=tuple((expr, own) for expr, own in term.factors if not is_op(expr, "ones")))
    term = _as_often(plain, term.within() - plain.within() - free)
    equal = list(term.equal)
    factors: list[Factor] = []
    for expr, letters in term.factors:
        if is_op(expr, "eye") and letters[0] and letters[1] and letters[0].size == letters[1].size:
            equal.append((letters[0], letters[1]))
        else:
            factors.append((expr, letters))
    names: dict[Letter, Letter] = {}
    kept = []
    for a, b in equal:
        a, b = names.get(a, a), names.get(b, b)  # noqa: PLW2901
        if a in free and b in free:
            kept.append((a, b))
        else:
            inner, outer = (b, a) if a in free else (a, b)
            names = {**{k: (outer if v is inner else v) for k, v in names.items()}, inner: outer}
    return replace(replace(term, factors=tuple(factors), equal=()).renamed(names), equal=tuple(kept))
