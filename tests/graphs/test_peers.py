"""Random graphs over all functions against PyTorch: values, gradients, and every formula in all terms and notations.

Each graph is exported for PyTorch, whose own autograd finds the gradients; then each printed formula is read back.
"""

from __future__ import annotations

import os
from contextlib import redirect_stdout, suppress
from io import StringIO
from random import Random

import pytest

from backprop_cli.engine.graph import build
from backprop_cli.engine.ops import OPS
from backprop_cli.errors import BackpropError
from backprop_cli.language.reader import read_spec
from tests.checks.test_random_graphs import UNSTEADY, WRAPS, random_graph
from tests.draws import searched, seeded, told
from tests.export.test_scripts import check_script
from tests.notation.test_read_back import check as check_notations
from tests.shipped import TERMS

FUZZ = int(os.environ.get("BACKPROP_FUZZ", "1") or "1")

ELSE = {"hypot", "hardsigmoid", "hardswish"}
"""PyTorch has NaN at hypot's origin, where ours is 0 on purpose, and 1/6 in single precision."""

CALLS = [(op, sample) for op in OPS.values() for sample in op.samples
         if any(op.vjps) and op.name not in UNSTEADY | ELSE and set(sample.domains) <= WRAPS.keys()
         and None not in sample.shapes]  # fmt: skip
"""Also functions with kinks: what is drawn lands beside them."""


def check_against_pytorch(text: str, notations: bool) -> None:
    """Each node's value and gradient is PyTorch's, and each printed formula's value is the gradient."""
    spec = read_spec(text.encode(), "random.yaml", folder=None)
    with told(text):
        with suppress(BackpropError), redirect_stdout(StringIO()):  # the exporter says what it does not write
            check_script("torch", spec, 1e-7)
        if notations:
            check_notations(build(spec), TERMS)


@pytest.mark.peers
@seeded(25)
def test_a_random_graph_is_pytorchs(draw: Random) -> None:
    """A sample, where PyTorch is installed."""
    pytest.importorskip("torch")
    check_against_pytorch(random_graph(draw, CALLS), notations=False)


@pytest.mark.peers
@pytest.mark.fuzz
@searched(5000 * FUZZ)
def test_thousands_of_random_graphs_are_pytorchs(draw: Random) -> None:
    """Five thousand, with every formula in all terms and notations (`make fuzz`); BACKPROP_FUZZ multiplies them."""
    pytest.importorskip("torch")
    check_against_pytorch(random_graph(draw, CALLS, most=7), notations=True)


@pytest.mark.fuzz
@searched(1000 * FUZZ)
def test_the_formulas_of_many_random_graphs_are_read_back(draw: Random) -> None:
    """The same without PyTorch: every formula in all terms and notations is the gradient's value."""
    text = random_graph(draw, CALLS, most=7)
    with told(text):
        check_notations(build(read_spec(text.encode(), "random.yaml", folder=None)), TERMS)


def test_nearly_every_function_is_drawn() -> None:
    """The graphs are over the whole registry."""
    assert len({op.name for op, _ in CALLS}) >= 100
