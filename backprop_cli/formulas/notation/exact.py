"""Which parts of a formula a book's notation leaves open, so that they are written as exact calls.

`x - Σ_d(x)/D` is clear: the sum keeps its axis, since x has it.  A sum that keeps its axis inside a product of
matrices, or loses it beside a tensor that has it, is not.  The same holds for `I` and unit vectors, whose size is that
of what they meet.  `engine.interpret.printed` reads by the same rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeGuard

from sympy import Add, Expr, Mul, Pow

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.shapes import axes_of, keeps_axes
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, shape_of, symbols_of
from backprop_cli.formulas.algebra.positions import is_unit, is_unit_vector, unit_product
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.skeleton import mixes
from backprop_cli.formulas.algebra.work import remembered
from backprop_cli.language.model import Shape

Resolve = Callable[[TensorSymbol], Expr | None]
"""What a symbol prints as, where that is not its name."""

REDUCTIONS = frozenset({"sum", "mean", "var", "std", "max", "min", "prod", "logsumexp"})


def named(symbol: TensorSymbol) -> None:
    """Every symbol prints as its name."""


def exact(formula: Expr, resolve: Resolve = named) -> frozenset[Expr]:
    """The parts of a formula, of definitions put into it as well, that are unclear without their exact arguments."""
    return CLEAR if _is_entrywise(formula, resolve) else _exact(formula, resolve)


CLEAR = frozenset[Expr]()


def _is_entrywise(formula: Expr, resolve: Resolve) -> bool:
    """Whether nothing mixes positions, in what is put into it neither; where that goes on, nobody looks."""
    if resolve is named or mixes(formula):
        return not mixes(formula)
    put_in = [part for symbol in symbols_of(formula) if (part := resolve(symbol)) is not None]
    return not any(mixes(part) or any(map(resolve, symbols_of(part))) for part in put_in)


@remembered
def _exact(formula: Expr, resolve: Resolve) -> frozenset[Expr]:
    found: set[Expr] = set()
    seen: set[Expr] = set()
    waiting = [formula]
    while waiting:
        root = waiting.pop()
        if root in seen:
            continue
        seen.add(root)
        met = tuple(_meeting(root, resolve))
        whole = shape_of(root) if root is formula else None
        found.update(_unclear(met, whole))
        found.update(_unclear_units(met, [*filter(None, _beside(root, resolve))], whole))
        waiting += [part for one in met if isinstance(one, Apply) for part in _asking(one, resolve)]
    return frozenset(found)


def _asking(expr: Apply, resolve: Resolve) -> list[Expr]:
    """The operands that must be clear by themselves: not the factors of a product, which are as long as the other."""
    parts = [_standing(part, resolve) for part in expr.args]
    if expr.name == "outer":  # as large as what it meets, as a whole
        return [part for part in parts if not is_unit_vector(part)]
    if expr.name != "matmul" or all(map(_is_sized, parts[:2])):  # it is read from the left
        return parts
    return [part for part in parts if not _is_sized(split_scalar(part)[1])]


def _standing(part: Expr, resolve: Resolve) -> Expr:
    """What is printed for a part."""
    definition = resolve(part) if isinstance(part, TensorSymbol) else None
    return part if definition is None else _standing(definition, resolve)


def _meeting(root: Expr, resolve: Resolve) -> Iterator[Expr]:
    """What meets entry by entry: the operands of sums, products and pointwise functions around them."""
    stack, seen = [root], set()
    while stack:
        part = stack.pop()
        if part in seen:
            continue
        seen.add(part)
        definition = resolve(part) if isinstance(part, TensorSymbol) else None
        if definition is not None:
            stack.append(definition)
        elif _meets(part):
            stack.extend(part.args)
        else:
            yield part


def _meets(part: Expr) -> bool:
    return isinstance(part, Add | Mul | Pow) or _is_pointwise(part)


def _unclear(met: tuple[Expr, ...], whole: Shape | None) -> Iterator[Expr]:
    """The parts that a reader would take to be of another shape; `whole` is the formula's, None inside another."""
    pending = [part for part in met if _is_sized(part) or _is_reduction(part)]
    met = tuple(part for part in met if not _units(part))
    shapes = [shape_of(part) for part in met if part not in pending and shape_of(part)]
    shapes = shapes or ([whole] if whole else [])
    for part in pending:
        if not _is_clear(part, shapes):
            yield part


def _beside(root: Expr, resolve: Resolve) -> Iterator[Shape]:
    """The shapes of all that meets a part with `e[k] · xᵀ` in it, from the inside out."""
    standing = _standing(root, resolve)
    for part in standing.args if _meets(standing) else ():
        if any(map(_units, _meeting(part, resolve))):
            yield from _beside(part, resolve)
        else:
            yield shape_of(part)


def _unclear_units(met: tuple[Expr, ...], beside: list[Shape], whole: Shape | None) -> Iterator[Expr]:
    """The unit vectors in products with others that a reader would take to be of another size."""
    shapes = beside or ([whole] if whole else [])
    for part in met:
        if not shapes or any(shape != shape_of(part) for shape in shapes):
            yield from _units(part)


def _is_clear(part: Expr, shapes: list[Shape]) -> bool:
    """Whether a reduction keeps its axes just where a reader takes it to, and `I` is as long as all that it meets.

    An axis of size 1 would make `I` or a unit vector of size 1.
    """
    if not _is_reduction(part):
        return bool(shapes) and all(shape[-1] == shape_of(part)[-1] for shape in shapes)
    shape, axis = shape_of(part.args[0]), part.parameters["axis"]
    if part.parameters["keepdims"]:
        return bool(shapes) and all(keeps_axes(shape, axis, met) for met in shapes)
    axes = axes_of(axis, len(shape))
    is_leading = tuple(axes) == tuple(range(len(axes)))
    return is_leading or not any(keeps_axes(shape, axis, met) for met in shapes)


def _is_pointwise(part: Expr) -> bool:
    return isinstance(part, Apply) and part.name in OPS and OPS[part.name].pointwise


def _is_reduction(part: Expr) -> TypeGuard[Apply]:
    return isinstance(part, Apply) and part.name in REDUCTIONS


def _units(part: Expr) -> tuple[Expr, ...]:
    """The unit vectors of `e[k] · xᵀ`, `x · e[k]ᵀ`, `e[j] · e[k]ᵀ`, as long as the sides of what that meets."""
    part = unit_product(part) if is_unit(part) else part
    return tuple(a for a in part.args if is_unit_vector(a)) if isinstance(part, Apply) and part.name == "outer" else ()


def _is_sized(part: Expr) -> bool:
    return isinstance(part, Apply) and (part.name == "eye" or is_unit_vector(part))
