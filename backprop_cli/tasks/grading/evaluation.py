"""Formulas of students against a key: what they may use, what they may cost, what they come to at each draw."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Any, SupportsFloat

import numpy as np

from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.errors import BackpropError, SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Shape
from backprop_cli.records import replace
from backprop_cli.tasks.grading.chain import EPSILON
from backprop_cli.tasks.grading.chained import chained, gradients_used, stepped
from backprop_cli.tasks.grading.contents import Formula
from backprop_cli.tasks.grading.figures import Figures, exchanged, figures_of, is_rounded, nudged
from backprop_cli.tasks.grading.items import Item, gradient_of
from backprop_cli.tasks.grading.key import Key
from backprop_cli.tasks.grading.readings import bounded, readings
from backprop_cli.tasks.grading.slopes import sloped


class Forbidden(Exception):
    """A formula uses the very thing that is asked for, or what rests on it."""


MAX_DECIMALS = 8
"""Of a formula, that may be rounded."""

CHANGE = "∂change"
MOST_CHANGES = 100
"""Entries of a node up to which a differential is asked what it says of each."""

NEAR = 5e-3
"""So near the right answer, of several readings one is what is meant; whether it is right is another question."""

def evaluated(key: Key, item: Item, formula: Formula, allow: str = "later") -> list[Array]:
    """What a formula says at each draw; its shapes are worked out before any number is.

    Raises:
        BackpropError: it is no expression of the language, or its shapes do not fit.
        Forbidden: it uses what is asked for, or what it may not rest on.
    """
    formula = _with_rate(key, item, formula)
    wanted, right = key.shape(item), key.right(item)
    worked_out = _worked_out
    if formula.differential and item.node in gradients_used(key, formula.expression):
        formula, worked_out = _with_change(key, item, formula), _of_change
    kept: list[Array] | BackpropError | None = None
    scope = _with(sized(key, item, formula, allow), CHANGE, wanted)
    for expression in readings(key, item, formula, scope):
        try:
            found = worked_out(key, item, replace(formula, expression=expression), allow)
        except BackpropError as caught:
            kept = kept or caught
            continue
        fits = found[0].shape == wanted
        if fits and _is_near(found, right):
            return found
        if kept is None or (fits and (isinstance(kept, BackpropError) or kept[0].shape != wanted)):
            kept = found
    if isinstance(kept, BackpropError):
        raise kept
    assert kept is not None
    return kept


def _is_near(found: list[Array], right: list[Array]) -> bool:
    return all(np.allclose(one, other, NEAR, NEAR * float(np.max(np.abs(other), initial=0.0)))
               for one, other in zip(found, right, strict=True))  # fmt: skip


def sized(key: Key, item: Item, formula: Formula, allow: str) -> Scope:
    """The names of an answer with the shapes of what they stand for."""
    shapes = [node.shape for node in key.graph.nodes]
    arriving = [node.shape if key.has_gradient(node.index) else None for node in key.graph.nodes]
    return _scope(key, item, formula, shapes, arriving, allow)


def _worked_out(key: Key, item: Item, formula: Formula, allow: str) -> list[Array]:
    """What one reading of a formula comes to at each draw."""
    expression, products = chained(key, formula.expression, formula.text)
    expression, slopes = sloped(expression)
    formula, wanted = replace(formula, expression=expression), key.shape(item)
    sizes = sized(key, item, formula, allow)
    for one in products:
        if one.arriving is not None:
            interpret(one.arriving, sizes, bounded(key))
        sizes = _with(sizes, one.name, key.graph.nodes[key.names[one.path[-1]]].shape)
    for slope in slopes:
        sizes = _with(sizes, slope.name, interpret(slope.argument, sizes, bounded(key)))
    interpret(formula.expression, sizes, bounded(key), wanted)
    found = []
    for draw in key.draws:
        with np.errstate(all="ignore"):
            scope = _scope(key, item, formula, draw.values, draw.gradients, allow)
            for one in products:
                seed = one.arriving and interpret(one.arriving, scope, key.chain.meaning)
                scope = _with(scope, one.name, stepped(key, one, draw.values, seed, formula.text))
            for slope in slopes:
                scope = _with(scope, slope.name, slope.at(key, interpret(slope.argument, scope, key.chain.meaning)))
            found.append(_number(formula, scope, key.chain.meaning, wanted))
    return found


def _with_change(key: Key, item: Item, formula: Formula) -> Formula:
    """The differential of the output, `dL = tr(Gᵀ dX)`, with a name for the change of X.

    Raises:
        SpecError: E016 where X has too many entries.
    """
    if prod(key.shape(item)) > MOST_CHANGES:
        message = f"a differential is read for at most {MOST_CHANGES} entries; write what the gradient is"
        raise SpecError("E016", message, at=formula.text.place())

    def named(part: ast.Expression) -> ast.Expression | None:
        own = isinstance(part, (ast.Name, ast.Call)) and gradients_used(key, part) == {item.node}
        whole = isinstance(part, ast.Name) or isinstance(part, ast.Call) and part.function == "grad"
        return ast.Name(part.start, part.end, CHANGE) if own and whole else None

    return replace(formula, expression=exchanged(formula.expression, named))


def _of_change(key: Key, item: Item, formula: Formula, allow: str) -> list[Array]:
    """The gradient of which a differential speaks: what it says of a change of each entry alone.

    Raises:
        SpecError: E014 where it is no number, E015 where it is not proportional to the change.
    """
    shape = key.shape(item)
    sizes = _with(sized(key, item, formula, allow), CHANGE, shape)
    if any(int(size) != 1 for size in interpret(formula.expression, sizes, bounded(key))):
        raise SpecError("E014", "a differential of the output is one number; write what the gradient is",
                        at=formula.text.place())  # fmt: skip
    found = []
    for draw in key.draws:
        scope = _scope(key, item, formula, draw.values, draw.gradients, allow)

        def said(change: Array, scope: Scope = scope) -> Array:
            with np.errstate(all="ignore"):
                return _number(formula, _with(scope, CHANGE, change[()]), key.chain.meaning, ()).reshape(())

        one_by_one = [said(one.reshape(shape)) for one in np.eye(prod(shape))]
        if not np.allclose(said(np.full(shape, 2.0)), 2 * sum(one_by_one)) or said(np.zeros(shape)) != 0:
            raise SpecError("E015", "it is not proportional to the change; write what the gradient is",
                            at=formula.text.place())  # fmt: skip
        found.append(np.array(one_by_one).reshape(shape))
    return found


def _with(scope: Scope, name: str, value: object) -> Scope:
    """A scope in which one more name stands for something."""
    return replace(scope, lookup=lambda other: value if other == name else scope.lookup(other))


def _with_rate(key: Key, item: Item, formula: Formula) -> Formula:
    """Of a param after a step the rule's parameters stand for their numbers: `w - lr * grad(w)`."""
    step = key.further.settings.step
    if item.what != "new" or not step:
        return formula

    def put_in(part: ast.Expression) -> ast.Expression | None:
        if not isinstance(part, ast.Name) or part.name in key.names or part.name not in step or part.name == "rule":
            return None
        return ast.Number(part.start, part.end, Fraction(step[part.name]), step[part.name])

    return replace(formula, expression=exchanged(formula.expression, put_in))


