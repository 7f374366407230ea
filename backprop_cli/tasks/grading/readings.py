"""What a formula may mean where its notation leaves it open, the likeliest first.

A reading counts only where it gives the right value at every draw: what is right by none is told of the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
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
from backprop_cli.tasks.grading.bounds import UPTO
from backprop_cli.tasks.grading.contents import Formula
from backprop_cli.tasks.grading.conventions import Conventions, added_up
from backprop_cli.tasks.grading.examples import in_columns, in_rows, is_example
from backprop_cli.tasks.grading.indices import Indexed
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.key import Key
from backprop_cli.tasks.grading.loose import ONES
from backprop_cli.tasks.grading.slopes import like_their_arguments

MAX_ENTRIES = 1 << 22
"""Of all that a formula computes on its way, besides sixteen times what the key itself holds."""

_KRONECKER = re.compile(r"(?:δ|delta)_[a-z]_?[a-z]")

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
    scope = like_their_arguments(scope, formula.expression)

    def shape(part: ast.Expression) -> tuple[int, ...]:
        found: Shape = interpret(part, scope, bounded(key))
        return tuple(map(int, found))

    conventions = Conventions(key, item, formula.text, shape)
    expression = everywhere(conventions.expression(formula.expression), _inverted(shape, formula.text.text))
    scope = like_their_arguments(scope, expression)
    lettered = any(is_example(part) or conventions.placed(part) is not None for part in ast.parts(expression))
    found = _lettered(conventions, formula, expression) if lettered else _plain(conventions, formula, expression)
    seen: set[str] = set()  # two trees are not compared: that goes as deep as they are
    for reading in found:
        if unparse(reading) not in seen:
            seen.add(unparse(reading))
            yield reading


def _lettered(conventions: Conventions, formula: Formula, expression: ast.Expression) -> Iterator[ast.Expression]:
    """A formula with letters for axes: sums written or implied, products of matrices or not, numbers from 0 or 1."""
    parts = ast.parts(expression)
    sums = any(isinstance(part, ast.Call) and part.function.startswith(("Σ", "sum")) for part in parts)
    deltas = any(_KRONECKER.fullmatch(part.name) for part in ast.names(expression))
    counted = any(isinstance(part, ast.Indexed) or isinstance(part, ast.Call) and part.function == UPTO
                  or isinstance(part, ast.Binary) and part.operator == "==" for part in parts)  # fmt: skip
    wanted = conventions.key.shape(conventions.item)
    written = everywhere(everywhere(expression, _of_powers), _exponential)
    refused: BackpropError | None = None
    read = False
    examples = any(map(is_example, parts))
    for columns, kronecker, shared, first, implicit, meets in product(
            (False, True)[: 1 + examples], (False, True)[: 1 + deltas], (False, True), (0, 1)[: 1 + counted],
            (False, True)[: 2 - sums], (True, False)):  # fmt: skip
        placed = replace(conventions, kronecker=kronecker).placed
        reader = Indexed(formula.text, placed, conventions.shape, implicit=implicit, meets=meets, first=first,
                         shared=shared, named=conventions.key.sizes)  # fmt: skip
        try:
            found = [*reader.whole(everywhere(written, in_columns if columns else in_rows), formula.letters, wanted)]
        except BackpropError as caught:
            refused = refused or caught
            continue
        read = True
        yield from found
    if refused is not None and not read:
        raise refused


def _plain(conventions: Conventions, formula: Formula, expression: ast.Expression) -> Iterator[ast.Expression]:
    """A formula in whole tensors: which products are matrix products, what is nearer to what."""
    shape = conventions.shape
    vectors = _entrywise(shape, _are_vectors)
    strict = not formula.dotted and conventions.item.what == "gradient"  # two vectors side by side are no dot product
    changed = [everywhere(formula.expression, change) for change in (_tight, _error)]
    for written in (expression, *(conventions.expression(one) for one in changed if one is not formula.expression)):
        both = [written, everywhere(written, vectors)]
        yield from both[1:] if strict else both if formula.dotted else both[::-1]
        for change in (_tight, _entrywise(shape, _broadcast), _diagonal, _of_powers, _exponential, _of_two):
            other = everywhere(written, change)
            if other is not written:
                yield everywhere(other, vectors) if strict else other
        if ONES in {part.name for part in ast.names(formula.expression)} and _is_scalar(written, shape):
            yield _repeated(written, conventions.key.shape(conventions.item))
        if (sums := _by_ones(written)) is not written:
            yield sums


def _is_scalar(part: ast.Expression, shape: Callable[[ast.Expression], Shape]) -> bool:
    with suppress(BackpropError, ValueError):
        return shape(part) == ()
    return False


def _repeated(part: ast.Expression, wanted: Shape) -> ast.Expression:
    """`C 1`: a number for every entry."""
    start, end = part.start, part.end
    sizes = tuple(ast.Number(start, end, Fraction(int(size)), str(int(size))) for size in wanted)
    given = ast.Argument(None, ast.Sequence(start, end, sizes, "("), start, end)
    ones = ast.Call(start, end, "ones", (given,), start, library="own")
    return ast.Binary(start, end, "*", part, ones)


def _inverted(shape: Callable[[ast.Expression], Shape], text: str) -> Callable[[ast.Expression], ast.Expression]:
    """`S^{-1}` of a square matrix: its inverse; `p⁻¹` of anything else: 1/p."""

    def change(part: ast.Expression) -> ast.Expression:
        match part:
            case ast.Binary(operator="**", left=base, right=ast.Unary(operand=ast.Number(text="1"))):
                by_hand = "**" not in text[base.end : part.right.start]
            case ast.Inverted(operand=base):
                by_hand = True
            case _:
                return part
        with suppress(BackpropError, ValueError):
            size = shape(base)
            if by_hand and len(size) > 1 and size[-1] == size[-2]:
                return ast.Inverted(part.start, part.end, base)
            if isinstance(part, ast.Inverted):
                one = ast.Number(part.start, part.end, Fraction(1), "1")
                return ast.Binary(part.start, part.end, "/", one, base)
        return part

    return change


def _entrywise(shape: Callable[[ast.Expression], Shape],
               which: Callable[[Shape, Shape], bool]) -> Callable[[ast.Expression], ast.Expression]:  # fmt: skip
    """`v dp`, `p · (1 - p)`: no matrix product, but one entry by entry, of operands of such shapes."""

    def change(part: ast.Expression) -> ast.Expression:
        if isinstance(part, ast.Binary) and part.operator == "·":
            with suppress(BackpropError, ValueError):
                is_meant = which is not _are_vectors or not _has_row(part, shape)
                if is_meant and which(shape(part.left), shape(part.right)):
                    return replace(part, operator="*")
        return part

    return change


def _has_row(part: ast.Expression, shape: Callable[[ast.Expression], Shape]) -> bool:
    """Whether a factor of a product is a vector that is written as a row: `xᵀ A y` is a number."""
    stack = [part]
    while stack:
        one = stack.pop()
        if isinstance(one, ast.Binary) and one.operator == "·":
            stack += [one.left, one.right]
        elif isinstance(one, ast.Transposed) and len(shape(one.operand)) == 1:
            return True
    return False


def _are_vectors(one: Shape, other: Shape) -> bool:
    return len(one) == 1 and one == other


def _broadcast(one: Shape, other: Shape) -> bool:
    """Whether the product has the shape of an operand: of a row and a column it is another product."""
    return np.broadcast_shapes(one, other) in (one, other)


def _tight(part: ast.Expression) -> ast.Expression:
    """`(1 - h²) ⊙ Wᵀ δ`: two factors side by side are nearer to each other than those with a sign between."""
    products: list[ast.Binary] = []
    left = part
    while isinstance(left, ast.Binary) and left.operator == "·":
        products.append(left)
        left = left.left
    if not products or not isinstance(left, ast.Binary) or left.operator != "*":
        return part
    near = left.right
    for one in reversed(products):
        near = replace(one, start=near.start, left=near)
    return replace(left, end=part.end, right=near)


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


def _error(part: ast.Expression) -> ast.Expression:
    """`δ h`: the gradient of h, where it is not the error that arrives times h."""
    match part:
        case ast.Binary(operator="·", left=ast.Name(name="δ"), right=ast.Name(name=name)):
            return ast.Name(part.start, part.end, f"δ_{name}")
    return part


def _exponential(part: ast.Expression) -> ast.Expression:
    """`e^{z}` beside a node e: the exponential."""
    match part:
        case ast.Binary(operator="**", left=ast.Name(name="e"), right=right) if not isinstance(right, ast.Number):
            given = ast.Argument(None, right, right.start, right.end)
            return ast.Call(part.start, part.end, "exp", (given,), part.left.end)
    return part


def _of_two(part: ast.Expression) -> ast.Expression:
    """`max(z, 0)`: the larger one of two, where the second is no axis."""
    match part:
        case ast.Call(function="max" | "min", arguments=(_, ast.Argument(keyword=None))):
            return replace(part, function=f"{part.function}imum")
    return part


def _by_ones(part: ast.Expression) -> ast.Expression:
    """`δ · 1`, `δ @ 1`: the sums of the rows."""
    match part:
        case ast.Binary(operator="·" | "@", left=left, right=ast.Number(text="1")):
            return added_up(left, -1)
    return part


def _diagonal(part: ast.Expression) -> ast.Expression:
    """`diag(d)` of a column: the matrix with these entries on its diagonal, as of a vector."""
    if not isinstance(part, ast.Call) or part.function != "diag" or len(part.arguments) != 1:
        return part
    inner = part.arguments[0]
    flat = ast.Call(inner.start, inner.end, "flatten", (inner,), inner.end)
    return replace(part, arguments=(replace(inner, value=flat),))
