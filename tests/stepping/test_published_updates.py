"""Updates as courses and notebooks print them: every param after every step, to the digits that were printed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests import quick_yaml
from tests.conftest import Backprop

CASES = quick_yaml.cases("published_updates.yaml")


def stepped(backprop: Backprop, case: Any, *more: str) -> dict[str, Any]:
    """The JSON of the steps that a case asks for."""
    args = (*case["args"].split(), *more, "--terms", "none", "--format", "json")
    done = backprop("step", "-", *args, stdin=json.dumps(case["spec"]))
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


@pytest.mark.parametrize("case", [case for case in CASES if "steps" in case], ids=lambda case: case["id"])
def test_each_step_is_the_published_one(backprop: Backprop, case: Any) -> None:
    """The params after 1, 2, ... steps differ from what was printed by half of its last digit at most."""
    name, printed = next(iter(case["steps"].items()))
    for number in {1, len(printed)}:
        found = stepped(backprop, case, "--steps", str(number))["params"]
        for name, printed in case["steps"].items():
            texts = np.array(printed[number - 1])
            digits = np.vectorize(lambda text: 0.51 * 10.0 ** -len(text.partition(".")[2]))(texts)
            assert (np.abs(texts.astype(float) - np.array(found[name]["new"])) <= digits).all(), (name, number)


@pytest.mark.parametrize("case", [case for case in CASES if "first" in case], ids=lambda case: case["id"])
def test_the_table_of_the_first_step(backprop: Backprop, case: Any) -> None:
    """The slope and the rule's state of the first param's first entry are those of the page."""
    found = stepped(backprop, case, "--steps", "1", "--every", "1")["params"]
    table = next(iter(next(iter(found.values()))["table"].values()))[0]
    assert {key: table[key] for key in case["first"]} == pytest.approx(case["first"], rel=1e-9)


@pytest.mark.parametrize("case", [case for case in CASES if "last" in case], ids=lambda case: case["id"])
def test_where_many_steps_end(backprop: Backprop, case: Any) -> None:
    """To all digits of a double."""
    found = stepped(backprop, case)["params"]
    assert {name: found[name]["new"] for name in case["last"]} == pytest.approx(case["last"], rel=1e-12)
