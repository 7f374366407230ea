"""One entry of what the user wrote: `z[n,k] = Σ_d x[n,d] · W[d,k] + b[k]`, in the order of the spec.

It shows which entries reach which, so only what is a sum of products, or a function of each entry, is read.
"""

from __future__ import annotations

from collections.abc import Mapping

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_one
from backprop_cli.formulas.notation.entrywise.walker import Along, Axis, Index, Run
from backprop_cli.formulas.notation.index import PRODUCT, EntryLayout
from backprop_cli.formulas.notation.piece import ADD, ATOM, CALL, MUL, NEGATIVE, POWER, Piece
from backprop_cli.formulas.notation.typeset import Typeset
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass


class NoEntryError(Exception):
    """An entry of this is not made of its operands' entries."""


@dataclass(frozen=True, slots=True)
class TypesetEntry(Typeset):
    """Prints one entry; `layout` hands out the letters, by the axes that the nodes have (`runs`)."""

    layout: EntryLayout
    runs: Mapping[str, Run]

    def sides(self, name: str, expression: ast.Expression) -> tuple[str, str] | None:
        """The entry of a node, left and right of the sign of equality; None of what is not read."""
        try:
            indices = self.layout.start(self.runs[name], self.known(expression))
            return self.picked(name, indices).text, self.at(expression, indices).text
        except NoEntryError:
            return None

    def known(self, part: ast.Expression) -> Shape:
        """The shape of a part."""
        shape = self.shape(part)
        if shape is None:
            raise NoEntryError
        return shape

    def at(self, part: ast.Expression, indices: Index) -> Piece:
        """The entry of a part at indices, of which it takes the last as many as it has axes."""
        shape = self.known(part)
        own = tuple("" if is_one(s) else i for s, i in zip(shape, indices[len(indices) - len(shape) :], strict=True))
        match part:
            case ast.Name(name=name):
                return self.picked(name, own)
            case ast.Number():
                return self.piece(part)
            case ast.Unary(operand=operand):
                return Piece(self.notation.minus_sign + self.inside(operand, own, MUL), NEGATIVE)
            case ast.Transposed(operand=operand) if len(shape) < 3:
                return self.at(operand, own[::-1])
            case ast.Binary(operator="@"):
                return self.contracted(part, own)
            case ast.Binary():
                return self.combined(part, own)
            case ast.Call():
                return self.applied(part, own)
        raise NoEntryError

    def picked(self, name: str, indices: Index) -> Piece:
        """`y[i]`; a scalar is its name."""
        letters = [*filter(None, indices)]
        self.layout.alone.update(letters)
        shown = self.notation.name(name)
        return Piece(self.notation.at(shown, letters), CALL) if letters else Piece(shown, ATOM)

    def inside(self, part: ast.Expression, indices: Index, level: int) -> str:
        """An entry inside another that binds at `level`."""
        piece = self.at(part, indices)
        return piece.text if piece.level >= level else self.notation.bracket(piece.text)

    def combined(self, part: ast.Binary, indices: Index) -> Piece:
        """What is computed entry by entry; a repeated operand has fewer indices."""
        sign, left, right = part.operator, part.left, part.right
        if sign in "+-":
            text = self.notation.plus if sign == "+" else self.notation.minus
            return Piece(self.inside(left, indices, ADD) + text + self.inside(right, indices, ADD + 1), ADD)
        if sign == "*":
            both = (self.inside(side, indices, PRODUCT) for side in (left, right))
            return Piece(self.notation.beside.join(both), PRODUCT)
        if sign == "/":
            return self.layout.quotient(self.at(left, indices), self.at(right, indices))
        if sign == "**":
            whole = int(right.value) if isinstance(right, ast.Number) and right.is_integer else None
            base, exponent = self.at(left, indices), self.at(right, indices)
            return Piece(self.notation.superscript(base, exponent, whole), POWER)
        raise NoEntryError

    def contracted(self, part: ast.Binary, indices: Index) -> Piece:
        """Σ over the axis that the two factors of a product share."""
        shapes = self.known(part.left), self.known(part.right)
        rows, columns = (len(shape) > 1 for shape in shapes)
        batch = indices[: len(indices) - rows - columns]
        left, right = indices[len(batch) : len(batch) + rows], indices[len(indices) - columns :]

        def body(between: Index) -> Piece:
            texts = (self.inside(part.left, (*batch, *left, *between), PRODUCT),
                     self.inside(part.right, (*batch, *between, *right), PRODUCT))  # fmt: skip
            return Piece(self.notation.beside.join(texts), PRODUCT)

        return self.layout.over([Along(shapes[0][-1], self.between(part))], body)

    def between(self, part: ast.Binary) -> Axis:
        """The axis that two factors share, where one of them is a node."""
        for side, place in ((part.left, -1), (part.right, -2 if len(self.known(part.right)) > 1 else -1)):
            turned = isinstance(side, ast.Transposed)
            name = side.operand if isinstance(side, ast.Transposed) else side
            if isinstance(name, ast.Name) and len(run := self.runs.get(name.name, ())) >= abs(place):
                return run[::-1][place] if turned else run[place]
        return None

    def applied(self, part: ast.Call, indices: Index) -> Piece:
        """A function of each entry."""
        op = OPS.get(part.function)
        if op is None or not op.pointwise or any(one.keyword is not None for one in part.arguments):
            raise NoEntryError
        operands = [self.at(one.value, indices) for one in part.arguments]
        if part.function == "sqrt":
            return self.notation.root(operands[0])
        if op.text is None or len(operands) != len(op.signature.operands):
            return self.notation.named_call(part.function, [piece.text for piece in operands])
        stand_in = Apply(part.function, tuple(TensorSymbol("", (), 0) for _ in operands), {}, ())
        return self.notation.call(part.function, list(operands), stand_in)
