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
    parse,
)
from backprop_cli.language.expression.tree import children, in_a_row, parts
from backprop_cli.language.model import NodeSpec, Spec
from backprop_cli.language.source import inline
from backprop_cli.language.unparse import unparse
from backprop_cli.records import dataclass, field, replace

LETTERS = "uvrpqszagbcdhmklxywn"
REDUCTIONS = {"sum", "mean"}

KEPT, TERM, NAMED = range(3)
"""How an operand is written: as it is; so where it is a product of matrices, as x·W + b is one step; by a letter."""


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


def free_letters(spec: Spec) -> Iterator[str]:
    """Letters for parts that nothing in the spec is called, nor is numbered by: there is no r beside r_1."""
    names = {*(leaf.name for leaf in spec.leaves), *(node.name for node in spec.nodes), *spec.dims, *spec.functions}
    taken = names | {name.partition("_")[0] for name in names}
    numbered = (f"{letter}_{n}" for n in range(1, 100) for letter in LETTERS)
    return (letter for letter in (*LETTERS, *numbered) if letter not in taken)


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
    still: set[int] = field(init=False)

    def __post_init__(self) -> None:
        spec = self.spec
        self.letters = free_letters(spec)
        wrt = None if isinstance(spec.wrt, str) or spec.wrt is None else {text.text for text in spec.wrt}
        moving = frozenset(
            leaf.name for leaf in spec.leaves
            if (leaf.name in wrt if wrt is not None else spec.wrt == "all" or leaf.kind == "param")
        )  # fmt: skip
        self.still = still(spec.nodes[0].expression, moving)

    def written(self, part: Expression, top: bool) -> Expression:
        """A part with letters for the parts in it; on `top` sums and multiples stay as they are."""
        match part:
            case Binary():
                return self.in_a_row(part, top)
            case Unary(operand=operand):
                return replace(part, operand=self.written(operand, top))
            case Transposed(operand=operand) | Indexed(operand=operand):
                return replace(part, operand=self.operand(operand, NAMED))
            case Call():
                return replace(part, arguments=tuple(self.argument(part, one) for one in part.arguments))
        return part

    def in_a_row(self, part: Binary, top: bool) -> Expression:
        """The same of operators in a row, from the first operand on: there may be a thousand."""
        first, row = in_a_row(part)
        ways = []
        for operation in reversed(row):
            is_kept = top and self.is_kept(operation)
            ways.append(KEPT if is_kept else TERM if operation.operator == "+" else NAMED)
            top = is_kept
        found = self.operand(first, ways[-1])
        for operation, way, above in zip(row, reversed(ways), [*reversed(ways[:-1]), KEPT], strict=True):
            found = replace(operation, left=found, right=self.operand(operation.right, way))
            found = self.letter(found) if self.is_named(operation, above) else found
        return found

    def argument(self, call: Call, one: Argument) -> Argument:
        """An argument of a function: a power under a sum stays there."""
        value = one.value
        is_power = call.function in REDUCTIONS and isinstance(value, Binary) and value.operator == "**"
        return replace(one, value=self.written(value, False) if is_power else self.operand(value, NAMED))

    def operand(self, part: Expression, way: int) -> Expression:
        """A part as it is written under an operator."""
        inner = self.written(part, way == KEPT)
        return self.letter(inner) if self.is_named(part, way) else inner

    def letter(self, inner: Expression) -> Name:
        """A letter for a part."""
        letter = next(self.letters)
        self.nodes.append((letter, inner))
        return Name(0, 0, letter)

    def is_kept(self, part: Binary) -> bool:
        """Whether it is a sum or a multiple."""
        sign = part.operator
        return sign in "+-" or sign in "*/" and (id(part.left) in self.still or id(part.right) in self.still)

    def is_named(self, part: Expression, way: int) -> bool:
        """Whether it has a letter: there is something to differentiate in it, and it is more than a name."""
        is_term = way == TERM and isinstance(part, Binary) and part.operator in "@*"
        return way != KEPT and not is_term and id(part) not in self.still and not is_short(part)


def still(expression: Expression, moving: frozenset[str]) -> set[int]:
    """The parts, by their ids, in which nothing is differentiated."""
    found: set[int] = set()
    for part in reversed(parts(expression)):
        is_moving = isinstance(part, Name) and part.name in moving
        if not is_moving and all(id(inner) in found for inner in children(part)):
            found.add(id(part))
    return found


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
