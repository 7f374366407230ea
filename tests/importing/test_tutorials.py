"""Programs like those of the PyTorch tutorials: read as they stand, they give the numbers that the tutorials print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.importing.reading import chosen, import_python
from backprop_cli.tasks.result import Result
from tests import quick_yaml

FOLDER = Path(__file__).resolve().parents[1] / "data" / "tutorials"
CASES: list[dict[str, Any]] = quick_yaml.cases("tutorials/expect.yaml")


def result_of(case: dict[str, Any]) -> Result:
    """The run of the exercise that a case is about."""
    path = FOLDER / case["file"]
    text = chosen(import_python(path.read_bytes(), path.name), output=case.get("output")).text
    return run(read_spec(text.encode(), path.name, folder=None), Settings(terms=("nodes",)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['file']}-{case.get('get', 'shapes')}")
def test_tutorial(case: dict[str, Any]) -> None:
    """A tutorial's program gives the number that the tutorial prints, and the formula that its author derives."""
    nodes = result_of(case).by_name
    if "printed" in case:
        name, _, part = case["get"].partition(".")
        value = nodes[name].gradient.value if part == "grad" else nodes[name].value
        np.testing.assert_allclose(value, case["printed"], rtol=0, atol=max(case["within"], 1e-12))
        return
    assert {name: list(nodes[name].shape) for name in case["shapes"]} == case["shapes"]
    formula = nodes[case["of"].partition(".")[0]].gradient.formula["nodes"]
    assert formula["text"] == case["text"]
