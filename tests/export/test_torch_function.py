"""`export --to torch-function`: the derived gradients as a torch.autograd.Function, and PyTorch's gradcheck of it."""

from __future__ import annotations

import ast
import contextlib
import io
from pathlib import Path

import numpy as np
import pytest

from backprop_cli.language.reader import load_spec, read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.export.as_torch_function import class_name, export

FOLDER = Path(__file__).parents[2] / "specs"
SPECS = sorted([*FOLDER.glob("*.yaml"), *FOLDER.glob("layers/*.yaml")])
OWN = b"""
functions:
  cube:
    args: [x, a]
    body: a * x**3
    grads: {x: grad(out) * a * 3 * x**2, a: sum(grad(out) * x**3)}
params: {w: [0.5, -1.0], a: 2.0}
nodes: {y: 'cube(w, a)', loss: sum(y)}
"""


def classes(text: str) -> dict[str, ast.ClassDef]:
    """The classes of a script."""
    return {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}


@pytest.mark.parametrize("path", SPECS[::5], ids=lambda path: path.stem)
def test_backward_has_a_line_for_each_gradient(path: Path) -> None:
    """Every spec is written: a class with forward and backward, in which each active node's gradient is a line."""
    spec = load_spec(str(path))
    text = export(spec)
    (_, backward) = [one for one in classes(text)[class_name(spec)].body if isinstance(one, ast.FunctionDef)]
    assigned = {t.id for s in backward.body if isinstance(s, ast.Assign) for t in s.targets if isinstance(t, ast.Name)}
    result = run(spec, Settings(terms=()))
    active = [node.name for node in result.nodes if node.gradient is not None]
    assert all(any(name.startswith(f"grad_{node}") for name in assigned) for node in active)


def executed(text: str) -> str:
    """What a script prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(text, "<script>", "exec"), {})
    return out.getvalue()


@pytest.mark.peers
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_gradcheck_passes(path: Path) -> None:
    """PyTorch's own check by differences confirms the derived backward, and the value is the spec's."""
    pytest.importorskip("torch")
    spec = load_spec(str(path))
    told = executed(export(spec))
    assert "gradcheck: True" in told or spec.hooks
    if not spec.backward and spec.grad_output is None:
        result = run(spec, Settings(terms=()))
        printed = float(told.partition("value: ")[2].partition("\n")[0])
        if result.output in result.by_name:
            np.testing.assert_allclose(printed, float(np.squeeze(result.by_name[result.output].value)), rtol=1e-5)


def test_a_function_of_ones_own_is_a_class(tmp_path: Path) -> None:
    """A function with a gradient written by hand gets a class whose backward is that gradient, and a gradcheck."""
    text = export(read_spec(OWN, "cubes.yaml", folder=tmp_path))
    assert set(classes(text)) == {"Cube", "Cubes"}
    assert "torch.autograd.gradcheck(Cube.apply" in text
    assert "3 * x ** 2" in ast.unparse(classes(text)["Cube"])


@pytest.mark.peers
def test_a_wrong_gradient_fails_its_gradcheck(tmp_path: Path) -> None:
    """The check can fail: a hand-written gradient that is wrong is refused by PyTorch."""
    pytest.importorskip("torch")
    text = export(read_spec(OWN.replace(b"* 3 *", b"* 2 *"), "cubes.yaml", folder=tmp_path))
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        executed(text)
