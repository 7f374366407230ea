"""The reverse pass: a page that knows neither graphs, nor arrays, nor symbols, and the only one in the program.

Whoever has steps goes back over them here: a graph (`engine.passes`), the tape of a function's body
(`engine.custom`), the one expression of a derivation (`formulas.derivation`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from backprop_cli.language.model import Shape

Pick = Callable[[Any], Sequence[Any]]
"""Takes some of all values."""


class Edge(NamedTuple):
    """Where a gradient goes: an operand, by a rule, and the shape to sum back to (None: it has that shape already)."""

    operand: int
    rule: Callable[..., object]
    narrow: Shape | None = None


class Step(NamedTuple):
    """A node ready to run; a tuple, and pickers made beforehand, make a graph of 10,000 scalars cheap."""

    node: Any  # whatever the steps are of; handed to `arrive`
    place: int  # its index
    apply: Callable[..., Any]
    operands: Pick
    arguments: Pick  # its value and its operands
    edges: tuple[Edge, ...]


def pick(indices: Sequence[int]) -> Pick:
    """What takes the values at `indices`, always as a sequence."""
    if len(indices) > 1:
        return itemgetter(*indices)
    return itemgetter(slice(indices[0], indices[0] + 1) if indices else slice(0))


Gradients = list[Any] | MutableMapping[int, Any]
"""By index; None for what no gradient has come to."""


def go_back(
    steps: Iterable[Step],
    values: Any,
    gradients: Gradients,
    unbroadcast: Callable[[Any, Shape], Any],
    arrive: Callable[[Any, Any], Any] | None = None,
) -> None:
    """Hand the gradients on: each consumer contributes, then the node passes its whole gradient on.

    Args:
        steps: from the last to the first.
        values: of all nodes, by index.
        gradients: where the seed is, and where the others are added.
        unbroadcast: sums a contribution back to the shape of an operand that was repeated.
        arrive: sees each whole gradient; what it returns flows on.
    """
    for node, index, _, _, arguments, edges in steps:
        gradient = gradients[index]
        if gradient is None or not edges:
            continue
        if arrive is not None:
            gradient = gradients[index] = arrive(node, gradient)
        given = (gradient, *arguments(values))
        for operand, rule, narrow in edges:
            contribution = rule(*given)
            if narrow is not None:
                contribution = unbroadcast(contribution, narrow)
            earlier = gradients[operand]
            gradients[operand] = contribution if earlier is None else earlier + contribution
