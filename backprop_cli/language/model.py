"""What a spec says, as plain frozen data: the only form of a spec that the rest of the program sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from backprop_cli.language.source import Source, Text
from backprop_cli.records import dataclass, field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_cli.language.expression.tree import Expression


class Size(int):
    """A size of an axis; `name` is its name in `dims`, or None.  Equal to, and hashed as, its number."""

    name: str | None
    factors: tuple[int, ...]  # of a product of sizes, so that 1/(N K) prints with its letters

    def __new__(cls, value: int, name: str | None = None) -> Self:
        """A size, and its name in `dims`."""
        size = super().__new__(cls, value)
        size.name = name
        size.factors = ()
        return size


Warned = tuple[str, str, str]
"""Something worth knowing that is no error: its code, the name it is about, a sentence."""

Shape = tuple[int, ...]
"""Sizes of the axes; an entry is an int or a `Size` (an int that knows its name)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a spec states about a leaf: true, or the axis it is about; and where it says so."""

    value: int | bool
    at: Text


@dataclass(frozen=True, slots=True)
class Leaf:
    """An input or a param.

    `shape` holds `Size`s where the spec names them.  `value` is a float array of that shape, or None where
    the spec gives a shape alone.  Values are loaded lazily from `load` so that all shapes can be checked, and
    the memory estimated, before anything is allocated.
    """

    name: str
    kind: Literal["input", "param"]
    shape: Shape
    load: Any  # Callable[[], NDArray] | None: makes the float64 array (a file read, a random draw, a literal)
    at: Text
    written: Mapping[str, object] | None = None  # how the spec says it, if by no literal: {init: normal, std: 0.1}
    claims: Mapping[str, Claim] = field(default_factory=dict)  # what the spec states about it: {symmetric: ...}


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A named node and the expression that computes it."""

    name: str
    expression: Expression
    text: Text
    at: Text


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the user's own; `grads` maps an argument to its hand-written gradient (may be empty)."""

    name: str
    args: tuple[str, ...]
    body: Expression
    body_text: Text
    grads: Mapping[str, tuple[Expression, Text]]
    at: Text


@dataclass(frozen=True, slots=True)
class Pass:
    """One backward pass: where it starts and its seed (None: the default, 1 for a scalar output)."""

    output: Expression
    output_text: Text
    grad_output: NDArray[Any] | Literal["ones"] | None
    at: Text


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole spec, after `layers` were expanded into params and nodes."""

    source: Source
    title: str | None = None
    description: str | None = None
    dims: Mapping[str, Size] = field(default_factory=dict)
    leaves: tuple[Leaf, ...] = ()
    nodes: tuple[NodeSpec, ...] = ()
    functions: Mapping[str, Function] = field(default_factory=dict)
    output: tuple[Expression, Text] | None = None  # None: the last node written
    own_output: tuple[Expression, Text] | None = None  # what stands there in the file, where another was asked for
    grad_output: NDArray[Any] | Literal["ones"] | None = None
    grad_output_at: Text | None = None
    wrt: tuple[Text, ...] | Literal["all"] | None = None  # None: the params
    hooks: Mapping[str, tuple[Expression, Text]] = field(default_factory=dict)
    backward: tuple[Pass, ...] = ()
    dtype: Literal["float64", "float32"] = "float64"
    warnings: tuple[Warned, ...] = ()
    files: tuple[str, ...] = ()  # the data files it reads
