"""The Python API: what stands for a spec, what comes back, how it shows itself, and what importing it costs."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import backprop_cli
from backprop_cli.cli.boundary import invoke

ROOT = Path(__file__).resolve().parents[2]
TWO_LAYER = ROOT / "specs" / "two_layer.yaml"
CUBE = "params: {w: [1.0, -2.0]}\nnodes: {loss: sum(w**3)}\n"


def test_import_costs_nothing() -> None:
    """`import backprop_cli` imports neither numpy, sympy, yaml nor click; a name is loaded when it is used."""
    code = "import sys, backprop_cli; print(sorted({'numpy', 'sympy', 'yaml', 'click'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
    assert set(backprop_cli.__all__) <= set(dir(backprop_cli))
    with pytest.raises(AttributeError, match="no attribute 'rum'"):
        _ = backprop_cli.rum


@pytest.mark.parametrize("source", [
    CUBE, {"params": {"w": [1.0, -2.0]}, "nodes": {"loss": "sum(w**3)"}},
    {"params": {"w": np.array([1.0, -2.0])}, "nodes": {"loss": "sum(w**3)"}},
    "import torch\nw = torch.tensor([1.0, -2.0], requires_grad=True)\nloss = (w ** 3).sum()\nloss.backward()\n",
], ids=["text", "mapping", "arrays", "python"])  # fmt: skip
def test_sources(source: object) -> None:
    """Text, a mapping, arrays in it and Python source are one spec; its gradient is 3 w²."""
    result = backprop_cli.run(source)
    np.testing.assert_allclose(result["w"].grad, [3.0, 12.0])
    assert (result["w"].formula, result["w"].code) == ("3 w²", "3 * w**2")
    assert result.output == "loss"


def test_a_path_is_what_the_command_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """A path gives the numbers and formulas of `backprop run --format json`."""
    result = backprop_cli.run(TWO_LAYER)
    assert invoke(("run", str(TWO_LAYER), "--format", "json")) == 0
    told = json.loads(capsys.readouterr().out)["nodes"]
    assert list(result) == list(told)
    for name, node in result.items():
        np.testing.assert_allclose(node.value, told[name]["value"])
        gradient = told[name]["gradient"]
        assert (node.grad is None) == (gradient is None)
        if gradient is not None:
            np.testing.assert_allclose(node.grad, gradient["value"])
            assert node.formulas["local"]["text"] == gradient["formula"]["local"]["text"]


def test_settings() -> None:
    """Values, output, seed and leaves can be changed, as by the options of the command."""
    np.testing.assert_allclose(backprop_cli.run(CUBE, values={"w": np.array([2.0, 0.0])})["w"].grad, [12.0, 0.0])
    np.testing.assert_allclose(backprop_cli.run(CUBE, output="w[1]", grad_output=5)["w"].grad, [0.0, 5.0])
    assert backprop_cli.run(CUBE, terms=())["w"].formula is None


def test_check_and_derive() -> None:
    """`check` is true where independent answers agree; `derive` is the worked solution."""
    assert backprop_cli.check(TWO_LAYER)
    page = backprop_cli.derive(TWO_LAYER, "w2")
    assert "chain rule" in str(page)
    assert "\\odot" in page._repr_markdown_()


def test_grade() -> None:
    """Answers in a mapping are marked item by item."""
    marks = backprop_cli.grade(TWO_LAYER, {"w2.formula": "grad(z_2) @ y_1.T", "w1.grad": [[1.0], [2.0]]})
    assert marks.items == {"w2.formula": "right", "w1.grad": "wrong"}
    assert not marks


def test_errors_are_the_commands_own() -> None:
    """What is wrong with a source is an exception with code, place and hint; an unknown node says what was meant."""
    with pytest.raises(backprop_cli.BackpropError) as caught:
        backprop_cli.run("params: {w: 1.0}\nnodes: {y: sigmod(w)}\n")
    assert (caught.value.code, caught.value.at.line, caught.value.hint) == ("E012", 2, "did you mean 'sigmoid'?")
    with pytest.raises(KeyError, match="did you mean 'loss'"):
        _ = backprop_cli.run(CUBE)["lost"]


def test_rich_display() -> None:
    """A result shows itself: well-formed HTML with the graph, LaTeX, SVG; the user's text is escaped in all of it."""
    hostile = backprop_cli.run({"title": "<script>", "params": {"w": 2.0}, "nodes": {"y": "w * (w < 3)"}})
    page = ET.fromstring(f"<div>{hostile._repr_html_()}</div>")
    assert not [part for part in page.iter() if part.tag.endswith("script")]
    assert page.find("table") is not None
    ET.fromstring(hostile.graph._repr_svg_())
    result = backprop_cli.run(TWO_LAYER)
    latex = result["w2"]._repr_latex_()
    assert latex is not None
    assert latex.startswith("$")
    assert latex.endswith("$")
    assert result._repr_latex_().count("&=") == sum(node.latex is not None for node in result.values())
    assert str(result).startswith("Two-layer sigmoid network")


def test_a_gradient_in_a_node_has_the_commands_value() -> None:
    """sinc'' at 0 is -π²/3, and its terms, which have no value there, are not what the node is made of."""
    nodes = {"y": "sinc(2*t + 1)", "d": "grad(y, t)", "h": "grad(d, t)"}
    found = backprop_cli.run({"params": {"t": -0.5}, "nodes": nodes})
    assert found["h"].value == pytest.approx(-4 * math.pi**2 / 3)
