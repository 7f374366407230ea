"""One walk over an expression under any meaning: building the graph, checking a printed formula, a user's rule.

The walk resolves names, binds arguments to a function's signature, evaluates static parameters, and unfolds the
functions that are written in the language itself.  What an op then *does* is the meaning's business:

    meaning.constant(value)                  a literal (Fraction), a named size, an infinity, or None
    meaning.apply(op, operands, parameters)  an op of the registry
    meaning.shape(value)                     the shape of a value
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any, NoReturn, Protocol

from backprop_cli.errors import Place, SpecError
from backprop_cli.ops import ALIASES, COMPOSITES, OPS, Composite, Op
from backprop_cli.ops.arithmetic import OPERATORS
from backprop_cli.ops.base import REQUIRED, ParameterError, ShapeError, Signature, show
from backprop_cli.ops.keywords import parameter
from backprop_cli.ops.shaping import Span
from backprop_cli.spec import expression as ast
from backprop_cli.spec.model import Function, Shape, Size
from backprop_cli.spec.source import Text, inline
from backprop_cli.spec.suggest import suggest

WORDS: Mapping[str, Any] = {"none": None, "None": None, "true": True, "True": True, "false": False, "False": False}
FLOATS: Mapping[str, float] = {"inf": math.inf, "nan": math.nan, "pi": math.pi, "e": math.e}

FUNCTION_SYNONYMS = {
    "mean_squared_error": "mse_loss", "mse": "mse_loss", "bce": "binary_cross_entropy", "avg": "mean", "average": "mean",
    "bce_with_logits": "binary_cross_entropy_with_logits", "crossentropy": "cross_entropy", "lgamma": "logsumexp",
    "logistic": "sigmoid", "σ": "sigmoid", "tr": "trace", "matvec": "matmul", "hstack": "concat", "vstack": "concat",
    "softmax_cross_entropy": "cross_entropy", "swish": "silu", "power": "power", "log_det": "logdet", "Σ": "sum",
}  # fmt: skip


class Meaning(Protocol):
    """What an op, a literal and a shape are under one reading of the language."""

    def constant(self, value: Any) -> Any:
        """The value of a literal."""

    def apply(self, op: Op, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Any:
        """The value of an op."""

    def shape(self, value: Any) -> Shape:
        """The shape of a value."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names of an expression stand for.

    `lookup` gives a name's value or None; `gradient` the value of `grad(name)`; `names` lists what can be
    suggested.  `origin` is where errors point when the text is not the user's own (the body of a function).
    """

    text: Text
    lookup: Callable[[str], Any]
    gradient: Callable[[str], Any] = field(default=lambda name: None)
    names: Callable[[], Iterable[str]] = field(default=lambda: ())
    dims: Mapping[str, Size] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    origin: Place | None = None
    custom: Callable[[Function], Op] | None = None

    def place(self, part: ast.Expression | ast.Argument) -> Place:
        """Where a part of the expression stands in the user's file."""
        return self.origin or self.text.place(part.start, part.end)

    def spell(self, part: ast.Expression) -> str:
        """A part as the user wrote it, on one line."""
        return " ".join(self.text.text[part.start : part.end].split())


def interpret(part: ast.Expression, scope: Scope, meaning: Meaning) -> Any:
    """The value of an expression.

    Raises:
        SpecError: an unknown name or function, wrong arguments, or shapes that do not fit.
    """
    return _WALK[type(part)](part, scope, meaning)


def _fail(code: str, message: str, place: Place, hint: str | None = None) -> NoReturn:
    raise SpecError(code, message, at=place, hint=hint)


def _number(part: ast.Number, scope: Scope, meaning: Meaning) -> Any:
    return meaning.constant(part.value)


