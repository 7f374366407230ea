"""One walk over a formula, for every notation: order, signs, brackets.  Typography is data, in `tokens`.

The order of a product is that of the chain rule: numbers, scalars, the upstream gradient, then nodes with the
latest first, then leaves.  A sum prints `1 - y`, not `y - 1`; its later node first; a common sign goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Add, Expr, Float, Mul, Pow, Rational, S

from backprop_cli.algebra.expr import NONE, Apply, GradSymbol, SizeSymbol, TensorSymbol, later_is_negative, position_of, shape_of
from backprop_cli.algebra.scalars import split_sum
from backprop_cli.algebra.shapes import is_unit_vector
from backprop_cli.algebra.transposes import is_matrix_transpose
from backprop_cli.notation.tokens import ADD, ATOM, CALL, MATMUL, MUL, NEGATIVE, POWER, Notation

Resolve = Callable[[TensorSymbol], Expr | None]


@dataclass(frozen=True, slots=True)
class Piece:
    """A printed part and how loosely it binds."""

    text: str
    level: int


@dataclass(slots=True)
class Layout:
    """Prints formulas in one notation; `resolve` may give a symbol's definition to print in its place."""

    notation: Notation
    resolve: Resolve = field(default=lambda symbol: None)
    memo: dict[Expr, Piece] = field(default_factory=dict)

    def __call__(self, expr: Expr) -> str:
        """The whole formula."""
        return self.walk(expr).text

    def walk(self, expr: Expr) -> Piece:
        """A part of the formula, remembered."""
        found = self.memo.get(expr)
        if found is None:
            found = self.memo[expr] = self.piece(expr)
        return found

    def piece(self, expr: Expr) -> Piece:
        """A part of the formula."""
        if isinstance(expr, TensorSymbol):
            return self.symbol(expr)
        if isinstance(expr, Apply):
            return self.operator(expr)
        if isinstance(expr, SizeSymbol):
            return Piece(self.notation.name(expr.name), ATOM)
        if isinstance(expr, Add):
            return self.sum(expr)
        if isinstance(expr, (Mul, Rational)) or isinstance(expr, Pow) and expr.exp.could_extract_minus_sign():
            return self.product(expr)
        if isinstance(expr, Pow):
            return self.power(expr)
        return Piece(self.notation.number(expr), ATOM if not str(expr).startswith("-") else NEGATIVE)

    def within(self, expr: Expr, level: int) -> str:
        """A part inside another that binds at `level`: bracketed where it binds more loosely."""
        piece = self.walk(expr)
        return piece.text if piece.level >= level else self.notation.bracket(piece.text)

    # symbols ─────────────────────────────────────────────────────────────────────────────────────

    def symbol(self, expr: TensorSymbol) -> Piece:
        definition = self.resolve(expr)
        if definition is not None:
            return self.walk(definition)
        if isinstance(expr, GradSymbol):
            return Piece(self.notation.gradient(expr.output, expr.name), self.notation.gradient_level)
        return Piece(self.notation.name(expr.name), ATOM)

    # sums ────────────────────────────────────────────────────────────────────────────────────────

    def sum(self, expr: Add) -> Piece:
        factor, rest = split_sum(expr)
        if factor != 1:
            return self.product(Mul(factor, rest, evaluate=False))
        terms = sorted(expr.args, key=_term_order)
        if all(is_negative(t) for t in terms):
            return Piece(self.notation.minus_sign + self.within(-expr, MUL), NEGATIVE)
        first, *others = terms
        text = self.within(first, ADD)
        for term in others:
            text += self.notation.minus + self.within(-term, MUL) if is_negative(term) else self.notation.plus + self.within(term, ADD + 1)
        return Piece(text, ADD)

    # products ────────────────────────────────────────────────────────────────────────────────────

    def product(self, expr: Expr) -> Piece:
        parts = factors_of(expr)
        if self.notation.gradients_apart and (parts.below or parts.denominator != 1):
            apart = [f for f in parts.above if isinstance(f, GradSymbol)]
            if apart:
                return self.apart(parts, apart)
        above = self.numerator(parts)
        if not parts.below and parts.denominator == 1:
            text, level = above.text, above.level
        else:
            text, level = self.notation.fraction(above, self.denominator(parts))
        if parts.sign < 0:
            if level < MUL:
                text = self.notation.bracket(text)
            return Piece(self.notation.minus_sign + text, NEGATIVE)
        return Piece(text, level)

    def apart(self, parts: Factors, gradients: list[Expr]) -> Piece:
        """Upstream gradients before the fraction, not in it: they are fractions themselves."""
        rest = [f for f in parts.above if f not in gradients]
        fraction, _ = self.notation.fraction(self.numerator(replace(parts, above=rest)), self.denominator(parts))
        shapes = [*gradients, *parts.below, *rest]
        between = next((self.notation.times(gradients[0], f) for f in shapes[1:] if shape_of(f)), self.notation.times(S.One, S.One))
        text = self.joined(gradients) + between + fraction
        return Piece(self.notation.minus_sign + text, NEGATIVE) if parts.sign < 0 else Piece(text, MUL)

    def numerator(self, parts: Factors) -> Piece:
        """Number, scalars, tensors, in the order of the chain rule."""
        number = self.notation.number(parts.number)
        if not parts.above:
            return Piece(number, ATOM)
        if len(parts.above) == 1 and parts.number == 1:
            only = self.walk(parts.above[0])
            return only
        text = self.joined(parts.above)
        if parts.number == 1:
            return Piece(text, MUL)
        if len(parts.above) == 1:
            chain = isinstance(parts.above[0], Apply) and self.notation.scalar_joins_chain
            text = self.within(parts.above[0], MUL if chain else MUL + 1)
        return Piece(self.notation.scaled(number, text), MUL)

    def joined(self, factors: list[Expr]) -> str:
        """Factors side by side; matrix products inside an elementwise one are bracketed."""
        text = ""
        for position, factor in enumerate(factors):
            piece = self.walk(factor)
            alone = len(factors) == 1
            bare = piece.level > MUL or alone and piece.level >= MUL
            if piece.level == MATMUL and not alone and all(not shape_of(f) for f in factors if f is not factor) and self.notation.scalar_joins_chain:
                bare = True
            text += ("" if not position else self.notation.times(factors[position - 1], factor)) + (
                piece.text if bare else self.notation.bracket(piece.text))
        return text

    def denominator(self, parts: Factors) -> Piece:
        number = [] if parts.denominator == 1 else [self.notation.number(parts.denominator)]
        if not parts.below:
            return Piece(number[0], ATOM)
        if not number and len(parts.below) == 1:
            return self.walk(parts.below[0])
        text = self.joined(parts.below) if len(parts.below) > 1 else self.within(parts.below[0], MUL + 1)
        return Piece(self.notation.scaled(number[0], text) if number else text, MUL)

    def power(self, expr: Pow) -> Piece:
        if expr.exp.is_Rational and expr.exp.q == 2:
            root = self.notation.root(self.walk(expr.base))
            return root if expr.exp.p == 1 else Piece(self.notation.superscript(root, self.walk(S(expr.exp.p)), expr.exp.p), POWER)
        base = self.walk(expr.base)
        return Piece(self.notation.superscript(base, self.walk(expr.exp), int(expr.exp) if expr.exp.is_Integer else None), POWER)

    # operators ───────────────────────────────────────────────────────────────────────────────────

    def operator(self, expr: Apply) -> Piece:
        special = _OPERATORS.get(expr.name)
        return self.call(expr) if special is None else special(self, expr)

    def call(self, expr: Apply) -> Piece:
        """A function: its template if it has one, else name(operands, parameters)."""
        operands = [None if a == NONE else self.walk(a) for a in expr.args]
        return self.notation.call(expr.name, operands, expr)

    def chain(self, expr: Apply) -> Piece:
        """A product of matrices; the first factor of a scalar or row product is a row."""
        if len(expr.args) > 2 and all(_is_transpose(a) for a in expr.args):
            untransposed = Apply("matmul", tuple(a.args[0] for a in reversed(expr.args)), {}, expr.shape[::-1])
            return Piece(self.notation.transpose(self.walk(untransposed), (1, 0)), POWER)
        first, *rest = expr.args
        row = len(shape_of(first)) == 1
        texts = [self.notation.row(self.within(first, CALL)) if row else self.factor(first)]
        texts += [self.factor(a) for a in rest]
        return Piece(self.notation.matmul.join(texts), MATMUL)

    def factor(self, expr: Expr) -> str:
        return self.within(expr, MATMUL + 1)

    def outer(self, expr: Apply) -> Piece:
        left, right = expr.args
        if self.notation.outer is None:
            return self.call(expr)
        return Piece(self.notation.outer(self.factor(left), self.within(right, CALL)), MATMUL)

    def transposed(self, expr: Apply) -> Piece:
        order = expr.parameters["axes"]
        base = expr.args[0]
        rank = len(order)
        if isinstance(base, Apply) and base.name == "inv" and is_matrix_transpose(order) and rank == 2:
            return Piece(self.notation.inverse_transpose(self.walk(base.args[0])), POWER)
        if is_matrix_transpose(order):
            return Piece(self.notation.transpose(self.walk(base), order), POWER)
        return self.call(expr)

    def inverted(self, expr: Apply) -> Piece:
        return Piece(self.notation.inverse(self.walk(expr.args[0])), POWER)

    def powered(self, expr: Apply) -> Piece:
        """A matrix power or a number's unevaluated one."""
        if expr.name == "power":
            return Piece(self.notation.superscript(self.walk(expr.args[0]), self.walk(expr.args[1]), None), POWER)
        return self.call(expr)

    def summed(self, expr: Apply) -> Piece:
        return self.notation.summation(self.walk(expr.args[0]), expr)

    def scattered(self, expr: Apply) -> Piece:
        if is_unit_vector(expr):
            return self.notation.unit_vector(expr)
        return self.call(expr)

    def indexed(self, expr: Apply) -> Piece:
        return Piece(self.notation.index(self.within(expr.args[0], POWER), expr), CALL)

    def expanded(self, expr: Apply) -> Piece:
        return self.notation.expanded(self.walk(expr.args[0]), expr)

    def compared(self, expr: Apply) -> Piece:
        return self.notation.comparison(expr.name, self.within(expr.args[0], ADD), self.within(expr.args[1], ADD))


