"""Closure: the gradient of every function, as a spec, has its value, and its own gradient is the second derivative."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.ops import Composite, Op
from backprop_cli.engine.ops.base import Sample
from backprop_cli.errors import SpecError
from backprop_cli.language.model import Leaf
from backprop_cli.language.reader import read_spec
from backprop_cli.language.source import inline
from backprop_cli.language.unparse import parsed
from backprop_cli.language.writer import write
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.export.gradient import gradient_spec
from tests.export.samples import CASES, constant, is_flat, spec_of
from tests.together import by_function

STEP = 1e-5


def computed(graph: Graph, leaves: dict[str, Any]) -> Computed:
    """A graph's values and gradients at these leaves."""
    return compute(graph, {graph.names[name]: array[()] for name, array in leaves.items()})


@by_function(CASES)
def test_gradient_as_a_spec(function: Op | Composite, sample: Sample) -> None:
    """grad_x has the gradient's value; the gradient of Σ v·grad_x, of all x, is its difference along a direction."""
    spec = spec_of(function, sample)
    leaves = {leaf.name: np.asarray(leaf.load()) for leaf in spec.leaves}
    graph = None
    with suppress(SpecError):  # nothing in it can be differentiated
        graph = build(spec)
    if graph is None:
        assert is_flat(function)
        return
    known = computed(graph, leaves)
    first = {name: known.gradient(graph.names[name]) for name in leaves}
    rng = np.random.default_rng(5)
    names = [graph.nodes[i].name for i in sorted(graph.wrt) if first[graph.nodes[i].name] is not None]
    if not names:
        return
    weights = {f"weight_{name}": rng.normal(size=np.shape(first[name])) for name in names}
    inputs = tuple(Leaf(name, "input", array.shape, constant(array), inline(name)) for name, array in weights.items())
    text = write(gradient_spec(replace(spec, leaves=(*spec.leaves, *inputs))))
    second, given = read_spec(text.encode(), "gradient.yaml", folder=None), {**leaves, **weights}
    output = parsed(" + ".join(f"sum(weight_{name} * grad_{name})" for name in names))
    aimed = build(replace(second, output=output, grad_output=None, wrt="all"))
    found = computed(aimed, given)
    for name in names:
        np.testing.assert_allclose(found.values[aimed.names[f"grad_{name}"]], first[name], rtol=1e-9, atol=1e-11)
    check_direction(aimed, found, given, names, rng, isinstance(function, Op) and function.near is not None)


def check_direction(graph: Graph, known: Computed, leaves: dict[str, Any], names: list[str], rng: Any,
                    symmetric: bool = False) -> None:  # fmt: skip
    """The gradients of a scalar agree with its difference along a direction in which all leaves move at once.

    A function that reads one triangle of a symmetric matrix has a gradient along symmetric directions alone.
    """
    directions = {name: rng.normal(size=leaves[name].shape) for name in names}
    if symmetric:
        directions = {name: one + np.swapaxes(one, -1, -2) for name, one in directions.items()}
    gradients = {name: known.gradient(graph.names[name]) for name in names}
    slope = sum(np.sum(directions[name] * one) for name, one in gradients.items() if one is not None)
    moved = ({**leaves, **{name: leaves[name] + move * one for name, one in directions.items()}}
             for move in (STEP, -STEP))  # fmt: skip
    ends = [computed(graph, given).values[graph.passes[0].output] for given in moved]
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * STEP), rtol=2e-5, atol=2e-6)
