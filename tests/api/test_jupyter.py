"""A notebook executed by Jupyter's own client and kernel: what a cell ends with is shown as it should be."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

pytestmark = pytest.mark.peers

nbclient: Any = pytest.importorskip("nbclient")
nbformat: Any = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

SPEC = """params: {w: [[1.0, 2.0], [3.0, 4.0]]}
inputs: {x: [1.0, -1.0]}
nodes:
  z: w @ x
  loss: sum(tanh(z))
"""
TORCH = """import torch
w = torch.tensor([1.0, 2.0], requires_grad=True)
loss = (w ** 3).sum()
loss.backward()
"""
CELLS = (
    "import backprop_cli",
    f"result = backprop_cli.run({SPEC!r})\nresult",
    "result['w']",
    "result.graph",
    "backprop_cli.derive({'params': {'a': 2.0}, 'nodes': {'y': 'a**3'}})",
    f"backprop_cli.run({TORCH!r})['w'].grad",
    "backprop_cli.grade({'params': {'a': 2.0}, 'nodes': {'y': 'a**3'}}, {'a.grad': 12.0})",
    "backprop_cli.run({'params': {'a': 2.0}, 'nodes': {'y': 'sine(a)'}})",
)


@pytest.fixture(scope="module")
def outputs() -> list[list[Any]]:
    """The outputs of each cell, in a kernel of its own."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", allow_errors=True).execute()
    return [cell.outputs for cell in notebook.cells]


def shown(outputs: list[list[Any]], cell: int) -> dict[str, str]:
    """What a cell shows, by its kind."""
    (output,) = outputs[cell]
    assert output.output_type == "execute_result"
    return dict(output.data)


def test_a_result_shows_its_graph_and_its_table(outputs: list[list[Any]]) -> None:
    """HTML for the page, LaTeX for a print of it, text for a terminal; the HTML is well formed."""
    data = shown(outputs, 1)
    assert {"text/html", "text/latex", "text/plain"} <= set(data)
    page = ET.fromstring(f"<div>{data['text/html']}</div>")
    assert any(part.tag.endswith("svg") for part in page.iter())
    assert any(part.tag == "table" for part in page.iter())
    assert "loss" in data["text/plain"]


def test_a_node_and_the_graph_show_themselves(outputs: list[list[Any]]) -> None:
    """A node is its formula in LaTeX, the graph an SVG."""
    assert shown(outputs, 2)["text/latex"].startswith("$")
    ET.fromstring(shown(outputs, 3)["image/svg+xml"])


def test_what_else_a_cell_may_end_with(outputs: list[list[Any]]) -> None:
    """A derivation is Markdown, a gradient an array, marks are shown; Python source is read as it is given."""
    assert "text/markdown" in shown(outputs, 4)
    assert shown(outputs, 5)["text/plain"].startswith("array([ 3., 12.])")
    assert "right" in shown(outputs, 6)["text/plain"] + shown(outputs, 6).get("text/html", "")


def test_an_error_is_one_that_helps(outputs: list[list[Any]]) -> None:
    """What is wrong with a spec ends the cell with our own error and its hint."""
    (output,) = outputs[7]
    assert output.output_type == "error"
    assert output.ename == "SpecError"
    assert "sin" in output.evalue
