"""Derivative rules run on the nodes of a graph: what they make are nodes again, and expressions of the language.

A rule is written in words; under this meaning a word adds a node.  So the gradient of a graph is a graph; and since a
rule is linear in its upstream gradient, its transpose (a reverse pass over what it made) is the rule of forward mode.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any

from backprop_cli.engine.custom import fitted
from backprop_cli.engine.graph.builder import Builder
from backprop_cli.engine.graph.nodes import Node, rule_of
from backprop_cli.engine.interpret import evaluate_body
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.arithmetic import OPERATORS
from backprop_cli.engine.ops.shaping import index_text
from backprop_cli.engine.ops.words import WORDS
from backprop_cli.language.model import Shape, Size
from backprop_cli.language.unparse import ATOM, COMPARISON, POSTFIX, POWER, PRODUCT, SUM, UNARY


class Traced:
    """A node, as a rule sees it: arithmetic on it adds nodes."""

    __slots__ = ("node", "words")

    def __init__(self, node: Node, words: TracedWords) -> None:
        self.node = node
        self.words = words

    @property
    def shape(self) -> Shape:
        """The node's shape."""
        return self.node.shape

    def __bool__(self) -> bool:
        raise TypeError("a node has no truth value: use where, maximum or a comparison word in the rule")

    def __add__(self, other: Any) -> Traced:
        return self.words.add(self, other)

    def __radd__(self, other: Any) -> Traced:
        return self.words.add(other, self)

    def __sub__(self, other: Any) -> Traced:
        return self.words.subtract(self, other)

    def __rsub__(self, other: Any) -> Traced:
        return self.words.subtract(other, self)

    def __mul__(self, other: Any) -> Traced:
        return self.words.multiply(self, other)

    def __rmul__(self, other: Any) -> Traced:
        return self.words.multiply(other, self)

    def __truediv__(self, other: Any) -> Traced:
        return self.words.divide(self, other)

    def __rtruediv__(self, other: Any) -> Traced:
        return self.words.divide(other, self)

    def __pow__(self, other: Any) -> Traced:
        return self.words.power(self, other)

    def __rpow__(self, other: Any) -> Traced:
        return self.words.power(other, self)

    def __matmul__(self, other: Any) -> Traced:
        return self.words.matmul(self, other)

    def __neg__(self) -> Traced:
        return self.words.negative(self)

    @property
    def mT(self) -> Traced:  # noqa: N802 (numpy's name)
        """The last two axes swapped."""
        rank = len(self.shape)
        if rank < 2:
            return self
        turned = (*range(rank - 2), rank - 1, rank - 2)
        if self.node.op is OPS["transpose"] and tuple(self.node.parameters["axes"] or ()) == turned:
            return Traced(self.words.builder.nodes[self.node.inputs[0]], self.words)
        return self.words.transpose(self, axes=turned)


