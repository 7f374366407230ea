"""Nearest neighbours on a grid of any size, written out or worked out."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run

OLD = 7


@pytest.mark.parametrize("size", [10, 1000])
@pytest.mark.parametrize(("mode", "shift"), [("nearest", Fraction(0)), ("nearest-exact", Fraction(1, 2))])
def test_each_place_takes_its_nearest_entry(size: int, mode: str, shift: Fraction) -> None:
    """Place i is entry ⌊(i + shift)·old/new⌋, also where too many places are asked for to write each of them out."""
    x = np.arange(1.0, OLD + 1)
    call = f"interpolate(x, size={size}, mode='{mode}')"
    text = f'params: {{x: [[{x.tolist()}]]}}\nnodes: {{z: "{call}", y: sum(z**2)}}\n'
    result = run(read_spec(text.encode(), "net", folder=None), Settings(terms=("local",)))
    nodes = {node.name: node for node in result.nodes}
    places = [math.floor((i + shift) * Fraction(OLD, size)) for i in range(size)]
    gradient = nodes["x"].gradient
    assert gradient is not None
    np.testing.assert_array_equal(np.ravel(nodes["z"].value), x[places])
    np.testing.assert_allclose(np.ravel(gradient.value), 2 * x * np.bincount(places, minlength=OLD))
