"""Long networks: nothing in the program walks a graph by recursion."""

from __future__ import annotations

from typing import Any

import pytest

from backprop_cli.calculate import Settings, run

CHAINS = {
    "layers": lambda i, h: f"sigmoid(w @ {h})",
    "fan-out": lambda i, h: f"{h} + tanh({h})",
    "sums": lambda i, h: f"{h} * w[0, 0] + {h}",
}


@pytest.mark.parametrize("link", CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize("terms", [(), ("local", "nodes", "leaves")], ids=["numbers", "formulas"])
def test_a_thousand_nodes_in_a_row(link: Any, terms: tuple[str, ...], spec_of: Any) -> None:
    """A chain of 1000 nodes gives each its value, its gradient and its formula of one step."""
    nodes = "".join(f"  h_{i}: {link(i, f'h_{i - 1}' if i else 'x')}\n" for i in range(1000))
    spec = spec_of(f"inputs:\n  x: [[0.5], [0.1]]\nparams:\n  w: [[0.5, -0.2], [0.1, 0.3]]\n"
                   f"nodes:\n{nodes}  loss: sum(h_999)\nwrt: [w, x]\n")  # fmt: skip
    result = run(spec, Settings(terms=terms))
    assert len(result.nodes) == 1003
    for node in result.nodes:
        assert node.gradient is not None or node.name in {"w", "x"}
        if terms and node.gradient:
            assert "text" in dir(node.gradient.formula["local"]) or node.name == "w", node.name  # a sum of 1000 terms
