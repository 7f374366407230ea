"""The worked solution of a node as plain data, and what is said of its shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Mul

from backprop_cli.engine.graph import Node
from backprop_cli.engine.ops.base import show
from backprop_cli.formulas.algebra.expr import is_op, shape_of
from backprop_cli.formulas.marks import marked, unmarked
from backprop_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Maths:
    """A formula, or one side of an equation, in each notation that was asked for."""

    written: Mapping[str, str]

    def __getitem__(self, notation: str) -> str:
        return unmarked(self.written, notation)

    def marked(self, notation: str) -> str:
        """With the marks at which it may be broken, where it was written with them."""
        return marked(self.written, notation)

    @property
    def text(self) -> str:
        """On one line."""
        return self["text"]


@dataclass(frozen=True, slots=True)
class Equation:
    """A left and a right side."""

    left: Maths
    right: Maths

    def __getitem__(self, notation: str) -> tuple[str, str]:
        return self.left[notation], self.right[notation]

    @property
    def text(self) -> str:
        """On one line."""
        return f"{self.left.text} = {self.right.text}"


@dataclass(frozen=True, slots=True)
class Taken:
    """A node that was taken apart: `node` as its writer wrote it, the `whole` in letters, and what these stand for."""

    node: Equation
    whole: Maths
    letters: tuple[Equation, ...]


@dataclass(frozen=True, slots=True)
class PutIn:
    """A step with its numbers, for a scalar or one entry (`left` names it), and what they give."""

    at: tuple[int, ...]
    left: Maths
    given: Maths
    found: Maths

    @property
    def place(self) -> str:
        """`[0, 1]`; nothing for a scalar."""
        return f"[{', '.join(map(str, self.at))}]" if self.at else ""


@dataclass(frozen=True, slots=True)
class Algebra:
    """What a part of the substituted line becomes, and the laws by which it does."""

    before: Maths
    after: Maths
    laws: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one consumer, `name` = `definition`, hands back; `local` is ∂consumer/∂node = ..., or δ ↦ ... (`is_map`).

    `entry` is the step for one entry of the gradient, `entries` the definition for one entry of the consumer; `layer`
    is the step with the one above it put in, where that leads from one layer to the next; `places` what comes back
    from each place of a definition that uses the node more than once, and what that adds up to.
    `indices` say how far the letters of both run: `n < N`.
    """

    consumer: str
    name: Maths
    definition: Maths
    local: Equation
    is_map: bool
    upstream: Maths
    chain: Maths
    substituted: Maths | None
    notes: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    shapes: str = ""
    entry: Equation | None = None
    indices: tuple[str, ...] = ()
    algebra: tuple[Algebra, ...] = ()
    entries: Equation | None = None
    layer: Maths | None = None
    places: Algebra | None = None


@dataclass(frozen=True, slots=True)
class InShort:
    """What is told of a gradient whose steps are left out: the users of its node and its compact formula, or why not.

    `where` are the δ that it is the first to use.
    """

    users: tuple[str, ...]
    where: tuple[Equation, ...]
    formula: Maths | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Worked:
    """The derivation of one node's gradient; `simplified` is None where the last line before says it already.

    `shape` is as people write it, with its sizes' names; nothing for a scalar.  `remarks` are said once of all nodes.
    `in_short` stands for all steps where they are left out.
    `why` are the laws of the last step; of a scalar from which one way of scalars leads to the output, `chain` is the
    product of all its slopes, and `chain_numbers` the whole formula with its numbers.
    """

    name: str
    left: Maths
    shape: str
    contributions: tuple[Contribution, ...]
    total: Maths | None
    simplified: Maths | None
    seed: Maths | None
    notes: tuple[str, ...]
    facts: tuple[str, ...]
    value: Any = None
    hooked: bool = False
    numbers: PutIn | None = None
    in_all: Maths | None = None
    chain: Maths | None = None
    chain_numbers: PutIn | None = None
    why: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    in_short: InShort | None = None


@dataclass(frozen=True, slots=True)
class WorkedPass:
    """The derivations of one backward pass; `kept` are the computed nodes whose values the steps use again."""

    output: str
    worked: tuple[Worked, ...]
    kept: tuple[str, ...] = ()


def shapes_of_product(expr: Expr, target: Node) -> str:
    """`(D,) = (D, N) · (N,)` where a step is a product of matrices."""
    for factor in Mul.make_args(expr):
        if is_op(factor, "matmul") and target.shape:
            return f"{show(target.shape)} = {' · '.join(show(shape_of(a)) for a in factor.args)}"
        if is_op(factor, "matmul"):  # a row, matrices, a column
            row, *between, column = (shape_of(a) for a in factor.args)
            return f"scalar = {' · '.join(map(show, ((1, *row), *between, (*column, 1))))}"
        if is_op(factor, "outer"):
            column, row = (shape_of(a) for a in factor.args)
            return f"{show(target.shape)} = {show((*column, 1))} · {show((1, *row))}"
    return ""


def fits(entry: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an entry lies in an array."""
    return len(entry) == len(shape) and all(-size <= i < size for i, size in zip(entry, shape, strict=True))
