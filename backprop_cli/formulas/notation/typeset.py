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
                return Piece(self.notation.minus_sign + self.within(operand, MUL), NEGATIVE)
            case ast.Transposed(operand=operand) if len(self.shape(operand) or (0, 0)) == 2:
                return Piece(self.notation.transpose(self.piece(operand), (1, 0)), POWER)
            case ast.Transposed(operand=operand) if len(self.shape(operand) or (0, 0)) < 2:
                return self.piece(operand)  # a vector is a column; where it stands in a product says the rest
            case ast.Inverted(operand=operand):
                return Piece(self.notation.inverse(self.piece(operand)), POWER)
            case ast.Binary():
                return self.binary(part)
            case ast.Call():
                return self.call(part)
        return self.source(part)

    def within(self, part: ast.Expression, level: int) -> str:
        """A part inside another that binds at `level`."""
        piece = self.piece(part)
        return piece.text if piece.level >= level else self.notation.bracket(piece.text)

    def source(self, part: ast.Expression) -> Piece:
        """As it is written."""
        return Piece(self.notation.literal(unparse(part)), CALL)

    def binary(self, part: ast.Binary) -> Piece:
        """A sum, a product, a quotient, a power, a comparison."""
        sign, left, right = part.operator, part.left, part.right
        if (positive := without_sign(part)) is not None:
            return Piece(self.notation.minus_sign + self.within(positive, MUL), NEGATIVE)
        if sign in "+-":
            text = self.notation.plus if sign == "+" else self.notation.minus
            return Piece(self.within(left, ADD) + text + self.within(right, ADD + 1), ADD)
        if sign == "/":
            return Piece(*self.notation.fraction(self.piece(left), self.piece(right)))
        if sign == "**":
            whole = int(right.value) if isinstance(right, ast.Number) and right.is_integer else None
            return Piece(self.notation.superscript(self.piece(left), self.piece(right), whole), POWER)
        if sign in COMPARISONS:
            return self.notation.comparison(COMPARISONS[sign], self.within(left, ADD), self.within(right, ADD))
        if sign == "@":
            return Piece(self.notation.chained((self.row(left, right), self.within(right, MATMUL + 1))), MATMUL)
        return self.product(left, right) if sign == "*" else self.source(part)

    def row(self, left: ast.Expression, right: ast.Expression) -> str:
        """The left factor of a product of matrices; a vector there is a row, as a row times a matrix is already."""
        first, is_vector = left, len(self.shape(left) or (0, 0)) == 1
        while isinstance(first, ast.Binary) and first.operator == "@":
            first = first.left
        is_row = first is not left and len(self.shape(first) or (0, 0)) == 1
        if is_vector and not is_row:
            return self.notation.row(self.within(left, CALL))
        return self.within(left, MATMUL + 1 if first is left else MATMUL)

    def product(self, left: ast.Expression, right: ast.Expression) -> Piece:
        """A number in front, else ⊙ or · by the shapes."""
        if isinstance(left, ast.Number) and not isinstance(first_of(right), ast.Number):
            return Piece(self.notation.scaled(self.piece(left).text, self.within(right, MUL + 1)), MUL)
        both = [TensorSymbol("", shape or (), 0) for shape in map(self.shape, (left, right))]
        matrices = isinstance(left, ast.Binary) and left.operator == "@"
        first = self.within(left, MUL + 1 if matrices and both[1].shape else MUL)
        text = first + self.notation.times(*both) + self.within(right, MUL + 1)
        return Piece(text, MUL)

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
        return self.piece(one.value).text


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
