"""What shapes alone answer: `x.shape[0]`, `x.ndim`, `x.size`, and the shape of any expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import prod
from typing import Any

from backprop_cli.engine.interpret.scope import Meaning, Scope, Shaper, V, failure
from backprop_cli.engine.ops import Op
from backprop_cli.engine.ops.shapes import ShapeError, count
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Shape
from backprop_cli.records import replace

MAX_HIDDEN = 1 << 26


class Shapes:
    """The meaning 'shapes': what an expression makes of the shapes of its names."""

    def constant(self, value: object) -> Shape:
        """A literal has no axes."""
        return None if value is None else ()  # type: ignore[return-value]  # an operand left out has no shape

    def apply(self, op: Op, operands: tuple[Shape, ...], parameters: Mapping[str, object]) -> Shape:
        """The shape rule of an op; what is computed out of sight of the memory estimate has a limit of its own."""
        parameters = op.fitted(operands, parameters)
        shape: Shape = op.shape(*operands, **parameters)
        entries = prod(map(int, shape))
        if entries > MAX_HIDDEN:
            raise ShapeError(f"{op.name} would have {entries:,} entries; in a function or hook at most {MAX_HIDDEN:,}")
        return shape

    def shape(self, value: Shape) -> Shape:
        """The value is its own shape."""
        return value


INSPECTIONS: Mapping[str, Callable[[Shape], int | Shape]] = {
    "shape": lambda shape: shape, "ndim": len, "size": lambda shape: count(shape, None),
}  # fmt: skip


def is_inspection(part: ast.Expression | None, scope: Scope) -> bool:
    """Whether a call asks for a shape, and no function of the user has that name."""
    return isinstance(part, ast.Call) and part.function in INSPECTIONS and not ast.calls(part, scope.functions)


def inspected(part: ast.Call, scope: Scope, shaper: Shaper) -> int | Shape:
    """The answer: a tuple of sizes, or a whole number."""
    if len(part.arguments) != 1 or part.arguments[0].keyword:
        raise failure("E015", f"{part.function} takes one tensor", scope.place(part), f"write {part.function}(x)")
    return INSPECTIONS[part.function](shaper(part.arguments[0].value))


def shapes_only(scope: Scope, meaning: Meaning[V]) -> Scope:
    """The scope in which a name stands for the shape of its value."""

    def of(value: Any) -> Shape | None:
        return None if value is None else meaning.shape(value)

    def gradient(name: str) -> Shape | None:
        found = of(scope.gradient(name))
        return found if found is None or scope.shapes is None else scope.shapes(name) or found

    return replace(scope, lookup=scope.shapes or (lambda name: of(scope.lookup(name))), gradient=gradient,
                   known=None)  # fmt: skip


def size_constant(size: int) -> int | Fraction:
    """A size as a literal: by its name where it has one."""
    return size if getattr(size, "name", None) or getattr(size, "factors", ()) else Fraction(int(size))