def _name(part: ast.Name, scope: Scope, meaning: Meaning) -> Any:
    value = scope.lookup(part.name)
    if value is not None:
        return value
    if part.name in scope.dims:
        return meaning.constant(scope.dims[part.name])
    if part.name in FLOATS:
        return meaning.constant(FLOATS[part.name])
    if part.name in {"true", "True", "false", "False"}:
        return meaning.constant(Fraction(int(WORDS[part.name])))
    if part.name in WORDS:
        _fail("E015", f"{part.name!r} is no tensor", scope.place(part))
    if part.name in OPS or part.name in COMPOSITES or part.name in ALIASES:
        _fail("E011", f"{part.name!r} is a function; no node has this name", scope.place(part), f"call it: {part.name}(...)")
    near = suggest(part.name, [*scope.names(), *scope.dims])
    _fail("E011", f"unknown name {part.name!r}", scope.place(part), f"did you mean {near!r}?" if near else None)


def _unary(part: ast.Unary, scope: Scope, meaning: Meaning) -> Any:
    return _apply(OPS["negative"], (part.operand,), {}, part, scope, meaning)


def _binary(part: ast.Binary, scope: Scope, meaning: Meaning) -> Any:
    return _apply(OPS[OPERATORS[part.operator]], (part.left, part.right), {}, part, scope, meaning)


def _transposed(part: ast.Transposed, scope: Scope, meaning: Meaning) -> Any:
    value = interpret(part.operand, scope, meaning)
    rank = len(meaning.shape(value))
    axes = (*range(rank - 2), rank - 1, rank - 2) if part.matrix and rank > 2 else None
    return _checked(OPS["transpose"], (value,), {"axes": axes}, (part.operand,), part, scope, meaning)


def _indexed(part: ast.Indexed, scope: Scope, meaning: Meaning) -> Any:
    index = tuple(_subscript(item, scope) for item in part.subscripts)
    return _apply(OPS["index"], (part.operand,), {"index": index}, part, scope, meaning)


def _subscript(item: ast.Expression, scope: Scope) -> Any:
    if isinstance(item, ast.Slice):
        span = Span(*(None if p is None else _position(p, scope) for p in (item.first, item.stop, item.step)))
        if span.step == 0:
            _fail("E015", "a slice has a step of 0", scope.place(item))
        return span
    if isinstance(item, ast.Ellipsis_):
        return Ellipsis
    if isinstance(item, ast.Sequence):
        return tuple(_position(p, scope) for p in item.items)
    if isinstance(item, ast.Name) and item.name in {"None", "none"}:
        return None
    return _position(item, scope)


def _position(item: ast.Expression, scope: Scope) -> int:
    hint = "an index is a whole number, a slice or a list of whole numbers; use take(x, indices) to index by a tensor"
    try:
        value = static(item, scope)
    except SpecError:
        value = None
    if not isinstance(value, int) or isinstance(value, bool):
        _fail("E015", f"{scope.spell(item)!r} is no index", scope.place(item), hint)
    return value


def _misplaced(part: ast.Expression, scope: Scope, meaning: Meaning) -> NoReturn:
    if isinstance(part, ast.String):
        _fail("E015", "a string stands where a tensor is needed", scope.place(part))
    _fail("E015", "a list stands where one tensor is needed", scope.place(part), "stack([a, b]) makes one tensor of several")


# ── static parameters ────────────────────────────────────────────────────────────────────────────


def static(part: ast.Expression, scope: Scope) -> Any:
    """A parameter known before anything runs: int, Fraction, float, str, bool, None, Size, or a tuple of these."""
    match part:
        case ast.Number():
            return int(part.value) if part.is_integer else part.value
        case ast.String():
            return part.value
        case ast.Sequence():
            return tuple(static(item, scope) for item in part.items)
        case ast.Unary():
            return -static(part.operand, scope)
        case ast.Binary() if part.operator in _ARITHMETIC:
            left, right = static(part.left, scope), static(part.right, scope)
            if part.operator == "/" and not right:
                _fail("E015", "division by zero", scope.place(part))
            return _ARITHMETIC[part.operator](left, right)
        case ast.Name() if part.name in WORDS:
            return WORDS[part.name]
        case ast.Name() if part.name in scope.dims:
            return scope.dims[part.name]
        case ast.Name() if part.name in FLOATS:
            return FLOATS[part.name]
    _fail("E015", f"{scope.spell(part)!r} is computed, but this parameter has to be known beforehand", scope.place(part))


