"""The computation as plain frozen data: nodes in topological order, passes, hooks, and what has a gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from backprop_cli.engine.interpret import Scope
from backprop_cli.engine.ops import Op
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Leaf, NodeSpec, Shape, Spec, Warned
from backprop_cli.records import dataclass, field

Kind = Literal["input", "param", "node", "constant"]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value of the computation.

    `value` holds a constant's exact number (Fraction, Size, float, or None for an operand left out); `label` is
    what people read: the name, or the expression of an anonymous node.
    """

    index: int
    name: str
    kind: Kind
    shape: Shape
    op: Op | None = None
    inputs: tuple[int, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    value: Any = None
    leaf: Leaf | None = None
    spec: NodeSpec | None = None
    anonymous: bool = False

    @property
    def is_leaf(self) -> bool:
        """Whether it is an input or a param."""
        return self.leaf is not None


@dataclass(frozen=True, slots=True)
class GraphPass:
    """A backward pass: where it starts, what the output is called, and its seed (None: ones of a scalar)."""

    output: int
    name: str
    seed: Any
    slope_of: int | None = None  # the node whose gradient the output is, where it is one


@dataclass(frozen=True, slots=True)
class Hook:
    """A gradient on its way is replaced by an expression of `grad` and the nodes' values."""

    node: int
    expression: ast.Expression
    scope: Scope


@dataclass(frozen=True, slots=True)
class Graph:
    """A spec as a computation; `nodes` is in topological order and an operand always precedes its users."""

    spec: Spec
    nodes: tuple[Node, ...]
    names: Mapping[str, int]
    passes: tuple[GraphPass, ...]
    wrt: frozenset[int]
    hooks: Mapping[int, Hook]
    active: frozenset[int]
    warnings: tuple[Warned, ...] = ()

    @property
    def output(self) -> Node:
        """The node the last backward pass starts from."""
        return self.nodes[self.passes[-1].output]

    @property
    def output_name(self) -> str:
        """The output as the user wrote it: `loss`, `p[0]`."""
        return self.passes[-1].name

    def named(self) -> Iterable[Node]:
        """The nodes the user named, in topological order."""
        return (node for node in self.nodes if not node.anonymous and node.kind != "constant")

    def named_inputs(self, node: Node) -> tuple[str, ...]:
        """The named nodes an expression uses, looking through anonymous ones, each once."""
        found: dict[str, None] = {}
        stack, seen = list(reversed(node.inputs)), set[int]()
        while stack:
            operand = self.nodes[stack.pop()]
            if operand.index in seen:  # x*x of y*y of ... has a power of two of ways down
                continue
            seen.add(operand.index)
            if operand.anonymous:
                stack.extend(reversed(operand.inputs))
            elif operand.kind != "constant":
                found[operand.name] = None
        return tuple(found)


def activity(nodes: tuple[Node, ...], wrt: frozenset[int], outputs: Iterable[int]) -> frozenset[int]:
    """The nodes with a gradient: something to differentiate lies below, and the output depends on them."""
    below = set(wrt)
    for node in nodes:
        if not below.isdisjoint(differentiable(node)):
            below.add(node.index)
    above = set(outputs)
    for node in reversed(nodes):
        if node.index in above:
            above.update(differentiable(node))
    return frozenset(below & above)


def differentiable(node: Node) -> tuple[int, ...]:
    """The operands of a node that it has a derivative by."""
    if node.op is None or node.op.signature.variadic:
        return node.inputs if node.inputs and rule_of(node, 0) is not None else ()
    return tuple([i for i, rule in zip(node.inputs, node.op.vjps, strict=False) if rule is not None])


def rule_of(node: Node, position: int) -> Any:
    """The derivative rule for an operand of a node; None where it is not differentiable."""
    if node.op is None:
        return None
    return node.op.vjps[0 if node.op.signature.variadic else position]
