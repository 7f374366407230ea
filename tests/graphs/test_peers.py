"""Random graphs over all functions against PyTorch: values, gradients, and every formula in all terms and notations.

Each graph is exported for PyTorch, whose own autograd finds the gradients; then each printed formula is read back.
"""

from __future__ import annotations

import os
from contextlib import redirect_stdout
from io import StringIO

import pytest
from hypothesis import assume, given, note, settings

from backprop_cli.engine.graph import build
from backprop_cli.engine.ops import OPS
from backprop_cli.errors import BackpropError
from backprop_cli.language.reader import read_spec
from tests.checks.test_random_graphs import ANY, UNSTEADY, WRAPS, graphs
from tests.export.test_scripts import check_script
from tests.notation.test_read_back import ALL_TERMS
from tests.notation.test_read_back import check as check_notations

FUZZ = int(os.environ.get("BACKPROP_FUZZ", "1") or "1")

ELSE = {"hypot", "hardsigmoid", "hardswish"}
"""PyTorch has NaN at hypot's origin, where ours is 0 on purpose, and 1/6 in single precision."""

CALLS = [(op, sample) for op in OPS.values() for sample in op.samples
         if any(op.vjps) and op.name not in UNSTEADY | ELSE and set(sample.domains) <= WRAPS.keys()
         and None not in sample.shapes]  # fmt: skip
"""Also functions with kinks: what is drawn lands beside them."""


def check_against_pytorch(text: str, notations: bool) -> None:
    """Each node's value and gradient is PyTorch's, and each printed formula's value is the gradient."""
    note(text)
    spec = read_spec(text.encode(), "random.yaml", folder=None)
    try:
        with redirect_stdout(StringIO()):  # what the script prints
            check_script("torch", spec, 1e-7)
    except BackpropError:  # the exporter says what it does not write
        assume(False)
    if notations:
        check_notations(build(spec), ALL_TERMS)


@pytest.mark.peers
@settings(max_examples=25, derandomize=True, **ANY)
@given(graphs(calls=CALLS))
def test_a_random_graph_is_pytorchs(text: str) -> None:
    """A sample, where PyTorch is installed."""
    pytest.importorskip("torch")
    check_against_pytorch(text, notations=False)


@pytest.mark.peers
@pytest.mark.fuzz
@settings(max_examples=5000 * FUZZ, **ANY)
@given(graphs(calls=CALLS, most=7))
def test_thousands_of_random_graphs_are_pytorchs(text: str) -> None:
    """Five thousand, with every formula in all terms and notations (`make fuzz`); BACKPROP_FUZZ multiplies them."""
    pytest.importorskip("torch")
    check_against_pytorch(text, notations=True)


@pytest.mark.fuzz
@settings(max_examples=1000 * FUZZ, **ANY)
@given(graphs(calls=CALLS, most=7))
def test_the_formulas_of_many_random_graphs_are_read_back(text: str) -> None:
    """The same without PyTorch: every formula in all terms and notations is the gradient's value."""
    note(text)
    check_notations(build(read_spec(text.encode(), "random.yaml", folder=None)), ALL_TERMS)


def test_nearly_every_function_is_drawn() -> None:
    """The graphs are over the whole registry."""
    assert len({op.name for op, _ in CALLS}) >= 100
