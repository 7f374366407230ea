"""Derivative rules run on the nodes of a graph: what they make are nodes again, and expressions of the language.

A rule is written in words; under this meaning a word adds a node.  So the gradient of a graph is a graph; and since a
rule is linear in its upstream gradient, its transpose (a reverse pass over what it made) is the rule of forward mode.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

from backprop_cli.engine.custom import fitted
from backprop_cli.engine.graph.builder import Builder
from backprop_cli.engine.graph.nodes import Graph, Node, rule_of
from backprop_cli.engine.graph.shorter import shorter
from backprop_cli.engine.interpret import textbook
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.words import HELD, SINGULAR, TRACED, WORDS
from backprop_cli.language.model import Shape, Size

AtHand = Callable[[str, Sequence[Node], Sequence[Node]], bool]
"""(word, operands, all nodes) -> whether the textbook's form of the word has no value at the numbers that are known."""
Numbered = Callable[[Graph], AtHand | None]
"""What is known of a graph's numbers; None where it has none."""


def unknown(graph: Graph) -> None:
    """No numbers are at hand."""


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

    def made_by(self, name: str) -> tuple[Traced, ...]:
        """The operands of that function, where the node is what it makes and has no name."""
        if self.node.op is not OPS[name] or not self.node.anonymous:
            return ()
        return tuple(Traced(self.words.builder.nodes[i], self.words) for i in self.node.inputs)

    def __bool__(self) -> bool:
        raise TypeError("a node has no truth value: use where, maximum or a comparison word in the rule")

    def __add__(self, other: Traced | float) -> Traced:
        return self.words.add(self, other)

    def __radd__(self, other: Traced | float) -> Traced:
        return self.words.add(other, self)

    def __sub__(self, other: Traced | float) -> Traced:
        return self.words.subtract(self, other)

    def __rsub__(self, other: Traced | float) -> Traced:
        return self.words.subtract(other, self)

    def __mul__(self, other: Traced | float) -> Traced:
        return self.words.multiply(self, other)

    def __rmul__(self, other: Traced | float) -> Traced:
        return self.words.multiply(other, self)

    def __truediv__(self, other: Traced | float) -> Traced:
        return self.words.divide(self, other)

    def __rtruediv__(self, other: Traced | float) -> Traced:
        return self.words.divide(other, self)

    def __pow__(self, other: Traced | float) -> Traced:
        return self.words.power(self, other)

    def __rpow__(self, other: Traced | float) -> Traced:
        return self.words.power(other, self)

    def __matmul__(self, other: Traced | float) -> Traced:
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
        if self.node.op is OPS["transpose"] and tuple(self.node.parameters["axes"] or range(rank)[::-1]) == turned:
            return Traced(self.words.builder.nodes[self.node.inputs[0]], self.words)
        return self.words.transpose(self, axes=turned)


class TracedWords:
    """The functions of the language on nodes; numbers and signs are gathered as they arise.

    `at_hand` says, where there are numbers, whether a careful word has to be read by its careful form at them.
    """

    def __init__(self, builder: Builder, at_hand: AtHand | None = None) -> None:
        self.builder = builder
        self.at_hand = at_hand
        self.pi = self.constant(math.pi)

    def __getattr__(self, name: str) -> Callable[..., Traced]:
        return partial(self.word, name)

    def constant(self, value: object) -> Traced:
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

    def lift(self, value: object) -> Traced:
        """A node, or a number as one."""
        return self.constant(None) if value is None else self.number(value)

    def word(self, name: str, *operands: object, **parameters: object) -> Traced:
        """A function of the language, or a careful word by its textbook form."""
        lifted = [self.lift(operand) for operand in operands]
        if name in WORDS:
            return textbook(name, lifted, parameters, _Spoken(self), self.careful(name, lifted))
        short: Traced | None = shorter(name, lifted, parameters)
        if short is not None:
            return short
        op = OPS[name]
        return self.apply(op, lifted, {**op.signature.parameters, **parameters})

    def careful(self, name: str, operands: Sequence[Traced]) -> str | None:
        """The form of a word that is right wherever it is differentiated, or at the numbers at hand."""
        always = TRACED.get(name)
        if self.at_hand is None or name not in SINGULAR or always and name not in HELD:
            return always
        nodes = self.builder.nodes
        is_singular = self.at_hand(name, [o.node for o in operands], nodes)
        return HELD.get(name, SINGULAR[name][1]) if is_singular else always

    def shape_of(self, name: str, operand: Traced, parameters: Mapping[str, object]) -> Shape:
        """The shape of what a function of one operand makes."""
        op = OPS[name]
        return op.shape(operand.shape, **op.fitted([operand.shape], {**op.signature.parameters, **parameters}))

    def apply(self, op: Op, operands: Iterable[Traced], parameters: Mapping[str, object]) -> Traced:
        """An op, as a node."""
        return Traced(self.builder.apply(op, tuple(o.node for o in operands), parameters), self)


class _Spoken:
    """The language on nodes, for the bodies of careful words."""

    def __init__(self, words: TracedWords) -> None:
        self.words = words

    def constant(self, value: object) -> Traced:
        return self.words.constant(value)

    def shape(self, value: Traced) -> Shape:
        return self.words.builder.shape(value.node)

    def apply(self, op: Op, operands: tuple[Traced, ...], parameters: Mapping[str, object]) -> Traced:
        return self.words.word(op.name, *operands, **parameters)


def _exact(value: object) -> object:
    if isinstance(value, bool | int) and not (isinstance(value, Size) and value.name):
        return Fraction(int(value))
    return Fraction(repr(value)) if isinstance(value, float) and math.isfinite(value) else value


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
