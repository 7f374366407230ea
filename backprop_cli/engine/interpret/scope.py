"""What the names of an expression stand for, and how an error about a part of it is told."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, Protocol, TypeVar

from backprop_cli.engine.ops import Op
from backprop_cli.errors import Place, SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Function, Shape, Size
from backprop_cli.language.source import Text
from backprop_cli.records import dataclass, field

CONSTANTS: Mapping[str, bool | None] = {
    "none": None, "None": None, "true": True, "True": True, "false": False, "False": False,
}  # fmt: skip


FLOATS: Mapping[str, float] = {"inf": math.inf, "nan": math.nan, "pi": math.pi, "π": math.pi, "e": math.e}


V = TypeVar("V")
"""What an expression is under a meaning."""


class Meaning(Protocol[V]):
    """What an op, a literal and a shape are under one reading of the language."""

    def constant(self, value: float | Fraction | None) -> V:
        """The value of a literal."""

    def apply(self, op: Op, operands: tuple[V, ...], parameters: Mapping[str, object]) -> V:
        """The value of an op."""

    def shape(self, value: V) -> Shape:
        """The shape of a value."""


Interpret = Callable[[ast.Expression, "Scope", Meaning[V]], V]
"""The walk itself."""

Shaper = Callable[[ast.Expression], Shape]
"""Gives the shape of an expression, in the scope that it stands in."""


def no_gradient(name: str) -> None:
    """Where `grad(name)` means nothing."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names of an expression stand for.

    `lookup` gives a name's value or None; `gradient` the value of `grad(name)`; `names` lists what can be
    suggested.  `origin` is where errors point when the text is not the user's own (the body of a function).
    """

    text: Text
    lookup: Callable[[str], Any]
    gradient: Callable[[str], Any] = no_gradient
    names: Callable[[], Iterable[str]] = field(default=lambda: ())
    dims: Mapping[str, Size] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    origin: Place | None = None
    custom: Callable[[Function], Op] | None = None
    shapes: Callable[[str], Shape | None] | None = None  # of names, where the meaning's own forget names of sizes
    output: str = ""  # what `∂output/∂node` may be the gradient of; "": anything
    known: dict[object, Any] | None = None  # values of calls of names, for one who reads many expressions in a scope

    def place(self, part: ast.Expression | ast.Argument) -> Place:
        """Where a part of the expression stands in the user's file."""
        return self.origin or self.text.place(part.start, part.end)

    def spell(self, part: ast.Expression) -> str:
        """A part as the user wrote it, on one line."""
        return " ".join(self.text.text[part.start : part.end].split())


def failure(code: str, message: str, place: Place, hint: str | None = None) -> SpecError:
    """What is wrong with a part of an expression."""
    return SpecError(code, message, at=place, hint=hint)
