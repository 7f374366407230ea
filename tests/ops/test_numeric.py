"""80 worked examples from textbooks, courses and frameworks: every named node's value and gradient."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run
from tests import quick_yaml

FILES = sorted((Path(__file__).resolve().parent.parent / "data" / "numeric").glob("*.yaml"))
RENAMED = {
    r"\bmaxpool2d\(": "max_pool2d(", r"\bavgpool2d\(": "avg_pool2d(",
    r"\bgelu_tanh\((\w+)\)": r"gelu(\1, approximate='tanh')",
    r"\blo=": "min_val=", r"\bhi=": "max_val=", r"^bce_logits\((.*)\)$": r"binary_cross_entropy_with_logits(\1)",
}  # fmt: skip
"""The examples' own names, as the language has them."""


def spec_of(example: dict[str, Any]) -> Any:
    """The example as a spec; what it holds constant is an input, the rest params."""
    constants = example.get("constants") or []
    nodes = {}
    for line in example["program"]:
        name, _, expression = (part.strip() for part in line.partition("="))
        for pattern, ours in RENAMED.items():
            expression = re.sub(pattern, ours, expression)
        nodes[name] = expression
    leaves = {name: np.asarray(value, dtype=float).tolist() for name, value in example["inputs"].items()}
    spec = {
        "inputs": {name: value for name, value in leaves.items() if name in constants},
        "params": {name: value for name, value in leaves.items() if name not in constants},
        "nodes": nodes, "output": example["output"], "grad_output": example["cotangent"],
    }  # fmt: skip
    return read_spec(json.dumps(spec).encode(), example["id"], folder=None)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_values_and_gradients_are_the_reference(path: Path) -> None:
    """Every number of the reference, to 1e-9 relative."""
    example = quick_yaml.load(path.read_text(encoding="utf-8"))
    nodes = run(spec_of(example), Settings(terms=())).by_name
    for name, expected in example["reference"]["values"].items():
        np.testing.assert_allclose(nodes[name].value, expected, rtol=1e-9, atol=1e-12, err_msg=name)
    for name, expected in example["reference"]["gradients"].items():
        gradient = nodes[name].gradient
        assert gradient is not None, name
        np.testing.assert_allclose(gradient.value, expected, rtol=1e-9, atol=1e-12, err_msg=name)


def test_there_are_eighty() -> None:
    """A glob that finds nothing would pass everything."""
    assert len(FILES) == 80
