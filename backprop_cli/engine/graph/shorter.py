"""What derivative rules write, as one writes it by hand: 1/2 · (2 · (p - t)) is p - t.

Each rewriting looks at one operation and at those right under it that have no name, and is sure: numbers are multiplied
together exactly, signs and reciprocals are drawn out, a number that was spread over a shape is one number again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

from backprop_cli.engine.graph.nodes import Node
from backprop_cli.language.model import Shape

Parameters: TypeAlias = Mapping[str, object]
ONE, MINUS = Fraction(1), Fraction(-1)


class Traced(Protocol):
    """What is asked of a node as a rule sees it; `words` makes more of them."""

    node: Node
    words: Any

    @property
    def shape(self) -> Shape:
        """The node's shape."""

    def made_by(self, name: str) -> Sequence[Any]:
        """The operands of that function, where the node is what it makes and has no name."""

    def __add__(self, other: Any) -> Any: ...
    def __sub__(self, other: Any) -> Any: ...
    def __mul__(self, other: Any) -> Any: ...
    def __truediv__(self, other: Any) -> Any: ...
    def __neg__(self) -> Any: ...


def shorter(name: str, operands: Sequence[Traced], parameters: Parameters) -> Any:
    """An operation written with less; None where nothing is known."""
    if name in SPREAD:
        return _spread(name, operands[0], parameters)
    if name == "sum":
        return _sum(operands[0], parameters)
    if (rule := RULES.get(name)) is None:
        return None
    found = _of_spread(name, operands)
    return rule(*operands) if found is None else found


def _of_spread(name: str, operands: Sequence[Traced]) -> Any:
    """A number that was spread over a shape is a number again beside a tensor of that shape, and beside a number."""
    for place, one in enumerate(operands):
        for inner in one.made_by("broadcast_to"):
            if inner.shape:
                continue
            narrow = [inner if i == place else other for i, other in enumerate(operands)]
            shapes = {other.shape for i, other in enumerate(operands) if i != place}
            if shapes == {one.shape}:
                return one.words.word(name, *narrow)
            if shapes <= {()}:
                return one.words.word("broadcast_to", one.words.word(name, *narrow), shape=one.shape)
    return None


def _number(x: Traced) -> Fraction | None:
    """The exact number that a literal is."""
    value = x.node.value
    return value if x.node.kind == "constant" and isinstance(value, Fraction) else None


def _scaled(x: Traced) -> tuple[Fraction, Traced]:
    """x as a number times the rest."""
    for inner in x.made_by("negative"):
        return MINUS, inner
    pair = x.made_by("multiply")
    for one, other in (pair, pair[::-1]) if pair else ():
        if (number := _number(one)):
            return number, other
    return ONE, x


def _times(number: Fraction, x: Traced) -> Any:
    """number · x, with a sign alone as a minus."""
    return x if number == 1 else -x if number == -1 else x.words.word("multiply", number, x)


def _multiply(x: Traced, y: Traced) -> Any:
    for one, other in ((x, y), (y, x)):
        number = _number(one)
        if number == 1:
            return other
        if number == -1:
            return -other
    for one, other in ((x, y), (y, x)):
        under = other.made_by("divide")
        if under and _number(under[0]) == 1:
            return one / under[1]
    return _gathered(x, y)


def _gathered(x: Traced, y: Traced) -> Any:
    """The numbers of two factors as one in front."""
    (a, left), (b, right) = _scaled(x), _scaled(y)
    if a == b == 1:
        return None
    for given, number, rest in ((_number(x), b, right), (_number(y), a, left)):
        if given is not None:
            return _times(given * number, rest) if given and number != 1 else None
    return _times(a * b, left * right)


def _divide(x: Traced, y: Traced) -> Any:
    if _number(y) == 1:
        return x
    given = _number(x)
    if given is not None and given < 0:
        return -(x.words.number(-given) / y)
    number, rest = _scaled(x)
    return -(_times(-number, rest) / y) if number < 0 else None


def _negative(x: Traced) -> Any:
    number, rest = _scaled(x)
    if number != 1:
        return _times(-number, rest)
    return None


def _add(x: Traced, y: Traced) -> Any:
    if _number(x) == 0:
        return y
    if _number(y) == 0:
        return x
    (a, left), (b, right) = _scaled(x), _scaled(y)
    if a == b != 1:
        return _times(a, left + right)
    if b < 0:
        return x - _times(-b, right)
    return y - _times(-a, left) if a < 0 else None


def _subtract(x: Traced, y: Traced) -> Any:
    (a, left), (b, right) = _scaled(x), _scaled(y)
    if a == b != 1:
        return _times(a, left - right) if a > 0 else _times(-a, right - left)
    return x + _times(-b, right) if b < 0 else None


def _power(x: Traced, y: Traced) -> Any:
    return x if _number(y) == 1 else None


def _sum(x: Traced, parameters: Parameters) -> Any:
    """A number before a sum, not in it; one axis by itself, and no axes for all."""
    number, rest = _scaled(x)
    if number != 1:
        return _times(number, x.words.word("sum", rest, **parameters))
    axis = parameters.get("axis")
    if not isinstance(axis, tuple) or 1 < len(axis) < len(x.shape) or not axis:
        return None
    return x.words.word("sum", x, **{**parameters, "axis": None if len(axis) == len(x.shape) else axis[0]})


def _spread(name: str, x: Traced, parameters: Parameters) -> Any:
    """One number all over a shape, brought into another; what has a shape already is not reshaped."""
    if name == "reshape" and parameters["shape"] == x.shape:
        return x
    for inner in x.made_by("broadcast_to"):
        if not inner.shape:
            return x.words.word("broadcast_to", inner, shape=x.words.shape_of(name, x, parameters))
    return None


SPREAD = frozenset(("broadcast_to", "expand_dims", "reshape", "squeeze", "transpose"))
"""Functions that move entries about: nothing moves where all are equal."""

RULES: Mapping[str, Callable[..., Any]] = {
    "add": _add, "divide": _divide, "multiply": _multiply, "negative": _negative, "power": _power,
    "subtract": _subtract,
}  # fmt: skip