_OPERATORS: Mapping[str, Callable[[Layout, Any], Piece]] = {
    "matmul": Layout.chain, "outer": Layout.outer, "transpose": Layout.transposed, "inv": Layout.inverted,
    "sum": Layout.summed, "scatter": Layout.scattered, "index": Layout.indexed, "expand_dims": Layout.expanded,
    "power": Layout.powered,
    **dict.fromkeys(("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"), Layout.compared),
}  # fmt: skip


# ── order ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Factors:
    """A product taken apart: sign · number · above / (denominator · below)."""

    sign: int
    number: Expr
    denominator: Expr
    above: list[Expr]
    below: list[Expr]


def factors_of(expr: Expr) -> Factors:
    """Take a product apart, in printing order."""
    coefficient: Expr = S.One
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in Mul.make_args(expr):
        if factor.is_Rational or isinstance(factor, Float):
            coefficient = coefficient * factor
        elif isinstance(factor, Pow) and factor.exp.could_extract_minus_sign():
            below.append(Pow(factor.base, -factor.exp))
        elif isinstance(factor, Add):
            inner, rest = split_sum(factor)
            numeric, symbolic = inner.as_coeff_Mul()
            coefficient = coefficient * numeric
            for part in Mul.make_args(symbolic):
                if part != 1:
                    (below if isinstance(part, Pow) and part.exp.could_extract_minus_sign() else above).append(
                        Pow(part.base, -part.exp) if isinstance(part, Pow) and part.exp.could_extract_minus_sign() else part)
            above.append(rest)
        else:
            above.append(factor)
    coefficient, above, roots = _rationalized(coefficient, above)
    below += roots
    sign = -1 if coefficient.is_negative else 1
    coefficient = abs(coefficient)
    sign, below = _complements(sign, below)
    sign, above = _sign_into_sum(sign, above)
    number, denominator = coefficient.as_numer_denom() if coefficient.is_Rational and not small_decimal(coefficient) else (coefficient, S.One)
    return Factors(sign, number, denominator, sorted(above, key=_factor_order), sorted(below, key=_factor_order))


