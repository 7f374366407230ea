"""A formula that no mistake of the network explains: the one change of its own after which it is right.

`h @ d` for `h.T @ d` cannot be worked out, so that there are no numbers to compare with mistakes; but a transpose put
in or taken away, two factors exchanged, another product or another tensor shows what was meant.  Where the shapes fit
and nothing else is found, the sign or a factor of one term may be wrong, or a function stand for its derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from fractions import Fraction
from functools import partial
from itertools import islice

from backprop_cli.language import expression as ast
from backprop_cli.language.expression.tree import rebuilt
from backprop_cli.language.unparse import unparse
from backprop_cli.records import replace
from backprop_cli.tasks.grading.bounds import UPTO
from backprop_cli.tasks.grading.functions import PRIME
from backprop_cli.tasks.grading.items import indexed, other_spelling

MAX_EDITS = 60
"""Changes of a kind that are tried."""

MAX_PARTS = 150
"""Of a formula up to which they are: each takes as long as the formula itself."""

MAX_AXES = 4
"""That are tried in the place of one."""

AXIS = frozenset({"axis", "dim"})
"""What the argument for it is called."""

_PRODUCTS = frozenset({"@", "·"})
_CALLS = frozenset({"dot", "matmul"})

Edit = tuple[str, str, ast.Expression]
"""The mistake's key, what is told, and the expression without the mistake."""


def repaired(expression: ast.Expression, names: Collection[str], functions: Collection[str],
             is_right: Callable[[ast.Expression], bool], *, fits: bool = False) -> tuple[str, str] | None:  # fmt: skip
    """The mistake and the reason, where one change makes a formula right.

    Args:
        expression: the formula.
        names: the names of the key.
        functions: those of one number that the key uses.
        is_right: whether a formula is right.
        fits: whether its shapes fit, so that it may be wrong in other ways than a product.
    """
    if len(ast.parts(expression)) > MAX_PARTS:
        return None
    letters = {letter for one in ast.names(expression) for _, found in indexed(one.name) for letter in found}
    kinds: list[Callable[[ast.Expression], Iterator[Edit]]]
    kinds = [_of_bounds, _of_shapes, _of_axes, partial(_of_letters, sorted(letters)), partial(_of_names, names)]
    kinds[1:1] = [_of_terms, partial(_of_functions, functions)] if fits else []
    for kind in kinds:
        for mistake, told, changed in islice(_edits(expression, kind), MAX_EDITS):
            if is_right(changed):
                return mistake, told
    return None


def _edits(part: ast.Expression, kind: Callable[[ast.Expression], Iterator[Edit]]) -> Iterator[Edit]:
    """Each expression with one change somewhere in it; the outermost first."""
    yield from kind(part)
    for number, child in enumerate(() if _is_bounds(part) else ast.children(part)):
        for mistake, told, changed in _edits(child, kind):
            yield mistake, told, _with_child(part, number, changed)


def _is_bounds(part: ast.Expression) -> bool:
    return isinstance(part, ast.Call) and part.function == UPTO


def _of_bounds(part: ast.Expression) -> Iterator[Edit]:
    """A sum over all entries, in the place of one from here to there."""
    if _is_bounds(part):
        told = "the sum leaves entries out: look at where it begins and ends"
        yield "path_missing", told, ast.Number(part.start, part.end, Fraction(1), "1")


def _of_names(names: Collection[str], part: ast.Expression) -> Iterator[Edit]:
    """Another name in the place of one."""
    if not isinstance(part, ast.Name):
        return
    for stem, behind in ((part.name, ""), *((stem, "_" + "".join(letters)) for stem, letters in indexed(part.name))):
        if (name := other_spelling(stem, names)) is not None and (part.name in names) == (not behind):
            told = f"another tensor belongs in the place of {stem}"
            yield from (("wrong_operand", told, replace(part, name=other + behind)) for other in names if other != name)


def _of_letters(letters: Collection[str], part: ast.Expression) -> Iterator[Edit]:
    """Another letter for an axis: `δ_i a_i` for `δ_i a_j`."""
    if isinstance(part, ast.Call) and part.function.startswith("Σ_"):
        told = f"the letter of {part.function} is wrong"
        yield from (("wrong_index", told, replace(part, function=f"Σ_{other}"))
                    for other in letters if part.function != f"Σ_{other}")  # fmt: skip
    if not isinstance(part, ast.Name):
        return
    for stem, own in indexed(part.name):
        for at, letter in enumerate(own):
            for other in sorted({*letters, *"ijk"} - {letter}):
                changed = f"{stem}_{''.join([*own[:at], other, *own[at + 1 :]])}"
                yield "wrong_index", f"the index {letter} of {part.name} is wrong", replace(part, name=changed)


