"""The meaning 'graph' of the language: applying an op adds a node; arithmetic on literals is done here, exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from backprop_cli.engine.graph.nodes import Node
from backprop_cli.engine.normal import normal
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.base import ParameterError, ShapeError, show
from backprop_cli.language.model import Leaf, NodeSpec, Shape, Warned

MAX_RANK = 8


MAX_EXACT_EXPONENT = 10_000
MOST_KNOWN = 100_000


MAX_EXACT_BITS = 1100  # about the range of a float; arithmetic on longer literals is left to the run
MAX_FLOAT = 2**1023  # somewhat below the largest
MAX_PARAMETER = 2**53


class Builder:
    """The meaning 'graph' of the language: applying an op adds a node."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.known: dict[Any, Node] = {}
        self.latest: object = None  # as what the last computed node is known
        self.owner = ""
        self.anonymous_count: dict[str, int] = {}
        self.warnings: list[Warned] = []

    def shape(self, value: Node) -> Shape:
        """The shape of a node (None for an operand left out)."""
        return None if value.kind == "constant" and value.value is None else value.shape  # type: ignore[return-value]

    def constant(self, value: Any) -> Node:
        """A literal; equal ones are one node."""
        key = (type(value), value, getattr(value, "name", None)) if value is None or not math.isnan(value) else ("nan",)
        if key not in self.known:
            self.known[key] = self._add(Node(len(self.nodes), "", "constant", (), value=value, anonymous=True))
        return self.known[key]

    def apply(self, op: Op, operands: tuple[Node, ...], parameters: Mapping[str, object]) -> Node:
        """An anonymous node; equal ones are one node."""
        exact = _exact(op, operands)
        if exact is not None:
            return self.constant(exact)
        shapes = [*map(self.shape, operands)]
        parameters = op.fitted(shapes, parameters)
        checked_range(parameters)
        shape = checked_rank(op.shape(*shapes, **parameters))
        inputs = tuple([o.index for o in operands])
        key = made_as(op, inputs, parameters, shapes)
        made = self.known.get(key)
        if made is None:
            name = self._anonymous_name()
            made = Node(len(self.nodes), name, "node", shape, op, inputs, parameters, None, None, None, True)
            self.nodes.append(made)
            self.known[key], self.latest = made, key
        return made

    def warn(self, message: str, code: str = "broadcast") -> None:
        """Something that the node being built should be told of."""
        self.warnings.append((code, self.owner, message))

    def numbers_of(self, value: Node) -> object:
        """The numbers of an input of moderate size, or None."""
        return numbers_of(value.leaf)

    def masks_of(self, value: Node) -> object:
        """The numbers of an input that the spec states to be a mask, or None."""
        return numbers_of(value.leaf) if value.leaf is not None and "mask" in value.leaf.claims else None

    def leaf(self, leaf: Leaf) -> Node:
        """An input or a param."""
        return self._add(Node(len(self.nodes), leaf.name, leaf.kind, leaf.shape, leaf=leaf))

    def name(self, node: Node, spec: NodeSpec) -> Node:
        """Give the last anonymous node the user's name; anything else gets a node of its own."""
        if node.index == len(self.nodes) - 1 and node.anonymous and node.kind == "node":
            self.known.pop(self.latest, None)
            made = node.shape, node.op, node.inputs, node.parameters, None, None, spec, False  # in order: see `records`
            self.nodes[-1] = Node(node.index, spec.name, "node", *made)
            return self.nodes[-1]
        op = OPS["identity"] if node.op is None or node.kind != "constant" else node.op
        return self._add(Node(len(self.nodes), spec.name, "node", node.shape, op, (node.index,), spec=spec))

    def key(self, node: Node) -> tuple[object, ...]:
        """What a computed node has in common with its equals."""
        assert node.op is not None
        return made_as(node.op, node.inputs, node.parameters, [self.shape(self.nodes[i]) for i in node.inputs[:1]])

    def _add(self, node: Node) -> Node:
        self.nodes.append(node)
        return node

    def _anonymous_name(self) -> str:
        count = self.anonymous_count[self.owner] = self.anonymous_count.get(self.owner, 0) + 1
        return f"{self.owner}.{count}"


def made_as(
    op: Op, inputs: tuple[int, ...], parameters: Mapping[str, object], shapes: Sequence[Shape]
) -> tuple[object, ...]:
    """What equal nodes have in common: also those whose axis is counted from the other end."""
    if parameters and op is OPS.get(op.name) and shapes and shapes[0] is not None:
        parameters = normal(op.name, parameters, shapes[0])
    return op.name, id(op), inputs, tuple(parameters.items())


def numbers_of(leaf: Leaf | None) -> object:
    """The numbers of an input of moderate size, before a run; else None."""
    if leaf is None or leaf.kind != "input" or leaf.load is None or math.prod(leaf.shape) > MOST_KNOWN:
        return None
    return leaf.load()


def checked_rank(shape: Shape) -> Shape:
    """A shape of at most eight axes."""
    if len(shape) > MAX_RANK:
        raise ShapeError(f"{show(shape)} has {len(shape)} axes; at most {MAX_RANK} are allowed")
    return shape


def checked_range(parameters: Mapping[str, object]) -> None:
    """Whole numbers that numpy can take: sizes, axes, shifts.

    Raises:
        ParameterError: one is out of range.
    """
    for name, value in parameters.items():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, int) and abs(one) >= MAX_PARAMETER:
                raise ParameterError(name, f"{name} {str(one)[:40]} is out of range")


def _exact(op: Op, operands: tuple[Node, ...]) -> Fraction | None:
    """Arithmetic on literals, exactly: `1/2`, `-0.5`, `2**10`."""
    if not operands or operands[0].kind != "constant":  # as of nearly all
        return None
    values = [o.value for o in operands]
    if any(o.kind != "constant" or not isinstance(o.value, Fraction) for o in operands):
        return None
    if op.name == "divide" and values[1] == 0 or op.name == "power" and not _small_power(*values):
        return None
    found = _EXACT[op.name](*values) if op.name in _EXACT else None
    return found if found is None or _bits(found) <= MAX_EXACT_BITS and abs(found) <= MAX_FLOAT else None


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def _small_power(base: Fraction, exponent: Fraction) -> bool:
    is_whole, is_defined = exponent.denominator == 1, base != 0 or exponent >= 0
    return is_whole and is_defined and abs(exponent) * _bits(base) <= MAX_EXACT_EXPONENT


_EXACT: Mapping[str, Any] = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b, "negative": lambda a: -a, "power": lambda a, b: a ** int(b),
}  # fmt: skip