def _complements(sign: int, factors: list[Expr]) -> tuple[int, list[Expr]]:
    """`1 - y` rather than `y - 1` below a fraction bar."""
    turned = [-f if isinstance(f, Add) and f.as_coeff_Add()[0] == -1 else f for f in factors]
    changes = sum(1 for before, after in zip(factors, turned, strict=True) if before is not after)
    return sign * (-1) ** changes, turned


def _is_transpose(expr: Expr) -> bool:
    return isinstance(expr, Apply) and expr.name == "transpose" and len(expr.shape) == 2


def _rationalized(coefficient: Expr, factors: list[Expr]) -> tuple[Expr, list[Expr], list[Expr]]:
    """√3/3 as it was written, 1/√3."""
    for position, factor in enumerate(factors):
        if isinstance(factor, Pow) and factor.base.is_Integer and factor.exp == Rational(1, 2) and coefficient.is_Rational \
                and coefficient.q % factor.base == 0:
            return coefficient * factor.base, [*factors[:position], *factors[position + 1 :]], [factor]
    return coefficient, factors, []


def small_decimal(value: Expr) -> bool:
    """Whether a rational prints better as a decimal: 1e-5 rather than 1/100000."""
    q = value.q
    while q % 10 == 0:
        q //= 10
    return value.q >= 100 and q in (1, 2, 4, 5, 8, 20, 25, 125)


