"""The user's own expression as mathematics: in the order of the spec, never what the algebra makes of it."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Rational

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol
from backprop_cli.formulas.notation.piece import ADD, ATOM, CALL, MATMUL, MUL, NEGATIVE, POWER, Piece
from backprop_cli.formulas.notation.text import Notation
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Shape
from backprop_cli.language.unparse import unparse
from backprop_cli.records import dataclass, replace

SIGNED = frozenset("*/@")
"""What a sign goes in front of as a whole."""

COMPARISONS = {">": "greater", ">=": "greater_equal", "<": "less", "<=": "less_equal", "==": "equal", "!=": "not_equal"}


@dataclass(frozen=True, slots=True)
class Typeset:
    """Prints expressions of the language in one notation; `shape` gives the shape of a part, None where unknown."""

    notation: Notation
    shape: Callable[[ast.Expression], Shape | None]

    def __call__(self, expression: ast.Expression) -> str:
        """The whole expression."""
        return self.piece(expression).text

    def piece(self, part: ast.Expression) -> Piece:
        """A part, by its kind."""
        match part:
            case ast.Name(name=name):
                return Piece(self.notation.name(name), ATOM)
            case ast.Number(value=value):
                return Piece(self.notation.number(Rational(value.numerator, value.denominator)), ATOM)
            case ast.Unary(operand=operand):
                return self.negative(self.piece(operand))
            case ast.Transposed(operand=operand) if len(self.shape(operand) or (0, 0)) == 2:
                return Piece(self.notation.transpose(self.piece(operand), (1, 0)), POWER)
            case ast.Transposed(operand=operand) if len(self.shape(operand) or (0, 0)) < 2:
                return self.piece(operand)  # a vector is a column; where it stands in a product says the rest
            case ast.Inverted(operand=operand):
                return Piece(self.notation.inverse(self.piece(operand)), POWER)
            case ast.Binary():
                return self.in_a_row(part)
            case ast.Call(function="stack") | ast.Sequence(bracket="[") if (rows := self.rows(part)):
                return self.notation.array(*rows) or self.source(part)
            case ast.Call():
                return self.call(part)
        return self.source(part)

    def rows(self, part: ast.Expression) -> tuple[list[list[str]], int] | None:
        """The entries of a list of scalars, or of a list of such lists, and how many axes that has."""
        items = items_of(part)
        inner = [found for one in items if (found := items_of(one))]
        rank, rows = (2, inner) if items and len(inner) == len(items) else (1, [(one,) for one in items])
        if not rows or {*map(len, rows)} != {len(rows[0])} or any(self.shape(one) != () for row in rows for one in row):
            return None
        return [[self.piece(one).text for one in row] for row in rows], rank

    def within(self, part: ast.Expression, level: int) -> str:
        """A part inside another that binds at `level`."""
        return self.bracketed(self.piece(part), level)

    def bracketed(self, piece: Piece, level: int) -> str:
        """The same of what is typeset already."""
        return piece.text if piece.level >= level else self.notation.bracket(piece.text)

    def negative(self, piece: Piece) -> Piece:
        """With a minus in front."""
        return Piece(self.notation.minus_sign + self.bracketed(piece, MUL), NEGATIVE)

    def source(self, part: ast.Expression) -> Piece:
        """As it is written."""
        return Piece(self.notation.literal(unparse(part)), CALL)

    def in_a_row(self, part: ast.Binary) -> Piece:
        """Operators in a row, from the first operand on; of -a / n, the sign goes in front of the whole."""
        first, row = ast.in_a_row(part)
        is_negative = isinstance(first, ast.Unary)
        left = first.operand if isinstance(first, ast.Unary) else first
        found = self.piece(left)
        for one in row:
            if is_negative and one.operator not in SIGNED:
                found, left, is_negative = self.negative(found), one.left, False
            left = one if left is one.left else replace(one, left=left)
            found = self.binary(left, found)
        return self.negative(found) if is_negative else found

    def binary(self, part: ast.Binary, left: Piece) -> Piece:
        """A sum, a product, a quotient, a power, a comparison, of which the left operand is typeset."""
        sign, right = part.operator, part.right
        if sign in "+-":
            text = self.notation.plus if sign == "+" else self.notation.minus
            return Piece(self.bracketed(left, ADD) + text + self.within(right, ADD + 1), ADD)
        if sign == "/":
            return Piece(*self.notation.fraction(left, self.piece(right)))
        if sign == "**":
            whole = int(right.value) if isinstance(right, ast.Number) and right.is_integer else None
            return Piece(self.notation.superscript(left, self.piece(right), whole), POWER)
        if sign in COMPARISONS:
            return self.notation.comparison(COMPARISONS[sign], self.bracketed(left, ADD), self.within(right, ADD))
        if sign == "@":
            return Piece(self.notation.chained((self.row(part, left), self.within(right, MATMUL + 1))), MATMUL)
        return self.product(part, left) if sign == "*" else self.source(part)

    def row(self, part: ast.Binary, left: Piece) -> str:
        """The left factor of a product of matrices; a vector there is a row, as a row times a matrix is already."""
        first, is_vector = part.left, len(self.shape(part.left) or (0, 0)) == 1
        while is_vector and isinstance(first, ast.Binary) and first.operator == "@":
            first = first.left
        is_row = first is not part.left and len(self.shape(first) or (0, 0)) == 1
        if is_vector and not is_row:
            return self.notation.row(self.bracketed(left, CALL))
        is_product = isinstance(part.left, ast.Binary) and part.left.operator == "@"
        return self.bracketed(left, MATMUL if is_product else MATMUL + 1)

    def product(self, part: ast.Binary, left: Piece) -> Piece:
        """A number in front, else ⊙ or · by the shapes."""
        right = part.right
        if isinstance(part.left, ast.Number) and not isinstance(first_of(right), ast.Number):
            return Piece(self.notation.scaled(left.text, self.within(right, MUL + 1)), MUL)
        both = [TensorSymbol("", shape or (), 0) for shape in map(self.shape, (part.left, right))]
        matrices = isinstance(part.left, ast.Binary) and part.left.operator == "@"
        first = self.bracketed(left, MUL + 1 if matrices and both[1].shape else MUL)
        return Piece(first + self.notation.times(*both) + self.within(right, MUL + 1), MUL)

    def call(self, part: ast.Call) -> Piece:
        """A sum as Σ, a root as a root, a function by its template, any other as it is called."""
        plain = [argument.value for argument in part.arguments if argument.keyword is None]
        if len(plain) < len(part.arguments) or part.function not in OPS:
            return self.function(part)
        if part.function == "sum" and len(plain) == 1:
            return self.notation.total(self.piece(plain[0]))
        if part.function == "sqrt" and len(plain) == 1:
            return self.notation.root(self.piece(plain[0]))
        template = OPS[part.function].text
        if template is None or len(plain) != len(OPS[part.function].signature.operands):
            return self.function(part)
        stand_in = Apply(part.function, tuple(TensorSymbol("", (), 0) for _ in plain), {}, ())
        return self.notation.call(part.function, [self.piece(value) for value in plain], stand_in)

    def function(self, part: ast.Call) -> Piece:
        """name(arguments)."""
        return self.notation.named_call(part.function, [self.argument(one) for one in part.arguments])

    def argument(self, one: ast.Argument) -> str:
        """An argument; a keyword's as it is written."""
        if one.keyword is not None:
            return self.notation.literal(f"{one.keyword}={unparse(one.value)}")
        if isinstance(one.value, ast.Sequence):  # several tensors, axes, sizes
            return self.source(one.value).text
        return self.piece(one.value).text


def items_of(part: ast.Expression) -> tuple[ast.Expression, ...]:
    """What is listed in [a, b], or joined in stack([a, b]); nothing of anything else."""
    if isinstance(part, ast.Call) and part.function == "stack" and len(part.arguments) == 1:
        part = part.arguments[0].value
    return part.items if isinstance(part, ast.Sequence) and part.bracket == "[" else ()


def without_sign(part: ast.Expression) -> ast.Expression | None:
    """Of -a / n, which people write with the sign in front of the whole, what stands after it; else None."""
    match part:
        case ast.Unary(operand=operand):
            return operand
        case ast.Binary(operator="*" | "/" | "@", left=left) if (positive := without_sign(left)) is not None:
            return replace(part, left=positive)
    return None


def first_of(part: ast.Expression) -> ast.Expression:
    """What a product begins with."""
    while isinstance(part, ast.Binary) and part.operator in {"*", "/", "@", "**"}:
        part = part.left
    return part
