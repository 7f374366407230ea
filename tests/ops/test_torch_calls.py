"""Calls of PyTorch's functions, parameters and shapes of all kinds: the values and gradients that PyTorch 2.13 gave.

`data/torch_calls.jsonl.gz`: a call as it is written (our reader takes PyTorch's names), its leaves, a random seed, the
value and the gradients, in float64; `torch` is the call that was run where it is another one, and `singular` that it
is at a kink, a tie, a zero or an infinity, where a formula may be 0/0.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run
from tests.notation.test_read_back import check as check_notations

FILE = Path(__file__).resolve().parents[1] / "data" / "torch_calls.jsonl.gz"
CALLS = [json.loads(line) for line in gzip.decompress(FILE.read_bytes()).decode().splitlines()]
NAMES = [f"{number}-{call['call']}" for number, call in enumerate(CALLS)]
EVERY = 25
"""Of so many calls one has its formulas read back, too."""


def spec_of(call: dict[str, Any]) -> Any:
    """The call as a spec."""
    leaves = {section: call[section] for section in ("inputs", "params")}
    text = json.dumps({**leaves, "nodes": {"out": call["call"]}, "grad_output": call["seed"]})
    for written, meant in (('"-inf"', "-.inf"), ('"inf"', ".inf"), ('"nan"', ".nan")):
        text = text.replace(written, meant)
    return read_spec(text.encode(), "call", folder=None)


def numbers(written: Any) -> Any:
    """Nested lists, with infinities and NaN as text."""
    return np.asarray(np.vectorize(float)(written) if np.size(written) else written, dtype=float)


@pytest.mark.parametrize("call", CALLS, ids=NAMES)
def test_a_call_is_pytorchs(call: dict[str, Any]) -> None:
    """Value and gradients are those that PyTorch printed; none is a gradient of zeros."""
    nodes = run(spec_of(call), Settings(terms=())).by_name
    value = np.asarray(nodes["out"].value)
    assert value.size == np.size(call["value"])
    if value.size:
        np.testing.assert_allclose(value, numbers(call["value"]), rtol=1e-7, atol=1e-9)
    for name, wanted in call["gradients"].items():
        found, shape = nodes[name].gradient, np.shape(nodes[name].value)
        right = np.zeros(shape) if wanted is None else numbers(wanted).reshape(shape)
        np.testing.assert_allclose(np.zeros(shape) if found is None else found.value, right, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("call", [c for c in CALLS[::EVERY] if "init" not in json.dumps(c) and "singular" not in c],
                         ids=lambda call: call["call"])  # fmt: skip
def test_the_formulas_of_a_call_are_read_back(call: dict[str, Any]) -> None:
    """Every notation of the gradients has their value, for the calls of a sample that have entries and finite ones."""
    if np.isfinite(numbers(call["value"])).all():
        check_notations(build(spec_of(call)), ("nodes",))
