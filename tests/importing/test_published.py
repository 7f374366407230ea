"""Programs as people publish them: read as they stand, they give their own loss and their own gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import backprop_cli
from backprop_cli.tasks.importing.reading import import_python
from tests import quick_yaml

FOLDER = Path(__file__).resolve().parents[1] / "data" / "published"
CASES: list[dict[str, Any]] = quick_yaml.cases("published/expect.yaml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["file"]))
def test_published(case: dict[str, Any]) -> None:
    """Rule: the params are the program's, and loss and gradients are what it works out itself."""
    text = import_python((FOLDER / case["file"]).read_bytes(), case["file"])[0].text
    spec = yaml.safe_load(text)
    run = backprop_cli.run(text)
    found = {name: float(np.sum(np.square(run[name].grad))) for name in case["gradients"]}
    assert sorted(spec["params"]) == sorted(case["gradients"])
    np.testing.assert_allclose(list(found.values()), list(case["gradients"].values()), rtol=4e-3, atol=1e-7)
    if "loss" in case:
        np.testing.assert_allclose(np.sum(run[spec["output"]].value), case["loss"], rtol=2e-3)
