"""Rewriting ends: every law that is applied goes down in one order of terms (a recursive path order).

The order: one operator is above another by its place in `ORDER`; a term is above its own parts, above what is made of
smaller terms by operators below its own, and above the same operator on smaller operands.  Such an order has no endless
way down.  A transpose counts as its operand, a trace as a sum.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from backprop_cli.formulas.algebra.laws import CALLS, CHAINS, PRODUCTS, THREES, Law
from backprop_cli.formulas.algebra.patterns import parsed, shapes_of
from backprop_cli.language import expression as ast

APPLIED = (*CHAINS, *THREES, *CALLS, *PRODUCTS)
ORDER = ("constant", "list", "softmax", "sigmoid", "sin", "sinh", "tanh", "tan", "index", "abs", "sign", "-", "+",
         "outer", "*", "/", "**", "exp", "any other function", "ones", "zeros", "eye", "diag", "kron", "@", "sum",
         "pinv", "inv", "solve", "svd_u", "eigvecsh")  # fmt: skip
"""From the lowest: what laws bring forth stands below what they take away."""

Term = str | tuple[str, tuple["Term", ...]]
"""A name of the law, or an operator and its operands."""


def term(part: ast.Expression, names: frozenset[str]) -> Term:
    """An expression without its transposes; a size or a number is a constant."""
    match part:
        case ast.Transposed():
            return term(part.operand, names)
        case ast.Name() if part.name in names:
            return part.name
        case ast.Unary():
            return "-", (term(part.operand, names),)
        case ast.Binary(operator="**", right=ast.Number(value=0)):
            return "constant", ()  # x**0 is 1
        case ast.Binary():
            return part.operator, (term(part.left, names), term(part.right, names))
        case ast.Call():
            name = "sum" if part.function == "trace" else part.function
            return name, tuple(term(a.value, names) for a in part.arguments if a.keyword is None)
        case ast.Indexed():
            return "index", (term(part.operand, names),)
        case ast.Sequence():
            return "list", tuple(term(item, names) for item in part.items)
    return "constant", ()


def rank(operator: str) -> int:
    """The place of an operator in the order."""
    return ORDER.index(operator if operator in ORDER else "any other function")


def above(one: Term, other: Term) -> bool:
    """Whether a term is above another: the recursive path order, operands compared as a multiset."""
    if isinstance(one, str):
        return False
    name, parts = one
    if any(part == other or above(part, other) for part in parts):
        return True
    if isinstance(other, str):
        return False
    lower, below = other
    if rank(name) > rank(lower):
        return all(above(one, part) for part in below)
    if name != lower:
        return False
    mine, its = Counter(parts), Counter(below)
    mine, its = mine - its, its - mine
    return bool(mine) and all(any(above(a, b) for a in mine) for b in its) and all(above(one, part) for part in below)


def sides(law: Law) -> tuple[Term, Term]:
    """Both sides as terms."""
    names = frozenset(shapes_of(law))
    return term(parsed(law.left)[1], names), term(parsed(law.right)[1], names)


def unordered(one: Term) -> Term:
    """A term with its operands in one order: the order of terms compares them as a multiset."""
    return one if isinstance(one, str) else (one[0], tuple(sorted(map(unordered, one[1]), key=repr)))


def transposes(side: str) -> int:
    """How deep the transposes of a side stand, added up."""
    levels, total = [parsed(side)[1]], 0
    depth = 0
    while levels:
        total += depth * sum(isinstance(part, ast.Transposed) for part in levels)
        levels, depth = [child for part in levels for child in ast.children(part)], depth + 1
    return total


@pytest.mark.parametrize("law", APPLIED, ids=lambda law: law.id)
def test_goes_down(law: Law) -> None:
    """The left side is above the right one; where they have the same operands, transposes leave these, or go."""
    left, right = sides(law)
    assert above(left, right) or unordered(left) == unordered(right) and transposes(law.left) > transposes(law.right)


@pytest.mark.parametrize("law", APPLIED, ids=lambda law: law.id)
def test_a_law_turned_round_is_noticed(law: Law) -> None:
    """No law goes down in both directions: with one of these in the table rewriting would never end."""
    left, right = sides(replace(law, left=law.right, right=law.left))
    assert not above(left, right)
