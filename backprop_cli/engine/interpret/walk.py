"""The walk itself: each kind of expression is one function, calls in `calls`; an op is the meaning's business."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeVar

from backprop_cli.engine.interpret import windows
from backprop_cli.engine.interpret.composites import body_of
from backprop_cli.engine.interpret.indexing import at_letters, by_tensors, is_of_tensors, part_of
from backprop_cli.engine.interpret.inspection import Shapes, is_inspection, shapes_only, size_constant
from backprop_cli.engine.interpret.printed import (
    Pending,
    Unresolved,
    applied,
    identity_matrix,
    product,
    resolved,
    turned,
    unit_vector,
)
from backprop_cli.engine.interpret.refusals import located, misplaced, unknown_name
from backprop_cli.engine.interpret.scope import CONSTANTS, FLOATS, Meaning, Scope, Shaper, V
from backprop_cli.engine.interpret.statics import static, subscript
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.arithmetic import OPERATORS
from backprop_cli.engine.ops.base import ParameterError, ShapeError
from backprop_cli.errors import Place
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Shape, Size
from backprop_cli.language.names import UNIT_LETTERS

W = TypeVar("W", bound=Callable[..., Any])
_WALKS: dict[type[ast.Expression], Callable[..., Any]] = {}


def walks(*kinds: type[ast.Expression]) -> Callable[[W], W]:
    """Say that a function gives the value of expressions of these kinds."""

    def entered(walk: W) -> W:
        _WALKS.update(dict.fromkeys(kinds, walk))
        return walk

    return entered


walks(ast.String, ast.Starred)(misplaced)


def interpret(part: ast.Expression, scope: Scope, meaning: Meaning[V], wanted: Shape | None = None) -> V:
    """The value of an expression; `wanted` is its shape, where what is printed leaves it open: `e[0] - p[0]`.

    Raises:
        SpecError: an unknown name or function, wrong arguments, or shapes that do not fit.
    """
    return resolved(value_of(part, scope, meaning), wanted)


def value_of(part: ast.Expression, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """The value of a part; it may be pending still."""
    found: Unresolved[V] = _WALKS[type(part)](part, scope, meaning)
    return found


@walks(ast.Number)
def _number(part: ast.Number, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    return meaning.constant(part.value)


@walks(ast.Name)
def _name(part: ast.Name, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    value: V | None = scope.lookup(part.name)
    if value is not None:
        return value
    if part.name in scope.dims:
        return meaning.constant(scope.dims[part.name])
    if part.name == "I":
        return identity_matrix(part, scope, meaning)
    if part.name in FLOATS:
        return meaning.constant(FLOATS[part.name])
    if part.name in {"true", "True", "false", "False"}:
        return meaning.constant(Fraction(bool(CONSTANTS[part.name])))
    raise unknown_name(part, scope)


@walks(ast.Unary)
def _unary(part: ast.Unary, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    return apply_op(OPS["negative"], (part.operand,), {}, part, scope, meaning)


@walks(ast.Binary)
def _binary(part: ast.Binary, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """Operators in a row in a loop: a sum of a thousand terms is no deeper than one of two."""
    first, row = ast.in_a_row(part)
    value = value_of(first, scope, meaning)
    for one in row:
        right = value_of(one.right, scope, meaning)
        value = _operated(one, value, right, scope, meaning)
    return value


BODIES = {"and": "a * b", "or": "maximum(a, b)", "//": "floor_divide(a, b)", "%": "remainder(a, b)",
           "logical_not": "a == 0"}  # fmt: skip
"""Operators that are an expression; of masks, as 0/1 numbers."""


def _operated(part: ast.Binary, left: Unresolved[V], right: Unresolved[V], scope: Scope,
              meaning: Meaning[V]) -> Unresolved[V]:
    if part.operator in BODIES:
        operands = {"a": resolved(left), "b": resolved(right)}
        return evaluate_body(BODIES[part.operator], operands, meaning, scope.place(part))
    if part.operator in windows.SIGNS:
        return interpret(windows.written_out(part, scope, shaper_of(scope, meaning)), scope, meaning)
    name = OPERATORS.get(part.operator, "")
    if part.operator == "**":
        _power_of_matrix(part, left, meaning)
    if part.operator == "·":
        name, left, right = product(part, left, right, shaper_of(scope, meaning), meaning)
    return checked(OPS[name], (left, right), {}, (part.left, part.right), part, scope, meaning)


def _power_of_matrix(part: ast.Binary, base: Unresolved[V], meaning: Meaning[V]) -> None:
    """`X**-1` of a square matrix is no inverse: whoever writes it should know."""
    listen = getattr(meaning, "warn", None)
    inverse = isinstance(part.right, ast.Unary) and isinstance(part.right.operand, ast.Number) \
        and part.right.operand.value == 1  # fmt: skip
    if listen and inverse and not isinstance(base, Pending):
        shape = meaning.shape(base)
        if len(shape) == 2 and shape[0] == shape[1] != 1:
            listen("X**-1 is 1/X, entry by entry; the inverse of a matrix is inv(X), or X⁻¹", "elementwise")


def shaper_of(scope: Scope, meaning: Meaning[V]) -> Shaper:
    """What gives the shape of an expression that stands in this scope."""

    def shape(part: ast.Expression) -> Shape:
        found: Shape = interpret(part, shapes_only(scope, meaning), Shapes())
        return found

    return shape


@walks(ast.Inverted)
def _inverted(part: ast.Inverted, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """`X⁻¹`: of a matrix its inverse, of numbers their reciprocals."""
    value = interpret(part.operand, scope, meaning)
    op = OPS["inv" if len(meaning.shape(value)) >= 2 else "reciprocal"]
    return checked(op, (value,), {}, (part.operand,), part, scope, meaning)


@walks(ast.Sequence)
def _listed(part: ast.Sequence, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """`[x > 0]`, 1 where it holds and else 0; `[0.3, 0.7]`, a tensor, as numpy takes it; parentheses are none."""
    inner = part.items[0] if len(part.items) == 1 and part.bracket == "[" else part
    if isinstance(inner, ast.Binary) and inner.operator in COMPARISONS:
        return interpret(inner, scope, meaning)
    if part.bracket == "[" and part.items:
        return apply_op(OPS["stack"], part.items, {"axis": 0}, part, scope, meaning)
    return misplaced(part, scope, meaning)


COMPARISONS = frozenset({">", ">=", "<", "<=", "==", "!="})


@walks(ast.Transposed)
def _transposed(part: ast.Transposed, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    value = value_of(part.operand, scope, meaning)
    if isinstance(value, Pending) and value.sized:
        return turned(value, lambda one: meaning.apply(OPS["transpose"], (one,), {"axes": None}))
    value = resolved(value)
    rank = len(meaning.shape(value))
    axes = (*range(rank - 2), rank - 1, rank - 2) if part.matrix and rank > 2 else None
    return checked(OPS["transpose"], (value,), {"axes": axes}, (part.operand,), part, scope, meaning)


@walks(ast.Indexed)
def _indexed(part: ast.Indexed, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    shaper = shaper_of(scope, meaning)
    if is_inspection(part.operand, scope):
        return meaning.constant(size_constant(static(part, scope, shaper)))
    if _is_unit(part.operand, scope):
        return unit_vector(part, static(part.subscripts[0], scope, shaper), scope, meaning)
    if (picked := at_letters(part, scope, shaper)) is not None:
        return interpret(picked, scope, meaning)
    if is_of_tensors(part, scope):
        return by_tensors(part, scope, meaning, interpret, shaper)
    if (one := part_of(part, scope, shaper)) is not None:
        return interpret(one, scope, meaning)
    index = tuple(subscript(item, scope, shaper) for item in part.subscripts)
    return apply_op(OPS["index"], (part.operand,), {"index": index}, part, scope, meaning)


def _is_unit(part: ast.Expression, scope: Scope) -> bool:
    return isinstance(part, ast.Name) and part.name in UNIT_LETTERS and scope.lookup(part.name) is None


def apply_op(
    op: Op,
    operands: tuple[ast.Expression | None, ...],
    parameters: Mapping[str, object],
    part: ast.Expression,
    scope: Scope,
    meaning: Meaning[V],
) -> Unresolved[V]:
    """An op of operands as they are written; None where an optional one is not given."""
    values = tuple(meaning.constant(None) if p is None else value_of(p, scope, meaning) for p in operands)
    return checked(op, values, parameters, operands, part, scope, meaning)


def checked(
    op: Op,
    values: tuple[Unresolved[V], ...],
    parameters: Mapping[str, object],
    operands: tuple[ast.Expression | None, ...],
    part: ast.Expression,
    scope: Scope,
    meaning: Meaning[V],
) -> Unresolved[V]:
    """Apply an op; what does not fit is reported with the user's own words and the shapes of the operands."""
    try:
        if Pending in map(type, values):
            return applied(op, values, meaning, lambda known: meaning.apply(op, known, parameters))
        return meaning.apply(op, values, parameters)  # type: ignore[arg-type]  # none of them is pending
    except (ShapeError, ParameterError) as error:
        shapes = [() if isinstance(value, Pending) else meaning.shape(value) for value in values]
        raise located(error, part, operands, shapes, scope) from None


def evaluate_body(
    body: str,
    values: Mapping[str, V],
    meaning: Meaning[V],
    origin: Place | None,
    sizes: Mapping[str, Size] = MappingProxyType({}),
) -> V:
    """The value of an expression of our own, its errors reported at `origin`; `sizes` are named sizes it may use."""
    text, parsed = body_of(body)
    return interpret(parsed, Scope(text, values.get, dims=sizes, origin=origin or text.place()), meaning)