def _sign_into_sum(sign: int, factors: list[Expr]) -> tuple[int, list[Expr]]:
    """A minus goes into a sum that then reads better: -(t - p) is p - t."""
    if sign > 0:
        return sign, factors
    for position, factor in enumerate(factors):
        turned = -factor if isinstance(factor, Add) and _wants_turning(factor) and not _is_complement(factor, factors) \
            else _turned_chain(factor) if len(factors) == 1 else None
        if turned is not None:
            return 1, [*factors[:position], turned, *factors[position + 1 :]]
    return sign, factors


def _wants_turning(expr: Add) -> bool:
    """Whether the negative of a sum reads at least as well: its latest terms have a minus, or hold an early - late."""
    latest = max(map(position_of, expr.args))
    return any(position_of(t) == latest and is_negative(t) for t in expr.args) or \
        any(isinstance(f, Add) and later_is_negative(f) for t in expr.args for f in Mul.make_args(t))


def _turned_chain(expr: Expr) -> Expr | None:
    """-A·(m - x) as A·(x - m): the minus goes into the one sum among the factors of a product of matrices."""
    if not isinstance(expr, Apply) or expr.name not in {"matmul", "outer"}:
        return None
    sums = [i for i, a in enumerate(expr.args) if isinstance(a, Add) and all(t.as_coeff_Mul()[0] in (1, -1) for t in a.args)
            and any(is_negative(t) for t in a.args)]  # fmt: skip
    if len(sums) != 1 or position_of(expr.args[sums[0]]) >= 0:
        return None
    args = tuple(-a if i == sums[0] else a for i, a in enumerate(expr.args))
    return Apply(expr.name, args, expr.parameters, expr.shape)


def _is_complement(expr: Add, factors: list[Expr]) -> bool:
    """1 - y beside y: a sigmoid's slope keeps its shape."""
    return any(-f in expr.args for f in factors) or any(isinstance(f, Pow) and -f.base in expr.args for f in factors)


def is_negative(expr: Expr) -> bool:
    return bool(expr.could_extract_minus_sign()) if expr.is_number else factors_sign(expr) < 0


def factors_sign(expr: Expr) -> int:
    """The sign a term prints with."""
    return factors_of(expr).sign if isinstance(expr, Mul) else 1


def _factor_order(expr: Expr) -> tuple[Any, ...]:
    """Scalars first, then later before earlier; at equal positions the sum of several symbols first."""
    tensor = bool(shape_of(expr))
    position = position_of(expr)
    symbols = len(expr.free_symbols)
    return (tensor, isinstance(expr, Apply) and expr.name == "ones", -position, -min(symbols, 2), _weight(expr), expr.sort_key())


def _weight(expr: Expr) -> int:
    return 1 if isinstance(expr, Add) else 0


def _term_order(expr: Expr) -> tuple[Any, ...]:
    """Positive before negative, later nodes first, then leaves as they are listed, products before names; numbers last."""
    position = position_of(expr)
    if position >= 0:
        return (is_negative(expr), 0, -position, expr.sort_key())
    alone = len(expr.atoms(TensorSymbol)) < 2
    return (is_negative(expr), 1, expr.is_number, alone, position, isinstance(expr, Apply), expr.sort_key())
