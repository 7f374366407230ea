"""Keras's functional models: what is called on an `Input` is put off until the model sees what goes in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from backprop_cli.records import dataclass
from backprop_cli.tasks.importing.state.objects import Instance
from backprop_cli.tasks.importing.state.values import Builtin

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


@dataclass(eq=False, slots=True)
class Later:
    """What a call gives once its arguments are known; an input has no function."""

    function: object
    given: list[object]
    named: dict[str, object]


def holds_later(values: object) -> bool:
    """Whether an argument is put off."""
    if isinstance(values, list | tuple):
        return any(map(holds_later, values))
    return isinstance(values, Later)


def later_operator(op: ast.operator, left: object, right: object) -> Later:
    """`x + y` of what is put off."""
    return Later(Builtin("operator", lambda m, a, k, n: m.operate(op, a[0], a[1], n)), [left, right], {})


def layers_of(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """The layers that outputs are made by, each once, those that come first before the others."""
    return list(dict.fromkeys(one.function for one in _before(given[0], set()) if isinstance(one.function, Instance)))


def _before(value: object, met: set[int]) -> Iterator[Later]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _before(one, met)
    elif isinstance(value, Later) and id(value) not in met:
        met.add(id(value))
        yield from _before(value.given, met)
        yield from _before(list(value.named.values()), met)
        yield value


def traced(machine: Machine, given: list[Any], named: dict[str, object], node: ast.AST) -> object:
    """What the outputs are for what goes in.

    Raises:
        Unread: an input of theirs is none of the model's.
    """
    inputs, outputs, fed = given
    pairs = zip(inputs, fed, strict=True) if isinstance(inputs, list | tuple) else [(inputs, fed)]
    found: dict[int, object] = {id(one): value for one, value in pairs}

    def value_of(one: object) -> Any:
        if isinstance(one, list | tuple):
            return type(one)(map(value_of, one))
        if not isinstance(one, Later):
            return one
        if id(one) not in found:
            if one.function is None:
                raise machine.record.unread(node, "an Input that is none of the model's inputs is used")
            words = {key: value_of(word) for key, word in one.named.items()}
            found[id(one)] = machine.called(one.function, value_of(one.given), words, node)
        return found[id(one)]

    return value_of(outputs)
