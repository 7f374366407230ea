"""A parameter that is a number may be any: formulas take it as exactly as numbers do."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.ops import COMPOSITES, OPS
from backprop_cli.errors import Failures, SpecError
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run

TRIED = {(name, parameter): known for name, known in {**OPS, **COMPOSITES}.items()
         if not known.signature.variadic for parameter in known.signature.parameters}  # fmt: skip


def spelled(value: Any) -> str:
    """A parameter in the language."""
    return repr(value) if isinstance(value, tuple | str) else json.dumps(value, default=float)


@pytest.mark.parametrize(("name", "parameter"), TRIED, ids=map(" ".join, TRIED))
def test_a_broken_number_is_taken_or_refused(name: str, parameter: str) -> None:
    """1.5 for any parameter: numbers and formulas, or a refusal; never an internal error."""
    known = TRIED[name, parameter]
    sample, draw = known.samples[0], np.random.default_rng(0)
    leaves = {f"a{i}": np.abs(draw.normal(size=shape)).round(3).tolist()
              for i, shape in enumerate(sample.shapes) if shape is not None}  # fmt: skip
    given = {**sample.parameters, parameter: 1.5}
    call = f"{name}({', '.join([*leaves, *(f'{key}={spelled(value)}' for key, value in given.items())])})"
    text = json.dumps({"params": leaves, "nodes": {"y": f"sum({call})"}})
    try:
        result = run(read_spec(text.encode(), "spec.yaml", folder=None), Settings(terms=("local",)))
    except (SpecError, Failures):
        return  # refused
    gradients = [node.gradient for node in result.by_name.values() if node.gradient is not None]
    assert all(gradient.formula["local"] for gradient in gradients)