def _divide(a: Any, b: Any) -> Any:
    value = Fraction(a) / Fraction(b)
    return int(value) if value.denominator == 1 else value


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": _divide,
}  # fmt: skip


# ── calls ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Bound:
    """The arguments of a call, matched to a signature: expressions of the operands (None: left out), statics."""

    operands: tuple[ast.Expression | None, ...]
    parameters: Mapping[str, Any]


def _call(part: ast.Call, scope: Scope, meaning: Meaning) -> Any:
    if part.function == "grad":
        return _gradient(part, scope)
    if part.function in scope.functions:
        return _user_call(scope.functions[part.function], part, scope, meaning)
    name = ALIASES.get(part.function, part.function)
    if name in OPS:
        bound = bind(OPS[name].signature, part, scope)
        return _apply(OPS[name], bound.operands, bound.parameters, part, scope, meaning)
    if name in COMPOSITES:
        return _unfold(COMPOSITES[name], part, scope, meaning)
    _unknown_function(part, scope)


def _unknown_function(part: ast.Call, scope: Scope) -> NoReturn:
    near = suggest(part.function, [*OPS, *COMPOSITES, *ALIASES, *scope.functions], FUNCTION_SYNONYMS)
    place = scope.origin or scope.text.place(part.start, part.name_end)
    if near is None and scope.lookup(part.function) is not None:
        _fail("E012", f"{part.function!r} is a node, not a function", place, f"write {part.function}*(...) for a product")
    _fail("E012", f"unknown function {part.function!r}", place, f"did you mean {near!r}?" if near else "`backprop ops` lists the functions")


def _gradient(part: ast.Call, scope: Scope) -> Any:
    if len(part.arguments) != 1 or not isinstance(part.arguments[0].value, ast.Name):
        _fail("E015", "grad takes the name of one node", scope.place(part), "write grad(y)")
    name = part.arguments[0].value.name
    value = scope.gradient(name)
    if value is None:
        hint = "grad(...) stands in hand-written gradients, hooks and answers; a node cannot use its own output's gradient"
        _fail("E011", f"grad({name}) has no meaning here", scope.place(part), hint)
    return value


def bind(signature: Signature, part: ast.Call, scope: Scope) -> Bound:
    """Match a call's arguments to a signature.

    Raises:
        SpecError: E015 for too many or too few arguments, an unknown parameter, or one given twice.
    """
    arguments = list(part.arguments)
    if signature.variadic:
        return _bind_variadic(signature, part, arguments, scope)
    slots = [*signature.operands, *signature.parameters]
    given = _place_arguments(slots, part, arguments, scope)
    missing = [name for name in signature.operands if name not in given and name not in signature.optional]
    missing += [name for name, default in signature.parameters.items() if default is REQUIRED and name not in given]
    if missing:
        _fail("E015", f"{part.function} needs {' and '.join(map(repr, missing))}", scope.place(part), usage(part.function, signature))
    operands = tuple(_operand(given.get(name)) for name in signature.operands)
    return Bound(operands, _statics(signature, given, scope))


def _operand(argument: ast.Argument | None) -> ast.Expression | None:
    """An operand left out, by omission or as `none`, is None."""
    if argument is None or isinstance(argument.value, ast.Name) and argument.value.name in {"none", "None"}:
        return None
    return argument.value


def _statics(signature: Signature, given: Mapping[str, ast.Argument], scope: Scope) -> dict[str, Any]:
    return {name: _READERS.get(name, static)(given[name].value, scope) if name in given else default
            for name, default in signature.parameters.items()}  # fmt: skip


