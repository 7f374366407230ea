"""One entry of what the user wrote: `z[n,k] = Σ_d x[n,d] · W[d,k] + b[k]`, in the order of the spec.

It shows which entries reach which: of sums of products and functions of each entry as they stand, of any other function
by its row of index notation (`entrywise`), `y[n,o,i,j] = Σ_c,a,b x[n,c,i+a,j+b] · w[o,c,a,b]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sympy import Expr

from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.interpret.binding import bind
from backprop_cli.engine.normal import normal
from backprop_cli.engine.ops import ALIASES, OPS
from backprop_cli.engine.ops.base import ParameterError, ShapeError
from backprop_cli.errors import BackpropError
from backprop_cli.formulas.algebra.expr import NONE, Apply, TensorSymbol, is_one, shape_of
from backprop_cli.formulas.algebra.formula import Formula
from backprop_cli.formulas.algebra.matching import OnFormulas
from backprop_cli.formulas.notation.entrywise import windows
from backprop_cli.formulas.notation.entrywise.rows import ROWS
from backprop_cli.formulas.notation.entrywise.walker import Along, Axis, Index, Run
from backprop_cli.formulas.notation.index import PRODUCT, EntryLayout
from backprop_cli.formulas.notation.piece import ADD, ATOM, CALL, MUL, NEGATIVE, POWER, Piece
from backprop_cli.formulas.notation.typeset import Typeset, without_sign
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass, replace


class NoEntryError(Exception):
    """An entry of this is not made of its operands' entries."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls as operators: `shape` gives a part's shape, `names` each node's place."""

    scope: Scope
    shape: Callable[[ast.Expression], Shape | None]
    names: Mapping[str, int]

    def operator(self, part: ast.Call, stand_in: Callable[[ast.Expression], Expr]) -> Apply:
        """A call with something that stands for each operand; what is no function of the language is not read."""
        op = OPS.get(ALIASES.get(part.function, part.function))
        if op is None or part.library or part.function in self.scope.functions:
            raise NoEntryError
        try:
            bound = bind(op.signature, part, self.scope, lambda inner: self.shape(inner) or ())
        except (BackpropError, ShapeError, ParameterError):
            raise NoEntryError from None
        operands = tuple(NONE if one is None else stand_in(one) for one in bound.operands)
        first = shape_of(operands[0]) if operands else ()
        return Apply(op.name, operands, normal(op.name, bound.parameters, first), self.shape(part) or ())

    def formula(self, part: ast.Expression) -> Expr:
        """A part as the algebra has it."""
        scope = replace(self.scope, lookup=self.looked_up)
        try:
            found: Expr = interpret(part, scope, OnFormulas()).expr
        except (BackpropError, ShapeError, ParameterError, TypeError):
            raise NoEntryError from None
        return found

    def of_entries(self, part: ast.Expression) -> Expr:
        """The same, where the entry of each operator in it is made of entries."""
        found = self.formula(part)
        if any(one.name not in ROWS and not OPS[one.name].pointwise for one in found.atoms(Apply)):
            raise NoEntryError
        return found

    def looked_up(self, name: str) -> Formula | None:
        """A node's symbol."""
        shape = self.scope.lookup(name)
        return None if shape is None else Formula(TensorSymbol(name, shape, self.names.get(name, -1)), shape)


@dataclass(frozen=True, slots=True)
class TypesetEntry(Typeset):
    """Prints one entry; `layout` hands out the letters, by the axes that the nodes have (`runs`)."""

    layout: EntryLayout
    runs: Mapping[str, Run]
    calls: Calls

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
            case _ if self.of_numbers(part):
                return self.piece(part)
            case ast.Call(function="stack") | ast.Sequence() if self.rows(part) and not [*ast.names(part)]:
                return Piece(self.notation.entry(self.piece(part).text, [*filter(None, own)]), ATOM)
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
            case ast.Indexed():
                return self.layout.entry(self.calls.of_entries(part), own)
        raise NoEntryError

    def of_numbers(self, part: ast.Expression) -> bool:
        """Whether a part is a number by itself: 1/2."""
        return not self.known(part) and not [*ast.names(part)]

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
        if (positive := without_sign(part)) is not None:
            return Piece(self.notation.minus_sign + self.inside(positive, indices, MUL), NEGATIVE)
        if sign in "+-":
            text = self.notation.plus if sign == "+" else self.notation.minus
            return Piece(self.inside(left, indices, ADD) + text + self.inside(right, indices, ADD + 1), ADD)
        if sign == "*":
            first = MUL if self.of_numbers(left) else PRODUCT  # 1/2 · x
            both = self.inside(left, indices, first), self.inside(right, indices, PRODUCT)
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
        """A function of each entry, or by its row."""
        op = OPS.get(part.function)
        if op is None:
            return self.layout.entry(self.calls.of_entries(part), indices)
        if not op.pointwise:
            return self.by_row(part, indices)
        if any(one.keyword is not None for one in part.arguments):
            raise NoEntryError
        operands = [self.at(one.value, indices) for one in part.arguments]
        if part.function == "sqrt":
            return self.notation.root(operands[0])
        if op.text is None or len(operands) != len(op.signature.operands):
            return self.notation.named_call(part.function, [piece.text for piece in operands])
        stand_in = Apply(part.function, tuple(TensorSymbol("", (), 0) for _ in operands), {}, ())
        return self.notation.call(part.function, list(operands), stand_in)

    def by_row(self, part: ast.Call, indices: Index) -> Piece:
        """An operator's entry by those of its operands; an entry outside an array is 0 of names alone."""
        whole = self.calls.operator(part, self.stand_in)
        row = ROWS.get(whole.name)
        if row is None or whole.name in windows.ROWS and any(a in self.layout.parts for a in whole.args):
            raise NoEntryError
        found = row(self.layout, whole, indices)
        if found is None:
            raise NoEntryError
        return found

    def stand_in(self, part: ast.Expression) -> TensorSymbol:
        """A node's own symbol; one for any other part, which knows its entries and has its axes."""
        if isinstance(part, ast.Name) and part.name in self.calls.names:
            return TensorSymbol(part.name, self.known(part), self.calls.names[part.name])
        symbol = TensorSymbol("", self.known(part), -1)
        self.layout.axes.known[symbol] = self.layout.axes.of(self.calls.formula(part))
        self.layout.parts[symbol] = lambda indices: self.at(part, indices)
        self.layout.memo[symbol] = self.piece(part)
        return symbol
