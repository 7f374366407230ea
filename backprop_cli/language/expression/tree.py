"""The only expression tree there is, and the walks over it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from fractions import Fraction
from typing import Any

from backprop_cli.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class Expression:
    """A part of an expression; `start` and `end` are offsets in its text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A literal; exact, so that formulas can print it as written (`1/2`, `1e-5`)."""

    value: Fraction
    text: str

    @property
    def is_integer(self) -> bool:
        """Whether it was written as an integer (`2`, not `2.0`)."""
        return self.text.replace("_", "").isdigit() and self.text.isascii()

    @property
    def is_decimal(self) -> bool:
        """Whether it was written with a point or an exponent (`0.01`, `1e-2`) and is no half, quarter, ... (`0.5`)."""
        return self.value.denominator % 5 == 0 and not {".", "e", "E"}.isdisjoint(self.text)


@dataclass(frozen=True, slots=True)
class String(Expression):
    """A quoted string; only functions that ask for one take it."""

    value: str


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """The name of a leaf or node, or a constant (`pi`, `e`, `inf`, `nan`, `true`, `false`, `none`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """`-x`."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """An infix operator: arithmetic or a comparison; `given` is what stands in brackets behind its sign."""

    operator: str
    left: Expression
    right: Expression
    given: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call; `keyword` is None for a positional one."""

    keyword: str | None
    value: Expression
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """`function(...)`; `name_end` is where the function's name ends.

    `library` says that it is the language's own function and no user's of that name: what `F.softmax(x)` stands for;
    `note` is what the user should know about how the call was read.
    """

    function: str
    arguments: tuple[Argument, ...]
    name_end: int
    library: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Partial(Call):
    """`∂output/∂node`, the call `grad(node)` as formulas print it."""

    output: str = ""


@dataclass(frozen=True, slots=True)
class Inverted(Expression):
    """`X⁻¹`: the inverse of a matrix, the reciprocal of a number."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Transposed(Expression):
    """`x.T`: all axes reversed, as in numpy; `matrix` for `x.mT`, the last two swapped."""

    operand: Expression
    matrix: bool = False


@dataclass(frozen=True, slots=True)
class Slice(Expression):
    """`start:stop:step` inside a subscript."""

    first: Expression | None
    stop: Expression | None
    step: Expression | None


@dataclass(frozen=True, slots=True)
class Ellipsis_(Expression):  # noqa: N801 - Python has an Ellipsis of its own
    """`...` inside a subscript."""


@dataclass(frozen=True, slots=True)
class Indexed(Expression):
    """`x[subscripts]`, numpy indexing."""

    operand: Expression
    subscripts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Starred(Expression):
    """`*sizes` among the arguments of a call: each of them by itself."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Sequence(Expression):
    """`[a, b]` or `(0, 1)`: several tensors, axes, a shape."""

    items: tuple[Expression, ...]
    bracket: str


# ── walks ────────────────────────────────────────────────────────────────────────────────────────


def children(expression: Expression) -> tuple[Expression, ...]:
    """The direct parts of an expression, left to right."""
    inner = _CHILDREN.get(type(expression))
    return () if inner is None else inner(expression)


def _of_slice(part: Any) -> tuple[Expression, ...]:
    return tuple(end for end in (part.first, part.stop, part.step) if end is not None)


_CHILDREN: Mapping[type[Expression], Callable[[Any], tuple[Expression, ...]]] = {
    **dict.fromkeys((Unary, Transposed, Inverted, Starred), lambda part: (part.operand,)),
    **dict.fromkeys((Call, Partial), lambda part: tuple([argument.value for argument in part.arguments])),
    Binary: lambda part: (part.left, part.right),
    Indexed: lambda part: (part.operand, *part.subscripts),
    Sequence: lambda part: part.items,
    Slice: _of_slice,
}
"""A table, since most parts are names and have none: they would be asked for each kind first."""


def in_a_row(expression: Binary) -> tuple[Expression, list[Binary]]:
    """`a + b - c` as a and then + b, - c: the left-most operand and the operations on it, first to last."""
    row: list[Binary] = []
    part: Expression = expression
    while isinstance(part, Binary):
        row.append(part)
        part = part.left
    return part, row[::-1]


def level_of(expression: Expression) -> tuple[Expression, ...]:
    """The parts of an expression, with operators in a row as one level."""
    if not isinstance(expression, Binary):
        return children(expression)
    first, row = in_a_row(expression)
    return (first, *(operation.right for operation in row))


def parts(expression: Expression) -> list[Expression]:
    """An expression and everything in it, left to right."""
    found: list[Expression] = []
    stack = [expression]
    while stack:
        part = stack.pop()
        found.append(part)
        inner = _CHILDREN.get(type(part))
        if inner is not None:
            stack += inner(part)[::-1]
    return found


def names(expression: Expression) -> Iterator[Name]:
    """Every name an expression uses, left to right, with repeats."""
    return (part for part in parts(expression) if isinstance(part, Name))


def notes(expression: Expression) -> Iterator[str]:
    """What the user should know about how the expression was read."""
    return (part.note for part in parts(expression) if isinstance(part, Call) and part.note)


def calls(part: Expression, functions: Container[str]) -> bool:
    """Whether a part calls one of the user's own functions."""
    return isinstance(part, Call) and not part.library and part.function in functions


def everywhere(part: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The expression with `change` applied to every part, inner ones first; operators in a row are one level."""
    if not isinstance(part, Binary):
        return change(rebuilt(part, lambda inner: everywhere(inner, change)))
    first, row = in_a_row(part)
    left = everywhere(first, change)
    for one in row:
        right = everywhere(one.right, change)
        same = left is one.left and right is one.right
        left = change(one if same else replace(one, left=left, right=right))
    return left


def rebuilt(part: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The expression with `change` applied to its direct parts; itself where none of them changes."""
    old = children(part)
    new = [change(one) for one in old]
    if all(one is other for one, other in zip(old, new, strict=True)):
        return part
    match part:
        case Unary() | Transposed() | Inverted() | Starred():
            return replace(part, operand=new[0])
        case Binary():
            return replace(part, left=new[0], right=new[1])
        case Call():
            given = zip(part.arguments, new, strict=True)
            return replace(part, arguments=tuple(replace(one, value=value) for one, value in given))
        case Indexed():
            return replace(part, operand=new[0], subscripts=tuple(new[1:]))
        case Sequence():
            return replace(part, items=tuple(new))
        case Slice():
            changed, ends = iter(new), (part.first, part.stop, part.step)
            return Slice(part.start, part.end, *(None if end is None else next(changed) for end in ends))
    return part
