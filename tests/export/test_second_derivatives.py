"""Closure: the gradient of every function, as a spec, has its value, and its own gradient is the second derivative."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from backprop_cli.calculate import compute
from backprop_cli.errors import BackpropError
from backprop_cli.export.gradient import gradient_spec
from backprop_cli.graph import build
from backprop_cli.ops import COMPOSITES, OPS, Composite, Op
from backprop_cli.ops.base import Sample
from backprop_cli.ops.samples import draw
from backprop_cli.ops.shaping import index_text
from backprop_cli.spec.model import Leaf, NodeSpec, Spec
from backprop_cli.spec.reader import read_spec
from backprop_cli.spec.source import Source, inline
from backprop_cli.spec.unparse import parsed
from backprop_cli.spec.writer import write

STEP = 1e-5
EVERY: list[Op | Composite] = [*OPS.values(), *COMPOSITES.values()]
CASES = [pytest.param(f, sample, id=f"{f.name}-{i}") for f in EVERY for i, sample in enumerate(f.samples[:4])]


def spelled(value: Any) -> str:
    """A parameter as a user writes it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, tuple | list):
        return "(" + "".join(f"{spelled(item)}, " for item in value) + ")"
    return str(float(value) if isinstance(value, Fraction) else value)


def call(function: Op | Composite, sample: Sample, names: list[str]) -> str:
    """A call of a function on a sample's operands."""
    if function.name == "index":
        return f"x[{index_text(sample.parameters['index'])}]"
    given = {name: spelled(value) for name, value in sample.parameters.items()}
    if function.name == "scatter":
        given["index"] = repr(index_text(sample.parameters["index"]))
    if function.name == "einsum":
        return f"einsum({given['subscripts']}, {', '.join(names)})"
    operands = [f"[{', '.join(names)}]"] if function.signature.variadic else names
    return f"{function.name}({', '.join([*operands, *(f'{name}={text}' for name, text in given.items())])})"


def constant(array: Any) -> Any:
    """What makes the array."""
    return lambda: array


def spec_of(function: Op | Composite, sample: Sample) -> Spec:
    """A scalar that is no linear function of the call's value, on random operands."""
    rng = np.random.default_rng(11)
    arrays = draw(sample, rng)
    listed = [f"x{i}" for i in range(len(arrays))] if function.signature.variadic else list(function.signature.operands)
    names = [name if array is not None else "none" for name, array in zip(listed, arrays, strict=True)]
    kinds = ["input" if name in function.integer_operands else "param" for name in listed]
    leaves = tuple(Leaf(name, kind, np.shape(array), constant(np.asarray(array)), inline(name))  # type: ignore[arg-type]
                   for name, kind, array in zip(listed, kinds, arrays, strict=True) if array is not None)  # fmt: skip
    nodes = tuple(NodeSpec(name, *parsed(text), inline(name))
                  for name, text in (("y_", call(function, sample, names)), ("loss", "sum(sin(y_ + 1))")))  # fmt: skip
    return Spec(Source.of("<sample>", ""), leaves=leaves, nodes=nodes)


def gradients_of(spec: Spec, leaves: dict[str, Any]) -> dict[str, Any]:
    """Every leaf's gradient."""
    graph = build(spec)
    found = compute(graph, {graph.names[name]: array[()] for name, array in leaves.items()})
    return {name: found.gradient(graph.names[name]) for name in leaves}


@pytest.mark.parametrize(("function", "sample"), CASES)
def test_gradient_as_a_spec(function: Op | Composite, sample: Sample) -> None:
    """grad_x has the gradient's value; the gradient of Σ v·grad_x is a difference of grad_x along every direction."""
    spec = spec_of(function, sample)
    leaves = {leaf.name: np.asarray(leaf.load()) for leaf in spec.leaves}
    try:
        graph = build(spec)
    except BackpropError as error:
        assert error.code == "E017"  # nothing in it can be differentiated
        return
    first = gradients_of(spec, leaves)
    rng = np.random.default_rng(5)
    differentiable = [graph.nodes[i].name for i in sorted(graph.wrt) if first[graph.nodes[i].name] is not None]
    weights = {f"weight_{name}": rng.normal(size=np.shape(first[name])) for name in differentiable}
    inputs = tuple(Leaf(name, "input", array.shape, constant(array), inline(name)) for name, array in weights.items())
    text = write(gradient_spec(replace(spec, leaves=(*spec.leaves, *inputs))))
    second, given = read_spec(text.encode(), "gradient.yaml", folder=None), {**leaves, **weights}
    for name in differentiable:
        aimed = replace(second, output=parsed(f"sum(weight_{name} * grad_{name})"), grad_output=None)
        known = everything(aimed, given)
        np.testing.assert_allclose(known[f"grad_{name}"], first[name], rtol=1e-9, atol=1e-11)
        check_directions(aimed, given, differentiable, rng)


def check_directions(spec: Spec, leaves: dict[str, Any], names: list[str], rng: Any) -> None:
    """The gradients of a scalar agree with its differences along one direction for each leaf."""
    try:
        gradients = gradients_of(spec, leaves)
    except BackpropError as error:
        assert error.code == "E017"  # constant in every leaf
        gradients = dict.fromkeys(names, 0.0)
    for name in names:
        direction = rng.normal(size=leaves[name].shape)
        ends = [everything(spec, {**leaves, name: leaves[name] + sign * STEP * direction})["output"] for sign in (1, -1)]
        slope = np.sum(direction * (0.0 if gradients[name] is None else gradients[name]))
        np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * STEP), rtol=2e-5, atol=2e-6)


def everything(spec: Spec, leaves: dict[str, Any]) -> dict[str, Any]:
    """Every node's value."""
    graph = build(replace(spec, wrt="all"))
    found = compute(graph, {graph.names[name]: array[()] for name, array in leaves.items()})
    output = {"output": found.values[graph.passes[0].output]}
    return output | {name: found.values[index] for name, index in graph.names.items()}
