"""What an op is, and the registry of all of them.

An op is written once: its forward, its vector-Jacobian products, its shape rule, its notation, one sentence
and sample operands.  Rules are pure expressions of `g` (the upstream gradient), `y` (the output) and the
operands, in the words of `xp`.  The words are the functions of the spec language itself, so every gradient is
again an expression of the language; the same rule run under another meaning of the words gives a number, a
formula or an entry-by-entry expression.

    forward(xp, *operands, **parameters) -> y                     numbers (object arrays too, unless `entry` is given)
    rule(xp, g, y, *operands, **parameters) -> gradient           one a tensor operand; None: not differentiable
    shape(*shapes, **parameters) -> shape                         raises ShapeError

A rule may return the gradient in the *output's* broadcast shape: the engine sums it back to the operand's
shape, once, for every op with `broadcasts=True`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.shapes import (
    ParameterError,
    ShapeError,
    axes_of,
    broadcast,
    count,
    named,
    normalize_axis,
    reduced,
    show,
)
from backprop_cli.engine.ops.validate import check_parameters
from backprop_cli.language.model import Shape, Size
from backprop_cli.records import dataclass, field

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array, Mask, Tensor, Words

Rule = Callable[..., "Tensor"]
Forward = Callable[..., "Array"]
Body = Callable[..., str]
"""(shapes, **parameters) -> an expression of the language."""

T = TypeVar("T")


def times(xp: Words, g: Tensor, factor: Tensor) -> Tensor:
    """The gradient times a value."""
    return g * factor


@dataclass(frozen=True, slots=True)
class Factor:
    """The rule that multiplies the gradient by the output (place 0) or an operand (from 1), or hands it on (None).

    Said as data, so that a pass over numbers gets that value alone: half the time of a scalar node was the call.
    `product` is a rule `(xp, g, factor)`, whose result is a tensor of its own.
    """

    place: int | None
    product: Callable[[Words, Tensor, Tensor], Tensor] = times

    def __call__(self, xp: Words, g: Tensor, *given: Tensor, **parameters: object) -> Tensor:
        return g if self.place is None else self.product(xp, g, given[self.place])


@dataclass(frozen=True, slots=True)
class Slope:
    """The rule of a function of one number without parameters: the gradient times a derivative `(xp, y, x)`.

    Said as data, so that a pass over numbers may write the product over the gradient.  `gate`: where the derivative is
    0, as of relu, nothing passes of an infinite gradient either, as in PyTorch.
    """

    derivative: Callable[..., Tensor | float]
    gate: bool = False

    def __call__(self, xp: Words, g: Tensor, y: Tensor, x: Tensor) -> Tensor:
        slope = self.derivative(xp, y, x)
        return xp.gated(g, slope) if self.gate else g * slope


PASSED, BY_FIRST, BY_SECOND = Factor(None), Factor(1), Factor(2)
"""The gradient as it is, times the first operand, times the second."""

REQUIRED = object()
"""The default of a parameter that has to be given."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Tensor operands, then static parameters: `conv2d(x, w, b=none; stride=1, padding=0)`.

    `variadic`: the first operand is a list of tensors (`concat([a, b], axis)`).
    """

    operands: tuple[str, ...]
    optional: frozenset[str]
    parameters: Mapping[str, object]
    variadic: bool = False

    @property
    def required(self) -> int:
        """How many operands must be given."""
        return len(self.operands) - len(self.optional)


_CONSTANTS: Mapping[str, bool | None] = {"none": None, "true": True, "false": False}


def _default(text: str) -> object:
    """The value of a default in a signature: a number, a word, a string or a tuple of numbers."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text.startswith("'"):
        return text.strip("'")
    if text.startswith("("):
        return tuple(_default(part.strip()) for part in text[1:-1].split(",") if part.strip())
    return int(text) if text.lstrip("-").isdigit() else Fraction(text)


