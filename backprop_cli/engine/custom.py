"""A user's function with a gradient written by hand, as an op of its own.

The body and the gradients are expressions of the language.  They are read in whatever words the engine offers
(`xp` of numbers, formulas or entries), so the one op works under every meaning.  An argument for which no gradient
is written gets it from the body: the body is recorded on a tape and gone back over with the rules of its ops.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

from backprop_cli.engine.interpret import Scope, Shapes, interpret
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.base import Rule, ShapeError, Signature, broadcast, show
from backprop_cli.engine.reverse import Step, go_back
from backprop_cli.errors import SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Function, Shape, Spec
from backprop_cli.language.source import Text
from backprop_cli.records import dataclass, field

OUT = "out"
"""What a hand-written gradient calls the function's value; `grad(out)` is the upstream gradient."""


def custom_op(function: Function, spec: Spec) -> Op:
    """The op of a function with hand-written gradients; it is in no registry.

    Its shape rule reads the body and every gradient, so whatever is wrong with them is reported, at its place in
    the file, before anything is computed.  A gradient may come in any shape that broadcasts with its argument's:
    it is summed, or repeated, to that shape.
    """
    own = _Custom(function, spec)
    return Op(
        name=function.name, signature=Signature(function.args, frozenset(), {}), doc="A function of the spec.",
        forward=own.forward, shape=own.shape, vjps=tuple(own.rule(name) for name in function.args), steps=own.steps,
        group="functions",
    )  # fmt: skip


# ── meanings ─────────────────────────────────────────────────────────────────────────────────────


class Spoken:
    """The language in the words of `xp`: arrays, formulas or entries."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        # an exact fraction as a parameter is fine in formulas; with arrays it would make an array of objects
        self.static: Callable[[Any], Any] = _float if isinstance(xp.pi, Real) else lambda value: value

    def statics(self, parameters: Mapping[str, object]) -> dict[str, object]:
        """Parameters as the words take them."""
        return {name: self.static(value) for name, value in parameters.items()}

    def constant(self, value: Any) -> Any:
        """A literal."""
        return None if value is None else self.xp.number(value)

    def apply(self, op: Op, operands: tuple[object, ...], parameters: Mapping[str, object]) -> Any:
        """An op, at once."""
        if OPS.get(op.name) is op:
            return getattr(self.xp, op.name)(*operands, **self.statics(parameters))
        return op.forward(self.xp, *operands, **self.statics(parameters))

    def shape(self, value: Any) -> Shape:
        """The shape of a value (None for an operand left out)."""
        return None if value is None else shape_of(value)  # type: ignore[return-value]


def _float(value: object) -> object:
    return float(value) if isinstance(value, Fraction) else value


def shape_of(value: object) -> Shape:
    """The shape of an array, a formula or a scalar."""
    return getattr(value, "shape", ())


class Taped(NamedTuple):
    """A value on the tape, by its place."""

    value: Any
    place: int


class Noted(NamedTuple):
    """How a value was made."""

    op: Op
    operands: tuple[Taped, ...]
    parameters: Mapping[str, Any]


class Tape(Spoken):
    """The language in the words of `xp`, recorded."""

    def __init__(self, xp: object) -> None:
        super().__init__(xp)
        self.values: list[Any] = []
        self.notes: list[Noted | None] = []

    def noted(self, value: object, note: Noted | None = None) -> Taped:
        """A value, on the tape from now on."""
        self.values.append(value)
        self.notes.append(note)
        return Taped(value, len(self.values) - 1)

    def constant(self, value: object) -> Any:
        """A literal."""
        return self.noted(super().constant(value))

    def apply(self, op: Op, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Any:
        """An op, noted."""
        value = super().apply(op, tuple(o.value for o in operands), parameters)
        return self.noted(value, Noted(op, operands, self.statics(parameters)))

    def shape(self, value: Any) -> Shape:
        """The shape of a noted value."""
        return super().shape(value.value)

    def gradient(self, output: Taped, g: Any, of: Taped) -> Any:
        """The gradient that arrives at `of` when `g` arrives at `output`; None where nothing does."""
        found: dict[int, Any] = defaultdict(lambda: None, {output.place: g})
        go_back(reversed(self.steps(of)), self.values, found, partial(fitted, self.xp))
        return found[of.place]

    def steps(self, of: Taped) -> list[Step]:
        """What depends on a value, ready to be gone back over."""
        below, steps = {of.place}, []
        for place, note in enumerate(self.notes):
            if note is not None and not below.isdisjoint(o.place for o in note.operands):
                below.add(place)
                steps.append(self._step(place, note, below))
        return steps

    def _step(self, place: int, note: Noted, below: set[int]) -> Step:
        edges = [(operand.place, partial(rule, self.xp, **note.parameters), None, shape_of(operand.value))
                 for position, operand in enumerate(note.operands)
                 if operand.place in below and (rule := _rule(note.op, position)) is not None]  # fmt: skip
        return Step(note, place, note.op.forward, tuple(o.place for o in note.operands), tuple(edges))


def _rule(op: Op, position: int) -> Rule | None:
    if not op.signature.variadic:
        return op.vjps[position]
    variadic = op.vjps[0]
    return None if variadic is None else lambda xp, *rest, **parameters: variadic(xp, position, *rest, **parameters)


def summed_sizes(function: Function, spec: Spec, name: str, shapes: tuple[Shape, ...]) -> Shape:
    """The axes over which a hand-written gradient is summed to give it the shape of its argument."""
    made, values = _Custom(function, spec), dict(zip(function.args, shapes, strict=True))
    expression, text = function.grads[name]
    out: Shape = made.body(Shapes(), values)
    found: Shape = interpret(expression, made.scope(text, {OUT: out, **values}, out), Shapes())
    wanted, extra = values[name], len(found) - len(values[name])
    return tuple(size for i, size in enumerate(found)
                 if i < extra or wanted[i - extra] == 1 != size)  # fmt: skip


def gradient_again(function: Function, spec: Spec, meaning: Any, name: str, operands: Sequence[Any], g: Any) -> Any:
    """The hand-written gradient by an argument under another meaning of its steps, not yet in the argument's shape."""
    made, values = _Custom(function, spec), dict(zip(function.args, operands, strict=True))
    expression, text = function.grads[name]
    return interpret(expression, made.scope(text, {OUT: made.body(meaning, values), **values}, g), meaning)


