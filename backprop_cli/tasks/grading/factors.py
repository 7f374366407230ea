"""Factors of a product of tensors whose axes have names."""

from __future__ import annotations

from collections.abc import Iterator

from backprop_cli.language import expression as ast
from backprop_cli.tasks.grading.axes import COL, ROW, Part, aligned, summed
from backprop_cli.tasks.grading.letters import SUM

PRODUCTS = frozenset({"*", "·", "@", "⊙"})


def factors(part: ast.Expression) -> Iterator[tuple[str, ast.Expression]]:
    """The factors of a product with the sign before each, from the left."""
    first, row = ast.in_a_row(part) if isinstance(part, ast.Binary) else (part, [])
    signs = {*PRODUCTS, "/"}
    split = next((i for i in range(len(row), 0, -1) if row[i - 1].operator not in signs), 0)
    yield "*", row[split - 1] if split else first
    yield from ((one.operator, one.right) for one in row[split:])


def letter_of_sum(factor: ast.Expression) -> str:
    """The letter that a factor is a sum over, or nothing."""
    factor = factor.operand if isinstance(factor, ast.Unary) else factor
    named = isinstance(factor, ast.Call) and len(factor.arguments) == 1 and SUM.fullmatch(factor.function)
    return named[1] if named else ""


def times(left: Part | None, sign: str, right: Part, matmul: frozenset[str]) -> Part:
    """A product, or a quotient: the columns of the one meet the rows of the other, at a sign of `matmul`."""
    if left is None:
        return right
    start, end = left.expression.start, right.expression.end
    sign, meets = ("*", sign in matmul) if sign in PRODUCTS else (sign, False)

    def made(both: list[ast.Expression]) -> ast.Expression:
        return ast.Binary(start, end, sign, both[0], both[1])

    if meets and COL in left.axes and ROW in right.axes:
        both = [left.renamed({COL: "#"}), right.renamed({ROW: "#"})]
        return summed(aligned(both, made), "#")
    return aligned([left, right], made)
