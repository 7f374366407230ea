"""A formula whose shapes do not fit: the one change of a product after which it is right.

`h @ d` for `h.T @ d` cannot be worked out, so that there are no numbers to compare with mistakes; but a transpose put
in or taken away, two factors exchanged, or another product, shows what was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from backprop_cli.language import expression as ast
from backprop_cli.language.expression.tree import rebuilt
from backprop_cli.language.unparse import unparse
from backprop_cli.records import replace

MAX_EDITS = 60
"""Changes that are tried."""

_PRODUCTS = frozenset({"@", "·"})
_CALLS = frozenset({"dot", "matmul"})

Edit = tuple[str, str, ast.Expression]
"""The mistake's key, what is told, and the expression without the mistake."""


def repaired(expression: ast.Expression, is_right: Callable[[ast.Expression], bool]) -> tuple[str, str] | None:
    """The mistake and the reason, where one change makes a formula right."""
    for mistake, told, changed in islice(_edits(expression), MAX_EDITS):
        if is_right(changed):
            return mistake, told
    return None


def _edits(part: ast.Expression) -> Iterator[Edit]:
    """Each expression with one change somewhere in it; the outermost first."""
    yield from _here(part)
    for number, child in enumerate(ast.children(part)):
        for mistake, told, changed in _edits(child):
            yield mistake, told, _with_child(part, number, changed)


def _with_child(part: ast.Expression, number: int, changed: ast.Expression) -> ast.Expression:
    count = iter(range(len(ast.children(part))))
    return rebuilt(part, lambda child: changed if next(count) == number else child)


def _here(part: ast.Expression) -> Iterator[Edit]:
    if isinstance(part, ast.Transposed):
        told = f"one transpose too many, of {unparse(part.operand)}"
        yield "factor_transposed", told, part.operand
    if isinstance(part, ast.Binary) and part.operator in _PRODUCTS:
        yield from _of_product(part.left, part.right, lambda a, b: replace(part, left=a, right=b))
        yield "elementwise_for_matmul", "a matrix product where an elementwise one belongs", replace(part, operator="*")
    elif isinstance(part, ast.Binary) and part.operator == "*":
        yield "elementwise_for_matmul", "an elementwise product where a matrix product belongs", \
            replace(part, operator="@")  # fmt: skip
        yield from _outer(part)
    elif isinstance(part, ast.Call) and part.function in _CALLS and len(part.arguments) == 2:
        first, second = part.arguments
        yield from _of_product(first.value, second.value, lambda a, b: replace(
            part, arguments=(replace(first, value=a), replace(second, value=b))))  # fmt: skip


def _of_product(left: ast.Expression, right: ast.Expression,
                made: Callable[[ast.Expression, ast.Expression], ast.Expression]) -> Iterator[Edit]:  # fmt: skip
    yield "factor_transposed", f"the transpose of {unparse(left)} is missing", made(_turned(left), right)
    yield "factor_transposed", f"the transpose of {unparse(right)} is missing", made(left, _turned(right))
    yield "product_order", "the factors stand in the wrong order", made(right, left)
    told = f"the factors stand in the wrong order, and the transpose of {unparse(right)} is missing"
    yield "product_order", told, made(_turned(right), left)
    told = f"the factors stand in the wrong order, and the transpose of {unparse(left)} is missing"
    yield "product_order", told, made(right, _turned(left))


def _outer(part: ast.Binary) -> Iterator[Edit]:
    """`d * x` for `d @ x.T`, of columns."""
    told = f"an elementwise product where the product with {unparse(part.right)}.T belongs"
    yield "elementwise_for_matmul", told, replace(part, operator="@", right=_turned(part.right))
    told = f"an elementwise product where the product with {unparse(part.left)}.T belongs"
    yield "elementwise_for_matmul", told, replace(part, operator="@", left=_turned(part.left))


def _turned(part: ast.Expression) -> ast.Expression:
    return ast.Transposed(part.start, part.end, part, matrix=True)
