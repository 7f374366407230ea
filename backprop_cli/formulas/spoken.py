"""The words of `xp` on formulas: what a rule, or a function of the language, is written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from sympy import Rational, S

from backprop_cli.engine.interpret import evaluate_body, textbook
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.base import broadcast
from backprop_cli.engine.ops.words import AGAIN, INFINITE, PLAINER, SINGULAR, TRACED, WORDS
from backprop_cli.formulas.algebra import build
from backprop_cli.formulas.algebra.expr import (
    TensorSymbol,
    exact,
    size,
)
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.formula import Formula, lift
from backprop_cli.formulas.algebra.masks import is_truth
from backprop_cli.formulas.algebra.matching import OnFormulas
from backprop_cli.formulas.algebra.work import spend


class Words:
    """The functions of the language on formulas."""

    pi = Formula(S.Pi, ())

    def __getattr__(self, name: str) -> Callable[..., Formula]:
        return partial(_word, name)

    def size(self, n: int) -> Formula:
        """A number of entries; a letter where the axis is named."""
        return Formula(size(n), ())

    def number(self, value: Any) -> Formula:
        """A literal."""
        return Formula(exact(value), ())

    def is_positive(self, x: Formula, y: Formula) -> Formula:
        """[x > 0], or [y > 0] of y = relu(x) where only the output has a name."""
        named = y if isinstance(y.expr, TensorSymbol) and not isinstance(x.expr, TensorSymbol) else x
        return build("greater", {}, (named, lift(0)))

    def mask(self, condition: Formula) -> Formula:
        """A comparison is a 0/1 tensor already."""
        return condition


AT_HAND = 8
"""Of the run's budget, a word that has singular points: its bodies are read and evaluated."""


class RuleWords(Words):
    """The words of a derivative rule, which treats ties and singular points apart: a run without them has none."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def __getattr__(self, name: str) -> Callable[..., Formula]:
        if self.facts.again and name in AGAIN:
            return lambda *operands: _read(AGAIN[name], dict(zip(WORDS[name][0], operands, strict=True)))
        return partial(_at_hand, self.facts, name) if name in SINGULAR else partial(_word, name)

    def gated(self, g: Formula, slope: Formula) -> Formula:
        """The product, or in a run with an infinite gradient the choice that it stands for."""
        if not self.facts.infinite():
            return g * slope
        if is_truth(slope.expr, self.facts):
            return _read(INFINITE["select"], {"mask": slope, "g": g})
        return _read(INFINITE["gated"], {"slope": slope, "g": g})

    def equal(self, a: Formula | float, b: Formula | float) -> Formula:
        """[a = b], or 0 where no entries are equal."""
        one, two = lift(a), lift(b)
        if self.facts.never_equal(one.expr, two.expr):
            return Formula(S.Zero, broadcast(one.shape, two.shape))
        return build("equal", {}, (one, two))


def _at_hand(facts: Facts, name: str, *operands: Formula | float, **parameters: object) -> Formula:
    """The textbook form of a word, or, in a run that has a place where it is wrong, the form that is right there."""
    spend(AT_HAND)
    values = dict(zip(WORDS[name][0], map(lift, operands), strict=True))
    read = partial(_read, values=values)
    if name in INFINITE and facts.infinite():
        return read(INFINITE[name])
    condition, right = SINGULAR[name]
    seen = read(condition).expr
    if "mask" in values and facts.evaluate(seen) is None and not is_truth(values["mask"].expr, facts):
        return read(TRACED[name])
    if facts.somewhere(seen):
        return read(right)
    condition, plain = PLAINER.get(name, (condition, ""))
    return read(plain) if plain and not facts.somewhere(read(condition).expr) else _word(name, *operands, **parameters)


def _read(text: str, values: Mapping[str, Formula]) -> Formula:
    """An expression of the language on formulas."""
    return evaluate_body(text, values, OnFormulas(), None)  # type: ignore[no-any-return]


def _word(name: str, *operands: Formula | float, **parameters: object) -> Formula:
    plain = {parameter: _number(value) for parameter, value in parameters.items()}
    if name in WORDS:
        return textbook(name, [*map(lift, operands)], plain, OnFormulas())  # type: ignore[no-any-return]
    return build(name, {**OPS[name].signature.parameters, **plain}, operands)


def _number(value: object) -> Any:
    """A parameter that a rule hands on is a number again, not the formula that its arithmetic needs."""
    if not isinstance(value, Formula):
        return value
    number = value.expr
    return Fraction(number.p, number.q) if isinstance(number, Rational) else float(number)


def apply_op(op: Op, operands: tuple[object, ...], parameters: Mapping[str, object]) -> Formula:
    """An op on formulas; a user's own function runs its body."""
    if OPS.get(op.name) is op:
        return build(op.name, parameters, operands)
    return op.forward(Words(), *operands, **parameters)  # type: ignore[no-any-return]
