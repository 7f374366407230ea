"""The circle closes: what `export` writes, `import` reads back to a spec with the same gradients, and `grade` marks."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from backprop_cli.api.tasks import grade
from backprop_cli.language.reader import load_spec, read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.export import numpy_helpers
from backprop_cli.tasks.export.targets import exporter
from backprop_cli.tasks.importing.library.helpers import SUMS, source_sum
from backprop_cli.tasks.importing.reading import import_python

FOLDER = Path(__file__).resolve().parents[2] / "specs"
SPECS = sorted([*FOLDER.glob("*.yaml"), *FOLDER.glob("layers/*.yaml")])
SHORT = [path for path in SPECS if path.stem not in {"encoder_block", "transformer_encoder", "cnn", "vae", "lstm"}]


def assert_same_gradients(path: Path, target: str) -> None:
    """Compare the gradients of all leaves of a spec with those of its export, imported."""
    spec = load_spec(str(path))
    text = exporter(target)(spec, None)
    (imported,) = import_python(text.encode(), "exported.py")
    ours = run(spec, Settings(terms=())).by_name
    theirs = run(read_spec(imported.text.encode(), "exported.yaml", folder=None), Settings(terms=())).by_name
    compared = 0
    for name, node in ours.items():
        if node.gradient is not None and node.kind != "node":
            other = theirs.get(name) or theirs[f"{name}_"]
            assert other.gradient is not None
            np.testing.assert_allclose(other.gradient.value, node.gradient.value, rtol=1e-9, atol=1e-12)
            compared += 1
    assert compared


@pytest.mark.parametrize("target", ["torch", "numpy"])
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_survives_the_way_through_a_script(path: Path, target: str) -> None:
    """What a script says in numpy or PyTorch, seeds, passes and hooks too, is the spec that it was written from."""
    assert_same_gradients(path, target)


@pytest.mark.parametrize("path", SHORT[::3], ids=lambda path: path.stem)
def test_every_line_of_an_export_is_right(path: Path, tmp_path: Path) -> None:
    """A spec grades its own numpy export as wholly right, line by line."""
    script = tmp_path / f"{path.stem}.py"
    script.write_text(exporter("numpy")(load_spec(str(path)), None))
    marks = grade(str(path), str(script))
    assert marks.items
    assert {name: status for name, status in marks.items.items() if status != "right"} == {}


def test_the_helpers_of_exports_are_known_by_their_source() -> None:
    """The sums that the importer knows are those of what exports carry; another body is another function."""
    tree = ast.parse(Path(numpy_helpers.__file__).read_text())
    carried = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {name: source_sum(carried[name]) for name in SUMS} == SUMS
    changed = ast.parse(ast.unparse(carried["softmax"]).replace("x - np.max", "x + np.max")).body[0]
    assert isinstance(changed, ast.FunctionDef)
    assert source_sum(changed) != SUMS["softmax"]