def signature(text: str) -> tuple[str, Signature]:
    """Read `name(a, b=none; axis=-1, keepdims=false)`; `[xs]` for a list of tensors."""
    called, opening, inside = text.partition("(")
    if not (called.isidentifier() and opening and inside.endswith(")")):
        raise ValueError(f"not a signature: {text}")
    tensors, _, statics = inside[:-1].partition(";")
    variadic = tensors.strip().startswith("[")
    operands = [part.strip(" []") for part in tensors.split(",") if part.strip()]
    optional = {part.split("=")[0].strip() for part in operands if "=" in part}
    parameters = {}
    for part in re.split(r",(?![^(]*\))", statics) if "(" in statics else statics.split(","):
        name, _, default = part.strip().partition("=")
        if name:
            parameters[name] = _default(default) if default else REQUIRED
    plain = tuple(part.split("=")[0].strip() for part in operands)
    return called, Signature(plain, frozenset(optional), parameters, variadic)


@dataclass(frozen=True, slots=True)
class Sample:
    """Operands to try an op on: their shapes, or values where the domain matters, and parameters.

    `domains` says what random values to draw, one word an operand ('real' where it says nothing); the words
    are those of `samples.DOMAINS`.  An operand whose shape is None is left out.
    """

    shapes: tuple[tuple[int, ...] | None, ...]
    parameters: Mapping[str, object] = field(default_factory=dict)
    domains: tuple[str, ...] = ()


