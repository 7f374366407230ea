"""Nodes as text: expressions of the language for what was traced."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from backprop_cli.engine.graph.nodes import Node
from backprop_cli.engine.ops.arithmetic import OPERATORS
from backprop_cli.engine.ops.subscripts import index_text
from backprop_cli.language.model import Size
from backprop_cli.language.unparse import ATOM, COMPARISON, POSTFIX, POWER, PRODUCT, SUM, UNARY
from backprop_cli.records import dataclass, field

_LEVELS = {"+": (SUM, SUM, PRODUCT), "-": (SUM, SUM, PRODUCT), "*": (PRODUCT, PRODUCT, UNARY),
           "/": (PRODUCT, PRODUCT, UNARY), "@": (PRODUCT, PRODUCT, UNARY), "**": (POWER, POSTFIX, UNARY),
           **dict.fromkeys((">", ">=", "<", "<=", "==", "!="), (COMPARISON, SUM, SUM))}  # fmt: skip
_INFIX = {name: sign for sign, name in OPERATORS.items()}

Piece = tuple[str, int]


@dataclass(slots=True)
class Spelling:
    """Expressions of the language for nodes; `names` are what named nodes are called."""

    nodes: list[Node]
    names: Mapping[int, str]
    dims: frozenset[str]
    memo: dict[int, Piece] = field(default_factory=dict)

    def __call__(self, node: Node) -> str:
        """The expression of a node, by the names of those it is made of."""
        return self.operand(node.index)[0]

    def piece(self, node: Node) -> Piece:
        """The expression and how tightly it binds."""
        if node.kind == "constant":
            return self.literal(node.value)
        operands = [self.operand(index) for index in node.inputs]
        return self.applied(node, operands)

    def operand(self, index: int) -> Piece:
        """An operand by its name, or written out."""
        if index in self.names:
            return self.names[index], ATOM
        if index not in self.memo:
            self.memo[index] = self.piece(self.nodes[index])
        return self.memo[index]

    def literal(self, value: Any) -> Piece:
        """A constant."""
        if value is None:
            return "none", ATOM
        if isinstance(value, Fraction) and value.denominator != 1:
            return f"{value.numerator}/{value.denominator}", SUM if value < 0 else PRODUCT
        if isinstance(value, Size):
            return self.static(value), ATOM
        known = {math.pi: "pi", math.e: "e"}
        text = known.get(value) or str(value.numerator if isinstance(value, Fraction) else value)
        return text, UNARY if text.startswith("-") else ATOM

    def applied(self, node: Node, operands: list[Piece]) -> Piece:
        """An op: infix, postfix or a call."""
        assert node.op is not None
        name, parameters = node.op.name, node.parameters
        if name in _INFIX and _INFIX[name] in _LEVELS:
            level, left, right = _LEVELS[_INFIX[name]]
            return f"{within(operands[0], left)} {_INFIX[name]} {within(operands[1], right)}", level
        if name == "negative":
            return self.negated(node.inputs[0], operands[0])
        if name == "identity":
            return operands[0]
        if name == "index":
            return f"{within(operands[0], POSTFIX)}[{index_text(parameters['index'])}]", POSTFIX
        if name == "transpose":
            return self.transposed(node, operands[0])
        return f"{name}({', '.join(self.arguments(node, operands))})", POSTFIX

    def negated(self, index: int, operand: Piece) -> Piece:
        """A minus before; a difference turned round."""
        node = self.nodes[index]
        if index in self.names or node.op is None or node.op.name != "subtract":
            return f"-{within(operand, UNARY)}", UNARY
        left, right = map(self.operand, node.inputs)
        return f"{within(right, SUM)} - {within(left, PRODUCT)}", SUM

    def transposed(self, node: Node, operand: Piece) -> Piece:
        """x.T, x.mT, or the axes in full."""
        rank, axes = len(node.shape), node.parameters["axes"]
        if axes is None or tuple(axes) == tuple(reversed(range(rank))):
            return f"{within(operand, POSTFIX)}.T", POSTFIX
        if tuple(axes) == (*range(rank - 2), rank - 1, rank - 2):
            return f"{within(operand, POSTFIX)}.mT", POSTFIX
        return f"transpose({operand[0]}, {self.static(axes)})", POSTFIX

    def arguments(self, node: Node, operands: list[Piece]) -> Iterable[str]:
        """Operands, then the parameters that differ from their defaults."""
        assert node.op is not None
        signature, texts = node.op.signature, [text for text, _ in operands]
        if node.op.name == "einsum":
            return [f"'{node.parameters['subscripts']}'", *texts]
        while texts and texts[-1] == "none":
            texts.pop()
        given = [f"[{', '.join(texts)}]"] if signature.variadic else texts
        for key, value in node.parameters.items():
            default = signature.parameters.get(key)
            if type(value) is not type(default) or value != default:
                given.append(f"{key}={self.static(value, key)}")
        return given

    def static(self, value: Any, key: str = "") -> str:
        """A static parameter."""
        if key == "index":
            return f"'{index_text(value)}'"
        if value is None or isinstance(value, bool):
            return {None: "none", True: "true", False: "false"}[value]
        if isinstance(value, tuple):
            return f"({', '.join(map(self.static, value))}{',' if len(value) == 1 else ''})"
        if isinstance(value, Size) and value.factors:
            return " * ".join(self.static(factor) for factor in value.factors)
        if isinstance(value, Size) and value.name in self.dims:
            return str(value.name)
        if isinstance(value, Fraction):
            return f"{value.numerator}/{value.denominator}" if value.denominator != 1 else str(value.numerator)
        if isinstance(value, str):
            return f"'{value}'"
        return str(int(value)) if isinstance(value, int) else repr(value)


def within(piece: Piece, level: int) -> str:
    """The text where something binds at `level`."""
    text, own = piece
    return text if own >= level else f"({text})"