def rounded(key: Key, item: Item, formula: Formula, values: Sequence[Array], allow: str) -> list[Array] | None:
    """How far half a unit of each decimal in a formula moves it, at each draw, by a hundredth at most.

    None where it holds no decimal of three digits: `0.667 * (p - t)` is meant as 2/3 of it, `0.5 * x` as it stands.
    """
    decimals = [part for part in ast.parts(formula.expression) if isinstance(part, ast.Number) and is_rounded(part)]
    if not 0 < len(decimals) <= MAX_DECIMALS:
        return None
    moved = [np.zeros(one.shape) for one in values]
    for literal in decimals:
        other = evaluated(key, item, replace(formula, expression=nudged(formula.expression, literal)), allow)
        moved = [sum_ + np.abs(one - two) for sum_, one, two in zip(moved, other, values, strict=True)]
    most = [0.01 * float(np.max(np.abs(one), initial=0.0)) for one in values]
    return [np.minimum(one, limit) for one, limit in zip(moved, most, strict=True)]


def cancelled(key: Key, item: Item, formula: Formula) -> float | None:
    """How much rounding may leave of terms that cancel in a formula; None where nothing cancels.

    At most a millionth of the right answer: beyond, a formula is not held to be right for its rounding.
    """
    formula = _with_rate(key, item, formula)
    sizes = [None if one is None else np.abs(one) for one in key.draws[0].values]
    arriving = [None if one is None else np.abs(one) for one in key.draws[0].gradients]
    with np.errstate(all="ignore"):
        try:
            found = interpret(formula.expression, _scope(key, item, formula, sizes, arriving, "all"), Sizes(key.graph))
        except Exception:  # noqa: BLE001 - sizes may lead outside a domain: then nothing can be said
            return None
    right = float(np.max(np.abs(key.right(item)[0]), initial=0.0))
    largest = float(np.max(found, initial=0.0)) * EPSILON
    return min(largest, 1e-6 * right) if 0 < largest < np.inf else None