class TracedWords:
    """The functions of the language on nodes; a factor of 1 and a term of 0 are left out."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.pi = self.constant(math.pi)

    def __getattr__(self, name: str) -> Callable[..., Traced]:
        return partial(self.word, name)

    def constant(self, value: Any) -> Traced:
        """A literal."""
        return Traced(self.builder.constant(value), self)

    def number(self, value: Any) -> Traced:
        """A literal, exactly."""
        return value if isinstance(value, Traced) else self.constant(_exact(value))

    def size(self, n: int) -> Traced:
        """A number of entries, by its name where it has one."""
        return self.constant(n if isinstance(n, Size) and (n.name or n.factors) else Fraction(int(n)))

    def mask(self, condition: Traced) -> Traced:
        """A comparison is a 0/1 tensor already."""
        return condition

    def lift(self, value: Any) -> Traced:
        """A node, or a number as one."""
        return self.constant(None) if value is None else self.number(value)

    def word(self, name: str, *operands: Any, **parameters: Any) -> Traced:
        """A function of the language, or a careful word by its textbook form."""
        lifted = [self.lift(operand) for operand in operands]
        if name in WORDS:
            names, expression = WORDS[name]
            found: Traced = evaluate_body(expression, dict(zip(names, lifted, strict=True)), _Spoken(self), None)
            return found
        short = _neutral(name, lifted)
        if short is not None:
            return short
        if name == "multiply":
            lifted = self.narrowed(lifted)
        op = OPS[name]
        return self.apply(op, lifted, {**op.signature.parameters, **parameters})

    def narrowed(self, operands: list[Traced]) -> list[Traced]:
        """A number that was spread over a shape is a number again beside a tensor of that shape."""
        for i, (one, other) in enumerate((operands, operands[::-1])):
            if one.node.op is OPS["broadcast_to"] and other.shape == one.shape:
                inner = self.builder.nodes[one.node.inputs[0]]
                if not inner.shape and other.node.op is not OPS["broadcast_to"]:
                    pair = [Traced(inner, self), other]
                    return pair[::-1] if i else pair
        return operands

    def apply(self, op: Op, operands: Iterable[Traced], parameters: Mapping[str, Any]) -> Traced:
        """An op, as a node."""
        return Traced(self.builder.apply(op, tuple(o.node for o in operands), parameters), self)


class _Spoken:
    """The language on nodes, for the bodies of careful words."""

    def __init__(self, words: TracedWords) -> None:
        self.words = words

    def constant(self, value: Any) -> Traced:
        return self.words.constant(value)

    def shape(self, value: Traced) -> Shape:
        return self.words.builder.shape(value.node)

    def apply(self, op: Op, operands: tuple[Traced, ...], parameters: Mapping[str, Any]) -> Traced:
        return self.words.word(op.name, *operands, **parameters)


def _exact(value: Any) -> Any:
    if isinstance(value, bool | int) and not (isinstance(value, Size) and value.name):
        return Fraction(int(value))
    return Fraction(repr(value)) if isinstance(value, float) and math.isfinite(value) else value


def _neutral(name: str, operands: list[Traced]) -> Traced | None:
    """x · 1, x + 0 and x¹ are x."""
    neutral = {"multiply": 1, "add": 0, "power": 1}.get(name)
    if neutral is None:
        return None
    for one, other in (operands[::-1],) if name == "power" else (operands, operands[::-1]):
        if one.node.kind == "constant" and one.node.value == neutral:
            return other
    return None


# ── the reverse pass over nodes ──────────────────────────────────────────────────────────────────

Arrive = Callable[[Node, Traced], Traced]


def reverse(words: TracedWords, seeds: Mapping[int, Traced], wanted: Iterable[int], first: int, last: int,
            arrive: Arrive | None = None) -> dict[int, Traced]:  # fmt: skip
    """The gradients at the nodes `wanted`, from seeds at later ones, as nodes.

    Args:
        words: whose builder has the nodes.
        seeds: what arrives, by node index.
        wanted: where to; a node that nothing arrives at is left out.
        first: the index of the first node to go back over.
        last: the index after that of the last.
        arrive: called with a node and its whole gradient; what it returns flows on.
    """
    nodes = words.builder.nodes[first:last]
    targets = set(wanted)
    below = set(targets)
    for node in nodes:
        if any(i in below and rule_of(node, p) is not None for p, i in enumerate(node.inputs)):
            below.add(node.index)
    found = dict(seeds)
    done: dict[int, Traced] = {}
    for node in reversed(nodes):
        gradient = found.get(node.index)
        if gradient is None or node.index not in below:
            continue
        if arrive is not None:
            gradient = arrive(node, gradient)
        if node.index in targets:
            done[node.index] = gradient
        for position, operand in enumerate(node.inputs):
            if operand in below and rule_of(node, position) is not None:
                shape = words.builder.nodes[operand].shape
                part = fitted(words, contribution(words, node, position, gradient), shape)
                found[operand] = found[operand] + part if operand in found else part
    return done


def contribution(words: TracedWords, node: Node, position: int, gradient: Traced) -> Traced:
    """What a node hands on to one operand, before it is summed to the operand's shape."""
    rule = rule_of(node, position)
    assert node.op is not None
    operands = [_operand(words, index) for index in node.inputs]
    if node.op.signature.variadic:
        rule = partial(rule, words, position)
        return words.lift(rule(gradient, Traced(node, words), *operands, **node.parameters))
    return words.lift(rule(words, gradient, Traced(node, words), *operands, **node.parameters))


def _operand(words: TracedWords, index: int) -> Traced | None:
    node = words.builder.nodes[index]
    return None if node.kind == "constant" and node.value is None else Traced(node, words)


# ── nodes as text ────────────────────────────────────────────────────────────────────────────────

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
            return f"-{within(operands[0], UNARY)}", UNARY
        if name == "identity":
            return operands[0]
        if name == "index":
            return f"{within(operands[0], POSTFIX)}[{index_text(parameters['index'])}]", POSTFIX
        if name == "transpose":
            return self.transposed(node, operands[0])
        return f"{name}({', '.join(self.arguments(node, operands))})", POSTFIX

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
