"""Tensors whose axes have names, as expressions of the language: they meet where their axes have the same name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from backprop_cli.language import expression as ast
from backprop_cli.records import dataclass

ROW, COL = "row", "col"


@dataclass(frozen=True, slots=True)
class Part:
    """A tensor as an expression, and the names of its axes with their sizes, in order."""

    expression: ast.Expression
    sizes: Mapping[str, int]

    @property
    def axes(self) -> tuple[str, ...]:
        """The names."""
        return tuple(self.sizes)

    def renamed(self, names: Mapping[str, str]) -> Part:
        """The same tensor with other names for its axes."""
        return Part(self.expression, {names.get(axis, axis): size for axis, size in self.sizes.items()})


def aligned(found: Sequence[Part], made: Callable[[list[ast.Expression]], ast.Expression]) -> Part:
    """Operands entry by entry: each axis meets the one of its name."""
    grid = next((one for one in found if ROW in one.sizes and COL in one.sizes), None)
    if grid is not None:  # beside a matrix a vector of another length than its columns is a row, as in numpy
        rows = [COL not in one.sizes and one.sizes.get(ROW) not in {None, grid.sizes[ROW]} for one in found]
        found = [one.renamed({ROW: COL}) if row else one for one, row in zip(found, rows, strict=True)]
    sizes = {axis: size for one in found for axis, size in one.sizes.items()}
    return Part(made([widened(one, tuple(sizes)) for one in found]), sizes)


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without the axes that have one entry."""
    return tuple(size for size in shape if size != 1)


def permuted(part: Part, order: Sequence[str]) -> ast.Expression:
    """The tensor with its axes in an order of their names."""
    places = [part.axes.index(axis) for axis in order]
    return part.expression if places == sorted(places) else called("transpose", part.expression, axes=places)


def widened(part: Part, axes: tuple[str, ...]) -> ast.Expression:
    """An expression with its axes in this order, and one of size 1 where it has none of a name."""
    made = permuted(part, [axis for axis in axes if axis in part.sizes])
    if not part.axes or len(part.axes) == len(axes):
        return made
    start, end = made.start, made.end
    there, new = ast.Slice(start, end, None, None, None), ast.Name(start, end, "none")
    return ast.Indexed(start, end, made, tuple(there if axis in part.sizes else new for axis in axes))


def called(function: str, operand: ast.Expression, **static: int | Sequence[int]) -> ast.Expression:
    """A call of a function of one operand, with numbers for its parameters."""
    start, end = operand.start, operand.end

    def literal(value: int | Sequence[int]) -> ast.Expression:
        if isinstance(value, int):
            return ast.Number(start, end, Fraction(value), str(value))
        return ast.Sequence(start, end, tuple(map(literal, value)), "(")

    arguments = [ast.Argument(None, operand, start, end)]
    arguments += [ast.Argument(name, literal(value), start, end) for name, value in static.items()]
    return ast.Call(start, end, function, tuple(arguments), start, library="own")


def reshaped(operand: ast.Expression, shape: tuple[int, ...]) -> ast.Expression:
    """The operand in a shape of as many entries."""
    return called("reshape", operand, shape=shape)


def listed(values: Sequence[int], letter: str, part: ast.Expression) -> Part:
    """Numbers along the axis of a letter."""
    start, end = part.start, part.end
    numbers = (ast.Number(start, end, Fraction(one), str(one)) for one in values)
    return Part(ast.Sequence(start, end, tuple(numbers), "["), {letter: len(values)})


def identity(one: str, other: str, size: int, part: ast.Expression) -> Part:
    """1 where both axes are at the same place."""
    start, end = part.start, part.end
    given = ast.Argument(None, ast.Number(start, end, Fraction(size), str(size)), start, end)
    return Part(ast.Call(start, end, "eye", (given,), start, library="own"), {one: size, other: size})


def squared_sum(part: Part) -> Part:
    """The sum of the squares over the axes that bear no letter."""
    start, end = part.expression.start, part.expression.end
    made: ast.Expression = ast.Binary(start, end, "**", part.expression, ast.Number(start, end, Fraction(2), "2"))
    for axis in (COL, ROW):
        if axis in part.sizes:
            made = called("sum", made, axis=part.axes.index(axis))
    return Part(made, {axis: size for axis, size in part.sizes.items() if axis not in {ROW, COL}})


def summed(part: Part, axis: str) -> Part:
    """The sum over an axis."""
    made = called("sum", part.expression, axis=part.axes.index(axis))
    return Part(made, {name: size for name, size in part.sizes.items() if name != axis})