def _written_index(part: ast.Expression, scope: Scope) -> Any:
    """Subscripts given as text, as in scatter(x, '0:2, 1', (3, 3))."""
    if not isinstance(part, ast.String):
        _fail("E015", f"{scope.spell(part)!r} is no index", scope.place(part), "write the subscripts as text: '0:2, 1'")
    text = inline(f"x[{part.value}]")
    try:
        parsed = ast.parse(text)
    except SpecError as error:
        _fail("E015", f"{part.value!r} is no index: {error.message}", scope.place(part))
    if not isinstance(parsed, ast.Indexed) or not isinstance(parsed.operand, ast.Name):
        _fail("E015", f"{part.value!r} is no index", scope.place(part))
    return tuple(_subscript(item, replace(scope, text=text, origin=scope.place(part))) for item in parsed.subscripts)


_READERS: Mapping[str, Callable[[ast.Expression, Scope], Any]] = {"index": _written_index}
"""Parameters that are not plain values."""


def _place_arguments(slots: list[str], part: ast.Call, arguments: list[ast.Argument], scope: Scope) -> dict[str, ast.Argument]:
    given: dict[str, ast.Argument] = {}
    for position, argument in enumerate(arguments):
        if argument.keyword is None:
            if position >= len(slots):
                _fail("E015", f"{part.function} takes at most {len(slots)} arguments", scope.place(argument),
                      f"{part.function}({', '.join(slots)})")
            name = slots[position]
        else:
            name = parameter(argument.keyword, slots)
            if name not in slots:
                near = suggest(argument.keyword, slots)
                hint = f"did you mean {near!r}?" if near else f"{part.function}({', '.join(slots)})"
                _fail("E015", f"{part.function} has no parameter {argument.keyword!r}", scope.place(argument), hint)
        if name in given:
            _fail("E015", f"{part.function} got {name!r} twice", scope.place(argument))
        given[name] = argument
    return given


def _bind_variadic(signature: Signature, part: ast.Call, arguments: list[ast.Argument], scope: Scope) -> Bound:
    """`concat([a, b], axis)`, or `einsum('ij,jk->ik', a, b)`: the text first, then the tensors."""
    positional = [a for a in arguments if a.keyword is None]
    if positional and isinstance(positional[0].value, ast.String):
        text, *tensors = positional
        given = _place_arguments(list(signature.parameters), part, [text, *(a for a in arguments if a.keyword)], scope)
        items: tuple[ast.Expression, ...] = tuple(a.value for a in tensors)
        if len(items) == 1 and isinstance(items[0], ast.Sequence):
            items = items[0].items
    else:
        if not positional or not isinstance(positional[0].value, ast.Sequence):
            _fail("E015", f"{part.function} takes a list of tensors", scope.place(part), f"write {part.function}([a, b])")
        items = positional[0].value.items
        given = _place_arguments(list(signature.parameters), part, arguments[1:], scope)
    if not items:
        _fail("E015", f"{part.function} needs at least one tensor", scope.place(part))
    missing = [n for n, default in signature.parameters.items() if default is REQUIRED and n not in given]
    if missing:
        _fail("E015", f"{part.function} needs {' and '.join(map(repr, missing))}", scope.place(part), usage(part.function, signature))
    return Bound(items, _statics(signature, given, scope))


def usage(name: str, signature: Signature) -> str:
    """The call as the documentation writes it."""
    operands = [f"{n}=none" if n in signature.optional else n for n in signature.operands]
    if signature.variadic:
        operands = [f"[{operands[0]}, ...]"]
    for parameter, default in signature.parameters.items():
        operands.append(parameter if default is REQUIRED else f"{parameter}={_default(default)}")
    return f"{name}({', '.join(operands)})"