class Sizes(Numbers):
    """Numbers without signs: what is added up in an expression, rather than what is left of it."""

    def constant(self, value: SupportsFloat | None) -> Any:
        """A literal's size."""
        return None if value is None else abs(super().constant(value))

    def apply(self, op: Op, operands: tuple[Any, ...], parameters: Any) -> Array:
        """A difference is the sum of the sizes."""
        return np.abs(super().apply(OPS["add"] if op.name == "subtract" else op, operands, parameters))


def figures(key: Key, formula: Formula) -> Figures:
    """The numbers of an answer that names no node.

    Raises:
        BackpropError: it is no arithmetic of the language.
    """
    scope = Scope(formula.text, lambda name: None)
    limit = bounded(key)

    def value_of(part: ast.Expression) -> Any:
        interpret(part, scope, limit)
        with np.errstate(all="ignore"):
            return np.asarray(interpret(part, scope, key.chain.meaning), dtype=np.float64)[()]

    try:
        with np.errstate(all="ignore"):
            return figures_of(formula.expression, value_of)
    except ValueError as caught:
        raise SpecError("E014", str(caught), at=formula.text.place()) from None


def _number(formula: Formula, scope: Scope, meaning: Numbers, wanted: Shape) -> Array:
    try:
        return np.asarray(interpret(formula.expression, scope, meaning, wanted), dtype=np.float64)
    except (BackpropError, MemoryError):
        raise
    except Exception as caught:  # noqa: BLE001 - numpy refuses an operand; which it is differs from op to op
        message = f"the formula cannot be computed: {' '.join(str(caught).split())[:200]}"
        raise SpecError("E015", message, at=formula.text.place()) from None


def _scope(key: Key, item: Item, formula: Formula, values: Sequence[object], gradients: Sequence[object],
           allow: str) -> Scope:  # fmt: skip
    """Names bound to the nodes' values, `grad(...)` (and `dz2`, where no node has that name) to their gradients."""
    names = key.names
    index = names[item.node]

    def value(name: str) -> Any:
        if name not in names:
            node = gradient_of(name, names)
            return None if node is None else gradient(node)
        if item.what == "value":
            _refuse(name == item.node, f"it uses {name}, which is what is asked for")
            _refuse(allow != "all" and index in key.below(names[name]), f"it uses {name}, which rests on {item.node}")
        return values[names[name]]

    def gradient(name: str) -> Any:
        if name not in names or gradients[names[name]] is None:
            return None
        if item.what == "gradient":
            _refuse(name == item.node, f"it uses grad({name}), which is what is asked for")
            _refuse(allow == "forward", f"it uses grad({name}); values of the forward pass alone are allowed here")
            rests = allow != "all" and names[name] in key.below(index)
            _refuse(rests, f"it uses grad({name}), which itself rests on grad({item.node})")
        return gradients[names[name]]

    def shape(name: str) -> Shape | None:
        return key.graph.nodes[names[name]].shape if name in names else None

    return Scope(formula.text, value, gradient, names=lambda: names, dims=key.sizes, shapes=shape,
                 functions=key.graph.spec.functions, output=key.graph.output_name)  # fmt: skip


def _refuse(forbidden: bool, why: str) -> None:
    if forbidden:
        raise Forbidden(why)