def fitted(xp: Any, gradient: Any, shape: Shape) -> Any:
    """A gradient in the shape of its operand: repeated where it is narrower, summed where it is wider."""
    given = shape_of(gradient)
    wide = broadcast(given, shape)
    if given != wide:
        gradient = xp.broadcast_to(gradient, shape=wide)
    if wide == shape:
        return gradient
    extra = len(wide) - len(shape)
    axes = (*range(extra), *(extra + i for i, size in enumerate(shape) if size == 1 and wide[extra + i] != 1))
    return xp.reshape(xp.sum(gradient, axis=axes), shape=shape) if axes else xp.reshape(gradient, shape=shape)


# ── the op ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Custom:
    """The callables of one function's op."""

    function: Function
    spec: Spec
    nested: dict[str, Op] = field(default_factory=dict)

    def scope(self, text: Text, values: Mapping[str, Any], g: Any = None) -> Scope:
        """The names of the body, or, with `g`, of a gradient."""
        return Scope(text, values.get, gradient=lambda name: g if name == OUT else None, names=lambda: values,
                     dims=self.spec.dims, functions=self.spec.functions, custom=self.inner)

    def inner(self, function: Function) -> Op:
        """The op of another function that this one uses, made once."""
        if function.name not in self.nested:
            self.nested[function.name] = custom_op(function, self.spec)
        return self.nested[function.name]

    def body(self, meaning: Any, values: Mapping[str, Any]) -> Any:
        return interpret(self.function.body, self.scope(self.function.body_text, values), meaning)

    def forward(self, xp: Any, *operands: Any) -> Any:
        """The function's value."""
        return self.steps(Spoken(xp), *operands)

    def steps(self, meaning: Any, *operands: Any) -> Any:
        """The body, under a meaning."""
        return self.body(meaning, dict(zip(self.function.args, operands, strict=True)))

    def shape(self, *shapes: Shape) -> Shape:
        """The shape of the value; the gradients are read too, so that nothing is wrong with them later."""
        values = dict(zip(self.function.args, shapes, strict=True))
        out: Shape = self.body(Shapes(), values)
        for name, (expression, text) in self.function.grads.items():
            scope = self.scope(text, {OUT: out, **values}, out)
            self.check(name, interpret(expression, scope, Shapes()), values[name], text)
        return out

    def check(self, name: str, found: Shape, wanted: Shape, text: Text) -> None:
        """A gradient's shape broadcasts with the shape of its argument.

        Raises:
            SpecError: E014 at the gradient.
        """
        try:
            broadcast(found, wanted)
        except ShapeError:
            message = f"the gradient of {name!r} has shape {show(found)}, but {name!r} has {show(wanted)}"
            hint = f"a gradient has the shape of its argument; {name!r} is one of {self.function.name}"
            raise SpecError("E014", message, at=text.place(), hint=hint) from None

    def rule(self, name: str) -> Rule | None:
        """The VJP for an argument: written by hand, or from the body; None where the body does not use it."""
        if name in self.function.grads:
            return partial(self.written, name)
        used = any(part.name == name for part in ast.names(self.function.body))
        return partial(self.derived, name) if used else None

    def written(self, name: str, xp: object, g: object, y: object, *operands: object) -> Any:
        """The hand-written gradient."""
        values = dict(zip(self.function.args, operands, strict=True))
        expression, text = self.function.grads[name]
        found = interpret(expression, self.scope(text, {OUT: y, **values}, g), Spoken(xp))
        return fitted(xp, found, shape_of(values[name]))

    def derived(self, name: str, xp: Any, g: object, y: object, *operands: object) -> Any:
        """The gradient by going back over the body."""
        tape = Tape(xp)
        values = {n: tape.noted(value) for n, value in zip(self.function.args, operands, strict=True)}
        found = tape.gradient(self.body(tape, values), g, values[name])
        shape = shape_of(values[name].value)
        return xp.zeros(shape=shape) if found is None else fitted(xp, found, shape)
