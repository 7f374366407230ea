"""What only a printed formula says, and what it means: `x · yᵀ`, `Σ_n(x)`, `I`, `e[k]`.

A book's notation leaves out what its reader sees from the shapes: whether `·` is an inner, an outer or a matrix
product, how large `I` is, and that the sums in `x - Σ_d(x)/D` keep their axis.  The last two are `Pending` here: a
value that is resolved when it meets another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Generic, TypeAlias

from backprop_cli.engine.interpret.scope import Meaning, Scope, Shaper, V, failure
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.shapes import broadcast, keeps_axes
from backprop_cli.engine.ops.tensor import Axes
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass

_LETTERED = r"(Σ|mean|var|std|max|min|prod|logsumexp)_([^\W\d_]+)"


@dataclass(frozen=True, slots=True)
class Pending(Generic[V]):
    """A value whose shape depends on what it meets; `resolve` makes it, of None where it meets nothing.

    `sized`: it is as long as what it meets (`I`, `e[k]`); else it is a reduction, which keeps its axes or not.
    """

    resolve: Callable[[Shape | None], V]
    sized: bool


Unresolved: TypeAlias = "V | Pending[V]"
"""A value, or one that is pending."""


def resolved(value: Unresolved[V], shape: Shape | None = None) -> V:
    """The value itself, once it is known what it meets."""
    return value.resolve(shape) if isinstance(value, Pending) else value


def applied(op: Op, values: tuple[Unresolved[V], ...], meaning: Meaning[V],
            apply: Callable[[tuple[V, ...]], V]) -> Unresolved[V]:
    """An op of values of which some are pending."""
    known = [meaning.shape(value) for value in values if not isinstance(value, Pending)]
    if op.name == "matmul":
        return apply(tuple(_in_product(value, i, known) for i, value in enumerate(values)))
    if op.name == "outer" and any(isinstance(value, Pending) and value.sized for value in values):
        return Pending(lambda met: apply(tuple(resolved(v, _side(met, i)) for i, v in enumerate(values))), sized=True)
    if not (op.pointwise or op.broadcasts and len(values) > 1):  # scatter meets nothing
        return apply(tuple(resolved(value) for value in values))
    partners = [shape for shape in known if shape]
    if partners:
        met = broadcast(*partners)
        return apply(tuple(resolved(value, met) for value in values))
    sized = any(value.sized for value in values if isinstance(value, Pending))
    return Pending(lambda shape: apply(tuple(resolved(value, shape) for value in values)), sized)


def _side(shape: Shape | None, position: int) -> Shape | None:
    """How long a factor of `x · yᵀ` is that meets a matrix."""
    return (shape[position - 2],) if shape and len(shape) > 1 else None


def turned(value: Pending[V], turn: Callable[[V], V]) -> Pending[V]:
    """`e[k]ᵀ`, `(e[k] · xᵀ)ᵀ`: the transpose of what is as large as what it meets."""
    return Pending(lambda shape: turn(value.resolve(shape[::-1] if shape else None)), value.sized)


def _in_product(value: Unresolved[V], position: int, known: Sequence[Shape]) -> V:
    if not isinstance(value, Pending) or not value.sized or not known or not known[0]:
        return resolved(value)
    shape = known[0]
    return value.resolve((shape[-1] if position or len(shape) == 1 else shape[-2],))


# ── identity and unit vectors ────────────────────────────────────────────────────────────────────


def identity_matrix(part: ast.Name, scope: Scope, meaning: Meaning[V]) -> Pending[V]:
    """`I`, as large as what it meets."""

    def settle(shape: Shape | None) -> V:
        return meaning.apply(OPS["eye"], (), {"n": _length(shape, part, scope), "m": None})

    return Pending(settle, sized=True)


def unit_vector(part: ast.Indexed, k: int, scope: Scope, meaning: Meaning[V]) -> Pending[V]:
    """`e[k]`: 1 at k, else 0."""

    def settle(shape: Shape | None) -> V:
        one, size = meaning.constant(Fraction(1)), _length(shape, part, scope)
        return meaning.apply(OPS["scatter"], (one,), {"index": (k,), "shape": (size,)})

    return Pending(settle, sized=True)


def _length(shape: Shape | None, part: ast.Expression, scope: Scope) -> int:
    if not shape:
        message = f"how large {scope.spell(part)!r} is cannot be seen here"
        hint = "write eye(n), or a unit vector as one_hot(k, n)"
        raise failure("E015", message, scope.place(part), hint)
    return shape[-1]


# ── reductions over named axes ───────────────────────────────────────────────────────────────────


def is_lettered(function: str) -> bool:
    """Whether a call is a reduction as formulas print it: Σ(x), Σ_n(x), Σ_N(x) beside a node n, mean_d(x)."""
    return function == "Σ" or "_" in function and re.fullmatch(_LETTERED, function) is not None


def reduction(part: ast.Call, operand: V, axis: Axes, shape: Shape, scope: Scope, meaning: Meaning[V]) -> Unresolved[V]:
    """A sum over axes, of an operand of this shape; it keeps them where it meets a tensor that has them still."""
    name, letters = function_of(part.function)
    axes = _axes_named(letters, shape, part, scope) if letters else axis

    def made(keepdims: bool) -> V:
        return meaning.apply(OPS[name], (operand,), {**_defaults(name), "axis": axes, "keepdims": keepdims})

    if axes is None:
        return made(False)
    return Pending(lambda met: made(met is not None and keeps_axes(shape, axes, met)), sized=False)


def function_of(function: str) -> tuple[str, str]:
    """The reduction that is meant, and the letters of its axes."""
    match = re.fullmatch(_LETTERED, function)
    name, letters = match.groups() if match else (function, "")
    return ("sum" if name == "Σ" else name), letters


def _defaults(name: str) -> dict[str, object]:
    return dict(OPS[name].signature.parameters)


def _axes_named(letters: str, shape: Shape, part: ast.Call, scope: Scope) -> int | tuple[int, ...]:
    names = [(getattr(size, "name", None) or "").lower() for size in shape]
    if letters == "n" and shape and not any(names):  # what a book sums over where nothing has a name: the samples
        return 0
    for letter in letters:
        if names.count(letter.lower()) != 1:
            sizes = ", ".join(filter(None, names)) or "none"
            message = f"no one axis here is called {letter!r}; the named ones are: {sizes}"
            raise failure("E015", message, scope.place(part), "write the axis as a number: sum(x, axis=0)")
    found = tuple(names.index(letter.lower()) for letter in letters)
    return found[0] if len(found) == 1 else found


# ── products ─────────────────────────────────────────────────────────────────────────────────────


def is_row(part: ast.Expression, shaper: Shaper) -> bool:
    """Whether a vector is written as a row: `xᵀ`, `2 xᵀ`, `xᵀ · A`."""
    match part:
        case ast.Transposed():
            return len(shaper(part.operand)) == 1
        case ast.Unary():
            return is_row(part.operand, shaper)
        case ast.Binary() if part.operator in {"*", "/"}:
            return is_row(part.left, shaper) or is_row(part.right, shaper)
        case ast.Binary() if part.operator in {"+", "-"}:
            return is_row(part.left, shaper) and is_row(part.right, shaper)
        case ast.Binary(operator="·"):
            return is_row(part.left, shaper)
    return False


def _stands_as_row(part: ast.Expression, value: Unresolved[V], shaper: Shaper) -> bool:
    """The same, also of `e[k]ᵀ`, whose shape is not known yet."""
    return isinstance(part, ast.Transposed) if isinstance(value, Pending) and value.sized else is_row(part, shaper)


Product: TypeAlias = "tuple[str, Unresolved[V], Unresolved[V]]"
"""An op, and its operands."""


def product(part: ast.Binary, left: Unresolved[V], right: Unresolved[V], shaper: Shaper,
            meaning: Meaning[V]) -> Product[V]:
    """Which op `left · right` is, by the shapes: a reader's eye; vectors are columns unless they are transposed.

    Raises:
        SpecError: the sizes fit none.
    """
    ranks = [_rank(value, meaning) for value in (left, right)]
    if 0 in ranks:
        return "multiply", left, right
    if ranks == [1, 1]:
        rows = _stands_as_row(part.left, left, shaper), _stands_as_row(part.right, right, shaper)
        return ("outer" if rows == (False, True) else "matmul"), left, right
    if ranks[0] == 1 and meaning.shape(resolved(right))[-2] == 1 and not is_row(part.left, shaper):
        return "multiply", _raised(left, meaning), right
    if ranks[1] == 1 and meaning.shape(resolved(left))[-1] == 1 and is_row(part.right, shaper):
        return "multiply", left, right
    return ("multiply" if _two_columns(left, right, meaning) else "matmul"), left, right


def _two_columns(left: Unresolved[V], right: Unresolved[V], meaning: Meaning[V]) -> bool:
    """Whether both are columns, or both rows, of one length: `(a - y) · a` of two of them is entry by entry."""
    if isinstance(left, Pending) or isinstance(right, Pending):
        return False
    shape = meaning.shape(left)
    return len(shape) == 2 and shape == meaning.shape(right) and 1 in shape and shape[0] != shape[1]


def _rank(value: Unresolved[V], meaning: Meaning[V]) -> int:
    return 1 if isinstance(value, Pending) else len(meaning.shape(value))


def _raised(value: Unresolved[V], meaning: Meaning[V]) -> Unresolved[V]:
    return meaning.apply(OPS["expand_dims"], (resolved(value),), {"axis": 1})
