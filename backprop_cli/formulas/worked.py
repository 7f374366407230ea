"""The worked solution of a node as plain data, and what is said of its shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Expr, Mul

from backprop_cli.engine.graph import Node
from backprop_cli.engine.ops.base import show
from backprop_cli.formulas.algebra.expr import is_op, shape_of


@dataclass(frozen=True, slots=True)
class Maths:
    """A formula, or one side of an equation, in both notations that people read."""

    text: str
    latex: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one consumer hands back: `local` is a derivative, or the right side of δ ↦ ... where `is_map`."""

    consumer: str
    definition: Maths
    local: Maths
    is_map: bool
    upstream: Maths
    chain: Maths
    substituted: Maths | None
    notes: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    shapes: str = ""
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Worked:
    """The derivation of one node's gradient; `simplified` is None where the last line before says it already."""

    name: str
    left: Maths
    shape: tuple[int, ...]
    contributions: tuple[Contribution, ...]
    total: Maths | None
    simplified: Maths | None
    seed: Maths | None
    notes: tuple[str, ...]
    facts: tuple[str, ...]
    value: Any = None
    hooked: bool = False
    numbers: str = ""
    in_all: Maths | None = None


@dataclass(frozen=True, slots=True)
class WorkedPass:
    """The derivations of one backward pass."""

    output: str
    worked: tuple[Worked, ...]


def shapes_of_product(expr: Expr, target: Node) -> str:
    """`(D,) = (D, N) · (N,)` where a step is a product of matrices."""
    for factor in Mul.make_args(expr):
        if is_op(factor, "matmul"):
            return f"{show(target.shape)} = {' · '.join(show(shape_of(a)) for a in factor.args)}"
        if is_op(factor, "outer"):
            column, row = (shape_of(a) for a in factor.args)
            return f"{show(target.shape)} = {show((*column, 1))} · {show((1, *row))}"
    return ""


def fits(entry: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an entry lies in an array."""
    return len(entry) == len(shape) and all(-size <= i < size for i, size in zip(entry, shape, strict=True))
