"""Gradients that users wrote, at hard points: the right one is accepted, and each of three others is found wrong."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.checks import check
from tests import quick_yaml

FUNCTIONS: dict[str, dict[str, Any]] = quick_yaml.cases("own_gradients.yaml")
WRONG = [(name, number) for name, one in FUNCTIONS.items() for number in range(len(one["wrong"]))]


def is_accepted(name: str, gradients: dict[str, str]) -> bool:
    """What `check` says of a function with these gradients, at its numbers."""
    one = FUNCTIONS[name]
    function = {"args": [*one["leaves"]], "body": one["body"],
                "grads": {leaf: re.sub(r"\bG\b", "grad(out)", text) for leaf, text in gradients.items()}}
    data = {"params": one["leaves"], "functions": {"f": function},
            "nodes": {"y": f"f({', '.join(one['leaves'])})", "loss": one["output"]}, "output": "loss"}
    return check(read_spec(json.dumps(data).encode(), name, folder=None)).ok


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_right_gradient_is_accepted(name: str) -> None:
    """Rule: no gradient is accused for a kink, for what rounding leaves of it, or for what it is at other numbers."""
    assert is_accepted(name, FUNCTIONS[name]["right"])


@pytest.mark.parametrize(("name", "number"), WRONG, ids=[f"{name}-{number}" for name, number in WRONG])
def test_a_wrong_gradient_is_found(name: str, number: int) -> None:
    """Rule: no kink hides a wrong one, nor a tiny, steep or cancelling function, nor numbers at which it is right."""
    assert not is_accepted(name, FUNCTIONS[name]["wrong"][number])