def _of_axes(part: ast.Expression) -> Iterator[Edit]:
    """Another axis in the place of one, and with it the axis kept."""
    if not isinstance(part, ast.Call):
        return
    for at, one in enumerate(part.arguments):
        several = one.value.items if isinstance(one.value, ast.Sequence) else ()
        for number, axis in enumerate(several or (one.value,) if one.keyword in AXIS else ()):
            told = f"the axis {unparse(axis)} of {unparse(part)} is wrong"
            for other in range(MAX_AXES):
                new: ast.Expression = ast.Number(axis.start, axis.end, Fraction(other), str(other))
                if isinstance(one.value, ast.Sequence):
                    new = replace(one.value, items=(*several[:number], new, *several[number + 1 :]))
                given = (*part.arguments[:at], replace(one, value=new), *part.arguments[at + 1 :])
                yield "wrong_axis", told, replace(part, arguments=given)
                if all(argument.keyword != "keepdims" for argument in given):
                    kept = ast.Argument("keepdims", ast.Name(axis.start, axis.end, "true"), axis.start, axis.end)
                    yield "wrong_axis", told, replace(part, arguments=(*given, kept))


def _of_functions(functions: Collection[str], part: ast.Expression) -> Iterator[Edit]:
    """Another function, or its derivative, in the place of one."""
    if isinstance(part, ast.Call) and len(part.arguments) == 1 and part.function != "grad":
        name = part.function.removesuffix(PRIME)
        prime = part.function.removeprefix(name)
        told = f"the derivative of {name} stands where another function's belongs" if prime else f"{name} is wrong here"
        yield from (("wrong_rule", told, replace(part, function=other + prime)) for other in functions if other != name)


def _of_terms(part: ast.Expression) -> Iterator[Edit]:
    """The sign or the factor of a term, or a function in the place of its derivative."""
    if isinstance(part, ast.Binary) and part.operator in _SUMS:
        told = f"the sign of the term {unparse(part.right)} is wrong"
        yield "sign", told, replace(part, operator=_SUMS[part.operator])
        yield "sign", f"the sign of the term {unparse(part.left)} is wrong", replace(part, left=_negative(part.left))
        for factor, what in ((Fraction(2), "is missing in"), (Fraction(1, 2), "is too many in")):
            for term, put in ((part.left, replace(part, left=_times(factor, part.left))),
                              (part.right, replace(part, right=_times(factor, part.right)))):  # fmt: skip
                yield "factor_2", f"a factor 2 {what} the term {unparse(term)}", put
    elif isinstance(part, ast.Binary) and part.operator in _INVERSE:
        told = f"{unparse(part.right)} {_INVERSE[part.operator]}"
        yield "wrong_rule", told, replace(part, operator="*" if part.operator == "/" else "/")
    elif isinstance(part, ast.Binary) and part.operator == "**" and isinstance(part.right, ast.Number):
        for power in (part.right.value - 1, part.right.value + 1):
            right = replace(part.right, value=power, text=str(float(power)))
            yield "wrong_rule", f"the power of {unparse(part.left)} is wrong", replace(part, right=right)
    elif isinstance(part, ast.Call) and len(part.arguments) == 1 and not isinstance(part, ast.Partial):
        told = f"{part.function} itself stands where its derivative belongs"
        yield "activation_for_derivative", told, replace(part, function=part.function + PRIME)


_SUMS = {"+": "-", "-": "+"}
_INVERSE = {"/": "divides where it is a factor", **dict.fromkeys("*·", "is a factor where it divides")}


def _negative(part: ast.Expression) -> ast.Expression:
    return ast.Unary(part.start, part.end, part)


def _times(factor: Fraction, part: ast.Expression) -> ast.Expression:
    number = ast.Number(part.start, part.end, factor, str(float(factor)))
    return ast.Binary(part.start, part.end, "*", number, part)


def _with_child(part: ast.Expression, number: int, changed: ast.Expression) -> ast.Expression:
    count = iter(range(len(ast.children(part))))
    return rebuilt(part, lambda child: changed if next(count) == number else child)


def _of_shapes(part: ast.Expression) -> Iterator[Edit]:
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
