"""Notebooks as PyTorch's tutorials write them: imported as they stand, each exercise gives PyTorch's numbers."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.importing.reading import import_python
from backprop_cli.tasks.importing.state.torch_draws import TorchDraws
from tests.importing.autograd_notebooks import CELLS, GRADIENTS

ADDED = {"quickstart": {1: 2}}
"""Exercises of a notebook that are several backward calls of PyTorch's, whose gradients add up."""


def notebook(name: str) -> bytes:
    """A notebook as the file that Jupyter writes."""
    cells = [{"cell_type": "markdown", "metadata": {}, "source": [f"# {name}"]},
             *({"cell_type": "code", "metadata": {}, "source": text.strip().splitlines(keepends=True)}
               for text in CELLS[name])]  # fmt: skip
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def gradients(name: str) -> list[dict[str, list[float]]]:
    """Of each exercise, the first entries of each leaf's gradient."""
    found = []
    for one in import_python(notebook(name), f"{name}.ipynb"):
        nodes = run(read_spec(one.text.encode(), "imported", folder=None), Settings(terms=())).by_name
        values = {leaf: nodes[leaf].gradient for leaf in one.params}
        assert all(value is not None for value in values.values())
        found.append({leaf: np.ravel(value.value)[:5].tolist() for leaf, value in values.items() if value})
    return found


@pytest.mark.parametrize("name", CELLS)
def test_a_notebook_gives_its_authors_numbers(name: str) -> None:
    """Every backward pass of a notebook is an exercise, in its order, with the gradients that PyTorch gives."""
    found = gradients(name)
    assert [set(one) for one in found] == [set(one) for one in GRADIENTS[name]]
    for ours, theirs in zip(found, GRADIENTS[name], strict=True):
        for leaf, values in theirs.items():
            np.testing.assert_allclose(ours[leaf], values, rtol=2e-4, atol=6e-5)


def leaves_of(output: Any) -> list[Any]:
    """The leaves below a tensor of PyTorch's."""
    seen: set[Any] = set()
    found, stack = [], [output.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        found += [node.variable] if hasattr(node, "variable") else []
        stack += [following for following, _ in node.next_functions]
    return found if output.grad_fn is not None else [output]


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("name", sorted(set(CELLS) - {"graph"}))
def test_the_numbers_are_pytorchs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stored gradients are those of PyTorch itself, running the cells; of training loops the first round."""
    torch: Any = pytest.importorskip("torch")
    for module in ("matplotlib", "matplotlib.pyplot", "matplotlib.ticker"):
        stand_in = MagicMock()
        stand_in.subplots.return_value = (MagicMock(), MagicMock())
        monkeypatch.setitem(sys.modules, module, stand_in)
    monkeypatch.setattr(sys.modules["matplotlib"], "pyplot", sys.modules["matplotlib.pyplot"])
    passes: list[list[list[float]]] = []
    backward = torch.Tensor.backward

    def noted(output: Any, *given: Any, **named: Any) -> None:
        leaves = leaves_of(output)
        before = [0 if leaf.grad is None else leaf.grad.clone() for leaf in leaves]
        backward(output, *given, **named)
        passes.append([(leaf.grad - old).ravel()[:5].tolist() for leaf, old in zip(leaves, before, strict=True)])

    monkeypatch.setattr(torch.Tensor, "backward", noted)
    text = "\n".join(line for cell in CELLS[name] for line in cell.splitlines() if not line.startswith(("%", "!")))
    with contextlib.redirect_stdout(io.StringIO()):
        exec(re.sub(r"range\(\d{2,}\)", "range(1)", text), {})
    wanted = [sorted(one.values()) for one in GRADIENTS[name]]
    for at, count in ADDED.get(name, {}).items():
        added = np.sum([passes.pop(at) for _ in range(count)], axis=0).tolist()
        passes.insert(at, added)
    assert len(passes) == len(wanted)
    for ours, theirs in zip(wanted, passes, strict=True):
        for one, other in zip(ours, sorted(theirs), strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-4, atol=6e-5)


def test_the_first_numbers_of_a_seed_are_pytorchs() -> None:
    """`torch.manual_seed(0)` and a draw of each law begin with what PyTorch prints."""
    draws = TorchDraws()
    draws.seed(0)
    np.testing.assert_allclose(draws.draw("normal", (3,), 0, 1), [1.5410, -0.2934, -2.1788], atol=5e-5)
    draws.seed(0)
    np.testing.assert_allclose(draws.draw("uniform", (3,), 0, 1), [0.4963, 0.7682, 0.0885], atol=5e-5)
    draws.forget()
    assert draws.draw("uniform", (3,), 0, 1) is None


@pytest.mark.peers
@pytest.mark.parametrize("seed", [0, 7, 2147483647, 123456789012])
def test_draws_are_pytorchs(seed: int) -> None:
    """Every law gives PyTorch's numbers, in single and in double precision, in the order in which they are drawn."""
    torch: Any = pytest.importorskip("torch")
    draws, double = TorchDraws(), torch.float64
    draws.seed(seed)
    torch.manual_seed(seed)
    pairs = [
        (draws.draw("uniform", (3, 4), 0, 1), torch.rand(3, 4)), (draws.draw("normal", (5,), 0, 1), torch.randn(5)),
        (draws.draw("normal", (4, 6), 0, 1), torch.randn(4, 6)), (draws.draw("normal", (3,), 0, 1), torch.randn(3)),
        (draws.draw("integers", (9,), 2, 11), torch.randint(2, 11, (9,))), (draws.permutation(7), torch.randperm(7)),
        (draws.draw("normal", (5, 5), 0, 1, True), torch.randn(5, 5, dtype=double)),
        (draws.draw("uniform", (3,), 0, 1, True), torch.rand(3, dtype=double)),
        (draws.draw("normal", (2, 3), 1, 0.5), torch.normal(1.0, 0.5, (2, 3))),
    ]  # fmt: skip
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-5, atol=3e-7)
