"""A spec with the user's functions unfolded where they are called; `layers` were expanded when it was read."""

from __future__ import annotations

from collections.abc import Iterator

from backprop_cli.language.expression import Call, Expression, calls
from backprop_cli.language.functions import walk
from backprop_cli.language.model import Function, Spec
from backprop_cli.language.unparse import Unfolding
from backprop_cli.records import replace


def expanded(spec: Spec) -> Spec:
    """The same computation in plain nodes.

    A function stays, and is called, where its gradient is written by hand, or where an expression would grow over the
    limits of the language.
    """
    if not spec.functions:
        return spec
    taken = frozenset([leaf.name for leaf in spec.leaves] + [node.name for node in spec.nodes])
    unfold = Unfolding(spec.functions, taken).written
    nodes = []
    for node in spec.nodes:
        expression, text = unfold(node.expression, node.text)
        nodes.append(replace(node, expression=expression, text=text))
    passes = []
    for one in spec.backward:
        expression, text = unfold(one.output, one.output_text)
        passes.append(replace(one, output=expression, output_text=text))
    made = replace(
        spec, nodes=tuple(nodes), backward=tuple(passes), output=unfold(*spec.output) if spec.output else None,
        hooks={name: unfold(*written) for name, written in spec.hooks.items()},
    )  # fmt: skip
    return replace(made, functions=_called(made))


def _called(spec: Spec) -> dict[str, Function]:
    """The functions that are still called, also by one another."""
    found: set[str] = set()
    waiting = list(_expressions(spec))
    while waiting:
        for part in walk(waiting.pop()):
            if isinstance(part, Call) and calls(part, spec.functions) and part.function not in found:
                found.add(part.function)
                function = spec.functions[part.function]
                waiting += [function.body, *(expression for expression, _ in function.grads.values())]
    return {name: function for name, function in spec.functions.items() if name in found}


def _expressions(spec: Spec) -> Iterator[Expression]:
    yield from (node.expression for node in spec.nodes)
    yield from (one.output for one in spec.backward)
    yield from (expression for expression, _ in spec.hooks.values())
    if spec.output:
        yield spec.output[0]
