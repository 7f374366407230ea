"""Forward mode in numbers and formulas: each node's tangent beside its value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.graph.tangents import Tangents, with_tangents
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.passes import forward, plan
from backprop_cli.errors import SpecError, UsageError
from backprop_cli.formulas.marks import MARKED
from backprop_cli.formulas.printed import NOTATIONS, Printed, dotted
from backprop_cli.language.model import Leaf, Spec
from backprop_cli.language.overrides import override
from backprop_cli.records import replace
from backprop_cli.tasks.at_hand import Numbered
from backprop_cli.tasks.leaves import DEFAULT_MAX_BYTES, load_leaves
from backprop_cli.tasks.result import Result, Tangent


def directions(spec: Spec, settings: Sequence[str]) -> dict[str, Leaf]:
    """The tangents of leaves, `x=1` or `x=[1, 0]`; a number goes to every entry.

    Raises:
        UsageError: E022 for what is no leaf, does not fit its shape, or is given twice.
    """
    _once_each(settings)
    plain = replace(spec, leaves=tuple(replace(leaf, shape=tuple(map(int, leaf.shape))) for leaf in spec.leaves))
    leaves = {leaf.name: leaf for leaf in spec.leaves}
    changed = override(plain, settings, option="--tangent")
    found: dict[str, Leaf] = {}
    for leaf, before in zip(changed.leaves, plain.leaves, strict=True):
        if leaf is before:
            continue
        if leaf.load is None or leaf.shape not in ((), before.shape):
            wanted = f"a number, or an array of shape {before.shape}"
            raise UsageError("E022", f"--tangent {leaf.name} needs {wanted}", hint=f"--tangent {leaf.name}=1")
        value = np.broadcast_to(np.asarray(leaf.load(), dtype=float), before.shape)
        found[leaf.name] = replace(leaves[leaf.name], load=lambda value=value: value, written=None)
    return found


def _once_each(settings: Sequence[str]) -> None:
    """A leaf moves in one direction: the second of two would silently replace the first."""
    names = [setting.partition("=")[0].strip() for setting in settings]
    for name in names:
        if names.count(name) > 1:
            raise UsageError("E022", f"--tangent {name[:64]} is given {names.count(name)} times",
                             hint="a leaf moves one way at a time: a run for each direction")


def with_seed(spec: Spec) -> Spec:
    """The spec, its reverse pass from ones where it says no seed and its output is no number.

    A tangent needs none: of y = f(x) it is ∂y/∂x · ẋ, whatever the shape of y.

    Raises:
        SpecError: what else is wrong with the spec.
    """
    try:
        build(spec)
    except SpecError as error:
        if error.code != "E018" or spec.backward:
            raise
        return replace(spec, grad_output="ones")
    return spec


def with_forward_mode(result: Result, spec: Spec, given: Mapping[str, Leaf], formulas: bool,
                      max_bytes: int = DEFAULT_MAX_BYTES, notations: Sequence[str] = ()) -> Result:  # fmt: skip
    """The result of a run with every node's tangent, found in one pass with the values.

    `notations` may ask for MathML beside what every result holds.
    """
    graph = build(spec)
    made = with_tangents(graph, given, Numbered(graph, max_bytes))
    twin = build(replace(made.spec, output=spec.output or graph_output(graph)))
    meaning = Numbers(twin)
    with np.errstate(all="ignore"):
        values = forward(twin, plan(twin, meaning), meaning, load_leaves(twin, max_bytes))
    wanted = (*NOTATIONS, *(name for name in notations if name == "mathml" or name in MARKED.values()))
    written = _formulas(twin, values, made, wanted) if formulas else {}
    nodes = tuple(replace(node, tangent=_tangent(node.name, made, twin, values, written))
                  for node in result.nodes)  # fmt: skip
    return replace(result, nodes=nodes, direction={name: np.asarray(leaf.load()) for name, leaf in given.items()})


def graph_output(graph: Graph) -> Any:
    """The output of a spec that names none, so that a tangent is not taken for it."""
    from backprop_cli.language.expression import parse
    from backprop_cli.language.source import BY_PROGRAM, inline

    text = inline(graph.output_name, BY_PROGRAM)
    return parse(text), text


def _tangent(name: str, made: Tangents, twin: Graph, values: Any, written: Mapping[str, Printed]) -> Tangent:
    """A node's tangent; 0 where nothing that moves lies below."""
    if name not in made.names:
        shape = tuple(map(int, twin.nodes[twin.names[name]].shape)) if name in twin.names else ()
        return Tangent(np.zeros(shape)[()], None, dotted(name))
    return Tangent(values[twin.names[made.names[name]]], written.get(name), dotted(name))


def _formulas(twin: Graph, values: Any, made: Tangents, notations: Sequence[str]) -> dict[str, Printed]:
    from backprop_cli.formulas.tangents import tangent_formulas  # imports sympy

    return tangent_formulas(twin, values, made.names, notations)
