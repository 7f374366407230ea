"""Calls: functions of the language, composites, the user's own, and those that are no functions of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from backprop_cli.engine.interpret import masked, windows
from backprop_cli.engine.interpret.binding import bind
from backprop_cli.engine.interpret.composites import announce, operand_names, settled_parameters
from backprop_cli.engine.interpret.existing import gradient_of
from backprop_cli.engine.interpret.inspection import INSPECTIONS, inspected, size_constant
from backprop_cli.engine.interpret.printed import Unresolved, function_of, is_lettered, reduction
from backprop_cli.engine.interpret.refusals import located, unknown_function
from backprop_cli.engine.interpret.scope import Meaning, Scope, V, failure
from backprop_cli.engine.interpret.walk import BODIES, apply_op, checked, evaluate_body, interpret, shaper_of, walks
from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS, Composite
from backprop_cli.engine.ops.base import ParameterError, ShapeError, Signature
from backprop_cli.engine.ops.library import sizes_of
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Function
from backprop_cli.language.spelling import unprefixed
from backprop_cli.records import replace


@walks(ast.Call, ast.Partial)
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
    over_mask = masked.whole(part, shaper_of(scope, meaning))
    if over_mask is not None:
        return interpret(over_mask, scope, meaning)
    name = ALIASES.get(part.function, part.function)
    spelled = None if part.library == "own" else unprefixed(part, is_ours=name in OPS or name in COMPOSITES)
    if spelled is not None:
        return interpret(spelled, scope, meaning)
    if name in OPS:
        bound = bind(OPS[name].signature, part, scope, shaper_of(scope, meaning))
        return apply_op(OPS[name], bound.operands, bound.parameters, part, scope, meaning)
    if name in COMPOSITES:
        return _unfold(COMPOSITES[name], part, scope, meaning)
    raise unknown_function(part, scope)


def _reduction(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """`Σ_n(x)`, as formulas print it."""
    shaper = shaper_of(scope, meaning)
    bound = bind(OPS[function_of(part.function)[0]].signature, part, scope, shaper)
    operand = bound.operands[0] or part
    value, axis = interpret(operand, scope, meaning), bound.parameters["axis"]
    return reduction(part, value, axis, shaper(operand), scope, meaning)


def _inspection(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    found = inspected(part, scope, shaper_of(scope, meaning))
    if isinstance(found, tuple):
        hint = "take one of its sizes: x.shape[0]"
        raise failure("E015", "a shape stands where a tensor is needed", scope.place(part), hint)
    return meaning.constant(size_constant(found))


def _to_max(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    return interpret(windows.to_max(part, scope, shaper_of(scope, meaning)), scope, meaning)


def _spread(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    return interpret(windows.spread(part, scope, shaper_of(scope, meaning)), scope, meaning)


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
    return checked(OPS["stack"], items, {"axis": 0}, part.items, part, scope, meaning)


def _inverted_mask(part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    values = {"a": interpret(part.arguments[0].value, scope, meaning)}
    return evaluate_body(BODIES["logical_not"], values, meaning, scope.place(part))


_SPECIAL: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(INSPECTIONS, _inspection), "array": _array, "logical_not": _inverted_mask,
    windows.TO_MAX: _to_max, windows.SPREAD: _spread,
}  # fmt: skip
"""Calls that are no functions of tensors: each of `existing.SPECIAL`."""


def _unfold(composite: Composite, part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """A function written in the language: its body, with the arguments in place of the names."""
    bound = bind(composite.signature, part, scope, shaper_of(scope, meaning))
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


def _user_call(function: Function, part: ast.Call, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """A function of the user's own: unfolded, or an op of its own where its gradient is hand-written."""
    bound = bind(Signature(function.args, frozenset(), {}), part, scope, shaper_of(scope, meaning))
    if function.grads and scope.custom is not None:
        return apply_op(scope.custom(function), bound.operands, {}, part, scope, meaning)
    values = {
        n: interpret(p, scope, meaning) for n, p in zip(function.args, bound.operands, strict=True) if p is not None
    }
    inner = replace(
        scope, text=function.body_text, lookup=values.get, names=lambda: function.args, gradient=lambda name: None,
        known=None,
    )  # grad(out) of a caller means nothing in a function it calls
    return interpret(function.body, inner, meaning)
