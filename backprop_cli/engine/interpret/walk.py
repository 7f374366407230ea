"""The walk itself: each kind of expression is one function, and an op is the meaning's business."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from backprop_cli.engine.interpret import masked, windows
from backprop_cli.engine.interpret.binding import bind
from backprop_cli.engine.interpret.composites import announce, body_of, operand_names, settled_parameters
from backprop_cli.engine.interpret.existing import gradient_of
from backprop_cli.engine.interpret.indexing import at_letters, by_tensors, is_of_tensors, part_of
from backprop_cli.engine.interpret.inspection import (
    INSPECTIONS,
    Shapes,
    inspected,
    is_inspection,
    shapes_only,
    size_constant,
)
from backprop_cli.engine.interpret.printed import (
    Pending,
    Unresolved,
    applied,
    function_of,
    identity_matrix,
    is_lettered,
    product,
    reduction,
    resolved,
    turned,
    unit_vector,
)
from backprop_cli.engine.interpret.refusals import located, misplaced, unknown_function, unknown_name
from backprop_cli.engine.interpret.scope import CONSTANTS, FLOATS, Meaning, Scope, Shaper, V, failure
from backprop_cli.engine.interpret.statics import static, subscript
from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS, Composite, Op
from backprop_cli.engine.ops.arithmetic import OPERATORS
from backprop_cli.engine.ops.base import ParameterError, ShapeError, Signature
from backprop_cli.engine.ops.library import sizes_of
from backprop_cli.errors import Place
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Function, Shape, Size
from backprop_cli.language.names import UNIT_LETTERS
from backprop_cli.language.spelling import unprefixed
from backprop_cli.records import replace


def interpret(part: ast.Expression, scope: Scope, meaning: Meaning[V], wanted: Shape | None = None) -> V:
    """The value of an expression; `wanted` is its shape, where what is printed leaves it open: `e[0] - p[0]`.

    Raises:
        SpecError: an unknown name or function, wrong arguments, or shapes that do not fit.
    """
    return resolved(_value(part, scope, meaning), wanted)


def _value(part: ast.Expression, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """The value of a part; it may be pending still."""
    found: Unresolved[V] = _WALK[type(part)](part, scope, meaning)
    return found


def _number(part: ast.Number, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    return meaning.constant(part.value)


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


def _unary(part: ast.Unary, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    return _apply(OPS["negative"], (part.operand,), {}, part, scope, meaning)


def _binary(part: ast.Binary, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """Operators in a row in a loop: a sum of a thousand terms is no deeper than one of two."""
    first, row = ast.in_a_row(part)
    value = _value(first, scope, meaning)
    for one in row:
        right = _value(one.right, scope, meaning)
        value = _operated(one, value, right, scope, meaning)
    return value


_BODIES = {"and": "a * b", "or": "maximum(a, b)", "//": "floor(a / b)", "%": "a - b*floor(a / b)",
           "logical_not": "a == 0"}  # fmt: skip
"""Operators that are an expression; of masks, as 0/1 numbers."""


def _operated(part: ast.Binary, left: Unresolved[V], right: Unresolved[V], scope: Scope,
              meaning: Meaning[V]) -> Unresolved[V]:
    if part.operator in _BODIES:
        operands = {"a": resolved(left), "b": resolved(right)}
        return evaluate_body(_BODIES[part.operator], operands, meaning, scope.place(part))
    if part.operator in windows.SIGNS:
        return interpret(windows.written_out(part, scope, _shaper(scope, meaning)), scope, meaning)
    name = OPERATORS.get(part.operator, "")
    if part.operator == "**":
        _power_of_matrix(part, left, meaning)
    if part.operator == "·":
        name, left, right = product(part, left, right, _shaper(scope, meaning), meaning)
    return _checked(OPS[name], (left, right), {}, (part.left, part.right), part, scope, meaning)


def _power_of_matrix(part: ast.Binary, base: Unresolved[V], meaning: Meaning[V]) -> None:
    """`X**-1` of a square matrix is no inverse: whoever writes it should know."""
    listen = getattr(meaning, "warn", None)
    inverse = isinstance(part.right, ast.Unary) and isinstance(part.right.operand, ast.Number) \
        and part.right.operand.value == 1  # fmt: skip
    if listen and inverse and not isinstance(base, Pending):
        shape = meaning.shape(base)
        if len(shape) == 2 and shape[0] == shape[1] != 1:
            listen("X**-1 is 1/X, entry by entry; the inverse of a matrix is inv(X), or X⁻¹", "elementwise")


def _shaper(scope: Scope, meaning: Meaning[V]) -> Shaper:
    """What gives the shape of an expression that stands in this scope."""

    def shape(part: ast.Expression) -> Shape:
        found: Shape = interpret(part, shapes_only(scope, meaning), Shapes())
        return found

    return shape


def _inverted(part: ast.Inverted, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """`X⁻¹`: of a matrix its inverse, of numbers their reciprocals."""
    value = interpret(part.operand, scope, meaning)
    op = OPS["inv" if len(meaning.shape(value)) >= 2 else "reciprocal"]
    return _checked(op, (value,), {}, (part.operand,), part, scope, meaning)


def _listed(part: ast.Sequence, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """`[x > 0]`, 1 where it holds and else 0; any other list is no tensor."""
    inner = part.items[0] if len(part.items) == 1 and part.bracket == "[" else part
    if isinstance(inner, ast.Binary) and inner.operator in COMPARISONS:
        return interpret(inner, scope, meaning)
    return misplaced(part, scope, meaning)


COMPARISONS = frozenset({">", ">=", "<", "<=", "==", "!="})


def _transposed(part: ast.Transposed, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    value = _value(part.operand, scope, meaning)
    if isinstance(value, Pending) and value.sized:
        return turned(value, lambda one: meaning.apply(OPS["transpose"], (one,), {"axes": None}))
    value = resolved(value)
    rank = len(meaning.shape(value))
    axes = (*range(rank - 2), rank - 1, rank - 2) if part.matrix and rank > 2 else None
    return _checked(OPS["transpose"], (value,), {"axes": axes}, (part.operand,), part, scope, meaning)


def _indexed(part: ast.Indexed, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    shaper = _shaper(scope, meaning)
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
    return _apply(OPS["index"], (part.operand,), {"index": index}, part, scope, meaning)


def _is_unit(part: ast.Expression, scope: Scope) -> bool:
    return isinstance(part, ast.Name) and part.name in UNIT_LETTERS and scope.lookup(part.name) is None


def _call(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """A call; one of names alone, as a formula repeats it, is evaluated once where the scope remembers."""
    if scope.known is None or not all(type(a.value) is ast.Name and a.keyword is None for a in part.arguments):
        return _called(part, scope, meaning)
    words = part.library, part.function, *[a.value.name for a in part.arguments if isinstance(a.value, ast.Name)]
    found: Unresolved[V] | None = scope.known.get(words)
    if found is None:
        found = scope.known[words] = _called(part, scope, meaning)
    return found


def _called(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    if part.function == "grad":
        gradient: V = gradient_of(part, scope)
        return gradient
    if ast.calls(part, scope.functions):
        return _user_call(scope.functions[part.function], part, scope, meaning)
    if is_lettered(part.function) and part.function not in OPS:
        return _reduction(part, scope, meaning)
    if part.function in _SPECIAL:
        found: Unresolved[V] = _SPECIAL[part.function](part, scope, meaning)
        return found
    over_mask = masked.whole(part, _shaper(scope, meaning))
    if over_mask is not None:
        return interpret(over_mask, scope, meaning)
    name = ALIASES.get(part.function, part.function)
    spelled = None if part.library == "own" else unprefixed(part, is_ours=name in OPS or name in COMPOSITES)
    if spelled is not None:
        return interpret(spelled, scope, meaning)
    if name in OPS:
        bound = bind(OPS[name].signature, part, scope, _shaper(scope, meaning))
        return _apply(OPS[name], bound.operands, bound.parameters, part, scope, meaning)
    if name in COMPOSITES:
        return _unfold(COMPOSITES[name], part, scope, meaning)
    raise unknown_function(part, scope)


def _reduction(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """`Σ_n(x)`, as formulas print it."""
    shaper = _shaper(scope, meaning)
    bound = bind(OPS[function_of(part.function)[0]].signature, part, scope, shaper)
    operand = bound.operands[0] or part
    value, axis = interpret(operand, scope, meaning), bound.parameters["axis"]
    return reduction(part, value, axis, shaper(operand), scope, meaning)


def _inspection(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    found = inspected(part, scope, _shaper(scope, meaning))
    if isinstance(found, tuple):
        hint = "take one of its sizes: x.shape[0]"
        raise failure("E015", "a shape stands where a tensor is needed", scope.place(part), hint)
    return meaning.constant(size_constant(found))


def _to_max(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    return interpret(windows.to_max(part, scope, _shaper(scope, meaning)), scope, meaning)


def _spread(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    return interpret(windows.spread(part, scope, _shaper(scope, meaning)), scope, meaning)


def _array(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """`np.array([1, 2])`: numbers in brackets as a tensor."""
    value = part.arguments[0].value if part.arguments else part
    return _literal(value, scope, meaning)


def _literal(part: ast.Expression, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    if not isinstance(part, ast.Sequence):
        return interpret(part, scope, meaning)
    items = tuple(_literal(item, scope, meaning) for item in part.items)
    if not items:
        raise failure("E015", "a tensor without entries", scope.place(part))
    return _checked(OPS["stack"], items, {"axis": 0}, part.items, part, scope, meaning)


def _inverted_mask(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    values = {"a": interpret(part.arguments[0].value, scope, meaning)}
    return evaluate_body(_BODIES["logical_not"], values, meaning, scope.place(part))


_SPECIAL: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(INSPECTIONS, _inspection), "array": _array, "logical_not": _inverted_mask,
    windows.TO_MAX: _to_max, windows.SPREAD: _spread,
}  # fmt: skip
"""Calls that are no functions of tensors: each of `existing.SPECIAL`."""


def _apply(
    op: Op,
    operands: tuple[ast.Expression | None, ...],
    parameters: Mapping[str, object],
    part: ast.Expression,
    scope: Scope,
    meaning: Meaning[V],
) -> Unresolved[V]:
    values = tuple(meaning.constant(None) if p is None else _value(p, scope, meaning) for p in operands)
    return _checked(op, values, parameters, operands, part, scope, meaning)


def _checked(
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
        if any(type(value) is Pending for value in values):
            return applied(op, values, meaning, lambda known: meaning.apply(op, known, parameters))
        return meaning.apply(op, values, parameters)  # type: ignore[arg-type]  # none of them is pending
    except (ShapeError, ParameterError) as error:
        shapes = [() if isinstance(value, Pending) else meaning.shape(value) for value in values]
        raise located(error, part, operands, shapes, scope) from None


def _unfold(composite: Composite, part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """A function written in the language: its body, with the arguments in place of the names."""
    bound = bind(composite.signature, part, scope, _shaper(scope, meaning))
    given = [None if p is None else interpret(p, scope, meaning) for p in bound.operands]
    values = {n: v for n, v in zip(operand_names(composite.signature, len(given)), given, strict=True) if v is not None}
    shapes = {name: meaning.shape(value) for name, value in values.items()}
    try:
        body = composite.body(shapes, **settled_parameters(composite, bound.parameters, values, meaning))
        announce(composite, shapes, meaning)
    except (ShapeError, ParameterError) as error:
        raise located(
            error, part, bound.operands, [meaning.shape(v) if v is not None else () for v in given], scope
        ) from None
    return evaluate_body(body, values, meaning, scope.place(part), sizes_of(shapes.values()))


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


def _user_call(function: Function, part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """A function of the user's own: unfolded, or an op of its own where its gradient is hand-written."""
    bound = bind(Signature(function.args, frozenset(), {}), part, scope, _shaper(scope, meaning))
    if function.grads and scope.custom is not None:
        return _apply(scope.custom(function), bound.operands, {}, part, scope, meaning)
    values = {
        n: interpret(p, scope, meaning) for n, p in zip(function.args, bound.operands, strict=True) if p is not None
    }
    inner = replace(
        scope, text=function.body_text, lookup=values.get, names=lambda: function.args, gradient=lambda name: None,
        known=None,
    )  # grad(out) of a caller means nothing in a function it calls
    return interpret(function.body, inner, meaning)


_WALK: Mapping[type[ast.Expression], Callable[..., Any]] = {
    ast.Number: _number, ast.Name: _name, ast.Unary: _unary, ast.Binary: _binary, ast.Transposed: _transposed,
    ast.Indexed: _indexed, ast.Call: _call, ast.Partial: _call, ast.Inverted: _inverted, ast.String: misplaced,
    ast.Sequence: _listed, ast.Starred: misplaced,
}  # fmt: skip