def fitted(shapes: Sequence[Shape | None], parameters: Mapping[str, object],
           whole_axes: bool = False) -> Mapping[str, object]:
    """A reduction's axis 0 or -1 of a scalar is no axis, where none is all: as in PyTorch."""
    axis = parameters.get("axis")
    if not shapes or shapes[0] != () or axis is None or not (whole_axes or "keepdims" in parameters):
        return parameters
    listed = set(axis if isinstance(axis, tuple) else (axis,))
    return {**parameters, "axis": None} if listed <= {0, -1} else parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One function of the language; see the module's docstring for the callables."""

    name: str
    signature: Signature
    doc: str
    forward: Callable[..., Any]  # a Forward; under the formulas, of a user's own function, whatever its words give
    shape: Callable[..., Shape]
    vjps: tuple[Callable[..., Any] | None, ...]  # Rules: their values are those of the words they are run with
    away: Rule | None = None  # the rule of one operand that is nowhere 0, where that reads shorter
    broadcasts: bool = False  # the engine sums gradients back to the operands' shapes
    pointwise: bool = False  # entry i of the output depends on entry i of the operands only
    text: str | None = None  # template of the notation: '{0}' is the first operand; None: a call
    latex: str | None = None
    entry: Callable[..., object] | None = None  # entry(sympy, *object arrays, **parameters); None: forward will do
    has_entries: bool = True
    temporary: Callable[..., int] = costs.plain  # numbers that the forward makes besides its result
    work: Callable[..., int] = costs.plain  # its operations; both are called as `shape` is, the result's shape first
    view: bool = False  # the result is its operand's memory, seen otherwise
    kink: Callable[..., Mask] | None = None  # kink(*arrays, **parameters) -> mask of entries that lie on one
    convention: str = ""  # what the derivative is at a kink
    departs: Callable[..., Mask] | None = None  # where the gradient is on purpose not the function's: as `kink`
    alike: Callable[..., Mapping[str, object]] | None = None  # alike(shape, **parameters): equal ones in one form
    near: Forward | None = None  # near(x, x0): the operand that a change of x0 to x stands for
    masks: frozenset[str] = frozenset()  # operands that are 0/1 masks
    flat: bool = False  # a function of steps: its derivative is 0 wherever it has one
    flat_below: bool = False  # its slope is 0 where its operand is -∞
    activation: bool = False  # books call what goes into it, a weighted sum, the layer's pre-activation
    whole_axes: bool = False  # no axis is all of them, as in a reduction (what has `keepdims`)
    domain: str = ""  # hint for a value that is not finite: "log of 0 or less: ..."
    linear: str = ""  # operands that it is linear in, each while the others stay (affine, given an optional one)
    sums_to_one: bool = False  # the output sums to one over its `axis`
    integer_operands: frozenset[str] = frozenset()
    allowed: Callable[..., range] | None = None  # what these may hold, of the shapes: called as `shape` is
    steps: Callable[..., Any] | None = None  # steps(meaning, *operands): a user's function, step by step
    samples: tuple[Sample, ...] = ()
    example: str = ""
    group: str = ""

    def is_linear_in(self, position: int) -> bool:
        """Whether the op is linear in the operand at a position; a chain of products has more than the op's two."""
        operands = self.signature.operands
        return operands[0 if self.signature.variadic else min(position, len(operands) - 1)] in self.linear.split()

    @property
    def is_multilinear(self) -> bool:
        """Whether it is linear in each operand that has to be given: a sum of products of theirs."""
        return bool(self.linear) and set(self.signature.operands) - self.signature.optional == set(self.linear.split())

    def fitted(self, shapes: Sequence[Shape | None], parameters: Mapping[str, object]) -> Mapping[str, object]:
        """Its parameters for these operands."""
        return fitted(shapes, parameters, self.whole_axes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """A function written in the spec language itself: `body(parameters, shapes)` gives its expression."""

    name: str
    signature: Signature
    doc: str
    body: Body
    samples: tuple[Sample, ...] = ()
    example: str = ""
    group: str = ""
    latex: str | None = None
    integer_operands: frozenset[str] = frozenset()
    flat: bool = False  # no operand has a gradient
    warns: Callable[[Mapping[str, Shape]], str | None] | None = None  # what to say of these shapes
    settle: Callable[..., dict[str, object]] | None = None  # settle(data, **parameters): what the data decide of these


OPS: dict[str, Op] = {}
COMPOSITES: dict[str, Composite] = {}
ALIASES: dict[str, str] = {}
"""The other library's usual name of a function."""


def op(
    spec: str,
    doc: str,
    forward: Forward,
    *,
    shape: Callable[..., Shape],
    vjps: Sequence[Rule | None] | Rule,
    aliases: str = "",
    samples: Sequence[Sample] = (),
    **rest: Any,
) -> Op:
    """Define an op and enter it in the registry; incomplete definitions fail here, at import."""
    name, parsed = signature(spec)
    rules = tuple(vjps) if isinstance(vjps, Sequence) else (vjps,)
    if len(rules) != len(parsed.operands):
        raise ValueError(f"{name}: {len(rules)} rules for {len(parsed.operands)} operands")
    if not samples:
        raise ValueError(f"{name}: no samples, so nothing would test it")
    if rest.get("view"):
        rest.setdefault("temporary", costs.nothing)
    new = Op(name=name, signature=parsed, doc=doc, forward=forward, shape=_checked(shape, parsed), vjps=rules,
             samples=tuple(samples), **rest)
    if bool(new.integer_operands) != (new.allowed is not None):
        raise ValueError(f"{name}: whole numbers are operands where it is said which they may be")
    _enter(OPS, name, new, aliases)
    return new


def _checked(shape: Callable[..., Shape], parsed: Signature) -> Callable[..., Shape]:
    """A shape rule behind what holds for all: parameters of the right type."""

    @wraps(shape)
    def checked(*shapes: Shape | None, **parameters: object) -> Shape:
        check_parameters(parameters, parsed.parameters)
        return shape(*shapes, **parameters)

    return checked


def composite(spec: str, doc: str, body: str | Body, *, aliases: str = "", samples: Sequence[Sample] = (),
              **rest: Any) -> Composite:
    """Define a function by an expression of the language (or a callable that gives one)."""
    name, parsed = signature(spec)
    if not samples:
        raise ValueError(f"{name}: no samples, so nothing would test it")

    def checked(shapes: Mapping[str, Shape], **parameters: object) -> str:
        check_parameters(parameters, parsed.parameters)
        return body(shapes, **parameters) if callable(body) else body

    new = Composite(name=name, signature=parsed, doc=doc, body=checked, samples=tuple(samples), **rest)
    _enter(COMPOSITES, name, new, aliases)
    return new


def _enter(table: dict[str, T], name: str, value: T, aliases: str) -> None:
    if name in OPS or name in COMPOSITES:
        raise ValueError(f"{name} is defined twice")
    table[name] = value
    for alias in aliases.split():
        ALIASES[alias] = name


__all__ = [
    "ALIASES", "COMPOSITES", "OPS", "REQUIRED", "Body", "Composite", "Forward", "Op", "ParameterError", "Rule",
    "Sample", "ShapeError", "Signature", "Size", "axes_of", "broadcast", "composite", "count", "named",
    "normalize_axis", "op", "reduced", "show", "signature",
]
