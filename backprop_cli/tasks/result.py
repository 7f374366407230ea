"""What a run found, as plain frozen data: the only thing the reports see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backprop_cli.formulas.printed import Named, Omitted, Printed
from backprop_cli.records import dataclass, field

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array
    from backprop_cli.formulas.notation import Notation


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the user should know: a kink, a value that is not finite, an unstable formula, a fact relied on."""

    code: str
    node: str
    message: str
    entries: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Gradient:
    """A node's gradient as a value and as formulas, by terms."""

    value: Any
    formula: Mapping[str, Printed | Omitted] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tangent:
    """How fast a node moves as the leaves move in a direction."""

    value: Any
    formula: Printed | None
    symbol: str  # ẋ


@dataclass(frozen=True, slots=True)
class NodeResult:
    """A node: what it is, its value (None when the spec has no numbers) and its gradient."""

    name: str
    kind: str
    op: str | None
    inputs: tuple[str, ...]
    expression: str | None
    shape: tuple[int, ...]
    value: Any
    requires_grad: bool
    gradient: Gradient | None
    anonymous: bool = False
    tangent: Tangent | None = None  # where forward mode was asked for
    definition: Mapping[str, str] = field(default_factory=dict)  # its expression as mathematics, by notation


@dataclass(frozen=True, slots=True)
class PassResult:
    """One backward pass of several: its output, its seed, and each node's gradient from it alone."""

    output: str
    grad_output: Array
    gradients: Mapping[str, Gradient]
    where: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a line of the spec, and the node that it defines."""

    text: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A spec, run; `nodes` in topological order."""

    spec: str
    title: str | None
    description: str | None
    dtype: str
    output: str
    grad_output: Array
    dims: Mapping[str, int]
    nodes: tuple[NodeResult, ...]
    warnings: tuple[Warned, ...] = ()
    passes: tuple[PassResult, ...] = ()
    facts: tuple[str, ...] = ()
    direction: Mapping[str, Array] | None = None  # the tangents that forward mode started from, by leaf
    where: tuple[Named, ...] = ()
    listing: tuple[tuple[Piece, ...], ...] = ()  # the spec's text by lines, where a page shows it

    def notation(self, name: str) -> Notation:
        """A notation in which no two nodes print alike."""
        from backprop_cli.formulas.notation import notation_of  # imports sympy

        return notation_of(name, tuple(node.name for node in self.nodes if node.name.isidentifier()))

    @property
    def by_name(self) -> dict[str, NodeResult]:
        """The nodes by name."""
        return {node.name: node for node in self.nodes}
