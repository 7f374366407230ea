"""A spec whose one long expression is taken apart: its parts get letters, as if the user had named them."""

from __future__ import annotations

from collections.abc import Iterator

from backprop_cli.language.expression import (
    Argument,
    Binary,
    Call,
    Expression,
    Indexed,
    Name,
    Number,
    Transposed,
    Unary,
    names,
    parse,
)
from backprop_cli.language.model import NodeSpec, Spec
from backprop_cli.language.source import inline
from backprop_cli.language.unparse import unparse
from backprop_cli.records import dataclass, field, replace

LETTERS = "uvrpqszagbcdhmklxywn"
REDUCTIONS = {"sum", "mean"}


def lettered(spec: Spec) -> Spec:
    """The same computation with a node for each part of its expression; a spec of several nodes stays as it is."""
    if len(spec.nodes) != 1 or spec.hooks or spec.backward:
        return spec
    (node,) = spec.nodes
    if spec.output is not None and not _is_node(spec, node.name):
        return spec
    work = Parts(spec)
    whole = work.written(node.expression, top=True)
    if not work.nodes:
        return spec
    return replace(spec, nodes=(*(_node(*one) for one in work.nodes), _node(node.name, whole)))


def _is_node(spec: Spec, name: str) -> bool:
    return spec.output is not None and isinstance(spec.output[0], Name) and spec.output[0].name == name


def _node(name: str, expression: Expression) -> NodeSpec:
    text = inline(unparse(expression))
    return NodeSpec(name, parse(text), text, inline(name))


@dataclass(slots=True)
class Parts:
    """Takes an expression apart; `nodes` are the parts in the order in which they are computed."""

    spec: Spec
    nodes: list[tuple[str, Expression]] = field(default_factory=list)
    letters: Iterator[str] = field(init=False)
    moving: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        spec = self.spec
        taken = {*(leaf.name for leaf in spec.leaves), *(node.name for node in spec.nodes), *spec.dims, *spec.functions}
        numbered = (f"{letter}_{n}" for n in range(1, 100) for letter in LETTERS)
        self.letters = (letter for letter in (*LETTERS, *numbered) if letter not in taken)
        wrt = None if isinstance(spec.wrt, str) or spec.wrt is None else {text.text for text in spec.wrt}
        self.moving = frozenset(
            leaf.name for leaf in spec.leaves
            if (leaf.name in wrt if wrt is not None else spec.wrt == "all" or leaf.kind == "param")
        )  # fmt: skip

    def written(self, part: Expression, top: bool) -> Expression:
        """A part with letters for the parts in it; on `top` sums and multiples stay as they are."""
        match part:
            case Unary(operand=operand):
                return replace(part, operand=self.written(operand, top))
            case Binary(operator=sign, left=left, right=right):
                if top and (sign in "+-" or sign in "*/" and (self.is_still(left) or self.is_still(right))):
                    return replace(part, left=self.written(left, True), right=self.written(right, True))
                if sign == "+":
                    return replace(part, left=self.term(left), right=self.term(right))
                return replace(part, left=self.named(left), right=self.named(right))
            case Transposed(operand=operand):
                return replace(part, operand=self.named(operand))
            case Indexed(operand=operand):
                return replace(part, operand=self.named(operand))
            case Call():
                return replace(part, arguments=tuple(self.argument(part, one) for one in part.arguments))
        return part

    def argument(self, call: Call, one: Argument) -> Argument:
        """An argument of a function: a power under a sum stays there."""
        value = one.value
        is_power = call.function in REDUCTIONS and isinstance(value, Binary) and value.operator == "**"
        return replace(one, value=self.written(value, False) if is_power else self.named(value))

    def term(self, part: Expression) -> Expression:
        """A product of matrices stays in the sum that it is a term of: x·W + b is one step."""
        is_product = isinstance(part, Binary) and part.operator in "@*"
        return self.written(part, False) if is_product else self.named(part)

    def named(self, part: Expression) -> Expression:
        """A part as its letter, if there is something to differentiate in it and it is more than a name."""
        if self.is_still(part) or is_short(part):
            return part
        inner = self.written(part, False)
        letter = next(self.letters)
        self.nodes.append((letter, inner))
        return Name(0, 0, letter)

    def is_still(self, part: Expression) -> bool:
        """Whether nothing in it is differentiated."""
        return not any(found.name in self.moving for found in names(part))


def is_short(part: Expression) -> bool:
    """A name, an entry or the transpose of one, a multiple of one."""
    match part:
        case Name() | Number():
            return True
        case Unary(operand=operand) | Transposed(operand=operand) | Indexed(operand=operand):
            return isinstance(operand, Name)
        case Binary(operator=sign, left=left, right=right):
            return sign in "*/" and isinstance(left, Number) and isinstance(right, Name)
    return False
