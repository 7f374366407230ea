"""One walk over a formula, for every notation: brackets and order; the typography is the notation's."""

from __future__ import annotations

from collections.abc import Container, Sequence

from sympy import Expr, Pow, S

from backprop_cli.formulas.algebra.expr import NONE, Apply, Delta, GradSymbol, SizeSymbol, TensorSymbol, shape_of
from backprop_cli.formulas.algebra.for_print import Factors, Negative, Terms, Transposed, for_print
from backprop_cli.formulas.algebra.style import PLAIN_STYLE, Style
from backprop_cli.formulas.notation.exact import CLEAR, Resolve, exact, named
from backprop_cli.formulas.notation.operators import OPERATORS
from backprop_cli.formulas.notation.piece import ADD, ATOM, MATMUL, MUL, NEGATIVE, POWER, Piece
from backprop_cli.formulas.notation.text import Notation
from backprop_cli.formulas.notation.truths import are_truths
from backprop_cli.language.names import UNIT_LETTERS
from backprop_cli.records import dataclass, field, replace


@dataclass(slots=True)
class Layout:
    """Prints formulas in one notation.

    `resolve` may give a symbol's definition to print in its place; `unit` is the letter of unit vectors.
    """

    notation: Notation
    resolve: Resolve = named
    unit: str = UNIT_LETTERS[0]
    taken: Container[str] = ()  # the names of the spec
    style: Style = PLAIN_STYLE  # how the spec writes
    exact: frozenset[Expr] = frozenset()  # what would be unclear in a book's notation
    memo: dict[Expr, Piece] = field(default_factory=dict)
    plain: Layout | None = None  # one that prints every symbol as its name: it has pieces of this one

    def __call__(self, expr: Expr) -> str:
        """The whole formula."""
        unclear = self.exact
        if self.notation.names_axes:
            unclear = exact(expr, self.resolve) if expr.args or self.resolve is not named else CLEAR
        if unclear != self.exact:
            self.exact, self.memo = unclear, {}
        return self.walk(expr).text

    def whole(self, expr: Expr, left: TensorSymbol | None = None) -> str:
        """The whole formula as it stands alone: in MathML an element of its own; `left` is what it says."""
        return self.notation.document(self(expr))

    def walk(self, expr: Expr) -> Piece:
        """A part of the formula, remembered."""
        found = self.memo.get(expr)
        if found is None and self.plain is not None and self.plain.exact == self.exact:
            found = self.plain.memo.get(expr)
        if found is None:
            found = self.memo[expr] = self.piece(expr)
        return found

    def piece(self, expr: Expr) -> Piece:
        """A part of the formula."""
        if isinstance(expr, TensorSymbol):
            return self.symbol(expr)
        arranged = for_print(expr, self.style)
        if isinstance(arranged, Apply):
            return self.operator(arranged)
        if isinstance(arranged, Terms):
            return self.sum(arranged)
        if isinstance(arranged, Factors):
            return self.product(arranged)
        if isinstance(arranged, Pow):
            return self.power(arranged)
        if isinstance(arranged, Transposed):
            return Piece(self.notation.transpose(self.walk(arranged.of), (1, 0)), POWER)
        if isinstance(arranged, Negative):
            return Piece(self.notation.minus_sign + self.within(arranged.of, MUL), NEGATIVE)
        if isinstance(arranged, SizeSymbol):
            return Piece(self.notation.name(arranged.name), ATOM)
        return Piece(self.notation.number(arranged), NEGATIVE if arranged.could_extract_minus_sign() else ATOM)

    def within(self, expr: Expr, level: int) -> str:
        """A part inside another that binds at `level`: bracketed where it binds more loosely."""
        piece = self.walk(expr)
        return piece.text if piece.level >= level else self.notation.bracket(piece.text)

    # symbols ─────────────────────────────────────────────────────────────────────────────────────

    def symbol(self, expr: TensorSymbol) -> Piece:
        """A node by its name, an upstream gradient as ∂L/∂node, or what either stands for."""
        definition = self.resolve(expr)
        if definition is not None:
            return self.walk(definition)
        if isinstance(expr, GradSymbol):
            return Piece(self.notation.gradient(expr.output, expr.name), self.notation.gradient_level)
        if isinstance(expr, Delta):
            return Piece(self.notation.delta(expr), ATOM)
        return Piece(self.notation.name(expr.name), ATOM)

    # sums ────────────────────────────────────────────────────────────────────────────────────────

    def sum(self, terms: Terms) -> Piece:
        """Terms side by side."""
        first, *others = terms.terms
        text = self.within(first.expr, ADD)
        if self.notation.truth_counts and are_truths([first.expr, *(term for _, term in others)]):
            text = self.notation.scaled(self.notation.number(S.One), text)
        for minus, term in others:
            sign, level = (self.notation.minus, MUL) if minus else (self.notation.plus, ADD + 1)
            text += sign + self.within(term, level)
        return Piece(text, ADD)

    # products ────────────────────────────────────────────────────────────────────────────────────

    def product(self, parts: Factors) -> Piece:
        """A product, and a fraction where something divides."""
        if self.notation.gradients_apart and (parts.below or parts.denominator != 1):
            apart = [f for f in parts.above if isinstance(f, GradSymbol)]
            if apart:
                return self.apart(parts, apart)
        above = self.numerator(parts)
        if (parts.below or parts.denominator != 1) and self.notation.holds_fraction(above.text):
            return self.reciprocal(parts, above)
        trails = False
        if not parts.below and parts.denominator == 1:
            text, level, trails = above.text, above.level, above.trails
        else:
            text, level = self.notation.fraction(above, self.denominator(parts))
        if parts.sign < 0:
            if level < MUL:
                text = self.notation.bracket(text)
            if self.notation.truth_counts and parts.number == 1 and are_truths(parts.above) and not parts.below:
                return Piece(self.notation.number(S.Zero) + self.notation.minus + text, ADD)
            return Piece(self.notation.minus_sign + text, NEGATIVE)
        return Piece(text, level, trails=trails)

    def reciprocal(self, parts: Factors, above: Piece) -> Piece:
        """1/d before a product that holds fractions itself."""
        fraction, _ = self.notation.fraction(Piece(self.notation.number(S.One), ATOM), self.denominator(parts))
        tensors = [next((f for f in factors if shape_of(f)), S.One) for factors in (parts.below, parts.above)]
        factor = above.text if above.level >= MUL else self.notation.bracket(above.text)
        text = fraction + self.notation.times(*tensors) + factor
        return Piece(self.notation.minus_sign + text, NEGATIVE) if parts.sign < 0 else Piece(text, MUL)

    def apart(self, parts: Factors, gradients: Sequence[Expr]) -> Piece:
        """Upstream gradients before the fraction, not in it: they are fractions themselves."""
        rest = [f for f in parts.above if f not in gradients]
        fraction, _ = self.notation.fraction(self.numerator(replace(parts, above=rest)), self.denominator(parts))
        if not any(shape_of(f) for f in (*rest, *parts.below)):  # a scalar comes first
            text = fraction + self.notation.times(S.One, S.One) + self.joined(gradients)
            return Piece(self.notation.minus_sign + text, NEGATIVE) if parts.sign < 0 else Piece(text, MUL)
        shapes = [*gradients, *parts.below, *rest]
        between = next(
            (self.notation.times(gradients[0], f) for f in shapes[1:] if shape_of(f)), self.notation.times(S.One, S.One)
        )
        text = self.joined(gradients) + between + fraction
        return Piece(self.notation.minus_sign + text, NEGATIVE) if parts.sign < 0 else Piece(text, MUL)

    def numerator(self, parts: Factors) -> Piece:
        """Number, scalars, tensors, in the order of the chain rule."""
        if not parts.above:
            return Piece(self.notation.number(parts.number), ATOM)
        if len(parts.above) == 1 and parts.number == 1:
            return self.walk(parts.above[0])
        text, trails = self.joined(parts.above), self.walk(parts.above[-1]).reaches
        if parts.number == 1:
            return Piece(text, MUL, trails=trails)
        if len(parts.above) == 1:
            chain = isinstance(parts.above[0], Apply) and self.notation.scalar_joins_chain
            text = self.within(parts.above[0], MUL if chain or self.goes_on(parts.above[0]) else MUL + 1)
        return Piece(self.notation.scaled(self.notation.number(parts.number), text), MUL, trails=trails)

    def joined(self, factors: Sequence[Expr]) -> str:
        """Factors side by side; matrix products inside an elementwise one are bracketed."""
        text = ""
        for position, factor in enumerate(factors):
            piece = self.walk(factor)
            alone = len(factors) == 1
            is_last = position == len(factors) - 1
            bare = piece.level > MUL or alone and piece.level >= MUL or piece.reaches and is_last
            bare = bare or not position and self.goes_on(factor)
            if (
                piece.level == MATMUL
                and not piece.reaches
                and not piece.trails
                and not alone
                and all(not shape_of(f) for f in factors if f is not factor)
                and self.notation.scalar_joins_chain
            ):
                bare = True
            text += ("" if not position else self.notation.times(factors[position - 1], factor)) + (
                piece.text if bare else self.notation.bracket(piece.text)
            )
        return text

    def goes_on(self, factor: Expr) -> bool:
        """Whether a name in front stands for a product of single factors: these go on without brackets."""
        definition = self.resolve(factor) if isinstance(factor, TensorSymbol) else None
        arranged = None if definition is None else for_print(definition, self.style)
        if not isinstance(arranged, Factors) or arranged.below or arranged.denominator != 1 or arranged.sign < 0:
            return False
        return all(self.walk(one).level > MUL for one in arranged.above)

    def denominator(self, parts: Factors) -> Piece:
        """What divides: a number, then the factors."""
        number = [] if parts.denominator == 1 else [self.notation.number(parts.denominator)]
        if not parts.below:
            return Piece(number[0], ATOM)
        if not number and len(parts.below) == 1:
            return self.walk(parts.below[0])
        text = self.joined(parts.below) if len(parts.below) > 1 else self.within(parts.below[0], MUL + 1)
        return Piece(self.notation.scaled(number[0], text) if number else text, MUL)

    def power(self, expr: Pow) -> Piece:
        """A power, or a square root; x^(3/2) is no power of a root."""
        base = self.walk(expr.base)
        if expr.exp == S.Half:
            return self.notation.root(base)
        whole = int(expr.exp) if expr.exp.is_Integer else None
        return Piece(self.notation.superscript(base, self.walk(expr.exp), whole), POWER)

    # operators ───────────────────────────────────────────────────────────────────────────────────

    def operator(self, expr: Apply) -> Piece:
        """An operator by its own way of printing, or as a call."""
        special = OPERATORS.get(expr.name)
        return self.call(expr) if special is None else special(self, expr)

    def call(self, expr: Apply) -> Piece:
        """A function: its template if it has one, else name(operands, parameters)."""
        operands = [None if a == NONE else self.walk(a) for a in expr.args]
        if any(name in self.taken for name in self.notation.signs_of_functions.get(expr.name, ())):
            return self.notation.named_call(expr.name, [o.text for o in operands if o is not None])
        return self.notation.call(expr.name, operands, expr, expr in self.exact)
