"""Static parameters of the wrong type or range: a clear error before anything runs, never another exception."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.interpret.composites import operand_names
from backprop_cli.engine.numbers import Words, plain
from backprop_cli.engine.ops import COMPOSITES, OPS, Composite, Op
from backprop_cli.engine.ops.base import ParameterError, ShapeError
from backprop_cli.engine.ops.samples import draw
from backprop_cli.engine.ops.validate import KIND

XP = Words()
ODD: tuple[Any, ...] = (-1, 0, 1, 2, -7, Fraction(1, 2), "x", "", None, True, False, (), (1, 2), (0,),
                        (Fraction(1, 2),),
                        10**5, math.inf, -math.inf, math.nan, ("a",), ((1, 2), 3), ((1, 2), (3, 4)), (0, 0), (-1,),
                        (None,))
FUNCTIONS = [f for f in (*OPS.values(), *COMPOSITES.values())
             if f.signature.parameters and f.name not in {"index", "scatter"}]


def accepted(function: Op | Composite, shapes: Any, parameters: dict[str, Any]) -> Any:
    """The shape a function promises (of a composite: its text); None where it refuses the parameters."""
    try:
        if isinstance(function, Op):
            return function.shape(*shapes, **parameters)
        names = operand_names(function.signature, len(shapes))
        given = {n: s for n, s in zip(names, shapes, strict=True) if s is not None}
        return function.body(given, **parameters)
    except (ShapeError, ParameterError):
        return None


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_odd_parameters(function: Op | Composite) -> None:
    """Whatever is not refused runs, and has the promised shape."""
    for sample in function.samples[:2]:
        usual = {**function.signature.parameters, **sample.parameters}
        xs = draw(sample, np.random.default_rng(3))
        for name in usual:
            for value in ODD:
                parameters = {**usual, name: value}
                shape = accepted(function, sample.shapes, parameters)
                if isinstance(function, Op) and shape is not None and math.prod(shape) < 10**6:
                    with np.errstate(all="ignore"):
                        y = function.forward(XP, *xs, **{k: plain(v) for k, v in parameters.items()})
                    assert np.shape(y) == shape, (name, value)


def test_every_parameter_has_a_kind() -> None:
    """The table of types knows every parameter of every function."""
    names = {name for f in (*OPS.values(), *COMPOSITES.values()) for name in f.signature.parameters}
    assert names == KIND.keys()
