"""What a formula may mean where its notation leaves it open, the likeliest first.

A reading counts only where it gives the right value at every draw: what is right by none is told of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product

import numpy as np

from backprop_cli.engine.graph import Meter
from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.errors import BackpropError
from backprop_cli.language import expression as ast
from backprop_cli.language.expression.tree import everywhere
from backprop_cli.language.model import Shape
from backprop_cli.language.unparse import unparse
from backprop_cli.records import replace
from backprop_cli.tasks.grading.contents import Formula
from backprop_cli.tasks.grading.conventions import Conventions
from backprop_cli.tasks.grading.indices import Indexed
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.key import Key
from backprop_cli.tasks.grading.slopes import like_their_arguments

MAX_ENTRIES = 1 << 22
"""Of all that a formula computes on its way, besides sixteen times what the key itself holds."""

MAX_WORK = 1 << 30
"""Operations of a formula, about a second, besides sixteen times what the key itself takes."""


def bounded(key: Key) -> Meter:
    """Shapes alone, with limits on what a formula may take, in memory and in work."""
    return Meter(MAX_ENTRIES + 16 * key.entries, MAX_WORK + 16 * key.work)


def readings(key: Key, item: Item, formula: Formula, scope: Scope) -> Iterator[ast.Expression]:
    """The expressions that a formula may stand for; `scope` has the shapes of its names.

    Raises:
        SpecError: E014, E015 where letters for axes have no meaning.
    """
    conventions = Conventions(key, item, formula.text)
    expression = conventions.expression(formula.expression)
    scope = like_their_arguments(scope, expression)

    def shape(part: ast.Expression) -> tuple[int, ...]:
        found: Shape = interpret(part, scope, bounded(key))
        return tuple(map(int, found))

    seen: set[str] = set()  # two trees are not compared: that goes as deep as they are
    refused: BackpropError | None = None
    if any(conventions.placed(part) is not None for part in ast.parts(expression)):
        calls = (part for part in ast.parts(expression) if isinstance(part, ast.Call))
        sums = any(part.function.startswith(("Σ", "sum")) for part in calls)
        for implicit, meets in product((False,) if sums else (False, True), (True, False)):
            reader = Indexed(formula.text, conventions.placed, shape, implicit=implicit, meets=meets)
            try:
                found = [*reader.whole(everywhere(expression, _of_powers), formula.letters, key.shape(item))]
            except BackpropError as caught:
                refused = refused or caught
                continue
            for reading in found:
                if unparse(reading) not in seen:
                    seen.add(unparse(reading))
                    yield reading
        if refused is not None and not seen:
            raise refused
        return
    for change in (_as_it_stands, _entrywise(shape, _are_vectors), _tight, _entrywise(shape, _broadcast), _diagonal,
                   _of_powers):
        other = everywhere(expression, change)
        if unparse(other) not in seen:
            seen.add(unparse(other))
            yield other


def _as_it_stands(part: ast.Expression) -> ast.Expression:
    return part


def _entrywise(shape: Callable[[ast.Expression], Shape],
               which: Callable[[Shape, Shape], bool]) -> Callable[[ast.Expression], ast.Expression]:  # fmt: skip
    """`v dp`, `p · (1 - p)`: no matrix product, but one entry by entry, of operands of such shapes."""

    def change(part: ast.Expression) -> ast.Expression:
        if isinstance(part, ast.Binary) and part.operator == "·":
            with suppress(BackpropError, ValueError):
                return replace(part, operator="*") if which(shape(part.left), shape(part.right)) else part
        return part

    return change


def _are_vectors(one: Shape, other: Shape) -> bool:
    return len(one) == 1 and one == other


def _broadcast(one: Shape, other: Shape) -> bool:
    """Whether the product has the shape of an operand: of a row and a column it is another product."""
    return np.broadcast_shapes(one, other) in (one, other)


def _tight(part: ast.Expression) -> ast.Expression:
    """`(1 - h²) ⊙ Wᵀ δ`: two factors side by side are nearer to each other than those with a sign between."""
    match part:
        case ast.Binary(operator="·", left=ast.Binary(operator="*") as left):
            inner = replace(part, start=left.right.start, left=left.right)
            return replace(left, end=part.end, right=_tight(inner))
    return part


def _of_powers(part: ast.Expression) -> ast.Expression:
    """`Σ_n (x - μ)²`, `Σ_i (A X)_{id}`: what stands behind a bracket under a sum belongs to the bracket."""
    match part:
        case ast.Binary(operator="**", left=ast.Call(arguments=(one,)) as call) if _is_bare_sum(call):
            return replace(call, arguments=(replace(one, value=replace(part, left=one.value)),))
        case ast.Indexed(operand=ast.Call(arguments=(one,)) as call) if _is_bare_sum(call):
            return replace(call, arguments=(replace(one, value=replace(part, operand=one.value)),))
    return part


def _is_bare_sum(call: ast.Call) -> bool:
    """Whether no bracket holds the sum."""
    return call.function.startswith("Σ") and call.start + len(call.function) == call.name_end


def _diagonal(part: ast.Expression) -> ast.Expression:
    """`diag(d)` of a column: the matrix with these entries on its diagonal, as of a vector."""
    if not isinstance(part, ast.Call) or part.function != "diag" or len(part.arguments) != 1:
        return part
    inner = part.arguments[0]
    flat = ast.Call(inner.start, inner.end, "flatten", (inner,), inner.end)
    return replace(part, arguments=(replace(inner, value=flat),))
