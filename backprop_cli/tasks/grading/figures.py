"""Answers in numbers: what was written, and half a unit of its last digit, entry by entry.

An entry may be arithmetic: `1/3`, `-(0.01-0.7514)*0.7514*(1-0.7514)`.  Whole numbers in it are exact; a decimal is
known to its last digit, and what half a unit of each moves the result by adds up to the half of the whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_cli.language import expression as ast
from backprop_cli.language.expression.tree import rebuilt
from backprop_cli.language.tree import Node, Scalar, Sequence
from backprop_cli.records import dataclass, replace

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array

MAX_LITERALS = 40
"""Of an entry that is arithmetic; beyond, its decimals are taken as exact."""

CONSTANTS = ("pi", "e", "π", "nan", "inf")
_NUMBER = re.compile(r"[-+]?(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?")


@dataclass(frozen=True)
class Figures:
    """An answer in numbers; `half` is half a unit of the last digit that was written, entry by entry."""

    value: Array
    half: Array

    @property
    def digits(self) -> Array:
        """How many significant digits were written, entry by entry; a fraction has any number."""
        with np.errstate(all="ignore"):
            written = np.floor(np.log10(np.abs(self.value) / (2 * np.asarray(self.half))) + 1e-9) + 1
        return np.where(np.isfinite(written), written, np.inf)

    @cached_property
    def sharp(self) -> Array:
        """Half a unit for comparing with mistakes: whole numbers and zeros are taken as they stand."""
        whole = np.asarray(self.value) == np.round(self.value)
        return np.where(whole, np.minimum(self.half, 0.005 * np.max(np.abs(self.value), initial=0.0)), self.half)

    @property
    def loose(self) -> Array:
        """Half a unit for going on from the numbers: a whole number or a zero is gone on with as it stands."""
        return np.where(np.asarray(self.value) == np.round(self.value), 0.0, self.half)

    def reshaped(self, shape: tuple[int, ...]) -> Figures:
        """The same numbers in another arrangement."""
        return Figures(np.reshape(self.value, shape)[()], np.reshape(self.half, shape)[()])


def written(node: Node) -> Iterator[str]:
    """The numbers of a literal as they are written, in the order of its entries."""
    if isinstance(node, Sequence):
        for one in node.items:
            yield from written(one)
    elif isinstance(node, Scalar):
        yield node.raw


def half_unit(raw: str) -> float:
    """Half a unit of the last digit written: 0.0005 for 0.123 and for 1.000."""
    found = _NUMBER.fullmatch(raw)
    if found is None:  # .inf, .nan, 0x1f
        return 0.0
    exponent = int(found[3] or 0) - len(found[2])
    return float(f"0.5e{exponent}") if abs(exponent) < 400 else 0.0


# ── arithmetic ───────────────────────────────────────────────────────────────────────────────────


def is_constant(expression: ast.Expression, nodes: Any) -> bool:
    """Whether an expression is numbers alone: no node, no gradient."""
    parts = tuple(ast.parts(expression))
    names = (part.name for part in parts if isinstance(part, ast.Name))
    calls = (part.function for part in parts if isinstance(part, ast.Call))
    return all(name in CONSTANTS and name not in nodes for name in names) and "grad" not in calls


def figures_of(expression: ast.Expression, value_of: Callable[[ast.Expression], Array]) -> Figures:
    """The numbers of a constant expression: one, or a list of lists of them.

    Raises:
        ValueError: the list is ragged, or empty.
    """
    if not isinstance(expression, ast.Sequence):
        return Figures(*_entry(expression, value_of))
    rows = [figures_of(item, value_of) for item in expression.items]
    shapes = {np.shape(row.value) for row in rows}
    if len(shapes) != 1:
        raise ValueError("the list is ragged: its rows differ in length" if rows else "the list is empty")
    return Figures(np.array([row.value for row in rows]), np.array([row.half for row in rows]))


def _entry(expression: ast.Expression, value_of: Callable[[ast.Expression], Array]) -> tuple[Any, Any]:
    """A number, or an array that is written in short, `ones((3, 3))`; with half a unit of its last digit."""
    bare = expression.operand if isinstance(expression, ast.Unary) else expression
    value = np.float64(value_of(expression))
    if isinstance(bare, ast.Number):
        return value, np.float64(half_unit(bare.text))
    literals = [part for part in ast.parts(expression) if isinstance(part, ast.Number) and not part.is_integer]
    moved = [abs(value_of(nudged(expression, one)) - value) for one in literals[:MAX_LITERALS]]
    moved = moved if len(literals) <= MAX_LITERALS else []
    return value, np.zeros(np.shape(value))[()] + sum(moved)


def nudged(expression: ast.Expression, literal: ast.Number) -> ast.Expression:
    """The expression with half a unit added to one of its literals."""
    moved = replace(literal, value=literal.value + type(literal.value)(half_unit(literal.text)))
    return exchanged(expression, lambda part: moved if part is literal else None)


def is_rounded(literal: ast.Number) -> bool:
    """Whether a literal of a formula may stand for a number with more digits: it has three, behind a point."""
    return not literal.is_integer and len(re.sub(r"[eE].*|\D", "", literal.text).lstrip("0")) >= 3


def exchanged(expression: ast.Expression, change: Callable[[ast.Expression], ast.Expression | None]) -> ast.Expression:
    """A copy of an expression in which `change` replaced parts; None leaves a part, but not what is in it."""
    changed = change(expression)
    return changed if changed is not None else rebuilt(expression, lambda part: exchanged(part, change))
