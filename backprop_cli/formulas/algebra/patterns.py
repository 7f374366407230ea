"""Laws compiled: the left side of a row, read by the language's own interpreter, is a pattern.

A pattern is what the interpreter makes under a meaning whose values are patterns, as it makes numbers under the
meaning of the numbers.  Letters of sizes become sizes that no spec has.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.ops import Op
from backprop_cli.formulas.algebra.laws import Law
from backprop_cli.language.expression import Expression, parse
from backprop_cli.language.model import Shape, Size
from backprop_cli.language.source import Text, inline
from backprop_cli.records import dataclass

LETTERS: Mapping[str, Size] = {letter: Size(1009 + 2 * i, letter) for i, letter in enumerate("nmk")}
"""The sizes of laws, by their letters."""

ANY: Shape = (Size(1021), Size(1023))
"""The shape of a name with a star: it is not looked at."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An op on patterns, a name (`op` is "name"), or a number ("number"); `value` is the name or the number."""

    op: str
    parts: tuple[Pattern, ...] = ()
    value: Any = None  # of a name its text, of a number itself
    parameters: tuple[tuple[str, object], ...] = ()
    shape: Shape = ()


class _Patterns:
    """The language on patterns."""

    def constant(self, value: object) -> Pattern:
        return None if value is None else Pattern("number", value=value)  # type: ignore[return-value]  # left out

    def shape(self, value: Pattern) -> Shape:
        return value.shape

    def apply(self, op: Op, operands: tuple[Pattern | None, ...], parameters: Mapping[str, object]) -> Pattern:
        shape = op.shape(*(None if o is None else o.shape for o in operands), **parameters)
        flat = [part for o in operands if o is not None for part in (o.parts if o.op == op.name == "matmul" else (o,))]
        return Pattern(op.name, tuple(flat), None, tuple(parameters.items()), shape)


def shapes_of(law: Law) -> dict[str, tuple[str, ...]]:
    """The words after each name: "A: n n invertible" is A with n, n, invertible."""
    rows = (row.split(":") for row in law.of.split(";") if row.strip())
    return {name.strip(): tuple(words.split()) for name, words in rows}


def shape_letters(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """The letters among the words of a name; None for a star."""
    return None if "*" in words else tuple(w for w in words if w in LETTERS)


@cache
def parsed(side: str) -> tuple[Text, Expression]:
    """One side of a law, as an expression."""
    text = inline(side, "<law>")
    return text, parse(text)


@cache
def pattern_of(law: Law) -> Pattern:
    """The left side of a law."""
    names = {}
    for name, words in shapes_of(law).items():
        letters = shape_letters(words)
        shape = ANY if letters is None else tuple(LETTERS[w] for w in letters)
        names[name] = Pattern("name", value=name, shape=shape)
    text, tree = parsed(law.left)
    return interpret(tree, Scope(text, names.get, dims=LETTERS, origin=text.place()), _Patterns())


def factors_of(pattern: Pattern) -> tuple[tuple[Pattern, int], ...]:
    """An elementwise product taken apart: its factors and their whole exponents."""
    if pattern.op == "multiply":
        return (*factors_of(pattern.parts[0]), *factors_of(pattern.parts[1]))
    if pattern.op == "divide":
        below = tuple((factor, -n) for factor, n in factors_of(pattern.parts[1]))
        return (*(f for f in factors_of(pattern.parts[0]) if f[0].value != 1), *below)
    if pattern.op == "power":
        return tuple((factor, n * int(pattern.parts[1].value)) for factor, n in factors_of(pattern.parts[0]))
    return ((pattern, 1),)
