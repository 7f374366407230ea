"""Every function of the registry on its samples, each as a spec of its own."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.ops import COMPOSITES, OPS, Composite, Op
from backprop_cli.engine.ops.base import Sample
from backprop_cli.engine.ops.samples import draw
from backprop_cli.engine.ops.subscripts import index_text
from backprop_cli.language.model import Leaf, NodeSpec, Spec
from backprop_cli.language.source import Source, inline
from backprop_cli.language.unparse import parsed

EVERY: list[Op | Composite] = [*OPS.values(), *COMPOSITES.values()]
CASES = [pytest.param(f, sample, id=f"{f.name}-{i}") for f in EVERY for i, sample in enumerate(f.samples[:2])]

FLAT = {
    "arange", "argcummax", "argcummin", "argmax", "argmin", "argsort", "ceil", "equal", "eye", "floor", "greater",
    "greater_equal", "less", "less_equal", "max_pool1d_indices", "max_pool2d_indices", "max_pool3d_indices",
    "not_equal", "one_hot", "ones", "resize_matrix", "round", "sign", "stop_gradient", "trunc", "zeros",
}  # fmt: skip
"""Functions through which nothing flows."""


def is_flat(function: Op | Composite) -> bool:
    """Whether nothing flows through it."""
    return function.name in FLAT or isinstance(function, Composite) and function.flat


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
