"""The reverse pass: a page that knows neither graphs, nor arrays, nor symbols, and the only one in the program.

Whoever has steps goes back over them here: a graph (`engine.passes`), the tape of a function's body
(`engine.custom`), the one expression of a derivation (`formulas.derivation`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass

Edge = tuple[int, Callable[..., Any] | None, int | None, Shape | None]
"""Where a gradient goes: an operand, by a rule, with a factor, and the shape to sum to (None: it has that already).

The rule takes (g, y, *operands); (g, factor) where the index of one factor says all; None hands g on.  A plain tuple,
since a long chain has thousands: reading the fields of an object took a tenth of the reverse pass.
"""


@dataclass(slots=True)
class Step:
    """A node ready to run; not frozen, which would take three times as long to make.

    `left` and `right` are the operands of an op of one or two: a call with a tuple of arguments, as all others need
    it, takes twice the time of one without, and a graph of 10,000 scalars is made of calls.
    """

    node: Any  # whatever the steps are of; handed to `arrive`
    place: int  # its index
    apply: Callable[..., Any]
    inputs: tuple[int, ...]
    edges: tuple[Edge, ...]
    left: int | None = None
    right: int | None = None
    spent: tuple[tuple[int, object], ...] = ()  # values that nobody reads once it has run, and what takes their place
    passing: bool = False  # its gradient is not asked for once it is handed on

    def operands(self, values: Any) -> list[Any]:
        """The values of its operands, of those of all nodes."""
        return [values[i] for i in self.inputs]


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
    for step in steps:
        gradient = gradients[step.place]
        if gradient is None or not step.edges:
            continue
        if arrive is not None:
            gradient = gradients[step.place] = arrive(step.node, gradient)
        if step.passing:
            gradients[step.place] = None
        for operand, rule, factor, narrow in step.edges:
            if rule is None:
                contribution = gradient
            elif factor is not None:
                contribution = rule(gradient, values[factor])
            elif step.left is None:
                contribution = rule(gradient, values[step.place], *[values[i] for i in step.inputs])
            elif step.right is None:
                contribution = rule(gradient, values[step.place], values[step.left])
            else:
                contribution = rule(gradient, values[step.place], values[step.left], values[step.right])
            if narrow is not None:
                contribution = unbroadcast(contribution, narrow)
            earlier = gradients[operand]
            gradients[operand] = contribution if earlier is None else earlier + contribution