def _default(value: Any) -> str:
    """A default as the language writes it; by its type, since true equals 1."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Fraction):
        return re.sub(r"e([+-])0*", r"e\1", str(float(value)).removesuffix(".0"))
    return repr(value)


def _apply(op: Op, operands: tuple[ast.Expression | None, ...], parameters: Mapping[str, Any], part: ast.Expression,
           scope: Scope, meaning: Meaning) -> Any:
    values = tuple(meaning.constant(None) if p is None else interpret(p, scope, meaning) for p in operands)
    return _checked(op, values, parameters, operands, part, scope, meaning)


def _checked(op: Op, values: tuple[Any, ...], parameters: Mapping[str, Any], operands: tuple[ast.Expression | None, ...],
             part: ast.Expression, scope: Scope, meaning: Meaning) -> Any:
    """Apply an op; what does not fit is reported with the user's own words and the shapes of the operands."""
    try:
        return meaning.apply(op, values, parameters)
    except (ShapeError, ParameterError) as error:
        shapes = [meaning.shape(value) for value in values]
        raise _located(error, part, operands, shapes, scope) from None


def _located(error: ShapeError | ParameterError, part: ast.Expression, operands: tuple[ast.Expression | None, ...],
             shapes: list[Shape], scope: Scope) -> SpecError:
    if isinstance(error, ParameterError):
        at: ast.Expression | ast.Argument = part
        if isinstance(part, ast.Call):
            at = next((a for a in part.arguments if parameter(a.keyword or "", (error.parameter,)) == error.parameter), part)
        return SpecError("E015", str(error), at=scope.place(at))
    at = part if error.operand is None or operands[error.operand] is None else operands[error.operand] or part
    known = {scope.spell(p): show(s) for p, s in zip(operands, shapes, strict=True) if p is not None and not scope.origin}
    where = " and ".join(f"{text} is {shape}" for text, shape in known.items() if len(text) < 40)
    return SpecError("E014", f"{error}" + (f"; {where}" if where else ""), at=scope.place(at), hint=error.hint)


@lru_cache(maxsize=512)
def _body(text: str) -> tuple[Text, ast.Expression]:
    source = inline(text, "<function>")
    return source, ast.parse(source)


def _unfold(composite: Composite, part: ast.Call, scope: Scope, meaning: Meaning) -> Any:
    """A function written in the language: its body, with the arguments in place of the names."""
    bound = bind(composite.signature, part, scope)
    given = [None if p is None else interpret(p, scope, meaning) for p in bound.operands]
    values = {n: v for n, v in zip(composite.signature.operands, given, strict=True) if v is not None}
    try:
        body = composite.body({n: meaning.shape(v) for n, v in values.items()}, **bound.parameters)
    except (ShapeError, ParameterError) as error:
        raise _located(error, part, bound.operands, [meaning.shape(v) if v is not None else () for v in given], scope) from None
    return evaluate_body(body, values, meaning, scope.place(part))


def evaluate_body(body: str, values: Mapping[str, Any], meaning: Meaning, origin: Place | None) -> Any:
    """The value of an expression of our own, its errors reported at `origin`."""
    text, parsed = _body(body)
    return interpret(parsed, Scope(text, values.get, origin=origin or text.place()), meaning)


def _user_call(function: Function, part: ast.Call, scope: Scope, meaning: Meaning) -> Any:
    """A function of the user's own: unfolded, or an op of its own where its gradient is hand-written."""
    bound = bind(Signature(function.args, frozenset(), {}), part, scope)
    if function.grads and scope.custom is not None:
        return _apply(scope.custom(function), bound.operands, {}, part, scope, meaning)
    values = {n: interpret(p, scope, meaning) for n, p in zip(function.args, bound.operands, strict=True) if p is not None}
    inner = replace(scope, text=function.body_text, lookup=values.get, names=lambda: function.args,
                    gradient=lambda name: None)  # grad(out) of a caller means nothing in a function it calls
    return interpret(function.body, inner, meaning)


_WALK: Mapping[type[ast.Expression], Callable[..., Any]] = {
    ast.Number: _number, ast.Name: _name, ast.Unary: _unary, ast.Binary: _binary, ast.Transposed: _transposed,
    ast.Indexed: _indexed, ast.Call: _call, ast.String: _misplaced, ast.Sequence: _misplaced,
}  # fmt: skip
