"""Long networks: nothing in the program walks a graph by recursion."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from backprop_cli.formulas.printed import Printed
from backprop_cli.tasks.calculate import Settings, run

CHAINS = {
    "layers": lambda i, h: f"sigmoid(w @ {h})",
    "fan-out": lambda i, h: f"{h} + tanh({h})",
    "sums": lambda i, h: f"{h} * w[0, 0] + {h}",
}


@contextmanager
def stack(frames: int) -> Iterator[None]:
    """Within it Python's stack has so many frames, a few of which are those of the tests."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize("link", CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize(("length", "terms"), [(2000, ()), (200, ("local", "nodes", "leaves"))])
def test_many_nodes_in_a_row(link: Any, length: int, terms: tuple[str, ...], spec_of: Any) -> None:
    """A chain longer than Python's stack gives each node its value, its gradient and its formula of one step."""
    nodes = "".join(f"  h_{i}: {link(i, f'h_{i - 1}' if i else 'x')}\n" for i in range(length))
    spec = spec_of(f"inputs:\n  x: [[0.5], [0.1]]\nparams:\n  w: [[0.5, -0.2], [0.1, 0.3]]\n"
                   f"nodes:\n{nodes}  loss: sum(h_{length - 1})\nwrt: [w, x]\n")  # fmt: skip
    with stack(length // 2 * 5 if terms else 1000):
        result = run(spec, Settings(terms=terms))
    assert len(result.nodes) == length + 3
    for node in result.nodes:
        assert node.gradient is not None or node.name in {"w", "x"}
        if terms and node.gradient:
            assert node.name == "w" or isinstance(node.gradient.formula["local"], Printed), node.name  # w: 200 terms
